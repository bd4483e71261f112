// RUN: %clang -std=c11 -fplugin-arg-perdure-no-repairs -fplugin-arg-perdure-encoding=strict -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s
// RUN: %cc -std=c11 -target arm64-apple-ios -fptrauth-intrinsics -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s

// Clang 22 leaves the address of a string literal in a static initialiser
// unsigned. When this fails, Clang has been repaired: remove
// clang-plugin/StaticStrings.cpp.
#ifdef __PERDURE__
typedef const char *string __attribute__((perdure_persistent));
#else
typedef const char *__ptrauth(2, 1, 100) string;
#endif

// CHECK: @{{_?}}text = {{.*}}global ptr @.str
string text = "text";

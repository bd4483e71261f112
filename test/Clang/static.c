// RUN: %clang -std=c11 -fplugin-arg-perdure-encoding=strict -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s
// RUN: %clangxx -x c++ -std=c++20 -fplugin-arg-perdure-encoding=strict -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s

// Every pointer in a static initialiser is a constant of the encoding.
#include <perdure/perdure.h>

typedef const char *string PERDURE;
struct PERDURE node { struct node *next; const char *text; };

#ifdef __cplusplus
extern "C" {
#endif
// CHECK-DAG: @one = {{.*}}global ptr ptrauth (ptr @.str{{[.0-9]*}}, i32 2, i64 23810, ptr @one)
string one = "one";
// CHECK-DAG: @names = {{.*}}global [2 x ptr] [ptr ptrauth ({{.*}}ptr @names), ptr ptrauth (
string names[] = {"a", "b"};
// CHECK-DAG: @first = {{.*}}global %struct.node { ptr ptrauth (ptr @first, {{.*}}), ptr ptrauth (ptr @.str
struct node first = {&first, "text"};
// CHECK-DAG: @{{.*}}inside{{.*}} = internal global ptr ptrauth (
string function(void) {
  static string inside = "inside";
  return inside;
}
#ifdef __cplusplus
}
#endif

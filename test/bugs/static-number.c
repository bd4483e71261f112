// Clang 22 writes a pointer that is a number raw into a static initialiser of a
// qualified pointer. When the second RUN fails, Clang has been fixed and
// clang-plugin/StaticNumbers.cpp can go.
//
// RUN: %clang -emit-llvm -S -Xclang -disable-llvm-passes %s -o - | FileCheck %s --check-prefix=REPAIRED
// RUN: %clang -fplugin-arg-perdure-no-repairs -emit-llvm -S -Xclang -disable-llvm-passes %s -o - | FileCheck %s --check-prefix=BUG
// RUN: %clang -xc++ -std=c++20 -emit-llvm -S -Xclang -disable-llvm-passes %s -o - | FileCheck %s --check-prefix=REPAIRED

struct __attribute__((perdure_persistent)) node {
  struct node *next;
  long value;
  struct node *more[2];
};

// REPAIRED: @one = {{.*}}ptr ptrauth (ptr getelementptr (i8, ptr @perdure.absolute, i64 1), i32 2, i64 23808, ptr @one)
// BUG: @one = {{.*}}ptr inttoptr (i64 1 to ptr)
struct node one = {(struct node *)1, 2};
// REPAIRED: @nested = {{.*}}getelementptr (i8, ptr @perdure.absolute, i64 -1)
// REPAIRED-SAME: getelementptr (i8, ptr @perdure.absolute, i64 7)
struct node nested[2] = {{0, 1, {0, (struct node *)-1}}, {(struct node *)7}};
// Null stays null, and a number elsewhere stays a number.
// REPAIRED: @none = {{.*}}zeroinitializer
struct node none = {0};
// REPAIRED: @plain = {{.*}}inttoptr (i64 3 to ptr)
void *plain = (void *)3;

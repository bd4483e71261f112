// RUN: rm -rf %t && split-file %s %t
// RUN: %clangxx -std=c++20 --precompile %t/nodes.cppm -o %t/nodes.pcm
// RUN: %clangxx -std=c++20 -fmodule-file=nodes=%t/nodes.pcm -fsyntax-only -Xclang -verify %t/use.cpp
// RUN: %clangxx -std=c++20 -fmodule-file=nodes=%t/nodes.pcm -S -emit-llvm -Xclang -disable-llvm-passes %t/ir.cpp -o - | FileCheck %t/ir.cpp

// Modules carry annotations.
//--- nodes.cppm
export module nodes;
export struct [[perdure::persistent]] node { node *next; };
export template <class T> struct [[perdure::persistent]] box {
  T *value;
  [[perdure::transient]] T *kept;
};
//--- use.cpp
import nodes;
void use(node *n, box<int> &b) {
  node **p = &n->next;
  // expected-error@-1 {{declare it as 'perdure::ptr<node> *'}}
  int **q = &b.value;
  // expected-error@-1 {{declare it as 'perdure::ptr<int> *'}}
  int **kept = &b.kept;
}
//--- ir.cpp
import nodes;
// CHECK-LABEL: define {{.*}}copy
// CHECK: call {{.*}}@_ZNW5nodes4nodeC2ERKS0_
void copy(node *n) { node local = *n; }
// CHECK-LABEL: define {{.*}}next
// CHECK: call i64 @llvm.ptrauth.auth
node *next(node *n) { return n->next; }

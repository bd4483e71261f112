// RUN: rm -f %t.o
// RUN: not %clangxx -std=c++20 -c %s -o %t.o 2>&1 | FileCheck %s
// RUN: not ls %t.o

// The checks run when the TU is complete, and still keep code from being made.
// No message names the qualifier that stands behind a persistent pointer.
#include <perdure/perdure.h>

struct PERDURE node { node *next; };
// CHECK-NOT: ptrauth
// CHECK: error: reference 'r' would be bound to a decoded copy
// CHECK-NOT: ptrauth
void bind(node *n) { node *const &r = n->next; }

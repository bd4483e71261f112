// RUN: %clang -std=c11 -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s

// Loads decode, stores encode, assignments of records re-encode, and casts of
// values do nothing.
#include <perdure/perdure.h>

struct PERDURE node { struct node *next; struct node *kids[2]; long v; };
typedef struct node *node_ref PERDURE;

// CHECK-LABEL: define {{.*}}@load
// CHECK: call i64 @llvm.ptrauth.auth(i64 %{{.*}}, i32 2, i64 %
struct node *load(struct node *n) { return n->next; }
// CHECK-LABEL: define {{.*}}@store
// CHECK: call i64 @llvm.ptrauth.sign(i64 %{{.*}}, i32 2, i64 %
void store(struct node *n, struct node *m) { n->next = m; }
// CHECK-LABEL: define {{.*}}@assign
// CHECK: call void @__copy_assignment
void assign(struct node *n, struct node *m) { *n = *m; }
// CHECK-LABEL: define {{.*}}@by_alias
// CHECK: call i64 @llvm.ptrauth.resign
void by_alias(node_ref *a, node_ref *b) { *a = *b; }
// CHECK-LABEL: define {{.*}}@native
// CHECK-NOT: ptrauth
// CHECK: }
node_ref native(node_ref x) { return (node_ref)(void *)x; }
// CHECK-LABEL: define {{.*}}@literal
// CHECK-COUNT-2: call i64 @llvm.ptrauth.sign
// CHECK-NOT: llvm.ptrauth.sign
void literal(struct node *n) {
  struct node *p = &(struct node){.kids[1] = n, .next = n, .v = 3};
}

// Clang's output, imported and raised: fields, elements, translations and what loops
// carry, all in the dialect; then bases are hoisted there, and all of it goes back.
// RUN: %clang -g -O1 -Xclang -disable-llvm-passes -emit-llvm -S %s -o %t.ll
// RUN: %opt -passes='perdure-raise,function(sroa,simplifycfg)' -S %t.ll -o %t.early.ll
// RUN: perdure-translate --import-llvm %t.early.ll -o %t.llvm.mlir
// RUN: perdure-opt --perdure-raise --canonicalize --cse %t.llvm.mlir -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: perdure-opt --perdure-hoist-bases %t.mlir | FileCheck %s --check-prefix=BASES
// RUN: perdure-opt --perdure-to-llvm %t.mlir | perdure-translate --mlir-to-llvmir -o %t.back.ll
// RUN: FileCheck %s --check-prefix=BACK < %t.back.ll
// RUN: %opt -O2 -S %t.back.ll | FileCheck %s --check-prefix=O2
#include <perdure/perdure.h>
struct PERDURE node { struct node *next; long value; };
struct PERDURE list { struct node *head; int count; struct node *slots[4]; char name[8]; };

// The names of fields are debug info's.
// CHECK-DAG: !node = !perdure.record<"node", body {next: !perdure.ptr<!perdure.record<"node">>, value: i64}>
// CHECK-DAG: !list = !perdure.record<"list", body {head: !perdure.ptr<!node>, count: i32, slots: !perdure.array<4x!perdure.ptr<!node>>, name: !perdure.array<8xi8>}>
// CHECK-NOT: llvm.call @perdure.

// CHECK-LABEL: llvm.func @sum
// CHECK: %[[L:.*]] = perdure.cast %arg0 : !llvm.ptr to !perdure.native<!list>
// CHECK: %[[AT:.*]] = perdure.field %[[L]]["head"]
// CHECK: %[[BITS:.*]] = perdure.load %[[AT]] {tbaa = [#{{.*}}]} : <!perdure.ptr<!node>>
// CHECK: %[[HEAD:.*]] = perdure.decode %[[BITS]] at %[[AT]] : !perdure.ptr<!node>
// What the loop carries is a native pointer with a type.
// CHECK: cf.br ^[[LOOP:.*]](%{{.*}}, %[[HEAD]] : i64, !perdure.native<!node>)
// CHECK: ^[[LOOP]](%{{.*}}: i64, %[[N:.*]]: !perdure.native<!node>):
// CHECK: perdure.field %[[N]]["value"]
// CHECK: cf.br ^[[LOOP]]({{.*}} : i64, !perdure.native<!node>) {loop_annotation = #{{.*}}}
// BASES-LABEL: llvm.func @sum
// BASES: ^{{.*}}(%{{.*}}: i64, %{{.*}}: !perdure.native<!node>, %[[B:.*]]: !perdure.base):
// BASES: %[[NEXT:.*]] = perdure.decode %{{.*}} at %[[B]]
// BASES: perdure.base %[[NEXT]]
// The loop has its metadata again, and accesses Clang's alias information.
// BACK-LABEL: define{{.*}} @sum(
// BACK: load i64, {{.*}} !tbaa
// BACK: br label %{{.*}}, !llvm.loop
// O2-LABEL: define{{.*}} @sum(
// O2-NOT: and i64 %{{.*}}, -34359738368
// O2: perdure.slow
long sum(struct list *l) {
  long s = 0;
  for (struct node *n = l->head; n; n = n->next)
    s += n->value;
  return s;
}

// CHECK-LABEL: llvm.func @push
// CHECK: perdure.reencode %{{.*}} from %{{.*}} to %{{.*}} : !perdure.ptr<!node>
// CHECK: perdure.encode %{{.*}} at %{{.*}} : !perdure.ptr<!node>
// CHECK: perdure.field %{{.*}}["count"]
void push(struct list *l, struct node *n) {
  n->next = l->head;
  l->head = n;
  l->count++;
}

// CHECK-LABEL: llvm.func @slot
// CHECK: perdure.field %{{.*}}["slots"]
// CHECK: perdure.element %{{.*}}[%arg1 : i64] : <!perdure.array<4x!perdure.ptr<!node>>>
// CHECK: perdure.decode
long slot(struct list *l, long i) { return l->slots[i]->value; }

// A persistent pointer to persistent pointers, which are elements.
// CHECK-LABEL: llvm.func @element
// CHECK: perdure.element %{{.*}}[%arg1 : i64] : <!perdure.ptr<!node>>
// CHECK: perdure.decode %{{.*}} at %{{.*}} : !perdure.ptr<!node>
typedef struct node *node_ref PERDURE;
long element(node_ref *all, long i) { return all[i]->value; }

// What is not plain stays as it is.
// CHECK-LABEL: llvm.func @volatile_load
// CHECK: llvm.load volatile
long volatile_load(struct node *n) { return *(volatile long *)&n->value; }

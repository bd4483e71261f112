// Which functions have copies, under which names, and what the table says.
// RUN: %clang -O0 -S -emit-llvm %s -o - | FileCheck %s
// RUN: %clang -O0 -S -emit-llvm -fplugin-arg-perdure-tx-clones %s -o - | FileCheck --check-prefix=ALL %s
// RUN: %clang -O0 -S -emit-llvm -DNO_POINTERS %s -o - | FileCheck --check-prefix=FEW %s
// A second run finds nothing to do.
// RUN: %clang -O0 -S -emit-llvm -fplugin-arg-perdure-tx-clones %s -o %t.ll
// RUN: %opt -S -passes=perdure-transactions %t.ll -o - | FileCheck --check-prefix=ALL %s
#include <perdure/attributes.h>

struct table { void (*f)(long *), (*g)(long *); };
PERDURE_IN_TRANSACTION void elsewhere(long *);
PERDURE_TX_SAFE void harmless(long *);
void unmarked(long *);
__attribute__((weak)) void replaceable(long *p) { *p = 1; }
static void local(long *p) { *p = 2; }
void global(long *p) { *p = 3; }
void rare(long *p) { unmarked(p); }
int main(void) { return 0; }
static void *labels(long *p, int n) {
  static void *const targets[] = {&&one, &&two};
  goto *targets[n];
one:
  *p = 1;
two:
  return targets[0];
}
void *(*computed)(long *, int) = labels;

// The table: copies, the marked as they are, and the definition that this file has
// of a function that another may replace.
// CHECK: @perdure.tx.clones = internal constant [{{[0-9]+}} x { ptr, ptr }]
// CHECK-SAME: { ptr @local, ptr @local.perdure_tx }
// CHECK-SAME: { ptr @elsewhere, ptr @elsewhere.perdure_tx }
// CHECK-SAME: { ptr @harmless, ptr @harmless }
// CHECK-SAME: { ptr @marked, ptr @marked }
// CHECK-SAME: section "perdure_tx_clones", align 8
// CHECK: @llvm.used = {{.*}}@perdure.tx.clones
// CHECK: @marked.perdure_tx = alias void (ptr), ptr @marked
// FEW: @perdure.tx.clones = internal constant
// FEW-NOT: @local.perdure_tx
// FEW: section
// ALL: @perdure.tx.clones = internal constant
// ALL-SAME: { ptr @global, ptr @global.perdure_tx }
// ALL-SAME: { ptr @replaceable.perdure_tx.original, ptr @replaceable.perdure_tx.own }
// ALL-SAME: { ptr @rare, ptr @rare.perdure_tx }
// ALL-NOT: @main
// ALL-NOT: @labels
// ALL-SAME: section
// ALL: @replaceable.perdure_tx.original = internal alias void (ptr), ptr @replaceable
struct table table = {local, elsewhere};
void (*pointer)(long *) = harmless;

#ifndef NO_POINTERS
// Only the target of the call changes.
// CHECK-LABEL: define {{.*}}@compare(
// CHECK: icmp eq ptr %{{.*}}, @local
// CHECK: %[[I:.*]] = call ptr @__perdure_tx_clone(ptr
// CHECK: call void %[[I]](
PERDURE_IN_TRANSACTION int compare(struct table *t, long *p) {
  int same = t->f == local;
  t->f(p);
  return same;
}
#endif
// Outside transactions, too, a declared one has to be one.
// CHECK-LABEL: define {{.*}}@plain(
// CHECK: call void @elsewhere.perdure_tx(
// CHECK: call void @harmless(
// CHECK: call void @unmarked(
void plain(long *p) {
  elsewhere(p);
  harmless(p);
  unmarked(p);
}
// CHECK-LABEL: define {{.*}}@marked(
// CHECK: call void @global.perdure_tx(
PERDURE_IN_TRANSACTION void marked(long *p) { global(p); }

// Without the flag the copy is this file's own.
// CHECK: define internal void @global.perdure_tx(
// ALL: define dso_local void @global.perdure_tx(
// What may never be called asks for its callee when it is.
// ALL: define dso_local void @rare.perdure_tx(
// ALL: icmp eq ptr @unmarked.perdure_tx, null
// ALL: call ptr @__perdure_tx_clone(ptr @unmarked)
// ALL: phi ptr [ @unmarked.perdure_tx,
// ALL: declare extern_weak void @unmarked.perdure_tx(
// ALL: define weak dso_local void @replaceable.perdure_tx(
// ALL: call ptr @__perdure_tx_clone(ptr @replaceable)
// ALL-NEXT: musttail call void

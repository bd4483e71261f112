// A function that turns out to be known is looked up by the compiler: its copy, or
// the function itself where it logs. Not one that the linker may replace, and not
// one that this file has no row for.
// RUN: %clang -O2 -S -emit-llvm %s -o - | FileCheck %s
// RUN: %clang -O2 -flto -S -emit-llvm %s -o - | FileCheck %s
// RUN: %clang -O0 -S -emit-llvm %s -o - | FileCheck --check-prefix=PLAIN %s
// PLAIN: call ptr @__perdure_tx_clone(ptr
#include <perdure/attributes.h>
#define IN PERDURE_IN_TRANSACTION
#define OUT __attribute__((noinline))

static OUT void local(long *p, long n) { *p = n; }
IN OUT void marked(long *p, long n) { p[1] = n; }
__attribute__((weak)) void weak(long *p, long n) { p[2] = n; }
void unknown(long *p, long n);

typedef void action(long *, long);
static void apply(action *f, long *p) { f(p, 3); }

// CHECK-LABEL: @known(
// CHECK-NOT: @__perdure_tx_clone
// CHECK: call {{.*}}void @local.perdure_tx(ptr
// CHECK-NOT: @__perdure_tx_clone
// CHECK: ret void
IN void known(long *p) { apply(local, p); }
// CHECK-LABEL: @is_marked(
// CHECK-NOT: @__perdure_tx_clone
// CHECK: call {{.*}}void @marked(ptr
// CHECK-NOT: @__perdure_tx_clone
// CHECK: ret void
IN void is_marked(long *p) { apply(marked, p); }
// CHECK-LABEL: @replaceable(
// CHECK: call ptr @__perdure_tx_clone(ptr nonnull @weak)
IN void replaceable(long *p) { apply(weak, p); }
// CHECK-LABEL: @elsewhere(
// CHECK: call ptr @__perdure_tx_clone(ptr nonnull @unknown)
IN void elsewhere(long *p) { apply(unknown, p); }
// CHECK-LABEL: @given(
// CHECK: call ptr @__perdure_tx_clone(ptr
IN void given(action *f, long *p) { apply(f, p); }

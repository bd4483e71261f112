/* Sites cost no instruction, and nothing at all without -g. With -g every access
 * that the machine makes has one, also those that instruction selection folds
 * into something else.
 *
 * REQUIRES: lld
 * RUN: %perdure_cc -g -O2 -c %s -o %t.o && llvm-objcopy -O binary -j .text %t.o %t.text
 * RUN: %perdure_cc -g -O2 -fperdure-no-sites -c %s -o %t.none.o && llvm-objcopy -O binary -j .text %t.none.o %t.none.text
 * RUN: cmp %t.text %t.none.text
 * RUN: %perdure_cc -O2 -c %s -o %t.bare.o && llvm-objcopy -O binary -j .text %t.bare.o %t.bare.text
 * RUN: cmp %t.text %t.bare.text
 * RUN: llvm-readelf -S %t.o | FileCheck %s --check-prefix=WITH
 * RUN: llvm-readelf -S %t.none.o | FileCheck %s --check-prefix=WITHOUT
 * RUN: llvm-readelf -S %t.bare.o | FileCheck %s --check-prefix=WITHOUT
 * RUN: %perdure_cc -g -O2 -S %s -o - | grep -v '\.loc\|DEBUG_VALUE\|Ltmp' | FileCheck %s --check-prefix=FOLDED
 * RUN: %perdure_cc -g -O2 -S --target=aarch64-linux-gnu -ffreestanding -nostdlibinc %s -o - | grep -v '\.loc\|DEBUG_VALUE\|Ltmp' | FileCheck %s --check-prefix=ARM
 *
 * With the function goes its part of the table.
 * RUN: %perdure_cc -g -O2 -ffunction-sections -Wl,--gc-sections -DMAIN %s -o %t && llvm-objdump -s -j perdure_sites %t 2>&1 | FileCheck %s --check-prefix=NOTHING
 * RUN: %perdure_cc -g -O2 -fuse-ld=lld -ffunction-sections -Wl,--gc-sections -DMAIN %s -o %t && llvm-objdump -s -j perdure_sites %t 2>&1 | FileCheck %s --check-prefix=NOTHING
 *
 * WITH-DAG: perdure_sites {{.*}} WAL
 * WITH-DAG: perdure_names {{.*}} AR
 * WITHOUT-NOT: perdure_sites
 * WITHOUT-NOT: perdure_names
 * FOLDED-LABEL: count:
 * FOLDED: .Lpcsection{{.*}}:
 * FOLDED-NEXT: cmpq %{{.*}}, {{[0-9]*}}(
 * ARM-LABEL: count:
 * ARM: .Lpcsection{{[0-9]+}}:
 * ARM-NEXT: ldp
 * ARM: .section perdure_sites,"awo",@progbits,.text
 * ARM-NEXT: .Lpcsection_base
 * ARM-NEXT: .word .Lpcsection
 * NOTHING: warning: section 'perdure_sites' mentioned {{.*}} not found
 */
#include <perdure/attributes.h>

struct PERDURE node {
  struct node *next;
  long value;
};

long count(struct node *n, long value) {
  long found = 0;
  for (; n; n = n->next)
    found += n->value == value;
  return found;
}

#ifdef MAIN
int main(void) { return 0; }
#endif

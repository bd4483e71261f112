// Slots of saved registers, and gaps, with their CFI, by -fperdure-reduce-flips=frames.
// RUN: %perdure_cc -O2 -fperdure-reduce-flips=frames -mllvm -verify-machineinstrs -S -o - %s | FileCheck %s
// RUN: %perdure_cc -O2 -S -o - %s | FileCheck %s --check-prefix=PLAIN
long g(long *);

// PLAIN-LABEL: three:
// PLAIN: .cfi_offset %rbx, -32
// CHECK-LABEL: three:
// CHECK: pushq %rbx
// CHECK-NEXT: .cfi_def_cfa_offset 16
// CHECK-NEXT: pushq %r14
// CHECK-NEXT: .cfi_def_cfa_offset 24
// CHECK-NEXT: pushq %r15
// CHECK-NEXT: .cfi_def_cfa_offset 32
// CHECK-NEXT: subq $32, %rsp
// CHECK-NEXT: .cfi_def_cfa_offset 64
// CHECK-DAG: .cfi_offset %rbx, -16
// CHECK-DAG: .cfi_offset %r14, -24
// CHECK-DAG: .cfi_offset %r15, -32
long three(long x, long *p) {
  long y = x + *p, z = p[1];
  g(p);
  p[2] = z;
  g(p);
  return y + z;
}

// A gap for rbx, which has no CFI.
// CHECK-LABEL: gap:
// CHECK: addq $-8, %rsp
// CHECK-NEXT: .cfi_def_cfa_offset 16
// CHECK-NEXT: pushq %r14
// CHECK-NEXT: .cfi_def_cfa_offset 24
// CHECK-NEXT: .cfi_offset %r14, -24
// CHECK-NOT: rbx
// CHECK: popq %r14
// CHECK-NEXT: .cfi_def_cfa_offset 16
// CHECK-NEXT: addq $8, %rsp
// CHECK-NEXT: .cfi_def_cfa_offset 8
// CHECK-NEXT: retq
long gap(long x) {
  __asm__ volatile("" ::: "r14");
  return x;
}

// A frame pointer here alone: rbx is in the last slot, gaps are made one.
// CHECK-LABEL: dynamic:
// CHECK: pushq %r14
// CHECK-NEXT: pushq %r15
// CHECK-NEXT: addq $-16, %rsp
// CHECK-NEXT: pushq %rbx
// CHECK-DAG: .cfi_offset %rbx, -56
// CHECK-DAG: .cfi_offset %r15, -32
// CHECK-DAG: .cfi_offset %r14, -24
// CHECK: popq %rbx
// CHECK-NEXT: addq $16, %rsp
// CHECK-NEXT: popq %r15
// CHECK-NEXT: popq %r14
// CHECK-NEXT: popq %rbp
long dynamic(long x, long *p) {
  long v[x];
  g(v);
  return v[1] + *p;
}

// Others' conventions stay as they are.
// CHECK-LABEL: preserves:
// CHECK-NOT: .cfi_offset %rbx, -16
// CHECK: retq
__attribute__((preserve_most)) long preserves(long x, long *p) {
  return g(p) + x;
}

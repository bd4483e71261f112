/* gdb finds the caller and the registers that it had, from every instruction of functions
 * laid out by -fperdure-reduce-flips=frames.
 *
 * REQUIRES: gdb
 * UNSUPPORTED: sanitized
 * RUN: %perdure_cc -O0 -fperdure-reduce-flips=frames %s -o %t0
 * RUN: %gdb -ex 'set $step="stepi"' -x %S/Inputs/frames.py %t0 2>&1 | FileCheck %s
 * RUN: %perdure_cc -O2 -fperdure-reduce-flips=frames %s -o %t2
 * RUN: %gdb -ex 'set $step="stepi"' -x %S/Inputs/frames.py %t2 2>&1 | FileCheck %s
 * RUN: %perdure_cc -O2 -fno-omit-frame-pointer -flto=thin -fuse-ld=lld -fperdure-reduce-flips=frames %s -o %t3
 * RUN: %gdb -ex 'set $step="stepi"' -x %S/Inputs/frames.py %t3 2>&1 | FileCheck %s
 * RUN: %perdure_cc -O2 -mllvm -enable-ipra -fperdure-reduce-flips=frames %s -o %t4
 * RUN: %gdb -ex 'set $step="stepi"' -x %S/Inputs/frames.py %t4 2>&1 | FileCheck %s
 * Where machine code is counted, the inserted instructions as well; over the profiler, which
 * finds a breakpoint behind its call.
 * RUN: %perdure_cc -O0 -w -fperdure-flips=all -fperdure-reduce-flips=frames %s -o %t5
 * RUN: %gdb -ex 'set $step="nexti"' -x %S/Inputs/frames.py %t5 2>&1 | FileCheck %s
 * RUN: %perdure_cc -O2 -w -fperdure-flips=all %s -o %t6
 * RUN: %gdb -ex 'set $step="nexti"' -x %S/Inputs/frames.py %t6 2>&1 | FileCheck %s
 *
 * CHECK: three: {{[1-9][0-9]+}} instructions, 0 wrong
 * CHECK: gap: {{[1-9][0-9]*}} instructions, 0 wrong
 * CHECK: dynamic: {{[1-9][0-9]+}} instructions, 0 wrong
 */
#define FUNCTION __attribute__((noinline, used)) long

FUNCTION leaf(long X, long *P) {
  __asm__ volatile("mov %0, %%rbx; mov %0, %%r12; mov %0, %%r13; mov %0, %%r14; mov %0, %%r15"
                   :
                   : "r"(X)
                   : "rbx", "r12", "r13", "r14", "r15");
  return *P + X;
}
FUNCTION three(long X, long *P) {
  long Y = X + *P, Z = P[1];
  Y += leaf(X, P);
  P[2] = Z;
  return leaf(Y, P) + Y + Z;
}
FUNCTION gap(long X, long *P) {
  __asm__ volatile("xor %%r14d, %%r14d" : : : "r14");
  return X + *P;
}
FUNCTION dynamic(long X, long *P) {
  long *V = (long *)__builtin_alloca((unsigned long)(8 * (X + 3)));
  V[0] = V[1] = X;
  leaf(X, V);
  return V[1] + *P;
}

int main(void) {
  long P[3] = {5, 6, 7}, X = 2;
  __asm__ volatile("" : "+r"(X));
  long Sum = three(X, P) + gap(X, P) + dynamic(X, P);
  return Sum == 0;
}

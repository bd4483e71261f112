// Functions that -fperdure-reduce-flips=frames leaves alone are as without it, to the last instruction.
// RUN: %perdure_cc -O2 -S -o %t.plain %s
// RUN: %perdure_cc -O2 -fperdure-reduce-flips=frames -S -o %t.frames %s
// RUN: diff %t.plain %t.frames
// RUN: %perdure_cc -O2 -S -o %t.other -DOTHERS %s
// RUN: %perdure_cc -O2 -fperdure-reduce-flips=frames -S -o %t.laid -DOTHERS %s
// RUN: not diff %t.other %t.laid
long g(long *);
#define BODY                                                                                       \
  {                                                                                                \
    long Y = X + *P, Z = P[1];                                                                     \
    g(P);                                                                                          \
    P[2] = Z;                                                                                      \
    g(P);                                                                                          \
    return Y + Z;                                                                                  \
  }
// Aligned by a push of whatever a register holds.
#define CALLS                                                                                      \
  { return g(P) + 1; }
__attribute__((preserve_most)) long most(long X, long *P) BODY
__attribute__((preserve_most)) long most_calls(long *P) CALLS
__attribute__((preserve_all)) long all(long X, long *P) BODY
__attribute__((preserve_none)) long none(long X, long *P) BODY
__attribute__((preserve_none)) long none_calls(long *P) CALLS
__attribute__((ms_abi)) long windows(long X, long *P) BODY
__attribute__((regcall)) long registers(long X, long *P) BODY
__attribute__((no_caller_saved_registers, target("general-regs-only"))) long keeps(long X, long *P) {
  return X + *P;
}
__attribute__((minsize)) long small(long X, long *P) BODY
__attribute__((minsize)) long small_calls(long *P) CALLS
#ifdef OTHERS
long laid_out(long X, long *P) BODY
#endif

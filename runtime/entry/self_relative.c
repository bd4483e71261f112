/*===- self_relative.c - The twins of the encoding self-relative ----------===*\
|*
|* passes/encodings/SelfRelative.cpp says what the bits are.
|*
\*===----------------------------------------------------------------------===*/
#include "entry/twins.h"

DECLARE_TWINS(self_relative);

/* In volatile memory: a pointer to itself. */
static const uint64_t Self = (uint64_t)1 << PerdureAbiForeignBit;

/* Foreign index 0: what a pointer to itself is stored as in an object. */
static int leadsToItself(uint64_t Bits) {
  return Bits >> PerdureAbiOffsetBits ==
         (uint64_t)1 << (PerdureAbiForeignBit - PerdureAbiOffsetBits);
}

/* Whether Sum lies in the slot of C, and is not C. */
static int isNear(uint64_t Sum, uint64_t C) {
  return (Sum ^ C) - 1 < perdureSlotBytes(SLOT_BITS) - 1;
}

void *__perdure_decode_self_relative(uint64_t Bits, const void *Container) {
  uint64_t C = (uint64_t)Container, Sum = C + Bits;
  if (isNear(Sum, C))
    return (void *)Sum;
  if (Bits == 0)
    return NULL;
  if (!inWindow(Container))
    return (void *)(Bits == Self ? C : Sum);
  return __perdure_decode_object(Bits, Container);
}

uint64_t __perdure_encode_self_relative(const void *Native,
                                        const void *Container,
                                        const char *Where) {
  uint64_t P = (uint64_t)Native, C = (uint64_t)Container;
  if (P == 0)
    return 0;
  if (inWindow(Container)) {
    uint64_t Offset = P - baseOf(Container);
    if (Offset < perdureLimit(SLOT_BITS))
      return P == C ? perdureMakeForeign(0, Offset) : P - C;
  } else if (P == C) {
    return Self;
  } else if (P - C != Self) {
    return P - C;
  }
  /* Another object, a constant, an escape; or no address at all. */
  return __perdure_encode_cold(Native, Container, Where);
}

uint64_t __perdure_reencode_self_relative(uint64_t Bits, const void *From,
                                          const void *To, const char *Where) {
  uint64_t F = (uint64_t)From, T = (uint64_t)To, P = F + Bits;
  if (Bits == 0 || F == T)
    return Bits;
  if (inWindow(From) && inOneSlot(From, To)) {
    if (leadsToItself(Bits))
      P = baseOf(From) + perdureForeignOffset(Bits);
    else if (!isNear(P, F))
      return Bits; /* the same everywhere in the object */
    return P == T ? perdureMakeForeign(0, T - baseOf(To)) : P - T;
  }
  return __perdure_encode_self_relative(
      __perdure_decode_self_relative(Bits, From), To, Where);
}

DEFINE_COLD(self_relative)

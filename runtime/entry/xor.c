/*===- xor.c - The twins of the encoding xor ------------------------------===*\
|*
|* passes/encodings/Xor.cpp says what the bits are.
|*
\*===----------------------------------------------------------------------===*/
#include "entry/twins.h"

DECLARE_TWINS(xor);

/* Foreign index 0: what a pointer to itself is stored as in an object. */
static int leadsToItself(uint64_t Bits) {
  return Bits >> PerdureAbiOffsetBits ==
         (uint64_t)1 << (PerdureAbiForeignBit - PerdureAbiOffsetBits);
}

static int isNear(uint64_t Bits) {
  return Bits - 1 < perdureSlotBytes(SLOT_BITS) - 1;
}

void *__perdure_decode_xor(uint64_t Bits, const void *Container) {
  if (isNear(Bits))
    return (void *)((uint64_t)Container ^ Bits);
  return __perdure_decode_object(Bits, Container);
}

uint64_t __perdure_encode_xor(const void *Native, const void *Container,
                              const char *Where) {
  uint64_t P = (uint64_t)Native, C = (uint64_t)Container;
  if (P != 0 && inWindow(Container)) {
    uint64_t Offset = P - baseOf(Container);
    if (Offset < perdureLimit(SLOT_BITS))
      return P == C ? perdureMakeForeign(0, Offset) : P ^ C;
  }
  return __perdure_encode_object(Native, Container, Where);
}

uint64_t __perdure_reencode_xor(uint64_t Bits, const void *From, const void *To,
                                const char *Where) {
  int FromIn = inWindow(From), ToIn = inWindow(To);
  if (Bits == 0 || From == To || (!FromIn && !ToIn))
    return Bits;
  if (FromIn && inOneSlot(From, To)) {
    uint64_t P = (uint64_t)From, T = (uint64_t)To;
    if (leadsToItself(Bits))
      P = baseOf(From) + perdureForeignOffset(Bits);
    else if (isNear(Bits))
      P ^= Bits;
    else
      return Bits; /* the same everywhere in the object */
    return P == T ? perdureMakeForeign(0, T - baseOf(To)) : P ^ T;
  }
  return __perdure_encode_xor(__perdure_decode_xor(Bits, From), To, Where);
}

DEFINE_COLD(xor)

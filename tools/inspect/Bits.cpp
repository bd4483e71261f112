//===- Bits.cpp - Where a persistent pointer leads ------------------------===//

#include "Bits.h"

#include <cstring>

using namespace inspect;

namespace {
#define PERDURE_ENCODING_NUMBER(Name, Value, Doc) constexpr uint64_t Name = Value;
#include <perdure/encodings.def>
#define PERDURE_ABI_NUMBER(Name, Value, Doc) constexpr uint64_t Abi##Name = Value;
#include <perdure/abi.def>
} // namespace

// The entry archive's.
#define TWINS(Name)                                                            \
  extern "C" void *__perdure_decode_##Name(uint64_t, const void *);            \
  extern "C" uint64_t __perdure_encode_##Name(const void *, const void *,      \
                                              const char *)
TWINS(object);
TWINS(self_relative);
TWINS(xor);
TWINS(region_id);

const std::vector<const Encoding *> &Encoding::all() {
#define ROW(Text, Twin, Inverts, Lazy)                                         \
  {Text, __perdure_decode_##Twin, __perdure_encode_##Twin, Inverts, Lazy}
  static const Encoding Table[] = {
      ROW("object", object, false, false),
      ROW("self-relative", self_relative, false, false),
      ROW("xor", xor, false, false),
      ROW("region-id", region_id, false, false),
      ROW("fat-lookup", region_id, false, false), // the same bits
      ROW("lazy-null", object, false, true),
      ROW("inverted", object, true, false),
      ROW("lazy-null-inverted", object, true, true),
      ROW("xor-lazy-null", xor, false, true),
      ROW("xor-inverted", xor, true, false),
      ROW("xor-lazy-null-inverted", xor, true, true)};
#undef ROW
  static const std::vector<const Encoding *> All = [] {
    std::vector<const Encoding *> Each;
    for (const Encoding &E : Table)
      Each.push_back(&E);
    return Each;
  }();
  return All;
}

const Encoding *Encoding::find(const std::string &Name) {
  for (const Encoding *E : all())
    if (E->Name == Name)
      return E;
  return nullptr;
}

uint64_t inspect::bitsAt(const Object &O, uint64_t Offset) {
  uint64_t Bits;
  memcpy(&Bits, O.at(Offset), sizeof(Bits));
  return Bits;
}

uint64_t Encoding::peel(uint64_t Bits) const {
  // docs/Encodings.md, "Why they are right": the mark lies above the bit that
  // inverts, and neither is set in what else there is.
  if (Lazy && Bits >> NullMarkBit == 1)
    return 0;
  if (Inverts && Bits >> InvertedBit == 1)
    Bits ^= InvertedBits;
  return Bits;
}

Target Encoding::decode(Object &O, uint64_t Offset) const {
  Target T;
  const void *Container = O.at(Offset);
  uint64_t Bits = peel(bitsAt(O, Offset));
  T.Value = Bits;
  if (!Bits)
    return T;
  uint64_t Address = (uint64_t)Decode(Bits, Container);
  if (O.isNear(Address)) {
    T.Is = Target::Here;
    T.Offset = Address - O.Base;
  } else if (Bits >> AbiForeignBit && perdure_in_object((const void *)Address)) {
    T.Is = Target::Foreign;
    T.Offset = perdure_offset((const void *)Address);
    T.To = O.Owner.at(Address);
    if (Decode != __perdure_decode_region_id)
      T.Index = Bits >> AbiOffsetBits & ((uint64_t(1) << AbiFotIndexBits) - 1);
  } else {
    bool Small = Address < AbiConstantReach || -Address <= AbiConstantReach;
    T.Is = Small ? Target::Number : Target::Address;
    T.Value = Address;
  }
  return T;
}

uint64_t Encoding::decodeHere(const Object &O, uint64_t Offset) const {
  uint64_t Bits = peel(bitsAt(O, Offset));
  // No encoding has a foreign index whose resolution would be of use here; that of
  // the object itself is 0, and regions are only told by their table.
  if (!Bits || (Bits >> AbiForeignBit && Decode == __perdure_decode_object &&
                (Bits << 1) >> (AbiOffsetBits + 1)))
    return 0;
  uint64_t Address = (uint64_t)Decode(Bits, O.at(Offset));
  return O.isNear(Address) ? Address - O.Base : 0;
}

uint64_t Encoding::encode(const void *Container, const void *To) const {
  // Complements and marks are a choice: what is stored without is right, too.
  return Encode(To, Container, nullptr);
}

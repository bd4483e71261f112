//===- advice.cpp - What other policies would have flipped ----------------===//

#include "flips/advice.h"

#include <new>
#include <string.h>

using namespace perdure::flips;

constexpr uint64_t PageBytes = PerdureFlipsPageBytes;
constexpr unsigned Encodings = XorLazyNullInvertedPolicy + 1;

struct Advisor::Words {
  uint64_t Known[8];              // words of which the next two tell, as bits
  uint64_t Under[512][Encodings]; // the pointer's bits
  uint32_t Pointer[512];          // the place that stored it
  uint64_t Covered[512];          // bytes of zeroes, as masks
  uint64_t Before[512];           // what they cover
  uint32_t Zeroes[512];           // the place that wrote them
};

static uint64_t ones(uint64_t Word) {
  return (uint64_t)__builtin_popcountll(Word);
}

//===----------------------------------------------------------------------===//
// The encodings, as passes/encodings has them, of the same numbers
//===----------------------------------------------------------------------===//

namespace {
#define PERDURE_ABI_NUMBER(Name, Value, Doc) constexpr uint64_t Name = Value;
#include "perdure/abi.def"
#define PERDURE_ENCODING_NUMBER(Name, Value, Doc)                              \
  constexpr uint64_t Name = Value;
#include "perdure/encodings.def"

/// What an encoding is made of.
struct Layers {
  bool Xor, Inverts, Lazy;
};
} // namespace

static Layers layersOf(Policy Encoding) {
  switch (Encoding) {
#define PERDURE_ENCODING_LAYERS(Name, Xor, Inverts, Lazy)                      \
  case Name##Policy:                                                           \
    return {Xor, Inverts, Lazy};
#include "perdure/encodings.def"
  default:
    return {};
  }
}

static bool isNear(uint64_t Bits, unsigned SlotSize) {
  return Bits && Bits >> SlotSize == 0;
}

static uint64_t xorWith(uint64_t Bits, uint64_t Offset, unsigned SlotSize) {
  if (!isNear(Bits, SlotSize))
    return Bits;
  return Bits == Offset ? uint64_t(1) << ForeignBit | Offset : Bits ^ Offset;
}

static uint64_t invert(uint64_t Bits, unsigned SlotSize, uint64_t Old) {
  if (!isNear(Bits, SlotSize))
    return Bits >> InvertedBit == 1 ? Bits | uint64_t(1) << TaggedBit : Bits;
  bool More = ones((Bits ^ Old) & InvertedBits) > ones(InvertedBits) / 2;
  return More ? Bits ^ InvertedBits : Bits;
}

static uint64_t markNull(uint64_t Bits, uint64_t Old) {
  constexpr uint64_t Mark = uint64_t(1) << NullMarkBit;
  return Bits || !Old ? Bits : (Old & (Mark - 1)) | Mark;
}

uint64_t perdure::flips::encodeUnder(Policy Encoding, uint64_t Bits,
                                     uint64_t Offset, unsigned SlotSize,
                                     uint64_t Old) {
  Layers L = layersOf(Encoding);
  if (L.Xor)
    Bits = xorWith(Bits, Offset, SlotSize);
  if (L.Inverts)
    Bits = invert(Bits, SlotSize, Old);
  return L.Lazy ? markNull(Bits, Old) : Bits;
}

//===----------------------------------------------------------------------===//
// Writes
//===----------------------------------------------------------------------===//

Estimates &Advisor::of(const perdure_flips_site &S) {
  if (Estimates *Known = Sites.get(S.number))
    return *Known;
  auto *E = new (takeMemory(sizeof(Estimates))) Estimates;
  for (const KnownFields *F = Fields; F && S.field; F = F->Next)
    for (uint64_t I = 0; I != F->Count; ++I)
      if (!strcmp(F->Names[I], S.field)) {
        E->SlotBits = F->SlotBits ? (unsigned)F->SlotBits : E->SlotBits;
        E->Number = E->Number || !F->SlotBits;
      }
  Sites.set(S.number, E);
  return *E;
}

static void add(Estimate &E, uint64_t Now, uint64_t Under) {
  ++E.Writes;
  E.Now += Now;
  E.Under += Under;
}

// A word of memory, of which the bytes in Mask are written.
void Advisor::word(Estimates &E, uint64_t Number, uint64_t Address,
                   uint64_t Old, uint64_t New, uint64_t Mask, bool Pointer,
                   bool Zeroes) {
  Words *P = Pages.get(Address / PageBytes);
  if (!P) {
    if (!Pointer && !(Zeroes && (Old & Mask)))
      return;
    P = static_cast<Words *>(takeMemory(sizeof(Words)));
    Pages.set(Address / PageBytes, P);
  }
  uint64_t I = Address % PageBytes / 8;

  // Zeroes over zeroes leave what was before the first of them.
  uint64_t Over = Zeroes ? 0 : P->Covered[I] & Mask;
  if (Over) {
    uint64_t Was = P->Before[I] & Over, Is = New & Over;
    add(Sites.get(P->Zeroes[I])->Of[ZeroingPolicy], ones(Was) + ones(Is),
        ones(Was ^ Is));
    P->Covered[I] &= ~Mask;
  } else if (Zeroes && (Old & Mask)) {
    uint64_t Fresh = Mask & ~P->Covered[I];
    P->Before[I] = (P->Before[I] & ~Fresh) | (Old & Fresh);
    P->Covered[I] |= Mask;
    P->Zeroes[I] = (uint32_t)Number;
  }

  uint64_t &Known = P->Known[I / 64], Bit = uint64_t(1) << I % 64;
  uint64_t(&Under)[Encodings] = P->Under[I];
  uint64_t Flips = ones(Old ^ New);
  if (Pointer) {
    uint64_t Offset = Address & ((uint64_t(1) << E.SlotBits) - 1);
    for (unsigned K = 0; K != Encodings; ++K) {
      uint64_t Held = Known & Bit
                          ? Under[K]
                          : encodeUnder(Policy(K), Old, Offset, E.SlotBits, 0);
      Under[K] = encodeUnder(Policy(K), New, Offset, E.SlotBits, Held);
      add(E.Of[K], Flips, ones(Held ^ Under[K]));
    }
    Known |= Bit;
    P->Pointer[I] = (uint32_t)Number;
  } else if (Known & Bit) {
    Estimates &Owner = *Sites.get(P->Pointer[I]);
    for (unsigned K = 0; K != Encodings; ++K) {
      Owner.Of[K].OthersNow += Flips;
      Owner.Of[K].OthersUnder += ones((Under[K] ^ New) & Mask);
    }
    Known &= ~Bit;
  }
}

static uint64_t wordAt(const void *P, uint64_t Bytes) {
  uint64_t Word = 0;
  memcpy(&Word, P, Bytes);
  return Word;
}

// Numbers, and what is stored to one word twice in a row.
void Advisor::scalar(Estimates &E, const Written &W) {
  uint64_t Old = wordAt(W.Before, W.Bytes), New = wordAt(W.What, W.Bytes);
  if (E.Number && !E.SlotBits)
    add(E.Of[GrayPolicy], ones(Old ^ New),
        ones(Old ^ Old >> 1 ^ New ^ New >> 1));
  auto Address = (uint64_t)W.P;
  uint64_t Flips = (Old ^ New) << Address % 8 * 8;
  static thread_local char ThisThread
      __attribute__((tls_model("initial-exec")));
  if (Address / 8 != (Address + W.Bytes - 1) / 8) {
    LastThread = nullptr;
    return;
  }
  if (LastThread == &ThisThread && LastWord == Address / 8 &&
      (LastFlips & Flips))
    add(E.Of[MergePolicy], 2 * ones(LastFlips & Flips), 0);
  LastThread = &ThisThread;
  LastWord = Address / 8;
  LastFlips = Flips;
}

void Advisor::write(const perdure_flips_site &S, const Written &W) {
  Estimates &E = of(S);
  auto First = (uint64_t)W.P, End = First + W.Bytes;
  bool Pointer = E.SlotBits && W.Scalar && W.Bytes == 8 && First % 8 == 0 &&
                 InObject && InObject(W.P);
  bool Zeroes = !W.What && !W.Byte;
  if (W.Scalar)
    scalar(E, W);
  else
    LastThread = nullptr;
  for (uint64_t At = First & ~7ull; At < End; At += 8) {
    uint64_t Begin = At < First ? First - At : 0;
    uint64_t Stop = At + 8 > End ? End - At : 8;
    uint64_t Old = wordAt((const void *)At, 8), New, Mask = 0;
    memset((char *)&Mask + Begin, 0xff, Stop - Begin);
    memcpy((char *)&Old + Begin, (const char *)W.Before + (At + Begin - First),
           Stop - Begin);
    New = Old;
    if (W.What)
      memcpy((char *)&New + Begin, (const char *)W.What + (At + Begin - First),
             Stop - Begin);
    else
      memset((char *)&New + Begin, W.Byte, Stop - Begin);
    word(E, S.number, At, Old, New, Mask, Pointer, Zeroes);
  }
}

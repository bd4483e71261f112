//===- advice.h - What other policies would have flipped --------*- C++ -*-===//
//
// For `perdure flips advise`: each write is counted once more as each policy of
// flips.def would have made it. That needs what memory would hold under that
// policy, which is kept by word for what depends on it:
//
//   encodings   the bits of each pointer field. A write of anything else over
//               it is the same under all of them.
//   zeroing     what was there before zeroes came, until something else does.
//
// One thread at a time.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FLIPS_ADVICE_H
#define PERDURE_RUNTIME_FLIPS_ADVICE_H

#include "flips/flips.h"
#include "flips/memory.h"

namespace perdure {
namespace flips {

#define PERDURE_FLIPS_POLICY(Name, Text, Doc) Name##Policy,
enum Policy {
#include "perdure/flips.def"
  PolicyCount
};

struct Estimate {
#define PERDURE_FLIPS_ESTIMATE(Name, Text, Doc) uint64_t Name;
#include "perdure/flips.def"
};

/// Those of one place in the source.
struct Estimates {
  unsigned SlotBits = 0;    // of the pointers that it writes; 0: it writes none
  bool Number = false;      // it writes numbers
  Estimate Of[PolicyCount] = {};
};

/// Fields that hold pointers of the encoding `object`; or, with 0 bits, numbers.
struct KnownFields {
  uint64_t SlotBits;
  const char *const *Names;
  uint64_t Count;
  KnownFields *Next;
};

/// A write. Before: what the bytes held; What: what they hold then, or null for as
/// many times Byte.
struct Written {
  const void *P;
  uint64_t Bytes;
  const void *Before, *What;
  char Byte;
  bool Scalar; // a number or a pointer
};

/// What another encoding stores over Old, at an offset, for what `object` stores as
/// Bits.
uint64_t encodeUnder(Policy Encoding, uint64_t Bits, uint64_t Offset,
                     unsigned SlotBits, uint64_t Old);

class Advisor {
  struct Words;
  Map<Words> Pages; // by address / PageBytes
  Map<Estimates> Sites;
  uint64_t LastWord = 0, LastFlips = 0;
  const void *LastThread = nullptr;

  Estimates &of(const perdure_flips_site &S);
  void word(Estimates &E, uint64_t Number, uint64_t Address, uint64_t Old,
            uint64_t New, uint64_t Mask, bool Pointer, bool Zeroes);
  void scalar(Estimates &E, const Written &W);

public:
  const KnownFields *Fields = nullptr;
  /// Whether an address lies in an object.
  bool (*InObject)(const void *P) = nullptr;

  void write(const perdure_flips_site &S, const Written &W);
  /// Null: nothing is known of it.
  const Estimates *find(uint64_t Number) const { return Sites.get(Number); }
};

} // namespace flips
} // namespace perdure

#endif // PERDURE_RUNTIME_FLIPS_ADVICE_H

//===- Bits.h - Where a persistent pointer leads ----------------*- C++ -*-===//
//
// The entry archive's functions translate, the same that compiled code calls; what
// an encoding puts around another to flip fewer bits is taken off here first.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_TOOLS_INSPECT_BITS_H
#define PERDURE_TOOLS_INSPECT_BITS_H

#include "Object.h"

namespace inspect {

struct Target {
  enum Kind {
    Null,
    Here,     // Offset of the same object
    Foreign,  // Offset of To, or of an object that is not there: Index of the FOT
    Number,   // a small one, kept as a pointer: Value
    Address,  // of some process: Value
    Unknown   // the encoding is not known here: Value are the bits
  };
  Kind Is = Null;
  uint64_t Offset = 0;
  Object *To = nullptr;
  uint64_t Index = 0; // 0: not known
  uint64_t Value = 0;
};

class Encoding {
public:
  /// By its name in a type's text.
  static const Encoding *find(const std::string &Name);
  /// All that are known here.
  static const std::vector<const Encoding *> &all();

  const std::string &name() const { return Name; }
  /// Where the pointer at the offset leads, which must be an offset of 8 bytes.
  Target decode(Object &O, uint64_t Offset) const;
  /// The same, where only targets in O count: the offset, or 0. As fast as can be.
  uint64_t decodeHere(const Object &O, uint64_t Offset) const;
  /// The bits for a target, at a container. May add to the FOT, and report what cannot
  /// be encoded, as perdure_encode does.
  uint64_t encode(const void *Container, const void *To) const;

  using Decoder = void *(*)(uint64_t, const void *);
  using Encoder = uint64_t (*)(const void *, const void *, const char *);
  Encoding(std::string Name, Decoder Decode, Encoder Encode, bool Inverts, bool Lazy)
      : Name(std::move(Name)), Decode(Decode), Encode(Encode), Inverts(Inverts),
        Lazy(Lazy) {}

private:
  uint64_t peel(uint64_t Bits) const;
  std::string Name;
  Decoder Decode;
  Encoder Encode;
  bool Inverts, Lazy;
};

/// 8 bytes at an offset, as they are.
uint64_t bitsAt(const Object &O, uint64_t Offset);

} // namespace inspect

#endif // PERDURE_TOOLS_INSPECT_BITS_H

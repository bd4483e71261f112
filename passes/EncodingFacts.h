//===- EncodingFacts.h - What front ends ask of encodings -------*- C++ -*-===//
//
// PerdurePasses.so tells whoever has loaded it, by two functions with C names,
// which encodings there are; those that other plugins have added are among
// them.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_ENCODINGFACTS_H
#define PERDURE_PASSES_ENCODINGFACTS_H

namespace perdure {

struct EncodingFacts {
  unsigned Number;
  const char *Name;
  /// As in Encoding::Traits.
  bool Canonical, Movable, MovableInVolatile, ZeroIsNull, NeedsOldBits;
  bool TracksBases;
};

/// `perdure_find_encoding`: by name or, when that is null, by number.
using FindEncoding = bool(const char *Name, unsigned Number, EncodingFacts *);
/// `perdure_encoding_names`: all of them, for messages.
using EncodingNames = const char *();

} // namespace perdure

#endif

//===- translate.h - Decode, encode, re-encode, complete --------*- C++ -*-===//
//
// What ARCHITECTURE.md section 4 says, every corner. The inline sequences and
// their twins take the common ways themselves and come here for the rest.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FOT_TRANSLATE_H
#define PERDURE_RUNTIME_FOT_TRANSLATE_H

#include <errno.h>
#include <stdint.h>

namespace perdure {

/// A persistent pointer's bits: never mixed up with an address.
enum class Bits : uint64_t {};

const void *decode(Bits B, const void *Container);
Bits encode(const void *P, const void *Container, const char *Where);
Bits reencode(Bits B, const void *From, const void *To, const char *Where);

/// Why decode gave an inaccessible address.
enum class Damage {
  NativeInObject,
  OffsetPastLimit,
  NoFotEntry,
  NoSlotLeft,
  NoObject, // foreign bits in a volatile container
  NoRegion, // no registry has the number
  SameStoreNumber,
};

/// The address that bits at Container lead to when they lead nowhere.
const void *damaged(const void *Container, Damage D);

/// The reason behind an address that decode made up; false for others.
bool damageAt(uint64_t Address, Damage &D);
const char *describe(Damage D);

/// A load or store of a pointer must not change the program's errno.
struct KeepErrno {
  int Saved = errno;
  ~KeepErrno() { errno = Saved; }
};

} // namespace perdure

#endif // PERDURE_RUNTIME_FOT_TRANSLATE_H

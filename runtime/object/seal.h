//===- seal.h - Signatures over whole objects -------------------*- C++ -*-===//
//
// A seal says who vouches for an object as it is: an Ed25519 signature
// (libsodium, Ed25519ph: the file is hashed as it is read) over the object's ID
// and size and all bytes of the file but the seal's own. A sealed object is not
// opened for writing, by runtimes that know of seals or not
// (State::NeededToWrite), so that no program breaks a seal by accident. Whoever
// may write the file can still do it, and then the signature does not hold.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_OBJECT_SEAL_H
#define PERDURE_RUNTIME_OBJECT_SEAL_H

#include "object/format.h"
#include "perdure/runtime.h"

namespace perdure {

/// Whether the key of a seal has to be one that this process trusts.
enum class Trust { Needed, Anybody };

/// Reads all of an object's file and checks its seal. ENODATA: it has none;
/// EBADMSG: the signature does not hold; ENOKEY: nobody trusts its key. Out may
/// be null.
bool checkSeal(int File, const char *Hex, Trust T, Seal *Out = nullptr);

/// Seals an object with the file, open for reading and writing, that nobody
/// writes; durable on return. Or takes its seal off.
bool putSeal(int File, const char *Hex, perdure_id Id,
             const uint8_t *SecretKey);
bool dropSeal(int File, const char *Hex, perdure_id Id);

/// From now on the process trusts a public key.
bool trustKey(const uint8_t *Key);

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_SEAL_H

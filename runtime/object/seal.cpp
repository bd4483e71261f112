//===- seal.cpp - Signatures over whole objects ---------------------------===//

#include "object/seal.h"
#include "object/header.h"
#include "platform/clock.h"
#include "platform/descriptor.h"
#include "platform/error.h"
#include "platform/lock.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

using namespace perdure;

static_assert(sizeof(Seal::Key) == crypto_sign_PUBLICKEYBYTES, "");
static_assert(sizeof(Seal::Signature) == crypto_sign_BYTES, "");

constexpr size_t SealAt = offsetof(Header, Sealed);

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

namespace {
struct PublicKey {
  uint8_t Bytes[crypto_sign_PUBLICKEYBYTES];
};
} // namespace

static Mutex KeysLock;
static PublicKey *Keys;
static size_t KeyCount;

static bool startLibrary() {
  return sodium_init() >= 0 || fail(EIO, "libsodium cannot be initialised");
}

bool perdure::trustKey(const uint8_t *Key) {
  Locked Hold(KeysLock);
  PublicKey *More =
      (PublicKey *)realloc(Keys, (KeyCount + 1) * sizeof(PublicKey));
  if (!More)
    return fail(ENOMEM, "no memory for a key");
  Keys = More;
  memcpy(Keys[KeyCount++].Bytes, Key, sizeof(PublicKey));
  return true;
}

static bool isTrusted(const uint8_t *Key) {
  Locked Hold(KeysLock);
  for (size_t I = 0; I < KeyCount; ++I)
    if (!memcmp(Keys[I].Bytes, Key, sizeof(PublicKey)))
      return true;
  return false;
}

//===----------------------------------------------------------------------===//
// What is signed
//===----------------------------------------------------------------------===//

static bool addRange(crypto_sign_state &Sum, int File, uint64_t From,
                     uint64_t To) {
  constexpr size_t PieceBytes = 1 << 18;
  void *Piece = malloc(PieceBytes);
  if (!Piece)
    return fail(ENOMEM, "no memory for a piece of the file");
  bool Ok = true;
  for (uint64_t At = From; Ok && At < To; At += PieceBytes) {
    size_t Bytes = To - At < PieceBytes ? (size_t)(To - At) : PieceBytes;
    Ok = readAll(File, Piece, Bytes, At);
    if (Ok)
      crypto_sign_update(&Sum, (const uint8_t *)Piece, Bytes);
  }
  int Saved = errno;
  free(Piece);
  errno = Saved;
  return Ok;
}

// The title keeps a signature from holding for anything else that the same key
// signs; with ID, size and time in front of the bytes no two objects sign
// alike.
static bool sumUp(crypto_sign_state &Sum, int File, const Identity &I,
                  const Seal &S) {
  struct {
    char Title[16];
    uint64_t IdHi, IdLo, FileBytes, When;
  } Begin = {"Perdure seal 1", I.IdHi, I.IdLo, S.FileBytes, S.When};
  crypto_sign_init(&Sum);
  crypto_sign_update(&Sum, (const uint8_t *)&Begin, sizeof(Begin));
  return addRange(Sum, File, 0, SealAt) &&
         addRange(Sum, File, SealAt + sizeof(Seal), S.FileBytes);
}

static bool breaks(const char *Hex, const char *What) {
  return fail(EBADMSG,
              "object %s: its seal does not hold: %s; restore it from a copy "
              "that is as it was sealed",
              Hex, What);
}

bool perdure::checkSeal(int File, const char *Hex, Trust T, Seal *Out) {
  Header H;
  struct stat Status;
  if (!startLibrary() || !readHeader(File, Hex, H, Status))
    return false;
  const Seal &S = H.Sealed;
  const Seal None = {};
  const State *Current = newestState(H);
  if (!memcmp(&S, &None, sizeof(S)))
    return Current && Current->NeededToWrite & FeatureSealed
               ? breaks(Hex,
                        "the signature is gone, or sealing was interrupted")
               : fail(ENODATA, "object %s is not sealed", Hex);
  if (memcmp(S.Magic, SealMagic, sizeof(S.Magic)) ||
      S.Checksum != checksumOf(&S, sizeof(S)))
    return breaks(Hex, "its record is damaged");
  if ((uint64_t)Status.st_size != S.FileBytes || S.FileBytes < HeaderBytes)
    return breaks(Hex, "the file has another size");
  crypto_sign_state Sum;
  if (!sumUp(Sum, File, H.Ident, S))
    return false;
  if (crypto_sign_final_verify(&Sum, S.Signature, S.Key))
    return breaks(Hex, "a byte of the file has changed, or the signature has");
  if (Out)
    *Out = S;
  char Key[2 * sizeof(S.Key) + 1];
  return T == Trust::Anybody || isTrusted(S.Key) ||
         fail(ENOKEY,
              "object %s is sealed with the key %s, which this process does "
              "not trust: perdure_trust",
              Hex, sodium_bin2hex(Key, sizeof(Key), S.Key, sizeof(S.Key)));
}

//===----------------------------------------------------------------------===//
// Sealing and unsealing
//===----------------------------------------------------------------------===//

static bool writeDurably(int File, const void *From, size_t Bytes, uint64_t At,
                         const char *Hex) {
  errno = EIO; // unless the system says more
  return (pwrite(File, From, Bytes, (off_t)At) == (ssize_t)Bytes &&
          !fdatasync(File)) ||
         fail(errno, "object %s: cannot write its header: %s%s", Hex,
              strerror(errno), adviceFor(errno));
}

// As writeState does it where the object is mapped: copy 1 first, each durable
// before the next is touched.
static bool setFeature(int File, const char *Hex, State S, bool Sealed) {
  ++S.Sequence;
  S.NeededToWrite = Sealed ? S.NeededToWrite | FeatureSealed
                           : S.NeededToWrite & ~FeatureSealed;
  S.Checksum = checksumOf(&S, sizeof(S));
  for (int I = 1; I >= 0; --I)
    if (!writeDurably(File, &S, sizeof(S),
                      offsetof(Header, Copy) + (size_t)I * sizeof(S), Hex))
      return false;
  return true;
}

static bool readState(int File, const char *Hex, perdure_id Id, Header &H,
                      State &Found) {
  struct stat Status;
  return readHeader(File, Hex, H, Status) &&
         checkHeader(H, (uint64_t)Status.st_size, Id, UINT64_MAX, false, Found);
}

bool perdure::putSeal(int File, const char *Hex, perdure_id Id,
                      const uint8_t *SecretKey) {
  Header H;
  State Found;
  if (!startLibrary() || !readState(File, Hex, Id, H, Found))
    return false;
  if (Found.NeededToWrite & ~(uint64_t)(KnownToWrite | FeatureSealed))
    return fail(EROFS,
                "object %s uses features of a later runtime; seal it with that",
                Hex);
  // What an interrupted growth left is no part of the object.
  if (ftruncate(File, (off_t)Found.FileBytes))
    return fail(errno, "object %s: cannot cut off what lies past its end: %s",
                Hex, strerror(errno));
  // First the bit, which is among what is signed. A crash before the signature
  // leaves an object that is read-only until it is sealed again or unsealed.
  Seal S = {};
  if (!writeDurably(File, &S, sizeof(S), SealAt, Hex) ||
      !setFeature(File, Hex, Found, true))
    return false;
  memcpy(S.Magic, SealMagic, sizeof(S.Magic));
  S.FileBytes = Found.FileBytes;
  S.When = now();
  crypto_sign_ed25519_sk_to_pk(S.Key, SecretKey);
  crypto_sign_state Sum;
  if (!sumUp(Sum, File, H.Ident, S))
    return false;
  crypto_sign_final_create(&Sum, S.Signature, nullptr, SecretKey);
  S.Checksum = checksumOf(&S, sizeof(S));
  return writeDurably(File, &S, sizeof(S), SealAt, Hex);
}

bool perdure::dropSeal(int File, const char *Hex, perdure_id Id) {
  Header H;
  State Found;
  const Seal None = {};
  if (!readState(File, Hex, Id, H, Found))
    return false;
  // The record first: with the bit alone the object is read-only.
  return writeDurably(File, &None, sizeof(None), SealAt, Hex) &&
         setFeature(File, Hex, Found, false);
}

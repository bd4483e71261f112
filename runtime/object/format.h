//===- format.h - An object's file, version 1 -------------------*- C++ -*-===//
//
// File offset = object offset. All integers are little-endian; nothing depends
// on an address, a process or a boot. docs/RuntimeABI.md says it in words.
//
//   0x0000  identity   512 bytes, written once, checksummed
//   0x0200  state      512 bytes, two copies, each checksummed
//   0x0400  state, the other copy
//   0x0600             reserved: 512 bytes
//   0x0800  seal       256 bytes, zero in an object that has none
//   0x0900  turns      who wrote last: 256 bytes
//   0x0a00             reserved: 1,536 bytes
//   0x1000  extents of the FOT, the page map, the log and the types, slabs,
//           blocks, in any order
//
// A table (FOT, page map, log, types) is made of extents: extent k has 4096 << k
// bytes, of the log 65536 << k, of the types 4096 << 4k, and its offset in the
// state; extents never move.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_OBJECT_FORMAT_H
#define PERDURE_RUNTIME_OBJECT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "objects are little-endian and this machine is not"
#endif

namespace perdure {

constexpr uint64_t FilePage = 4096;
constexpr uint64_t HeaderBytes = FilePage;
constexpr uint32_t FormatVersion = 1;
constexpr char FormatMagic[8] = {'P', 'E', 'R', 'D', 'U', 'R', 'E', '\n'};

/// Immutable. Written last at creation, so a file that has it is whole.
struct Identity {
  char Magic[8];
  uint32_t Version;
  uint32_t HeaderBytes;
  uint64_t IdHi, IdLo;
  uint32_t Encoding; // of persistent pointers whose type records no other
  uint32_t PageBytes;
  uint64_t Created; // nanoseconds since 1970
  uint64_t RootOffset, RootBytes;
  uint8_t Reserved[444]; // zero
  uint32_t Checksum;     // CRC-32 of what precedes it
};
static_assert(sizeof(Identity) == 512, "");
static_assert(offsetof(Identity, IdHi) == 16, "");
static_assert(offsetof(Identity, Encoding) == 32, "");
static_assert(offsetof(Identity, RootOffset) == 48, "");
static_assert(offsetof(Identity, Checksum) == 508, "");

constexpr unsigned MaxExtents = 20;
constexpr unsigned MaxLogExtents = 15; // 2 GiB together
constexpr uint64_t FirstLogBytes = 65536;
constexpr unsigned MaxTypeExtents = 3; // 1,092 KiB together

/// What needs a runtime that knows it.
enum : uint64_t {
  FeatureLog = 1,    // a log, which may hold half a transaction (tx/format.h)
  FeatureSealed = 2, // a change would break the seal: only in NeededToWrite
  FeatureTypes = 4,  // a table of types: only in NeededToWrite
  KnownFeatures = FeatureLog,
  KnownToWrite = FeatureLog | FeatureTypes
};

/// Mutable, rarely. A change writes copy 1, then copy 0: at every moment one
/// copy is whole, and at rest both say the same.
struct State {
  uint64_t Sequence;       // one more at every change
  uint64_t FileBytes;      // that are in use; the file may be longer
  uint64_t NeededFeatures; // bits unknown to a reader: it must not open
  uint64_t NeededToWrite;  // bits unknown to a writer: it may only read
  uint64_t FotExtent[MaxExtents];
  uint64_t MapExtent[MaxExtents];
  uint64_t TypeExtent[MaxTypeExtents];
  uint64_t LogExtent[MaxLogExtents];
  uint64_t Reserved; // zero
  uint32_t Spare;    // zero
  uint32_t Checksum; // CRC-32 of what precedes it
};
static_assert(sizeof(State) == 512, "");
static_assert(offsetof(State, FotExtent) == 32, "");
static_assert(offsetof(State, MapExtent) == 192, "");
static_assert(offsetof(State, TypeExtent) == 352, "");
static_assert(offsetof(State, LogExtent) == 376, "");
static_assert(offsetof(State, Checksum) == 508, "");

/// 32 bytes. But for the rights, the first 24 never change once the entry is
/// valid.
struct FotEntry {
  uint64_t IdHi, IdLo; // by ID; by name: {0, offset of the name}
  uint32_t Rights;     // asked for: FotRead, FotWrite
  uint32_t Reserved;   // zero
  uint32_t Valid;      // written last: an EntryState
  uint32_t Checksum;   // CRC-32 of the first 24 bytes, rights taken as both
};
static_assert(sizeof(FotEntry) == 32, "");

enum : uint32_t { FotRead = 1, FotWrite = 2 };
enum EntryState : uint32_t {
  EntryFree = 0,
  EntryClaimed = 1, // being written; for ever when its writer died
  EntryById = 2,
  EntryByName = 3, // of 1 to 255 bytes and a NUL
};

/// What makes the lists that a process keeps of an object it shares stale:
/// random, of the process that was in a write section last.
struct Turns {
  uint64_t LastWriter;
  uint8_t Reserved[248];
};
static_assert(sizeof(Turns) == 256, "");

constexpr char SealMagic[8] = {'S', 'E', 'A', 'L', 'E', 'D', '1', '\n'};

/// Who vouches for all other bytes of the file.
struct Seal {
  char Magic[8];
  uint64_t FileBytes; // of the whole file
  uint64_t When;      // nanoseconds since 1970
  uint8_t Key[32];    // public, Ed25519
  uint8_t Signature[64];
  uint8_t Reserved[132]; // zero
  uint32_t Checksum;     // CRC-32 of what precedes it
};
static_assert(sizeof(Seal) == 256, "");
static_assert(offsetof(Seal, Key) == 24, "");
static_assert(offsetof(Seal, Signature) == 56, "");
static_assert(offsetof(Seal, Checksum) == 252, "");

struct Header {
  Identity Ident;
  State Copy[2];
  uint8_t Spare[512];
  Seal Sealed;
  Turns Turn;
  uint8_t Reserved[1536];
};
static_assert(sizeof(Header) == HeaderBytes, "");
static_assert(offsetof(Header, Copy) == 0x200, "");
static_assert(offsetof(Header, Sealed) == 0x800, "");

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_FORMAT_H

//===- format.h - The log of transactions in an object's file ---*- C++ -*-===//
//
// The log is a table of extents (object/format.h). Each extent begins with a page
// of lane heads, 64 of them; its other pages are given out in chunks. A lane
// serves one transaction at a time: its head leads to a chunk of records, whose
// last may lead to the next chunk.
//
// A record's checksum is seeded with that of the record before it, the first one
// with the lane's generation and place. So a record holds only where it was
// written, after those that were before it, in this generation; the first that
// does not hold ends the log. Adding one to the generation, one store of eight
// bytes, cuts the log: then no record holds any more.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TX_FORMAT_H
#define PERDURE_RUNTIME_TX_FORMAT_H

#include "object/format.h"

namespace perdure {

/// A line of its own: lanes are different threads'.
struct LaneHead {
  uint64_t Generation; // raised by every end of a transaction, and by each process
                       // before it writes its first record
  uint64_t First;      // the chunk with the first record; 0: none yet
  uint64_t Homed; // of a log of commits: how far all is in the file, and the kernel
                  // knows it. Nobody syncs it, and the medium may have the word without
                  // what it speaks of: the first to share an object forgets it
  uint64_t Reserved[5];
};
static_assert(sizeof(LaneHead) == 64, "");
constexpr unsigned LanesPerExtent = FilePage / sizeof(LaneHead);

/// Offset and pages of a chunk, in one word so that no store of it is torn.
constexpr uint64_t makeChunk(uint64_t Offset, uint64_t Pages) {
  return Offset | Pages;
}
constexpr uint64_t chunkOffset(uint64_t Chunk) {
  return Chunk & ~(FilePage - 1);
}
constexpr uint64_t chunkBytes(uint64_t Chunk) {
  return (Chunk & (FilePage - 1)) * FilePage;
}

enum class RecordKind : unsigned {
  Data = 1,   // what was there: the bytes from Offset on
  Block = 2,  // allocated at Offset: one word, its size as asked for
  Next = 3,   // the log goes on in another chunk: one word
  Rewind = 4, // rolled back to here: one word, that makes it another record
  Prepared = 5,  // this part of a transaction over several objects is complete:
                 // a Vote, which leads to the coordinator
  Committed = 6, // in the coordinator: it is committed; a Vote for each other
                 // object, which leads there
  // In the log of what was committed, which one lane of an object holds whose
  // file is written by commits alone; the first four also follow each other up to
  // a Commit or a Prepared, without which they mean nothing.
  Redo = 7,      // the bytes from Offset on
  Zero = 8,      // zeroes from Offset on: one word, how many bytes
  Word = 9,      // the word at Offset: two words, the bits to clear and to set
  Commit = 10,   // one word, which makes it another record each time
  Decided = 11,  // what the Prepared at Offset ended is committed: one word as above
  Freed = 12,    // in memory alone: freed at Offset, when it is committed
};

/// Of one lane are all records of this kind or none.
constexpr bool isOfCommits(RecordKind Kind) {
  return Kind >= RecordKind::Redo && Kind <= RecordKind::Decided;
}

/// 8-byte aligned, Bytes of content behind it.
struct LogRecord {
  uint64_t Checksum; // XXH3 of what follows, content included; never 0
  uint64_t Word;     // bytes of content << 44 | kind << 40 | Offset
  uint64_t Previous; // offset of the record before it; 0: it is the first

  static uint64_t makeWord(RecordKind Kind, uint64_t Offset, uint64_t Bytes) {
    return Bytes << 44 | (uint64_t)Kind << 40 | Offset;
  }
  /// What a record takes that has so many bytes of content.
  static constexpr uint64_t roomFor(uint64_t Bytes) {
    return (sizeof(LogRecord) + Bytes + 7) & ~(uint64_t)7;
  }
  RecordKind kind() const { return (RecordKind)(Word >> 40 & 15); }
  uint64_t offset() const { return Word & (((uint64_t)1 << 40) - 1); }
  uint64_t bytes() const { return Word >> 44; }
  uint64_t room() const { return roomFor(bytes()); }
  char *content() { return (char *)(this + 1); }
  const char *content() const { return (const char *)(this + 1); }
};
static_assert(sizeof(LogRecord) == 24, "");

/// Who else takes part.
struct Vote {
  uint64_t IdHi, IdLo;
  uint64_t Lane, Generation;
};

constexpr uint64_t MaxChunkPages = 64;
/// The longest content: so every record fits into an empty chunk of any size.
constexpr uint64_t WordRecord = sizeof(LogRecord) + sizeof(uint64_t);

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_FORMAT_H

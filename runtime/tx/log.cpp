//===- log.cpp - The log of one object: lanes, chunks, records ------------===//
//
// What is known of the log is volatile: which lanes are idle, which pages are
// in chunks. It is made when a transaction first needs a lane, after recovery;
// a lane whose log still holds then waits for another object (tx/recover.h),
// and keeps its place and its pages.
//
//===----------------------------------------------------------------------===//

#include "tx/log.h"
#include "platform/error.h"
#include "platform/shadow.h"
#include "platform/options.h"
#include "tx/lines_once.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace perdure;

namespace perdure {
struct Log {
  Log *Next;       // of those that there are
  Object *O;       // whose it is
  uint64_t Serial; // no other had or will have it
  Mutex Lock;      // guards the rest
  Lane *Idle;
  Lane *Lanes[MaxLogExtents * LanesPerExtent]; // made so far; null: waits
  unsigned LaneCount;
  uint8_t *Used[MaxLogExtents]; // pages in chunks, a byte each; null: no extent
  unsigned Extents;
  unsigned Found; // lanes of extents that were there before
};
} // namespace perdure

// Guards the making and the end of Logs, and these. A Log is there while its
// object is.
static Mutex OpenLogLock;
static Log *Logs;
static uint64_t LastSerial;

//===----------------------------------------------------------------------===//
// Heads and checksums
//===----------------------------------------------------------------------===//

unsigned perdure::laneCount(const Object &O) {
  unsigned K = 0;
  while (extentOf(O, Table::Log, K))
    ++K;
  return K * LanesPerExtent;
}

LaneHead *perdure::laneHead(const Object &O, unsigned Index) {
  uint64_t Extent = extentOf(O, Table::Log, Index / LanesPerExtent);
  return (LaneHead *)(O.Base + Extent) + Index % LanesPerExtent;
}

void perdure::settle(Object &O) {
  if (!O.Map.Page && !TheOptions.battery)
    fence(O.Map);
}

void perdure::flushInTx(Object &O, const void *P, uint64_t Bytes) {
  if (!TheOptions.battery)
    flushRange(O.Map, P, Bytes);
}

uint64_t perdure::laneSeed(unsigned Index, uint64_t Generation,
                           uint64_t Chunk) {
  uint64_t Words[] = {Index, Generation, Chunk};
  return XXH3_64bits(Words, sizeof(Words));
}

uint64_t perdure::recordChecksum(const LogRecord &R, uint64_t Bytes,
                                 uint64_t Chain) {
  uint64_t Sum = XXH3_64bits_withSeed(&R.Word, 16 + Bytes, Chain);
  return Sum ? Sum : 1;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

// Whether the chunk is pages of the log, heads apart.
static bool isChunk(const Object &O, uint64_t Chunk) {
  uint64_t Offset = chunkOffset(Chunk), Bytes = chunkBytes(Chunk);
  for (unsigned K = 0; K < MaxLogExtents; ++K) {
    uint64_t Extent = extentOf(O, Table::Log, K);
    if (!Extent)
      return false;
    uint64_t Begin = Extent + FilePage,
             End = Extent + extentBytes(Table::Log, K);
    if (Bytes && Offset >= Begin && Offset < End && Bytes <= End - Offset)
      return true;
  }
  return false;
}

bool LogReader::enter(uint64_t Chunk) {
  if (!isChunk(O, Chunk) || chunkBytes(Chunk) > Left)
    return false;
  Left -= chunkBytes(Chunk);
  End.At = chunkOffset(Chunk);
  End.Stop = End.At + chunkBytes(Chunk);
  return true;
}

static uint64_t logBytes(const Object &O) {
  uint64_t Bytes = 0;
  for (unsigned K = 0; extentOf(O, Table::Log, K); ++K)
    Bytes += extentBytes(Table::Log, K);
  return Bytes;
}

bool RecordCopy::take(const LogRecord *P, uint64_t Room) {
  if (Room < sizeof(LogRecord))
    return false;
  memcpy(Bytes, (const void *)P, sizeof(LogRecord));
  uint64_t Content = head().bytes();
  if (Content > MaxContent || LogRecord::roomFor(Content) > Room)
    return false;
  memcpy(head().content(), P->content(), Content);
  return true;
}

LogReader::LogReader(const Object &O, unsigned Index)
    : O(O), End(), Left(logBytes(O)) {
  const LaneHead &Head = *laneHead(O, Index);
  uint64_t First = __atomic_load_n(&Head.First, __ATOMIC_ACQUIRE);
  End.Chain = laneSeed(Index, generationOf(Head), First);
  enter(First);
}

const LogRecord *LogReader::next() {
  for (;;) {
    const LogRecord &R = Copy.head();
    if (!Copy.take(recordAt(O, End.At), End.Stop - End.At) || !R.Checksum ||
        R.Previous != End.Last ||
        R.Checksum != recordChecksum(R, R.bytes(), End.Chain))
      return nullptr;
    End.Chain = R.Checksum;
    End.Last = End.At;
    End.At += R.room();
    if (R.kind() != RecordKind::Next)
      return &R;
    if (R.bytes() != sizeof(uint64_t) ||
        !enter(*(const uint64_t *)R.content())) {
      End.Stop = End.At;
      return nullptr;
    }
  }
}

LogReaderBack::LogReaderBack(const Object &O, uint64_t Last)
    : O(O), At(Last), Left(logBytes(O) / sizeof(LogRecord)) {}

const LogRecord *LogReaderBack::next() {
  for (unsigned K = 0; At && At % 8 == 0 && Left && K < MaxLogExtents; ++K) {
    uint64_t Extent = extentOf(O, Table::Log, K);
    if (!Extent || At - Extent >= extentBytes(Table::Log, K))
      continue;
    if (!Copy.take(recordAt(O, At), Extent + extentBytes(Table::Log, K) - At))
      return nullptr;
    --Left;
    At = Copy.head().Previous;
    return &Copy.head();
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Pages
//===----------------------------------------------------------------------===//

// Takes in extents that the log has by now. Lock.
static bool takeInExtents(const Object &O, Log &G) {
  while (extentOf(O, Table::Log, G.Extents)) {
    size_t Pages = extentBytes(Table::Log, G.Extents) / FilePage;
    auto *Used = (uint8_t *)calloc(Pages, 1);
    if (!Used)
      return fail(ENOMEM, "no memory for the log's pages");
    Used[0] = 1; // the heads
    G.Used[G.Extents++] = Used;
  }
  return true;
}

static bool growLog(Object &O, Log &G) {
  if (G.Extents == MaxLogExtents)
    return fail(ENOSPC,
                "object %s: the log holds 2 GiB and no more; make smaller "
                "transactions",
                labelOf(O).Text);
  return appendExtent(O, Table::Log, G.Extents) && takeInExtents(O, G);
}

// A chunk of at most Wanted pages; 0 and a message when there is none. Lock.
static uint64_t takeChunk(Object &O, Log &G, uint64_t Wanted) {
  for (;;) {
    for (unsigned K = 0; K < G.Extents; ++K) {
      uint64_t Pages = extentBytes(Table::Log, K) / FilePage;
      auto *Free = (uint8_t *)memchr(G.Used[K], 0, Pages);
      if (!Free)
        continue;
      uint64_t Page = (uint64_t)(Free - G.Used[K]), Count = 0;
      while (Count < Wanted && Page + Count < Pages && !Free[Count])
        Free[Count++] = 1;
      return makeChunk(extentOf(O, Table::Log, K) + Page * FilePage, Count);
    }
    if (!growLog(O, G))
      return 0;
  }
}

static void markChunk(const Object &O, Log &G, uint64_t Chunk, bool Used) {
  for (unsigned K = 0; K < G.Extents; ++K) {
    uint64_t Distance = chunkOffset(Chunk) - extentOf(O, Table::Log, K);
    uint64_t Bytes = chunkBytes(Chunk), Whole = extentBytes(Table::Log, K);
    if (Distance < Whole)
      memset(G.Used[K] + Distance / FilePage, Used,
             (Bytes < Whole - Distance ? Bytes : Whole - Distance) / FilePage);
  }
}

// One more for L, with room for it in the list. Lock.
static bool addChunk(Object &O, Log &G, Lane &L) {
  if (L.Chunks == L.Room) {
    unsigned Room = L.Room ? L.Room * 2 : 8;
    auto *Bigger = (uint64_t *)realloc(L.Chunk, Room * sizeof(uint64_t));
    if (!Bigger)
      return fail(ENOMEM, "no memory for the log's pages");
    L.Chunk = Bigger;
    L.Room = Room;
  }
  uint64_t Wanted = (uint64_t)1 << (L.Chunks < 6 ? L.Chunks : 6);
  uint64_t Chunk = takeChunk(O, G, Wanted);
  if (!Chunk)
    return false;
  L.Chunk[L.Chunks++] = Chunk;
  return true;
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

bool perdure::growLane(Object &O, Lane &L) {
  Log &G = *O.TheLog;
  Locked Hold(G.Lock);
  return addChunk(O, G, L);
}

void perdure::shrinkLane(Object &O, Lane &L, unsigned Count) {
  Log &G = *O.TheLog;
  Locked Hold(G.Lock);
  while (L.Chunks > Count)
    markChunk(O, G, L.Chunk[--L.Chunks], false);
}

static void freeLog(Log *G) {
  for (unsigned I = 0; I < G->LaneCount; ++I)
    if (Lane *L = G->Lanes[I]) {
      free(L->Chunk);
      free(L);
    }
  for (uint8_t *Used : G->Used)
    free(Used);
  free(G);
}

// Pages of lanes whose log holds are taken: they wait.
static void markWaiting(const Object &O, Log &G) {
  for (unsigned I = 0; I < laneCount(O); ++I) {
    LogReader Reader(O, I);
    if (!Reader.next())
      continue;
    markChunk(O, G, laneHead(O, I)->First, true);
    LogReader Again(O, I);
    while (Again.next()) {
    }
    LogReaderBack Back(O, Again.last());
    while (const LogRecord *R = Back.next())
      if (R->kind() == RecordKind::Next)
        markChunk(O, G, *(const uint64_t *)R->content(), true);
  }
}

static Log *openLog(Object &O) {
  Log *G = __atomic_load_n(&O.TheLog, __ATOMIC_ACQUIRE);
  if (__builtin_expect(G != nullptr, 1))
    return G;
  Locked Hold(OpenLogLock);
  if (O.TheLog)
    return O.TheLog;
  G = (Log *)makeFound(sizeof(Log));
  if (!G) {
    fail(ENOMEM, "no memory for the log");
    return nullptr;
  }
  if (!takeInExtents(O, *G)) {
    freeLog(G);
    return nullptr;
  }
  markWaiting(O, *G);
  G->Found = G->Extents * LanesPerExtent;
  G->O = &O;
  G->Serial = ++LastSerial;
  G->Next = Logs;
  Logs = G;
  __atomic_store_n(&O.TheLog, G, __ATOMIC_RELEASE);
  return G;
}

// Its records begin at its first chunk.
LogEnd perdure::beginningOf(const Lane &L) {
  uint64_t First = L.Chunk[0], At = chunkOffset(First);
  return {At, At + chunkBytes(First),
          laneSeed(L.Index, generationOf(*L.Head), First), 0, 0};
}

// Gives the head its first chunk, in a generation of which no record has ever been
// written. A process before may have left some of this one's: a log whose first
// record did not reach the medium, or was just being rolled back to a savepoint, is
// empty, and what lies behind that record would hold again with another that is
// equal to it. So the new generation has to be where it counts before the first
// record is written: on DAX media by this fence, by openLog in tx/redo.cpp where
// commits write the file.
static bool beginLane(Object &O, Log &G, Lane &L) {
  if (!addChunk(O, G, L))
    return false;
  bool Written = L.Index < G.Found; // perhaps
  if (Written)
    __atomic_store_n(&L.Head->Generation, generationOf(*L.Head) + 1,
                     __ATOMIC_RELEASE);
  __atomic_store_n(&L.Head->First, L.Chunk[0], __ATOMIC_RELEASE);
  flushInTx(O, L.Head, sizeof(LaneHead));
  if (Written)
    settle(O);
  return true;
}

// The next lane that does not wait, new. Lock.
static Lane *makeLane(Object &O, Log &G) {
  for (;;) {
    if (G.LaneCount == G.Extents * LanesPerExtent && !growLog(O, G))
      return nullptr;
    unsigned Index = G.LaneCount;
    LogReader Reader(O, Index);
    if (!Reader.next())
      break;
    ++G.LaneCount;
  }
  Lane *L = (Lane *)calloc(1, sizeof(Lane));
  if (!L) {
    fail(ENOMEM, "no memory for a transaction's log");
    return nullptr;
  }
  L->Index = G.LaneCount;
  L->Head = laneHead(O, L->Index);
  if (!beginLane(O, G, *L)) {
    free(L->Chunk);
    free(L);
    return nullptr;
  }
  G.Lanes[G.LaneCount++] = L;
  return L;
}

Lane *perdure::takeLane(Object &O) {
  Log *G = openLog(O);
  if (!G)
    return nullptr;
  Locked Hold(G->Lock);
  Lane *L = G->Idle;
  if (L)
    G->Idle = L->Next;
  else
    L = makeLane(O, *G);
  if (L)
    reuseLane(*L);
  return L;
}

void perdure::reuseLane(Lane &L) {
  L.End = beginningOf(L);
  L.Unflushed = L.End.At;
  __atomic_store_n(&L.InUse, true, __ATOMIC_RELEASE);
}

// Its thread is the only one that stores it.
static void countWritten(Lane &L) {
  __atomic_store_n(&L.WrittenBefore, L.WrittenBefore + L.Written,
                   __ATOMIC_RELAXED);
  L.Written = 0;
}

void perdure::restLane(Object &O, Lane &L, unsigned Chunks) {
  countWritten(L);
  if (__builtin_expect(L.Chunks > Chunks, 0))
    shrinkLane(O, L, Chunks);
  __atomic_store_n(&L.InUse, false, __ATOMIC_RELEASE);
}

void perdure::flushFreed(Object &O, Lane &L) {
  LinesOnce Lines;
  flushFreed(O, L, Lines);
}

// Lock.
static void makeIdle(Log &G, Lane &L) {
  flushFreed(*G.O, L);
  L.Next = G.Idle;
  G.Idle = &L;
}

void perdure::dropLane(Object &O, Lane &L) {
  if (L.Kept) {
    flushFreed(O, L);
    countWritten(L);
    return;
  }
  restLane(O, L, 8);
  Locked Hold(O.TheLog->Lock);
  makeIdle(*O.TheLog, L);
}

void perdure::giveBackLane(uint64_t LogSerial, Lane &L) {
  Locked Hold(OpenLogLock);
  for (Log *G = Logs; G; G = G->Next)
    if (G->Serial == LogSerial) {
      Locked HoldLog(G->Lock);
      bool Any = L.FreedCount;
      makeIdle(*G, L);
      if (Any) // no fence of this thread's may follow
        settle(*G->O);
      return;
    }
}

uint64_t perdure::logSerial(const Object &O) {
  const Log *G = __atomic_load_n(&O.TheLog, __ATOMIC_ACQUIRE);
  return G ? G->Serial : 0;
}

// OpenLogLock: who is in no section may ask while another thread enters one.
template <typename Visitor> static void visitLanes(Object &O, Visitor Visit) {
  Log *G = O.TheLog;
  if (!G)
    return;
  Locked Hold(G->Lock);
  for (unsigned I = 0; I < G->LaneCount; ++I)
    if (G->Lanes[I])
      Visit(*G->Lanes[I]);
}

bool perdure::hasLanesInUse(Object &O) {
  Locked Hold(OpenLogLock);
  bool Any = false;
  visitLanes(O, [&](const Lane &L) {
    Any |= __atomic_load_n(&L.InUse, __ATOMIC_ACQUIRE);
  });
  return Any;
}

// OpenLogLock.
static uint64_t countBytes(Object &O) {
  uint64_t Bytes = __atomic_load_n(&O.LogBytes, __ATOMIC_RELAXED);
  visitLanes(O, [&](const Lane &L) {
    Bytes += __atomic_load_n(&L.WrittenBefore, __ATOMIC_RELAXED);
  });
  return Bytes;
}

uint64_t perdure::logBytesWritten(Object &O) {
  Locked Hold(OpenLogLock);
  return countBytes(O);
}

void perdure::noteFreed(Object &O, Lane &L, const void *Word) {
  if (O.Map.Page || (L.FreedCount && L.Freed[L.FreedCount - 1] == Word))
    return;
  if (L.FreedCount == sizeof(L.Freed) / sizeof(*L.Freed))
    flushInTx(O, Word, sizeof(uint64_t));
  else
    L.Freed[L.FreedCount++] = Word;
}

void perdure::flushFreed(Object &O, Lane &L, LinesOnce &Lines) {
  while (L.FreedCount)
    Lines.add(O, L.Freed[--L.FreedCount], sizeof(uint64_t));
}

void perdure::logRelease(Object &O) {
  Locked Hold(OpenLogLock);
  Log *G = O.TheLog;
  if (!G)
    return;
  __atomic_store_n(&O.LogBytes, countBytes(O), __ATOMIC_RELAXED);
  bool Any = false;
  visitLanes(O, [&](Lane &L) {
    Any |= L.FreedCount != 0;
    flushFreed(O, L);
  });
  if (Any)
    settle(O);
  Log **Link = &Logs;
  while (*Link != G)
    Link = &(*Link)->Next;
  *Link = G->Next;
  __atomic_store_n(&O.TheLog, nullptr, __ATOMIC_RELEASE);
  freeLog(G);
}

void perdure::logsBeforeFork() { OpenLogLock.lock(); }
void perdure::logsAfterFork() { OpenLogLock.unlock(); }
void perdure::logBeforeFork(Object &O) {
  if (O.TheLog)
    O.TheLog->Lock.lock();
}
void perdure::logAfterFork(Object &O) {
  if (O.TheLog)
    O.TheLog->Lock.unlock();
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

// The checksum may be written in any order with the rest: a record of which not
// all has reached the medium does not hold. Nor is it there before the record
// in front of it, on whose checksum its own depends.
static void putRecord(Object &O, Lane &L, RecordKind Kind, uint64_t Offset,
                      const void *Content, uint64_t Bytes) {
  LogRecord &R = *recordAt(O, L.End.At);
  R.Word = LogRecord::makeWord(Kind, Offset, Bytes);
  R.Previous = L.End.Last;
  memcpy(R.content(), Content, Bytes);
  uint64_t Sum = recordChecksum(R, Bytes, L.End.Chain);
  __atomic_store_n(&R.Checksum, Sum, __ATOMIC_RELEASE);
  L.End.Chain = Sum;
  L.End.Last = L.End.At;
  L.End.At += R.room();
  L.Written += R.room();
}

void perdure::flushRecords(Object &O, Lane &L) {
  if (L.Unflushed == L.End.At)
    return;
  flushInTx(O, (const void *)(O.Base + L.Unflushed), L.End.At - L.Unflushed);
  L.Unflushed = L.End.At;
}

// Goes on in the next chunk. In the chunk that it leaves there is room for the
// record that says so. The new chunk's first record is taken away before, since
// after a rollback to a savepoint it could hold once more.
[[gnu::noinline]] static bool nextChunk(Object &O, Lane &L) {
  unsigned Next = L.End.Chunk + 1;
  if (Next == L.Chunks && !growLane(O, L))
    return false;
  uint64_t Chunk = L.Chunk[Next];
  LogRecord *First = recordAt(O, chunkOffset(Chunk));
  __atomic_store_n(&First->Checksum, 0, __ATOMIC_RELEASE);
  flushInTx(O, &First->Checksum, sizeof(uint64_t));
  settle(O);
  putRecord(O, L, RecordKind::Next, 0, &Chunk, sizeof(Chunk));
  flushRecords(O, L);
  L.Unflushed = chunkOffset(Chunk);
  L.End.At = chunkOffset(Chunk);
  L.End.Stop = L.End.At + chunkBytes(Chunk);
  L.End.Chunk = Next;
  return true;
}

bool perdure::writeRecord(Object &O, Lane &L, RecordKind Kind, uint64_t Offset,
                          const void *Content, uint64_t Bytes) {
  static_assert(MaxContent + 2 * WordRecord <= FilePage, "fits any chunk");
  if (__builtin_expect(
          LogRecord::roomFor(Bytes) + WordRecord > L.End.Stop - L.End.At, 0) &&
      !nextChunk(O, L))
    return false;
  putRecord(O, L, Kind, Offset, Content, Bytes);
  return true;
}

bool perdure::appendRecord(Object &O, Lane &L, RecordKind Kind, uint64_t Offset,
                           const void *Content, uint64_t Bytes) {
  if (!writeRecord(O, L, Kind, Offset, Content, Bytes))
    return false;
  flushRecords(O, L);
  return true;
}

bool perdure::writeData(Object &O, Lane &L, uint64_t Offset, uint64_t Bytes) {
  while (Bytes) {
    uint64_t Piece = Bytes < MaxContent ? Bytes : MaxContent;
    if (!writeRecord(O, L, RecordKind::Data, Offset,
                     (const void *)(O.Base + Offset), Piece))
      return false;
    Offset += Piece;
    Bytes -= Piece;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Cutting
//===----------------------------------------------------------------------===//

void perdure::cutToEnd(Object &O, Lane &L, const LogEnd &End) {
  LogRecord *R = recordAt(O, End.At);
  __atomic_store_n(&R->Checksum, 0, __ATOMIC_RELEASE);
  flushInTx(O, &R->Checksum, sizeof(uint64_t));
  settle(O);
  // Of a chunk that was left all has been flushed.
  if (End.Chunk != L.End.Chunk || L.Unflushed > End.At)
    L.Unflushed = End.At;
  L.End = End;
}

// Records behind the one that this writes were good once, and follow a record
// like those that come now. They are made to follow none.
bool perdure::sealEnd(Object &O, Lane &L, uint64_t Serial) {
  // Without a fence: the log ends here already, and the fence of the next record that
  // anything depends on is this thread's, too.
  return appendRecord(O, L, RecordKind::Rewind, 0, &Serial, sizeof(Serial));
}

void perdure::cutLane(Object &O, LaneHead &Head) {
  __atomic_store_n(&Head.Generation, generationOf(Head) + 1, __ATOMIC_RELEASE);
  flushInTx(O, &Head.Generation, sizeof(uint64_t));
  settle(O);
}

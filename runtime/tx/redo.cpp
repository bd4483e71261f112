//===- redo.cpp - Commits of one object, written to its file --------------===//

#include "tx/redo.h"
#include "alloc/changes.h"
#include "alloc/page_map.h"
#include "platform/descriptor.h"
#include "platform/error.h"
#include "platform/shadow.h"
#include "tx/differences.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

using namespace perdure;

namespace perdure {
struct Redo {
  Mutex Lock;           // guards the rest
  pthread_cond_t Moved; // something below has changed that is waited for
  Lane *L;              // with the log; null before the first commit
  uint64_t *Spare;      // the chunks of the log before this one: the next one's
  unsigned Spares, SpareRoom;
  LogEnd End;           // of what was appended
  LogEnd Durable;       // of what was synced
  uint64_t Left;        // where the records end in the chunk before End's
  uint64_t Bytes;       // of the log, so far
  uint64_t PutOff;      // bytes of pages, written home since all of the file was synced
  uint64_t Number;      // of commits that were appended
  uint64_t Homed;       // of those that are durable, and home
  bool Syncing;         // a thread does so for all
  Batch *First, **Last; // appended and not yet home, in order
  Batch *Changes;       // taken from the allocator, to be appended; or null
  unsigned Undecided;   // prepared batches
  bool Cancelled;       // the log has one that was not committed in the end
  bool Whole;           // the next sync is of all of the file: see newRecords
  unsigned Open;        // transactions
};
} // namespace perdure

static Mutex OpenRedoLock; // guards the making of Redos

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

Batch *perdure::makeBatch() {
  Batch *B = (Batch *)calloc(1, sizeof(Batch));
  if (!B)
    fail(ENOMEM, "no memory for a commit");
  return B;
}

void perdure::freeBatch(Batch *B) {
  if (!B)
    return;
  free(B->Bytes);
  free(B);
}

void Batch::add(RecordKind Kind, uint64_t Offset, const void *Content,
                uint64_t Count) {
  uint64_t Need = Size + sizeof(LogRecord) + Count + sizeof(uint64_t);
  if (Need > Room) {
    uint64_t More = Room ? Room : 1024;
    while (More < Need)
      More *= 2;
    char *Bigger = (char *)realloc(Bytes, More);
    if (!Bigger) {
      Failed = true;
      return;
    }
    Bytes = Bigger;
    Room = More;
  }
  LogRecord &R = *(LogRecord *)(Bytes + Size);
  R.Word = LogRecord::makeWord(Kind, Offset, Count);
  copyUnseen(R.content(), Content, Count);
  Size += R.room();
}

void Batch::addBytes(const Object &O, uint64_t Offset, uint64_t Count) {
  while (Count) {
    uint64_t Piece = Count < MaxContent ? Count : MaxContent;
    add(RecordKind::Redo, Offset, (const void *)(O.Base + Offset), Piece);
    Offset += Piece;
    Count -= Piece;
  }
}

void Batch::addWord(uint64_t Offset, uint64_t Clear, uint64_t Set) {
  uint64_t Bits[] = {Clear, Set};
  add(RecordKind::Word, Offset, Bits, sizeof(Bits));
}

static uint64_t wordAt(const LogRecord &R, unsigned I) {
  uint64_t Value;
  memcpy(&Value, R.content() + I * sizeof(Value), sizeof(Value));
  return Value;
}

//===----------------------------------------------------------------------===//
// What is not decided
//===----------------------------------------------------------------------===//

Undecided::~Undecided() { free(Items); }

bool Undecided::has(uint64_t Offset) const {
  for (unsigned I = Count; I; --I)
    if (Items[I - 1] == Offset)
      return true;
  return false;
}

void Undecided::see(const Object &O, uint64_t At, const LogRecord &R) {
  if (R.kind() == RecordKind::Decided)
    for (unsigned I = Count; I; --I)
      if (Items[I - 1] == R.offset()) {
        Items[I - 1] = Items[--Count];
        return;
      }
  if (R.kind() != RecordKind::Prepared || R.bytes() != sizeof(Vote))
    return;
  if (Count == Room) {
    unsigned More = Room ? 2 * Room : 16;
    auto *Bigger = (uint64_t *)realloc(Items, More * sizeof(*Items));
    if (!Bigger)
      die("object %s: no memory for what its log says is not decided; it is as "
          "it "
          "was",
          labelOf(O).Text);
    Items = Bigger;
    Room = More;
  }
  Items[Count++] = At;
}

//===----------------------------------------------------------------------===//
// What a record does
//===----------------------------------------------------------------------===//

// Neither the header, nor the FOT, nor the log: the page map is the commits'
// own.
static bool isInMap(const Object &O, uint64_t Offset) {
  for (unsigned K = 0; K < MaxExtents; ++K)
    if (uint64_t Extent = extentOf(O, Table::Map, K))
      if (Offset - Extent < extentBytes(Table::Map, K))
        return true;
  return false;
}

bool perdure::checkRedoRecord(const Object &O, const LogRecord &R) {
  switch (R.kind()) {
  case RecordKind::Redo:
    return isUserRange(O, R.offset(), R.bytes());
  case RecordKind::Zero:
    return R.bytes() == sizeof(uint64_t) &&
           isUserRange(O, R.offset(), wordAt(R, 0));
  case RecordKind::Word:
    return R.bytes() == 2 * sizeof(uint64_t) &&
           R.offset() % sizeof(uint64_t) == 0 &&
           (isUserRange(O, R.offset(), sizeof(uint64_t)) ||
            isInMap(O, R.offset()));
  case RecordKind::Commit:
  case RecordKind::Decided:
    return R.bytes() == sizeof(uint64_t);
  case RecordKind::Prepared:
    return R.bytes() == sizeof(Vote);
  default:
    return false;
  }
}

uint64_t perdure::bytesWritten(const LogRecord &R) {
  switch (R.kind()) {
  case RecordKind::Redo:
    return R.bytes();
  case RecordKind::Zero:
    return wordAt(R, 0);
  case RecordKind::Word:
    return sizeof(uint64_t);
  default:
    return 0;
  }
}

// Pages that are zeroes already stay the file's, in a mapping that is private: most of a
// large block may be such.
static void makeZero(char *To, uint64_t Bytes) {
  static const char Zeroes[FilePage] = {};
  for (uint64_t Now; Bytes; To += Now, Bytes -= Now) {
    Now = FilePage - (uint64_t)To % FilePage;
    Now = Bytes < Now ? Bytes : Now;
    if (memcmp(To, Zeroes, Now))
      memset(To, 0, Now);
  }
}

void perdure::redoBytes(const LogRecord &R, uint64_t From, void *To,
                        uint64_t Bytes) {
  if (R.kind() == RecordKind::Redo)
    memcpy(To, R.content() + From, Bytes);
  else if (R.kind() == RecordKind::Zero)
    makeZero((char *)To, Bytes);
  else if (R.kind() == RecordKind::Word) // 8-byte aligned, and so not in parts
    *(uint64_t *)To = (*(uint64_t *)To & ~wordAt(R, 0)) | wordAt(R, 1);
}

void perdure::redoRecord(Object &O, const LogRecord &R) {
  uint64_t Bytes = bytesWritten(R);
  if (!Bytes)
    return;
  redoBytes(R, 0, (void *)(O.Base + R.offset()), Bytes);
  flushInTx(O, (void *)(O.Base + R.offset()), Bytes);
}

// The same in the file, which this process's memory does not show.
static bool writeHome(const Object &O, const LogRecord &R) {
  static const char Zeroes[FilePage] = {};
  uint64_t At = R.offset(), Word;
  switch (R.kind()) {
  case RecordKind::Redo:
    return writeFile(O.File, R.content(), R.bytes(), At);
  case RecordKind::Zero:
    for (uint64_t Left = wordAt(R, 0), Now; Left; Left -= Now, At += Now) {
      Now = Left < sizeof(Zeroes) ? Left : sizeof(Zeroes);
      if (!writeFile(O.File, Zeroes, Now, At))
        return false;
    }
    return true;
  case RecordKind::Word:
    if (!readAll(O.File, (char *)&Word, sizeof(Word), At))
      return false;
    redoBytes(R, 0, &Word, sizeof(Word));
    return writeFile(O.File, &Word, sizeof(Word), At);
  default:
    return true;
  }
}

// About how many bytes the pages have that it writes to: one that many records are in
// counts once, where these are not far from each other in the batch.
static uint64_t pagesOf(const Batch &B) {
  constexpr unsigned Remembered = 8;
  uint64_t Sum = 0, Last[Remembered] = {}; // pages, from 1 on
  unsigned Oldest = 0;
  visitBatch(B, [&](const LogRecord &R) {
    uint64_t Bytes = R.kind() == RecordKind::Redo   ? R.bytes()
                     : R.kind() == RecordKind::Word ? sizeof(uint64_t)
                     : R.kind() == RecordKind::Zero ? wordAt(R, 0)
                                                    : 0;
    if (!Bytes)
      return;
    uint64_t First = R.offset() / FilePage,
             End = (R.offset() + Bytes + FilePage - 1) / FilePage;
    for (uint64_t Seen : Last)
      if (Seen == First + 1 && First + 1 == End)
        return;
    Sum += (End - First) * FilePage;
    Last[Oldest++ % Remembered] = End;
  });
  return Sum;
}

static bool writeHome(Object &O, const Batch &B) {
  bool Ok = !isPoisoned(O);
  visitBatch(B, [&](const LogRecord &R) {
    if (Ok && !writeHome(O, R)) {
      poison(O, "write what was committed to its place", errno);
      Ok = false;
    }
  });
  return Ok;
}

//===----------------------------------------------------------------------===//
// The log
//===----------------------------------------------------------------------===//

static Redo *openRedo(Object &O) {
  Redo *R = __atomic_load_n(&O.TheRedo, __ATOMIC_ACQUIRE);
  if (__builtin_expect(R != nullptr, 1))
    return R;
  Locked Hold(OpenRedoLock);
  if (O.TheRedo)
    return O.TheRedo;
  R = (Redo *)makeFound(sizeof(Redo));
  if (!R) {
    fail(ENOMEM, "no memory for commits");
    return nullptr;
  }
  R->Last = &R->First;
  __atomic_store_n(&O.TheRedo, R, __ATOMIC_RELEASE);
  return R;
}

// The medium may have what was appended since the last sync, or not: who opens
// the file while the kernel knows what was written finds it as this process
// does. Lock.
static void giveUp(Object &O, Redo &R, const char *Doing) {
  static const uint64_t None = 0;
  poison(O, Doing, errno);
  if (!R.L)
    return;
  // Nor whether it still has what was written to its place.
  __atomic_store_n(&R.L->Head->Homed, 0, __ATOMIC_RELEASE);
  writeFile(O.File, &None, sizeof(None), R.Durable.At);
}

// How far all is in its place, for who shares the object.
static void tellHome(LaneHead &Head, uint64_t End) {
  __atomic_store_n(&Head.Homed, End, __ATOMIC_RELEASE);
}

// A lane of its own, empty. Its generation is on the medium before anything is written
// (beginLane). So is what else the heads say: the process before may have died when it
// had begun its log anew or had emptied it, and not synced that, and the log of before,
// which the medium then has still, is not written over before it is gone there, too.
// Lock.
static bool openLog(Object &O, Redo &R) {
  if (R.L)
    return true;
  bool Found = extentOf(O, Table::Log, 0);
  R.L = takeLane(O);
  if (!R.L)
    return false;
  R.End = R.Durable = R.L->End;
  R.Bytes = 0;
  R.Whole = true;
  __atomic_store_n(&R.L->Head->Homed, 0, __ATOMIC_RELEASE); // of the log before
  if (!Found || syncFile(O.LogFile))
    return true;
  giveUp(O, R, "sync what was committed");
  return failPoisoned(O);
}

namespace {
/// Appends records to a log; what has not been finished does not hold.
class LogWriter {
public:
  LogWriter(Object &O, Redo &R)
      : O(O), R(R), Before(R.End), Left(R.Left), Bytes(R.Bytes) {}
  ~LogWriter() { free(Buffer); }
  LogWriter(const LogWriter &) = delete;
  LogWriter &operator=(const LogWriter &) = delete;

  void put(RecordKind Kind, uint64_t Offset, const void *Content,
           uint64_t Count) {
    if (Ok && LogRecord::roomFor(Count) + WordRecord > R.End.Stop - R.End.At)
      goOn();
    if (Ok)
      write(Kind, Offset, Content, Count);
  }
  void put(const Batch &B) {
    Ok = Ok && !(B.Failed && !fail(ENOMEM, "no memory for a commit"));
    visitBatch(B, [&](const LogRecord &Record) {
      put(Record.kind(), Record.offset(), Record.content(), Record.bytes());
    });
  }
  /// False: the log is as it was.
  bool finish() {
    flush();
    if (!Ok) {
      R.End = Before;
      R.Left = Left;
      R.Bytes = Bytes;
    }
    return Ok;
  }

private:
  Object &O;
  Redo &R;
  const LogEnd Before;
  const uint64_t Left, Bytes;
  bool Ok = true;
  // What is to be written from At on; it lies in one piece.
  char *Buffer = nullptr;
  uint64_t At = 0, Size = 0, Room = 0;

  void flush() {
    if (Ok && Size && !writeFile(O.File, Buffer, Size, At))
      Ok = fail(errno, "object %s: cannot write its log: %s", labelOf(O).Text,
                strerror(errno));
    Size = 0;
  }

  void write(RecordKind Kind, uint64_t Offset, const void *Content,
             uint64_t Count) {
    uint64_t Whole = LogRecord::roomFor(Count);
    if (!Size)
      At = R.End.At;
    if (Size + Whole > Room) {
      uint64_t More = Room ? Room : 4096;
      while (More < Size + Whole)
        More *= 2;
      char *Bigger = (char *)realloc(Buffer, More);
      if (!Bigger) {
        Ok = fail(ENOMEM, "no memory for a commit");
        return;
      }
      Buffer = Bigger;
      Room = More;
    }
    LogRecord &New = *(LogRecord *)(Buffer + Size);
    New.Word = LogRecord::makeWord(Kind, Offset, Count);
    New.Previous = R.End.Last;
    memcpy(New.content(), Content, Count);
    memset(New.content() + Count, 0, Whole - sizeof(New) - Count);
    New.Checksum = recordChecksum(New, Count, R.End.Chain);
    R.End.Chain = New.Checksum;
    R.End.Last = R.End.At;
    R.End.At += Whole;
    R.Bytes += Whole;
    Size += Whole;
    __atomic_fetch_add(&O.LogBytes, Whole, __ATOMIC_RELAXED);
  }

  // In the next chunk. The record that says so has room.
  void goOn() {
    unsigned Next = R.End.Chunk + 1;
    if (Next == R.L->Chunks) {
      R.Whole = true; // of a new chunk, once, so that all that it needs is there
      if (!growLane(O, *R.L)) {
        Ok = false;
        return;
      }
    }
    uint64_t Chunk = R.L->Chunk[Next];
    write(RecordKind::Next, 0, &Chunk, sizeof(Chunk));
    flush();
    R.Left = R.End.At;
    R.End.At = chunkOffset(Chunk);
    R.End.Stop = R.End.At + chunkBytes(Chunk);
    R.End.Chunk = Next;
  }
};

class Collect final : public ChangeTaker {
public:
  explicit Collect(Batch &B) : B(B) {}
  void zeroed(uint64_t Offset, uint64_t Bytes) override {
    B.add(RecordKind::Zero, Offset, &Bytes, sizeof(Bytes));
  }
  void word(uint64_t Offset, uint64_t Clear, uint64_t Set) override {
    B.addWord(Offset, Clear, Set);
  }

private:
  Batch &B;
};
} // namespace

// What the allocator has changed, in R.Changes until it has been appended.
// Lock.
static bool collectChanges(Object &O, Redo &R) {
  if (!R.Changes && !hasChanges(O))
    return true;
  if (!R.Changes)
    R.Changes = makeBatch();
  if (!R.Changes)
    return false;
  Collect Into(*R.Changes);
  takeChanges(O, Into);
  if (R.Changes->Failed)
    die("object %s: no memory for what the allocator has changed; it holds "
        "what "
        "was committed when it is opened again",
        labelOf(O).Text);
  return true;
}

static void enqueue(Redo &R, Batch *B) {
  B->Next = nullptr;
  *R.Last = B;
  R.Last = &B->Next;
}

static void wait(Redo &R) { pthread_cond_wait(&R.Moved, &R.Lock.Handle); }

// Where records lie that are to be synced, or none: all of the file.
struct Records {
  unsigned Count = 0;
  Span In[2];
};

// One thread at a time: of a write that failed a description is told once, so of two
// that sync at once one would believe that all is well. False, too, when the medium has
// failed meanwhile: errno. Lock, which others take while it syncs. Of: only these records,
// and not all of the file. The log has a description of its own, so that nobody else is
// told.
static bool syncAlone(Object &O, Redo &R, Records Of = {}) {
  while (R.Syncing)
    wait(R);
  R.Syncing = true;
  pthread_mutex_unlock(&R.Lock.Handle);
  auto Sync = [&](Span S) {
    return persist(O.Map, (const void *)(O.Base + S.Begin), S.End - S.Begin);
  };
  bool Ok = !Of.Count ? syncFile(O.LogFile)
                      : Sync(Of.In[0]) && (Of.Count == 1 || Sync(Of.In[1]));
  int Error = errno;
  pthread_mutex_lock(&R.Lock.Handle);
  R.Syncing = false;
  pthread_cond_broadcast(&R.Moved);
  errno = Ok ? EIO : Error;
  return Ok && !isPoisoned(O);
}

// What a commit has to sync: the records that were appended since the last sync. What is
// written to its place has time until the log that has it begins anew, which syncs the
// file, and so the kernel may put it off: a page is written once for many commits. All of
// the file when more than records has changed: the lane's head, which says where the log
// begins, or a lane of another transaction; what others have done who share the object;
// and when much has been put off, which recovery would have to wait for. Where the log has
// gone on in its next chunk, the records lie in two pieces: whoever finds the first alone
// finds no record in the new chunk that goes on from it.
static Records newRecords(const Object &O, const Redo &R) {
  constexpr uint64_t MostPutOff = 16 << 20;
  if (R.Whole || !isAlone(O) || R.PutOff > MostPutOff)
    return {};
  if (R.End.Chunk == R.Durable.Chunk)
    return {1, {{R.Durable.At, R.End.At}, {}}};
  if (R.End.Chunk != R.Durable.Chunk + 1)
    return {};
  return {2,
          {{R.Durable.At, R.Left},
           {chunkOffset(R.L->Chunk[R.End.Chunk]), R.End.At}}};
}

// Until all up to Number is durable and home. The first thread that comes syncs
// for all that have appended by then, the next one for those that came
// meanwhile. Where the medium fails, under this or another, what was appended behind the
// last sync is cut off: who waits for it is told that it is not committed. Lock.
static bool waitUntilHome(Object &O, Redo &R, uint64_t Number) {
  while (R.Homed < Number && !isPoisoned(O)) {
    if (R.Syncing) {
      wait(R);
      continue;
    }
    uint64_t Now = R.Number;
    LogEnd End = R.End;
    Batch **Last = R.Last; // what comes later is not durable by then
    Records Of = newRecords(O, R);
    if (!Of.Count)
      R.PutOff = 0;
    // Or what comes meanwhile has it synced again; and what others do who share it, in no
    // section, too: entries of the FOT, which they may die before they have synced. The
    // first sync that is made alone is of these.
    R.Whole = !isAlone(O);
    if (!syncAlone(O, R, Of))
      break;
    R.Durable = End;
    Batch *Rest = *Last;
    *Last = nullptr;
    bool Ok = true;
    while (Batch *B = R.First) {
      Ok = writeHome(O, *B) && Ok;
      R.PutOff += pagesOf(*B);
      R.First = B->Next;
      freeBatch(B);
    }
    R.First = Rest;
    if (!Rest)
      R.Last = &R.First;
    R.Homed = Now;
    if (Ok && !Rest && !R.Undecided)
      tellHome(*R.L->Head, End.At);
  }
  if (R.Homed >= Number)
    return true;
  int Error = errno;
  while (R.Syncing)
    wait(R);
  errno = Error;
  giveUp(O, R, "sync what was committed");
  return failPoisoned(O);
}

// Nothing is on its way. Lock.
static bool waitUntilQuiet(Object &O, Redo &R) {
  while ((R.Undecided || R.Syncing || R.Homed < R.Number) && !isPoisoned(O))
    if (R.Undecided || R.Syncing)
      wait(R);
    else if (!waitUntilHome(O, R, R.Number))
      return false;
  return !isPoisoned(O) || failPoisoned(O);
}

static uint64_t longestLog(const Object &O) {
  uint64_t Quarter = __atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE) / 4;
  constexpr uint64_t Least = 1 << 18, Most = 1 << 22;
  return Quarter < Least ? Least : Quarter > Most ? Most : Quarter;
}

// Begins the log anew, in the chunks of the one before, when nothing is on its
// way. The head that leads there need not be durable at once: until the next
// sync the old log is whole, and says again what is home. The one before that,
// whose chunks these are, was replaced before this sync. Lock.
static bool checkpoint(Object &O, Redo &R) {
  if (!syncFile(O.LogFile)) {
    giveUp(O, R, "sync what was committed");
    return failPoisoned(O);
  }
  Lane &L = *R.L;
  Lane Next = L;
  Next.Chunk = R.Spare;
  Next.Chunks = R.Spares;
  Next.Room = R.SpareRoom;
  uint64_t Sum = 0;
  unsigned Keep = 0;
  while (Keep < Next.Chunks && Sum < longestLog(O))
    Sum += chunkBytes(Next.Chunk[Keep++]);
  shrinkLane(O, Next, Keep);
  bool Ok = Next.Chunks || growLane(O, Next);
  if (Ok) {
    R.Spare = L.Chunk;
    R.Spares = L.Chunks;
    R.SpareRoom = L.Room;
    L.Chunk = Next.Chunk;
    L.Chunks = Next.Chunks;
    L.Room = Next.Room;
    __atomic_store_n(&L.Head->Homed, 0, __ATOMIC_RELEASE);
    // The generation first, as in beginLane: the old one with the new chunk, in which
    // the medium may have records of the new one already, would be raised to that
    // by whoever comes next.
    __atomic_store_n(&L.Head->Generation, generationOf(*L.Head) + 1,
                     __ATOMIC_RELEASE);
    __atomic_store_n(&L.Head->First, L.Chunk[0], __ATOMIC_RELEASE);
    R.End = R.Durable = beginningOf(L);
    R.Bytes = R.PutOff = 0;
    R.Cancelled = false;
    R.Whole = true;
  } else {
    R.Spare = Next.Chunk;
    R.Spares = Next.Chunks;
    R.SpareRoom = Next.Room;
  }
  return Ok;
}

// The same in place, without a log that anything follows: whatever the file
// says then is what is there. Lock.
static bool emptyLog(Object &O, Redo &R) {
  if (!R.L || !R.End.Last)
    return true;
  bool Ok = syncFile(O.LogFile);
  if (Ok) {
    Lane &L = *R.L;
    __atomic_store_n(&L.Head->Homed, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&L.Head->Generation, generationOf(*L.Head) + 1,
                     __ATOMIC_RELEASE);
    R.End = R.Durable = beginningOf(L);
    R.Bytes = R.PutOff = 0;
    R.Cancelled = false;
    Ok = syncFile(O.LogFile);
  }
  if (Ok)
    return true;
  giveUp(O, R, "sync what was committed");
  return failPoisoned(O);
}

// A commit of several objects that failed is not in the log for long: who found there
// that this one is prepared would need the other that decides, which may be removed since.
// Not while another is undecided: the last one of these does it. Nobody appends to it
// meanwhile (makeReady), so this does not wait for more than is there. Lock.
static void forgetCancelled(Object &O, Redo &R) {
  int Saved = errno;
  bool Ok = true;
  while (Ok && R.Cancelled && !R.Undecided && !isPoisoned(O))
    if (R.Syncing)
      wait(R);
    else
      Ok = R.Homed < R.Number ? waitUntilHome(O, R, R.Number) : emptyLog(O, R);
  errno = Saved;
}

// A log that cannot grow serves again from its beginning: which costs two
// syncs. Lock.
static bool emptyFullLog(Object &O, Redo &R) {
  bool Full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  int Saved = errno;
  if (Full && R.L && R.End.Last && !R.Undecided && waitUntilQuiet(O, R) &&
      emptyLog(O, R))
    return true;
  errno = Saved;
  return false;
}

// Whether the log is to be begun anew: it is long enough, or see forgetCancelled.
static bool mayWait(const Object &O, const Redo &R) {
  return R.L && (R.Cancelled || R.Bytes >= longestLog(O)) && !R.Undecided;
}

// Room for a commit: a log that is long enough is begun anew, unless somebody
// is in the middle of something; then it grows. Waits only when it mayWait. Lock.
static bool makeReady(Object &O, Redo &R) {
  if (isPoisoned(O))
    return failPoisoned(O);
  if (!openLog(O, R))
    return false;
  if (!mayWait(O, R))
    return true;
  while ((R.Syncing || R.Homed < R.Number) && !R.Undecided && !isPoisoned(O))
    if (R.Syncing)
      wait(R);
    else if (!waitUntilHome(O, R, R.Number))
      return false;
  if (isPoisoned(O))
    return failPoisoned(O);
  // What there is goes on if there cannot be more.
  return !mayWait(O, R) || (R.Cancelled ? emptyLog(O, R) : checkpoint(O, R)) ||
         emptyFullLog(O, R);
}

// Appends what the allocator has changed, and what ends a commit. Lock.
static void putChanges(Redo &R, LogWriter &W) {
  if (R.Changes)
    W.put(*R.Changes);
}
static void putCommit(Redo &R, LogWriter &W) {
  uint64_t Number = R.Number + 1;
  W.put(RecordKind::Commit, 0, &Number, sizeof(Number));
}
static void changesAppended(Redo &R) {
  if (R.Changes)
    enqueue(R, R.Changes);
  R.Changes = nullptr;
}

// Appends what has been collected of the allocator's changes, and B: a commit. False:
// nothing has been, and makeReady may be what waited. Lock.
static bool appendOnce(Object &O, Redo &R, const Batch *B) {
  if (!makeReady(O, R))
    return false;
  LogWriter W(O, R);
  putChanges(R, W);
  if (B)
    W.put(*B);
  putCommit(R, W);
  return W.finish();
}

// It is in the log: B, which this takes, is to be waited for by its number. Lock.
static uint64_t appended(Redo &R, Batch *B) {
  changesAppended(R);
  if (B)
    enqueue(R, B);
  return ++R.Number;
}

static bool isNothing(const Redo &R, const Batch *B) {
  return !R.Changes && (!B || !(B->Size || B->Failed));
}

// Appends B, which it takes, to be waited for by its number. Lock.
static bool append(Object &O, Redo &R, Batch *B, uint64_t &Number) {
  Number = R.Number;
  bool Ok = !isPoisoned(O) ? collectChanges(O, R) : failPoisoned(O);
  if (Ok && !isNothing(R, B)) {
    Ok = appendOnce(O, R, B) || (emptyFullLog(O, R) && appendOnce(O, R, B));
    if (Ok) {
      Number = appended(R, B);
      return true;
    }
  }
  freeBatch(B);
  return Ok;
}

//===----------------------------------------------------------------------===//
// Transactions
//===----------------------------------------------------------------------===//

bool perdure::enterRedo(Object &O) {
  Redo *R = openRedo(O);
  if (!R)
    return false;
  Locked Hold(R->Lock);
  ++R->Open;
  return true;
}

void perdure::leaveRedo(Object &O) {
  Locked Hold(O.TheRedo->Lock);
  --O.TheRedo->Open;
}

bool perdure::commitBatch(Object &O, Batch *B) {
  Redo &R = *O.TheRedo;
  Locked Hold(R.Lock);
  uint64_t Number;
  return append(O, R, B, Number) && waitUntilHome(O, R, Number);
}

bool perdure::prepareBatch(Object &O, const Batch &B, const Vote &V,
                           PreparedBatch &P) {
  Redo &R = *O.TheRedo;
  Locked Hold(R.Lock);
  for (bool Again = false;; Again = true) {
    bool Ok = makeReady(O, R) && collectChanges(O, R);
    if (Ok) {
      LogWriter W(O, R);
      // The allocator's changes are not this transaction's.
      if (R.Changes) {
        putChanges(R, W);
        putCommit(R, W);
      }
      W.put(B);
      W.put(RecordKind::Prepared, 0, &V, sizeof(V));
      Ok = W.finish();
    }
    if (Ok)
      break;
    if (Again || !emptyFullLog(O, R))
      return false;
  }
  changesAppended(R);
  P.At = R.End.Last;
  P.Mine = {O.Id.hi, O.Id.lo, R.L->Index, generationOf(*R.L->Head)};
  ++R.Undecided;
  R.Whole = true; // V's lane may be one of this object's
  if (waitUntilHome(O, R, ++R.Number))
    return true;
  --R.Undecided;
  pthread_cond_broadcast(&R.Moved);
  return false;
}

void perdure::cancelBatch(Object &O) {
  Redo &R = *O.TheRedo;
  Locked Hold(R.Lock);
  --R.Undecided;
  R.Cancelled = true;
  pthread_cond_broadcast(&R.Moved);
  forgetCancelled(O, R);
}

bool perdure::decideBatch(Object &O, const Batch &B, const PreparedBatch &P) {
  Redo &R = *O.TheRedo;
  Locked Hold(R.Lock);
  bool Ok = !isPoisoned(O);
  if (Ok) {
    uint64_t Number = R.Number + 1;
    LogWriter W(O, R);
    W.put(RecordKind::Decided, P.At, &Number, sizeof(Number));
    Ok = W.finish();
  }
  // Home before anybody else may write the same places: it is durable that it
  // is committed, wherever that is read.
  if (Ok) {
    ++R.Number;
    Ok = writeHome(O, B);
  } else if (!isPoisoned(O)) {
    giveUp(O, R, "write that a transaction is committed");
  }
  --R.Undecided;
  pthread_cond_broadcast(&R.Moved);
  return Ok;
}

bool perdure::syncLane(Object &O) {
  Redo &R = *O.TheRedo;
  Locked Hold(R.Lock);
  if (syncAlone(O, R))
    return true;
  giveUp(O, R, "sync that a transaction is committed");
  return failPoisoned(O);
}

bool perdure::syncCommits(Object &O) {
  Redo &R = *O.TheRedo;
  Locked Hold(R.Lock);
  bool Ok = waitUntilHome(O, R, R.Number);
  forgetCancelled(O, R);
  return Ok;
}

//===----------------------------------------------------------------------===//
// What was stored outside transactions
//===----------------------------------------------------------------------===//

namespace {
/// Too much for a commit.
constexpr uint64_t MuchBytes = 1 << 20;

class CollectDifferences final : public Differences {
public:
  CollectDifferences(Object &O, const Span *Except, size_t Count,
                     const Underway &Coming, Batch &B)
      : Differences(O, Except, Count, Coming), B(B) {}
  bool TooMuch = false;

private:
  Batch &B;
  bool differs(uint64_t Offset, uint64_t Bytes) override {
    TooMuch = TooMuch || B.Size + Bytes > MuchBytes;
    if (!TooMuch)
      B.addBytes(O, Offset, Bytes);
    return !TooMuch;
  }
};

class WriteDifferences final : public Differences {
public:
  using Differences::Differences;

private:
  bool writeStored(uint64_t Offset, uint64_t Bytes) {
    const char *From = (const char *)(O.Base + Offset);
    if (!isShadowed())
      return writeFile(O.File, From, Bytes, Offset);
    char Piece[FilePage];
    for (uint64_t Done = 0, Now; Done < Bytes; Done += Now) {
      Now = Bytes - Done < FilePage ? Bytes - Done : FilePage;
      copyUnseen(Piece, From + Done, Now);
      if (!writeFile(O.File, Piece, Now, Offset + Done))
        return false;
    }
    return true;
  }
  bool differs(uint64_t Offset, uint64_t Bytes) override {
    return writeStored(Offset, Bytes) ||
           fail(errno, "object %s: cannot write what was stored in it: %s",
                labelOf(O).Text, strerror(errno));
  }
};
} // namespace

namespace {
/// What is to be written that was stored.
struct Stored {
  Span S;
  const Span *Except;
  size_t Count;
  bool InNone; // only while no transaction is open
};
} // namespace

// Not by the log, which does not hold much: it is emptied before, since it
// could say how a place was before. Lock.
static bool writeMuch(Object &O, Redo &R, const Stored &What) {
  uint64_t Number;
  if (!append(O, R, nullptr, Number) || !waitUntilQuiet(O, R) ||
      !emptyLog(O, R))
    return false;
  // One may have begun while this waited.
  if (What.InNone && R.Open)
    return true;
  if (!WriteDifferences(O, What.Except, What.Count, Underway()).visit(What.S)) {
    poison(O, "write what was stored in it", errno);
    return false;
  }
  if (syncFile(O.LogFile))
    return true;
  giveUp(O, R, "sync what was stored in it");
  return failPoisoned(O);
}

// Compares with what the file will hold. Lock.
static bool collectDifferences(Object &O, Redo &R, const Stored &What, Batch &B,
                               bool &TooMuch) {
  Underway Coming;
  for (const Batch *Each = R.First; Each; Each = Each->Next)
    if (!Coming.add(*Each, What.S))
      return false;
  if (R.Changes && !Coming.add(*R.Changes, What.S))
    return false;
  Coming.sort();
  CollectDifferences Found(O, What.Except, What.Count, Coming, B);
  bool Ok = Found.visit(What.S);
  TooMuch = Found.TooMuch;
  return Ok || TooMuch;
}

// The order matters: what the allocator has changed is taken first, then pages are
// compared, and both are appended before anything waits. So what others allocate or
// commit meanwhile comes later in the log than what was compared, and holds. What the
// file will hold, and so does not differ, may be on its way there: that is waited for, too.
// Lock.
static bool writeSpan(Object &O, Redo &R, const Stored &What) {
  for (bool Emptied = false;;) {
    if (isPoisoned(O))
      return failPoisoned(O);
    if (What.InNone && R.Open)
      return true;
    Batch *B = collectChanges(O, R) ? makeBatch() : nullptr;
    bool TooMuch = false, Ok = B && collectDifferences(O, R, What, *B, TooMuch);
    if (Ok && !TooMuch && !isNothing(R, B)) {
      bool Waits = mayWait(O, R);
      Ok = Waits ? makeReady(O, R) : appendOnce(O, R, B);
      if (Ok && !Waits)
        return waitUntilHome(O, R, appended(R, B));
      freeBatch(B);
      if (!Ok && (Emptied || !emptyFullLog(O, R)))
        return false;
      Emptied = Emptied || !Ok;
      continue;
    }
    freeBatch(B);
    return Ok && (TooMuch ? writeMuch(O, R, What) : waitUntilHome(O, R, R.Number));
  }
}

static constexpr Stored Everything = {{HeaderBytes, UINT64_MAX}, nullptr, 0, true};

bool perdure::persistSpan(Object &O, Span S, const Span *Except, size_t Count) {
  Redo *R = openRedo(O);
  if (!R)
    return false;
  Locked Hold(R->Lock);
  if (isPoisoned(O))
    return failPoisoned(O);
  uint64_t Before = R->Number;
  if (!writeSpan(O, *R, {S, Except, Count, false}))
    return false;
  // What others have changed who share it.
  if (R->Number != Before || isAlone(O) || syncAlone(O, *R))
    return true;
  giveUp(O, *R, "sync what was stored in it");
  return failPoisoned(O);
}

bool perdure::syncCommitted(Object &O) {
  // See syncAlone; through this description the file's size is synced, too, with that
  // lock, and commits are through the other.
  Locked Hold(O.GrowLock);
  if (isPoisoned(O))
    return failPoisoned(O);
  if (syncFile(O.MapFile))
    return true;
  poison(O, "sync what was stored in it", errno);
  return failPoisoned(O);
}

bool perdure::writeBack(Object &O, bool Forget) {
  Redo *R = openRedo(O);
  if (!R)
    return false;
  Locked Hold(R->Lock);
  if (isPoisoned(O))
    return failPoisoned(O);
  if (R->Open)
    return true;
  if (!writeSpan(O, *R, Everything))
    return false;
  if (Forget)
    forgetOwn(O);
  return true;
}

void perdure::closeRedo(Object &O) {
  Redo *R = openRedo(O);
  if (!R) {
    report("object %s: what was stored in it since the last commit is lost: %s",
           labelOf(O).Text, errorMessage());
    return;
  }
  if (isPoisoned(O))
    return;
  Locked Hold(R->Lock);
  bool Ok = true;
  if (R->Open)
    report(
        "object %s is closed while another thread is in a transaction in it: "
        "what was stored in it outside transactions since the last "
        "perdure_persist is lost",
        labelOf(O).Text);
  else
    Ok = writeSpan(O, *R, Everything) &&
         waitUntilQuiet(O, *R) && emptyLog(O, *R);
  if (!Ok && !isPoisoned(O))
    report("object %s: what was stored in it since the last commit is lost: %s",
           labelOf(O).Text, errorMessage());
}

//===----------------------------------------------------------------------===//
// Forgetting
//===----------------------------------------------------------------------===//

void perdure::redoRelease(Object &O) {
  Redo *R = O.TheRedo;
  O.TheRedo = nullptr;
  changesRelease(O);
  if (!R)
    return;
  while (Batch *B = R->First) {
    R->First = B->Next;
    freeBatch(B);
  }
  freeBatch(R->Changes);
  free(R->Spare);
  free(R);
}

void perdure::redosBeforeFork() { OpenRedoLock.lock(); }
void perdure::redosAfterFork() { OpenRedoLock.unlock(); }

void perdure::redoBeforeFork(Object &O) {
  if (O.TheRedo)
    O.TheRedo->Lock.lock();
  changesBeforeFork(O);
}

void perdure::redoAfterFork(Object &O) {
  changesAfterFork(O);
  if (O.TheRedo)
    O.TheRedo->Lock.unlock();
}

void perdure::redoInChild(Object &O) { redoRelease(O); }

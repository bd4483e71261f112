//===- fot.cpp - The foreign object table of one object -------------------===//
//
// In the file: entries 1, 2, ... in extents, append-only. Entry 0 is the object
// itself and never written. An entry is claimed by a compare-and-swap of its
// last word from free, filled, and made valid by one store of that word, so
// that whoever dies in between leaves a dead entry and nothing else.
//
// Processes that share the object insert one after the other, under the
// kernel's lock (StructureLocked): each first takes in what the others have
// inserted, so no target gets two entries. Who only looks needs no lock, and
// cannot tell a claim whose writer is at it from one whose writer died.
//
// In memory: a hash table from ID or name to index, built at the first search,
// under the object's FotLock. That is never held while the kernel's lock is
// waited for: a process that was stopped with that one keeps others from
// inserting into the same object, and from nothing else.
//
//===----------------------------------------------------------------------===//

#include "fot/fot.h"
#include "object/header.h"
#include "object/store.h"
#include "platform/error.h"
#include "platform/shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

using namespace perdure;

constexpr uint64_t FirstExtent = FilePage / sizeof(FotEntry);

namespace perdure {
struct Fot {
  uint64_t Next;     // every entry below has been taken in, or is dead
  uint64_t Entries;  // in Buckets
  uint64_t Capacity; // of Buckets, a power of two
  uint32_t *Buckets; // indexes; 0 is empty
};
} // namespace perdure

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

static FotEntry *entryAt(const Object &O, uint64_t Index) {
  ExtentPlace Place = placeIn(Index, FirstExtent);
  uint64_t Extent = extentOf(O, Table::Fot, Place.K);
  return Extent ? (FotEntry *)(O.Base + Extent) + Place.Within : nullptr;
}

// The entry's last word: Valid and Checksum, read and written as one.
static uint64_t *lastWord(FotEntry *E) { return (uint64_t *)&E->Valid; }

static uint64_t makeLastWord(uint32_t Valid, uint32_t Checksum) {
  return Valid | (uint64_t)Checksum << 32;
}

static bool isFree(FotEntry *E) {
  return __atomic_load_n(lastWord(E), __ATOMIC_ACQUIRE) == EntryFree;
}

// The name at an offset that may be anything.
static bool readName(const Object &O, uint64_t Offset, char (&Name)[256]) {
  uint64_t End = __atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE);
  if (Offset < HeaderBytes || Offset >= End)
    return false;
  size_t Room = End - Offset < sizeof(Name) ? End - Offset : sizeof(Name);
  copyUnseen(Name, (const void *)(O.Base + Offset), Room);
  return memchr(Name, 0, Room) && Name[0];
}

// What an entry says, but for the text of its name, when it is valid.
static bool parseEntry(const FotEntry &E, FotTarget &Target) {
  if ((E.Valid != EntryById && E.Valid != EntryByName) ||
      E.Checksum != checksumOf(E))
    return false;
  Target.ToWrite = E.Rights & FotWrite;
  Target.Name[0] = 0;
  Target.NameAt = 0;
  if (E.Valid == EntryByName) {
    Target.Id = {0, 0};
    Target.NameAt = E.IdLo;
    return !E.IdHi;
  }
  Target.Id = {E.IdHi, E.IdLo};
  return E.IdHi | E.IdLo;
}

// What it leads to, when it is valid: the file may change under us.
static bool readEntry(const Object &O, FotEntry *E, FotTarget &Target) {
  uint64_t Last = __atomic_load_n(lastWord(E), __ATOMIC_ACQUIRE);
  FotEntry Copy = {};
  Copy.Valid = (uint32_t)Last;
  Copy.Checksum = (uint32_t)(Last >> 32);
  Copy.IdHi = __atomic_load_n(&E->IdHi, __ATOMIC_RELAXED);
  Copy.IdLo = __atomic_load_n(&E->IdLo, __ATOMIC_RELAXED);
  Copy.Rights = __atomic_load_n(&E->Rights, __ATOMIC_RELAXED);
  Copy.Reserved = __atomic_load_n(&E->Reserved, __ATOMIC_RELAXED);
  return parseEntry(Copy, Target) &&
         (Copy.Valid == EntryById || readName(O, Copy.IdLo, Target.Name));
}

// The entry at Index, of which another process may have made more.
static FotEntry *findEntry(Object &O, uint64_t Index) {
  FotEntry *E = entryAt(O, Index);
  if (!E) {
    followWriter(O);
    E = entryAt(O, Index);
  }
  return E;
}

bool perdure::fotTarget(Object &O, uint64_t Index, FotTarget &Target) {
  if (Index == 0 || Index > PerdureAbiFotIndexMax)
    return false;
  FotEntry *E = findEntry(O, Index);
  if (!E || readEntry(O, E, Target))
    return E;
  if ((uint32_t)__atomic_load_n(lastWord(E), __ATOMIC_ACQUIRE) != EntryByName)
    return false;
  // Its text may lie where another process has made the file longer since.
  followWriter(O);
  return readEntry(O, E, Target);
}

bool perdure::fotEnds(Object &O, uint64_t Index) {
  FotEntry *E = Index > PerdureAbiFotIndexMax ? nullptr : findEntry(O, Index);
  return !E || isFree(E);
}

static bool readName(int File, uint64_t Offset, uint64_t End,
                     char (&Name)[256]) {
  if (Offset < HeaderBytes || Offset >= End)
    return false;
  ssize_t Read = pread(File, Name, sizeof(Name), (off_t)Offset);
  return Read > 0 && memchr(Name, 0, (size_t)Read) && Name[0];
}

bool perdure::visitTargets(int File, const State &S,
                           bool (*Visit)(void *, const FotTarget &),
                           void *Context) {
  constexpr uint64_t PerPage = FilePage / sizeof(FotEntry);
  FotEntry Page[PerPage];
  for (uint64_t Index = 0; Index <= PerdureAbiFotIndexMax; ++Index) {
    ExtentPlace Place = placeIn(Index, FirstExtent);
    if (Place.K >= MaxExtents || !S.FotExtent[Place.K])
      break;
    uint64_t Within = Place.Within % PerPage;
    off_t At = (off_t)(S.FotExtent[Place.K] +
                       (Place.Within - Within) * sizeof(FotEntry));
    if (!Within && pread(File, Page, sizeof(Page), At) != sizeof(Page))
      return fail(EIO, "cannot read the FOT");
    const FotEntry &E = Page[Within];
    if (Index && E.Valid == EntryFree && !E.Checksum)
      break;
    FotTarget Target;
    if (Index && parseEntry(E, Target) &&
        (E.Valid == EntryById ||
         readName(File, E.IdLo, S.FileBytes, Target.Name)) &&
        !Visit(Context, Target))
      return false;
  }
  return true;
}

uint64_t perdure::fotCount(const Object &O) {
  uint64_t Count = 0;
  FotTarget Target;
  for (uint64_t I = 1; I <= PerdureAbiFotIndexMax; ++I) {
    FotEntry *E = entryAt(O, I);
    if (!E || isFree(E))
      break;
    Count += readEntry(O, E, Target);
  }
  return Count;
}

//===----------------------------------------------------------------------===//
// The hash table
//===----------------------------------------------------------------------===//

// Secret: who makes up a FOT could have all its entries meet in one bucket.
static uint64_t Secret[2];

static void makeSecret() {
  static pthread_once_t Once = PTHREAD_ONCE_INIT;
  pthread_once(&Once, [] {
    // Without random bits it works, for objects that mean well.
    if (getrandom(Secret, sizeof(Secret), GRND_NONBLOCK) < 0)
      Secret[0] = (uint64_t)&Once;
    Secret[1] |= 1;
  });
}

static uint64_t mix(uint64_t A, uint64_t B) {
  unsigned __int128 Product = (unsigned __int128)A * B;
  return (uint64_t)Product ^ (uint64_t)(Product >> 64);
}

static uint64_t hashOf(const FotTarget &T) {
  uint64_t Hash = mix(T.Id.hi ^ Secret[0], T.Id.lo ^ Secret[1]);
  for (const char *C = T.Name; *C; ++C)
    Hash = mix(Hash ^ (unsigned char)*C ^ Secret[0], Secret[1]);
  return Hash;
}

static bool areSame(const FotTarget &A, const FotTarget &B) {
  return A.Id.hi == B.Id.hi && A.Id.lo == B.Id.lo && !strcmp(A.Name, B.Name);
}

// Where Target is, or would go. An entry that was valid and is not any more was
// damaged by somebody else: its bucket is passed over.
static uint32_t *bucketOf(const Object &O, const Fot &F,
                          const FotTarget &Target) {
  FotTarget Other;
  for (uint64_t I = hashOf(Target);; ++I) {
    uint32_t *Bucket = &F.Buckets[I & (F.Capacity - 1)];
    if (!*Bucket ||
        (readEntry(O, entryAt(O, *Bucket), Other) && areSame(Target, Other)))
      return Bucket;
  }
}

static bool widen(const Object &O, Fot &F) {
  if (F.Entries * 2 < F.Capacity)
    return true;
  Fot New = F;
  New.Entries = 0;
  New.Capacity = F.Capacity ? F.Capacity * 2 : 64;
  New.Buckets = (uint32_t *)calloc(New.Capacity, sizeof(uint32_t));
  if (!New.Buckets)
    return fail(ENOMEM, "no memory for the FOT's index");
  for (uint64_t I = 0; I < F.Capacity; ++I) {
    FotTarget Target;
    uint32_t Index = F.Buckets[I];
    if (!Index || !readEntry(O, entryAt(O, Index), Target))
      continue;
    *bucketOf(O, New, Target) = Index;
    ++New.Entries;
  }
  free(F.Buckets);
  F = New;
  return true;
}

static bool remember(const Object &O, Fot &F, uint64_t Index,
                     const FotTarget &Target) {
  if (!widen(O, F))
    return false;
  uint32_t *Bucket = bucketOf(O, F, Target);
  if (!*Bucket) { // the lowest index stays
    *Bucket = (uint32_t)Index;
    ++F.Entries;
  }
  return true;
}

namespace {
/// On DAX media who inserted an entry may have died, or not have come to the flush: a
/// pointer that uses it must not be durable before the entry is. Flushes what lies
/// together at once, at the latest when this goes. (On page media a commit
/// that others share syncs the file that has both, and so does the first one alone.)
class Unflushed {
public:
  explicit Unflushed(Object &O) : O(O) {}
  ~Unflushed() { flush(); }
  Unflushed(const Unflushed &) = delete;
  Unflushed &operator=(const Unflushed &) = delete;

  void add(const FotEntry *E) {
    if (O.Map.Page)
      return;
    if (E != End) {
      flush();
      Begin = E;
    }
    End = E + 1;
  }

private:
  void flush() {
    if (Begin)
      flushMetadata(O, Begin, (size_t)((const char *)End - (const char *)Begin));
  }
  Object &O;
  const FotEntry *Begin = nullptr, *End = nullptr;
};
} // namespace

// Takes in the entries from Next on: at first all, later those of other
// processes. Settled: nobody else inserts now, so what is not valid stays so.
// Without that it is passed over and looked at again the next time: a claim may
// become an entry, and a name's text lie past what is known of the file.
static bool absorb(Object &O, Fot &F, bool Settled) {
  if (!widen(O, F))
    return false;
  bool InOrder = true;
  Unflushed ByOthers(O);
  for (uint64_t I = F.Next; I <= PerdureAbiFotIndexMax; ++I) {
    FotEntry *E = entryAt(O, I);
    FotTarget Target;
    if (!E || isFree(E))
      break;
    bool Valid = readEntry(O, E, Target);
    if (Valid && !remember(O, F, I, Target))
      return false;
    ByOthers.add(E);
    InOrder = InOrder && (Valid || Settled);
    if (InOrder)
      F.Next = I + 1;
  }
  return true;
}

static void release(Object &O) {
  if (!O.TheFot)
    return;
  free(O.TheFot->Buckets);
  free(O.TheFot);
  O.TheFot = nullptr;
}

// FotLock.
static Fot *open(Object &O) {
  if (O.TheFot)
    return O.TheFot;
  Fot *F = (Fot *)makeFound(sizeof(Fot));
  if (!F) {
    fail(ENOMEM, "no memory for the FOT's index");
    return nullptr;
  }
  makeSecret();
  O.TheFot = F;
  F->Next = 1;
  if (absorb(O, *F, false))
    return F;
  release(O);
  return nullptr;
}

void perdure::fotRelease(Object &O) {
  // When the object becomes writable others may be looking for an ID.
  Locked Hold(O.FotLock);
  release(O);
}

//===----------------------------------------------------------------------===//
// Insertion
//===----------------------------------------------------------------------===//

// A claimed entry of O, or null.
static FotEntry *claim(Object &O, Fot &F) {
  for (; F.Next <= PerdureAbiFotIndexMax; ++F.Next) {
    FotEntry *E = entryAt(O, F.Next);
    if (!E) {
      unsigned K = placeIn(F.Next, FirstExtent).K;
      if (!appendExtentLocked(O, Table::Fot, K))
        return nullptr;
      E = entryAt(O, F.Next);
    }
    uint64_t Free = EntryFree;
    if (__atomic_compare_exchange_n(lastWord(E), &Free,
                                    makeLastWord(EntryClaimed, 0), false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
      return E;
  }
  fail(ENOSPC, "the FOT of object %s is full: it leads to %u others",
       labelOf(O).Text, (unsigned)PerdureAbiFotIndexMax);
  return nullptr;
}

// The index of Target when this process knows one, else 0; null without memory.
static Fot *lookUp(Object &O, const FotTarget &Target, uint64_t &Index) {
  Fot *F = open(O);
  Index = F ? *bucketOf(O, *F, Target) : 0;
  return F;
}

static uint64_t insert(Object &O, const FotTarget &Target) {
  StructureLocked Hold(O);
  if (!Hold.ok())
    return 0;
  Locked HoldFot(O.FotLock);
  uint64_t Index;
  Fot *F = open(O);
  if (!F || !absorb(O, *F, true) || !lookUp(O, Target, Index))
    return 0;
  if (Index)
    return Index; // another thread or process was faster
  FotEntry *E = claim(O, *F);
  if (!E)
    return 0;
  bool ByName = Target.Name[0];
  FotEntry New = {};
  New.IdHi = Target.Id.hi;
  New.IdLo = ByName ? Target.NameAt : Target.Id.lo;
  New.Rights = FotRead | FotWrite;
  __atomic_store_n(&E->IdHi, New.IdHi, __ATOMIC_RELAXED);
  __atomic_store_n(&E->IdLo, New.IdLo, __ATOMIC_RELAXED);
  __atomic_store_n(&E->Rights, New.Rights, __ATOMIC_RELAXED);
  __atomic_store_n(&E->Reserved, 0, __ATOMIC_RELAXED);
  // The last word is in the line of the others, and what is stored to one line
  // reaches the medium in its order: on DAX nothing is flushed between, and on
  // page media it is the same sector.
  static_assert(64 % sizeof(FotEntry) == 0, "extents begin with a page");
  __atomic_store_n(
      lastWord(E),
      makeLastWord(ByName ? EntryByName : EntryById, checksumOf(New)),
      __ATOMIC_RELEASE);
  flushHeader(O, E, sizeof(*E));
  Index = F->Next++;
  return remember(O, *F, Index, Target) ? Index : 0;
}

// The index of Target; inserted when there is none and Insert says so.
static uint64_t indexOf(Object &O, const FotTarget &Target, bool Insert) {
  uint64_t Index;
  {
    Locked Hold(O.FotLock);
    if (!lookUp(O, Target, Index) || Index)
      return Index;
  }
  if (Insert && isWritable(O))
    return insert(O, Target);
  // Another process may have inserted it.
  followWriter(O);
  Locked Hold(O.FotLock);
  Fot *F = open(O);
  if (!F || !absorb(O, *F, false) || !lookUp(O, Target, Index) || Index)
    return Index;
  if (!Insert)
    fail(ENOENT, "object %s has no such pointer", labelOf(O).Text);
  else
    fail(EROFS, "object %s is open read-only and cannot lead to one more: %s",
         labelOf(O).Text, O.WhyReadOnly);
  return 0;
}

uint64_t perdure::fotIndex(Object &O, perdure_id Id) {
  // No entry could say so.
  if (!(Id.hi | Id.lo)) {
    fail(EINVAL, "no object has the ID 0");
    return 0;
  }
  FotTarget Target = {};
  Target.Id = Id;
  return indexOf(O, Target, true);
}

uint64_t perdure::fotIndexOfName(Object &O, const char *Name, uint64_t NameAt) {
  FotTarget Target = {};
  Target.NameAt = NameAt;
  strncpy(Target.Name, Name, sizeof(Target.Name) - 1);
  return indexOf(O, Target, NameAt != 0);
}

bool perdure::fotSetRights(Object &O, perdure_id Id, bool ToWrite) {
  FotTarget Target = {};
  Target.Id = Id;
  uint64_t Index = indexOf(O, Target, false);
  if (!Index)
    return false;
  FotEntry *E = entryAt(O, Index);
  __atomic_store_n(&E->Rights, ToWrite ? FotRead | FotWrite : +FotRead,
                   __ATOMIC_RELEASE);
  flushHeader(O, E, sizeof(*E));
  return true;
}

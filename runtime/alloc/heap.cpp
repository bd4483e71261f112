//===- heap.cpp - The allocator inside an object --------------------------===//
//
// The page map and the slabs' bitmaps in the file say what is allocated
// (alloc/format.h). Everything that makes it fast is volatile and rebuilt from
// them at the first allocation:
//
//   arenas   Threads are spread over them. Each has a lock, and per class a
//            list of slabs that have room. A slab belongs to one arena; each of
//            its pages' tags says to which, so that any thread can free into
//            it. The last arena, the pool, belongs to no thread: it has the
//            slabs that were there before, until somebody needs them.
//   runs     of free pages (alloc/page_runs.h), under the page lock.
//
// Process death between any two stores leaks at most what each thread was
// allocating or freeing: a block is zeroed before its bit is set, a slab's
// header and Inside pages are written before its first descriptor, and pages
// are free in the file before they are given to somebody else. No store into
// the file depends on another arena's: slabs change hands without one, and
// pages under the page lock, which orders the stores before and after.
//
//===----------------------------------------------------------------------===//

#include "alloc/heap.h"
#include "alloc/changes.h"
#include "alloc/page_map.h"
#include "alloc/page_runs.h"
#include "alloc/placement.h"
#include "platform/error.h"
#include "platform/shadow.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

using namespace perdure;

namespace {

constexpr unsigned UsedWords = sizeof(SlabHeader::Used) / sizeof(uint64_t);

/// What the fast paths need of a class, worked out.
struct ClassInfo {
  uint64_t All[UsedWords] = {}; // a bit for each block there is
  uint32_t BlockBytes = 0, Pages = 0, Blocks = 0;
  uint32_t Reciprocal = 0; // 2^32 / BlockBytes, rounded up

  // Distance / BlockBytes, for distances within a slab: the error of the
  // reciprocal is below BlockBytes / 2^32, and 64 KiB times that below 1 /
  // BlockBytes.
  uint32_t indexOf(uint32_t Distance) const {
    return (uint32_t)((uint64_t)Distance * Reciprocal >> 32);
  }
};

constexpr struct ClassTable {
  ClassInfo Info[ClassCount];
  uint8_t Of[LargestClass / 16 + 1]; // by units of 16 bytes

  constexpr ClassTable() : Info(), Of() {
    for (unsigned I = 0, Class = 0; I <= LargestClass / 16; ++I) {
      if (I * 16 > Classes[Class].BlockBytes)
        ++Class;
      Of[I] = (uint8_t)Class;
    }
    for (unsigned Class = 0; Class < ClassCount; ++Class) {
      ClassInfo &C = Info[Class];
      C.BlockBytes = Classes[Class].BlockBytes;
      C.Pages = Classes[Class].Pages;
      C.Blocks = Classes[Class].blocks();
      C.Reciprocal = (uint32_t)((((uint64_t)1 << 32) - 1) / C.BlockBytes + 1);
      for (unsigned I = 0; I < C.Blocks; ++I)
        C.All[I / 64] |= (uint64_t)1 << I % 64;
    }
  }
} ByClass;
static_assert(Classes[ClassCount - 1].Pages * FilePage <= 65536, "");
static_assert(LargestClass * 65536 < (uint64_t)1 << 32, "");

/// Each page of a slab says where the slab starts, of what class and whose it
/// is. Atomic: read without a lock, written with the owner's.
struct SlabTag {
  uint32_t Word; // 0: no slab

  static SlabTag make(unsigned Owner, unsigned Class, unsigned Distance) {
    return {Owner << 16 | (Class + 1) << 8 | Distance};
  }
  unsigned owner() const { return Word >> 16; }
  unsigned sizeClass() const { return (Word >> 8 & 0xff) - 1; }
  unsigned distance() const { return Word & 0xff; } // pages to the first
};

/// The one class whose blocks may cross a line that they could do without; the
/// next larger one is a line.
constexpr unsigned CrossingClass = 2;
static_assert(Classes[CrossingClass].BlockBytes == 48 &&
                  Classes[CrossingClass + 1].BlockBytes == 64,
              "");

constexpr unsigned MaxArenas = 32;

} // namespace

namespace perdure {

/// Two lines apart, since processors fetch lines in pairs.
struct alignas(128) Arena {
  Latch Lock;
  uint32_t Room[ClassCount];  // slabs with free blocks
  uint32_t Spare[ClassCount]; // a slab without blocks, kept for the next need
};

struct Heap {
  // Written once.
  PageTag *Tags; // one per page that a slot can hold, demand-zero
  uint64_t TagBytes;
  unsigned ArenaCount; // a power of two
  unsigned Pool;       // the arena after these

  alignas(128) Latch PageLock; // guards the rest
  bool Damaged;                // the page map was, at the last refresh
  uint64_t Pages;              // of the file that are in the lists
  // Pages from here on have never been used, so hold zeroes: growth made them
  // since this heap was built, and nobody has taken them or any that follows.
  // posix_fallocate extends a file with zeroes, and it extends nothing but:
  // attach() has cut off what an interrupted growth left past FileBytes, and
  // nothing is written past FileBytes.
  uint64_t Fresh;
  PageRuns Runs;

  alignas(128) Arena Arenas[MaxArenas + 1];
};

} // namespace perdure

static Mutex OpenLock; // guards the making of Heaps

static unsigned Threads; // that have allocated so far; atomic

// Static TLS: four bytes, read on every allocation.
static __thread unsigned ThreadNumber
    __attribute__((tls_model("initial-exec")));

static Arena &arenaOfThread(Heap &H) {
  return H.Arenas[ThreadNumber & (H.ArenaCount - 1)];
}

// Threads that live long may have got numbers that lead to one arena: who
// meets others often enough takes a new number.
[[gnu::noinline]] static Arena &lockBusyArena(Heap &H) {
  static __thread unsigned Met;
  if (!ThreadNumber || ++Met % 8 == 0)
    ThreadNumber = __atomic_add_fetch(&Threads, 1, __ATOMIC_RELAXED);
  Arena &A = arenaOfThread(H);
  A.Lock.lock();
  return A;
}

static Arena &lockArenaOfThread(Heap &H) {
  Arena &A = arenaOfThread(H);
  if (__builtin_expect(ThreadNumber && A.Lock.tryLock(), 1))
    return A;
  return lockBusyArena(H);
}

static unsigned numberOf(const Heap &H, const Arena &A) {
  return (unsigned)(&A - H.Arenas);
}

static SlabTag tagOf(const Heap &H, uint64_t Page) {
  return {__atomic_load_n(&H.Tags[Page].Slab, __ATOMIC_ACQUIRE)};
}

static void tagSlab(Heap &H, uint64_t Page, unsigned Class, unsigned Owner) {
  for (unsigned I = 0; I < Classes[Class].Pages; ++I)
    __atomic_store_n(&H.Tags[Page + I].Slab,
                     SlabTag::make(Owner, Class, I).Word, __ATOMIC_RELEASE);
}

static void untagSlab(Heap &H, uint64_t Page, unsigned Class) {
  for (unsigned I = 0; I < Classes[Class].Pages; ++I)
    __atomic_store_n(&H.Tags[Page + I].Slab, 0u, __ATOMIC_RELEASE);
}

static void tagLarge(Heap &H, uint64_t Page, uint64_t Pages) {
  H.Tags[Page].Next = (uint32_t)Pages;
  H.Tags[Page].Prev = LargeBlock;
}

//===----------------------------------------------------------------------===//
// Durability of what the fast paths change
//===----------------------------------------------------------------------===//

// What is written by commits alone is noted for the next one, with the lock
// that keeps others from changing the same bits.
static void noteZeroes(Object &O, const void *P, size_t Bytes) {
  if (isDeferred(O))
    noteZeroed(O, P, Bytes);
}

static void noteBits(Object &O, const uint64_t *Word, uint64_t Clear,
                     uint64_t Set) {
  if (isDeferred(O))
    noteWord(O, Word, Clear, Set);
}

// The rest after the latch has been released, by an instruction that would wait
// for what is being written back. On DAX: what others have stored in the same
// line by then may reach the medium as well, as it may at any time. Elsewhere
// it is flushMetadata, but in two steps, since its flag lies in a line of the
// Object that every thread reads, and one that stores it each time takes the
// line from all: the release is a full barrier, and if the flag is up still,
// whoever takes it down will sync what was stored before.
static void wordChanged(Object &O, const uint64_t *Word, WriteBack When) {
  if (!O.Map.Page) {
    if (When == WriteBack::Here)
      flushRange(O.Map, Word, sizeof(*Word));
  } else if (!isDeferred(O) &&
             !__atomic_load_n(&O.Unsynced, __ATOMIC_SEQ_CST)) {
    flushMetadata(O, Word, sizeof(*Word));
  }
}

//===----------------------------------------------------------------------===//
// What sanitizers are told: with the locks that guard what is free
//===----------------------------------------------------------------------===//

// What this process alone gives and takes.
static bool isShadowed(const Object &O) { return isShadowed() && isAlone(O); }

static void markFreePages(const Object &O, uint64_t Page, uint64_t Pages) {
  if (isShadowed(O))
    markFree(slabAt(O, Page), Pages * FilePage);
}

// Of a slab: all but its head and the blocks that are in use.
static void markFreeBlocks(const Object &O, uint64_t Page, unsigned Class) {
  if (!isShadowed(O))
    return;
  const ClassInfo &C = ByClass.Info[Class];
  const SlabHeader *S = slabAt(O, Page);
  const char *First = (const char *)(S + 1);
  markFree(First, C.Pages * FilePage - sizeof(*S));
  for (unsigned I = 0; I < C.Blocks; ++I)
    if (S->Used[I / 64] >> I % 64 & 1)
      markUsed(First + (uint64_t)I * C.BlockBytes, C.BlockBytes);
}

// Zeroes what the block's next owner does not overwrite at once, of an object
// that commits alone do not write: only that has to be written back, from First to
// End.
static void zeroRest(char *Block, uint64_t Bytes, uint64_t Overwritten,
                     uint64_t &First, uint64_t &End) {
  First = Bytes;
  End = 0;
  for (uint64_t At = 0; At < Bytes; At += OverwrittenUnit) {
    uint64_t Unit = At / OverwrittenUnit;
    if (Unit < 64 && Overwritten >> Unit & 1)
      continue;
    uint64_t Count = Unit < 64 ? OverwrittenUnit : Bytes - At;
    memset(Block + At, 0, Count);
    First = At < First ? At : First;
    At += Count - OverwrittenUnit;
    End = At + OverwrittenUnit;
  }
}

// Of blocks that are given, Bytes are what was asked for: the rest stays free.
// Between the threads that free blocks and those that allocate them once more: by
// the block, so that this hides no race. When slabs come and go, by the pages' lock.
[[gnu::noinline, gnu::cold]] static void
zeroShadowed(const Object &O, char *Block, uint64_t Bytes, uint64_t Room,
             uint64_t Overwritten, uint64_t &First, uint64_t &End) {
  happensAfter(Block);
  markUsed(Block, Room);
  if (Overwritten)
    zeroRest(Block, Room, Overwritten, First, End);
  else
    memset(Block, 0, Room);
  if (isShadowed(O))
    markFree(Block + Bytes, Room - Bytes);
}

[[gnu::noinline, gnu::cold]] static void
freeShadowed(const Object &O, const void *Block, uint64_t Room) {
  happensBefore(Block);
  if (isShadowed(O))
    markFree(Block, Room);
}

template <typename Visitor>
static void visitPlaces(const Object &O, uint64_t Page, unsigned Class,
                        Visitor Visit) {
  const ClassInfo &C = ByClass.Info[Class];
  const char *First = (const char *)(slabAt(O, Page) + 1);
  for (unsigned I = 0; isShadowed() && I < C.Blocks; ++I)
    Visit(First + (uint64_t)I * C.BlockBytes);
}

//===----------------------------------------------------------------------===//
// Making and refreshing the volatile side
//===----------------------------------------------------------------------===//

static void lockAll(Heap &H) {
  for (unsigned I = 0; I <= H.Pool; ++I)
    H.Arenas[I].Lock.lock();
  H.PageLock.lock();
}

static void unlockAll(Heap &H) {
  H.PageLock.unlock();
  for (unsigned I = 0; I <= H.Pool; ++I)
    H.Arenas[I].Lock.unlock();
}

// Takes in the pages by which the file has grown since the last time: at first
// all. The page map grows with them, if it can; pages that it does not cover
// stay out. Slabs go to the pool. Under the page lock; slabs are found only
// when the heap is built, when nobody uses the pool; in pages by which this
// process has made the file longer nothing is allocated yet.
static bool absorb(Object &O, Heap &H, bool Grown = false) {
  uint64_t End;
  for (;;) {
    End = filePages(O);
    uint64_t Covered = coveredPages(O);
    if (Covered >= End)
      break;
    if (coverPages(O, End))
      continue; // which has made the file longer
    End = Covered;
    if (End <= H.Pages)
      return false;
    break;
  }
  // What was known of them is old when another process has changed them.
  markUsed(slabAt(O, H.Pages), (End - H.Pages) * FilePage);
  PageWalk Walk(O, H.Pages, End);
  PageRun R;
  while (Walk.next(R)) {
    if (R.Kind == PageKind::Free) {
      H.Runs.add(H.Tags, R.Page, R.Pages);
      markFreePages(O, R.Page, R.Pages);
    } else if (Grown) {
      Walk.damage(R.Page);
      break;
    } else if (R.Kind == PageKind::Large) {
      tagLarge(H, R.Page, R.Pages);
    } else {
      tagSlab(H, R.Page, R.Class, H.Pool);
      H.Tags[R.Page].Prev = NotListed;
      markFreeBlocks(O, R.Page, R.Class);
      if (roomOf(O, R.Page, R.Class))
        pushPage(H.Tags, H.Arenas[H.Pool].Room[R.Class], (uint32_t)R.Page);
    }
  }
  // Also after a failure: what was taken in must not be taken in twice.
  H.Pages = End;
  return !Walk.damaged();
}

// A map that calls the root free would give it to somebody else.
static bool holdsRoot(const Object &O, const Heap &H) {
  if (!O.RootOffset)
    return true; // it is being created
  uint64_t Page = O.RootOffset / FilePage;
  SlabTag Tag = tagOf(H, Page);
  if (!Tag.Word) {
    if (H.Tags[Page].Prev == LargeBlock && O.RootOffset % FilePage == 0)
      return true;
  } else {
    const ClassInfo &C = ByClass.Info[Tag.sizeClass()];
    Page -= Tag.distance();
    uint64_t Distance = O.RootOffset - Page * FilePage - sizeof(SlabHeader);
    uint64_t Index = Distance / C.BlockBytes;
    if (Index < C.Blocks && Distance % C.BlockBytes == 0 &&
        slabAt(O, Page)->Used[Index / 64] >> Index % 64 & 1)
      return true;
  }
  return failDamaged(O, Page);
}

// Two for each processor: threads that run at the same moment seldom meet, and
// an object has no more slabs with room than that takes.
static unsigned arenaCount() {
  cpu_set_t Set;
  unsigned Cores =
      sched_getaffinity(0, sizeof(Set), &Set) ? 8 : (unsigned)CPU_COUNT(&Set);
  unsigned Count = 2;
  while (Count < 2 * Cores && Count < MaxArenas)
    Count *= 2;
  return Count;
}

static void freeHeap(Heap *H) {
  munmap(H->Tags, H->TagBytes);
  free(H);
}

static Heap *makeHeap(Object &O) {
  Heap *H = (Heap *)aligned_alloc(alignof(Heap), sizeof(Heap));
  if (!H) {
    fail(ENOMEM, "no memory for the allocator's lists");
    return nullptr;
  }
  memset((void *)H, 0, sizeof(*H));
  H->ArenaCount = H->Pool = arenaCount();
  // One more, for the neighbour of a run that ends with the slot.
  H->TagBytes = (TheWindow.limit() / FilePage + 1) * sizeof(PageTag);
  H->Tags = (PageTag *)mmap(nullptr, H->TagBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (H->Tags == MAP_FAILED) {
    fail(ENOMEM, "no addresses for the allocator's lists");
    free(H);
    return nullptr;
  }
  madvise(H->Tags, H->TagBytes, MADV_DONTDUMP);
  if (!absorb(O, *H) || !holdsRoot(O, *H)) {
    freeHeap(H);
    return nullptr;
  }
  H->Fresh = H->Pages;
  return H;
}

[[gnu::noinline]] static Heap *openHeapSlow(Object &O) {
  Locked Hold(OpenLock);
  if (!O.TheHeap)
    __atomic_store_n(&O.TheHeap, makeHeap(O), __ATOMIC_RELEASE);
  return O.TheHeap;
}

static Heap *openHeap(Object &O) {
  Heap *H = __atomic_load_n(&O.TheHeap, __ATOMIC_ACQUIRE);
  return __builtin_expect(H != nullptr, 1) ? H : openHeapSlow(O);
}

void perdure::heapRelease(Object &O) {
  if (O.TheHeap)
    freeHeap(O.TheHeap);
  O.TheHeap = nullptr;
}

bool perdure::heapRefresh(Object &O) {
  OpenLock.lock();
  Heap *H = O.TheHeap;
  OpenLock.unlock();
  if (!H)
    return true;
  lockAll(*H);
  // Private and anonymous: what is given back reads as zeroes.
  if (madvise(H->Tags, H->TagBytes, MADV_DONTNEED))
    memset((void *)H->Tags, 0, H->Pages * sizeof(PageTag));
  for (unsigned I = 0; I <= H->Pool; ++I) {
    memset(H->Arenas[I].Room, 0, sizeof(H->Arenas[I].Room));
    memset(H->Arenas[I].Spare, 0, sizeof(H->Arenas[I].Spare));
  }
  H->Runs = PageRuns();
  H->Pages = 0;
  bool Ok = absorb(O, *H) && holdsRoot(O, *H);
  H->Fresh = H->Pages;
  H->Damaged = !Ok;
  if (!Ok) { // what was taken in must not be given
    for (unsigned I = 0; I <= H->Pool; ++I)
      memset(H->Arenas[I].Room, 0, sizeof(H->Arenas[I].Room));
    H->Runs = PageRuns();
  }
  unlockAll(*H);
  return Ok;
}

void perdure::heapsBeforeFork() { OpenLock.lock(); }
void perdure::heapsAfterFork() { OpenLock.unlock(); }

void perdure::heapBeforeFork(Object &O) {
  if (O.TheHeap)
    lockAll(*O.TheHeap);
}

void perdure::heapAfterFork(Object &O) {
  if (O.TheHeap)
    unlockAll(*O.TheHeap);
}

//===----------------------------------------------------------------------===//
// Reading what is allocated
//===----------------------------------------------------------------------===//

// Walks the page map of an object that another process may be changing. What
// makes no sense by what is known of the file, as a block past its end, is
// damage only when it makes none by what the file says then.
template <typename Visitor> static bool walkAlive(Object &O, Visitor Visit) {
  uint64_t At = 0;
  for (int Tries = 0;; ++Tries) {
    PageWalk Walk(O, At, filePages(O));
    PageRun R;
    while (Walk.next(R)) {
      Visit(R);
      At = R.Page + R.Pages;
      Tries = 0;
    }
    if (!Walk.damaged())
      return true;
    if (isAlone(O) || Tries == 10)
      return false;
    followWriter(O);
  }
}

// Walks all of O's pages, while nobody makes or drops a slab. A large block
// whose pages are still being zeroed counts as free.
template <typename Visitor> static bool walkAll(Object &O, Visitor Visit) {
  // Without lists there is nobody, and nobody begins under this lock.
  OpenLock.lock();
  Heap *H = O.TheHeap;
  if (H) {
    OpenLock.unlock();
    lockAll(*H);
  }
  bool Ok = walkAlive(O, Visit);
  if (H)
    unlockAll(*H);
  else
    OpenLock.unlock();
  return Ok;
}

bool perdure::measure(Object &O, HeapUse &Use) {
  Use = HeapUse();
  uint64_t InRuns = 0;
  bool Ok = walkAll(O, [&](const PageRun &R) {
    uint64_t Bytes = R.Pages * FilePage;
    InRuns += Bytes;
    if (R.Kind == PageKind::Free) {
      Use.FreeBytes += Bytes;
      if (Bytes > Use.LargestFree)
        Use.LargestFree = Bytes;
    } else if (R.Kind == PageKind::Large) {
      Use.UsedBytes += Bytes;
      ++Use.Blocks;
      ++Use.LargeBlocks;
    } else {
      const ClassInfo &C = ByClass.Info[R.Class];
      uint64_t Room = roomOf(O, R.Page, R.Class), Used = C.Blocks - Room;
      Use.FreeBytes += Room * C.BlockBytes;
      Use.UsedBytes += Used * C.BlockBytes;
      Use.OverheadBytes += Bytes - (uint64_t)C.Blocks * C.BlockBytes;
      Use.Blocks += Used;
      ++Use.Slabs;
    }
  });
  uint64_t File = filePages(O) * FilePage;
  Use.OverheadBytes += File > InRuns ? File - InRuns : 0;
  return Ok;
}

bool perdure::visitBlocks(Object &O,
                          void (*Visit)(void *Context, uint64_t Offset,
                                        uint64_t Bytes),
                          void *Context) {
  return walkAll(O, [&](const PageRun &R) {
    uint64_t Offset = R.Page * FilePage;
    if (R.Kind == PageKind::Large)
      Visit(Context, Offset, R.Pages * FilePage);
    if (R.Kind != PageKind::Slab)
      return;
    const uint64_t *Used = slabAt(O, R.Page)->Used;
    const ClassInfo &C = ByClass.Info[R.Class];
    for (unsigned I = 0; I < C.Blocks; ++I)
      if (Used[I / 64] >> I % 64 & 1)
        Visit(Context, Offset + sizeof(SlabHeader) + I * C.BlockBytes,
              C.BlockBytes);
  });
}

//===----------------------------------------------------------------------===//
// Pages
//===----------------------------------------------------------------------===//

namespace {
struct TakenPages {
  uint64_t Page;  // 0: none
  uint64_t Dirty; // so many, at the front, may hold something
};
} // namespace

static uint64_t findPages(Object &O, Heap &H, uint64_t Pages, bool Grow) {
  if (H.Damaged) {
    fail(EPROTO,
         "object %s: the page map was damaged when another process had "
         "changed it; restore it from a copy",
         labelOf(O).Text);
    return 0;
  }
  for (;;) {
    if (uint64_t Page = H.Runs.take(H.Tags, Pages))
      return Page;
    if (H.Pages != filePages(O)) {
      if (!absorb(O, H, true))
        return 0;
      continue;
    }
    if (!Grow)
      return 0;
    // Joined with what is free at the end of the file.
    uint64_t Missing = Pages - H.Tags[H.Pages - 1].Run;
    uint64_t End = H.Pages + Missing;
    // The map first: near the limit there would be no room for it afterwards.
    if (End * FilePage <= TheWindow.limit() && coveredPages(O) < End) {
      if (!coverPages(O, End))
        return 0;
      continue;
    }
    if (!growFile(O, Missing))
      return 0;
  }
}

static TakenPages takePages(Object &O, Heap &H, uint64_t Pages, bool Grow) {
  Locked Hold(H.PageLock);
  uint64_t Page = findPages(O, H, Pages, Grow);
  if (!Page)
    return {0, 0};
  happensAfter(&H.PageLock);
  uint64_t Dirty = H.Fresh > Page ? H.Fresh - Page : 0;
  if (H.Fresh < Page + Pages)
    H.Fresh = Page + Pages;
  return {Page, Dirty < Pages ? Dirty : Pages};
}

//===----------------------------------------------------------------------===//
// Slabs and who owns them
//===----------------------------------------------------------------------===//

static void makeSlab(Object &O, Heap &H, Arena &A, unsigned Class,
                     uint64_t Page) {
  const SizeClass &C = Classes[Class];
  SlabHeader *S = slabAt(O, Page);
  markUsed(S, sizeof(*S)); // its blocks are free, as its pages were
  visitPlaces(O, Page, Class, happensBefore);
  *S = SlabHeader();
  S->Magic = SlabMagic;
  S->BlockBytes = C.BlockBytes;
  // Before the descriptor that makes it a slab, whatever becomes of the power:
  // a page map that leads to no slab is damage. On page media what is not
  // written by commits is an object that is being made, and synced before it
  // has a name.
  if (isDeferred(O))
    for (const uint64_t &Word : *(const uint64_t(*)[sizeof(*S) / 8])(void *)S)
      noteWord(O, &Word, ~(uint64_t)0, Word);
  else
    flushMetadata(O, S, sizeof(*S));
  // No fence of their own: a slab is read without them, and recovery that does
  // not find its way from a block to the slab leaks that block.
  for (unsigned I = 1; I < C.Pages; ++I)
    beginDescriptor(O, Page + I, makeDescriptor(PageKind::Inside, 0, I));
  writeDescriptor(O, Page, makeDescriptor(PageKind::Slab, Class, C.Pages));
  tagSlab(H, Page, Class, numberOf(H, A));
  pushPage(H.Tags, A.Room[Class], (uint32_t)Page);
}

// Gives the pages of a slab without blocks back; it is in no list. Its first
// descriptor goes first.
static void dropSlab(Object &O, Heap &H, uint64_t Page, unsigned Class) {
  untagSlab(H, Page, Class);
  for (unsigned I = 0; I < Classes[Class].Pages; ++I)
    writeDescriptor(O, Page + I, 0);
  visitPlaces(O, Page, Class, happensAfter);
  Locked Hold(H.PageLock);
  happensBefore(&H.PageLock);
  markFreePages(O, Page, Classes[Class].Pages);
  H.Runs.add(H.Tags, Page, Classes[Class].Pages);
}

// Makes a slab of From's one of A's. Both are locked, and the slab is in no
// list.
static void adopt(Heap &H, Arena &A, uint32_t Page, unsigned Class) {
  tagSlab(H, Page, Class, numberOf(H, A));
  pushPage(H.Tags, A.Room[Class], Page);
}

static bool adoptFromPool(Heap &H, Arena &A, unsigned Class) {
  Arena &Pool = H.Arenas[H.Pool];
  Locked Hold(Pool.Lock);
  uint32_t Page = Pool.Room[Class];
  if (!Page)
    return false;
  unlinkPage(H.Tags, Pool.Room[Class], Page);
  adopt(H, A, Page, Class);
  return true;
}

// Takes a slab from another thread's arena, rather than make the file longer.
// Unless it is the last resort, it leaves the slab that is in use there and
// those that are nearly full: two threads would take them from each other all
// the time. A's lock is held, though not all the while: arenas are locked in
// their order.
static bool adoptFromOthers(Object &O, Heap &H, Arena &A, unsigned Class,
                            bool LastResort) {
  for (unsigned I = 0; I < H.ArenaCount && !A.Room[Class]; ++I) {
    Arena &From = H.Arenas[I];
    if (&From == &A)
      continue;
    bool Before = &From < &A;
    if (Before)
      A.Lock.unlock();
    From.Lock.lock();
    if (Before)
      A.Lock.lock();
    uint32_t Page = From.Spare[Class];
    if (Page) {
      From.Spare[Class] = 0;
    } else {
      Page = From.Room[Class];
      if (Page && !LastResort) {
        unsigned Tries = 8;
        do
          Page = H.Tags[Page].Next;
        while (Page && --Tries &&
               roomOf(O, Page, Class) < ByClass.Info[Class].Blocks / 4);
        if (!Tries)
          Page = 0;
      }
      if (Page)
        unlinkPage(H.Tags, From.Room[Class], Page);
    }
    if (Page)
      adopt(H, A, Page, Class);
    From.Lock.unlock();
  }
  return A.Room[Class];
}

// Words of 8 bytes, one by one: one of them has just been stored, which a
// vector's load would have to wait for.
static uint64_t usedWord(const SlabHeader *S, unsigned Word) {
  return __atomic_load_n(&S->Used[Word], __ATOMIC_RELAXED);
}

static bool isEmpty(const SlabHeader *S) {
  for (unsigned I = 0; I < UsedWords; ++I)
    if (usedWord(S, I))
      return false;
  return true;
}

// Gives the pages of all slabs without blocks back. The caller holds no lock.
static void reclaim(Object &O, Heap &H) {
  for (unsigned I = 0; I <= H.Pool; ++I) {
    Locked Hold(H.Arenas[I].Lock);
    for (unsigned Class = 0; Class < ClassCount; ++Class) {
      uint32_t &Spare = H.Arenas[I].Spare[Class];
      if (Spare)
        dropSlab(O, H, Spare, Class);
      Spare = 0;
      uint32_t &List = H.Arenas[I].Room[Class];
      for (uint32_t Page = List, Next; Page; Page = Next) {
        Next = H.Tags[Page].Next;
        if (!isEmpty(slabAt(O, Page)))
          continue;
        unlinkPage(H.Tags, List, Page);
        dropSlab(O, H, Page, Class);
      }
    }
  }
}

// Finds A a slab with room: what costs least first. A's lock is held, though
// not all the while. False (ENOSPC, EPROTO) when there is none.
[[gnu::noinline]] static bool findRoom(Object &O, Heap &H, Arena &A,
                                       unsigned Class) {
  if (uint32_t Spare = A.Spare[Class]) {
    A.Spare[Class] = 0;
    pushPage(H.Tags, A.Room[Class], Spare);
    return true;
  }
  if (adoptFromPool(H, A, Class))
    return true;
  TakenPages Taken = takePages(O, H, Classes[Class].Pages, false);
  if (!Taken.Page) {
    if (adoptFromOthers(O, H, A, Class, false))
      return true;
    Taken = takePages(O, H, Classes[Class].Pages, true);
  }
  if (!Taken.Page) {
    int Saved = errno;
    A.Lock.unlock();
    reclaim(O, H);
    A.Lock.lock();
    Taken = takePages(O, H, Classes[Class].Pages, false);
    if (!Taken.Page && (A.Room[Class] || adoptFromOthers(O, H, A, Class, true)))
      return true;
    errno = Saved;
  }
  if (Taken.Page)
    makeSlab(O, H, A, Class, Taken.Page);
  return Taken.Page;
}

//===----------------------------------------------------------------------===//
// Allocation
//===----------------------------------------------------------------------===//

// Whether a slab has no free block in the words from Word on.
static bool isFull(const SlabHeader *S, const ClassInfo &C, unsigned Word) {
  for (; Word < UsedWords; ++Word)
    if (C.All[Word] & ~usedWord(S, Word))
      return false;
  return true;
}

// The slab of which a block near to Near is taken, of those that A has room in:
// the one that Near lies in, else of the first few the one whose pages are
// nearest. A's lock is held, and A.Room[Class] has slabs.
static uint32_t nearestSlab(const Heap &H, const Arena &A, unsigned Class,
                            uint64_t Near) {
  uint64_t Page = Near / FilePage;
  if (Page < TheWindow.limit() / FilePage) {
    SlabTag Tag = tagOf(H, Page);
    uint64_t First = Page - Tag.distance();
    if (Tag.Word && Tag.owner() == numberOf(H, A) && Tag.sizeClass() == Class &&
        H.Tags[First].Prev != NotListed)
      return (uint32_t)First;
  }
  uint32_t Best = A.Room[Class];
  int Fewest = 65;
  unsigned Tries = 4;
  for (uint32_t I = Best; I && Tries--; I = H.Tags[I].Next) {
    int Bits = __builtin_popcountll(I ^ Page);
    if (Bits < Fewest) {
      Fewest = Bits;
      Best = I;
    }
  }
  return Best;
}

// Which of S's free blocks; false: there is none.
static bool nearestIn(const Object &O, SlabHeader *S, const ClassInfo &C,
                      uint64_t Near, unsigned &Word, uint64_t &Bit) {
  uint64_t Free[UsedWords], Any = 0;
  for (unsigned I = 0; I < UsedWords; ++I)
    Any |= Free[I] = C.All[I] & ~S->Used[I];
  if (!Any)
    return false;
  BlockRow Row = {(uint64_t)(S + 1) - O.Base, C.BlockBytes, 0, Free, UsedWords};
  uint64_t Distance = Near - Row.First;
  if (Distance < C.Pages * FilePage)
    Row.Start = C.indexOf((uint32_t)Distance);
  unsigned Index = nearestBlock(Row, Near);
  Word = Index / 64;
  Bit = (uint64_t)1 << Index % 64;
  return true;
}

// The fast path, from allocate() on: about 100 instructions on x86-64, two of
// them locked, and memset; no line is written that another arena's threads
// write or read but in the file. Measured beside others by bench/run alloc.
// Wishes are compiled apart.
template <bool Wished>
static void *allocateSmall(Object &O, Heap &H, unsigned Class, uint64_t Bytes,
                           const BlockWish *Wish, WriteBack When) {
  const ClassInfo &C = ByClass.Info[Class];
  Arena &A = lockArenaOfThread(H);
  uint32_t Page;
  SlabHeader *S;
  unsigned Word;
  uint64_t Free, Bit;
  for (;;) {
    Page = A.Room[Class];
    if (__builtin_expect(!Page, 0)) {
      if (!findRoom(O, H, A, Class)) {
        A.Lock.unlock();
        return nullptr;
      }
      continue;
    }
    if (Wished && Wish->IsPlaced) {
      Page = nearestSlab(H, A, Class, Wish->Near);
      S = slabAt(O, Page);
      if (__builtin_expect(nearestIn(O, S, C, Wish->Near, Word, Bit), 1)) {
        Free = C.All[Word] & ~S->Used[Word];
        break;
      }
    } else {
      S = slabAt(O, Page);
      for (Word = 0; Word < UsedWords; ++Word)
        if ((Free = C.All[Word] & ~S->Used[Word]))
          break;
      Bit = Free & -Free;
      if (__builtin_expect(Word < UsedWords, 1))
        break;
    }
    unlinkPage(H.Tags, A.Room[Class], Page); // a stray store filled it
  }
  unsigned Index = Word * 64 + (unsigned)__builtin_ctzll(Bit);
  char *Block = (char *)(S + 1) + (uint64_t)Index * C.BlockBytes;
  // In any order: nothing leads to the block before the caller has fenced.
  uint64_t First = 0, End = C.BlockBytes;
  if (isShadowed()) {
    zeroShadowed(O, Block, Bytes, C.BlockBytes, Wished ? Wish->Overwritten : 0, First,
                 End);
    noteZeroes(O, Block, C.BlockBytes);
  } else if (Wished && Wish->Overwritten) {
    zeroRest(Block, C.BlockBytes, Wish->Overwritten, First, End);
  } else {
    memset(Block, 0, C.BlockBytes);
    noteZeroes(O, Block, C.BlockBytes);
  }
  __atomic_store_n(&S->Used[Word], S->Used[Word] | Bit, __ATOMIC_RELEASE);
  noteBits(O, &S->Used[Word], 0, Bit);
  if (Free == Bit && isFull(S, C, Wished ? 0 : Word + 1))
    unlinkPage(H.Tags, A.Room[Class], Page);
  A.Lock.unlock();
  if (When == WriteBack::Here && First < End)
    flushRange(O.Map, Block + First, End - First);
  wordChanged(O, &S->Used[Word], When);
  return Block;
}

[[gnu::noinline]] static void *allocateLarge(Object &O, Heap &H, uint64_t Bytes,
                                             WriteBack When) {
  uint64_t Pages = Bytes / FilePage + (Bytes % FilePage != 0);
  if (Pages > TheWindow.limit() / FilePage) {
    fail(ENOSPC,
         "%llu bytes are more than an object holds; make several blocks",
         (unsigned long long)Bytes);
    return nullptr;
  }
  TakenPages Taken = takePages(O, H, Pages, true);
  if (!Taken.Page) {
    int Saved = errno;
    reclaim(O, H);
    Taken = takePages(O, H, Pages, false);
    errno = Saved;
  }
  if (!Taken.Page)
    return nullptr;
  // No lock: others go on meanwhile, and to the file the pages are free still.
  void *Block = slabAt(O, Taken.Page);
  markUsed(Block, Pages * FilePage);
  memset(Block, 0, Taken.Dirty * FilePage);
  // In any order: nothing leads to the block before the caller has fenced, and
  // the pages are nobody else's before it is freed, which fences.
  noteZeroes(O, Block, Taken.Dirty * FilePage);
  if (When == WriteBack::Here)
    flushRange(O.Map, Block, Taken.Dirty * FilePage);
  if (isShadowed(O))
    markFree((const char *)Block + Bytes, Pages * FilePage - Bytes);
  tagLarge(H, Taken.Page, Pages);
  beginDescriptor(O, Taken.Page, makeDescriptor(PageKind::Large, 0, Pages));
  return Block;
}

void *perdure::allocate(Object &O, uint64_t Bytes, WriteBack When) {
  Heap *H = openHeap(O);
  if (__builtin_expect(!H, 0))
    return nullptr;
  return Bytes <= LargestClass
             ? allocateSmall<false>(O, *H, ByClass.Of[(Bytes + 15) / 16],
                                    Bytes, nullptr, When)
             : allocateLarge(O, *H, Bytes, When);
}

void *perdure::allocate(Object &O, uint64_t Bytes, BlockWish Wish,
                        WriteBack When) {
  Heap *H = openHeap(O);
  if (__builtin_expect(!H, 0))
    return nullptr;
  if (Bytes > LargestClass)
    return allocateLarge(O, *H, Bytes, When);
  // What commits alone write has to be told which bytes are zero.
  if (isDeferred(O))
    Wish.Overwritten = 0;
  unsigned Class = ByClass.Of[(Bytes + 15) / 16];
  if (Wish.WholeLines && Class == CrossingClass)
    ++Class;
  return allocateSmall<true>(O, *H, Class, Bytes, &Wish, When);
}

//===----------------------------------------------------------------------===//
// Freeing
//===----------------------------------------------------------------------===//

[[noreturn]] static void dieFreeing(const Object &O, const void *Block,
                                    const char *Why) {
  die("perdure_free(%p): offset 0x%llx of object %s %s", Block,
      (unsigned long long)((uint64_t)Block - O.Base), labelOf(O).Text, Why);
}

// Of a block in the slab that Tag, of its page, leads to; dies if there is
// none.
static AllocationMark markInSlab(const Object &O, SlabTag Tag,
                                 const void *Block) {
  uint64_t Page = ((uint64_t)Block - O.Base) / FilePage;
  const ClassInfo &C = ByClass.Info[Tag.sizeClass()];
  SlabHeader *S = slabAt(O, Page - Tag.distance());
  uint32_t Distance = (uint32_t)((uint64_t)Block - (uint64_t)(S + 1));
  uint32_t Index = C.indexOf(Distance);
  if (Distance >= C.Pages * FilePage || Index >= C.Blocks ||
      Index * C.BlockBytes != Distance)
    dieFreeing(O, Block, "is not where a block starts");
  uint64_t Bit = (uint64_t)1 << Index % 64;
  if (!(usedWord(S, Index / 64) & Bit))
    dieFreeing(O, Block, "is free already: it was freed twice");
  return {&S->Used[Index / 64], Bit, Bit};
}

// A slab of A's had no free block, or has no used one now. A is locked.
[[gnu::noinline]] static void moveSlab(Object &O, Heap &H, Arena &A,
                                       uint32_t Page, unsigned Class,
                                       bool WasFull, bool Empty) {
  PageTag &T = H.Tags[Page];
  // Whether it is in the list the tag knows; the bitmap may have been damaged.
  if (WasFull && T.Prev == NotListed && A.Spare[Class] != Page)
    pushPage(H.Tags, A.Room[Class], Page);
  if (!Empty || T.Prev == NotListed)
    return;
  if (!T.Next && !T.Prev)
    return; // the only one: it stays in use
  unlinkPage(H.Tags, A.Room[Class], Page);
  if (!A.Spare[Class])
    A.Spare[Class] = Page;
  else
    dropSlab(O, H, Page, Class);
}

// The word that it has changed.
static const uint64_t *deallocateSmall(Object &O, Heap &H, Arena &A,
                                       SlabTag Tag, const void *Block) {
  unsigned Class = Tag.sizeClass();
  const ClassInfo &C = ByClass.Info[Class];
  AllocationMark M = markInSlab(O, Tag, Block);
  uint64_t Page = ((uint64_t)Block - O.Base) / FilePage - Tag.distance();
  SlabHeader *S = slabAt(O, Page);
  uint64_t &Word = *M.Word, Before = Word, After = Before & ~M.Mask;
  bool WasFull = !(C.All[M.Word - S->Used] & ~Before) && isFull(S, C, 0);
  if (isShadowed())
    freeShadowed(O, Block, C.BlockBytes);
  __atomic_store_n(&Word, After, __ATOMIC_RELEASE);
  noteBits(O, &Word, M.Mask, 0);
  // The only one in its list stays there when it is empty.
  bool Empty = !After && isEmpty(S);
  const PageTag &T = H.Tags[Page];
  if (__builtin_expect(WasFull || (Empty && (T.Next | T.Prev)), 0))
    moveSlab(O, H, A, (uint32_t)Page, Class, WasFull, Empty);
  return &Word;
}

[[gnu::noinline]] static void deallocatePages(Object &O, Heap &H, uint64_t Page,
                                              const void *Block) {
  Locked Hold(H.PageLock);
  if (H.Damaged)
    dieFreeing(O, Block,
               "cannot be freed: the page map was damaged when another process "
               "had changed it");
  if (Page >= H.Pages)
    dieFreeing(O, Block, "lies past the object's end");
  PageTag &T = H.Tags[Page];
  if (T.Prev != LargeBlock || (uint64_t)Block % FilePage)
    dieFreeing(O, Block,
               "is in no allocated block: it was freed twice, or "
               "perdure_alloc never gave it");
  writeDescriptor(O, Page, 0);
  T.Prev = NotListed;
  happensBefore(&H.PageLock);
  markFreePages(O, Page, T.Next);
  H.Runs.add(H.Tags, Page, T.Next);
}

// The fast path, to a slab that has room and keeps blocks: about 110
// instructions on x86-64, two of them locked.
const uint64_t *perdure::deallocate(Object &O, void *Block, WriteBack When) {
  Heap *H = openHeap(O);
  if (__builtin_expect(!H, 0))
    die("perdure_free(%p): %s", Block, errorMessage());
  uint64_t Page = ((uint64_t)Block - O.Base) / FilePage;
  for (;;) {
    SlabTag Tag = tagOf(*H, Page);
    if (!Tag.Word) {
      deallocatePages(O, *H, Page, Block);
      return nullptr;
    }
    Arena &A = H->Arenas[Tag.owner()];
    const uint64_t *Word = nullptr;
    {
      Locked Hold(A.Lock);
      // It changes hands only under its owner's lock.
      if (__builtin_expect(tagOf(*H, Page).Word == Tag.Word, 1))
        Word = deallocateSmall(O, *H, A, Tag, Block);
    }
    if (__builtin_expect(Word != nullptr, 1)) {
      wordChanged(O, Word, When);
      return Word;
    }
  }
}

//===----------------------------------------------------------------------===//
// Where the file says that a block is allocated
//===----------------------------------------------------------------------===//

// The mark of a block of pages; dies if there is none. With the page lock.
static AllocationMark markOfPages(const Object &O, const Heap &H,
                                  const void *Block) {
  uint64_t Page = ((uint64_t)Block - O.Base) / FilePage;
  if (Page >= H.Pages || H.Tags[Page].Prev != LargeBlock ||
      (uint64_t)Block % FilePage)
    dieFreeing(O, Block,
               "is in no allocated block: it was freed twice, or "
               "perdure_alloc never gave it");
  return {descriptorWord(O, Page), ~(uint64_t)0,
          makeDescriptor(PageKind::Large, 0, H.Tags[Page].Next)};
}

// No lock for a slab: while the block is in use the slab stays one, of its
// class and where it is, and nobody clears the block's bit; only whose the slab
// is may change. Of a block that is not the caller's anything may be found, as
// of one that was freed.
void perdure::checkAllocated(Object &O, const void *Block) {
  Heap *H = openHeap(O);
  if (__builtin_expect(!H, 0))
    die("perdure_free(%p): %s", Block, errorMessage());
  SlabTag Tag = tagOf(*H, ((uint64_t)Block - O.Base) / FilePage);
  if (__builtin_expect(Tag.Word != 0, 1)) {
    markInSlab(O, Tag, Block);
    return;
  }
  Locked Hold(H->PageLock);
  markOfPages(O, *H, Block);
}

uint64_t perdure::bytesOf(Object &O, const void *Block) {
  checkAllocated(O, Block);
  uint64_t Page = ((uint64_t)Block - O.Base) / FilePage;
  SlabTag Tag = tagOf(*openHeap(O), Page);
  if (Tag.Word)
    return ByClass.Info[Tag.sizeClass()].BlockBytes;
  Heap *H = openHeap(O);
  Locked Hold(H->PageLock);
  return (uint64_t)H->Tags[Page].Next * FilePage;
}

const uint64_t *perdure::wordOf(const Object &O, const void *Block) {
  const Heap *H = __atomic_load_n(&O.TheHeap, __ATOMIC_ACQUIRE);
  uint64_t Page = ((uint64_t)Block - O.Base) / FilePage;
  SlabTag Tag = tagOf(*H, Page);
  if (!Tag.Word)
    return nullptr; // the page map is written back at once
  const SlabHeader *S = slabAt(O, Page - Tag.distance());
  uint32_t Distance = (uint32_t)((uint64_t)Block - (uint64_t)(S + 1));
  uint32_t Word = ByClass.Info[Tag.sizeClass()].indexOf(Distance) / 64;
  return Word < UsedWords ? &S->Used[Word] : nullptr;
}

// A commit writes the mark to the file before it is changed here. So its page
// has to be this process's own: one that is the file's still would show it at
// once. With the lock of the word's.
static AllocationMark inOwnPage(const Object &O, AllocationMark M) {
  if (isDeferred(O))
    __atomic_store_n(M.Word, __atomic_load_n(M.Word, __ATOMIC_RELAXED),
                     __ATOMIC_RELAXED);
  return M;
}

AllocationMark perdure::markOf(Object &O, const void *Block) {
  Heap *H = openHeap(O);
  if (!H)
    die("perdure_free(%p): %s", Block, errorMessage());
  for (;;) {
    SlabTag Tag = tagOf(*H, ((uint64_t)Block - O.Base) / FilePage);
    if (!Tag.Word) {
      Locked Hold(H->PageLock);
      return inOwnPage(O, markOfPages(O, *H, Block));
    }
    Locked Hold(H->Arenas[Tag.owner()].Lock);
    if (tagOf(*H, ((uint64_t)Block - O.Base) / FilePage).Word == Tag.Word)
      return inOwnPage(O, markInSlab(O, Tag, Block));
  }
}

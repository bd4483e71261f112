//===- heap.cpp - The allocator inside an object --------------------------===//
//
// The page map and the slabs' bitmaps in the file say what is allocated
// (alloc/format.h). Everything that makes it fast is volatile and rebuilt from
// them at the first allocation: runs of free pages in bins by size, with a tag
// at either end so that neighbours coalesce, and per class a list of the slabs
// that have room.
//
// Process death between any two stores leaks at most what was being allocated
// or freed: a block is zeroed before its bit is set, a slab's header and Inside
// pages are written before its first descriptor, and pages are free in the file
// before they are given to somebody else.
//
//===----------------------------------------------------------------------===//

#include "alloc/heap.h"
#include "alloc/format.h"
#include "platform/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

using namespace perdure;

namespace {

/// The volatile side of a page. Page 0 is the header, so 0 is no page.
struct PageTag {
  uint32_t Run;        // length, at both ends of a free run; else 0
  uint32_t Next, Prev; // in the bin of a free run or the list of a slab
  uint32_t Room;       // free blocks of a slab
};

constexpr unsigned BinCount = 32;

constexpr struct ClassTable {
  uint8_t Of[LargestClass / 16 + 1];
  constexpr ClassTable() : Of() {
    for (unsigned I = 0, Class = 0; I <= LargestClass / 16; ++I) {
      if (I * 16 > Classes[Class].BlockBytes)
        ++Class;
      Of[I] = (uint8_t)Class;
    }
  }
} ClassOf;

} // namespace

namespace perdure {
struct Heap {
  Mutex Lock;
  PageTag *Tags; // one per page that a slot can hold, demand-zero
  uint64_t TagBytes;
  uint64_t Pages;            // of the file that are in the lists
  uint32_t Bin[BinCount];    // free runs of 1 << bin pages and more
  uint32_t Room[ClassCount]; // slabs with free blocks
};
} // namespace perdure

static Mutex OpenLock; // guards the making of Heaps

static char *addressOf(const Object &O, uint64_t Page) {
  return (char *)(O.Base + Page * FilePage);
}

static PageDescriptor *descriptorOf(const Object &O, uint64_t Page) {
  ExtentPlace Place = placeIn(Page, FirstMapExtent);
  uint64_t Extent = extentOf(O, Table::Map, Place.K);
  return Extent ? (PageDescriptor *)(O.Base + Extent) + Place.Within : nullptr;
}

static PageDescriptor readDescriptor(const Object &O, uint64_t Page) {
  const PageDescriptor *D = descriptorOf(O, Page);
  return {D ? __atomic_load_n(&D->Word, __ATOMIC_ACQUIRE) : 0};
}

static void writeDescriptor(Object &O, uint64_t Page, uint64_t Word) {
  PageDescriptor *D = descriptorOf(O, Page);
  __atomic_store_n(&D->Word, Word, __ATOMIC_RELEASE);
  flushMetadata(O, D, sizeof(*D));
}

static SlabHeader *slabAt(const Object &O, uint64_t Page) {
  return (SlabHeader *)addressOf(O, Page);
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

static void push(Heap &H, uint32_t &List, uint32_t Page) {
  H.Tags[Page].Prev = 0;
  H.Tags[Page].Next = List;
  if (List)
    H.Tags[List].Prev = Page;
  List = Page;
}

static void unlink(Heap &H, uint32_t &List, uint32_t Page) {
  PageTag &T = H.Tags[Page];
  if (T.Prev)
    H.Tags[T.Prev].Next = T.Next;
  else
    List = T.Next;
  if (T.Next)
    H.Tags[T.Next].Prev = T.Prev;
}

//===----------------------------------------------------------------------===//
// Runs of free pages
//===----------------------------------------------------------------------===//

static unsigned binOf(uint64_t Pages) {
  return 63 - (unsigned)__builtin_clzll(Pages);
}

static void unlinkRun(Heap &H, uint64_t Page, uint64_t Pages) {
  unlink(H, H.Bin[binOf(Pages)], (uint32_t)Page);
  H.Tags[Page].Run = H.Tags[Page + Pages - 1].Run = 0;
}

// Adds a run, joined with its free neighbours.
static void addRun(Heap &H, uint64_t Page, uint64_t Pages) {
  if (uint64_t Before = H.Tags[Page - 1].Run) {
    unlinkRun(H, Page - Before, Before);
    Page -= Before;
    Pages += Before;
  }
  if (uint64_t After = H.Tags[Page + Pages].Run) {
    unlinkRun(H, Page + Pages, After);
    Pages += After;
  }
  H.Tags[Page].Run = H.Tags[Page + Pages - 1].Run = (uint32_t)Pages;
  push(H, H.Bin[binOf(Pages)], (uint32_t)Page);
}

// The first run in the list that is long enough, among the first Tries.
static uint64_t search(const Heap &H, uint32_t List, uint64_t Pages,
                       uint64_t Tries) {
  for (; List && Tries; List = H.Tags[List].Next, --Tries)
    if (H.Tags[List].Run >= Pages)
      return List;
  return 0;
}

// Takes Pages out of the free runs; 0 when none is long enough.
static uint64_t takeRun(Heap &H, uint64_t Pages) {
  unsigned Bin = binOf(Pages);
  uint64_t Page = search(H, H.Bin[Bin], Pages, 32);
  for (unsigned B = Bin + 1; !Page && B < BinCount; ++B)
    Page = H.Bin[B];
  if (!Page)
    Page = search(H, H.Bin[Bin], Pages, UINT64_MAX);
  if (!Page)
    return 0;
  uint64_t Run = H.Tags[Page].Run;
  unlinkRun(H, Page, Run);
  if (Run > Pages)
    addRun(H, Page + Pages, Run - Pages);
  return Page;
}

//===----------------------------------------------------------------------===//
// Reading the page map
//===----------------------------------------------------------------------===//

namespace {
/// The pages of the header and of extents, in order.
struct SystemRuns {
  struct {
    uint64_t Page, Pages;
  } Run[1 + 2 * MaxExtents];
  unsigned Count;

  void add(uint64_t Page, uint64_t Pages) {
    unsigned I = Count++;
    for (; I && Run[I - 1].Page > Page; --I)
      Run[I] = Run[I - 1];
    Run[I] = {Page, Pages};
  }
  explicit SystemRuns(const Object &O) : Count(0) {
    add(0, HeaderBytes / FilePage);
    const Table Tables[] = {Table::Fot, Table::Map};
    for (Table T : Tables)
      for (unsigned K = 0; K < MaxExtents; ++K)
        if (uint64_t Offset = extentOf(O, T, K))
          add(Offset / FilePage, (uint64_t)1 << K);
  }
};
} // namespace

static bool damagedMap(const Object &O, uint64_t Page) {
  return fail(EPROTO,
              "object %s: the page map is damaged at page %llu; nothing can be "
              "allocated in it: restore it from a copy",
              labelOf(O).Text, (unsigned long long)Page);
}

static bool isSlab(const Object &O, uint64_t Page, PageDescriptor D) {
  if (D.sizeClass() >= ClassCount)
    return false;
  const SizeClass &C = Classes[D.sizeClass()];
  const SlabHeader *S = slabAt(O, Page);
  return D.pages() == C.Pages && S->Magic == SlabMagic &&
         S->BlockBytes == C.BlockBytes;
}

// Calls Visit(kind, page, pages, class) for each run of pages from Page to End.
template <typename Visitor>
static bool walk(const Object &O, uint64_t Page, uint64_t End, Visitor Visit) {
  SystemRuns System(O);
  unsigned NextSystem = 0;
  while (Page < End) {
    while (NextSystem < System.Count &&
           System.Run[NextSystem].Page + System.Run[NextSystem].Pages <= Page)
      ++NextSystem;
    uint64_t Stop = End;
    if (NextSystem < System.Count) {
      if (System.Run[NextSystem].Page <= Page) {
        Page = System.Run[NextSystem].Page + System.Run[NextSystem].Pages;
        continue;
      }
      if (System.Run[NextSystem].Page < Stop)
        Stop = System.Run[NextSystem].Page;
    }
    PageDescriptor D = readDescriptor(O, Page);
    uint64_t Pages = D.pages();
    switch (D.kind()) {
    case PageKind::Slab:
    case PageKind::Large:
      if (Pages == 0 || Pages > Stop - Page ||
          (D.kind() == PageKind::Slab && !isSlab(O, Page, D)))
        return damagedMap(O, Page);
      break;
    case PageKind::Free:
    case PageKind::Inside: { // the latter was left by a slab that is gone
      Pages = 0;
      PageKind Kind;
      do {
        ++Pages;
        Kind = readDescriptor(O, Page + Pages).kind();
      } while (Page + Pages < Stop &&
               (Kind == PageKind::Free || Kind == PageKind::Inside));
      D.Word = 0;
      break;
    }
    default:
      return damagedMap(O, Page);
    }
    Visit(D.kind(), Page, Pages, D.sizeClass());
    Page += Pages;
  }
  return true;
}

static unsigned roomOf(const Object &O, uint64_t Page, unsigned Class) {
  unsigned Used = 0;
  for (uint64_t Word : slabAt(O, Page)->Used)
    Used += (unsigned)__builtin_popcountll(Word);
  unsigned Blocks = Classes[Class].blocks();
  return Used < Blocks ? Blocks - Used : 0;
}

// walk, while nobody allocates.
template <typename Visitor> static bool walkAll(Object &O, Visitor Visit) {
  // Without lists there is nobody, and nobody begins under this lock.
  pthread_mutex_lock(&OpenLock.Handle);
  Mutex *Held = &OpenLock;
  if (Heap *H = O.TheHeap) {
    pthread_mutex_unlock(&OpenLock.Handle);
    Held = &H->Lock;
    pthread_mutex_lock(&H->Lock.Handle);
  }
  uint64_t End = __atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE) / FilePage;
  bool Ok = walk(O, 0, End, Visit);
  pthread_mutex_unlock(&Held->Handle);
  return Ok;
}

bool perdure::measure(Object &O, HeapUse &Use) {
  Use = HeapUse();
  return walkAll(
      O, [&](PageKind Kind, uint64_t Page, uint64_t Pages, unsigned Class) {
        if (Kind == PageKind::Free) {
          Use.FreeBytes += Pages * FilePage;
        } else if (Kind == PageKind::Large) {
          Use.UsedBytes += Pages * FilePage;
          ++Use.Blocks;
        } else {
          uint64_t Room = roomOf(O, Page, Class);
          uint64_t Used = Classes[Class].blocks() - Room;
          Use.FreeBytes += Room * Classes[Class].BlockBytes;
          Use.UsedBytes += Used * Classes[Class].BlockBytes;
          Use.Blocks += Used;
        }
      });
}

bool perdure::visitBlocks(Object &O,
                          void (*Visit)(void *Context, uint64_t Offset,
                                        uint64_t Bytes),
                          void *Context) {
  return walkAll(
      O, [&](PageKind Kind, uint64_t Page, uint64_t Pages, unsigned Class) {
        uint64_t Offset = Page * FilePage;
        if (Kind == PageKind::Large)
          Visit(Context, Offset, Pages * FilePage);
        if (Kind != PageKind::Slab)
          return;
        const uint64_t *Used = slabAt(O, Page)->Used;
        uint64_t Bytes = Classes[Class].BlockBytes;
        for (unsigned I = 0; I < Classes[Class].blocks(); ++I)
          if (Used[I / 64] >> I % 64 & 1)
            Visit(Context, Offset + sizeof(SlabHeader) + I * Bytes, Bytes);
      });
}

// Takes in the pages by which the file has grown since the last time: at first
// all. The page map grows with them.
static bool absorb(Object &O, Heap &H) {
  uint64_t End;
  for (;;) {
    End = __atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE) / FilePage;
    unsigned K = 0; // the first extent that the map lacks
    while (extentOf(O, Table::Map, K))
      ++K;
    if (FirstMapExtent * (((uint64_t)1 << K) - 1) >= End)
      break;
    if (!appendExtent(O, Table::Map, K))
      return false;
  }
  bool Ok =
      walk(O, H.Pages, End,
           [&](PageKind Kind, uint64_t Page, uint64_t Pages, unsigned Class) {
             if (Kind == PageKind::Free) {
               addRun(H, Page, Pages);
             } else if (Kind == PageKind::Slab) {
               H.Tags[Page].Room = roomOf(O, Page, Class);
               if (H.Tags[Page].Room)
                 push(H, H.Room[Class], (uint32_t)Page);
             }
           });
  // Also after a failure: what was taken in must not be taken in twice.
  H.Pages = End;
  return Ok;
}

void perdure::heapRelease(Object &O) {
  if (!O.TheHeap)
    return;
  munmap(O.TheHeap->Tags, O.TheHeap->TagBytes);
  free(O.TheHeap);
  O.TheHeap = nullptr;
}

static Heap *openHeap(Object &O) {
  if (Heap *H = __atomic_load_n(&O.TheHeap, __ATOMIC_ACQUIRE))
    return H;
  Locked Hold(OpenLock);
  if (O.TheHeap)
    return O.TheHeap;
  Heap *H = (Heap *)calloc(1, sizeof(Heap));
  if (!H) {
    fail(ENOMEM, "no memory for the allocator's lists");
    return nullptr;
  }
  // One more, for the neighbour of a run that ends with the slot.
  H->TagBytes = (TheWindow.limit() / FilePage + 1) * sizeof(PageTag);
  H->Tags = (PageTag *)mmap(nullptr, H->TagBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (H->Tags == MAP_FAILED) {
    fail(ENOMEM, "no addresses for the allocator's lists");
    free(H);
    return nullptr;
  }
  if (!absorb(O, *H)) {
    munmap(H->Tags, H->TagBytes);
    free(H);
    return nullptr;
  }
  __atomic_store_n(&O.TheHeap, H, __ATOMIC_RELEASE);
  return H;
}

//===----------------------------------------------------------------------===//
// Allocation
//===----------------------------------------------------------------------===//

static uint64_t takePages(Object &O, Heap &H, uint64_t Pages) {
  if (uint64_t Page = takeRun(H, Pages))
    return Page;
  if (!growFile(O, Pages) || !absorb(O, H))
    return 0;
  return takeRun(H, Pages);
}

static bool makeSlab(Object &O, Heap &H, unsigned Class) {
  const SizeClass &C = Classes[Class];
  uint64_t Page = takePages(O, H, C.Pages);
  if (!Page)
    return false;
  SlabHeader *S = slabAt(O, Page);
  *S = SlabHeader();
  S->Magic = SlabMagic;
  S->BlockBytes = C.BlockBytes;
  flushMetadata(O, S, sizeof(*S));
  for (unsigned I = 1; I < C.Pages; ++I)
    writeDescriptor(O, Page + I, makeDescriptor(PageKind::Inside, 0, I));
  writeDescriptor(O, Page, makeDescriptor(PageKind::Slab, Class, C.Pages));
  H.Tags[Page].Room = C.blocks();
  push(H, H.Room[Class], (uint32_t)Page);
  return true;
}

static void setWord(Object &O, uint64_t &Word, uint64_t Value) {
  __atomic_store_n(&Word, Value, __ATOMIC_RELEASE);
  flushMetadata(O, &Word, sizeof(Word));
}

static void *allocateSmall(Object &O, Heap &H, unsigned Class) {
  if (!H.Room[Class] && !makeSlab(O, H, Class))
    return nullptr;
  uint32_t Page = H.Room[Class];
  SlabHeader *S = slabAt(O, Page);
  unsigned Word = 0;
  while (S->Used[Word] == UINT64_MAX)
    ++Word;
  unsigned Bit = (unsigned)__builtin_ctzll(~S->Used[Word]);
  unsigned Bytes = Classes[Class].BlockBytes;
  char *Block = (char *)(S + 1) + (uint64_t)(Word * 64 + Bit) * Bytes;
  memset(Block, 0, Bytes);
  flushMetadata(O, Block, Bytes);
  setWord(O, S->Used[Word], S->Used[Word] | (uint64_t)1 << Bit);
  if (!--H.Tags[Page].Room)
    unlink(H, H.Room[Class], Page);
  return Block;
}

static void *allocateLarge(Object &O, Heap &H, uint64_t Bytes) {
  uint64_t Pages = Bytes / FilePage + (Bytes % FilePage != 0);
  if (Pages > TheWindow.limit() / FilePage) {
    fail(ENOSPC,
         "%llu bytes are more than an object holds; make several blocks",
         (unsigned long long)Bytes);
    return nullptr;
  }
  uint64_t Page = takePages(O, H, Pages);
  if (!Page)
    return nullptr;
  char *Block = addressOf(O, Page);
  memset(Block, 0, Pages * FilePage);
  flushMetadata(O, Block, Pages * FilePage);
  writeDescriptor(O, Page, makeDescriptor(PageKind::Large, 0, Pages));
  return Block;
}

void *perdure::allocate(Object &O, uint64_t Bytes) {
  Heap *H = openHeap(O);
  if (!H)
    return nullptr;
  Locked Hold(H->Lock);
  return Bytes <= LargestClass
             ? allocateSmall(O, *H, ClassOf.Of[(Bytes + 15) / 16])
             : allocateLarge(O, *H, Bytes);
}

//===----------------------------------------------------------------------===//
// Freeing
//===----------------------------------------------------------------------===//

[[noreturn]] static void dieFreeing(const Object &O, const void *Block,
                                    const char *Why) {
  die("perdure_free(%p): offset 0x%llx of object %s %s", Block,
      (unsigned long long)((uint64_t)Block - O.Base), labelOf(O).Text, Why);
}

// Gives a slab without blocks back. Its first descriptor goes first.
static void dropSlab(Object &O, Heap &H, uint64_t Page, unsigned Class) {
  unlink(H, H.Room[Class], (uint32_t)Page);
  H.Tags[Page].Room = 0;
  for (unsigned I = 0; I < Classes[Class].Pages; ++I)
    writeDescriptor(O, Page + I, 0);
  addRun(H, Page, Classes[Class].Pages);
}

static void deallocateSmall(Object &O, Heap &H, uint64_t Page, unsigned Class,
                            const void *Block) {
  SlabHeader *S = slabAt(O, Page);
  uint64_t Distance = (uint64_t)Block - (uint64_t)(S + 1);
  uint64_t Index = Distance / Classes[Class].BlockBytes;
  if ((uint64_t)Block < (uint64_t)(S + 1) ||
      Distance % Classes[Class].BlockBytes || Index >= Classes[Class].blocks())
    dieFreeing(O, Block, "is not where a block starts");
  uint64_t &Word = S->Used[Index / 64], Bit = (uint64_t)1 << Index % 64;
  if (!(Word & Bit))
    dieFreeing(O, Block, "is free already: it was freed twice");
  setWord(O, Word, Word & ~Bit);
  PageTag &T = H.Tags[Page];
  if (++T.Room == 1)
    push(H, H.Room[Class], (uint32_t)Page);
  bool Only = !T.Next && !T.Prev;
  if (T.Room == Classes[Class].blocks() && !Only)
    dropSlab(O, H, Page, Class);
}

void perdure::deallocate(Object &O, void *Block) {
  Heap *H = openHeap(O);
  if (!H)
    die("perdure_free(%p): %s", Block, errorMessage());
  Locked Hold(H->Lock);
  uint64_t Page = ((uint64_t)Block - O.Base) / FilePage;
  if (Page >= H->Pages)
    dieFreeing(O, Block, "lies past the object's end");
  PageDescriptor D = readDescriptor(O, Page);
  if (D.kind() == PageKind::Large && (uint64_t)Block % FilePage == 0) {
    writeDescriptor(O, Page, 0);
    addRun(*H, Page, D.pages());
    return;
  }
  uint64_t First = Page;
  if (D.kind() == PageKind::Inside && D.pages() < Page) {
    First = Page - D.pages();
    D = readDescriptor(O, First);
  }
  if (D.kind() != PageKind::Slab || D.pages() <= Page - First)
    dieFreeing(O, Block,
               "is in no allocated block: it was freed twice, or "
               "perdure_alloc never gave it");
  deallocateSmall(O, *H, First, D.sizeClass(), Block);
}

//===----------------------------------------------------------------------===//
// Other processes
//===----------------------------------------------------------------------===//

bool perdure::heapRefresh(Object &O) {
  if (!O.TheHeap)
    return true;
  heapRelease(O);
  return openHeap(O) != nullptr;
}

void perdure::heapBeforeFork(Object &O) {
  if (O.TheHeap)
    pthread_mutex_lock(&O.TheHeap->Lock.Handle);
}

void perdure::heapAfterFork(Object &O) {
  if (O.TheHeap)
    pthread_mutex_unlock(&O.TheHeap->Lock.Handle);
}

void perdure::heapsBeforeFork() { pthread_mutex_lock(&OpenLock.Handle); }
void perdure::heapsAfterFork() { pthread_mutex_unlock(&OpenLock.Handle); }

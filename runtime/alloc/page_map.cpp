//===- page_map.cpp - What the file says is allocated ---------------------===//

#include "alloc/page_map.h"
#include "alloc/changes.h"
#include "platform/error.h"

#include <errno.h>

using namespace perdure;

uint64_t perdure::coveredPages(const Object &O) {
  unsigned K = 0;
  while (extentOf(O, Table::Map, K))
    ++K;
  return FirstMapExtent * (((uint64_t)1 << K) - 1);
}

bool perdure::coverPages(Object &O, uint64_t Pages) {
  for (unsigned K = 0; FirstMapExtent * (((uint64_t)1 << K) - 1) < Pages; ++K)
    if (!extentOf(O, Table::Map, K) && !appendExtent(O, Table::Map, K))
      return false;
  return true;
}

static PageDescriptor *descriptorOf(const Object &O, uint64_t Page) {
  ExtentPlace Place = placeIn(Page, FirstMapExtent);
  uint64_t Extent = extentOf(O, Table::Map, Place.K);
  return Extent ? (PageDescriptor *)(O.Base + Extent) + Place.Within : nullptr;
}

PageDescriptor perdure::readDescriptor(const Object &O, uint64_t Page) {
  const PageDescriptor *D = descriptorOf(O, Page);
  return {D ? __atomic_load_n(&D->Word, __ATOMIC_ACQUIRE) : 0};
}

void perdure::beginDescriptor(Object &O, uint64_t Page, uint64_t Word) {
  PageDescriptor *D = descriptorOf(O, Page);
  __atomic_store_n(&D->Word, Word, __ATOMIC_RELEASE);
  if (isDeferred(O))
    noteWord(O, D, ~(uint64_t)0, Word);
  else if (O.Map.Page)
    flushMetadata(O, D, sizeof(*D));
  else
    flushRange(O.Map, D, sizeof(*D));
}

void perdure::writeDescriptor(Object &O, uint64_t Page, uint64_t Word) {
  beginDescriptor(O, Page, Word);
  fence(O.Map);
}

uint64_t *perdure::descriptorWord(const Object &O, uint64_t Page) {
  PageDescriptor *D = descriptorOf(O, Page);
  return D ? &D->Word : nullptr;
}

static bool isSlab(const Object &O, uint64_t Page, PageDescriptor D) {
  if (D.sizeClass() >= ClassCount)
    return false;
  const SizeClass &C = Classes[D.sizeClass()];
  const SlabHeader *S = slabAt(O, Page);
  return D.pages() == C.Pages && S->Magic == SlabMagic &&
         S->BlockBytes == C.BlockBytes;
}

void perdure::freeInFile(Object &O, uint64_t Offset) {
  uint64_t Page = Offset / FilePage;
  PageDescriptor D = readDescriptor(O, Page);
  if (Offset == O.RootOffset || Page >= filePages(O))
    return;
  if (D.kind() == PageKind::Large) {
    if (Offset % FilePage == 0)
      writeDescriptor(O, Page, 0);
    return;
  }
  if (D.kind() == PageKind::Inside && D.pages() <= Page) {
    Page -= D.pages();
    D = readDescriptor(O, Page);
  }
  if (D.kind() != PageKind::Slab || !isSlab(O, Page, D))
    return;
  const SizeClass &C = Classes[D.sizeClass()];
  uint64_t Distance = Offset - Page * FilePage - sizeof(SlabHeader);
  uint64_t Index = Distance / C.BlockBytes;
  if (Index >= C.blocks() || Distance % C.BlockBytes)
    return;
  uint64_t &Word = slabAt(O, Page)->Used[Index / 64];
  __atomic_store_n(&Word, Word & ~((uint64_t)1 << Index % 64),
                   __ATOMIC_RELEASE);
  flushMetadata(O, &Word, sizeof(Word));
}

bool perdure::isUserRange(const Object &O, uint64_t Offset, uint64_t Bytes) {
  uint64_t End = __atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE);
  if (Offset < HeaderBytes || Offset > End || Bytes > End - Offset)
    return false;
  for (Table T : Tables)
    for (unsigned K = 0; K < maxExtents(T); ++K) {
      uint64_t Extent = extentOf(O, T, K);
      if (Extent && Offset < Extent + extentBytes(T, K) &&
          Extent < Offset + Bytes)
        return false;
    }
  return true;
}

bool perdure::failDamaged(const Object &O, uint64_t Page) {
  return fail(EPROTO,
              "object %s: the page map is damaged at page %llu; nothing can be "
              "allocated in it: restore it from a copy",
              labelOf(O).Text, (unsigned long long)Page);
}

unsigned perdure::roomOf(const Object &O, uint64_t Page, unsigned Class) {
  unsigned Used = 0;
  for (uint64_t &Word : slabAt(O, Page)->Used)
    Used += (unsigned)__builtin_popcountll(
        __atomic_load_n(&Word, __ATOMIC_RELAXED));
  unsigned Blocks = Classes[Class].blocks();
  return Used < Blocks ? Blocks - Used : 0;
}

//===----------------------------------------------------------------------===//
// PageWalk
//===----------------------------------------------------------------------===//

PageWalk::PageWalk(const Object &O, uint64_t First, uint64_t End)
    : O(O), Page(First), End(End), System(O) {}

static bool countsAsFree(PageKind Kind) {
  // Inside: left by a slab that is gone.
  return Kind == PageKind::Free || Kind == PageKind::Inside;
}

// The first page from Page to Stop that does not count as free. Gigabytes of
// free pages must not cost a walk through the extents for each.
static uint64_t endOfFree(const Object &O, uint64_t Page, uint64_t Stop) {
  while (Page < Stop) {
    ExtentPlace Place = placeIn(Page, FirstMapExtent);
    uint64_t Extent = extentOf(O, Table::Map, Place.K);
    uint64_t Left = (FirstMapExtent << Place.K) - Place.Within;
    if (Left > Stop - Page)
      Left = Stop - Page;
    if (Extent) {
      auto *D = (const PageDescriptor *)(O.Base + Extent) + Place.Within;
      for (uint64_t I = 0; I < Left; ++I)
        if (!countsAsFree(
                PageDescriptor{__atomic_load_n(&D[I].Word, __ATOMIC_ACQUIRE)}
                    .kind()))
          return Page + I;
    }
    Page += Left;
  }
  return Stop;
}

void PageWalk::damage(uint64_t At) {
  Damaged = true;
  failDamaged(O, At);
}

bool PageWalk::next(PageRun &R) {
  uint64_t Stop = End;
  for (; NextSystem < System.Count; ++NextSystem) {
    const auto &S = System.Run[NextSystem];
    if (S.Page > Page) {
      if (S.Page < Stop)
        Stop = S.Page;
      break;
    }
    if (S.Page + S.Pages > Page)
      Page = S.Page + S.Pages;
  }
  if (Page >= End)
    return false;
  PageDescriptor D = readDescriptor(O, Page);
  uint64_t Pages = D.pages();
  bool Good = false;
  switch (D.kind()) {
  case PageKind::Slab:
  case PageKind::Large:
    Good = Pages && Pages <= Stop - Page &&
           (D.kind() == PageKind::Large || isSlab(O, Page, D));
    break;
  case PageKind::Free:
  case PageKind::Inside:
    Good = true;
    D.Word = 0;
    Pages = endOfFree(O, Page + 1, Stop) - Page;
    break;
  }
  if (!Good) {
    // A reader of what another process writes: the slab has just gone.
    if (readDescriptor(O, Page).Word != D.Word && ++Changed < 1000)
      return next(R);
    damage(Page);
    return false;
  }
  R = {D.kind(), D.sizeClass(), Page, Pages};
  Page += Pages;
  return true;
}

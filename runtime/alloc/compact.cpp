//===- compact.cpp - The same blocks in fewer pages -----------------------===//

#include "alloc/compact.h"
#include "alloc/page_map.h"
#include "object/header.h"
#include "platform/error.h"
#include "platform/shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

using namespace perdure;

//===----------------------------------------------------------------------===//
// Pages
//===----------------------------------------------------------------------===//

PagePlan::~PagePlan() { free(Taken); }

bool PagePlan::reserve(uint64_t Pages) {
  Room = Pages;
  Taken = (uint8_t *)calloc(Room, 1);
  return Taken || fail(ENOMEM, "no memory for a plan of %llu pages",
                       (unsigned long long)Pages);
}

uint64_t PagePlan::firstTaken(uint64_t Page, uint64_t End) const {
  while (Page < End && (Page >= Room || !Taken[Page]))
    ++Page;
  return Page;
}

void PagePlan::fix(uint64_t Page, uint64_t Pages) {
  if (Page > Room || Pages > Room - Page)
    die("a compaction's plan needs more than twice the file");
  memset(Taken + Page, 1, Pages);
  if (Page + Pages > End)
    End = Page + Pages;
}

// Pages are only ever taken, so where there was no run there is none later, nor a
// longer one.
uint64_t PagePlan::take(uint64_t Pages) {
  uint64_t &From = Next[Pages < Sizes ? Pages : Sizes];
  uint64_t Page = From;
  for (;;) {
    uint64_t Stop = firstTaken(Page, Page + Pages);
    if (Stop == Page + Pages)
      break;
    Page = Stop + 1;
  }
  // A longer run than the longest that is told apart says nothing of those.
  From = Pages <= Sizes ? Page : From;
  fix(Page, Pages);
  return Page;
}

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

Compaction::~Compaction() {
  free((void *)Slabs);
  if (Image)
    munmap(Image, pages() * FilePage);
}

static bool isLarge(const perdure_move &B) { return B.bytes > LargestClass; }

static unsigned classOf(const perdure_move &B) {
  unsigned Class = 0;
  while (Classes[Class].BlockBytes != B.bytes)
    ++Class;
  return Class;
}

static uint64_t slabPageOf(const Object &O, uint64_t Offset) {
  uint64_t Page = Offset / FilePage;
  PageDescriptor D = readDescriptor(O, Page);
  return D.kind() == PageKind::Inside ? Page - D.pages() : Page;
}

static unsigned indexIn(uint64_t SlabPage, unsigned Class, uint64_t Offset) {
  return (unsigned)((Offset - SlabPage * FilePage - sizeof(SlabHeader)) /
                    Classes[Class].BlockBytes);
}

bool Compaction::addSlab(uint64_t Page, unsigned Class) {
  if (SlabCount == SlabRoom) {
    size_t More = SlabRoom ? SlabRoom * 2 : 64;
    auto *Larger = (Slab *)realloc((void *)Slabs, More * sizeof(Slab));
    if (!Larger)
      return Ok = fail(ENOMEM, "no memory for a plan of %zu slabs", More);
    Slabs = Larger;
    SlabRoom = More;
  }
  Slabs[SlabCount++] = {Page, Class, {}};
  return true;
}

void Compaction::fixBlocks() {
  for (size_t I = 0; I < Count && Ok; ++I) {
    perdure_move &B = Blocks[I];
    if (!isStaying(I))
      continue;
    B.to = B.from;
    if (isLarge(B)) {
      Plan.fix(B.from / FilePage, B.bytes / FilePage);
      continue;
    }
    unsigned Class = classOf(B);
    uint64_t Page = slabPageOf(O, B.from);
    // Blocks come by ascending offset: those of a slab one after the other.
    if (!SlabCount || Slabs[SlabCount - 1].Page != Page) {
      if (!addSlab(Page, Class))
        return;
      Plan.fix(Page, Classes[Class].Pages);
    }
    unsigned Index = indexIn(Page, Class, B.from);
    Slabs[SlabCount - 1].Used[Index / 64] |= (uint64_t)1 << Index % 64;
  }
}

bool Compaction::areInOneSlab(size_t A, size_t B) const {
  return !isLarge(Blocks[A]) && !isLarge(Blocks[B]) &&
         slabPageOf(O, Blocks[A].from) == slabPageOf(O, Blocks[B].from);
}

// To the block before it in the list.
bool Compaction::isTied(size_t I) const {
  return I && I < Count && (Flags[I] & BlockTied) &&
         Blocks[I - 1].from + Blocks[I - 1].bytes == Blocks[I].from;
}

// Behind the last block that moves along with the one at First.
size_t Compaction::endOfUnit(size_t First) const {
  size_t I = First + 1;
  while (isTied(I))
    ++I;
  return I;
}

// What is tied to something that stays, stays, and so do whole pages that are tied to
// each other or to a slab's last block. Forwards, then backwards: then nothing is left.
void Compaction::settleUnits() {
  for (size_t I = 1; I < Count; ++I)
    if (isTied(I) && !areInOneSlab(I - 1, I))
      Flags[I - 1] |= BlockStays;
  for (size_t I = 1; I < Count; ++I)
    if (isTied(I) && isStaying(I - 1))
      Flags[I] |= BlockStays;
  for (size_t I = Count; I-- > 1;)
    if (isTied(I) && isStaying(I))
      Flags[I - 1] |= BlockStays;
}

// A row of free places in a slab; blocks() when there is none.
static unsigned findRow(const uint64_t *Used, unsigned Places, unsigned Length) {
  unsigned Row = 0;
  for (unsigned I = 0; I < Places; ++I) {
    Row = Used[I / 64] >> I % 64 & 1 ? 0 : Row + 1;
    if (Row == Length)
      return I + 1 - Length;
  }
  return Places;
}

// From: no slab before that has room for so many.
bool Compaction::placeUnit(size_t First, size_t End, unsigned Class, size_t &From) {
  const SizeClass &C = Classes[Class];
  auto Length = (unsigned)(End - First);
  unsigned Index = C.blocks();
  for (; From < SlabCount; ++From)
    if (Slabs[From].Class == Class) {
      Index = findRow(Slabs[From].Used, C.blocks(), Length);
      if (Index < C.blocks())
        break;
    }
  if (From == SlabCount) {
    if (!addSlab(Plan.take(C.Pages), Class))
      return false;
    Index = 0;
  }
  Slab &S = Slabs[From];
  for (size_t I = First; I < End; ++I, ++Index) {
    S.Used[Index / 64] |= (uint64_t)1 << Index % 64;
    Blocks[I].to = S.Page * FilePage + sizeof(SlabHeader) + (uint64_t)Index * C.BlockBytes;
  }
  return true;
}

// The blocks of a class: into the slabs that stay, then into new ones.
bool Compaction::placeSlabs(unsigned Class) {
  // By length of the unit: places are only ever taken.
  size_t From[257] = {};
  for (size_t I = 0, End; I < Count; I = End) {
    End = endOfUnit(I);
    if (!isStaying(I) && Blocks[I].bytes == Classes[Class].BlockBytes &&
        !placeUnit(I, End, Class, From[End - I]))
      return false;
  }
  return true;
}

void Compaction::placeTable(Table T) {
  for (unsigned K = 0; K < maxExtents(T) && extentOf(O, T, K); ++K)
    extentsIn(Extents, T)[K] = Plan.take(extentBytes(T, K) / FilePage) * FilePage;
}

// The page map is about its own pages, too.
void Compaction::placeMap() {
  for (unsigned K = 0; FirstMapExtent * (((uint64_t)1 << K) - 1) < Plan.end(); ++K)
    Extents.MapExtent[K] = Plan.take((uint64_t)1 << K) * FilePage;
}

bool Compaction::plan() {
  // At worst everything stays and the tables follow it.
  uint64_t Tables = 1024;
  for (Table T : perdure::Tables)
    for (unsigned K = 0; K < maxExtents(T) && extentOf(O, T, K); ++K)
      Tables += 2 * extentBytes(T, K) / FilePage;
  if (!Plan.reserve(filePages(O) * 2 + Tables))
    return false;
  Plan.fix(0, HeaderBytes / FilePage);
  settleUnits();
  fixBlocks();
  placeTable(Table::Fot);
  placeTable(Table::Types);
  for (size_t I = 0; I < Count && Ok; ++I)
    if (!isStaying(I) && isLarge(Blocks[I]))
      Blocks[I].to = Plan.take(Blocks[I].bytes / FilePage) * FilePage;
  for (unsigned Class = 0; Class < ClassCount && Ok; ++Class)
    placeSlabs(Class);
  placeMap();
  return Ok;
}

//===----------------------------------------------------------------------===//
// The image
//===----------------------------------------------------------------------===//

State Compaction::newState() const {
  State S = O.Current;
  for (Table T : perdure::Tables)
    for (unsigned K = 0; K < maxExtents(T); ++K)
      extentsIn(S, T)[K] = extentsIn(Extents, T)[K];
  S.FileBytes = pages() * FilePage;
  // The log is empty, and begins anew.
  S.NeededFeatures &= ~(uint64_t)FeatureLog;
  S.NeededToWrite &= ~(uint64_t)FeatureLog;
  ++S.Sequence;
  S.Checksum = checksumOf(&S, sizeof(S));
  return S;
}

void Compaction::writeDescriptor(uint64_t Page, uint64_t Word) {
  ExtentPlace Place = placeIn(Page, FirstMapExtent);
  ((uint64_t *)(Image + Extents.MapExtent[Place.K]))[Place.Within] = Word;
}

void Compaction::writeSlabs() {
  for (size_t I = 0; I < SlabCount; ++I) {
    const Slab &S = Slabs[I];
    const SizeClass &C = Classes[S.Class];
    auto *H = (SlabHeader *)(Image + S.Page * FilePage);
    H->Magic = SlabMagic;
    H->BlockBytes = C.BlockBytes;
    memcpy(H->Used, S.Used, sizeof(H->Used));
    writeDescriptor(S.Page, makeDescriptor(PageKind::Slab, S.Class, C.Pages));
    for (unsigned P = 1; P < C.Pages; ++P)
      writeDescriptor(S.Page + P, makeDescriptor(PageKind::Inside, 0, P));
  }
}

char *Compaction::makeImage() {
  void *P = mmap(nullptr, pages() * FilePage, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (P == MAP_FAILED) {
    fail(ENOMEM, "no memory for the %llu bytes of object %s",
         (unsigned long long)(pages() * FilePage), labelOf(O).Text);
    return nullptr;
  }
  Image = (char *)P;
  memcpy(Image, (const void *)O.Base, HeaderBytes);
  auto *H = (Header *)Image;
  H->Copy[0] = H->Copy[1] = newState();
  constexpr Table Kept[] = {Table::Fot, Table::Types};
  for (Table T : Kept)
    for (unsigned K = 0; K < maxExtents(T) && extentOf(O, T, K); ++K)
      memcpy(Image + extentsIn(Extents, T)[K], (const void *)(O.Base + extentOf(O, T, K)),
             extentBytes(T, K));
  writeSlabs();
  for (size_t I = 0; I < Count; ++I) {
    const perdure_move &B = Blocks[I];
    if (isLarge(B))
      writeDescriptor(B.to / FilePage, makeDescriptor(PageKind::Large, 0, B.bytes / FilePage));
    // Also what was not asked for.
    copyUnseen(Image + B.to, (const void *)(O.Base + B.from), B.bytes);
  }
  return Image;
}

//===- pages.cpp - Checks the page map and the slabs ----------------------===//
//
// Nothing here has a checksum. What is doubtful counts as allocated: a block
// that nobody uses leaks, one that is given away twice is lost.
//
//===----------------------------------------------------------------------===//

#include "alloc/format.h"
#include "alloc/page_map.h"
#include "check/check.h"

#include <string.h>

using namespace perdure;

static PageDescriptor *descriptorOf(const Object &O, uint64_t Page) {
  ExtentPlace Place = placeIn(Page, FirstMapExtent);
  return (PageDescriptor *)(O.Base + extentOf(O, Table::Map, Place.K)) +
         Place.Within;
}

static uint64_t offsetOf(const Object &O, const void *P) {
  return (uint64_t)P - O.Base;
}

//===----------------------------------------------------------------------===//
// Slabs
//===----------------------------------------------------------------------===//

static bool fits(unsigned Class, uint64_t Page, uint64_t End) {
  return Class < ClassCount && Classes[Class].Pages <= End - Page;
}

// The class that a slab's own header says, or ClassCount.
static unsigned classOfHeader(const SlabHeader &S) {
  unsigned Class = 0;
  if (S.Magic != SlabMagic)
    return ClassCount;
  while (Class < ClassCount && Classes[Class].BlockBytes != S.BlockBytes)
    ++Class;
  return Class;
}

// Bits of word W that stand for no block.
static uint64_t beyond(unsigned Blocks, unsigned W) {
  unsigned First = W * 64;
  if (Blocks >= First + 64)
    return 0;
  return Blocks <= First ? ~(uint64_t)0 : ~(uint64_t)0 << (Blocks - First);
}

static bool looksLikeBitmap(const SlabHeader &S, unsigned Blocks) {
  uint64_t Wrong = S.Reserved[0] | S.Reserved[1] | S.Reserved[2];
  for (unsigned W = 0; W < 4; ++W)
    Wrong |= S.Used[W] & beyond(Blocks, W);
  return !Wrong;
}

// Whether the head of a slab of the class was there: one of its two constants
// is, or both are but for a few bits. User data that was taken for a slab
// because of its descriptor must not be overwritten by one.
static bool wasSlab(const SlabHeader &S, unsigned Class) {
  uint32_t Magic = S.Magic ^ SlabMagic;
  uint32_t Bytes = S.BlockBytes ^ Classes[Class].BlockBytes;
  return !Magic || !Bytes ||
         __builtin_popcount(Magic) + __builtin_popcount(Bytes) <= 4;
}

static void allocateAll(SlabHeader &S, unsigned Class) {
  for (unsigned W = 0; W < 4; ++W)
    S.Used[W] = ~beyond(Classes[Class].blocks(), W);
}

static void makeSlabHeader(SlabHeader &S, unsigned Class) {
  unsigned Blocks = Classes[Class].blocks();
  bool Keep = looksLikeBitmap(S, Blocks);
  S.Magic = SlabMagic;
  S.BlockBytes = Classes[Class].BlockBytes;
  memset(S.Reserved, 0, sizeof(S.Reserved));
  if (!Keep)
    allocateAll(S, Class);
}

static void checkSlab(const Object &O, uint64_t Page, unsigned Class,
                      Findings &Found) {
  SlabHeader &S = *slabAt(O, Page);
  unsigned Blocks = Classes[Class].blocks();
  auto N = (unsigned long long)Page;
  for (unsigned W = 0; W < 4; ++W)
    if (uint64_t Wrong = S.Used[W] & beyond(Blocks, W)) {
      Found.add(Severity::Mended, offsetOf(O, &S.Used[W]),
                "the slab at page %llu had allocated blocks that it does not "
                "have; they are gone from its bitmap",
                N);
      S.Used[W] &= ~Wrong;
    }
  if (S.Reserved[0] | S.Reserved[1] | S.Reserved[2]) {
    Found.add(Severity::Mended, offsetOf(O, S.Reserved),
              "reserved bytes of the slab at page %llu were not zero", N);
    memset(S.Reserved, 0, sizeof(S.Reserved));
  }
}

//===----------------------------------------------------------------------===//
// The page map
//===----------------------------------------------------------------------===//

// Whether the head that lies at the page is that of a slab there, and no data
// that looks like one: its bitmap can be one, and the map says Inside after it.
static bool isSlabHead(const Object &O, uint64_t Page, unsigned Class,
                       uint64_t End) {
  if (!fits(Class, Page, End) ||
      !looksLikeBitmap(*slabAt(O, Page), Classes[Class].blocks()))
    return false;
  for (unsigned I = 1; I < Classes[Class].Pages; ++I)
    if (descriptorOf(O, Page + I)->Word !=
        makeDescriptor(PageKind::Inside, 0, I))
      return false;
  return true;
}

// The first page from Page on at which something begins, as far as the map
// makes sense there.
static uint64_t nextInUse(const Object &O, uint64_t Page, uint64_t End) {
  while (Page < End) {
    PageWalk Walk(O, Page, End);
    PageRun R;
    if (!Walk.next(R))
      ++Page;
    else if (R.Kind == PageKind::Free)
      Page = R.Page + R.Pages;
    else
      break;
  }
  return Page;
}

// Map and head say two sizes of blocks, of slabs that have as many pages, and
// the bitmap can be either's: one bit makes some sizes others. Of the smaller
// ones all count as allocated: whoever frees a block that was larger frees a
// part of it and nothing else.
static void makeSmaller(const Object &O, uint64_t Page, unsigned Said,
                        unsigned Own, Findings &Found) {
  unsigned Class = Said < Own ? Said : Own;
  SlabHeader &S = *slabAt(O, Page);
  makeSlabHeader(S, Class);
  allocateAll(S, Class);
  descriptorOf(O, Page)->Word =
      makeDescriptor(PageKind::Slab, Class, Classes[Class].Pages);
  Found.add(
      Severity::Mended, Page * FilePage,
      "the slab at page %llu has blocks of %u bytes by the page map, and of "
      "%u by its head: all of it counts as allocated, so that nothing in "
      "it is given away",
      (unsigned long long)Page, Classes[Said].BlockBytes,
      Classes[Own].BlockBytes);
}

// A slab in pages that count as free: its blocks would be given away. A slab
// that a process dropped, or was making, when it died has none.
static bool findLostSlab(const Object &O, const PageRun &Free, uint64_t End,
                         uint64_t &Page, unsigned &Class) {
  for (Page = Free.Page; Page + 1 < Free.Page + Free.Pages; ++Page) {
    if (descriptorOf(O, Page + 1)->Word !=
        makeDescriptor(PageKind::Inside, 0, 1))
      continue;
    const SlabHeader &S = *slabAt(O, Page);
    Class = classOfHeader(S);
    if (isSlabHead(O, Page, Class, End) &&
        (S.Used[0] | S.Used[1] | S.Used[2] | S.Used[3]))
      return true;
  }
  return false;
}

// The descriptor at the page, or what lies there, makes no sense: [Page, End)
// is free of extents.
static void mendPage(Object &O, uint64_t Page, uint64_t End, Findings &Found) {
  PageDescriptor &D = *descriptorOf(O, Page);
  uint64_t At = offsetOf(O, &D);
  auto N = (unsigned long long)Page;
  SlabHeader &S = *slabAt(O, Page);
  unsigned Said = D.sizeClass(), Own = classOfHeader(S);
  if (D.kind() == PageKind::Slab && fits(Said, Page, End) &&
      D.pages() == Classes[Said].Pages && wasSlab(S, Said)) {
    bool BothPages =
        Own < ClassCount && Classes[Own].Pages == Classes[Said].Pages;
    bool AsOwn = BothPages && looksLikeBitmap(S, Classes[Own].blocks());
    if (AsOwn && looksLikeBitmap(S, Classes[Said].blocks()))
      return makeSmaller(O, Page, Said, Own, Found);
    if (!AsOwn) {
      makeSlabHeader(S, Said);
      Found.add(
          Severity::Mended, Page * FilePage,
          "the head of the slab at page %llu was damaged; the page map says "
          "what it was",
          N);
      return;
    }
  }
  if (isSlabHead(O, Page, Own, End)) {
    D.Word = makeDescriptor(PageKind::Slab, Own, Classes[Own].Pages);
    Found.add(
        Severity::Mended, At,
        "the page map was damaged at page %llu; the head of the slab there "
        "says what it was",
        N);
    return;
  }
  // How many pages it was is not known: what follows and is free may be its.
  uint64_t Next = nextInUse(O, Page + 1, End);
  D.Word = makeDescriptor(PageKind::Large, 0, Next - Page);
  Found.add(
      Severity::Mended, At,
      "the page map is damaged at page %llu: %llu pages from there on count "
      "as one allocated block, so that nothing in them is given away",
      N, (unsigned long long)(Next - Page));
}

static void checkGap(Object &O, uint64_t Page, uint64_t End, Findings &Found) {
  PageRun R = {}; // no gap begins at page 0
  while (Page < End) {
    PageWalk Walk(O, Page, End);
    while (Walk.next(R)) {
      if (R.Kind == PageKind::Slab)
        checkSlab(O, R.Page, R.Class, Found);
      uint64_t Lost;
      unsigned Class;
      if (R.Kind == PageKind::Free && findLostSlab(O, R, End, Lost, Class)) {
        PageDescriptor &D = *descriptorOf(O, Lost);
        Found.add(Severity::Mended, offsetOf(O, &D),
                  "the slab at page %llu, with blocks in use, counted as free",
                  (unsigned long long)Lost);
        D.Word = makeDescriptor(PageKind::Slab, Class, Classes[Class].Pages);
        break; // and again from here
      }
      Page = R.Page + R.Pages;
    }
    if (Page == R.Page)
      continue;
    if (!Walk.damaged())
      return;
    mendPage(O, Page, End, Found);
  }
}

//===----------------------------------------------------------------------===//
// The root
//===----------------------------------------------------------------------===//

// A map in which the root is free would give it to somebody else.
static void checkRoot(Object &O, const PageRun &In, uint64_t End,
                      Findings &Found) {
  uint64_t Root = O.RootOffset, Page = Root / FilePage;
  const Header &H = *headerOf(O);
  uint64_t Pages = (H.Ident.RootBytes + FilePage - 1) / FilePage;
  if (In.Kind == PageKind::Large && Root == In.Page * FilePage) {
    if (In.Pages >= Pages)
      return;
    PageWalk Behind(O, In.Page + In.Pages, End);
    PageRun R;
    if (Behind.next(R) && R.Kind == PageKind::Free &&
        Page + Pages <= R.Page + R.Pages) {
      descriptorOf(O, Page)->Word = makeDescriptor(PageKind::Large, 0, Pages);
      Found.add(
          Severity::Mended, offsetOf(O, descriptorOf(O, Page)),
          "the last pages of the root counted as free; they are allocated "
          "again");
      return;
    }
  }
  if (In.Kind == PageKind::Slab) {
    const SizeClass &C = Classes[In.Class];
    uint64_t First = In.Page * FilePage + sizeof(SlabHeader);
    uint64_t Index = (Root - First) / C.BlockBytes;
    if (Root >= First && (Root - First) % C.BlockBytes == 0 &&
        Index < C.blocks()) {
      uint64_t &Word = slabAt(O, In.Page)->Used[Index / 64];
      uint64_t Bit = (uint64_t)1 << Index % 64;
      if (!(Word & Bit))
        Found.add(Severity::Mended, offsetOf(O, &Word),
                  "the root counted as free; it is allocated again");
      Word |= Bit;
      return;
    }
  }
  if (In.Kind == PageKind::Free && Root % FilePage == 0 && Pages &&
      Page + Pages <= In.Page + In.Pages) {
    descriptorOf(O, Page)->Word = makeDescriptor(PageKind::Large, 0, Pages);
    Found.add(
        Severity::Mended, offsetOf(O, descriptorOf(O, Page)),
        "the pages of the root counted as free; they are allocated again");
    return;
  }
  Found.add(
      Severity::Damage,
      offsetof(Header, Ident) + offsetof(Identity, RootOffset),
      "the root, at 0x%llx, is no allocated block; restore the file from a "
      "copy",
      (unsigned long long)Root);
}

void perdure::checkPages(Object &O, Findings &Found) {
  uint64_t End = O.Current.FileBytes / FilePage, Covered = coveredPages(O);
  if (Covered < End) {
    Found.add(Severity::Note, Covered * FilePage,
              "%llu pages at the end have no page map yet; the next allocation "
              "makes one",
              (unsigned long long)(End - Covered));
    End = Covered;
  }
  uint64_t Root = O.RootOffset / FilePage;
  if (Root >= End)
    Found.add(
        Severity::Damage, offsetof(Header, Ident),
        "the root, at 0x%llx, lies where there is no page map; restore the "
        "file from a copy",
        (unsigned long long)O.RootOffset);
  SystemPages(O).visitGaps(End, [&](uint64_t From, uint64_t To) {
    checkGap(O, From, To, Found);
    if (Root < From || Root >= To)
      return true;
    PageWalk Walk(O, From, To);
    PageRun R;
    while (Walk.next(R))
      if (Root < R.Page + R.Pages)
        break;
    checkRoot(O, R, To, Found);
    return true;
  });
}

//===- page_map.h - What the file says is allocated -------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_ALLOC_PAGE_MAP_H
#define PERDURE_RUNTIME_ALLOC_PAGE_MAP_H

#include "alloc/format.h"
#include "object/system_pages.h"

namespace perdure {

/// Pages of the file that O may use, as its state says now.
inline uint64_t filePages(const Object &O) {
  return __atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE) / FilePage;
}

/// Pages that the page map's extents have descriptors for.
uint64_t coveredPages(const Object &O);

/// Appends extents to the page map until it covers Pages. False (ENOSPC) when
/// the file cannot grow.
bool coverPages(Object &O, uint64_t Pages);

/// 0 for a page that the map does not cover.
PageDescriptor readDescriptor(const Object &O, uint64_t Page);

/// Where it is; null for a page that the map does not cover.
uint64_t *descriptorWord(const Object &O, uint64_t Page);

/// One store, whose flush begins on DAX: the caller fences. The map must cover the
/// page.
void beginDescriptor(Object &O, uint64_t Page, uint64_t Word);

/// The same with the fence.
void writeDescriptor(Object &O, uint64_t Page, uint64_t Word);

inline SlabHeader *slabAt(const Object &O, uint64_t Page) {
  return (SlabHeader *)(O.Base + Page * FilePage);
}

/// Frees a block that a dead process allocated: in the file alone, while nobody
/// has lists of what is free. What is no allocated block stays as it is, so it
/// may be done again.
void freeInFile(Object &O, uint64_t Offset);

/// Whether the bytes lie in what belongs to the program: neither in the header,
/// nor in an extent, nor past the end.
bool isUserRange(const Object &O, uint64_t Offset, uint64_t Bytes);

/// Says that the map makes no sense at the page (EPROTO); false.
bool failDamaged(const Object &O, uint64_t Page);

/// Pages with one use, one after the other. Pages is 0 at the end of a walk.
struct PageRun {
  PageKind Kind; // never Inside
  unsigned Class;
  uint64_t Page, Pages;
};

/// Walks the page map, and checks it: first descriptors must fit between the
/// neighbours, the extents and the end. The walker sees neither the header nor
/// extents.
class PageWalk {
public:
  PageWalk(const Object &O, uint64_t First, uint64_t End);

  /// The next run; false at the end. False with damaged() set (EPROTO) when the
  /// map makes no sense there.
  bool next(PageRun &R);
  bool damaged() const { return Damaged; }
  /// The caller has found the page's descriptor to make no sense.
  void damage(uint64_t Page);

private:
  const Object &O;
  uint64_t Page, End;
  bool Damaged = false;
  unsigned Changed =
      0; // times that a descriptor was another one a moment later

  const SystemPages System;
  unsigned NextSystem = 0;
};

/// Free blocks of a slab; 0 as well when its bitmap makes no sense.
unsigned roomOf(const Object &O, uint64_t Page, unsigned Class);

} // namespace perdure

#endif // PERDURE_RUNTIME_ALLOC_PAGE_MAP_H

//===- page_runs.h - Runs of free pages -------------------------*- C++ -*-===//
//
// Volatile: bins by size, and a tag at either end of each run so that
// neighbours coalesce. The caller holds the heap's page lock.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_ALLOC_PAGE_RUNS_H
#define PERDURE_RUNTIME_ALLOC_PAGE_RUNS_H

#include <stdint.h>

namespace perdure {

/// The volatile side of a page. Page 0 is the header, so 0 is no page. What is
/// freed is looked up here, and so is what a list holds: others may change the
/// file meanwhile, and inside a block it means nothing.
struct PageTag {
  uint32_t Run;        // length, at both ends of a free run; else 0
  uint32_t Next, Prev; // in the bin of a free run or the list of a slab; of a
                       // large block's first page its pages, and LargeBlock
  uint32_t Slab;       // of each page of a slab: a SlabTag; else 0. Atomic
};

/// What Prev says of a page that is in no list.
constexpr uint32_t NotListed = UINT32_MAX;
constexpr uint32_t LargeBlock = UINT32_MAX - 1;

inline void pushPage(PageTag *Tags, uint32_t &List, uint32_t Page) {
  Tags[Page].Prev = 0;
  Tags[Page].Next = List;
  if (List)
    Tags[List].Prev = Page;
  List = Page;
}

inline void unlinkPage(PageTag *Tags, uint32_t &List, uint32_t Page) {
  PageTag &T = Tags[Page];
  if (T.Prev)
    Tags[T.Prev].Next = T.Next;
  else
    List = T.Next;
  if (T.Next)
    Tags[T.Next].Prev = T.Prev;
  T.Prev = NotListed;
}

struct PageRuns {
  static constexpr unsigned BinCount = 32;
  uint32_t Bin[BinCount]; // runs of 1 << bin pages and more

  /// Adds a run, joined with its free neighbours.
  void add(PageTag *Tags, uint64_t Page, uint64_t Pages);

  /// Takes Pages out of a run; 0 when none is long enough.
  uint64_t take(PageTag *Tags, uint64_t Pages);

private:
  void unlink(PageTag *Tags, uint64_t Page, uint64_t Pages);
};

} // namespace perdure

#endif // PERDURE_RUNTIME_ALLOC_PAGE_RUNS_H

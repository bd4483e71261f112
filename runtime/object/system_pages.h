//===- system_pages.h - The pages of header and tables ----------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_OBJECT_SYSTEM_PAGES_H
#define PERDURE_RUNTIME_OBJECT_SYSTEM_PAGES_H

#include "object/object.h"

namespace perdure {

/// The pages of the header and of extents, in order; what lies between them is the
/// allocator's and the program's.
struct SystemPages {
  struct {
    uint64_t Page, Pages;
  } Run[1 + 2 * MaxExtents + MaxLogExtents + MaxTypeExtents];
  unsigned Count = 0;

  SystemPages() = default;
  /// Of all tables; or without the page map, which changes with what it is about.
  explicit SystemPages(const Object &O, bool WithMap = true) {
    add(0, HeaderBytes / FilePage);
    for (Table T : Tables)
      for (unsigned K = 0; K < maxExtents(T) && (WithMap || T != Table::Map); ++K)
        if (uint64_t Offset = extentOf(O, T, K))
          add(Offset / FilePage, extentBytes(T, K) / FilePage);
  }

  /// Calls Visit with the first page and the end of what lies between, up to End,
  /// until it gives false, and gives that.
  template <typename Visitor> bool visitGaps(uint64_t End, Visitor Visit) const {
    for (unsigned I = 0; I < Count; ++I) {
      uint64_t From = Run[I].Page + Run[I].Pages;
      uint64_t To = I + 1 < Count && Run[I + 1].Page < End ? Run[I + 1].Page : End;
      if (From < To && !Visit(From, To))
        return false;
    }
    return true;
  }

  /// False, and nothing is added, when others have some of them already.
  bool add(uint64_t Page, uint64_t Pages) {
    unsigned I = Count;
    while (I && Run[I - 1].Page > Page)
      --I;
    if ((I && Run[I - 1].Page + Run[I - 1].Pages > Page) ||
        (I < Count && Page + Pages > Run[I].Page))
      return false;
    for (unsigned J = Count++; J > I; --J)
      Run[J] = Run[J - 1];
    Run[I] = {Page, Pages};
    return true;
  }
};

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_SYSTEM_PAGES_H

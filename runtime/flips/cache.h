//===- cache.h - Two levels of cache, as a model ----------------*- C++ -*-===//
//
// Write-back, write-allocate, least recently used, lines of 64 bytes. The
// second level holds all that the first does: a line is written to the medium
// when the second gives it up, and leaves the first then. It holds no content,
// which is the memory's own: whoever stores to a line of the model tells it
// before.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FLIPS_CACHE_H
#define PERDURE_RUNTIME_FLIPS_CACHE_H

#include "flips/options.h"

namespace perdure {
namespace flips {

/// Who is told what passes between the caches and the medium. Line: an address.
struct Behind {
  void *Medium;
  void (*Read)(void *Medium, uint64_t Line);
  void (*Write)(void *Medium, uint64_t Line);
};

class Cache {
  struct Way {
    uint64_t Line; // an address; 0: none
    uint64_t Used; // when
    bool Dirty;
  };
  Way *Ways;
  unsigned PerSet;
  uint64_t Sets;
  uint64_t Clock = 0;

public:
  explicit Cache(CacheShape Shape);

  /// The line's way, or null.
  Way *look(uint64_t Line);
  /// The same, as the most recently used.
  Way *find(uint64_t Line);
  /// The way that a line that is not there would take.
  Way *victim(uint64_t Line);
  /// Takes it.
  void put(Way *Where, uint64_t Line, bool Dirty);
  /// In the order of the sets.
  template <typename F> void forEach(F Visit) {
    for (uint64_t I = 0; I != Sets * PerSet; ++I)
      if (Ways[I].Line)
        Visit(Ways[I]);
  }
};

class Caches {
  Cache L1, L2;
  Behind To;
  uint64_t LastLine = 0; // of L1's ways the most recently used of all
  bool LastDirty = false;

  void leaveFirst(uint64_t Line);
  void bringToSecond(uint64_t Line);

public:
  Caches(CacheShape First, CacheShape Second, Behind To)
      : L1(First), L2(Second), To(To) {}

  /// One access within one line.
  void access(uint64_t Line, bool Writes);
  /// Writes the line where it is dirty, and keeps it, as old as it is.
  void flush(uint64_t Line);
  /// The same for each line that \p Wanted says yes to.
  template <typename F> void flushWhere(F Wanted) {
    L2.forEach([&](auto &Way) {
      if (Wanted(Way.Line))
        flush(Way.Line);
    });
  }
  /// Writes all that is dirty.
  void flushAll();
};

} // namespace flips
} // namespace perdure

#endif // PERDURE_RUNTIME_FLIPS_CACHE_H

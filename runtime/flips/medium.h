//===- medium.h - What the cells of the medium hold -------------*- C++ -*-===//
//
// A shadow of every line that was ever stored to, by pages, as the medium holds
// it, and who wrote its words last. A line's first content is what memory holds
// before the first store that the model sees; what it is written is what memory
// holds then.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FLIPS_MEDIUM_H
#define PERDURE_RUNTIME_FLIPS_MEDIUM_H

#include "flips/cache.h"
#include "flips/controller.h"
#include "flips/flips.h"
#include "flips/memory.h"

namespace perdure {
namespace flips {

constexpr uint64_t PageBytes = PerdureFlipsPageBytes;
constexpr uint64_t LineBytes = PerdureFlipsLineBytes;
static_assert(PageBytes == 64 * LineBytes, "a page's lines are bits of a word");

struct Page {
  uint64_t Known; // lines that the shadow has, as bits
  Word Words[512];
  uint32_t Writers[512]; // numbers of sites; 0: nobody was seen
  uint64_t Object[2];    // its ID, or {0, 0}
  uint64_t Number;       // of the page, in the object or in memory
  uint64_t Set, Cleared, Writes;
  uint64_t Seen; // what Medium::Closes was when it was looked what lies there
  Page *Former;  // another object's, at the same address
};

/// A range that is being written, and the bytes that come there. What: where
/// they are, or null for as many times Byte.
struct Coming {
  uint64_t At = 0, Bytes = 0;
  const char *What = nullptr;
  char Byte = 0;
};

/// Cells by their place in an aligned word.
struct BitCount {
  uint64_t Set, Cleared;
};

class Medium {
  Map<Page> Pages; // by address / PageBytes
  Controller Write;
  unsigned ControllerBits;
  Page *LastPage = nullptr;
  uint64_t LastNumber = 0;
  uint64_t Closes = 0; // of objects

  Page &pageOf(uint64_t Address);
  void count(Page &P, unsigned Index, const Change &C);

public:
  uint64_t LinesRead = 0, LinesWritten = 0, LinesLost = 0;
  BitCount Bits[64] = {};
  BitCount Flags = {}; // cells of the controller's own
  perdure_flips_site Nobody = {};
  /// Memory does not hold it yet.
  Coming Next;
  /// By number.
  perdure_flips_site *(*SiteOf)(uint32_t Number) = nullptr;

  explicit Medium(const Options &O)
      : Write(findController(O)), ControllerBits(O.FnwBits) {}

  /// Before a store within one line. Before: what the bytes held, where that is
  /// not in memory any more.
  void prepare(uint64_t Address, uint64_t Bytes, uint32_t Writer,
               const void *Before = nullptr);

  /// An object was written back and goes: its slot will be another's.
  void objectCloses() {
    ++Closes;
    LastNumber = 0;
  }

  void read(uint64_t Line);
  void write(uint64_t Line);
  /// For the caches in front of it.
  Behind behind() {
    return {this, [](void *M, uint64_t L) { ((Medium *)M)->read(L); },
            [](void *M, uint64_t L) { ((Medium *)M)->write(L); }};
  }

  template <typename F> void forEachPage(F Visit) const {
    Pages.forEach([&](uint64_t, const Page &Last) {
      for (const Page *P = &Last; P; P = P->Former)
        Visit(*P);
    });
  }
};

} // namespace flips
} // namespace perdure

#endif // PERDURE_RUNTIME_FLIPS_MEDIUM_H

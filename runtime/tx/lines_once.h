//===- lines_once.h - Writes each cache line back once ----------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_TX_LINES_ONCE_H
#define PERDURE_RUNTIME_TX_LINES_ONCE_H

#include "tx/log.h"

namespace perdure {

/// What a commit writes back before its fence, during which this thread stores
/// nothing there: so each line needs it once. A second time costs as much as
/// another fence, since the processor does one after the other. It forgets
/// lines for others that hash alike: then one is written back twice.
class LinesOnce {
public:
  /// Begins to write back what of the range it has not.
  void add(Object &O, const void *P, uint64_t Bytes) {
    constexpr uint64_t Line = 64;
    uint64_t At = (uint64_t)P / Line,
             End = ((uint64_t)P + Bytes + Line - 1) / Line;
    while (At < End) {
      uint64_t First = At;
      while (At < End && isNew(At))
        ++At;
      if (At > First)
        flushInTx(O, (const void *)(First * Line), (At - First) * Line);
      else
        ++At;
    }
  }

private:
  uint64_t Seen[32] = {};

  bool isNew(uint64_t Line) {
    uint64_t &Place = Seen[Line % 32];
    bool New = Place != Line;
    Place = Line;
    return New;
  }
};

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_LINES_ONCE_H

//===- differences.h - What is stored that the file does not have -*- C++ -*-===//
//
// Of an object that is deferred (object/object.h): what this process's own pages hold
// is compared with what the file will hold once all is home that is on its way. What
// was compared with the file as it is now would be overwritten by that afterwards.
//
// The allocator's words are left out, the page map and the heads of slabs: it writes
// its changes itself (alloc/changes.h), and knows which of them are committed.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TX_DIFFERENCES_H
#define PERDURE_RUNTIME_TX_DIFFERENCES_H

#include "tx/redo.h"

namespace perdure {

/// Batches that are on their way to the file, to be looked up by place.
class Underway {
public:
  Underway() = default;
  ~Underway();
  Underway(const Underway &) = delete;
  Underway &operator=(const Underway &) = delete;

  /// In the order in which they come. B lives as long as this. False: ENOMEM.
  bool add(const Batch &B, Span Within);
  /// After the last.
  void sort();

  /// Does to Bytes of the file, from At on, what they say. No more than a piece.
  void apply(uint64_t At, char *Bytes, uint64_t Count) const;

  /// Whose bounds nothing crosses that is asked for at once.
  static constexpr uint64_t Piece = 16 * FilePage;

private:
  struct Item {
    uint64_t Piece, Order;
    const LogRecord *R;
  };
  Item *Items = nullptr;
  size_t Count = 0, Room = 0;
  static int compare(const void *A, const void *B);
};

class Differences {
public:
  /// Except: in order.
  Differences(Object &O, const Span *Except, size_t Count, const Underway &Coming)
      : O(O), Except(Except), Count(Count), Coming(Coming) {}
  virtual ~Differences() = default;
  /// False: it was ended, or an error with its message.
  bool visit(Span S);

protected:
  /// False ends it.
  virtual bool differs(uint64_t Offset, uint64_t Bytes) = 0;
  Object &O;

private:
  const Span *Except;
  size_t Count;
  const Underway &Coming;
  Span Wanted = {};
  static bool visitRun(void *Self, uint64_t Begin, uint64_t End);
  bool visitPages(uint64_t Begin, uint64_t End);
  bool visitPart(uint64_t At, const char *Old, uint64_t Begin, uint64_t End);
  bool outsideExcept(uint64_t Begin, uint64_t End);
};

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_DIFFERENCES_H

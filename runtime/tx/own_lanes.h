//===- own_lanes.h - The lanes that a thread keeps --------------*- C++ -*-===//
//
// A thread that has written an object in a transaction will do so again. It
// keeps the lane: giving it back and taking it again would be four locked
// instructions of each transaction, and the first of them would wait for the
// fence that ends the commit, which otherwise is on its way while the thread
// goes on.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TX_OWN_LANES_H
#define PERDURE_RUNTIME_TX_OWN_LANES_H

#include "tx/log.h"

namespace perdure {

/// One thread's; all zero: none.
class OwnLanes {
public:
  /// As takeLane, for a transaction of this thread's, by its number.
  Lane *take(Object &O, uint64_t Tx);

  /// At its end: keeps the lane, or gives it back.
  void drop(Object &O, Lane &L, uint64_t Tx);

  /// The one that is kept for O, which this thread may change, or null.
  Lane *find(const Object &O);

  /// Gives all back: the thread ends.
  void release();

  /// They are another process's.
  void forget() { *this = OwnLanes(); }

private:
  struct Entry {
    uint64_t Base;      // of the object
    uint64_t LogSerial; // of the log that the lane is in, while there is that
    Lane *L;
    uint64_t UsedIn; // the transaction that uses it
    unsigned Met;    // lanes of objects that share this entry
  };
  Entry Entries[4]; // by the objects' slots

  Entry &entryOf(const Object &O);
};

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_OWN_LANES_H

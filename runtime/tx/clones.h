//===- clones.h - What runs in a transaction instead -------------*- C++ -*-===//
//
// Compiled code calls functions by their address; in a transaction their copies
// that log run instead. Every binary brings a table of both.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TX_CLONES_H
#define PERDURE_RUNTIME_TX_CLONES_H

#include <stdint.h>

/// abi.def: a row of a binary's table.
struct perdure_tx_pair {
  void *Original, *Clone;
};

namespace perdure {

/// Adds the rows of a binary, and takes them away again. False: no memory.
bool addClones(const perdure_tx_pair *Pairs, uint64_t Count);
void removeClones(const perdure_tx_pair *Pairs, uint64_t Count);

/// What runs instead of Function, or null. Takes no lock.
void *findClone(const void *Function);

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_CLONES_H

//===- undo.cpp - Rolling back and committing one object, in place --------===//

#include "tx/undo.h"
#include "alloc/heap.h"

#include <string.h>

using namespace perdure;

static uint64_t blockBytes(const LogRecord &R) {
  uint64_t Bytes;
  memcpy(&Bytes, R.content(), sizeof(Bytes));
  return Bytes;
}

void perdure::flushChanges(Object &O, uint64_t Last) {
  if (O.Map.Page)
    return;
  visitBack(O, Last, 0, [&](const LogRecord &R) {
    uint64_t Bytes = R.kind() == RecordKind::Data    ? R.bytes()
                     : R.kind() == RecordKind::Block ? blockBytes(R)
                                                     : 0;
    if (Bytes)
      flushInTx(O, (void *)(O.Base + R.offset()), Bytes);
  });
}

void perdure::restore(Object &O, uint64_t Last, uint64_t Until) {
  visitBack(O, Last, Until, [&](const LogRecord &R) {
    if (R.kind() != RecordKind::Data)
      return;
    void *P = (void *)(O.Base + R.offset());
    memcpy(P, R.content(), R.bytes());
    flushInTx(O, P, R.bytes());
  });
  settle(O);
}

void perdure::freeAllocated(Object &O, uint64_t Last, uint64_t Until) {
  visitBack(O, Last, Until, [&](const LogRecord &R) {
    if (R.kind() == RecordKind::Block)
      deallocate(O, (void *)(O.Base + R.offset()));
  });
}

//===- undo.cpp - Rolling back and committing one object, in place --------===//

#include "tx/undo.h"
#include "alloc/heap.h"
#include "platform/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

using namespace perdure;

// The memory may hold half a gigabyte: it grows by doubling.
bool perdure::appendRecord(UndoList &U, RecordKind Kind, uint64_t Offset,
                           const void *Content, uint64_t Bytes) {
  uint64_t At = U.Size ? U.Size : sizeof(uint64_t),
           Need = At + sizeof(LogRecord) + Bytes + sizeof(uint64_t);
  if (__builtin_expect(Need > U.Room, 0)) {
    uint64_t Room = U.Room ? U.Room : 2048;
    while (Room < Need)
      Room *= 2;
    auto *Bigger = (char *)realloc(U.Bytes, Room);
    if (!Bigger)
      return fail(ENOMEM, "no memory for what a transaction overwrites");
    U.Bytes = Bigger;
    U.Room = Room;
  }
  LogRecord &R = *(LogRecord *)(U.Bytes + At);
  R.Word = LogRecord::makeWord(Kind, Offset, Bytes);
  R.Previous = U.Last;
  memcpy(R.content(), Content, Bytes);
  U.Last = At;
  U.Size = At + R.room();
  return true;
}

bool perdure::appendData(Object &O, UndoList &U, uint64_t Offset,
                         uint64_t Bytes) {
  constexpr uint64_t Most = 1 << 19; // of a record's 20 bits
  while (Bytes) {
    uint64_t Piece = Bytes < Most ? Bytes : Most;
    if (!appendRecord(U, RecordKind::Data, Offset,
                      (const void *)(O.Base + Offset), Piece))
      return false;
    Offset += Piece;
    Bytes -= Piece;
  }
  return true;
}

uint64_t perdure::blockBytes(const LogRecord &R) {
  uint64_t Bytes;
  memcpy(&Bytes, R.content(), sizeof(Bytes));
  return Bytes;
}

void perdure::flushChanges(Object &O, Lane &L, LinesOnce &Lines) {
  flushFreed(O, L, Lines);
  visitBack(O.Base, L.End.Last, 0, [&](const LogRecord &R) {
    const void *P = (const void *)(O.Base + R.offset());
    if (R.kind() == RecordKind::Data) {
      Lines.add(O, P, R.bytes());
    } else if (R.kind() == RecordKind::Block) {
      Lines.add(O, P, blockBytes(R));
      if (const uint64_t *Word = wordOf(O, P))
        Lines.add(O, Word, sizeof(*Word));
    }
  });
}

void perdure::restore(Object &O, uint64_t Base, uint64_t Last, uint64_t Until) {
  visitBack(Base, Last, Until, [&](const LogRecord &R) {
    if (R.kind() != RecordKind::Data)
      return;
    void *P = (void *)(O.Base + R.offset());
    memcpy(P, R.content(), R.bytes());
    flushInTx(O, P, R.bytes());
  });
  settle(O);
}

void perdure::freeAllocated(Object &O, uint64_t Base, uint64_t Last,
                            uint64_t Until) {
  visitBack(Base, Last, Until, [&](const LogRecord &R) {
    if (R.kind() == RecordKind::Block)
      deallocate(O, (void *)(O.Base + R.offset()));
  });
}

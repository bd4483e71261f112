//===- blocks.cpp - An object's allocated blocks --------------------------===//

#include "alloc/heap.h"
#include "api/arguments.h"
#include "api/block_list.h"
#include "fot/fot.h"
#include "platform/error.h"

#include <errno.h>
#include <stdlib.h>

using namespace perdure;

BlockList::~BlockList() { free((void *)Items); }

void BlockList::add(uint64_t Offset, uint64_t Bytes) {
  if (Count == Room) {
    size_t More = Room ? Room * 2 : 256;
    auto *Larger =
        (struct perdure_block *)realloc((void *)Items, More * sizeof(*Items));
    if (!Larger) {
      NoMemory = true;
      return;
    }
    Items = Larger;
    Room = More;
  }
  Items[Count++] = {Offset, Bytes, PERDURE_BLOCK_DATA};
}

// The block that holds the offset, or null.
static struct perdure_block *find(const BlockList &L, uint64_t Offset) {
  size_t Low = 0, High = L.Count;
  while (Low < High) {
    size_t Middle = (Low + High) / 2;
    if (L.Items[Middle].offset <= Offset)
      Low = Middle + 1;
    else
      High = Middle;
  }
  struct perdure_block *B = Low ? &L.Items[Low - 1] : nullptr;
  return B && Offset - B->offset < B->bytes ? B : nullptr;
}

bool BlockList::read(Object &O) {
  followWriter(O);
  bool Whole = visitBlocks(
      O,
      [](void *To, uint64_t Offset, uint64_t Bytes) {
        ((BlockList *)To)->add(Offset, Bytes);
      },
      this);
  if (!Whole)
    return false;
  if (NoMemory)
    return fail(ENOMEM, "no memory for the blocks of object %s", labelOf(O).Text);
  if (struct perdure_block *B = find(*this, O.RootOffset))
    B->kind = PERDURE_BLOCK_ROOT;
  FotTarget Target;
  for (uint64_t I = 1; !fotEnds(O, I); ++I)
    if (fotTarget(O, I, Target) && Target.NameAt)
      if (struct perdure_block *B = find(*this, Target.NameAt))
        B->kind = PERDURE_BLOCK_NAME;
  return true;
}

int perdure_blocks(const void *in_object,
                   int (*visit)(void *, const struct perdure_block *), void *arg) {
  Object *O = openObjectAt(in_object, "perdure_blocks");
  // What is visited may call whatever it likes, so it is not called under the heap's
  // locks.
  BlockList Blocks;
  if (!O || !Blocks.read(*O))
    return -1;
  for (size_t I = 0; I < Blocks.Count; ++I)
    if (int Result = visit(arg, &Blocks.Items[I]))
      return Result;
  return 0;
}

//===- list.cpp - A queue: one item comes, the oldest goes ----------------===//

#include "../structure.h"

namespace {

struct ANNOTATED node {
  PTR(node) next;
  uint64_t key;
  uint64_t value[6];
};
struct ANNOTATED root {
  PTR(node) head;
  PTR(node) tail; // null: empty
  uint64_t length;
};
root *R;

void append(uint64_t Key) {
  node *N = allocate<node>(R);
  STORE(N->next, nullptr);
  N->key = Key;
  for (uint64_t &Word : N->value)
    Word = Key;
  LOG(R, sizeof *R);
  if (node *Tail = LOAD(R->tail)) {
    LOG(&Tail->next, sizeof Tail->next);
    STORE(Tail->next, N);
  } else {
    STORE(R->head, N);
  }
  STORE(R->tail, N);
  ++R->length;
}

/// Of a list that has another one.
void removeOldest() {
  node *N = LOAD(R->head);
  STORE(R->head, LOAD(N->next));
  --R->length;
  release(N);
}

void build(const std::string &Dir) {
  R = static_cast<root *>(create(Dir, sizeof(root)));
  for (uint64_t First = 0; First != Items; First += AtOnce)
    transact(R, [&] {
      for (uint64_t I = 0; I != AtOnce; ++I)
        append(First + I);
    });
}

void operation(Random &Dice) {
  uint64_t Key = Dice.next();
  transact(R, [&] {
    append(Key);
    removeOldest();
  });
}

uint64_t check() {
  uint64_t Sum = R->length;
  for (node *N = LOAD(R->head); N; N = LOAD(N->next))
    Sum = Sum * 3 + N->key + N->value[5];
  return Sum;
}

} // namespace

STRUCTURE("list", build, operation, check)

//===- hash.cpp - A hash table of chains ----------------------------------===//
//
// A random key of twice as many as there are items: if it is there, its value
// changes or it is removed; if not, it is inserted.
//
//===----------------------------------------------------------------------===//

#include "../structure.h"

namespace {

struct ANNOTATED node {
  PTR(node) next;
  uint64_t key;
  uint64_t value[6];
};
typedef PTR(node) node_ref ANNOTATED;
struct ANNOTATED root {
  PTR(node_ref) buckets;
  uint64_t mask;
  uint64_t items;
};
root *R;

node_ref *bucketOf(uint64_t Key) {
  return LOAD(R->buckets) + ((Key * 0x9E3779B97F4A7C15u) >> 32 & R->mask);
}

/// The place of the pointer that leads to the key's node, or to none.
node_ref *find(uint64_t Key) {
  node_ref *Place = bucketOf(Key);
  while (node *N = LOAD(*Place)) {
    if (N->key == Key)
      break;
    Place = reinterpret_cast<node_ref *>(&N->next);
  }
  return Place;
}

void insert(node_ref *Place, uint64_t Key) {
  node *N = allocate<node>(R);
  STORE(N->next, nullptr);
  N->key = Key;
  for (uint64_t &Word : N->value)
    Word = Key;
  LOG(Place, sizeof *Place);
  STORE(*Place, N);
  LOG(&R->items, sizeof R->items);
  ++R->items;
}

void change(node *N, uint64_t Value) {
  LOG(N->value, sizeof N->value);
  for (uint64_t &Word : N->value)
    Word = Value;
}

void remove(node_ref *Place) {
  node *N = LOAD(*Place);
  LOG(Place, sizeof *Place);
  STORE(*Place, LOAD(N->next));
  LOG(&R->items, sizeof R->items);
  --R->items;
  release(N);
}

void build(const std::string &Dir) {
  R = static_cast<root *>(create(Dir, sizeof(root)));
  uint64_t Buckets = 1;
  while (Buckets < Items)
    Buckets *= 2;
  transact(R, [&] {
    node_ref *Array = allocate<node_ref>(R, Buckets);
    for (uint64_t I = 0; I != Buckets; ++I)
      STORE(Array[I], nullptr);
    LOG(R, sizeof *R);
    STORE(R->buckets, Array);
    R->mask = Buckets - 1;
    R->items = 0;
  });
  for (uint64_t First = 0; First != Items; First += AtOnce)
    transact(R, [&] {
      for (uint64_t I = First; I != First + AtOnce; ++I)
        insert(find(2 * I), 2 * I);
    });
}

void operation(Random &Dice) {
  uint64_t Key = Dice.next() % (2 * Items);
  bool Goes = Dice.next() % 2;
  node_ref *Place = find(Key);
  transact(R, [&] {
    node *N = LOAD(*Place);
    if (!N)
      insert(Place, Key);
    else if (Goes)
      remove(Place);
    else
      change(N, N->value[0] + 1);
  });
}

uint64_t check() {
  uint64_t Sum = R->items;
  for (uint64_t I = 0; I <= R->mask; ++I)
    for (node *N = LOAD(LOAD(R->buckets)[I]); N; N = LOAD(N->next))
      Sum = Sum * 3 + N->key + N->value[5];
  return Sum;
}

} // namespace

STRUCTURE("hash", build, operation, check)

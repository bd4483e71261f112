//===- hash.cpp - Lookups in a hash table of chains -----------------------===//
//
// As many buckets as items, rounded up to a power of two. An operation is a
// lookup; half of them find their key.
//
//===----------------------------------------------------------------------===//

#include "../workload.h"

namespace {

struct ANNOTATED node {
  PTR(node) next;
  uint64_t key;
  uint64_t value[2];
};
typedef PTR(node) node_ref ANNOTATED;
struct ANNOTATED table {
  PTR(node_ref) buckets;
  size_t mask;
  lab::Random random;
};

/// What there is of the structure besides its nodes.
struct {
  table *T;
  size_t Items;
} S;

uint64_t hash(uint64_t Key) {
  Key *= 0x9E3779B97F4A7C15u;
  return Key ^ (Key >> 32);
}

const node *find(const table *Table, uint64_t Key) {
  HOIST;
  const node *N = LOAD(LOAD(Table->buckets)[hash(Key) & Table->mask]);
  while (N && N->key != Key)
    N = LOAD(N->next);
  return N;
}

void insert(table *Table, node *N) {
  HOIST;
  node_ref *Bucket = LOAD(Table->buckets) + (hash(N->key) & Table->mask);
  STORE(N->next, LOAD(*Bucket));
  STORE(*Bucket, N);
}

void build(lab::Arena &A, const lab::Plan &P) {
  S.T = A.make<table>(0);
  S.T->random = lab::Random(2);
  S.Items = P.Items;
  ENTER(A.Parts[0].Begin);
  HOIST;
  size_t Buckets = 1;
  while (Buckets < P.Items)
    Buckets *= 2;
  S.T->mask = Buckets - 1;
  STORE(S.T->buckets, (node_ref *)A.take(Buckets * sizeof(node_ref), 0));
  for (size_t I = 0; I != Buckets; ++I)
    STORE(LOAD(S.T->buckets)[I], nullptr);
  for (size_t I = 0; I != P.Items; ++I) {
    node *N = A.make<node>(P.Order[I]);
    N->key = 2 * P.Order[I];
    N->value[0] = N->value[1] = P.Order[I] + 1;
    insert(S.T, N);
  }
}

uint64_t lookups(size_t &Operations) {
  lab::Random R = S.T->random;
  uint64_t Sum = 0;
  for (size_t I = 0; I != Operations; ++I)
    if (const node *N = find(S.T, R.below(2 * S.Items)))
      Sum += N->value[0];
  S.T->random = R;
  return Sum;
}

uint64_t check() {
  HOIST;
  uint64_t Sum = 0;
  for (size_t I = 0; I <= S.T->mask; I += 1 + S.T->mask / 4096)
    for (const node *N = LOAD(LOAD(S.T->buckets)[I]); N; N = LOAD(N->next))
      Sum = Sum * 3 + N->key + N->value[1];
  return Sum;
}

} // namespace

// A bucket is for one item or two.
WORKLOAD(Hash, "hash", sizeof(node) + 2 * sizeof(node_ref), S, build, lookups,
         check, nullptr)

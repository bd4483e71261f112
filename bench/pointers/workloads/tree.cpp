//===- tree.cpp - Lookups in a binary search tree -------------------------===//
//
// A balanced tree of 64-byte nodes; an operation is the lookup of a key that is
// there.
//
//===----------------------------------------------------------------------===//

#include "../workload.h"

namespace {

struct ANNOTATED node {
  PTR(node) left;
  PTR(node) right;
  uint64_t key;
  uint64_t value[5];
};
struct ANNOTATED tree {
  PTR(node) root;
  lab::Random random;
};

/// What there is of the structure besides its nodes.
struct {
  tree *T;
  size_t Items;
} S;

uint64_t keyOf(size_t Rank) { return 3 * Rank + 1; }

node *link(node **Nodes, size_t Begin, size_t End) {
  if (Begin == End)
    return nullptr;
  HOIST;
  size_t Middle = Begin + (End - Begin) / 2;
  node *N = Nodes[Middle];
  N->key = keyOf(Middle);
  for (uint64_t &V : N->value)
    V = N->key ^ 0x55;
  STORE(N->left, link(Nodes, Begin, Middle));
  STORE(N->right, link(Nodes, Middle + 1, End));
  return N;
}

void build(lab::Arena &A, const lab::Plan &P) {
  S.T = A.make<tree>(0);
  S.T->random = lab::Random(1);
  S.Items = P.Items;
  ENTER(A.Parts[0].Begin);
  HOIST;
  node **Nodes = new node *[P.Items];
  for (size_t I = 0; I != P.Items; ++I)
    Nodes[P.Order[I]] = A.make<node>(P.Order[I]);
  STORE(S.T->root, link(Nodes, 0, P.Items));
  delete[] Nodes;
}

const node *find(const tree *Tree, uint64_t Key) {
  HOIST;
  const node *N = LOAD(Tree->root);
  while (N && N->key != Key)
    N = Key < N->key ? LOAD(N->left) : LOAD(N->right);
  return N;
}

uint64_t lookups(size_t &Operations) {
  lab::Random R = S.T->random;
  uint64_t Sum = 0;
  for (size_t I = 0; I != Operations; ++I)
    if (const node *N = find(S.T, keyOf(R.below(S.Items))))
      Sum += N->value[0];
  S.T->random = R;
  return Sum;
}

/// Of the upper levels, which are all of a small tree.
uint64_t sum(const node *N, unsigned Levels) {
  HOIST;
  if (!N || !Levels)
    return 0;
  return sum(LOAD(N->left), Levels - 1) * 3 + N->key +
         sum(LOAD(N->right), Levels - 1) * 5;
}

uint64_t check() {
  HOIST;
  return sum(LOAD(S.T->root), 14);
}

} // namespace

WORKLOAD(Tree, "tree", sizeof(node), S, build, lookups, check, nullptr)

//===- redblack.cpp - A red-black tree: insert and lookup -----------------===//
//
// Nodes have a parent and 64 bytes. insert: keys in random order into a tree
// that is empty at first; larger ones than 16,384 nodes are filled up to the
// last 16,384, and those are inserted. lookup: of keys that are there.
//
//===----------------------------------------------------------------------===//

#include "../workload.h"

namespace {

struct ANNOTATED node {
  PTR(node) left;
  PTR(node) right;
  PTR(node) parent;
  uint64_t key;
  uint64_t red;
  uint64_t value[3];
};
struct ANNOTATED tree {
  PTR(node) root;
  lab::Random random;
};

constexpr size_t MostInserted = 16384;

/// What there is of the structure besides its nodes.
struct {
  tree *T;
  const lab::Plan *Plan;
  node **Nodes; // in order of insertion
} S;

uint64_t keyOf(size_t Rank) { return 2 * Rank + 1; }

void rotateLeft(tree *Tree, node *X) {
  HOIST;
  node *Y = LOAD(X->right);
  node *Inner = LOAD(Y->left);
  STORE(X->right, Inner);
  if (Inner)
    STORE(Inner->parent, X);
  node *P = LOAD(X->parent);
  STORE(Y->parent, P);
  if (!P)
    STORE(Tree->root, Y);
  else if (LOAD(P->left) == X)
    STORE(P->left, Y);
  else
    STORE(P->right, Y);
  STORE(Y->left, X);
  STORE(X->parent, Y);
}

void rotateRight(tree *Tree, node *X) {
  HOIST;
  node *Y = LOAD(X->left);
  node *Inner = LOAD(Y->right);
  STORE(X->left, Inner);
  if (Inner)
    STORE(Inner->parent, X);
  node *P = LOAD(X->parent);
  STORE(Y->parent, P);
  if (!P)
    STORE(Tree->root, Y);
  else if (LOAD(P->right) == X)
    STORE(P->right, Y);
  else
    STORE(P->left, Y);
  STORE(Y->right, X);
  STORE(X->parent, Y);
}

void balance(tree *Tree, node *N) {
  HOIST;
  for (node *P = LOAD(N->parent); P && P->red; P = LOAD(N->parent)) {
    node *G = LOAD(P->parent);
    if (P == LOAD(G->left)) {
      node *Uncle = LOAD(G->right);
      if (Uncle && Uncle->red) {
        P->red = Uncle->red = 0;
        G->red = 1;
        N = G;
        continue;
      }
      if (N == LOAD(P->right)) {
        rotateLeft(Tree, P);
        P = N;
      }
      P->red = 0;
      G->red = 1;
      rotateRight(Tree, G);
      break;
    }
    node *Uncle = LOAD(G->left);
    if (Uncle && Uncle->red) {
      P->red = Uncle->red = 0;
      G->red = 1;
      N = G;
      continue;
    }
    if (N == LOAD(P->left)) {
      rotateRight(Tree, P);
      P = N;
    }
    P->red = 0;
    G->red = 1;
    rotateLeft(Tree, G);
    break;
  }
  LOAD(Tree->root)->red = 0;
}

void insert(tree *Tree, node *N) {
  HOIST;
  node *Parent = nullptr;
  bool Left = false;
  for (node *At = LOAD(Tree->root); At;) {
    Parent = At;
    Left = N->key < At->key;
    At = Left ? LOAD(At->left) : LOAD(At->right);
  }
  STORE(N->left, nullptr);
  STORE(N->right, nullptr);
  STORE(N->parent, Parent);
  N->red = 1;
  if (!Parent)
    STORE(Tree->root, N);
  else if (Left)
    STORE(Parent->left, N);
  else
    STORE(Parent->right, N);
  balance(Tree, N);
}

const node *find(const tree *Tree, uint64_t Key) {
  HOIST;
  const node *N = LOAD(Tree->root);
  while (N && N->key != Key)
    N = Key < N->key ? LOAD(N->left) : LOAD(N->right);
  return N;
}

/// Takes the nodes, keys in them, and links none.
void prepare(lab::Arena &A, const lab::Plan &P) {
  S.T = A.make<tree>(0);
  S.T->random = lab::Random(3);
  S.Plan = &P;
  ENTER(A.Parts[0].Begin);
  HOIST;
  STORE(S.T->root, nullptr);
  S.Nodes = new node *[P.Items];
  for (size_t I = 0; I != P.Items; ++I) {
    node *N = S.Nodes[I] = A.make<node>(P.Order[I]);
    N->key = keyOf(P.Order[I]);
    for (uint64_t &V : N->value)
      V = N->key + 1;
  }
}

/// In ascending order, which is fast; the places are random all the same.
void buildFull(lab::Arena &A, const lab::Plan &P) {
  prepare(A, P);
  node **Sorted = new node *[P.Items];
  for (size_t I = 0; I != P.Items; ++I)
    Sorted[P.Order[I]] = S.Nodes[I];
  for (size_t I = 0; I != P.Items; ++I)
    insert(S.T, Sorted[I]);
  delete[] Sorted;
}

size_t last(const lab::Plan &P) {
  return P.Items > MostInserted ? MostInserted : 0;
}

void buildPart(lab::Arena &A, const lab::Plan &P) {
  prepare(A, P);
  if (!last(P))
    return;
  node **Sorted = new node *[P.Items]();
  for (size_t I = 0; I != P.Items - MostInserted; ++I)
    Sorted[P.Order[I]] = S.Nodes[I];
  for (size_t I = 0; I != P.Items; ++I)
    if (Sorted[I])
      insert(S.T, Sorted[I]);
  delete[] Sorted;
}

/// Of the upper levels, which are all of a small tree.
uint64_t sum(const node *N, unsigned Levels) {
  HOIST;
  if (!N || !Levels)
    return 0;
  return sum(LOAD(N->left), Levels - 1) * 3 + N->key + N->red +
         sum(LOAD(N->right), Levels - 1) * 5;
}

uint64_t check() {
  HOIST;
  return sum(LOAD(S.T->root), 14);
}

uint64_t inserts(size_t &Operations) {
  HOIST;
  size_t Done = 0;
  if (last(*S.Plan)) {
    for (size_t I = S.Plan->Items - MostInserted; I != S.Plan->Items; ++I)
      insert(S.T, S.Nodes[I]);
    Done = MostInserted;
  } else {
    for (; Done < Operations; Done += S.Plan->Items) {
      STORE(S.T->root, nullptr);
      for (size_t I = 0; I != S.Plan->Items; ++I)
        insert(S.T, S.Nodes[I]);
    }
  }
  Operations = Done;
  return LOAD(S.T->root)->key;
}

uint64_t lookups(size_t &Operations) {
  lab::Random R = S.T->random;
  uint64_t Sum = 0;
  for (size_t I = 0; I != Operations; ++I)
    if (const node *N = find(S.T, keyOf(R.below(S.Plan->Items))))
      Sum += N->value[0];
  S.T->random = R;
  return Sum;
}

} // namespace

WORKLOAD(Insert, "redblack-insert", sizeof(node), S, buildPart, inserts, check,
         last)
WORKLOAD(Lookup, "redblack-lookup", sizeof(node), S, buildFull, lookups, check,
         nullptr)

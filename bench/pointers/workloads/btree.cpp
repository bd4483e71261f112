//===- btree.cpp - A B+-tree: lookup and scan -----------------------------===//
//
// 16 keys a node, leaves linked; filled by inserts in random order. lookup: of
// keys that are there. scan: 100 items from a random key on; an operation is
// one item.
//
//===----------------------------------------------------------------------===//

#include "../workload.h"

namespace {

constexpr unsigned Fill = 16;
constexpr size_t Scanned = 100;

/// A leaf if level is 0: then value counts and next is the neighbour. Else kids
/// has one more than there are keys.
struct ANNOTATED node {
  uint32_t level;
  uint32_t count;
  uint64_t key[Fill];
};
struct ANNOTATED leaf : node {
  PTR(leaf) next;
  uint64_t value[Fill];
};
struct ANNOTATED inner : node {
  PTR(node) kids[Fill + 1];
};
struct ANNOTATED tree {
  PTR(node) root;
  lab::Random random;
};

/// What there is of the structure besides its nodes.
struct {
  tree *T;
  size_t Items;
  size_t Made; // nodes so far: the next one's rank
} S;

uint64_t keyOf(size_t Rank) { return 3 * Rank + 1; }

/// How many keys of the node are not above the key.
unsigned upTo(const node *N, uint64_t Key) {
  unsigned I = 0;
  while (I != N->count && N->key[I] <= Key)
    ++I;
  return I;
}

template <class T> T *make(lab::Arena &A, uint32_t Level) {
  T *N = A.make<T>(S.Made++);
  N->level = Level;
  N->count = 0;
  return N;
}

/// Inserts below N. If N had to be split: the new right half, and its least
/// key.
node *insert(lab::Arena &A, node *N, uint64_t Key, uint64_t Value,
             uint64_t &Least) {
  HOIST;
  unsigned At = upTo(N, Key);
  if (N->level == 0) {
    leaf *L = static_cast<leaf *>(N), *Right = nullptr;
    if (L->count == Fill) {
      Right = make<leaf>(A, 0);
      STORE(Right->next, LOAD(L->next));
      STORE(L->next, Right);
      for (unsigned I = Fill / 2; I != Fill; ++I) {
        Right->key[I - Fill / 2] = L->key[I];
        Right->value[I - Fill / 2] = L->value[I];
      }
      Right->count = L->count = Fill / 2;
      if (At > Fill / 2) {
        L = Right;
        At -= Fill / 2;
      }
    }
    for (unsigned I = L->count++; I != At; --I) {
      L->key[I] = L->key[I - 1];
      L->value[I] = L->value[I - 1];
    }
    L->key[At] = Key;
    L->value[At] = Value;
    if (Right)
      Least = Right->key[0];
    return Right;
  }

  inner *P = static_cast<inner *>(N), *Right = nullptr;
  uint64_t NewKey = 0;
  node *New = insert(A, LOAD(P->kids[At]), Key, Value, NewKey);
  if (!New)
    return nullptr;
  if (P->count == Fill) {
    Right = make<inner>(A, P->level);
    constexpr unsigned Half = Fill / 2;
    Least = P->key[Half]; // goes up
    for (unsigned I = Half + 1; I != Fill; ++I)
      Right->key[I - Half - 1] = P->key[I];
    for (unsigned I = Half + 1; I != Fill + 1; ++I)
      STORE(Right->kids[I - Half - 1], LOAD(P->kids[I]));
    Right->count = Fill - Half - 1;
    P->count = Half;
    if (At > Half) {
      P = Right;
      At -= Half + 1;
    }
  }
  for (unsigned I = P->count++; I != At; --I) {
    P->key[I] = P->key[I - 1];
    STORE(P->kids[I + 1], LOAD(P->kids[I]));
  }
  P->key[At] = NewKey;
  STORE(P->kids[At + 1], New);
  return Right;
}

void build(lab::Arena &A, const lab::Plan &P) {
  S.T = A.make<tree>(0);
  S.T->random = lab::Random(6);
  S.Items = P.Items;
  S.Made = 0;
  ENTER(A.Parts[0].Begin);
  HOIST;
  leaf *First = make<leaf>(A, 0);
  STORE(First->next, nullptr);
  STORE(S.T->root, First);
  for (size_t I = 0; I != P.Items; ++I) {
    uint64_t Least = 0;
    node *Root = LOAD(S.T->root);
    node *Right = insert(A, Root, keyOf(P.Order[I]), P.Order[I], Least);
    if (!Right)
      continue;
    inner *Top = make<inner>(A, Root->level + 1);
    Top->count = 1;
    Top->key[0] = Least;
    STORE(Top->kids[0], Root);
    STORE(Top->kids[1], Right);
    STORE(S.T->root, Top);
  }
}

const leaf *descend(const tree *Tree, uint64_t Key) {
  HOIST;
  const node *N = LOAD(Tree->root);
  while (N->level)
    N = LOAD(static_cast<const inner *>(N)->kids[upTo(N, Key)]);
  return static_cast<const leaf *>(N);
}

uint64_t lookups(size_t &Operations) {
  lab::Random R = S.T->random;
  uint64_t Sum = 0;
  for (size_t I = 0; I != Operations; ++I) {
    uint64_t Key = keyOf(R.below(S.Items));
    const leaf *L = descend(S.T, Key);
    unsigned At = upTo(L, Key);
    if (At && L->key[At - 1] == Key)
      Sum += L->value[At - 1];
  }
  S.T->random = R;
  return Sum;
}

uint64_t scan(const tree *Tree, uint64_t Key, size_t &Left) {
  HOIST;
  uint64_t Sum = 0;
  for (const leaf *L = descend(Tree, Key); L; L = LOAD(L->next))
    for (unsigned I = 0; I != L->count; ++I) {
      if (L->key[I] < Key)
        continue;
      Sum += L->value[I];
      if (--Left == 0)
        return Sum;
    }
  return Sum;
}

uint64_t scans(size_t &Operations) {
  lab::Random R = S.T->random;
  uint64_t Sum = 0;
  size_t Done = 0;
  while (Done < Operations) {
    size_t Left = Scanned;
    Sum += scan(S.T, keyOf(R.below(S.Items)), Left);
    Done += Scanned - Left;
  }
  Operations = Done;
  S.T->random = R;
  return Sum;
}

uint64_t check() {
  uint64_t Sum = 0;
  for (size_t Rank = 0; Rank < S.Items; Rank += 1 + S.Items / 1000) {
    size_t Left = Scanned;
    Sum = Sum * 3 + scan(S.T, keyOf(Rank), Left) + Left;
  }
  return Sum;
}

// Two thirds full, as random order leaves them, with the nodes above.
constexpr size_t BytesPerItem =
    (sizeof(leaf) * 3 / 2 + sizeof(inner) / 8) / Fill;

} // namespace

WORKLOAD(Lookup, "btree-lookup", BytesPerItem, S, build, lookups, check,
         nullptr)
WORKLOAD(Scan, "btree-scan", BytesPerItem, S, build, scans, check, nullptr)

//===- radix.cpp - Lookups in an adaptive radix tree ----------------------===//
//
// Nodes of 4, 16, 48 and 256 children over the bytes of 64-bit keys, highest
// first; chains of single children are kept as a prefix. An operation is the
// lookup of a key that is there.
//
//===----------------------------------------------------------------------===//

#include "../workload.h"

namespace {

enum Kind : uint8_t { Leaf, Four, Sixteen, FortyEight, Full };

struct ANNOTATED node {
  Kind kind;
  uint8_t depth;   // of the byte that chooses a child
  uint16_t count;  // of children
  uint64_t prefix; // the key's bytes before that one; of a leaf the whole key
};
struct ANNOTATED leaf : node {
  uint64_t value;
};
struct ANNOTATED node4 : node {
  uint8_t byte[4];
  PTR(node) kids[4];
};
struct ANNOTATED node16 : node {
  uint8_t byte[16];
  PTR(node) kids[16];
};
struct ANNOTATED node48 : node {
  uint8_t index[256]; // 1 + the child's place
  PTR(node) kids[48];
};
struct ANNOTATED node256 : node {
  PTR(node) kids[256];
};
typedef PTR(node) node_ref ANNOTATED;
struct ANNOTATED tree {
  PTR(node) root;
  lab::Random random;
};

/// What there is of the structure besides its nodes.
struct {
  tree *T;
  size_t Items;
  size_t Made;
} S;

/// Dense in the lower bytes, as numbers that are handed out are, and spread in
/// those above.
uint64_t keyOf(size_t Rank) {
  uint64_t High = (Rank >> 10) * 0x9E3779B97F4A7C15u;
  return (High & ~uint64_t(0xFFFF)) | ((Rank & 0x3FF) * 61);
}

unsigned byteOf(uint64_t Key, unsigned Depth) {
  return (Key >> (56 - 8 * Depth)) & 0xFF;
}
uint64_t headOf(uint64_t Key, unsigned Depth) {
  return Depth ? Key >> (64 - 8 * Depth) << (64 - 8 * Depth) : 0;
}

template <class T>
T *make(lab::Arena &A, Kind K, unsigned Depth, uint64_t Prefix) {
  T *N = A.make<T>(S.Made++);
  N->kind = K;
  N->depth = static_cast<uint8_t>(Depth);
  N->count = 0;
  N->prefix = Prefix;
  return N;
}

/// Where the child is kept, or null.
node_ref *childOf(node *N, unsigned Byte) {
  switch (N->kind) {
  case Four: {
    node4 *F = static_cast<node4 *>(N);
    for (unsigned I = 0; I != F->count; ++I)
      if (F->byte[I] == Byte)
        return &F->kids[I];
    return nullptr;
  }
  case Sixteen: {
    node16 *S = static_cast<node16 *>(N);
    for (unsigned I = 0; I != S->count; ++I)
      if (S->byte[I] == Byte)
        return &S->kids[I];
    return nullptr;
  }
  case FortyEight: {
    node48 *E = static_cast<node48 *>(N);
    return E->index[Byte] ? &E->kids[E->index[Byte] - 1] : nullptr;
  }
  default:
    return &static_cast<node256 *>(N)->kids[Byte];
  }
}

/// Adds a child that is not there; the node, or the larger one in its place.
node *addChild(lab::Arena &A, node *N, unsigned Byte, node *Child) {
  HOIST;
  switch (N->kind) {
  case Four: {
    node4 *F = static_cast<node4 *>(N);
    if (F->count != 4) {
      F->byte[F->count] = static_cast<uint8_t>(Byte);
      STORE(F->kids[F->count++], Child);
      return F;
    }
    node16 *S = make<node16>(A, Sixteen, F->depth, F->prefix);
    for (; S->count != 4; ++S->count) {
      S->byte[S->count] = F->byte[S->count];
      STORE(S->kids[S->count], LOAD(F->kids[S->count]));
    }
    return addChild(A, S, Byte, Child);
  }
  case Sixteen: {
    node16 *S = static_cast<node16 *>(N);
    if (S->count != 16) {
      S->byte[S->count] = static_cast<uint8_t>(Byte);
      STORE(S->kids[S->count++], Child);
      return S;
    }
    node48 *E = make<node48>(A, FortyEight, S->depth, S->prefix);
    for (uint8_t &I : E->index)
      I = 0;
    while (E->count != 16) {
      STORE(E->kids[E->count], LOAD(S->kids[E->count]));
      uint8_t Which = S->byte[E->count];
      E->index[Which] = static_cast<uint8_t>(++E->count);
    }
    return addChild(A, E, Byte, Child);
  }
  case FortyEight: {
    node48 *E = static_cast<node48 *>(N);
    if (E->count != 48) {
      STORE(E->kids[E->count], Child);
      E->index[Byte] = static_cast<uint8_t>(++E->count);
      return E;
    }
    node256 *F = make<node256>(A, Full, E->depth, E->prefix);
    for (unsigned I = 0; I != 256; ++I)
      STORE(F->kids[I], E->index[I] ? LOAD(E->kids[E->index[I] - 1]) : nullptr);
    F->count = 48;
    return addChild(A, F, Byte, Child);
  }
  default: {
    node256 *F = static_cast<node256 *>(N);
    STORE(F->kids[Byte], Child);
    ++F->count;
    return F;
  }
  }
}

void insert(lab::Arena &A, tree *Tree, uint64_t Key, uint64_t Value) {
  HOIST;
  leaf *New = make<leaf>(A, Leaf, 8, Key);
  New->value = Value;
  node_ref *Link = &Tree->root;
  while (node *N = LOAD(*Link)) {
    if (headOf(Key, N->depth) != N->prefix) { // they part before
      unsigned Depth =
          static_cast<unsigned>(__builtin_clzll(N->prefix ^ Key)) / 8;
      node4 *F = make<node4>(A, Four, Depth, headOf(Key, Depth));
      addChild(A, F, byteOf(N->prefix, Depth), N);
      addChild(A, F, byteOf(Key, Depth), New);
      STORE(*Link, F);
      return;
    }
    unsigned Byte = byteOf(Key, N->depth);
    node_ref *Child = childOf(N, Byte);
    if (!Child || !LOAD(*Child)) {
      STORE(*Link, addChild(A, N, Byte, New));
      return;
    }
    Link = Child;
  }
  STORE(*Link, New);
}

void build(lab::Arena &A, const lab::Plan &P) {
  S.T = A.make<tree>(0);
  S.T->random = lab::Random(8);
  S.Items = P.Items;
  S.Made = 0;
  ENTER(A.Parts[0].Begin);
  HOIST;
  STORE(S.T->root, nullptr);
  for (size_t I = 0; I != P.Items; ++I)
    insert(A, S.T, keyOf(P.Order[I]), P.Order[I]);
}

const leaf *find(const tree *Tree, uint64_t Key) {
  HOIST;
  node *N = LOAD(Tree->root);
  while (N && N->kind != Leaf) {
    node_ref *Child = childOf(N, byteOf(Key, N->depth));
    if (!Child)
      return nullptr;
    N = LOAD(*Child);
  }
  return N && N->prefix == Key ? static_cast<const leaf *>(N) : nullptr;
}

uint64_t lookups(size_t &Operations) {
  lab::Random R = S.T->random;
  uint64_t Sum = 0;
  for (size_t I = 0; I != Operations; ++I)
    if (const leaf *L = find(S.T, keyOf(R.below(S.Items))))
      Sum += L->value;
  S.T->random = R;
  return Sum;
}

uint64_t check() {
  uint64_t Sum = 0;
  for (size_t Rank = 0; Rank < S.Items; Rank += 1 + S.Items / 4096) {
    const leaf *L = find(S.T, keyOf(Rank));
    Sum = Sum * 3 + (L ? L->value : 1);
  }
  return Sum;
}

} // namespace

// A leaf, and its share of the nodes above, outgrown ones among them.
WORKLOAD(Radix, "radix", 32 + 3 * sizeof(node_ref), S, build, lookups, check,
         nullptr)

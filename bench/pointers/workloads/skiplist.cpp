//===- skiplist.cpp - Lookups in a skip list ------------------------------===//
//
// One in four nodes of a level is in the next. An operation is the lookup of a
// key that is there.
//
//===----------------------------------------------------------------------===//

#include "../workload.h"

namespace {

constexpr unsigned MaxHeight = 12;

struct ANNOTATED node {
  uint64_t key;
  uint64_t value[5];
  PTR(node) next[1]; // as many as the node is high
};
struct ANNOTATED list {
  unsigned height;
  PTR(node) head[MaxHeight];
  lab::Random random;
};

/// What there is of the structure besides its nodes.
struct {
  list *L;
  size_t Items;
} S;

uint64_t keyOf(size_t Rank) { return 2 * Rank + 1; }

size_t bytes(unsigned Height) {
  return sizeof(node) +
         (Height - 1) * sizeof(static_cast<node *>(nullptr)->next[0]);
}

void build(lab::Arena &A, const lab::Plan &P) {
  S.L = A.make<list>(0);
  S.L->random = lab::Random(5);
  S.Items = P.Items;
  ENTER(A.Parts[0].Begin);
  HOIST;
  node **Nodes = new node *[P.Items];
  unsigned char *Heights = new unsigned char[P.Items];
  lab::Random R(4);
  for (size_t I = 0; I != P.Items; ++I) {
    unsigned Height = 1;
    while (Height < MaxHeight && R.below(4) == 0)
      ++Height;
    size_t Rank = P.Order[I];
    Heights[Rank] = static_cast<unsigned char>(Height);
    node *N = Nodes[Rank] = A.make<node>(Rank, bytes(Height));
    N->key = keyOf(Rank);
    for (uint64_t &V : N->value)
      V = N->key * 3;
  }
  for (unsigned H = 0; H != MaxHeight; ++H) {
    node *Next = nullptr;
    for (size_t I = P.Items; I-- != 0;)
      if (Heights[I] > H) {
        STORE(Nodes[I]->next[H], Next);
        Next = Nodes[I];
      }
    STORE(S.L->head[H], Next);
    if (Next)
      S.L->height = H + 1;
  }
  delete[] Nodes;
  delete[] Heights;
}

const node *find(const list *List, uint64_t Key) {
  HOIST;
  auto *Links = List->head;
  const node *N = nullptr;
  for (unsigned H = List->height; H-- != 0;) {
    while ((N = LOAD(Links[H])) && N->key < Key)
      Links = N->next;
    if (N && N->key == Key)
      return N;
  }
  return nullptr;
}

uint64_t lookups(size_t &Operations) {
  lab::Random R = S.L->random;
  uint64_t Sum = 0;
  for (size_t I = 0; I != Operations; ++I)
    if (const node *N = find(S.L, keyOf(R.below(S.Items))))
      Sum += N->value[0];
  S.L->random = R;
  return Sum;
}

uint64_t check() {
  HOIST;
  uint64_t Sum = 0;
  for (unsigned H = 0; H != S.L->height; ++H) {
    unsigned Left = 4096;
    for (const node *N = LOAD(S.L->head[H]); N && Left--; N = LOAD(N->next[H]))
      Sum = Sum * 3 + N->key;
  }
  return Sum;
}

// A third of a link above the first, on average, and the block's rounding.
constexpr size_t BytesPerItem =
    sizeof(node) + sizeof(static_cast<node *>(nullptr)->next[0]);

} // namespace

WORKLOAD(SkipList, "skiplist", BytesPerItem, S, build, lookups, check, nullptr)

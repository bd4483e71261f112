//===- reverse.cpp - A singly linked list is reversed ---------------------===//
//
// In place. An operation is one node, whose pointer is loaded and stored.
//
//===----------------------------------------------------------------------===//

#include "../workload.h"

namespace {

struct ANNOTATED node {
  PTR(node) next;
  uint64_t value;
};
struct ANNOTATED list {
  PTR(node) first;
};

/// What there is of the structure besides its nodes.
struct {
  list *L;
  size_t Items;
} S;

void build(lab::Arena &A, const lab::Plan &P) {
  S.L = A.make<list>(0);
  S.Items = P.Items;
  ENTER(A.Parts[0].Begin);
  HOIST;
  node **Nodes = new node *[P.Items];
  for (size_t I = 0; I != P.Items; ++I)
    Nodes[P.Order[I]] = A.make<node>(P.Order[I]);
  node *First = nullptr;
  for (size_t Rank = P.Items; Rank-- != 0;) {
    Nodes[Rank]->value = Rank + 1;
    STORE(Nodes[Rank]->next, First);
    First = Nodes[Rank];
  }
  STORE(S.L->first, First);
  delete[] Nodes;
}

void reverse(list *List) {
  HOIST;
  node *Reversed = nullptr;
  for (node *N = LOAD(List->first); N;) {
    node *Next = LOAD(N->next);
    STORE(N->next, Reversed);
    Reversed = N;
    N = Next;
  }
  STORE(List->first, Reversed);
}

uint64_t reversals(size_t &Operations) {
  HOIST;
  uint64_t Sum = 0;
  size_t Done = 0;
  for (; Done < Operations; Done += S.Items) {
    reverse(S.L);
    Sum = Sum * 3 + LOAD(S.L->first)->value;
  }
  Operations = Done;
  return Sum;
}

uint64_t check() {
  HOIST;
  uint64_t Sum = 0;
  for (const node *N = LOAD(S.L->first); N; N = LOAD(N->next))
    Sum = Sum * 3 + N->value;
  return Sum;
}

} // namespace

WORKLOAD(Reverse, "reverse", sizeof(node), S, build, reversals, check, nullptr)

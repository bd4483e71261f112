//===- list.cpp - A singly linked list is walked --------------------------===//
//
// Of 64-byte nodes, in lists of 16,384, or one of all where there are fewer, so
// that a walk through much memory need not go through all of it. An operation
// is one hop.
//
//===----------------------------------------------------------------------===//

#include "../workload.h"

namespace {

struct ANNOTATED node {
  PTR(node) next;
  uint64_t value;
  uint64_t rest[6];
};
typedef PTR(node) node_ref ANNOTATED;
struct ANNOTATED lists {
  PTR(node_ref) first;
  size_t count;
  size_t next; // the list that is walked next
};

constexpr size_t Longest = 16384;

/// What there is of the structure besides its nodes.
struct {
  lists *L;
  size_t Length;
} S;

void build(lab::Arena &A, const lab::Plan &P) {
  S.L = A.make<lists>(0);
  S.L->next = 0;
  S.Length = P.Items < Longest ? P.Items : Longest;
  ENTER(A.Parts[0].Begin);
  HOIST;
  S.L->count = P.Items / S.Length;
  STORE(S.L->first, (node_ref *)A.take(S.L->count * sizeof(node_ref), 0));
  node **Nodes = new node *[P.Items];
  for (size_t I = 0; I != P.Items; ++I)
    Nodes[P.Order[I]] = A.make<node>(P.Order[I]);
  for (size_t I = 0; I != S.L->count; ++I) {
    node *First = nullptr;
    for (size_t Rank = (I + 1) * S.Length; Rank-- != I * S.Length;) {
      Nodes[Rank]->value = Rank + 1;
      for (uint64_t &R : Nodes[Rank]->rest)
        R = Rank;
      STORE(Nodes[Rank]->next, First);
      First = Nodes[Rank];
    }
    STORE(LOAD(S.L->first)[I], First);
  }
  delete[] Nodes;
}

__attribute__((noinline)) uint64_t sum(const lists *Lists, size_t Which) {
  HOIST;
  uint64_t Sum = 0;
  for (const node *N = LOAD(LOAD(Lists->first)[Which]); N; N = LOAD(N->next))
    Sum += N->value;
  return Sum;
}

uint64_t walk(size_t &Operations) {
  uint64_t Sum = 0;
  size_t Done = 0;
  for (; Done < Operations; Done += S.Length) {
    Sum += sum(S.L, S.L->next);
    S.L->next = S.L->next + 1 == S.L->count ? 0 : S.L->next + 1;
    lab::forget();
  }
  Operations = Done;
  return Sum;
}

uint64_t check() {
  uint64_t Sum = 0;
  for (size_t I = 0; I < S.L->count; I += 1 + S.L->count / 4)
    Sum = Sum * 3 + sum(S.L, I);
  return Sum;
}

} // namespace

WORKLOAD(List, "list", sizeof(node), S, build, walk, check, nullptr)

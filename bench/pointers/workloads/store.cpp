//===- store.cpp - Pointers are stored ------------------------------------===//
//
// store: into an array of records, each a pointer to one of as many targets; an
// operation is one store. The targets lie in the second of two objects, if
// there are two. shuffle: two pointers of the array trade places; an operation
// is one exchange, which loads two and stores two.
//
//===----------------------------------------------------------------------===//

#include "../workload.h"

namespace {

struct ANNOTATED target {
  uint64_t number;
  uint64_t value;
};
struct ANNOTATED slot {
  PTR(target) to;
};
struct ANNOTATED table {
  lab::Random random;
  PTR(slot) slots;
};

/// What there is of the structure besides its nodes.
struct {
  table *T;
  target *Targets;
  size_t Items;
} S;

void build(lab::Arena &A, const lab::Plan &P) {
  S.T = A.make<table>(0);
  S.T->random = lab::Random(10);
  S.Items = P.Items;
  ENTER(A.Parts[0].Begin);
  HOIST;
  slot *Slots = A.make<slot>(0, P.Items * sizeof(slot));
  S.Targets = A.make<target>(1, P.Items * sizeof(target));
  STORE(S.T->slots, Slots);
  for (size_t I = 0; I != P.Items; ++I) {
    S.Targets[I].number = I;
    S.Targets[I].value = 2 * I;
    STORE(Slots[I].to, &S.Targets[P.Order[I]]);
  }
}

uint64_t stores(size_t &Operations) {
  HOIST;
  lab::Random R = S.T->random;
  slot *Slots = LOAD(S.T->slots);
  target *Targets = S.Targets;
  size_t Items = S.Items;
  for (size_t I = 0; I != Operations; ++I) {
    slot &At = Slots[R.below(Items)];
    target *To = &Targets[R.below(Items)];
    STORE(At.to, To);
  }
  S.T->random = R;
  return R.next();
}

uint64_t shuffles(size_t &Operations) {
  HOIST;
  lab::Random R = S.T->random;
  slot *Slots = LOAD(S.T->slots);
  size_t Items = S.Items;
  for (size_t I = 0; I != Operations; ++I) {
    slot &A = Slots[R.below(Items)];
    slot &B = Slots[R.below(Items)];
    target *To = LOAD(A.to);
    STORE(A.to, LOAD(B.to));
    STORE(B.to, To);
  }
  S.T->random = R;
  return R.next();
}

uint64_t check() {
  HOIST;
  uint64_t Sum = 0;
  for (size_t I = 0; I != S.Items; ++I)
    Sum = Sum * 3 + LOAD(LOAD(S.T->slots)[I].to)->number;
  return Sum;
}

} // namespace

WORKLOAD(Store, "store", sizeof(slot) + sizeof(target), S, build, stores, check,
         nullptr)
WORKLOAD(Shuffle, "shuffle", sizeof(slot) + sizeof(target), S, build, shuffles,
         check, nullptr)

//===- btree.cpp - A B+-tree ----------------------------------------------===//
//
// 16 keys a node. A random key of twice as many as there are items: if it is
// there, its value changes or it is removed; if not, it is inserted. Removal
// leaves nodes as empty as they become, as many stores do.
//
//===----------------------------------------------------------------------===//

#include "../structure.h"

namespace {

constexpr unsigned Fill = 16;

/// A leaf if level is 0. Else kids has one more than there are keys.
struct ANNOTATED node {
  uint32_t level;
  uint32_t count;
  uint64_t key[Fill];
};
struct ANNOTATED leaf : node {
  uint64_t value[Fill];
};
struct ANNOTATED inner : node {
  PTR(node) kids[Fill + 1];
};
struct ANNOTATED root {
  PTR(node) top;
  uint64_t items;
};
root *R;

/// How many keys of the node are not above the key.
unsigned upTo(const node *N, uint64_t Key) {
  unsigned I = 0;
  while (I != N->count && N->key[I] <= Key)
    ++I;
  return I;
}

/// Room for one key and value at the place of a leaf with room. A fresh one was
/// made by this transaction.
void makeRoom(leaf *L, unsigned At, bool Fresh) {
  if (!Fresh) {
    LOG(&L->count, sizeof L->count);
    LOG(&L->key[At], (L->count + 1 - At) * sizeof L->key[0]);
    LOG(&L->value[At], (L->count + 1 - At) * sizeof L->value[0]);
  }
  for (unsigned I = L->count++; I != At; --I) {
    L->key[I] = L->key[I - 1];
    L->value[I] = L->value[I - 1];
  }
}

/// As makeRoom, for a key of an inner node and the kid behind it.
void makeRoom(inner *P, unsigned At, bool Fresh) {
  if (!Fresh) {
    LOG(&P->count, sizeof P->count);
    LOG(&P->key[At], (P->count + 1 - At) * sizeof P->key[0]);
    LOG(&P->kids[At + 1], (P->count + 1 - At) * sizeof P->kids[0]);
  }
  for (unsigned I = P->count++; I != At; --I) {
    P->key[I] = P->key[I - 1];
    STORE(P->kids[I + 1], LOAD(P->kids[I]));
  }
}

leaf *split(leaf *L) {
  leaf *Right = allocate<leaf>(R);
  Right->level = 0;
  for (unsigned I = Fill / 2; I != Fill; ++I) {
    Right->key[I - Fill / 2] = L->key[I];
    Right->value[I - Fill / 2] = L->value[I];
  }
  LOG(&L->count, sizeof L->count);
  Right->count = L->count = Fill / 2;
  return Right;
}

/// The key in the middle goes up.
inner *split(inner *P, uint64_t &Up) {
  constexpr unsigned Half = Fill / 2;
  inner *Right = allocate<inner>(R);
  Right->level = P->level;
  Up = P->key[Half];
  for (unsigned I = Half + 1; I != Fill; ++I)
    Right->key[I - Half - 1] = P->key[I];
  for (unsigned I = Half + 1; I != Fill + 1; ++I)
    STORE(Right->kids[I - Half - 1], LOAD(P->kids[I]));
  Right->count = Fill - Half - 1;
  LOG(&P->count, sizeof P->count);
  P->count = Half;
  return Right;
}

/// Inserts below N. If N had to be split: the new right half, and its least
/// key.
node *insert(node *N, uint64_t Key, uint64_t Value, uint64_t &Least) {
  unsigned At = upTo(N, Key);
  if (N->level == 0) {
    leaf *L = static_cast<leaf *>(N), *Right = nullptr;
    if (L->count == Fill) {
      Right = split(L);
      if (At > Fill / 2) {
        L = Right;
        At -= Fill / 2;
      }
    }
    makeRoom(L, At, L == Right);
    L->key[At] = Key;
    L->value[At] = Value;
    if (Right)
      Least = Right->key[0];
    return Right;
  }

  inner *P = static_cast<inner *>(N), *Right = nullptr;
  uint64_t NewKey = 0;
  node *New = insert(LOAD(P->kids[At]), Key, Value, NewKey);
  if (!New)
    return nullptr;
  if (P->count == Fill) {
    Right = split(P, Least);
    if (At > Fill / 2) {
      P = Right;
      At -= Fill / 2 + 1;
    }
  }
  makeRoom(P, At, P == Right);
  P->key[At] = NewKey;
  STORE(P->kids[At + 1], New);
  return Right;
}

void insert(uint64_t Key, uint64_t Value) {
  uint64_t Least = 0;
  node *Top = LOAD(R->top);
  if (node *Right = insert(Top, Key, Value, Least)) {
    inner *New = allocate<inner>(R);
    New->level = Top->level + 1;
    New->count = 1;
    New->key[0] = Least;
    STORE(New->kids[0], Top);
    STORE(New->kids[1], Right);
    LOG(&R->top, sizeof R->top);
    STORE(R->top, New);
  }
  LOG(&R->items, sizeof R->items);
  ++R->items;
}

/// The leaf in which the key belongs.
leaf *find(uint64_t Key) {
  node *N = LOAD(R->top);
  while (N->level)
    N = LOAD(static_cast<inner *>(N)->kids[upTo(N, Key)]);
  return static_cast<leaf *>(N);
}

void change(leaf *L, unsigned At) {
  LOG(&L->value[At], sizeof L->value[At]);
  ++L->value[At];
}

void remove(leaf *L, unsigned At) {
  LOG(&L->count, sizeof L->count);
  LOG(&L->key[At], (L->count - At) * sizeof L->key[0]);
  LOG(&L->value[At], (L->count - At) * sizeof L->value[0]);
  --L->count;
  for (unsigned I = At; I != L->count; ++I) {
    L->key[I] = L->key[I + 1];
    L->value[I] = L->value[I + 1];
  }
  LOG(&R->items, sizeof R->items);
  --R->items;
}

void build(const std::string &Dir) {
  R = static_cast<root *>(create(Dir, sizeof(root)));
  transact(R, [&] {
    leaf *First = allocate<leaf>(R);
    First->level = First->count = 0;
    LOG(R, sizeof *R);
    STORE(R->top, First);
    R->items = 0;
  });
  Random Order(1);
  while (R->items != Items)
    transact(R, [&] {
      for (uint64_t Goal = R->items + AtOnce; R->items != Goal;) {
        uint64_t Key = Order.next() % (2 * Items);
        leaf *L = find(Key);
        unsigned At = upTo(L, Key);
        if (!At || L->key[At - 1] != Key)
          insert(Key, Key);
      }
    });
}

void operation(Random &Dice) {
  uint64_t Key = Dice.next() % (2 * Items);
  bool Goes = Dice.next() % 2;
  leaf *L = find(Key);
  unsigned At = upTo(L, Key);
  bool There = At && L->key[At - 1] == Key;
  transact(R, [&] {
    if (!There)
      insert(Key, Key);
    else if (Goes)
      remove(L, At - 1);
    else
      change(L, At - 1);
  });
}

uint64_t sumOf(node *N) {
  uint64_t Sum = N->level;
  if (N->level == 0) {
    leaf *L = static_cast<leaf *>(N);
    for (unsigned I = 0; I != L->count; ++I)
      Sum = Sum * 3 + L->key[I] + L->value[I];
    return Sum;
  }
  inner *P = static_cast<inner *>(N);
  for (unsigned I = 0; I <= P->count; ++I)
    Sum = Sum * 3 + sumOf(LOAD(P->kids[I]));
  return Sum;
}

uint64_t check() { return sumOf(LOAD(R->top)) + R->items; }

} // namespace

STRUCTURE("btree", build, operation, check)

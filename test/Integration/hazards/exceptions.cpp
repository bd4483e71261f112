// Annotated records thrown by value, caught by value and by reference; stores
// on both sides of an unwinding edge; function-try-blocks; cleanup.
//
// RUN: rm -rf %t.store && %perdure_cxx -O0 %s -o %t.O0 && %t.O0 %t.store
// RUN: rm -rf %t.store && %perdure_cxx -O2 %s -o %t.O2 && %t.O2 %t.store
// RUN: rm -rf %t.store && %perdure_cxx -O3 -flto=thin %s -o %t.lto && %t.lto %t.store
// RUN: rm -rf %t.store && %perdure_cxx -O2 -fperdure-encoding=strict %s -o %t.strict && %t.strict %t.store
#include <perdure/perdure.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#define CHECK(what)                                                            \
  do {                                                                         \
    if (!(what)) {                                                             \
      std::fprintf(stderr, "%d: not so: %s\n", __LINE__, #what);               \
      std::exit(1);                                                            \
    }                                                                          \
  } while (0)

struct [[perdure::persistent]] node {
  node *next;
  long value;
};

static void raise(node *n) { throw *n; } // copied out of the object

struct restore { // undoes a store while the stack unwinds
  node *where;
  node *old;
  ~restore() { where->next = old; }
};

__attribute__((noinline)) static node *swap_and_throw(node *a, node *b) try {
  restore guard{a, a->next};
  a->next = b;
  if (b->value == 2)
    raise(a);
  return a->next;
} catch (const node &caught) {
  CHECK(caught.next == b);
  throw;
}

int main(int, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  CHECK(store);
  auto *a = static_cast<node *>(perdure_create(store, "a", sizeof(node), 0));
  auto *b = static_cast<node *>(perdure_alloc(a, sizeof(node)));
  auto *c = static_cast<node *>(perdure_alloc(a, sizeof(node)));
  CHECK(a && b && c);
  a->value = 1, b->value = 2, c->value = 3;
  a->next = c;

  bool caught = false;
  try {
    swap_and_throw(a, b);
  } catch (node copy) {
    caught = true;
    CHECK(copy.next == b && copy.value == 1 && copy.next->value == 2);
    node *on_heap = new node(copy);
    CHECK(on_heap->next == b);
    *b = *on_heap; // and back into the object
    CHECK(b->next == b && b->value == 1);
    delete on_heap;
  }
  CHECK(caught && a->next == c);
  CHECK(swap_and_throw(a, c) == c);

  try {
    try {
      raise(b);
    } catch (node &first) {
      first.next = a;
      throw; // the same exception object, changed
    }
  } catch (const node &second) {
    CHECK(second.next == a && b->next == b);
  }
  perdure_close(a);
  perdure_store_close(store);
}

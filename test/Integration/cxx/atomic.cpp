// perdure::atomic_ptr and the atomic functions in C++; a stack in an object
// onto which threads push and from which they pop.
//
// RUN: %python %S/Inputs/relocated.py "%perdure_cxx" "%window_low" "%window_high" %t %s -std=c++17
#include "Inputs/object.h"

#include <thread>
#include <vector>

struct [[perdure::persistent]] node {
  node *next = nullptr;
  long value = 0;
};

// Nodes are never freed, so what top points to can be read; and popping takes
// all at once, so a node that comes back does no harm.
struct [[perdure::persistent]] stack {
  perdure::atomic_ptr<node> top;

  void push(node *n) {
    node *old = top.load(std::memory_order_relaxed);
    do
      n->next = old;
    while (!top.compare_exchange_weak(old, n, std::memory_order_release,
                                      std::memory_order_relaxed));
  }
  node *takeAll() { return top.exchange(nullptr, std::memory_order_acquire); }
};

struct [[perdure::persistent]] root {
  node nodes[3];
  perdure::atomic_ptr<node> place;
  perdure::atomic_ptr<const volatile void> anything;
  node *plain = nullptr;
  stack from, to;
};

enum { Threads = 4, Each = 1000 };

static void operate(perdure::atomic_ptr<node> &p, node *a, node *b) {
  p = nullptr;
  CHECK(!p && p.load() == nullptr && p.is_lock_free());
  CHECK((p = a) == a && p == a && p.load()->value == a->value);
  p.store(b, std::memory_order_release);
  CHECK(p.load(std::memory_order_acquire) == b);
  CHECK(p.exchange(a) == b && p == a);
  node *expected = b;
  CHECK(!p.compare_exchange_strong(expected, b) && expected == a && p == a);
  CHECK(p.compare_exchange_strong(expected, b) && expected == a && p == b);
  CHECK(!p.compare_exchange_weak(expected, nullptr, std::memory_order_acq_rel));
  CHECK(expected == b);
  while (!p.compare_exchange_weak(expected, nullptr, std::memory_order_release))
    CHECK(expected == b);
  CHECK(!p);
  p = a;
}

static void functions(perdure::ptr<node> *p, node *a, node *b) {
  perdure_atomic_store(p, a);
  CHECK(perdure_atomic_load(p) == a &&
        perdure_atomic_exchange(p, nullptr) == a);
  node *expected = a;
  CHECK(!perdure_atomic_compare_exchange(p, &expected, b) && !expected);
  CHECK(perdure_atomic_compare_exchange(p, &expected, b) && *p == b);
  const volatile perdure::ptr<node> *reader = p;
  CHECK(perdure_atomic_load_explicit(reader, __ATOMIC_RELAXED) == b);
}

static void build(root *r) {
  operate(r->place, &r->nodes[0], &r->nodes[1]);
  functions(&r->plain, &r->nodes[1], &r->nodes[2]);
  r->anything.store(&r->nodes[2]);

  std::vector<std::thread> threads;
  for (int t = 0; t < Threads; ++t)
    threads.emplace_back([r, t] {
      for (long i = 0; i < Each; ++i) {
        node *n = perdure::make<node>(r);
        n->value = t * Each + i;
        r->from.push(n);
        // Move what there is from one stack to the other.
        if (i % 50 == 49)
          for (node *all = r->from.takeAll(); all;) {
            node *rest = all->next;
            r->to.push(all);
            all = rest;
          }
      }
    });
  for (std::thread &t : threads)
    t.join();
}

static void check(root *r) {
  std::vector<bool> seen(Threads * Each);
  for (stack *s : {&r->from, &r->to})
    for (node *n = s->top; n; n = n->next) {
      CHECK(!seen[n->value]);
      seen[n->value] = true;
    }
  for (bool each : seen)
    CHECK(each);
  CHECK(r->place == r->nodes && r->plain == &r->nodes[2]);
  CHECK(r->anything.load() == &r->nodes[2]);
  operate(r->place, &r->nodes[0], &r->nodes[1]);
}

static void anywhere() {
  static node nodes[3];
  static perdure::atomic_ptr<node> global;
  perdure::atomic_ptr<node> local(&nodes[1]);
  CHECK(local == &nodes[1] && !global);
  operate(global, &nodes[0], &nodes[1]);
  operate(local, &nodes[0], &nodes[1]);
  perdure::ptr<node> plain;
  functions(&plain, &nodes[1], &nodes[2]);
  functions(&nodes[0].next, &nodes[1], &nodes[2]);
}

RUN_IN_OBJECT

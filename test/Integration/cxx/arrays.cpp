// perdure_memmove and perdure_qsort in C++.
//
// RUN: %python %S/Inputs/relocated.py "%perdure_cxx" "%window_low" "%window_high" %t %s -std=c++17
#include "Inputs/object.h"

#include <string>

enum { N = 300 };

struct [[perdure::persistent]] node {
  node *next = nullptr;
  long value = 0;
};

struct [[perdure::persistent]] root {
  node nodes[N];
  node *places[N];
};

static int byValue(const node *a, const node *b) {
  return (a->value > b->value) - (a->value < b->value);
}
static int byPlace(const perdure::ptr<node> *a, const perdure::ptr<node> *b) {
  return byValue(*a, *b);
}
static int byVoid(const void *a, const void *b) {
  return byValue(static_cast<const node *>(a), static_cast<const node *>(b));
}

static void move(perdure::ptr<node> *places, node *nodes) {
  for (int i = 0; i < N; ++i)
    places[i] = &nodes[i];
  CHECK(perdure_memmove(places + 1, places, (N - 1) * sizeof *places) ==
        places + 1);
  for (int i = 1; i < N; ++i)
    CHECK(places[i] == &nodes[i - 1]);
  perdure_memmove(places, places + 1, (N - 1) * sizeof *places);
  for (int i = 0; i < N - 1; ++i)
    CHECK(places[i] == &nodes[i]);
  node local[4] = {{nodes, 1}, {nodes + 1, 2}};
  perdure_memmove(local + 1, local, 3 * sizeof *local);
  CHECK(local[1].next == nodes && local[2].next == nodes + 1 && !local[3].next);
  const node *from = local;
  perdure_memmove(nodes, from, sizeof local);
  CHECK(nodes[2].next == nodes + 1 && nodes[2].value == 2);
  std::string strings[] = {"a", "b", "a string that does not fit in itself",
                           ""};
  perdure_memmove(strings + 1, strings, 3 * sizeof *strings);
  CHECK(strings[3][0] == 'a' && strings[3].size() > 20);
  int numbers[] = {1, 2, 3};
  perdure_memmove(numbers, numbers + 1, 2 * sizeof *numbers);
  CHECK(numbers[0] == 2 && numbers[1] == 3);
}

static void sort(perdure::ptr<node> *places, node *nodes) {
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < N; ++i) {
      nodes[i] = {&nodes[i], i * 7919 % N};
      places[i] = &nodes[i];
    }
    if (round % 2)
      perdure_qsort(places, N, byPlace);
    else
      perdure_qsort(places, N, sizeof *places, byPlace);
    for (int i = 0; i < N; ++i)
      CHECK(places[i]->value == i);
    if (round < 2)
      perdure_qsort(nodes, N, sizeof(node), byVoid);
    else
      perdure_qsort(nodes, N,
                    [](const node *a, const node *b) { return byValue(a, b); });
    for (int i = 0; i < N; ++i)
      CHECK(nodes[i].value == i && nodes[i].next >= nodes &&
            (nodes[i].next - nodes) * 7919 % N == i);
  }
}

static void build(root *r) { sort(r->places, r->nodes); }

static void check(root *r) {
  for (int i = 0; i < N; ++i)
    CHECK((r->nodes[i].next - r->nodes) * 7919 % N == i);
  move(r->places, r->nodes);
  sort(r->places, r->nodes);
  static perdure::ptr<node> places[N];
  move(places, r->nodes);
  sort(places, r->nodes);
}

static void anywhere() {
  static node nodes[N];
  perdure::ptr<node> places[N];
  move(places, nodes);
  sort(places, nodes);
}

RUN_IN_OBJECT

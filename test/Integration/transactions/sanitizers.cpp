// What sanitizers put into a transaction is no function that the compiler knows nothing
// of: with -fperdure-tx-clones it would be one that has no copy, and not link.
// UNSUPPORTED: sanitized
// RUN: %perdure_cxx -O0 -fsanitize=undefined -fno-sanitize-recover=all -fperdure-tx-clones %s -o %t.u && rm -rf %store && %t.u %store | FileCheck %s
// RUN: %perdure_cxx -O2 -fsanitize=address,undefined -fperdure-tx-clones %s -o %t.a && rm -rf %store && %t.a %store | FileCheck %s
// RUN: %perdure_cxx -O1 -fsanitize=undefined %s -o %t.n && rm -rf %store && %t.n %store | FileCheck %s
// RUN: not %t.u %store 9 2>&1 | FileCheck %s --check-prefix=BEYOND
// CHECK: committed 6
// CHECK: aborted 6
// CHECK: thrown 6
// BEYOND: index 9 out of bounds for type 'int[8]'
#include <cstdio>
#include <cstdlib>
#include <perdure/perdure.h>
#include <perdure/transaction.h>
#include <stdexcept>

struct [[perdure::persistent]] root {
  int numbers[8];
  int count;
  root *self;
};

static int sum(const root *r) {
  int all = 0;
  for (int i : r->numbers)
    all += i;
  return all;
}

static void add(root *r, int where, int what) {
  r->self->numbers[where] += what; // checked: null, alignment, bounds, overflow
  r->count++;
  if (what == 0)
    throw std::runtime_error("nothing to add");
}

[[perdure::transaction]] static void addAll(root *r, int where, int last) {
  add(r, where, 1);
  add(r, where + 1, 2);
  add(r, where + 2, last);
}

int main(int, char **argv) {
  perdure_store *s = perdure_store_open(argv[1], PERDURE_CREATE);
  auto *r = static_cast<root *>(perdure_open(s, "r", 0));
  if (!r)
    r = static_cast<root *>(perdure_create(s, "r", sizeof(root), 0));
  r->self = r;
  addAll(r, argv[2] ? std::atoi(argv[2]) : 0, 3);
  std::printf("committed %d\n", sum(r));
  bool done = perdure::transact(r, [&] {
    add(r, 3, 4);
    perdure_tx_abort();
  });
  std::printf("aborted %d\n", done ? -1 : sum(r));
  try {
    addAll(r, 2, 0);
  } catch (const std::runtime_error &) {
    std::printf("thrown %d\n", sum(r));
  }
}

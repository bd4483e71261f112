// The second run finds the words of the first, at another address.
// RUN: %perdure_cxx -g -O2 -Wall -Werror -I%src %s -o %t
// RUN: %perdure_run --relocate %t | FileCheck %s
// CHECK: pear 1, fig 1, pear 2
// CHECK-NEXT: pear 3, fig 2, pear 4
#include "tree.h"
#include <cstdio>

int main() {
  perdure_store *store = perdure_store_open("words", PERDURE_CREATE);
  auto *t = static_cast<tree *>(perdure_open(store, "tree", 0));
  if (!t)
    t = static_cast<tree *>(perdure_create(store, "tree", sizeof(tree), 0));
  long a = add(t, "pear"), b = add(t, "fig"), c = add(t, "pear");
  std::printf("pear %ld, fig %ld, pear %ld\n", a, b, c);
}

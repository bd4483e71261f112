/* Red-black and splay trees of <bsd/sys/tree.h>, unchanged: RB_HEAD takes the
 * annotation before the name, as the struct that it declares does.
 *
 * REQUIRES: libbsd
 * RUN: %python %S/../Inputs/relocate.py "%perdure_cc" "%cc" "%window_low" "%window_high" %t %s
 */
#include "../Inputs/harness.h"
#include <bsd/sys/tree.h>

/* The header makes more static functions than one program calls. */
#pragma clang diagnostic ignored "-Wunused-function"

struct PERDURE item {
  RB_ENTRY(item) by_key;
  SPLAY_ENTRY(item) by_value;
  unsigned key;
  unsigned long value;
};
RB_HEAD(PERDURE keys, item);
SPLAY_HEAD(PERDURE values, item);

static int compare_keys(struct item *a, struct item *b) {
  return a->key < b->key ? -1 : a->key > b->key;
}
static int compare_values(struct item *a, struct item *b) {
  return a->value < b->value ? -1 : a->value > b->value;
}
RB_PROTOTYPE(keys, item, by_key, compare_keys)
RB_GENERATE(keys, item, by_key, compare_keys)
SPLAY_PROTOTYPE(values, item, by_value, compare_values)
SPLAY_GENERATE(values, item, by_value, compare_values)

struct PERDURE root {
  struct keys keys;
  struct values values;
  unsigned long count;
};

static void build(void *where, unsigned long operations) {
  struct root *root = where;
  RB_INIT(&root->keys);
  SPLAY_INIT(&root->values);
  for (unsigned long i = 0; i < operations; ++i) {
    struct item probe, *found;
    memset(&probe, 0, sizeof probe);
    probe.key = next_random() % 4096;
    found = RB_FIND(keys, &root->keys, &probe);
    if (next_random() % 3) {
      if (found)
        continue;
      struct item *new_item = new_block(sizeof *new_item);
      new_item->key = probe.key;
      new_item->value = next_random() << 12 | probe.key;
      RB_INSERT(keys, &root->keys, new_item);
      SPLAY_INSERT(values, &root->values, new_item);
      ++root->count;
    } else if (found) {
      RB_REMOVE(keys, &root->keys, found);
      SPLAY_REMOVE(values, &root->values, found);
      delete_block(found);
      --root->count;
    }
  }
}

/* Checks the red-black rules below n; returns the black height. */
static int black_height(struct item *n) {
  if (!n)
    return 1;
  struct item *l = RB_LEFT(n, by_key), *r = RB_RIGHT(n, by_key);
  if ((l && RB_PARENT(l, by_key) != n) || (r && RB_PARENT(r, by_key) != n)) {
    puts("a child's parent is somebody else");
    exit(1);
  }
  if (RB_COLOR(n, by_key) == RB_RED && ((l && RB_COLOR(l, by_key) == RB_RED) ||
                                        (r && RB_COLOR(r, by_key) == RB_RED))) {
    puts("a red child of a red parent");
    exit(1);
  }
  int left = black_height(l), right = black_height(r);
  if (left != right) {
    puts("black heights differ");
    exit(1);
  }
  return left + (RB_COLOR(n, by_key) == RB_BLACK);
}

static void print(void *where) {
  struct root *root = where;
  struct item *i;
  printf("%lu items, black height %d\n", root->count,
         black_height(RB_ROOT(&root->keys)));
  RB_FOREACH(i, keys, &root->keys)
  printf("%u %lu\n", i->key, i->value);
  RB_FOREACH_REVERSE(i, keys, &root->keys)
  printf("%u ", i->key);
  puts("");
  SPLAY_FOREACH(i, values, &root->values)
  printf("%lu\n", i->value);
}

int main(int argc, char **argv) {
  return run_harness(argc, argv, sizeof(struct root));
}

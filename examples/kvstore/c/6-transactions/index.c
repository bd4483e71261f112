/* index.c - A treap: ordered by value and key, and a heap by a number that is
 * an item's own, which keeps it shallow. */
#include "index.h"

#include <stdint.h>
#include <string.h>

static int compare(struct kv_text a, struct kv_text b) {
  size_t common = a.length < b.length ? a.length : b.length;
  int order = common ? memcmp(a.bytes, b.bytes, common) : 0;
  return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_entries(struct entry *a, struct entry *b) {
  int order = compare(value_of(a), value_of(b));
  return order ? order : compare(key_of(a), key_of(b));
}

/* An item's offset in its object, mixed: the same in every process. */
static uint64_t rank(const struct item *n) {
  uint64_t x = perdure_offset(n) * 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
  return x ^ x >> 32;
}

/* All of `a` is before all of `b`. */
static struct item *merge(struct item *a, struct item *b) {
  if (!a || !b)
    return a ? a : b;
  if (rank(a) > rank(b)) {
    a->right = merge(a->right, b);
    return a;
  }
  b->left = merge(a, b->left);
  return b;
}

static struct item *insert(struct item *n, struct item *item) {
  if (!n)
    return item;
  if (compare_entries(item->entry, n->entry) < 0) {
    struct item *top = insert(n->left, item);
    n->left = top;
    if (rank(top) < rank(n))
      return n;
    n->left = top->right;
    top->right = n;
    return top;
  }
  struct item *top = insert(n->right, item);
  n->right = top;
  if (rank(top) < rank(n))
    return n;
  n->right = top->left;
  top->left = n;
  return top;
}

/* What is left of n without the entry's item, which goes to *item. */
static struct item *take(struct item *n, struct entry *e, struct item **item) {
  if (!n)
    return NULL;
  if (n->entry == e) {
    *item = n;
    return merge(n->left, n->right);
  }
  if (compare_entries(e, n->entry) < 0)
    n->left = take(n->left, e, item);
  else
    n->right = take(n->right, e, item);
  return n;
}

struct item *index_item(struct index *index, struct entry *e) {
  struct item *item = perdure_alloc(index, sizeof *item);
  if (item)
    item->entry = e;
  return item;
}

void index_link(struct index *index, struct item *item, size_t changes) {
  if (item) {
    item->left = item->right = NULL;
    index->root = insert(index->root, item);
  }
  index->changes = changes;
}

struct item *index_unlink(struct index *index, struct entry *e) {
  struct item *item = NULL;
  index->root = take(index->root, e, &item);
  return item;
}

static void free_items(struct item *n) {
  if (!n)
    return;
  free_items(n->left);
  free_items(n->right);
  perdure_free(n);
}

void index_clear(struct index *index) {
  free_items(index->root);
  index->root = NULL;
}

bool index_has(struct index *index, struct entry *e) {
  struct item *n = index->root;
  while (n && n->entry != e)
    n = compare_entries(e, n->entry) < 0 ? n->left : n->right;
  return n;
}

static size_t items(const struct item *n) {
  return n ? 1 + items(n->left) + items(n->right) : 0;
}

size_t index_items(struct index *index) { return items(index->root); }

static void walk(struct item *n, struct kv_text value,
                 void (*found)(struct kv_text key)) {
  if (!n)
    return;
  int order = compare(value, value_of(n->entry));
  if (order <= 0)
    walk(n->left, value, found);
  if (order == 0)
    found(key_of(n->entry));
  if (order >= 0)
    walk(n->right, value, found);
}

void index_find(struct index *index, struct kv_text value,
                void (*found)(struct kv_text key)) {
  walk(index->root, value, found);
}

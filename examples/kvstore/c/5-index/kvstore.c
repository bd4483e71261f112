/* kvstore.c - A tree of pairs in a Perdure store.
 *
 * Every node holds up to ORDER items in order. An item of a leaf is an entry.
 * An item of an inner node is a child, with the least entry below it. Beside
 * each entry lie the first eight bytes of its key, so that most comparisons
 * stay inside the node. A leaf that becomes empty is freed; half-empty ones
 * are left alone, since they fill up again.
 *
 * The tree lies in the object `pairs`, the values in others: those of keys
 * that begin with '.' in `private`. Who may read which is what the rights of
 * their files say. index.c, the index by value, lies in `by-value`.
 */
#include "index.h"

#include <errno.h>
#include <perdure/perdure.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ORDER = 32 };

struct PERDURE entry {
  char *value;
  size_t value_length;
  size_t key_length;
  char key[];
};

struct PERDURE kv_node {
  int count;
  int height; /* of a leaf: 0 */
  uint64_t head[ORDER];
  struct entry *entry[ORDER];
  struct kv_node *child[]; /* a leaf has none */
};

struct PERDURE tree {
  struct kv_node *root;
  size_t pairs, key_bytes, value_bytes, nodes, changes;
};

static const char *const value_objects[] = {"values-0", "values-1", "values-2",
                                            "values-3", "private"};
enum { VALUES = 4, PRIVATE = VALUES, VALUE_OBJECTS };

struct kv {
  perdure_store *store;
  struct tree *tree;
  void *values[VALUE_OBJECTS]; /* the roots of value_objects */
  struct index *index;         /* a reader may have none */
};

struct kv_text key_of(struct entry *e) {
  return (struct kv_text){e->key, e->key_length};
}

/* What leads to an object that may not be opened leads to no root. */
struct kv_text value_of(struct entry *e) {
  if (!perdure_root(e->value))
    return (struct kv_text){NULL, e->value_length};
  return (struct kv_text){e->value, e->value_length};
}

/*===- Keys ---------------------------------------------------------------===*/

/* Orders as the first eight bytes of the key do. */
static uint64_t head_of(struct kv_text key) {
  unsigned char bytes[8] = {0};
  if (key.length)
    memcpy(bytes, key.bytes, key.length < 8 ? key.length : 8);
  uint64_t head = 0;
  for (int i = 0; i < 8; i++)
    head = head << 8 | bytes[i];
  return head;
}

static int compare(struct kv_text a, const struct entry *b) {
  size_t common = a.length < b->key_length ? a.length : b->key_length;
  int order = common ? memcmp(a.bytes, b->key, common) : 0;
  return order ? order
               : (a.length > b->key_length) - (a.length < b->key_length);
}

/* How many items of the node have a key that is before `key`, or, with
 * `or_equal`, not after it. */
static int rank(const struct kv_node *n, struct kv_text key, bool or_equal) {
  uint64_t head = head_of(key);
  int low = 0, high = n->count;
  while (low < high) {
    int middle = (low + high) / 2, order;
    if (head != n->head[middle])
      order = head < n->head[middle] ? -1 : 1;
    else
      order = compare(key, n->entry[middle]);
    if (order > 0 || (or_equal && order == 0))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The child whose keys are around `key`. */
static int child_of(const struct kv_node *n, struct kv_text key) {
  int i = rank(n, key, true);
  return i ? i - 1 : 0;
}

static bool is_at(const struct kv_node *leaf, int i, struct kv_text key) {
  return i < leaf->count && compare(key, leaf->entry[i]) == 0;
}

static struct kv_node *leaf_of(struct tree *tree, struct kv_text key) {
  struct kv_node *n = tree->root;
  while (n && n->height)
    n = n->child[child_of(n, key)];
  return n;
}

/*===- Nodes --------------------------------------------------------------===*/

static struct kv_node *make_node(struct tree *tree, int height) {
  size_t children = height ? ORDER : 0;
  struct kv_node *n =
      perdure_alloc(tree, sizeof *n + children * sizeof(struct kv_node *));
  if (n) {
    n->height = height;
    tree->nodes++;
  }
  return n;
}

static void free_node(struct tree *tree, struct kv_node *n) {
  tree->nodes--;
  perdure_free(n);
}

static void copy_item(struct kv_node *to, int i, struct kv_node *from, int j) {
  to->head[i] = from->head[j];
  to->entry[i] = from->entry[j];
  if (to->height)
    to->child[i] = from->child[j];
}

/* Item i of an inner node begins with what its child begins with. */
static void refresh_item(struct kv_node *n, int i) {
  n->head[i] = n->child[i]->head[0];
  n->entry[i] = n->child[i]->entry[0];
}

static void open_gap(struct kv_node *n, int at) {
  for (int i = n->count++; i > at; i--)
    copy_item(n, i, n, i - 1);
}

static void close_gap(struct kv_node *n, int at) {
  n->count--;
  for (int i = at; i < n->count; i++)
    copy_item(n, i, n, i + 1);
}

/* Moves the upper half of a full node into the empty node `right`. */
static void split(struct kv_node *n, struct kv_node *right) {
  int half = n->count / 2;
  for (int i = half; i < n->count; i++)
    copy_item(right, right->count++, n, i);
  n->count = half;
}

/*===- Changes ------------------------------------------------------------===*/

static bool is_private(struct kv_text key) {
  return key.length && key.bytes[0] == '.';
}

/* The root of the object that holds the key's value. */
static void *home_of(struct kv *kv, struct kv_text key) {
  if (is_private(key))
    return kv->values[PRIVATE];
  uint64_t hash = 14695981039346656037u; /* FNV-1a */
  for (size_t i = 0; i < key.length; i++)
    hash = (hash ^ (unsigned char)key.bytes[i]) * 1099511628211u;
  return kv->values[hash % VALUES];
}

static char *copy_value(void *home, struct kv_text value) {
  char *copy = perdure_alloc(home, value.length ? value.length : 1);
  if (copy && value.length)
    memcpy(copy, value.bytes, value.length);
  return copy;
}

static struct entry *make_entry(struct kv *kv, struct kv_text key,
                                struct kv_text value) {
  struct entry *e = perdure_alloc(kv->tree, sizeof *e + key.length);
  char *copy = copy_value(home_of(kv, key), value);
  if (!e || !copy) {
    perdure_free(e);
    perdure_free(copy);
    return NULL;
  }
  e->value = copy;
  e->value_length = value.length;
  e->key_length = key.length;
  if (key.length)
    memcpy(e->key, key.bytes, key.length);
  return e;
}

/* The parent has room: full nodes are split on the way down. */
static int split_child(struct tree *tree, struct kv_node *parent, int i) {
  struct kv_node *right = make_node(tree, parent->height - 1);
  if (!right)
    return -1;
  split(parent->child[i], right);
  open_gap(parent, i + 1);
  parent->child[i + 1] = right;
  refresh_item(parent, i + 1);
  return 0;
}

static int grow_root(struct tree *tree) {
  struct kv_node *top =
      make_node(tree, tree->root ? tree->root->height + 1 : 0);
  if (!top)
    return -1;
  if (tree->root) {
    top->count = 1;
    top->child[0] = tree->root;
    refresh_item(top, 0);
  }
  tree->root = top;
  return 0;
}

/* Splits what is full on the key's way down. */
static int make_room(struct tree *tree, struct kv_text key) {
  if ((!tree->root || tree->root->count == ORDER) && grow_root(tree))
    return -1;
  struct kv_node *n = tree->root;
  while (n->height) {
    int i = child_of(n, key);
    if (n->child[i]->count == ORDER && split_child(tree, n, i))
      return -1;
    n = n->child[child_of(n, key)];
  }
  return 0;
}

static void set_entry(struct kv_node *n, int i, struct entry *e) {
  n->head[i] = head_of((struct kv_text){e->key, e->key_length});
  n->entry[i] = e;
}

/* There is room, and the key is not there. */
static void insert(struct tree *tree, struct kv_text key, struct entry *e) {
  struct kv_node *n = tree->root;
  while (n->height) {
    if (rank(n, key, true) == 0) /* the new least of all below */
      set_entry(n, 0, e);
    n = n->child[child_of(n, key)];
  }
  int i = rank(n, key, false);
  open_gap(n, i);
  set_entry(n, i, e);
}

int kv_put(struct kv *kv, struct kv_text key, struct kv_text value) {
  struct tree *tree = kv->tree;
  struct kv_node *leaf = leaf_of(tree, key);
  int i = leaf ? rank(leaf, key, false) : 0;
  if (leaf && is_at(leaf, i, key)) {
    struct entry *e = leaf->entry[i];
    char *copy = copy_value(home_of(kv, key), value);
    if (!copy)
      return -1;
    char *old = e->value;
    tree->changes++;
    struct item *item = index_unlink(kv->index, e);
    tree->value_bytes += value.length - e->value_length;
    e->value = copy;
    e->value_length = value.length;
    index_link(kv->index, item, tree->changes);
    perdure_free(old);
    return 0;
  }
  struct entry *e = make_entry(kv, key, value);
  if (!e)
    return -1;
  struct item *item = NULL;
  if (!is_private(key))
    item = index_item(kv->index, e);
  if ((!item && !is_private(key)) || make_room(tree, key)) {
    perdure_free(item);
    perdure_free(e->value);
    perdure_free(e);
    return -1;
  }
  tree->changes++;
  insert(tree, key, e);
  tree->pairs++;
  tree->key_bytes += key.length;
  tree->value_bytes += value.length;
  index_link(kv->index, item, tree->changes);
  return 1;
}

/* Takes the key's item out of the nodes from n down; its entry, or NULL. */
static struct entry *take(struct tree *tree, struct kv_node *n,
                          struct kv_text key) {
  if (n->height == 0) {
    int i = rank(n, key, false);
    if (!is_at(n, i, key))
      return NULL;
    struct entry *e = n->entry[i];
    close_gap(n, i);
    return e;
  }
  int i = child_of(n, key);
  struct entry *e = take(tree, n->child[i], key);
  if (!e)
    return NULL;
  if (n->child[i]->count) {
    refresh_item(n, i);
  } else {
    free_node(tree, n->child[i]);
    close_gap(n, i);
  }
  return e;
}

int kv_del(struct kv *kv, struct kv_text key) {
  struct tree *tree = kv->tree;
  struct kv_text value;
  if (!kv_get(kv, key, &value))
    return 0;
  tree->changes++;
  struct entry *e = take(tree, tree->root, key);
  struct item *item = index_unlink(kv->index, e);
  tree->pairs--;
  tree->key_bytes -= e->key_length;
  tree->value_bytes -= e->value_length;
  index_link(kv->index, NULL, tree->changes);
  perdure_free(item);
  perdure_free(e->value);
  perdure_free(e);
  /* A root that has one child, or nothing, is one level too many. */
  while (tree->root && tree->root->count <= (tree->root->height ? 1 : 0)) {
    struct kv_node *top = tree->root;
    tree->root = top->count ? top->child[0] : NULL;
    free_node(tree, top);
  }
  return 1;
}

/*===- Questions ----------------------------------------------------------===*/

bool kv_get(struct kv *kv, struct kv_text key, struct kv_text *value) {
  struct kv_node *leaf = leaf_of(kv->tree, key);
  int i = leaf ? rank(leaf, key, false) : 0;
  if (!leaf || !is_at(leaf, i, key))
    return false;
  *value = value_of(leaf->entry[i]);
  return true;
}

void kv_seek(struct kv *kv, struct kv_text from, struct kv_cursor *cursor) {
  cursor->depth = 0;
  for (struct kv_node *n = kv->tree->root; n;) {
    int i = n->height ? child_of(n, from) : rank(n, from, false);
    cursor->node[cursor->depth] = n;
    cursor->at[cursor->depth++] = i;
    n = n->height ? n->child[i] : NULL;
  }
}

static struct entry *next_entry(struct kv_cursor *cursor) {
  int depth = cursor->depth;
  while (depth && cursor->at[depth - 1] == cursor->node[depth - 1]->count)
    if (--depth)
      cursor->at[depth - 1]++;
  if (!depth)
    return NULL;
  for (; depth < cursor->depth; depth++) {
    cursor->node[depth] = cursor->node[depth - 1]->child[cursor->at[depth - 1]];
    cursor->at[depth] = 0;
  }
  return cursor->node[depth - 1]->entry[cursor->at[depth - 1]++];
}

bool kv_next(struct kv_cursor *cursor, struct kv_text *key,
             struct kv_text *value) {
  struct entry *e = next_entry(cursor);
  if (!e)
    return false;
  *key = key_of(e);
  *value = value_of(e);
  return true;
}

void kv_find(struct kv *kv, struct kv_text value,
             void (*found)(struct kv_text key)) {
  struct kv_cursor cursor;
  struct kv_text key, got;
  if (kv->index && kv->index->changes == kv->tree->changes) {
    index_find(kv->index, value, found);
    return;
  }
  kv_seek(kv, (struct kv_text){"", 0}, &cursor);
  while (kv_next(&cursor, &key, &got))
    if (got.bytes && !is_private(key) && got.length == value.length &&
        (!value.length || !memcmp(got.bytes, value.bytes, value.length)))
      found(key);
}

void kv_measure(struct kv *kv, struct kv_stats *stats) {
  struct tree *tree = kv->tree;
  stats->pairs = tree->pairs;
  stats->key_bytes = tree->key_bytes;
  stats->value_bytes = tree->value_bytes;
  stats->nodes = tree->nodes;
  stats->changes = tree->changes;
  stats->height = tree->root ? tree->root->height + 1 : 0;
  stats->at = tree;
}

/* What is wrong with the nodes from n down, all of which are counted. */
static const char *check_nodes(const struct kv_node *n, size_t *nodes) {
  ++*nodes;
  if (n->count < 1 || n->count > ORDER)
    return "a node has no items, or too many";
  for (int i = 0; i < n->count; i++) {
    if (n->head[i] != head_of(key_of(n->entry[i])))
      return "a key stands beside the head of another";
    if (i && compare(key_of(n->entry[i - 1]), n->entry[i]) >= 0)
      return "the keys of a node are out of order";
    if (!n->height)
      continue;
    if (n->child[i]->height != n->height - 1)
      return "the leaves are not all at one height";
    const char *what = check_nodes(n->child[i], nodes);
    if (what)
      return what;
    if (n->entry[i] != n->child[i]->entry[0])
      return "a node's key is not the first below it";
  }
  return NULL;
}

/* As many items as there are pairs, and one for each: so no others. */
static const char *check_index(struct kv *kv) {
  size_t pairs = 0;
  struct kv_cursor cursor;
  struct entry *e;
  kv_seek(kv, (struct kv_text){"", 0}, &cursor);
  while ((e = next_entry(&cursor)))
    if (!is_private(key_of(e))) {
      if (!index_has(kv->index, e))
        return "the index does not lead to every pair";
      pairs++;
    }
  return index_items(kv->index) == pairs ? NULL
                                         : "the index has too many items";
}

const char *kv_check(struct kv *kv) {
  size_t nodes = 0;
  const char *what = NULL;
  if (kv->tree->root)
    what = check_nodes(kv->tree->root, &nodes);
  if (!what && nodes != kv->tree->nodes)
    what = "the count of nodes is not theirs";
  if (!what && kv->index && kv->index->changes == kv->tree->changes)
    what = check_index(kv);
  return what;
}

/*===- Opening and closing ------------------------------------------------===*/

/* The root of the object, which KV_WRITE makes when it is not there. */
static void *open_object(perdure_store *store, const char *name, size_t bytes,
                         enum kv_access access) {
  void *root =
      perdure_open(store, name, access == KV_READ ? PERDURE_RDONLY : 0);
  if (!root && access == KV_WRITE && errno == ENOENT)
    root = perdure_create(store, name, bytes, 0);
  return root;
}

static int open_values(struct kv *kv) {
  for (int i = 0; i < VALUE_OBJECTS; i++) {
    kv->values[i] = open_object(kv->store, value_objects[i], 1, KV_WRITE);
    if (!kv->values[i])
      return -1;
  }
  return 0;
}

/* Indexes what was put by programs that know no index. */
static int build_index(struct kv *kv) {
  struct kv_cursor cursor;
  struct entry *e;
  kv_seek(kv, (struct kv_text){"", 0}, &cursor);
  while ((e = next_entry(&cursor)))
    if (!is_private(key_of(e))) {
      struct item *item = index_item(kv->index, e);
      if (!item)
        return -1;
      index_link(kv->index, item, 0);
    }
  index_link(kv->index, NULL, kv->tree->changes);
  return 0;
}

static int open_index(struct kv *kv, enum kv_access access) {
  kv->index = open_object(kv->store, "by-value", sizeof *kv->index, access);
  if (access == KV_READ) {
    /* Its order is that of the values. */
    for (int i = 0; i < VALUES; i++)
      if (!open_object(kv->store, value_objects[i], 1, KV_READ))
        kv->index = NULL;
    return 0;
  }
  if (!kv->index)
    return -1;
  if (kv->index->changes == kv->tree->changes)
    return 0;
  /* Begin anew: what it leads to may be gone. */
  perdure_close(kv->index);
  if (perdure_remove(kv->store, "by-value"))
    return -1;
  kv->index = open_object(kv->store, "by-value", sizeof *kv->index, access);
  if (!kv->index || kv_begin(kv, KV_WRITE) < 0)
    return -1;
  int built = build_index(kv);
  kv_end(kv);
  return built;
}

struct kv *kv_open(const char *path, enum kv_access access) {
  struct kv *kv = calloc(1, sizeof *kv);
  if (!kv)
    return NULL;
  kv->store = perdure_store_open(path, access == KV_READ ? PERDURE_RDONLY
                                                         : PERDURE_CREATE);
  if (kv->store)
    kv->tree = open_object(kv->store, "pairs", sizeof *kv->tree, access);
  /* A reader's values are opened when a pointer leads to them. */
  if (!kv->tree || (access == KV_WRITE && open_values(kv)) ||
      open_index(kv, access)) {
    kv_close(kv);
    return NULL;
  }
  return kv;
}

void kv_close(struct kv *kv) {
  perdure_store_close(kv->store);
  free(kv);
}

const char *kv_error(void) { return perdure_errormsg(); }

/* The tree's section stands for all objects: values change only with it. */
int kv_begin(struct kv *kv, enum kv_access access) {
  return perdure_lock(kv->tree, access == KV_READ ? PERDURE_RDONLY : 0);
}

void kv_end(struct kv *kv) { perdure_unlock(kv->tree); }

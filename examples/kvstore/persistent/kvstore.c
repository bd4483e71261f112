/* kvstore.c - A tree of pairs in a Perdure store.
 *
 * Every node holds up to ORDER items in order. An item of a leaf is an entry.
 * An item of an inner node is a child, with the least entry below it. Beside
 * each entry lie the first eight bytes of its key, so that most comparisons
 * stay inside the node. A leaf that becomes empty is freed; half-empty ones
 * are left alone, since they fill up again.
 */
#include "../kv.h"

#include <perdure/perdure.h>
#include <stdint.h>
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

struct PERDURE kv {
  struct kv_node *root;
  size_t pairs, key_bytes, value_bytes, nodes;
};

/* Zeroed, and close to `near` where that means something. */
static void *kv_alloc(void *near, size_t size) {
  return perdure_alloc(near, size);
}

static void kv_free(void *block) { perdure_free(block); }

int kv_open(struct kv_store *store, const char *path, enum kv_access access) {
  unsigned flags = access == KV_WRITE ? PERDURE_CREATE : PERDURE_RDONLY;
  store->handle = perdure_store_open(path, flags);
  if (!store->handle)
    return -1;
  store->pairs = perdure_open(store->handle, "pairs", flags & PERDURE_RDONLY);
  if (!store->pairs && access == KV_WRITE)
    store->pairs = perdure_create(store->handle, "pairs", sizeof(struct kv), 0);
  if (store->pairs)
    return 0;
  perdure_store_close(store->handle);
  return -1;
}

void kv_close(struct kv_store *store) { perdure_store_close(store->handle); }

const char *kv_error(void) { return perdure_errormsg(); }

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

static struct kv_node *leaf_of(struct kv *kv, struct kv_text key) {
  struct kv_node *n = kv->root;
  while (n && n->height)
    n = n->child[child_of(n, key)];
  return n;
}

/*===- Nodes --------------------------------------------------------------===*/

static struct kv_node *make_node(struct kv *kv, int height) {
  size_t children = height ? ORDER : 0;
  struct kv_node *n =
      kv_alloc(kv, sizeof *n + children * sizeof(struct kv_node *));
  if (n) {
    n->height = height;
    kv->nodes++;
  }
  return n;
}

static void free_node(struct kv *kv, struct kv_node *n) {
  kv->nodes--;
  kv_free(n);
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

static char *copy_value(struct kv *kv, struct kv_text value) {
  char *copy = kv_alloc(kv, value.length ? value.length : 1);
  if (copy && value.length)
    memcpy(copy, value.bytes, value.length);
  return copy;
}

static struct entry *make_entry(struct kv *kv, struct kv_text key,
                                struct kv_text value) {
  struct entry *e = kv_alloc(kv, sizeof *e + key.length);
  char *copy = copy_value(kv, value);
  if (!e || !copy) {
    kv_free(e);
    kv_free(copy);
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
static int split_child(struct kv *kv, struct kv_node *parent, int i) {
  struct kv_node *right = make_node(kv, parent->height - 1);
  if (!right)
    return -1;
  split(parent->child[i], right);
  open_gap(parent, i + 1);
  parent->child[i + 1] = right;
  refresh_item(parent, i + 1);
  return 0;
}

static int grow_root(struct kv *kv) {
  struct kv_node *top = make_node(kv, kv->root ? kv->root->height + 1 : 0);
  if (!top)
    return -1;
  if (kv->root) {
    top->count = 1;
    top->child[0] = kv->root;
    refresh_item(top, 0);
  }
  kv->root = top;
  return 0;
}

/* Splits what is full on the key's way down. */
static int make_room(struct kv *kv, struct kv_text key) {
  if ((!kv->root || kv->root->count == ORDER) && grow_root(kv))
    return -1;
  struct kv_node *n = kv->root;
  while (n->height) {
    int i = child_of(n, key);
    if (n->child[i]->count == ORDER && split_child(kv, n, i))
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
static void insert(struct kv *kv, struct kv_text key, struct entry *e) {
  struct kv_node *n = kv->root;
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
  struct kv_node *leaf = leaf_of(kv, key);
  int i = leaf ? rank(leaf, key, false) : 0;
  if (leaf && is_at(leaf, i, key)) {
    struct entry *e = leaf->entry[i];
    char *copy = copy_value(kv, value);
    if (!copy)
      return -1;
    kv_free(e->value);
    kv->value_bytes += value.length - e->value_length;
    e->value = copy;
    e->value_length = value.length;
    return 0;
  }
  struct entry *e = make_entry(kv, key, value);
  if (!e)
    return -1;
  if (make_room(kv, key)) {
    kv_free(e->value);
    kv_free(e);
    return -1;
  }
  insert(kv, key, e);
  kv->pairs++;
  kv->key_bytes += key.length;
  kv->value_bytes += value.length;
  return 1;
}

/* Takes the key's item out of the nodes from n down; its entry, or NULL. */
static struct entry *take(struct kv *kv, struct kv_node *n,
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
  struct entry *e = take(kv, n->child[i], key);
  if (!e)
    return NULL;
  if (n->child[i]->count) {
    refresh_item(n, i);
  } else {
    free_node(kv, n->child[i]);
    close_gap(n, i);
  }
  return e;
}

bool kv_del(struct kv *kv, struct kv_text key) {
  struct entry *e = kv->root ? take(kv, kv->root, key) : NULL;
  if (!e)
    return false;
  kv->pairs--;
  kv->key_bytes -= e->key_length;
  kv->value_bytes -= e->value_length;
  kv_free(e->value);
  kv_free(e);
  /* A root that has one child, or nothing, is one level too many. */
  while (kv->root && kv->root->count <= (kv->root->height ? 1 : 0)) {
    struct kv_node *top = kv->root;
    kv->root = top->count ? top->child[0] : NULL;
    free_node(kv, top);
  }
  return true;
}

/*===- Questions ----------------------------------------------------------===*/

bool kv_get(struct kv *kv, struct kv_text key, struct kv_text *value) {
  struct kv_node *leaf = leaf_of(kv, key);
  int i = leaf ? rank(leaf, key, false) : 0;
  if (!leaf || !is_at(leaf, i, key))
    return false;
  value->bytes = leaf->entry[i]->value;
  value->length = leaf->entry[i]->value_length;
  return true;
}

void kv_seek(struct kv *kv, struct kv_text from, struct kv_cursor *cursor) {
  cursor->depth = 0;
  for (struct kv_node *n = kv->root; n;) {
    int i = n->height ? child_of(n, from) : rank(n, from, false);
    cursor->node[cursor->depth] = n;
    cursor->at[cursor->depth++] = i;
    n = n->height ? n->child[i] : NULL;
  }
}

bool kv_next(struct kv_cursor *cursor, struct kv_text *key,
             struct kv_text *value) {
  int depth = cursor->depth;
  while (depth && cursor->at[depth - 1] == cursor->node[depth - 1]->count)
    if (--depth)
      cursor->at[depth - 1]++;
  if (!depth)
    return false;
  for (; depth < cursor->depth; depth++) {
    cursor->node[depth] = cursor->node[depth - 1]->child[cursor->at[depth - 1]];
    cursor->at[depth] = 0;
  }
  struct entry *e = cursor->node[depth - 1]->entry[cursor->at[depth - 1]++];
  *key = (struct kv_text){e->key, e->key_length};
  *value = (struct kv_text){e->value, e->value_length};
  return true;
}

void kv_measure(struct kv *kv, struct kv_stats *stats) {
  stats->pairs = kv->pairs;
  stats->key_bytes = kv->key_bytes;
  stats->value_bytes = kv->value_bytes;
  stats->nodes = kv->nodes;
  stats->height = kv->root ? kv->root->height + 1 : 0;
}

/* kv.h - A store of pairs, ordered by key.
 *
 * Keys and values are any bytes. Keys order as memcmp() orders them, and a key
 * before every longer one that begins with it. Not thread-safe. Functions that
 * can run out of memory return -1 then, and change nothing.
 */
#ifndef KV_H
#define KV_H

#include <stdbool.h>
#include <stddef.h>

struct kv;
struct kv_node;

struct kv_text {
  const char *bytes;
  size_t length;
};

struct kv_store {
  struct kv *pairs;
  void *handle;
};

enum kv_access { KV_READ, KV_WRITE };

/* KV_WRITE makes the store that is not there. -1: kv_error() says why. */
int kv_open(struct kv_store *store, const char *path, enum kv_access access);
void kv_close(struct kv_store *store);
const char *kv_error(void);

/* 1: a new key. 0: the key had another value, which is gone. */
int kv_put(struct kv *kv, struct kv_text key, struct kv_text value);
/* What *value refers to stays until the key is put or deleted. */
bool kv_get(struct kv *kv, struct kv_text key, struct kv_text *value);
bool kv_del(struct kv *kv, struct kv_text key);

/* The way down the tree to the next pair. Ends with the next change. */
struct kv_cursor {
  struct kv_node *node[16];
  int at[16];
  int depth;
};

/* The first pair whose key is not before `from`. */
void kv_seek(struct kv *kv, struct kv_text from, struct kv_cursor *cursor);
/* The pair at the cursor, which moves on. False: there are no more. */
bool kv_next(struct kv_cursor *cursor, struct kv_text *key,
             struct kv_text *value);

struct kv_stats {
  size_t pairs, key_bytes, value_bytes, nodes;
  int height;
};
void kv_measure(struct kv *kv, struct kv_stats *stats);

#endif

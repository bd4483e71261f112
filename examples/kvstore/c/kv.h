/* kv.h - A store of pairs, ordered by key.
 *
 * Keys and values are any bytes. Keys order as memcmp() orders them, and a key
 * before every longer one that begins with it. Not thread-safe. Functions that
 * can fail return NULL or -1 then, change nothing, and kv_error() says why.
 */
#ifndef KV_H
#define KV_H

#include <stdbool.h>
#include <stddef.h>

struct kv; /* an open store */
struct kv_node;

struct kv_text {
  const char *bytes;
  size_t length;
};

enum kv_access { KV_READ, KV_WRITE };

/* KV_WRITE makes the store that is not there. */
struct kv *kv_open(const char *path, enum kv_access access);
void kv_close(struct kv *kv);
const char *kv_error(void);

/* All that follows lies between these two. What it gave is good until kv_end,
 * or until it is changed. 1, which a writer is told once: as 0, but the last
 * process that wrote has died in the middle of a change, and it may be half
 * done. */
int kv_begin(struct kv *kv, enum kv_access access);
void kv_end(struct kv *kv);

/* 1: a new key. 0: the key had another value, which is gone. */
int kv_put(struct kv *kv, struct kv_text key, struct kv_text value);
/* 1: it was there. 0: there is no such key. */
int kv_del(struct kv *kv, struct kv_text key);
/* The bytes of a value that this process has no right to read are NULL. */
bool kv_get(struct kv *kv, struct kv_text key, struct kv_text *value);

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

/* Calls `found` for every key that has this value, in order. */
void kv_find(struct kv *kv, struct kv_text value,
             void (*found)(struct kv_text key));

struct kv_stats {
  size_t pairs, key_bytes, value_bytes, nodes, changes;
  int height;
  const void *at;
};
void kv_measure(struct kv *kv, struct kv_stats *stats);

/* What is wrong with the structure; NULL: nothing is. */
const char *kv_check(struct kv *kv);

#endif

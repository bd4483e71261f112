/* index.h - The entries once more, ordered by value.
 *
 * A writer always has one. NULL as an item stands for none. */
#ifndef INDEX_H
#define INDEX_H

#include "../kv.h"

#include <perdure/perdure.h>

/* What is indexed: the store's own. */
struct PERDURE entry;
PERDURE_TX_SAFE /* it only reads */
    struct kv_text
    key_of(struct entry *e);
PERDURE_TX_SAFE
struct kv_text value_of(struct entry *e);

struct PERDURE item {
  struct entry *entry; /* in another object */
  struct item *left, *right;
};

/* The root of the index's object. */
struct PERDURE index {
  struct item *root;
  size_t changes; /* of the store, up to which the index is right */
};

/* Makes what index_link then puts in its place; NULL: no room. */
PERDURE_IN_TRANSACTION
struct item *index_item(struct index *index, struct entry *e);
PERDURE_IN_TRANSACTION
void index_link(struct index *index, struct item *item, size_t changes);
/* Takes the entry's item out. NULL: the entry is not in the index. */
PERDURE_IN_TRANSACTION
struct item *index_unlink(struct index *index, struct entry *e);
/* Frees all items. */
PERDURE_IN_TRANSACTION
void index_clear(struct index *index);

bool index_has(struct index *index, struct entry *e);
size_t index_items(struct index *index);

void index_find(struct index *index, struct kv_text value,
                void (*found)(struct kv_text key));

#endif

/* pkv.h - An ordered key-value store in persistent objects.
 *
 * A store is a directory. It holds named trees; a tree holds pairs of a key and
 * a value, any bytes, ordered by key as memcmp orders them (a prefix comes
 * first). Keys have 1 to PKV_KEY_MAX bytes, values up to PKV_VALUE_MAX.
 *
 * Errors. A function that fails returns -1 or NULL and sets errno;
 * pkv_errormsg says it in words. Nothing has changed then. What is not there is
 * ENOENT. A transaction in which there was no room for a change, or that came upon
 * damage where it had to change something (EPROTO), can only be
 * ended: ECANCELED, and its cursors stand nowhere. Where the file cannot grow by
 * what a transaction has to log, the runtime reports it and ends the process.
 *
 * Threads. A pkv and its trees may be used by any number of threads. A
 * transaction and a cursor belong to the thread that began them. Of those for
 * writing a thread has one at a time, over all stores: EDEADLK.
 *
 * Processes. One process has a store open to write. Others may open it with
 * PKV_RDONLY when none has. With PKV_SHARED any number have it open, to write or
 * with PKV_RDONLY, and without it nobody then. Those that write take turns, one
 * transaction at a time over all of them, and wait for each other in the order in
 * which they came; with PKV_NOWAIT none waits. Readers wait for nobody (but a snapshot
 * of thousands of trees begins anew while others commit faster than it looks at
 * them): they see
 * what any process has committed last, and snapshots keep what they see, whatever
 * others commit. A process may die at any moment, in a transaction or a
 * snapshot: who writes next rolls it back, and frees what its snapshots kept. A tree
 * that another process has made is there for pkv_tree_open.
 *   What that costs: nothing is changed in place, so each call without a transaction
 * copies the nodes on its way; with PKV_DURABLE, which all that write say or none,
 * another process's turn syncs the file four times. The right to write
 * the store's files is needed to read, too: readers are written down, up to 8
 * times for each opening, in a table of 1,024 in the store's directory (EAGAIN when it
 * is full). A child of fork() uses no store of its parent's, and as long as it lives
 * (not after exec) a parent that died counts as alive.
 *
 * Transactions. A call without one (NULL) is one of its own. A transaction for
 * writing excludes other writers until it ends, and no readers: everybody else
 * sees what was committed last. With PKV_RDONLY it is a snapshot: it sees the
 * store as it was when it began, for as long as it lasts.
 *
 * Durability. What was committed survives the process, however it dies. With
 * PKV_DURABLE, and on DAX media always, it survives a power failure, too, once
 * the call that committed it has returned.
 */
#ifndef PKV_H
#define PKV_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pkv pkv;
typedef struct pkv_tree pkv_tree;
typedef struct pkv_txn pkv_txn;
typedef struct pkv_cursor pkv_cursor;
typedef struct pkv_load pkv_load;
typedef struct pkv_index pkv_index;
typedef struct pkv_index_cursor pkv_index_cursor;
typedef struct pkv_object pkv_object;

enum {
  PKV_CREATE = 1,    /* make the store, or the tree, that is not there */
  PKV_RDONLY = 2,    /* change nothing */
  PKV_DURABLE = 4,   /* survive power failures on page-cache files as well */
  PKV_NOREPLACE = 8, /* pkv_put: EEXIST when the key has a value */
  PKV_NOWAIT = 16,   /* pkv_begin: EBUSY when another writes */
  PKV_SHARED = 32,   /* pkv_open: beside other processes that say so, too */
  PKV_UNIQUE = 64    /* pkv_index_open: one pair for a key at most */
};

enum { PKV_KEY_MAX = 1024, PKV_VALUE_MAX = 1 << 30, PKV_NAME_MAX = 255 };

/* Bytes of the caller, or of the store. */
struct pkv_bytes {
  const void *data;
  size_t size;
};

/* The message of this thread's last failure; "" before the first. */
const char *pkv_errormsg(void);

/* Flags: CREATE, RDONLY, DURABLE, SHARED. Takes the same time however many pairs there
   are; it looks at each tree. Errors: ENOENT, EBUSY (somebody has it open, here
   or in another process, and one of the two writes, or one has said SHARED; or the
   others that write it say DURABLE and this one does not, or the other way round),
   EPROTO (no store of this version, or a damaged one), EDEADLK, EINVAL, and those of
   perdure_store_open; with SHARED also EACCES, EROFS (see above), ENOSPC. */
pkv *pkv_open(const char *dir, unsigned flags);
/* After all transactions and cursors: but for the one for writing that this
   thread has begun, which it aborts. */
void pkv_close(pkv *store);
/* Opens for writing as well what this process has open with RDONLY; trees,
   snapshots and cursors stay what they are. Flags: DURABLE. Nothing to do when
   it is open to write. Errors: EBUSY (another process has it open), EACCES,
   EROFS, EDEADLK, EINVAL, and those of perdure_open: it is open for reading
   then, as before. */
int pkv_open_to_write(pkv *store, unsigned flags);

/* The tree of that name, 1 to PKV_NAME_MAX bytes; "" is one that every store
   has. Good until the store closes. CREATE makes it: in the transaction for
   writing that this thread has begun in the store, or in one of its own. What a
   transaction has made this thread alone can open until it is committed. When
   it is aborted there is no such tree, and what it was opened as is good for
   nothing: EINVAL; it takes memory until the store closes. Errors: ENOENT,
   EINVAL, EROFS, ECANCELED, ENOSPC, ENOMEM,
   EDEADLK (CREATE in a transaction of another store). */
pkv_tree *pkv_tree_open(pkv *store, const char *name, unsigned flags);
/* Calls `visit` with each name that is committed, in the order in which they
   were made, until it returns something else than 0; returns that, or 0. */
int pkv_trees(pkv *store, int (*visit)(void *arg, const char *name), void *arg);

/* One at a time for writing: waits for the others; EDEADLK when this thread has
   begun it, EBUSY with NOWAIT when another has, here or in another process, or is
   in a call that writes or makes a tree, or in pkv_check. With RDONLY a snapshot;
   with NOWAIT, too: EBUSY while a transaction that was prepared has not ended.
   EROFS, ENOMEM, and with SHARED EAGAIN (a snapshot; no room to write it down), EPROTO
   and EIO (what others have written cannot be read). */
pkv_txn *pkv_begin(pkv *store, unsigned flags);
/* Makes sure that it can be committed, but for a medium that fails: 0, or -1 and
   ECANCELED, ENOSPC or ENOMEM; then end it. A transaction that makes one change
   alone may find out only here that there is no room. Others that read the store
   without a transaction, or begin a snapshot, may wait from now on until it ends,
   and for this thread they fail (EDEADLK). pkv_commit does it when nobody has. */
int pkv_prepare(pkv_txn *txn);
/* Ends it. -1: nothing of it has been committed (EIO, ENOSPC, ...), or
   something in it had failed for want of room (ECANCELED). */
int pkv_commit(pkv_txn *txn);
void pkv_abort(pkv_txn *txn);

/* Gives the key this value. Returns 1 when the key is new, 0 when it had one.
   Errors: EINVAL (sizes), EROFS, EEXIST (NOREPLACE), ENOSPC (in a transaction also
   later: pkv_prepare), EDEADLK (without a transaction in a thread that has begun
   one). */
int pkv_put(pkv_tree *tree, pkv_txn *txn, struct pkv_bytes key,
            struct pkv_bytes value, unsigned flags);
/* Removes the key. ENOENT, and as pkv_put. */
int pkv_del(pkv_tree *tree, pkv_txn *txn, struct pkv_bytes key);

/* Puts many pairs, in transactions of its own: of `pairs` pairs at most, 0 is
   PKV_LOAD_PAIRS, and of PKV_LOAD_BYTES of keys and values or one pair, so that
   what the store logs is bounded. Pairs in ascending order behind the last of
   the tree become leaves at once, all of whose 48 places are taken (of the last
   leaf some); others are put as pkv_put does it, and so are all in a tree with
   indexes. What is committed everybody sees: a process that dies leaves the
   pairs of some first transactions, whole, and nothing else. Others may write
   in between. A load is used by one thread at a time.
   pkv_load_begin: EROFS, EDEADLK (as below), ENOMEM. */
enum { PKV_LOAD_PAIRS = 4096, PKV_LOAD_BYTES = 1 << 20 };
pkv_load *pkv_load_begin(pkv_tree *tree, size_t pairs);
/* Copies both. -1: EINVAL, and this pair is left out; EDEADLK (this thread has
   begun a transaction) and ENOMEM, and it can be tried again; or what pkv_put
   and pkv_commit fail with: the load can only be ended, ECANCELED. */
int pkv_load_put(pkv_load *load, struct pkv_bytes key, struct pkv_bytes value);
/* What a load has committed. */
struct pkv_loaded {
  uint64_t pairs;    /* that were given to pkv_load_put: the first ones */
  uint64_t fresh;    /* whose keys were new */
  uint64_t appended; /* that became leaves at once */
};
/* Commits the rest, and frees the load in any case. Fills in *loaded, which may
   be NULL. -1: as pkv_load_put. */
int pkv_load_end(pkv_load *load, struct pkv_loaded *loaded);
/* The same without the rest. NULL is ignored. */
void pkv_load_abort(pkv_load *load, struct pkv_loaded *loaded);

/* Values in other objects. A value may lie in another object of the store, a file
   of its own with an owner and a mode of its own. Its key lies where all keys do:
   who may not read the object sees that there is the pair, in counts and scans,
   and gets other values. What gives a value says EACCES then, or ENODATA when the
   object's file is gone, or what perdure_open fails with.
   Who may not write the object cannot put a value there, nor replace or remove one
   that lies there: EACCES, and nothing is changed. When the file is gone, its
   pairs can be replaced and removed, once indexes of their tree have been dropped,
   which need the old values. A file that was copied back from before is refused by what
   changes values there and found by pkv_check; what is read of it may be anything, or,
   where it is shorter, end the process. A transaction over any number of objects
   commits as one. What holds is what the rights were when this process first had
   to do with the object, but more may have been given since.
   A process that dies while it commits to such an object leaves that to be finished
   by who next uses the object. Until somebody has who may write it, the store's own
   object remembers what became of the transaction: that one must not be lost, or the
   other does not open (EPROTO).
   With SHARED and DURABLE together values in other objects are read, but neither put
   nor replaced nor removed: EINVAL. With SHARED, to read one may wait until
   another's transaction ends, when a process has died in one before; and who has looked
   at an object in a transaction (pkv_object_stat; pkv_get, when a process has died in
   one) cannot change values there in the same one for the first time: EBUSY or EDEADLK.
   Who may write the object can damage it, and no other: whatever it says leads to no
   change elsewhere (EPROTO). A block that it says is free, and that is none, ends the
   process that comes to it (perdure_free). */

/* The object of that name: 1 to PKV_NAME_MAX letters, digits, '-', '_' and '.', not
   first, and not "pkv". Good until the store closes. CREATE makes it, in a
   transaction of its own; its file, STORE/objects/ID where STORE/names/NAME holds
   the ID, gets the mode, of 0666, whatever the umask; and who can read it can read
   that name. Of those that make it at once the first does, and all get that one. To be
   opened it needs no rights to the file. Waits for who writes.
   Errors: ENOENT, EINVAL, EEXIST (there is a file of that name that is not the
   store's, or is another user's), EROFS, EDEADLK (CREATE, and this thread has begun a
   transaction; or it has begun one in another store),
   and those of perdure_create. */
pkv_object *pkv_object_open(pkv *store, const char *name, unsigned flags,
                            unsigned mode);
/* As pkv_trees. Waits for who writes. */
int pkv_objects(pkv *store, int (*visit)(void *arg, const char *name), void *arg);
/* As pkv_put, but the value lies in the object. EACCES, ENODATA, EINVAL (it is
   another store's), and those above. pkv_put brings it back. */
int pkv_put_in(pkv_tree *tree, pkv_txn *txn, struct pkv_bytes key,
               struct pkv_bytes value, pkv_object *object, unsigned flags);

struct pkv_object_stat {
  uint64_t values, value_bytes; /* everybody is told; the rest who may read */
  int error; /* it cannot be read, pkv_errormsg says why; 0: it can */
  uint64_t waiting;
  uint64_t file_bytes, used_bytes, free_bytes;
};
/* Waits for who writes. What the transaction has done that this thread has begun is
   counted. */
int pkv_object_stat(pkv_object *object, struct pkv_object_stat *stat);

/* Copies the key's value to `buffer`, of which it is given the size, and
   returns the size of the value: more than that was not copied. ENOENT; of values
   in other objects EACCES, ENODATA and others (see above); with SHARED, and without
   a transaction, EAGAIN and ENOMEM. */
ptrdiff_t pkv_get(pkv_tree *tree, pkv_txn *txn, struct pkv_bytes key,
                  void *buffer, size_t size);
/* The value where it lies: good until the transaction ends, or changes the
   key. EINVAL without one. */
int pkv_see(pkv_tree *tree, pkv_txn *txn, struct pkv_bytes key,
            struct pkv_bytes *value);

/* A cursor over the tree as the transaction sees it; without one, over a
   snapshot of its own. It stands before the first pair, or on one, or after the
   last. A cursor of a transaction for writing sees its changes: when its pair
   is removed it stands between the neighbours. ENOMEM, EAGAIN (as pkv_begin). */
pkv_cursor *pkv_cursor_open(pkv_tree *tree, pkv_txn *txn);
/* After the transaction as well, but not after the store. */
void pkv_cursor_close(pkv_cursor *cursor);
/* Each moves it and returns 1 when it stands on a pair then, or 0. pkv_seek
   goes to the first pair whose key is not less, pkv_last to the last of all. */
int pkv_first(pkv_cursor *cursor);
int pkv_last(pkv_cursor *cursor);
int pkv_seek(pkv_cursor *cursor, struct pkv_bytes key);
int pkv_next(pkv_cursor *cursor);
int pkv_prev(pkv_cursor *cursor);
/* The pair on which it stands, where it lies: good until it moves, and until
   the pair is changed. Each may be NULL. ENOENT between pairs; of a value in
   another object what pkv_get says, and neither is filled in. */
int pkv_pair(pkv_cursor *cursor, struct pkv_bytes *key,
             struct pkv_bytes *value);
/* As that many calls of pkv_next and pkv_pair, up to `most`: tells of each pair,
   and stands on the last. Returns how many, which may be fewer; 0: it stands
   behind all; -1: on a pair of which pkv_pair fails. In a snapshot the pairs
   are good until it ends. */
struct pkv_item {
  struct pkv_bytes key, value;
};
int pkv_next_many(pkv_cursor *cursor, struct pkv_item *items, int most);

/* Indexes. An index of a tree finds its pairs by other keys than their own,
   0 to 1,024 bytes each, which a function of the caller's says: it calls `emit`
   with `to` for each of them, none or any number, and returns 0, or something
   else to refuse the pair (pkv_put: ECANCELED). What it says depends on the
   pair alone. It may be called by any thread that writes, in its transaction,
   and by pkv_check; it calls no function of the store, and throws nothing.

   What a call or a transaction changes in a tree it changes in the indexes; it
   is refused, and nothing is changed, where another pair has the key in an
   index with UNIQUE: EEXIST. A tree with an index that has not been opened
   since the store was is not changed: EINVAL, until it is opened or dropped.
   Names of trees that begin with a byte 1 are the indexes' own. */
typedef int pkv_extract(void *arg, struct pkv_bytes key, struct pkv_bytes value,
                        void (*emit)(void *to, struct pkv_bytes index_key),
                        void *to);
/* The index of that name, good until it is dropped or the store closes. Flags:
   CREATE, UNIQUE (as it was created). One that is made, or whose maker died, is
   built from the pairs that are there, in transactions of bounded size, while
   others read and write. A store that is open to read has the indexes that are
   whole. Errors: ENOENT, EEXIST (UNIQUE; it is not made), EINVAL (flags; the
   names of tree and index together have more than 253 bytes; it is open with
   another function; the store is open with SHARED, where trees that have
   indexes are not changed), EROFS, EDEADLK (this thread has begun a transaction),
   ECANCELED, ENOMEM, ENOSPC. One thread at a time opens or drops an index of a
   tree. */
pkv_index *pkv_index_open(pkv_tree *tree, const char *name,
                          pkv_extract *extract, void *arg, unsigned flags);
/* Removes the index, opened or not, in transactions of bounded size. Who dies
   meanwhile leaves it to be dropped again, and so may an error: ENOENT, EROFS,
   EDEADLK, and those of pkv_commit. */
int pkv_index_drop(pkv_tree *tree, const char *name);

/* A cursor over the index, ordered by its keys, then by those of the pairs;
   else as pkv_cursor. ENOENT: the transaction does not see it whole. */
pkv_index_cursor *pkv_index_cursor_open(pkv_index *index, pkv_txn *txn);
/* Before its transaction ends. NULL is ignored. */
void pkv_index_cursor_close(pkv_index_cursor *cursor);
int pkv_index_first(pkv_index_cursor *cursor);
int pkv_index_last(pkv_index_cursor *cursor);
/* To the first key of the index that is not less. -1: ENOMEM. */
int pkv_index_seek(pkv_index_cursor *cursor, struct pkv_bytes index_key);
int pkv_index_next(pkv_index_cursor *cursor);
int pkv_index_prev(pkv_index_cursor *cursor);
/* Each may be NULL. index_key is good until the cursor moves or is asked again.
 */
int pkv_index_pair(pkv_index_cursor *cursor, struct pkv_bytes *index_key,
                   struct pkv_bytes *key, struct pkv_bytes *value);

struct pkv_stat {
  uint64_t pairs, key_bytes, value_bytes;
  uint64_t leaves, inner_nodes;
  unsigned height;    /* levels of nodes */
  uint64_t snapshots; /* of this process, of the whole store */
  uint64_t waiting; /* blocks of the store that snapshots keep, or no write has
                       freed yet */
  uint64_t file_bytes, used_bytes,
      free_bytes; /* of the store's own object, without those for values */
};
/* Walks what the runtime keeps of the objects, not the tree. */
int pkv_stat(pkv_tree *tree, pkv_txn *txn, struct pkv_stat *stat);
/* How many pairs the tree has, as the transaction sees it: looks at nothing but
   the number. EBUSY without a transaction, while one is prepared. */
int pkv_count(pkv_tree *tree, pkv_txn *txn, uint64_t *pairs);

/* Where a compaction stands: zeroes at first. It may be copied and kept, and
   used with the same tree in another process. */
struct pkv_compaction {
  uint64_t looked;  /* at so many nodes, some several times */
  uint64_t written; /* nodes */
  uint64_t saved;   /* so many nodes fewer */
  uint64_t pairs;   /* of the tree's, that it has come by: how far it is */
  /* the library's own */
  uint64_t saved_before;
  unsigned pass, level;
  size_t key_bytes;
  char key[PKV_KEY_MAX];
};
/* Makes the nodes of the tree as few as they can be, after many pairs have been
   removed, step by step: a call writes about `budget` nodes (of 832 and 1,216
   bytes) in one transaction, 100 more at most, or looks at 16 times as many.
   Returns 1 while there is more to do, then 0: no node's children would fit in
   fewer then, if nobody has removed anything meanwhile. Others read and write
   in between, and keep their snapshots. To stop needs no call; to begin again
   reads what is done and writes none of it.
   Pairs stay where they are. What becomes free, when no snapshot sees it any
   more and some transactions have followed, is used again by whatever grows;
   the file gets no shorter. -1: as pkv_put, and *at is as before. */
int pkv_compact(pkv_tree *tree, uint64_t budget, struct pkv_compaction *at);

/* Looks at everything: NULL, or what is wrong, in words, until the thread's
   next call, and errno is EPROTO; or why it could not look: EDEADLK (this thread has
   begun a transaction in another store), ENOMEM and those of pkv_begin. Where nothing is wrong, but objects with values could
   not be looked at, it says of one of them why, and errno is EACCES, ENODATA or
   another. As long as reading every pair takes; waits for who writes. Of
   indexes that are open it knows which entries there have to be, and looks at
   each. */
const char *pkv_check(pkv *store);

/* How many blocks of the store nothing leads to: none, but for what processes
   leave that are killed while the runtime allocates a block, or, right behind a
   commit, frees what the transaction freed. Looks at what is counted, not at pairs.
   Objects with values that cannot be read are left out. -1: EDEADLK (this
   thread has begun a transaction), EPROTO, ENOMEM. */
int64_t pkv_lost(pkv *store);

#ifdef __cplusplus
}
#endif

#endif

/*===- perdure/runtime.h - Stores, objects and their memory ----------------===*\
|*
|* The runtime's functions, for any C11 or C++ compiler; link -lperdure. What
|* the compiler plugin adds is in <perdure/perdure.h>. docs/RuntimeABI.md
|* describes the files that these functions write.
|*
|* Words. A store is a directory of objects and of names that lead to them. An
|* object is one file, mapped whole while it is open. A container is the
|* address at which a persistent pointer is stored. All sizes are in bytes.
|*
|* Errors. A function that fails returns NULL or -1, sets errno and leaves a
|* message in words for perdure_errormsg(); nothing has changed then. Misuse
|* that would destroy data (a block freed twice, a native address stored into
|* an object) is reported on stderr and ends the process with abort().
|*
|* Threads. Every function may be called from any thread at any time, except
|* that nothing may use a store, or memory of its objects, while or after its
|* last perdure_store_close. User data is not locked: perdure_lock is there for
|* programs that want it.
|*
|* Processes. An object has one writing process for as long as that has it open,
|* or several that open it with PERDURE_SHARED and take turns (perdure_lock);
|* any number of others read it meanwhile. Locks are the kernel's and end with
|* the process that holds them, however it ends. A child of fork() finds its
|* parent's stores open and their objects mapped without the right to write; it
|* holds no lock and is in no section. It may open objects for writing once its
|* parent has closed the store or is gone.
|*
|* Process death (kill -9, abort) at any point leaves every object whole as far
|* as the runtime is concerned: at worst, blocks that were just allocated or
|* unlinked leak. What a power failure leaves is said with perdure_persist.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_RUNTIME_H
#define PERDURE_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PERDURE_API __attribute__((visibility("default")))
#else
#define PERDURE_API
#endif

/* Flags. Those that a function does not name are EINVAL. */
enum {
  PERDURE_CREATE = 1,  /* make the store when it is missing */
  PERDURE_RDONLY = 2,  /* map without the right to write; a write faults */
  PERDURE_DURABLE = 4, /* also on page-cache files, what is committed survives a
                          power failure: see docs/Durability.md */
  PERDURE_EXCL = 8,    /* with PERDURE_CREATE: EEXIST when it exists */
  PERDURE_SHARED = 16, /* several processes write, in turns: see perdure_lock */
  PERDURE_NOWAIT = 32, /* EBUSY instead of waiting */
  PERDURE_FORCE = 64,  /* perdure_copy: although a process is changing it */
  PERDURE_RECURSIVE = 128, /* perdure_copy: and what it leads to */
  PERDURE_VERIFY = 256, /* open only what is sealed with a trusted key */
  PERDURE_REPAIR = 512  /* perdure_check: write what can be mended */
};

typedef struct perdure_store perdure_store;

/* Names an object, for ever and everywhere; random. */
typedef struct perdure_id {
  uint64_t hi, lo;
} perdure_id;

/* What perdure_stat tells. */
struct perdure_stat {
  perdure_id id;
  uint64_t file_bytes;  /* of the object's file */
  uint64_t used_bytes;  /* in allocated blocks, rounded up to their classes */
  uint64_t free_bytes;  /* that the file holds and perdure_alloc can give */
  uint64_t blocks;      /* allocated */
  uint64_t fot_entries; /* other objects that this one leads to */
  uint64_t escapes;     /* times that this process stored a native address
                           under escape=report or escape=allow; closing the
                           object tells which stayed */
  uint64_t overhead_bytes; /* neither used nor free: the header, the FOT, the
                              page map, heads and tails of slabs */
  uint64_t largest_free;   /* the longest run of free pages: a larger block
                              makes the file longer */
  uint64_t slabs;          /* groups of pages that hold blocks of one size */
  uint64_t large_blocks;   /* of those in blocks: whole pages, each its own */
  uint64_t created;        /* when, in nanoseconds since 1970, UTC */
  uint64_t root_bytes;     /* of the root block, as asked for */
  unsigned format;         /* version of the file's format */
  uint64_t log_bytes;      /* that transactions of this process have written to
                              the object's log so far, heads of records included;
                              of those that are open perhaps not yet */
};

/* The message of this thread's last failure, in words: what, where, what to
   do. Valid until the thread's next failure; "" before the first.            */
PERDURE_API const char *perdure_errormsg(void);

/* Opens the store in directory `dir`. Flags: CREATE (and EXCL), RDONLY,
   DURABLE, SHARED, VERIFY: the last four then hold for all its objects, those
   that only pointers lead to included. Opening the same directory again gives
   the same store, durable or shared or verifying from then on if any open says
   so, which closes with its last close; a copy of a directory is another store.
   A created store and its directory have been synced on return. Errors: ENOENT
   (no directory, or no store in it), EEXIST, EACCES, EPROTO (not the format of
   this version), EINVAL, those of open(2), and ENOMEM (no addresses left for
   the window).                                                               */
PERDURE_API perdure_store *perdure_store_open(const char *dir, unsigned flags);

/* Closes a store: at the last close its objects are unmapped and every pointer
   into them, decoded or not, ends its life. Under escape=report and
   escape=allow each object is checked as perdure_close does it. NULL is
   ignored.                                                                   */
PERDURE_API void perdure_store_close(perdure_store *store);

/* Creates an object under `name` with a zeroed root block of `root_bytes` (0
   counts as 1) and returns the root. The file, the name and their directories
   have been synced on return; a name is visible only once its object is whole.
   Flags: DURABLE. Names have 1 to 255 bytes, any but '/', are not "." or "..",
   and do not begin with ".new.". Files are for their owner alone, whatever the
   umask. Errors: EEXIST, EINVAL, EROFS, ENOSPC (disk, or all slots taken),
   EFBIG (RLIMIT_FSIZE), EACCES, EMFILE.                                       */
PERDURE_API void *perdure_create(perdure_store *store, const char *name,
                                 size_t root_bytes, unsigned flags);

/* Opens the object called `name` and returns its root. Opening it again gives
   the same address and counts (EBUSY: with DURABLE, while a transaction is open in
   it that began without); while an object is open, its name means it to
   this process, whatever others do to the name. Flags: RDONLY (always so in a
   store open with it; of no effect when the process has the object open for
   writing), DURABLE, SHARED, VERIFY (reads all of the file: see perdure_seal).
   Without RDONLY the process becomes the object's
   only writer until it closes the store; with SHARED one of those that write it
   in turns. Waits while another process that opens it recovers it.
   Rights bind late: a file that the process may only read is mapped so, and a
   store to it faults with a report. Errors: ENOENT, EBUSY (open for writing in
   another process, which the message names; or, for who shared it and would be
   its only writer, somebody stays in a section for 50 ms; or, for who has it
   open to read and would write, a thread of this process is in a read section),
   EDEADLK (who shared it would be its only writer, and this thread is in a read
   section of it), EACCES (not even readable), ENOSPC (all slots taken, or holes
   that the disk cannot fill), EMFILE (each open object keeps a descriptor, or
   three with DURABLE; the soft limit is raised before this), EPROTO (a field of the header is bad; the
   message names it, the file stays as it was; or the allocator's tables are
   damaged, which who shared it reads again), ESTALE (another file has taken the
   place of the one that is open with fewer rights), with VERIFY ENODATA,
   EBADMSG and ENOKEY (perdure_verify, perdure_trust), ENOMEM (for what the process
   keeps of an object, or of the tables of one that it shared), EINVAL, and those
   of open(2), fcntl(2), fallocate(2) and mmap(2).                            */
PERDURE_API void *perdure_open(perdure_store *store, const char *name,
                               unsigned flags);

/* Drops what one perdure_open or perdure_create gave. The object stays mapped,
   and pointers to it good, until its store closes. With DURABLE, but without SHARED,
   the last close writes on page media what was stored outside transactions, durably.
   Under
   PERDURE_OPTIONS=escape=report and escape=allow the last close looks at every
   place in an allocated block that was given a native address since the check
   before, and reports on stderr those that hold one still: how many, and for
   the first few offset, address and source line. errno stays.                */
PERDURE_API void perdure_close(void *in_object);

/* Enters a write section of the object that holds the address, or with RDONLY a
   read section: one writer, or any number of readers, among all threads of all
   processes. Waits, in turn, until that is so; with NOWAIT: EBUSY, also while another
   thread of this process recovers the object to read it, or reads on after an only
   writer has died, and while another process recovers it that opens it, or waits to.
   (NOWAIT is of sections: who writes waits for a process that opens the object just
   then, until that has recovered it.) A section
   belongs to the thread that entered it, which is in one section of an object at
   a time (EDEADLK), and in 64 read sections at most (ENOLCK).
   Who has the object open with PERDURE_SHARED changes it, and allocates and
   frees, only inside a write section, in the thread that entered it. Others use
   sections so that readers in other processes see whole changes. Storing a pointer to another object is
   safe at any time.
   What a dead process left half done of a transaction is rolled back first; who
   has the right to read alone does that for itself. In a transaction a section
   that waits to be left is entered again at once.
   Returns 0, or 1 when the process that was in a write section before died in
   it and may have left half a change, made outside transactions (told once), or
   -1: EROFS, EBUSY, EINVAL, EPROTO and ENOMEM (the allocator's tables or the log,
   which others have changed), EIO (what was recovered cannot be synced), ENOENT and
   ESTALE (the object's file is gone, or another).                            */
PERDURE_API int perdure_lock(void *in_object, unsigned flags);

/* Leaves the section, in a transaction at its end. EPERM for a thread that is in
   none. With DURABLE on page media what was stored in it outside transactions is
   written first, durably; EIO, ENOSPC: it cannot be, and with SHARED it is lost. The
   section is left all the same.                                              */
PERDURE_API int perdure_unlock(void *in_object);

/* Who has an object open for writing, apart from this process. */
struct perdure_holder {
  unsigned writers; /* 0: nobody; PERDURE_EXCL: one process; PERDURE_SHARED:
                       those that take turns */
  int pid;          /* of the one process; 0 when that is not known */
  int in_section;   /* the pid of who is in a write section; 0 as above */
};

/* Fills in *holder for the object called `name`, which need not be open. What it
   says may be over by the time it is read. Errors: those of perdure_open.    */
PERDURE_API int perdure_holder(perdure_store *store, const char *name,
                               struct perdure_holder *holder);

/* Calls `visit` with each name of the store and the ID that it leads to ({0, 0}:
   to none, the file is damaged), in no order, until it returns something else
   than 0; returns that, or 0, or -1 on an error of the system.               */
PERDURE_API int perdure_list(perdure_store *store,
                             int (*visit)(void *arg, const char *name,
                                          perdure_id id),
                             void *arg);

/* Copies the object called `name`, which other processes may be writing, to the
   store `to` under the name `as` (NULL: the same). A copy in another store keeps
   its ID, so pointers of that store that lead to the ID lead to it; a copy in
   the same store gets an ID of its own. Its pointers lead to the same IDs, in
   the store where it is.
   The object is copied as it is between two write sections: perdure_copy is in a
   read section of it meanwhile. Waits for that; with NOWAIT: EBUSY. Also EBUSY:
   another process has the object open for writing without SHARED and has never
   entered a write section of it, so nothing tells when it is between two
   changes; or processes open and close it too fast. FORCE copies then, too:
   header and FOT are whole in the copy, but the program's data, and which blocks
   are allocated, may be partly from before a change and partly from after.
   Threads of this process change the object only in write sections meanwhile.
   With RECURSIVE also what the object leads to, and so on, each under its own
   name if it has one. The read sections of all are entered before the first is
   left, so that together the copies are what the store held at one moment. What
   the store `to` has already stays as it is, and so it is in the copy of an
   object in its own store. Objects that are missing are missing in the copy.
   The copy and its name are durable on return, its file is the owner's alone and
   has no holes. A name is visible only once its object, and what that leads to,
   is whole. A process that dies meanwhile leaves no unfinished object, and
   nothing in the way of the next copy; with RECURSIVE perhaps some of the
   objects that it leads to.
   Returns 0, or 1 when a process died in a write section of what was copied and
   may have left half a change. Errors: ENOENT, EACCES, EPROTO (its header is
   damaged; nothing else is checked), EEXIST (the name; in another store the ID),
   EROFS, EBUSY, EDEADLK (this thread is in a section of it), ENOSPC,
   EMFILE, EINVAL.                                                            */
PERDURE_API int perdure_copy(perdure_store *from, const char *name,
                             perdure_store *to, const char *as,
                             unsigned flags);

/* Removes the name and, unless another name leads there, the object's file; pointers
   from other objects then lead to a missing object. If this process has the object
   open, its memory stays usable until the store closes, and is lost then. Synced on
   return. Reads every name of the store; while one cannot be read, which may lead
   there, the file stays (perdure_check, `perdure fsck`).
   Errors: ENOENT, EINVAL, EROFS, EBUSY (it decides a transaction over several
   objects whose process died: open the one that the message names first).    */
PERDURE_API int perdure_remove(perdure_store *store, const char *name);

/* Gives the object called `name` a further name: both then mean the same object, and
   it is there until both are removed. Synced on return. Errors: ENOENT, EEXIST,
   EINVAL, EROFS, ENOSPC.                                                     */
PERDURE_API int perdure_link(perdure_store *store, const char *name,
                             const char *as);

/* Calls the object `as` that was called `name`, in one step: it always has one of the
   two. Its ID stays, and so does where pointers lead, but for those that are bound to
   the old name (perdure_bind). Synced on return. Errors: ENOENT, EEXIST (also when
   both are the same), EINVAL, EROFS.                                         */
PERDURE_API int perdure_rename(perdure_store *store, const char *name,
                               const char *as);

/* Seals the object called `name`: signs all of it, with its ID and size, so that
   whoever trusts the key can tell that nothing has changed since (Ed25519, of
   libsodium: crypto_sign_keypair makes keys). Nobody may have it open for
   writing meanwhile, this process included: EBUSY. A sealed object is not opened
   for writing: a store to it faults with a report, as a file without the right
   to write does. Pointers to other objects are signed, those objects are not.
   Durable on return; a process that dies meanwhile leaves the object unsealed,
   or without a signature and read-only: seal it again or unseal it. A copy in
   another store has the seal, one in the same store is another object and has
   none. Errors: ENOENT, EACCES, EROFS, EBUSY, EPROTO (it is damaged), EAGAIN (a
   process died in a transaction: open it for writing first), EIO, ENOMEM.    */
PERDURE_API int perdure_seal(perdure_store *store, const char *name,
                             const unsigned char secret_key[64]);

/* Takes the seal off. The same conditions and errors.                        */
PERDURE_API int perdure_unseal(perdure_store *store, const char *name);

/* From now on PERDURE_VERIFY is content with seals of this public key, too: at
   first with none. ENOMEM.                                                   */
PERDURE_API int perdure_trust(const unsigned char public_key[32]);

struct perdure_seal_info {
  unsigned char key[32]; /* public, of who sealed it: trusted or not */
  uint64_t sealed;       /* when, as that one said: nanoseconds since 1970, UTC */
};

/* Reads all of the file of the object called `name`, which need not be open, and
   checks its seal, whether the key is trusted or not; fills in *info when the
   signature holds. It tells of the moment at which it read: who may write the
   file can change it afterwards. Errors: those of perdure_open, ENODATA (there
   is no seal), EBADMSG (it does not hold: the object has changed since).     */
PERDURE_API int perdure_verify(perdure_store *store, const char *name,
                               struct perdure_seal_info *info);

/* What perdure_check has found at one place of an object's file. */
enum perdure_finding_kind {
  PERDURE_NOTE,   /* harmless: what a crash leaves, a target that is gone */
  PERDURE_MENDED, /* damage of which the file says how it was before */
  PERDURE_DAMAGED /* damage that only a copy can mend */
};
struct perdure_finding {
  enum perdure_finding_kind kind;
  uint64_t offset;  /* in the file */
  const char *what; /* in words; until the visitor returns */
};

/* Checks all that the runtime keeps in an object's file: header, FOT, page map,
   slabs, seal; what user data means it cannot know. Calls `visit` with each
   finding. Nobody may have the object open for writing: EBUSY.
   With REPAIR what can be mended is written, durably, and kind says so; without,
   it is what would be. Who opens the object waits for the end of a repair, so `visit`
   must not. A repair frees nothing and writes no user data: where the
   file does not say what is allocated, pages and blocks count as allocated. A
   process that dies in one leaves a file to be repaired again; make a copy
   first, since damage that looks like something else is mended to that.
   Returns how many findings are damage that stays: without REPAIR those that are
   mended count, too. -1: EBUSY, ENOENT, EACCES, EROFS, EPROTO (no regular file),
   ENOSPC, EIO, ENOMEM.                                                       */
PERDURE_API int perdure_check(perdure_store *store, perdure_id id,
                              unsigned flags,
                              void (*visit)(void *arg,
                                            const struct perdure_finding *),
                              void *arg);

/* What perdure_blocks tells. */
enum perdure_block_kind {
  PERDURE_BLOCK_DATA,
  PERDURE_BLOCK_ROOT, /* the root's */
  PERDURE_BLOCK_NAME  /* the text of a name, which perdure_bind allocated */
};
struct perdure_block {
  uint64_t offset, bytes; /* bytes: what it takes, at least as many as asked for */
  enum perdure_block_kind kind;
};

/* Calls `visit` with each allocated block of the object that holds the address, by
   ascending offset, until it returns another value than 0, and returns that; else 0.
   Those that were allocated in a transaction which has not ended count. Of an object
   that others write call it in a section. -1: EINVAL, EPROTO (the page map is
   damaged), ENOMEM.                                                          */
PERDURE_API int perdure_blocks(const void *in_object,
                               int (*visit)(void *arg,
                                            const struct perdure_block *),
                               void *arg);

/* Where a block lies, and where it will. */
struct perdure_move {
  uint64_t from, to, bytes; /* offsets; both the same for one that stays */
};

enum perdure_may_move {
  PERDURE_STAYS,
  PERDURE_MOVES,
  PERDURE_MOVES_ALONG /* the block that ends where it begins, if there is one, stays
                         right before it: something leads there that may mean the end
                         of that one */
};

/* What perdure_compact asks. */
struct perdure_compaction {
  /* Whether a block may lie elsewhere. Is asked of every allocated block but the root
     and the texts of names, which stay.                                        */
  enum perdure_may_move (*may_move)(void *arg, uint64_t offset);
  /* Corrects what leads to blocks that move. `image` are the bytes of the new file,
     `moves` all blocks by ascending `from`. 0, or an error of errno.h.         */
  int (*correct)(void *arg, char *image, const struct perdure_move *moves,
                 size_t count);
  void *arg;
};

/* Writes the object that holds the address anew, with its blocks in as few pages as
   they need, and lets that file take the place of the old one, durably: whoever opens
   the object, after a power failure too, finds the one or the other. Which blocks may
   move is the caller's to know, who has to find all that leads to them: in the object
   itself, in other objects, and elsewhere (perdure_offset). This is for tools:
   `perdure compact`. The process is the object's only writer, without PERDURE_DURABLE,
   and nothing else uses it meanwhile. Afterwards it sees the object as it was, and
   what it stores there is lost: it closes the store, and so do those that read it.
   The new file has the owner, the group, the mode, the ACL and the extended attributes
   of the user (user.*) that the old one has; EPERM where this user may not give them.
   Needs memory for the new file.
   Returns 1, or 0 when no page would be won: then nothing was done. -1: EINVAL, EPERM,
   EROFS, EBUSY (see perdure_remove), ENOMEM, EPROTO, ENOSPC, EIO and other errors of
   the file system, and what `correct` gave; the object is as before then.      */
PERDURE_API int perdure_compact(void *in_object,
                                const struct perdure_compaction *how);

/* What perdure_types tells. */
struct perdure_type {
  const char *text; /* as docs/Types.md has it; no NUL behind it */
  size_t bytes;     /* of the text */
  uint64_t layout;  /* hash of the layout that it speaks of */
};

/* Calls `visit` with what the object that holds the address has recorded of the
   types in it: descriptors ("struct ..."), "root NAME", "arrays NAME"
   (docs/Types.md), until it returns another value than 0, and returns that; else 0.
   The text is the object's own: do not close its store meanwhile. -1: EINVAL,
   ENOMEM.                                                                    */
PERDURE_API int perdure_types(const void *in_object,
                              int (*visit)(void *arg,
                                           const struct perdure_type *),
                              void *arg);

/* The object's root. NULL and EINVAL outside every open object. */
PERDURE_API void *perdure_root(const void *in_object);

/* Allocates a zeroed block in the object that holds `near_`; 0 bytes count as
   1. Blocks are 16-byte aligned, those of more than 48 bytes 64-byte aligned.
   The object grows in place as it must. Errors: EINVAL (near_ is in no open
   object), EROFS, EPERM (the object is shared and this thread is in no write
   section of it), ENOSPC (disk or slot full; the object stays whole), ENOMEM,
   EPROTO (the allocator's tables are damaged). Durability: process death leaves the
   block allocated or not, never half; on DAX the same holds for power failure.
   A block that nothing leads to leaks.                                       */
PERDURE_API void *perdure_alloc(void *near_, size_t bytes);

/* The same for a block whose address will be stored to the persistent pointer at
   `slot`, `(void *)&n->next`: of some free blocks it takes the one whose offset
   differs in the fewest bits from the pointer that lies there now, so that storing
   it flips few (docs/BitFlips.md). The slot is only looked at; what it holds is taken for a
   pointer of the encoding `object`. Any bits, and any other address, NULL too,
   are no error, and leave the choice open. A call looks at 64 free blocks at
   most. Blocks of up to 64 bytes cross no line: those of 33 to 48 take 64.   */
PERDURE_API void *perdure_alloc_for(void *near_, size_t bytes,
                                    const void *slot);

/* Frees a block that perdure_alloc gave. NULL is ignored. A pointer that is no
   allocated block of a writable object, or its root, is reported and ends the process. The
   same durability as perdure_alloc. In a transaction it is free after the commit
   (docs/Durability.md says when durably); one that frees a block twice is reported
   and ends the process before it.                                            */
PERDURE_API void perdure_free(void *block);

/* How many bytes such a block has: as many as were asked for, or some more. NULL
   has none. Reported and ended like perdure_free. Any thread may call it.      */
PERDURE_API size_t perdure_usable_size(const void *block);

/* The ID of the object that holds the address, which may also be a missing
   object's; {0, 0} where a pointer led by a name that no object had; {0, 0} and
   EINVAL elsewhere.                                                          */
PERDURE_API perdure_id perdure_object_id(const void *in_object);

/* 1 when the address lies in an object (open or missing), else 0. */
PERDURE_API int perdure_in_object(const void *p);

/* The offset of an address in its object: the same in every process, so a
   stable input for hashes. For an address outside every object the address
   itself, which is stable only within this process.                          */
PERDURE_API uint64_t perdure_offset(const void *p);

/* Fills in *stat for the object that holds the address; walks the allocator's
   page map. -1: EINVAL, EPROTO.                                              */
PERDURE_API int perdure_stat(const void *in_object, struct perdure_stat *stat);

/* Makes the bytes durable, together with the object's own header, FOT and
   allocator state: on return they survive a power failure. On DAX media this
   flushes cache lines; on page-cache files it is msync or fdatasync, whose
   failure is reported and ends the process, since what the medium then holds
   is unknown. With DURABLE on page-cache files it is a commit of its own: what this
   thread's open transaction has changed among the bytes is left out, and a failure
   is reported and sets errno to EIO; nothing more is written to the object then.
   Addresses outside every object are ignored.                                */
PERDURE_API void perdure_persist(const void *addr, size_t bytes);

/*===- Transactions --------------------------------------------------------===*\
|*
|* What a transaction overwrites in objects is there afterwards all of it, or
|* nothing of it: also when the process dies at any point, and when power fails
|* as far as docs/Durability.md promises it for the medium. Compiled code logs by
|* itself what it overwrites (<perdure/transaction.h>); code that was compiled
|* otherwise is not part of it.
|*
|* A transaction belongs to the thread that began it. Within it, beginning again
|* joins it: it ends with the outermost. Any number of objects take part, each from
|* the moment that something of it is first overwritten, and commit as one. In an
|* object that is open with PERDURE_SHARED: inside a write section only.
|* What several threads' transactions may write at once is the program's to keep
|* apart, by locks. perdure_alloc and perdure_free may be called at any time:
|* what a transaction allocated is free after an abort, what it frees stays until
|* its commit. perdure_unlock waits for the end, too. Pointers to other objects
|* that it stored leave their entry in the FOT, whatever becomes of it.
|*
|* A thread that ends, or a function that is left by longjmp, aborts what it has
|* begun. A process that ends does not: who next opens the object for writing, or
|* enters its write section, rolls back. Not for signal handlers.
|*
\*===----------------------------------------------------------------------===*/

/* Calls `body` with `arg` in a transaction, and commits it; aborts it when body
   returns something else than 0. `in_object`: an address in an object that it
   will write, or NULL. Returns 0 once it is committed, and durable as the objects
   were opened; -1 and ECANCELED when it was aborted: by body's result, by
   perdure_tx_abort, or because an exception has left a transaction within it.
   Within a transaction it joins that one, and returns body's success. Other errors
   of perdure_tx_begin and perdure_tx_commit: nothing has changed then.          */
PERDURE_API int perdure_transact(void *in_object, int (*body)(void *),
                                 void *arg);

/* Begins a transaction, or joins the one that this thread is in. Ends with
   perdure_tx_commit, as often as it was begun, or with perdure_tx_abort. -1:
   EINVAL (in_object is neither NULL nor in an open object), EROFS, EPERM (the
   object is open with PERDURE_SHARED and this thread is in no write section of
   it), ENOMEM.                                                               */
PERDURE_API int perdure_tx_begin(void *in_object);

/* Ends what the last perdure_tx_begin began: the outermost commits, and only
   when it is committed returns 0. -1: EINVAL (no transaction); ECANCELED (an
   exception has left a nested one: all is rolled back); with DURABLE on page-cache
   files EIO (an object's file cannot be written or synced), ENOSPC, EFBIG and EDQUOT
   (its log cannot grow) and ENOMEM: rolled back, too.                        */
PERDURE_API int perdure_tx_commit(void);

/* Rolls back the whole transaction, which is over then, with all that joined it.
   Begun by perdure_tx_begin: returns. Begun by perdure_transact, which then
   returns -1, or in C by a function with the attribute: control leaves for there
   by longjmp. Begun in C++: throws perdure::aborted. Without a transaction it
   does nothing.                                                              */
PERDURE_API void perdure_tx_abort(void);

/* A point to which the transaction can be rolled back: a number above 0, good
   until its end or until it is rolled back to an earlier one. -1: EINVAL (no
   transaction), ENOMEM.                                                      */
PERDURE_API int perdure_tx_savepoint(void);

/* Undoes what has been overwritten since the savepoint, frees what has been
   allocated since, and forgets what has been freed since. Sections that
   perdure_unlock has left since are left at the end as before. -1: EINVAL (no
   such savepoint).                                                           */
PERDURE_API int perdure_tx_rollback_to(int savepoint);

/* The functions of the runtime that handle bits know the encoding `object`. In a
   file that is compiled for another, perdure_decode and perdure_encode are made
   in line for that, and what cannot be made does not compile.                */
#if defined(__PERDURE__) && defined(__PERDURE_ENCODING__) &&                   \
    __PERDURE_ENCODING__ != 0
#define PERDURE__OBJECT_ONLY(Way)                                              \
  __attribute__((unavailable(                                                  \
      "it knows persistent pointers of the encoding object alone; " Way)))
#else
#define PERDURE__OBJECT_ONLY(Way)
#endif

/* Moves an array of persistent pointers (encoding `object`), each re-encoded
   from its old place to its new one; overlap in either direction is right.
   Either end may be in an object or volatile. Returns dst; NULL and EINVAL
   when an address or the size is no multiple of 8, or an array crosses the
   border of an object: nothing has been moved then. Use the typed macro of
   <perdure/perdure.h>, or plain memmove for memory without persistent
   pointers, for everything else.                                             */
PERDURE_API void *perdure_memmove(void *dst, const void *src, size_t bytes)
    PERDURE__OBJECT_ONLY("give perdure_memmove typed pointers");

/* Stores at `container`, 8 bytes in a writable object, a persistent pointer that
   is bound late: to the root of whatever object of the store is called `name`
   when the pointer is followed, which need not exist yet. Until it does, and may
   be opened, the pointer leads to inaccessible memory, and an address that was
   read from it then stays inaccessible: read the pointer again. Stored again in
   the same object, such an address is a pointer by name as before; stored in an
   object in which no pointer was bound to the name it is reported and ends the
   process. A process binds a name once: it means the same object until the store
   closes. A copy of the pointer is bound to that object then, not to the name. A
   name takes an entry of the FOT and a small block of the object. Durable as the
   store of a pointer to another object is.
   Errors: EINVAL, EROFS, EPERM (see perdure_lock), ENOSPC.                   */
PERDURE_API int perdure_bind(void *container, const char *name)
    PERDURE__OBJECT_ONLY("bind names in a file compiled for that encoding");

/* What is asked for when pointers of the object that holds `in_object` lead to
   the other object that holds `target`: with RDONLY to read, with 0 to write
   too. Holds for processes that have not mapped the target yet; an object that
   is opened for writing is writable through every pointer. Errors: EINVAL,
   EROFS, ENOENT (no pointer of the object has ever led there).               */
PERDURE_API int perdure_set_rights(void *in_object, const void *target,
                                   unsigned flags);

/* For a handler of SIGSEGV or SIGBUS that the program installs after the first
   perdure_store_open, in place of the runtime's own: reports on stderr what the
   fault was, with its source line and field where the code was compiled with
   -g. `siginfo` and `ucontext` are what an SA_SIGINFO handler is given.
   Async-signal-safe; errno stays. Returns 1 when the fault lay in the window
   and a report was written, else 0.                                          */
PERDURE_API int perdure_explain_fault(const void *siginfo,
                                      const void *ucontext);

/* Where pointers of an object lead that leave it. */
struct perdure_foreign {
  perdure_id id;   /* the object; {0, 0}: none has the name now */
  char name[256];  /* by which it is looked for when it is followed, or "" */
  unsigned rights; /* asked for: 0 or PERDURE_RDONLY */
  int present;     /* 1: the store has its file */
};

/* Fills in *out for an entry of the FOT of the object that holds the address:
   they count from 1, without gaps. id and name are both empty for an entry that
   is damaged, or whose writer died. Errors: ENOENT (there are not as many),
   EINVAL.                                                                    */
PERDURE_API int perdure_foreign(const void *in_object, uint64_t index,
                                struct perdure_foreign *out);

/* What a persistent pointer's bits mean at `container`. Never fails: bits that
   lead nowhere give an inaccessible address, whose use faults with a report. */
#if defined(__PERDURE__) && defined(__PERDURE_ENCODING__) &&                   \
    __PERDURE_ENCODING__ != 0
static inline __attribute__((always_inline, unused)) void *
perdure_decode(uint64_t bits, const void *container);
#else
PERDURE_API void *perdure_decode(uint64_t bits, const void *container);
#endif

/* The bits that mean `p` at `container`. May add an entry to the FOT of the
   container's object, which is durable with the next perdure_persist (at once
   on DAX and with PERDURE_DURABLE). A native address for an object is an
   escape, an address in another store too: reported, and the process ends
   unless PERDURE_OPTIONS=escape= says otherwise. So is what cannot be encoded
   (FOT full, disk full, object read-only).                                   */
#if defined(__PERDURE__) && defined(__PERDURE_ENCODING__) &&                   \
    __PERDURE_ENCODING__ != 0
static inline __attribute__((always_inline, unused)) uint64_t
perdure_encode(const void *p, const void *container);
#else
PERDURE_API uint64_t perdure_encode(const void *p, const void *container);
#endif

#ifdef __cplusplus
}
#endif

#if defined(__PERDURE__) && defined(__PERDURE_ENCODING__) &&                   \
    __PERDURE_ENCODING__ != 0
#include <perdure/contract.h>
static inline void *perdure_decode(uint64_t bits, const void *container) {
  return perdure__decode(bits, container, __PERDURE_ENCODING__);
}
static inline uint64_t perdure_encode(const void *p, const void *container) {
  return perdure__encode(p, container, 0, __PERDURE_ENCODING__);
}
#endif

#endif /* PERDURE_RUNTIME_H */

//===- api.cpp - The public functions -------------------------------------===//

#include "alloc/heap.h"
#include "api/arguments.h"
#include "api/fault.h"
#include "api/fork.h"
#include "api/sharing.h"
#include "api/stayed.h"
#include "fot/escapes.h"
#include "fot/fot.h"
#include "fot/translate.h"
#include "object/seal.h"
#include "object/sidecar.h"
#include "object/store.h"
#include "perdure/runtime.h"
#include "platform/error.h"
#include "platform/pointer_format.h"
#include "platform/shadow.h"
#include "tx/log.h"
#include "tx/redo.h"
#include "tx/together.h"
#include "tx/transaction.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

using namespace perdure;

Object *perdure::openObjectAt(const void *P, const char *Function) {
  Object *O = objectAt(P);
  if (O && isPresent(*O) && (uint64_t)P - O->Base < TheWindow.limit())
    return O;
  fail(EINVAL, "%s: %p lies in no open object", Function, P);
  return nullptr;
}

extern "C" void __perdure_tx_log(const void *P, uint64_t Bytes);

static void *rootPointer(const Object &O) { return (void *)rootOf(O); }

bool perdure::refuseToWrite(const Object &O) {
  return fail(EROFS, "object %s is open without the right to write: %s",
              labelOf(O).Text, O.WhyReadOnly);
}

bool perdure::checkAllocating(Object &O) {
  if (mayAllocate(O))
    return true;
  return isWritable(O)
             ? fail(EPERM,
                    "object %s is open with PERDURE_SHARED: allocate and free "
                    "between perdure_lock and perdure_unlock",
                    labelOf(O).Text)
             : refuseToWrite(O);
}

// Before it is mapped, which is done in another way then.
static bool makeDurable(Object &O, unsigned Flags) {
  bool Was = isDurable(O);
  if (Flags & PERDURE_DURABLE)
    __atomic_store_n(&O.Durable, true, __ATOMIC_RELAXED);
  return Was;
}

// Puts before a failure's message what was being done.
static void *failedTo(const char *Verb, const Store &S, const char *Name) {
  int Saved = errno;
  char Why[512];
  snprintf(Why, sizeof(Why), "%s", errorMessage());
  fail(Saved, "cannot %s '%.255s' in store %s: %s", Verb, Name, S.Path, Why);
  return nullptr;
}

const char *perdure_errormsg(void) { return errorMessage(); }

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

// What this process has written in place so far is written by commits from now on.
static bool becomeDeferred(Object &O) {
  if (isDeferred(O) || !isDurable(O))
    return true;
  if (hasLanesInUse(O))
    return fail(EBUSY,
                "object %s: a transaction is open in it, which began before "
                "PERDURE_DURABLE was asked for; end that first",
                labelOf(O).Text);
  return defer(O);
}

// All objects of a store that was open before it was to be durable.
static bool becomeDeferred(Store &S) {
  Locked Hold(S.Lock);
  for (Object *O : S.Objects)
    for (; O; O = O->Next)
      if (isPresent(*O) && isWritable(*O) && !becomeDeferred(*O)) {
        __atomic_store_n(&O->Durable, false, __ATOMIC_RELAXED);
        return false;
      }
  return true;
}

perdure_store *perdure_store_open(const char *dir, unsigned flags) {
  if (!TheWindow.Base && !reserveWindow(defaultSlotBits()))
    return nullptr;
  Store *S = openStore(dir, flags);
  if (!S)
    return nullptr;
  installFaultHandler();
  prepareForFork();
  if (S->Durable && !becomeDeferred(*S)) {
    int Saved = errno;
    perdure_store_close((perdure_store *)S);
    errno = Saved;
    return nullptr;
  }
  return (perdure_store *)S;
}

// Who shares O writes in sections, of which others may be in one. Otherwise the next
// to open it empties the log.
static void endRedo(Object &O) {
  bool Died = false, First;
  bool Entered =
      !mayAllocate(O) && enterSection(O, true, /*Wait=*/false, Died, First);
  if (mayAllocate(O) &&
      (isAlone(O) || headerOf(O)->Turn.LastWriter == ownTurn(O)))
    closeRedo(O);
  if (Entered)
    leaveSection(O, Died);
}

static void discard(Store &S, Object *O) {
  if (isPresent(*O) && isDeferred(*O) && !O->Removed)
    endRedo(*O);
  redoRelease(*O);
  logRelease(*O);
  heapRelease(*O);
  fotRelease(*O);
  escapesRelease(*O);
  forgetObject(S, O);
}

void perdure_store_close(perdure_store *store) {
  if (!store)
    return;
  // Until all is gone: who opens the store again waits for its locks, and a
  // child of fork() gets all of it or nothing.
  Locked Hold(StoresLock);
  Store &S = storeOf(store);
  if (S.References == 1)
    leaveStore(S);
  if (--S.References)
    return;
  for (Object *&Bucket : S.Objects)
    while (Bucket) {
      reportWhatStayed(*Bucket);
      discard(S, Bucket);
    }
  freeStore(S);
}

//===----------------------------------------------------------------------===//
// Objects
//===----------------------------------------------------------------------===//

// Fills a new object: file, root block, identity, name, in this order. Whoever
// finds the name can open it: it is shared before. Nobody else knows the ID
// until then, so when anything fails no file and no name stays behind.
static bool fill(Store &S, Object &O, const char *Name, size_t RootBytes) {
  if (!createFile(O))
    return false;
  void *Root = allocate(O, RootBytes ? RootBytes : 1);
  if (Root && finishFile(O, (uint64_t)Root - O.Base, RootBytes) &&
      (!S.Shared || share(O)) && defer(O) && publishName(S, Name, O.Id))
    return true;
  int Saved = errno;
  unlinkat(S.ObjectsDir, O.Hex, 0);
  errno = Saved;
  return false;
}

void *perdure_create(perdure_store *store, const char *name, size_t root_bytes,
                     unsigned flags) {
  Store &S = storeOf(store);
  perdure_id Id;
  if (flags & ~(unsigned)PERDURE_DURABLE) {
    fail(EINVAL, "perdure_create: flags 0x%x: PERDURE_DURABLE is the only one",
         flags);
    return nullptr;
  }
  if (S.ReadOnly) {
    fail(EROFS, "store %s is open with PERDURE_RDONLY", S.Path);
    return nullptr;
  }
  Locked Hold(S.Lock);
  if (lookUpName(S, name, Id)) {
    fail(EEXIST, "store %s has an object called '%s'; perdure_open opens it",
         S.Path, name);
    return nullptr;
  }
  if (errno != ENOENT || !makeId(Id))
    return nullptr;
  Object *O = enterObject(S, Id);
  if (!O)
    return failedTo("create", S, name);
  makeDurable(*O, flags);
  nameObject(*O, name);
  if (!fill(S, *O, name, root_bytes)) {
    int Saved = errno;
    discard(S, O);
    errno = Saved;
    return failedTo("create", S, name);
  }
  O->References = 1;
  rememberName(S, name, O, {});
  return rootPointer(*O);
}

// Attaches O, or gives it more rights; what was learnt of a file that others
// could change is forgotten. Occupied: only for who is in a section.
static bool openObject(Object &O, Access Wanted, bool &Occupied) {
  bool Enough = isPresent(O) && (Wanted == Access::Read || isAlone(O) ||
                                 (Wanted == Access::Shared && isWritable(O)));
  if (Enough)
    return !isWritable(O) || becomeDeferred(O);
  if (isPresent(O) && isWritable(O))
    return openAlone(O, Occupied) && becomeDeferred(O);
  redoRelease(O);
  logRelease(O);
  heapRelease(O);
  fotRelease(O);
  return attachAsAllowed(O, Wanted, false);
}

static bool openDurably(Object &O, Access Wanted, unsigned Flags,
                        bool &Occupied) {
  bool Was = makeDurable(O, Flags);
  if (openObject(O, Wanted, Occupied))
    return true;
  __atomic_store_n(&O.Durable, Was, __ATOMIC_RELAXED);
  return false;
}

// One try, with the store locked; nothing has changed when it fails.
static void *tryToOpen(Store &S, const char *Name, unsigned Flags,
                       Access Wanted, bool &Occupied) {
  perdure_id Id;
  Object *O = Name ? recallName(S, Name) : nullptr;
  if (!O) {
    NamesTime Time = readNamesTime(S);
    if (!lookUpName(S, Name, Id))
      return nullptr;
    O = findObject(S, Id);
    Object *New = O ? nullptr : O = enterObject(S, Id);
    if (!O)
      return failedTo("open", S, Name);
    if (!openDurably(*O, Wanted, Flags, Occupied)) {
      int Saved = errno;
      if (New)
        forgetObject(S, New);
      errno = Saved;
      return failedTo("open", S, Name);
    }
    rememberName(S, Name, O, Time);
    nameObject(*O, Name);
  } else if (!openDurably(*O, Wanted, Flags, Occupied)) {
    return failedTo("open", S, Name);
  }
  // What is sealed is not written: it is as it was mapped.
  if (Flags & PERDURE_VERIFY &&
      (fileOf(*O) < 0 || !checkSeal(O->File, O->Hex, Trust::Needed)))
    return failedTo("open", S, Name);
  ++O->References;
  return rootPointer(*O);
}

void *perdure_open(perdure_store *store, const char *name, unsigned flags) {
  Store &S = storeOf(store);
  unsigned Known =
      PERDURE_RDONLY | PERDURE_DURABLE | PERDURE_SHARED | PERDURE_VERIFY;
  if (flags & ~Known ||
      (flags & PERDURE_RDONLY && flags & (PERDURE_DURABLE | PERDURE_SHARED))) {
    fail(EINVAL,
         "perdure_open: flags 0x%x: PERDURE_RDONLY, PERDURE_DURABLE, "
         "PERDURE_SHARED and PERDURE_VERIFY are those that it knows, the first "
         "without the next two; perdure_create creates",
         flags);
    return nullptr;
  }
  // A store without the right to write gives none to its objects: rights bind
  // late, so what needs them faults when it is done.
  Access Wanted =
      flags & PERDURE_SHARED
          ? accessOf(S, true) == Access::Read ? Access::Read : Access::Shared
          : accessOf(S, !(flags & PERDURE_RDONLY));
  // Sections are short, but who is in one may need the store's lock to leave
  // it. So it is free meanwhile, and each try begins with the name again.
  for (int Milliseconds = 0;; ++Milliseconds) {
    bool Occupied = false;
    void *Root;
    {
      Locked Hold(S.Lock);
      Root = tryToOpen(S, name, flags, Wanted, Occupied);
    }
    if (Root || !Occupied || Milliseconds == 50)
      return Root;
    usleep(1000);
  }
}

void perdure_close(void *in_object) {
  Object *O = openObjectAt(in_object, "perdure_close");
  if (!O)
    return;
  Locked Hold(O->Owner->Lock);
  if (!O->References)
    fail(EINVAL,
         "perdure_close: object %s has been closed as often as it was "
         "opened",
         labelOf(*O).Text);
  else if (!--O->References) {
    reportWhatStayed(*O);
    if (isDeferred(*O) && mayAllocate(*O))
      writeBack(*O, false);
  }
}

void *perdure_root(const void *in_object) {
  Object *O = openObjectAt(in_object, "perdure_root");
  return O ? rootPointer(*O) : nullptr;
}

perdure_id perdure_object_id(const void *in_object) {
  if (Object *O = objectAt(in_object))
    return O->Id;
  fail(EINVAL, "perdure_object_id: %p lies in no object", in_object);
  return {0, 0};
}

int perdure_in_object(const void *p) {
  Object *O = objectAt(p);
  return O && (uint64_t)p - O->Base < TheWindow.limit();
}

uint64_t perdure_offset(const void *p) {
  Object *O = objectAt(p);
  return O ? (uint64_t)p - O->Base : (uint64_t)p;
}

int perdure_stat(const void *in_object, struct perdure_stat *stat) {
  Object *O = openObjectAt(in_object, "perdure_stat");
  HeapUse Use;
  if (!O)
    return -1;
  followWriter(*O);
  if (!measure(*O, Use))
    return -1;
  stat->id = O->Id;
  stat->file_bytes = __atomic_load_n(&O->FileBytes, __ATOMIC_ACQUIRE);
  stat->used_bytes = Use.UsedBytes;
  stat->free_bytes = Use.FreeBytes;
  stat->blocks = Use.Blocks;
  stat->overhead_bytes = Use.OverheadBytes;
  stat->largest_free = Use.LargestFree;
  stat->slabs = Use.Slabs;
  stat->large_blocks = Use.LargeBlocks;
  stat->fot_entries = fotCount(*O);
  stat->escapes = __atomic_load_n(&O->Escapes, __ATOMIC_RELAXED);
  stat->created = headerOf(*O)->Ident.Created;
  stat->root_bytes = headerOf(*O)->Ident.RootBytes;
  stat->format = headerOf(*O)->Ident.Version;
  stat->log_bytes = logBytesWritten(*O);
  return 0;
}

int perdure_list(perdure_store *store,
                 int (*visit)(void *arg, const char *name, perdure_id id),
                 void *arg) {
  return visitNames(storeOf(store), visit, arg);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

[[gnu::always_inline]] static inline Object *
objectToAllocateIn(const void *Near, const char *Function) {
  Object *O = openObjectAt(Near, Function);
  return O && checkAllocating(*O) ? O : nullptr;
}

// In a transaction a block is written back when it commits.
static WriteBack writeBackOfBlocks() {
  return openTransaction() ? WriteBack::ByCaller : WriteBack::Here;
}

// What the allocator gave, as the transaction's that is open, or durable. Null
// stays null.
[[gnu::always_inline]] static inline void *handOut(Object &O, void *Block,
                                                   size_t Bytes) {
  if (!Block)
    return nullptr;
  Transaction *T = openTransaction();
  if (!T) {
    fence(O.Map);
    return Block;
  }
  if (logBlock(*T, O, Block, Bytes))
    return Block;
  int Saved = errno;
  deallocate(O, Block);
  errno = Saved;
  return nullptr;
}

void *perdure_alloc(void *near_, size_t bytes) {
  Object *O = objectToAllocateIn(near_, "perdure_alloc");
  if (!O)
    return nullptr;
  bytes = bytes ? bytes : 1;
  return handOut(*O, allocate(*O, bytes, writeBackOfBlocks()), bytes);
}

extern "C" PERDURE_API void *__perdure_alloc_for(void *Near, uint64_t Bytes,
                                                 const void *Slot, uint32_t How,
                                                 uint64_t Overwritten) {
  Object *O = objectToAllocateIn(Near, "perdure_alloc");
  if (!O)
    return nullptr;
  Bytes = Bytes ? Bytes : 1;
  BlockWish Wish = {};
  Wish.IsPlaced =
      Slot && offsetWanted(*O, Slot, How & PerdureAbiAllocEncoding, Wish.Near);
  Wish.WholeLines = How & PerdureAbiAllocWholeLines;
  // What lies behind the bytes is nobody's to overwrite.
  uint64_t Units = Bytes / PerdureAbiAllocUnit;
  Wish.Overwritten =
      Units < 64 ? Overwritten & (((uint64_t)1 << Units) - 1) : Overwritten;
  return handOut(*O, allocate(*O, Bytes, Wish, writeBackOfBlocks()), Bytes);
}

void *perdure_alloc_for(void *near_, size_t bytes, const void *slot) {
  return __perdure_alloc_for(near_, bytes, slot, PerdureAbiAllocWholeLines, 0);
}

size_t perdure_usable_size(const void *block) {
  if (!block)
    return 0;
  Object *O = objectAt(block);
  if (!O || !isPresent(*O) || (uint64_t)block - O->Base >= TheWindow.limit())
    die("perdure_usable_size(%p): the address lies in no open object", block);
  if (!checkAllocating(*O))
    die("perdure_usable_size(%p): %s", block, errorMessage());
  uint64_t Bytes = bytesOf(*O, block);
  markUsed(block, Bytes); // who asks may use them
  return Bytes;
}

void perdure_free(void *block) {
  if (!block)
    return;
  Object *O = objectAt(block);
  if (!O || !isPresent(*O) || (uint64_t)block - O->Base >= TheWindow.limit())
    die("perdure_free(%p): the address lies in no open object; perdure_alloc "
        "never gave it, or its store is closed",
        block);
  if (!checkAllocating(*O))
    die("perdure_free(%p): %s", block, errorMessage());
  if (block == rootPointer(*O))
    die("perdure_free(%p): that is the root of object %s, which lives as long "
        "as the object; perdure_remove removes both",
        block, labelOf(*O).Text);
  if (Transaction *T = openTransaction()) {
    checkAllocated(*O, block);
    if (!freeAtCommit(*T, *O, block))
      die("perdure_free(%p): %s", block, errorMessage());
    return;
  }
  deallocate(*O, block);
  fence(O->Map);
}

// What this thread's transaction has changed is not: it is durable when it commits.
static void persistDeferred(Object &O, const void *P, size_t Bytes) {
  Span *Except;
  size_t Count;
  uint64_t Begin = (uint64_t)P - O.Base;
  // Who shares O has stored in sections, which have written it. The log is
  // whoever's is in one.
  if (!mayAllocate(O)) {
    syncCommitted(O);
    return;
  }
  bool Ok = spansOf(O, Except, Count) &&
            persistSpan(O, {Begin, Begin + Bytes}, Except, Count);
  if (!Ok && errno != EIO)
    report("perdure_persist: object %s: %s", labelOf(O).Text, errorMessage());
  free(Except);
}

void perdure_persist(const void *addr, size_t bytes) {
  Object *O = objectAt(addr);
  if (!O || !isPresent(*O) || !isWritable(*O) || !bytes)
    return;
  if (isDeferred(*O)) {
    persistDeferred(*O, addr, bytes);
    return;
  }
  writeBackFreed(*O);
  if (!persistAll(*O, addr, bytes))
    die("perdure_persist: object %s: %s; what the medium holds is unknown now",
        labelOf(*O).Text, errorMessage());
}

//===----------------------------------------------------------------------===//
// Translation
//===----------------------------------------------------------------------===//

void *perdure_decode(uint64_t bits, const void *container) {
  return const_cast<void *>(decode((Bits)bits, container));
}

uint64_t perdure_encode(const void *p, const void *container) {
  return (uint64_t)encode(p, container, nullptr);
}

// Whether all of the array lies in one object, or outside the window.
static bool inOnePlace(const void *P, size_t Bytes) {
  uint64_t First = (uint64_t)P, Last = First + Bytes - 1;
  if (Last < First)
    return false;
  if (!TheWindow.contains(First) && !TheWindow.contains(Last))
    return First >= TheWindow.Base || Last < TheWindow.Base;
  return TheWindow.baseOf(First) == TheWindow.baseOf(Last);
}

void *perdure_memmove(void *dst, const void *src, size_t bytes) {
  if (((uint64_t)dst | (uint64_t)src | bytes) % sizeof(Bits)) {
    fail(EINVAL,
         "perdure_memmove(%p, %p, %zu): persistent pointers are 8 bytes, "
         "aligned",
         dst, src, bytes);
    return nullptr;
  }
  size_t Count = bytes / sizeof(Bits);
  if (!Count)
    return dst;
  if (!inOnePlace(dst, bytes) || !inOnePlace(src, bytes)) {
    fail(EINVAL,
         "perdure_memmove(%p, %p, %zu): an array crosses the border of "
         "an object",
         dst, src, bytes);
    return nullptr;
  }
  auto *To = (uint64_t *)dst;
  auto *From = (const uint64_t *)src;
  __perdure_tx_log(dst, bytes);
  // Forward unless that would overwrite what is still to be read.
  bool Forward = (uint64_t)dst - (uint64_t)src >= bytes;
  for (size_t I = 0; I < Count; ++I) {
    size_t J = Forward ? I : Count - 1 - I;
    To[J] = (uint64_t)reencode((Bits)From[J], &From[J], &To[J], nullptr);
  }
  return dst;
}

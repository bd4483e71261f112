//===- object.h - One object: its file, its slot, its header ----*- C++ -*-===//
//
// An Object is the volatile side of an ID that this process has met: mapped
// into its slot, or missing, which leaves the slot inaccessible. It lives, and
// keeps its slot, until its store closes. So does what stands for a name that
// no object has: an Object with the ID 0, missing for ever.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_OBJECT_OBJECT_H
#define PERDURE_RUNTIME_OBJECT_OBJECT_H

#include "object/format.h"
#include "object/section.h"
#include "perdure/runtime.h"
#include "platform/atomic.h"
#include "platform/lock.h"
#include "platform/medium.h"
#include "platform/window.h"

#include <sys/types.h>

namespace perdure {

struct Store;
struct Fot;       // fot/fot.h
struct EscapeSet; // fot/escapes.h
struct Heap;      // alloc/heap.h
struct Log;       // tx/log.h
struct Changes;   // alloc/changes.h
struct Redo;      // tx/redo.h

/// What this process may do with an object's memory.
enum class Access : uint8_t {
  Read,
  Shared,   // write, in turns with other processes
  Exclusive // write, and nobody else does
};

struct Object {
  Store *Owner;
  Object *Next; // in the store's list
  perdure_id Id;
  char Hex[33];         // the ID in words, the file's name
  char Name[256];       // by which it was first opened, "" for none: in reports
  char WhyMissing[256]; // why it is not Present
  const char *StandsFor; // the name that no object has; null for an object
  char WhyReadOnly[256]; // why Granted is Read
  uint64_t Serial;       // of this Object, among all that there were
  uint64_t Base;         // of its slot
  uint64_t RootOffset;   // checked when it was mapped
  ino_t Inode;           // of its file
  bool Present;          // mapped; atomic
  Access Granted;        // atomic
  bool Durable;          // PERDURE_DURABLE; atomic
  bool Removed;          // its file is gone
  bool Replaced;         // by another, which perdure_compact has written
  bool Private;          // read-only, with changes of this process alone
  uint64_t RecoveredFrom; // while Private: which log was done in it
  bool Deferred;         // written by commits alone: see defer(); atomic
  bool Poisoned;         // see poison(); atomic
  bool Unsynced;         // runtime metadata changed since the last sync; atomic
  unsigned Syncing;      // threads that sync such changes right now; atomic
  int File;              // -1: none; fileOf opens it again
  int MapFile;           // of what is Deferred: to map tables; -1: none
  int LogFile;           // the same, to map the log and to sync it: tx/redo.cpp
  unsigned SharedTables[3]; // extents of DeferredTables mapped so; GrowLock
  unsigned References;   // perdure_open and perdure_create less perdure_close
  uint64_t Escapes;      // native addresses stored under a lenient policy
  uint64_t LogBytes;     // written to the log by this process, but for what its
                         // lanes count; atomic
  uint64_t FileBytes;    // Current.FileBytes; atomic, for readers without lock
  Mapping Map;
  Section Sect;
  Mutex GrowLock;        // guards File, too
  State Current;         // what the state copies say; GrowLock
  Mutex FotLock;         // guards TheFot
  Fot *TheFot;           // the FOT layer's, made at first use
  EscapeSet *TheEscapes; // the same
  Heap *TheHeap;         // the allocator's, made at first use
  Log *TheLog;           // that of transactions, made at first use
  Changes *TheChanges;   // of the allocator's tables, not yet committed
  Redo *TheRedo;         // the commits of what is Deferred, made at first use
  uint64_t TypesChecked; // api/types.cpp: against what last; atomic
};

/// Set by the layer of transactions: attach calls it once O is mapped and before
/// anybody sees it, to roll back what was left half done. False, and a message:
/// O cannot be opened. Writers: other processes have it open for writing.
extern bool (*RecoverAtOpen)(Object &O, Access Wanted, bool Writers);
/// The same, of an O that has been recovered for this process alone: whether it could be
/// in the file. False, and a message: it is not tried.
extern bool (*MayRecover)(Object &O);

/// For a new Object.
uint64_t nextSerial();

/// The object whose slot holds the address, present or missing, or null.
Object *objectAt(uint64_t Address);
inline Object *objectAt(const void *P) { return objectAt((uint64_t)P); }

inline Header *headerOf(const Object &O) { return (Header *)O.Base; }

inline bool isPresent(const Object &O) {
  return __atomic_load_n(&O.Present, __ATOMIC_ACQUIRE);
}

inline bool isWritable(const Object &O) {
  return atomicLoad(O.Granted) != Access::Read;
}

/// Whether other processes may change the object.
inline bool isAlone(const Object &O) {
  return atomicLoad(O.Granted) == Access::Exclusive;
}

/// Whether this thread may change the allocator's tables now.
inline bool mayAllocate(Object &O) {
  return isAlone(O) || (isWritable(O) && isWritingHere(O));
}

inline bool isDurable(const Object &O) {
  return __atomic_load_n(&O.Durable, __ATOMIC_RELAXED);
}

/// Whether stores stay this process's own until a commit writes them to the file.
inline bool isDeferred(const Object &O) {
  return __atomic_load_n(&O.Deferred, __ATOMIC_ACQUIRE);
}

/// The address of the root block.
inline uint64_t rootOf(const Object &O) { return O.Base + O.RootOffset; }

/// Gives a new Object its slot. False (ENOSPC) when there is none.
bool enterWindow(Object &O);

/// Creates O's file, mapped, with a state but without identity.
bool createFile(Object &O);

/// Writes the identity, which makes the file an object, and syncs it.
bool finishFile(Object &O, uint64_t RootOffset, uint64_t RootBytes);

/// Opens, checks and maps O's file, for the first time or with more rights. On
/// failure O is as before: EACCES, EROFS, EPERM (the file does not allow it),
/// EBUSY (other processes have it open in another way), EPROTO.
bool attach(Object &O, Access Wanted);

/// The same, or with the right to read when the file allows no more; AlsoNow:
/// also when another process or a full disk stands in the way just now.
bool attachAsAllowed(Object &O, Access Wanted, bool AlsoNow);

/// Whether other processes have O open for writing: a message says who.
bool isShared(Object &O);

/// Lets others write O in turns: it was this process's alone.
bool share(Object &O);

/// O's descriptor; -1 and a message when its file cannot be opened again.
int fileOf(Object &O);

/// Maps O, which is read-only, so that Change may change it for this process
/// alone: as long as it is so, what others write to those pages is not seen.
bool changePrivately(Object &O, bool (*Change)(Object &));

/// A part of O's file in this process's own memory, for who changes it elsewhere
/// first; it begins with a page. unmapCopy gives it back. Null, with a message.
char *copyOfFile(Object &O, uint64_t Offset, uint64_t Bytes);

/// Page media, PERDURE_DURABLE: the kernel may write a page that is mapped through
/// to the file at any moment, so what is half done could reach the medium. From now
/// on all pages but the header's and those of the FOT, the log and the types, which
/// are sound at every moment, are this process's own; the layer of transactions writes them
/// to the file. Nothing to do where O need not be so. Who stores looks at Deferred
/// afterwards. False, with a message: as before.
bool defer(Object &O);

/// Maps all of O through to the file again; what was this process's own is gone.
/// Nobody changes O meanwhile.
bool endDeferral(Object &O);

/// The same for what O has of this process's own: it shows the file.
void forgetOwn(Object &O);

/// Maps O, which is read-only, as the file is.
bool showFile(Object &O);

/// In the child of fork(): no right to write, no lock, no descriptor.
void disown(Object &O);

/// Unmaps O and gives its slot back.
void leaveWindow(Object &O);

/// The tables that are made of extents.
enum class Table { Fot, Map, Log, Types };

constexpr Table Tables[] = {Table::Fot, Table::Map, Table::Log, Table::Types};

constexpr unsigned maxExtents(Table T) {
  return T == Table::Log     ? MaxLogExtents
         : T == Table::Types ? MaxTypeExtents
                             : MaxExtents;
}
constexpr uint64_t extentBytes(Table T, unsigned K) {
  return T == Table::Log     ? FirstLogBytes << K
         : T == Table::Types ? FilePage << 4 * K
                             : FilePage << K;
}

/// Their offsets in a state: maxExtents of them.
inline uint64_t *extentsIn(State &S, Table T) {
  return T == Table::Fot   ? S.FotExtent
         : T == Table::Map ? S.MapExtent
         : T == Table::Log ? S.LogExtent
                           : S.TypeExtent;
}
inline const uint64_t *extentsIn(const State &S, Table T) {
  return extentsIn(const_cast<State &>(S), T);
}

/// The object offset of extent K, or 0 when there is none yet.
uint64_t extentOf(const Object &O, Table T, unsigned K);

/// Which extent holds entry Index when the first holds First, and where in it.
struct ExtentPlace {
  unsigned K;
  uint64_t Within;
};
inline ExtentPlace placeIn(uint64_t Index, uint64_t First) {
  uint64_t Times = Index / First + 1;
  unsigned K = 63 - (unsigned)__builtin_clzll(Times);
  return {K, Index - First * (((uint64_t)1 << K) - 1)};
}

/// Reads the state again: another process may have made the file longer.
void followWriter(Object &O);

/// While it lives no other process changes the state or the FOT of O, and
/// Current is what the file says. Takes GrowLock.
class [[nodiscard]] StructureLocked {
public:
  explicit StructureLocked(Object &O);
  ~StructureLocked();
  StructureLocked(const StructureLocked &) = delete;
  StructureLocked &operator=(const StructureLocked &) = delete;
  bool ok() const { return Ok; } // false: a message says why

private:
  Object &O;
  bool Ok;
};

/// Appends extent K, zeroed, to the file, unless another process just has.
bool appendExtent(Object &O, Table T, unsigned K);

/// The same while the caller is StructureLocked.
bool appendExtentLocked(Object &O, Table T, unsigned K);

/// Makes the file longer by Pages or, when the disk allows, some more.
bool growFile(Object &O, uint64_t Pages);

/// The runtime changed these bytes of O: flushed at once on DAX, synced with
/// the next perdure_persist elsewhere.
void flushMetadata(Object &O, const void *P, size_t Bytes);

/// The medium has failed under O, which is deferred: nothing more is written to it.
/// Doing: what failed. Reported once.
void poison(Object &O, const char *Doing, int Error);
inline bool isPoisoned(const Object &O) {
  return __atomic_load_n(&O.Poisoned, __ATOMIC_ACQUIRE);
}
/// EIO, and what to do. Always false.
bool failPoisoned(const Object &O);

/// As flushMetadata, for the header and the FOT, which PERDURE_DURABLE syncs at
/// once.
void flushHeader(Object &O, const void *P, size_t Bytes);

/// Makes the bytes durable, and what the runtime has changed in O before.
bool persistAll(Object &O, const void *P, size_t Bytes);

/// What reports call the object: 'name' (id), or the ID alone.
struct ObjectLabel {
  char Text[300];
};
ObjectLabel labelOf(const Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_OBJECT_H

//===- object.h - One object: its file, its slot, its header ----*- C++ -*-===//
//
// An Object is the volatile side of an ID that this process has met: mapped
// into its slot, or missing, which leaves the slot inaccessible. It lives, and
// keeps its slot, until its store closes.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_OBJECT_OBJECT_H
#define PERDURE_RUNTIME_OBJECT_OBJECT_H

#include "object/format.h"
#include "perdure/runtime.h"
#include "platform/lock.h"
#include "platform/medium.h"
#include "platform/window.h"

namespace perdure {

struct Store;
struct Fot;       // fot/fot.h
struct EscapeSet; // fot/escapes.h
struct Heap;      // alloc/heap.h

struct Object {
  Store *Owner;
  Object *Next; // in the store's list
  perdure_id Id;
  char Hex[33];         // the ID in words, the file's name
  char Name[256];       // by which it was last opened, "" for none: in reports
  char WhyMissing[256]; // why it is not Present
  uint64_t Base;        // of its slot
  bool Present;         // mapped; atomic
  bool Writable;        // by this process; atomic
  bool Durable;         // PERDURE_DURABLE
  bool Removed;         // its file is gone
  bool Unsynced;        // runtime metadata changed since the last sync; atomic
  unsigned Syncing;     // threads that sync such changes right now; atomic
  int File;             // -1: none
  unsigned References;  // perdure_open and perdure_create less perdure_close
  uint64_t Escapes;     // native addresses stored under a lenient policy
  uint64_t FileBytes;   // Current.FileBytes; atomic, for readers without lock
  Mapping Map;
  Mutex GrowLock;
  State Current;         // what the state copies say; GrowLock
  Fot *TheFot;           // the FOT layer's, made at first use
  EscapeSet *TheEscapes; // the same
  Heap *TheHeap;         // the allocator's, made at first use
};

/// The object whose slot holds the address, present or missing, or null.
Object *objectAt(uint64_t Address);
inline Object *objectAt(const void *P) { return objectAt((uint64_t)P); }

inline Header *headerOf(const Object &O) { return (Header *)O.Base; }

inline bool isPresent(const Object &O) {
  return __atomic_load_n(&O.Present, __ATOMIC_ACQUIRE);
}

/// Gives a new Object its slot. False (ENOSPC) when there is none.
bool enterWindow(Object &O);

/// Creates O's file, mapped, with a state but without identity.
bool createFile(Object &O);

/// Writes the identity, which makes the file an object, and syncs it.
bool finishFile(Object &O, uint64_t RootOffset, uint64_t RootBytes);

/// Opens, checks and maps O's file. On failure O is as before.
bool attach(Object &O, bool Writable);

/// Unmaps O and gives its slot back.
void leaveWindow(Object &O);

/// The tables that are made of extents.
enum class Table { Fot, Map };

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

/// Appends extent K, zeroed, to the file.
bool appendExtent(Object &O, Table T, unsigned K);

/// Makes the file longer by Pages or, when the disk allows, some more.
bool growFile(Object &O, uint64_t Pages);

/// The runtime changed these bytes of O: flushed at once on DAX, synced with
/// the next perdure_persist elsewhere.
void flushMetadata(Object &O, const void *P, size_t Bytes);

/// The same for the header and the FOT, which PERDURE_DURABLE syncs at once.
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

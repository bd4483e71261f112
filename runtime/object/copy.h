//===- copy.h - A live object's file into another ----------------*- C++
//-*-===//
//
// A copy is read through a description of the file of its own: the read section
// that it takes there keeps writers out, those of this process included. The
// new file has no name until it is whole and synced.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_OBJECT_COPY_H
#define PERDURE_RUNTIME_OBJECT_COPY_H

#include "object/format.h"
#include "object/sidecar.h"
#include "platform/file_lock.h"

namespace perdure {

/// One object on its way.
struct Copying {
  Store *From, *To;
  perdure_id Id, NewId; // the same in another store
  bool Force;           // also while a process changes it outside of sections
  Copying *Next;        // of all copies of the process
  int Source;           // -1: none. Has the read section
  int Copy;             // -1: none
  char Temporary[64];   // its name, where files cannot be without one
  LockKind Writers;     // other processes, when the copy began, and
  Marks Who;            //   what the sidecar said of them
  int64_t Changed;      // the file's ctime then
  bool Half;            // a process died in a write section of it
  State Current;        // of the copy
};

/// Opens the source. EDEADLK for a thread that is in a write section of it.
bool openSource(Copying &C);

/// Takes its read section; Milliseconds: how long to wait, or -1. EBUSY.
bool enterSource(Copying &C, int Milliseconds);

/// EBUSY when its writer uses no sections, so that one keeps nobody out.
bool checkWriters(Copying &C);

/// Leaves the section, closes both files, and with them removes a copy that has
/// no name.
void endCopy(Copying &C);

/// The state in the source's header. EPROTO.
bool readSourceState(Copying &C);

/// Makes the copy: whole, without holes, synced, without a name.
bool copyFile(Copying &C);

/// Gives it its place in the store To. EEXIST.
bool publishCopy(Copying &C);

/// Removes it from there.
void retractCopy(Copying &C);

/// Around fork(): a child would keep the sections.
void copiesBeforeFork();
void copiesAfterFork();
void copiesInChild();

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_COPY_H

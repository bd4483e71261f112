//===- sidecar.h - Who writes which object: shared memory -------*- C++ -*-===//
//
// The kernel's locks say whether an object is taken, not by whom, nor whether
// the last process in a write section left it or died there. That is in a small
// file in /dev/shm, one per store, which the processes that write share and the
// others read. It is gone with its last writer, or with the boot.
//
// It is never needed for a lock to be right: what it says goes into messages
// and into the answer of perdure_lock. Who may write it is who may write the
// store.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_OBJECT_SIDECAR_H
#define PERDURE_RUNTIME_OBJECT_SIDECAR_H

#include "perdure/runtime.h"

#include <stdint.h>

namespace perdure {

struct Store;
struct Object;

/// A process: its pid, and when it started, since pids come again. 0: none.
enum class ProcessMark : uint64_t {};

ProcessMark thisProcess();
bool isAlive(ProcessMark);
inline int pidOf(ProcessMark Mark) { return (int)((uint64_t)Mark >> 32); }

/// Random, and this Object's alone: in the file's Turns it says that nobody else has
/// been in a write section since, nor this process by another Object of the same file,
/// nor by this one's copies. 0 when there are no random bits.
uint64_t ownTurn(const Object &O);

/// After fork(), in the child: its own mark, and a sidecar of its own opening.
void forgetProcess();
void abandonSidecar(Store &S);

/// Removes the store's sidecar when nobody else has it; who has it mapped, as
/// other threads of a process that ends, goes on with it.
void removeSidecar(const Store &S);
/// That, and unmaps it.
void closeSidecar(Store &S);

/// This process has O open as its only writer, or no longer.
void markOwner(const Object &O, bool Mine);

/// This process has entered a write section: true when the one that was in it
/// before died there. And has left it.
bool markSection(const Object &O);
void unmarkSection(const Object &O);

struct Marks {
  ProcessMark Owner, Section;
  uint64_t Sections; // write sections begun since Owner has it
};
/// What the sidecar says of an object; nothing when there is no sidecar.
Marks marksOf(Store &S, perdure_id Id);

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_SIDECAR_H

//===- section.h - One writer at a time, readers together -------*- C++ -*-===//
//
// The write and read sections of perdure_lock: between the threads of this
// process by a monitor, between processes by the kernel's lock on the object's
// file, which the first thread to enter takes and the last to leave drops.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_OBJECT_SECTION_H
#define PERDURE_RUNTIME_OBJECT_SECTION_H

#include "perdure/runtime.h"
#include "platform/file_lock.h"
#include "platform/lock.h"

namespace perdure {

struct Object;
struct Store;

/// All zero: nobody is in it.
struct Section {
  Mutex Lock;
  pthread_cond_t Left; // somebody left, or a change of the kernel's lock ended
  unsigned Readers;    // threads
  unsigned Waiting;    // threads that want to write, or to read what is there then:
                       // readers queue behind them
  bool Writing;        // a thread
  bool Changing;       // a thread waits for the kernel's lock, or looks at what is there
  pthread_t Writer;    // who, while Writing
};

/// Enters. False: EBUSY when it must not wait, EDEADLK for who is writing
/// already and for who reads already, ENOLCK for a thread that reads too many,
/// else the kernel's error. Died: the process that was in a write
/// section before never left it. First, of a read section: no other thread of this
/// process is in one, and none enters before letOthersIn, or before this one leaves.
bool enterSection(Object &O, bool ToWrite, bool Wait, bool &Died, bool &First);
void letOthersIn(Object &O);

/// Until no thread of this process is in a read section of O. None joins those that are
/// meanwhile.
void waitUntilReadersLeave(Object &O);

/// Leaves. False (EPERM) for a thread that is in none. StillDied: the next to
/// enter is told of a death that was told to this one.
bool leaveSection(Object &O, bool StillDied = false);

/// Whether this thread is in a write section.
bool isWritingHere(Object &O);

/// Whether it is in any section of it.
bool isInSection(Object &O);

/// EBUSY, and who is in a section of the object. Always false.
bool failInSection(Store &S, perdure_id Id, const char *Label);

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_SECTION_H

//===- sharing.cpp - Write and read sections, and who holds what ----------===//

#include "alloc/heap.h"
#include "api/arguments.h"
#include "api/sharing.h"
#include "object/sidecar.h"
#include "platform/error.h"
#include "platform/file_lock.h"
#include "tx/log.h"
#include "tx/recover.h"
#include "tx/redo.h"
#include "tx/transaction.h"

#include <errno.h>
#include <unistd.h>

using namespace perdure;

// What this process has of O's pages is from before another one's turn, and so is
// the log that it knows. In a write section of O, which is deferred.
static bool showOthers(Object &O) {
  forgetOwn(O);
  if (!needsRecovery(O, /*Alive=*/false))
    return true;
  if (!endDeferral(O))
    return false;
  bool Ok = recover(O);
  int Saved = errno;
  if (!defer(O))
    return false;
  errno = Saved;
  return Ok;
}

// What this process knows of the allocator's tables is old when another was in
// a write section since. In a write section of O.
static bool takeTurn(Object &O) {
  uint64_t &Last = headerOf(O)->Turn.LastWriter, Mine = ownTurn(O);
  if (Mine && __atomic_load_n(&Last, __ATOMIC_ACQUIRE) == Mine)
    return true;
  // This process writes nothing more to it, and recovers nothing.
  if (isPoisoned(O))
    return failPoisoned(O);
  {
    StructureLocked Hold(O); // what the state says now
    if (!Hold.ok())
      return false;
  }
  // Who dies in here has changed the log already that the last one knows.
  __atomic_store_n(&Last, 0, __ATOMIC_RELEASE);
  // What a process that died in its section left half done is rolled back before
  // anything is learnt of what is allocated.
  redoRelease(O);
  logRelease(O);
  // What is durable and not deferred has failed to become so again before.
  if (!(isDeferred(O) ? showOthers(O) : recover(O) && defer(O)) ||
      !heapRefresh(O))
    return false;
  __atomic_store_n(&Last, Mine, __ATOMIC_RELEASE);
  return true;
}

// Who is alone allocates without sections: so what the others did before is
// learnt inside one, where they cannot allocate.
bool perdure::openAlone(Object &O, bool &Occupied) {
  bool Died = false, First, Inside = isWritingHere(O);
  if (isShared(O))
    return false;
  if (!Inside && !enterSection(O, true, /*Wait=*/false, Died, First)) {
    Occupied = errno == EBUSY;
    return false;
  }
  bool Ok = takeTurn(O) && attach(O, Access::Exclusive);
  int Saved = errno;
  if (!Inside)
    leaveSection(O, Died);
  errno = Saved;
  return Ok;
}

// Others that write O. With the last one goes what was said to be home: the medium may
// have been another since.
static bool hasWriters(Object &O) {
  return lockOfOthers(O.File, FileByte::Ownership) != LockKind::None;
}
static bool hasOnlyWriter(Object &O) {
  return lockOfOthers(O.File, FileByte::Ownership) == LockKind::Exclusive;
}

// Nobody is about to be the only writer of O, and recovers it: none begins to before
// this is over, and one that is there has done so. Other threads of this process may be
// in a section of O, but not in here.
template <typename Look> static bool whileNobodyRecovers(Object &O, bool Wait, Look Do) {
  if (!lockInTurn(O.File, FileByte::Structure, LockKind::Shared, Wait))
    return errno == EBUSY &&
           fail(EBUSY, "object %s: a process recovers it or makes it longer, or waits to",
                labelOf(O).Text);
  bool Ok = Do();
  int Saved = errno;
  lockByte(O.File, FileByte::Structure, LockKind::None, false);
  errno = Saved;
  return Ok;
}

// In a read section of O, the first one of this process: what it shows is no half
// transaction. Half: of a dead process, and this one may end it by a turn of its own.
// This may map the object anew, so no other thread is in a section meanwhile; those that
// join later see the same: who writes in sections waits until all have left.
static bool seeWhole(Object &O, bool Wait, bool &Half) {
  Half = false;
  if (isAlone(O))
    return true;
  if (isWritable(O)) {
    followWriter(O);
    uint64_t Mine = ownTurn(O);
    bool Others = !Mine || headerOf(O)->Turn.LastWriter != Mine;
    Half = Others && needsRecovery(O, hasWriters(O));
    return true;
  }
  return whileNobodyRecovers(O, Wait, [&] {
    // Behind each look: one that has gone may have made the file and its log longer
    // before. None comes meanwhile.
    bool OnlyWriter;
    do {
      OnlyWriter = hasOnlyWriter(O);
      followWriter(O);
    } while (OnlyWriter && !hasOnlyWriter(O));
    // It is at work outside sections, too. What it has committed is in the file.
    if (OnlyWriter)
      return !O.Private || showFile(O);
    return (!O.Private && !needsRecovery(O, hasWriters(O))) || recoverPrivately(O);
  });
}

// In a read section that others of this process are in, too: whether this thread may be,
// since it sees what they see. Not when an only writer, who uses no sections, has come or
// has died since the first one looked, nor while one recovers the file.
static bool maySeeTheSame(Object &O) {
  if (isWritable(O)) {
    followWriter(O);
    return true;
  }
  // Once more behind the look at Structure: one that recovered it and has died had both.
  if (hasOnlyWriter(O) &&
      lockOfOthers(O.File, FileByte::Structure) == LockKind::Exclusive)
    return false;
  bool OnlyWriter = hasOnlyWriter(O);
  followWriter(O); // behind the looks, as in seeWhole
  if (OnlyWriter)
    return !O.Private && hasOnlyWriter(O);
  return O.Private ? isRecoveredAsIs(O) : !needsRecovery(O, hasWriters(O));
}

static bool enterToRead(Object &O, bool Wait, bool &First) {
  bool Died;
  for (;;) {
    if (!enterSection(O, /*ToWrite=*/false, Wait, Died, First))
      return false;
    if (First || maySeeTheSame(O)) // the first one: see seeWhole
      return true;
    leaveSection(O);
    if (!Wait)
      return fail(EBUSY, "object %s: threads of this process read what was there before",
                  labelOf(O).Text);
    waitUntilReadersLeave(O);
  }
}

int perdure_lock(void *in_object, unsigned flags) {
  if (flags & ~(unsigned)(PERDURE_RDONLY | PERDURE_NOWAIT)) {
    fail(EINVAL,
         "perdure_lock: flags 0x%x: PERDURE_RDONLY and PERDURE_NOWAIT are "
         "those that it knows",
         flags);
    return -1;
  }
  Object *O = openObjectAt(in_object, "perdure_lock");
  bool ToWrite = !(flags & PERDURE_RDONLY), Wait = !(flags & PERDURE_NOWAIT);
  bool Died = false, First = false;
  Transaction *T = openTransaction();
  if (T && O && isWritingHere(*O) == ToWrite && stayInside(*T, *O))
    return 0;
  if (!O || (ToWrite && !isWritable(*O) && !refuseToWrite(*O)) ||
      !(ToWrite ? enterSection(*O, true, Wait, Died, First)
                : enterToRead(*O, Wait, First)))
    return -1;
  if (ToWrite && !isAlone(*O) && !takeTurn(*O)) {
    int Saved = errno;
    leaveSection(*O, Died);
    errno = Saved;
    return -1;
  }
  bool Half = false;
  if (First && !seeWhole(*O, Wait, Half)) {
    int Saved = errno;
    leaveSection(*O);
    errno = Saved;
    return -1;
  }
  if (First && !Half)
    letOthersIn(*O);
  if (!Half)
    return Died;
  leaveSection(*O);
  // Who takes a turn rolls back; of a death the next who writes is told. The next
  // reader may be another's, and so on.
  int Turn = perdure_lock(in_object, flags & PERDURE_NOWAIT);
  return Turn < 0 || !leaveSection(*O, /*StillDied=*/Turn)
             ? -1
             : perdure_lock(in_object, flags);
}

int perdure_unlock(void *in_object) {
  Object *O = openObjectAt(in_object, "perdure_unlock");
  Transaction *T = openTransaction();
  if (!O)
    return -1;
  if (!T)
    return leaveWritten(*O) ? 0 : -1;
  if (!isInSection(*O)) {
    fail(EPERM, "object %s: this thread is in no section of it",
         labelOf(*O).Text);
    return -1;
  }
  return leaveAtEnd(*T, *O) ? 0 : -1;
}

int perdure_holder(perdure_store *store, const char *name,
                   struct perdure_holder *holder) {
  Store &S = storeOf(store);
  perdure_id Id;
  Locked Hold(S.Lock);
  if (!lookUpName(S, name, Id))
    return -1;
  *holder = {};
  // Through the description that has this process's own locks, which do not
  // count then.
  Object *O = findObject(S, Id);
  bool Mine = O && isPresent(*O);
  int File = Mine ? fileOf(*O) : openObjectFile(S, Id);
  if (File < 0)
    return -1;
  LockKind Kind = lockOfOthers(File, FileByte::Ownership);
  holder->writers = Kind == LockKind::None     ? 0
                    : Kind == LockKind::Shared ? PERDURE_SHARED
                                               : PERDURE_EXCL;
  Marks M = marksOf(S, Id);
  if (Kind == LockKind::Exclusive)
    holder->pid = pidOf(M.Owner);
  if (lockOfOthers(File, FileByte::Section) == LockKind::Exclusive)
    holder->in_section = pidOf(M.Section);
  if (!Mine)
    close(File);
  return 0;
}

//===- section.cpp - One writer at a time, readers together ---------------===//

#include "object/section.h"
#include "object/object.h"
#include "object/sidecar.h"
#include "platform/error.h"
#include "platform/file_lock.h"
#include "platform/thread.h"

#include <errno.h>
#include <time.h>

using namespace perdure;

bool perdure::isWritingHere(Object &O) {
  Locked Hold(O.Sect.Lock);
  return O.Sect.Writing && pthread_equal(O.Sect.Writer, pthread_self());
}

bool perdure::failInSection(Store &S, perdure_id Id, const char *Label) {
  int Pid = pidOf(marksOf(S, Id).Section);
  return Pid ? fail(EBUSY, "object %s: process %d is in a write section", Label,
                    Pid)
             : fail(EBUSY, "object %s: another process is in a section", Label);
}

// The kernel's lock for this process.
static bool lockForProcess(Object &O, LockKind Kind, bool Wait) {
  int File = fileOf(O);
  if (File < 0)
    return false;
  if (Kind == LockKind::Exclusive && !isWritable(O))
    return fail(EROFS, "object %s is open without the right to write: %s",
                labelOf(O).Text, O.WhyReadOnly);
  return lockInTurn(File, FileByte::Section, Kind, Wait) ||
         (errno == EBUSY && failInSection(*O.Owner, O.Id, labelOf(O).Text));
}

static bool busyHere(const Object &O) {
  return fail(EBUSY, "object %s: another thread is in a section",
              labelOf(O).Text);
}

// A section belongs to the thread that entered it, and whoever waits to write
// while it reads waits for itself: each thread knows its read sections.
static Reading *readingOf(const Object &O) {
  Thread *T = thisThread();
  for (unsigned I = 0; T && I < sizeof(T->Readings) / sizeof(Reading); ++I)
    if (T->Readings[I].In == &O && T->Readings[I].Serial == O.Serial)
      return &T->Readings[I];
  return nullptr;
}

// Those of stores that are closed end with them.
static bool isOver(const Reading &R) {
  const Object *Now = R.In ? objectAt(R.Base) : nullptr;
  return !Now || Now != R.In || Now->Serial != R.Serial;
}

static Reading *freeReading() {
  Thread *T = thisThread();
  for (unsigned I = 0; T && I < sizeof(T->Readings) / sizeof(Reading); ++I)
    if (isOver(T->Readings[I]))
      return &T->Readings[I];
  return nullptr;
}

bool perdure::isInSection(Object &O) {
  return isWritingHere(O) || readingOf(O);
}

static void waitAMoment(Section &S) {
  struct timespec Until;
  clock_gettime(CLOCK_REALTIME, &Until);
  Until.tv_nsec += 1000000;
  Until.tv_sec += Until.tv_nsec / 1000000000;
  Until.tv_nsec %= 1000000000;
  pthread_cond_timedwait(&S.Left, &S.Lock.Handle, &Until);
}

// Waits until this thread may ask the kernel, or joins the readers of this
// process, who have the kernel's lock. Readers do not join while somebody waits
// to write, whose turn comes when they have all left: a thread of this process,
// or another process, which does not tell when it waits no more. Section
// locked.
static bool waitForThreads(Object &O, bool ToWrite, bool Wait, bool &Joined) {
  Section &S = O.Sect;
  Joined = false;
  while (S.Changing || S.Writing || S.Readers || (!ToWrite && S.Waiting)) {
    bool MayJoin = !ToWrite && S.Readers && !S.Changing && !S.Waiting;
    Joined =
        MayJoin &&
        lockOfOthers(O.File, FileByte::SectionTurn) != LockKind::Exclusive;
    if (Joined)
      return true;
    if (!Wait)
      return busyHere(O);
    S.Waiting += ToWrite;
    if (MayJoin)
      waitAMoment(S);
    else
      pthread_cond_wait(&S.Left, &S.Lock.Handle);
    S.Waiting -= ToWrite;
  }
  return true;
}

static bool enterLocked(Object &O, bool ToWrite, bool Wait, bool &Died, bool &First) {
  Section &S = O.Sect;
  if (S.Writing && pthread_equal(S.Writer, pthread_self()))
    return fail(EDEADLK, "object %s: this thread is in a write section already",
                labelOf(O).Text);
  if (readingOf(O))
    return fail(EDEADLK, "object %s: this thread is in a read section already",
                labelOf(O).Text);
  Reading *Mine = freeReading();
  if (!ToWrite && !Mine)
    return fail(ENOLCK,
                "object %s: this thread is in 64 read sections; leave "
                "some",
                labelOf(O).Text);
  bool Joined;
  if (!waitForThreads(O, ToWrite, Wait, Joined))
    return false;
  if (!Joined) {
    S.Changing = true;
    pthread_mutex_unlock(&S.Lock.Handle);
    bool Ok = lockForProcess(
        O, ToWrite ? LockKind::Exclusive : LockKind::Shared, Wait);
    pthread_mutex_lock(&S.Lock.Handle);
    First = Ok && !ToWrite;
    S.Changing = First;
    if (!First)
      pthread_cond_broadcast(&S.Left);
    if (!Ok)
      return false;
  }
  if (ToWrite) {
    S.Writer = pthread_self();
    S.Writing = true;
    Died = markSection(O);
  } else {
    ++S.Readers;
    *Mine = {&O, O.Base, O.Serial};
  }
  return true;
}

void perdure::letOthersIn(Object &O) {
  Locked Hold(O.Sect.Lock);
  O.Sect.Changing = false;
  pthread_cond_broadcast(&O.Sect.Left);
}

void perdure::waitUntilReadersLeave(Object &O) {
  Section &S = O.Sect;
  Locked Hold(S.Lock);
  ++S.Waiting;
  while (S.Readers)
    pthread_cond_wait(&S.Left, &S.Lock.Handle);
  --S.Waiting;
  pthread_cond_broadcast(&S.Left);
}

bool perdure::enterSection(Object &O, bool ToWrite, bool Wait, bool &Died, bool &First) {
  Died = First = false;
  pthread_mutex_lock(&O.Sect.Lock.Handle);
  bool Ok = enterLocked(O, ToWrite, Wait, Died, First);
  int Saved = errno;
  pthread_mutex_unlock(&O.Sect.Lock.Handle);
  errno = Saved;
  return Ok;
}

bool perdure::leaveSection(Object &O, bool StillDied) {
  Section &S = O.Sect;
  Locked Hold(S.Lock);
  if (S.Writing && pthread_equal(S.Writer, pthread_self())) {
    if (!StillDied)
      unmarkSection(O);
    S.Writing = false;
  } else if (Reading *Mine = readingOf(O)) {
    *Mine = {};
    if (--S.Readers)
      return true;
    S.Changing = false; // this one's, if it was the first and there were no others
  } else {
    return fail(EPERM, "object %s: this thread is in no section of it",
                labelOf(O).Text);
  }
  lockByte(O.File, FileByte::Section, LockKind::None, false);
  pthread_cond_broadcast(&S.Left);
  return true;
}

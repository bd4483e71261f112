//===- section.cpp - One writer at a time, readers together ---------------===//

#include "object/section.h"
#include "object/object.h"
#include "object/sidecar.h"
#include "platform/error.h"
#include "platform/file_lock.h"

#include <errno.h>

using namespace perdure;

bool perdure::isWriting(const Object &O) {
  return __atomic_load_n(&O.Sect.Writing, __ATOMIC_RELAXED);
}

bool perdure::isWritingHere(Object &O) {
  Locked Hold(O.Sect.Lock);
  return O.Sect.Writing && pthread_equal(O.Sect.Writer, pthread_self());
}

// Who waits holds Turn meanwhile, so that readers who keep coming do not keep a
// writer out.
bool perdure::lockSection(int File, LockKind Kind, bool Wait) {
  if (!lockByte(File, FileByte::Turn, Kind, Wait))
    return false;
  bool Ok = lockByte(File, FileByte::Section, Kind, Wait);
  int Saved = errno;
  lockByte(File, FileByte::Turn, LockKind::None, false);
  errno = Saved;
  return Ok;
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
  return lockSection(File, Kind, Wait) ||
         (errno == EBUSY && failInSection(*O.Owner, O.Id, labelOf(O).Text));
}

static bool busyHere(const Object &O) {
  return fail(EBUSY, "object %s: another thread is in a section",
              labelOf(O).Text);
}

bool perdure::enterSection(Object &O, bool ToWrite, bool Wait, bool &Died) {
  Section &S = O.Sect;
  Died = false;
  pthread_mutex_lock(&S.Lock.Handle);
  bool Ok = true;
  for (;;) {
    if (S.Writing && pthread_equal(S.Writer, pthread_self())) {
      Ok = fail(EDEADLK, "object %s: this thread is in a write section already",
                labelOf(O).Text);
      break;
    }
    if (!ToWrite && S.Readers && !S.Changing) {
      ++S.Readers; // the process has the kernel's lock
      break;
    }
    if (S.Changing || S.Writing || S.Readers) {
      if (!Wait) {
        Ok = busyHere(O);
        break;
      }
      pthread_cond_wait(&S.Left, &S.Lock.Handle);
      continue;
    }
    S.Changing = true;
    pthread_mutex_unlock(&S.Lock.Handle);
    Ok = lockForProcess(O, ToWrite ? LockKind::Exclusive : LockKind::Shared,
                        Wait);
    pthread_mutex_lock(&S.Lock.Handle);
    S.Changing = false;
    if (Ok && ToWrite) {
      S.Writer = pthread_self();
      __atomic_store_n(&S.Writing, true, __ATOMIC_RELAXED);
      Died = markSection(O);
    } else if (Ok) {
      S.Readers = 1;
    }
    pthread_cond_broadcast(&S.Left);
    break;
  }
  int Saved = errno;
  pthread_mutex_unlock(&S.Lock.Handle);
  errno = Saved;
  return Ok;
}

bool perdure::leaveSection(Object &O) {
  Section &S = O.Sect;
  Locked Hold(S.Lock);
  bool Mine = S.Writing && pthread_equal(S.Writer, pthread_self());
  if (!Mine && !S.Readers)
    return fail(EPERM, "object %s: this thread is in no section of it",
                labelOf(O).Text);
  if (Mine) {
    unmarkSection(O);
    __atomic_store_n(&S.Writing, false, __ATOMIC_RELAXED);
  } else if (--S.Readers) {
    return true;
  }
  lockByte(O.File, FileByte::Section, LockKind::None, false);
  pthread_cond_broadcast(&S.Left);
  return true;
}

//===- sidecar.cpp - Who writes which object: shared memory ---------------===//

#include "object/sidecar.h"
#include "object/object.h"
#include "object/store.h"
#include "platform/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace perdure;

//===----------------------------------------------------------------------===//
// Processes
//===----------------------------------------------------------------------===//

// Field 22 of /proc/PID/stat: clock ticks from the boot to the start. 0 when
// there is no such process.
static uint64_t startOf(int Pid) {
  char Path[64], Text[1024];
  snprintf(Path, sizeof(Path), "/proc/%d/stat", Pid);
  int File = open(Path, O_RDONLY | O_CLOEXEC);
  if (File < 0)
    return 0;
  ssize_t Read = read(File, Text, sizeof(Text) - 1);
  close(File);
  if (Read <= 0)
    return 0;
  Text[Read] = 0;
  // The name, in parentheses, may hold anything.
  const char *Field = strrchr(Text, ')');
  for (int I = 0; Field && I < 20; ++I)
    Field = strchr(Field + 1, ' ');
  return Field ? strtoull(Field + 1, nullptr, 10) : 0;
}

static ProcessMark markFor(int Pid) {
  return (ProcessMark)((uint64_t)(uint32_t)Pid << 32 | (uint32_t)startOf(Pid));
}

static ProcessMark Mine; // atomic

ProcessMark perdure::thisProcess() {
  ProcessMark Mark = atomicLoad(Mine);
  if ((uint64_t)Mark)
    return Mark;
  Mark = markFor(getpid());
  atomicStore(Mine, Mark);
  return Mark;
}

static uint64_t Turn; // of this process; atomic

static uint64_t turnOfProcess() {
  uint64_t Mine = __atomic_load_n(&Turn, __ATOMIC_RELAXED), New;
  if (Mine || getrandom(&New, sizeof(New), 0) != (ssize_t)sizeof(New))
    return Mine;
  return __atomic_compare_exchange_n(&Turn, &Mine, New, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED)
             ? New
             : Mine;
}

// The file keeps it when this process closes it, opens it again, or copies it: what an
// Object knows of the log and of the allocator's tables is not what the next one knows.
uint64_t perdure::ownTurn(const Object &O) {
  uint64_t Mine = turnOfProcess();
  return Mine ? Mine + O.Serial : 0;
}

void perdure::forgetProcess() {
  atomicStore(Mine, ProcessMark(0));
  __atomic_store_n(&Turn, 0, __ATOMIC_RELAXED);
}

bool perdure::isAlive(ProcessMark Mark) {
  int Pid = pidOf(Mark);
  // EPERM means that there is such a process.
  if (!Pid || (kill(Pid, 0) && errno == ESRCH))
    return false;
  return markFor(Pid) == Mark;
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

namespace {
struct Record {
  uint64_t IdLo, IdHi; // 0 while free; Lo is set first, both once
  ProcessMark Owner, Section;
  uint64_t Sections; // write sections begun since Owner has it
  uint64_t Reserved[3];
};
static_assert(sizeof(Record) == 64, "a cache line");

constexpr unsigned RecordCount = 4096;
constexpr unsigned Probes = 16;
constexpr size_t FileBytes = RecordCount * sizeof(Record);

unsigned firstProbe(perdure_id Id) { return (unsigned)(Id.lo ^ Id.hi >> 32); }
} // namespace

static void nameOf(const Store &S, char (&Name)[80]) {
  // The marker's ID tells stores apart that had one directory's number after
  // another, and is not for strangers to know; device and inode tell copies of
  // a store apart.
  snprintf(Name, sizeof(Name), "/dev/shm/perdure-%llx-%llx-%016llx",
           (unsigned long long)S.Device, (unsigned long long)S.Inode,
           (unsigned long long)(S.Marker.hi ^ S.Marker.lo));
}

// /dev/shm is everybody's: a file of somebody who has no say in the store is
// not believed.
static bool isTrusted(const Store &S, int File) {
  struct stat Side, Dir;
  if (fstat(File, &Side) || fstat(S.Dir, &Dir) || !S_ISREG(Side.st_mode))
    return false;
  if (Side.st_mode & S_IWOTH && !(Dir.st_mode & S_IWOTH))
    return false;
  return Side.st_uid == Dir.st_uid || Side.st_uid == 0 ||
         Side.st_uid == geteuid() ||
         (Dir.st_mode & S_IWGRP && Side.st_gid == Dir.st_gid);
}

static bool isWhole(int File) {
  struct stat Side;
  return !fstat(File, &Side) && Side.st_nlink &&
         (size_t)Side.st_size == FileBytes;
}

// With the rights of the store's directory.
static int createSidecar(const Store &S, const char *Name) {
  struct stat Dir;
  if (fstat(S.Dir, &Dir))
    return -1;
  int File =
      open(Name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (File < 0)
    return -1;
  // To the store's owner and group as far as that is allowed.
  if (fchown(File, Dir.st_uid, Dir.st_gid) &&
      fchown(File, (uid_t)-1, Dir.st_gid))
    return File;
  int Ignored = fchmod(File, (Dir.st_mode & 0666) | 0600);
  (void)Ignored;
  return File;
}

static int openToWrite(const Store &S) {
  char Name[80];
  nameOf(S, Name);
  // Another process may remove it between these steps, as the last one.
  for (int Try = 0; Try < 10; ++Try) {
    int File = open(Name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (File < 0 && errno == ENOENT)
      File = createSidecar(S, Name);
    if (File < 0) {
      if (errno == EEXIST)
        continue;
      return -1;
    }
    // Before anything is waited for: a stranger could keep us waiting for ever.
    if (!isTrusted(S, File)) {
      close(File);
      return -1;
    }
    struct stat Status;
    if (lockByte(File, FileByte::Ownership, LockKind::Shared, true) &&
        !fstat(File, &Status) && Status.st_nlink) {
      bool Ok = Status.st_size || !ftruncate(File, FileBytes);
      if (Ok && isWhole(File))
        return File;
      close(File);
      return -1;
    }
    close(File);
  }
  return -1;
}

static Record *recordsOf(Store &S) {
  Locked Hold(S.SidecarLock);
  if (S.Sidecar || S.NoSidecar)
    return (Record *)S.Sidecar;
  S.NoSidecar = true;
  int File = openToWrite(S);
  if (File < 0)
    return nullptr;
  void *P =
      mmap(nullptr, FileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, File, 0);
  if (P == MAP_FAILED) {
    close(File);
    return nullptr;
  }
  S.NoSidecar = false;
  S.SidecarFile = File;
  S.Sidecar = P;
  return (Record *)P;
}

void perdure::abandonSidecar(Store &S) {
  if (S.Sidecar) {
    munmap(S.Sidecar, FileBytes);
    close(S.SidecarFile);
  }
  S.Sidecar = nullptr;
  S.NoSidecar = false;
}

// Whether it says of an object that its last writer died: the next one has to
// be told. By reading, which does not fill the file's holes.
static bool tellsOfDeath(const Store &S) {
  Record Some[64];
  for (size_t At = 0; At < FileBytes; At += sizeof(Some)) {
    if (pread(S.SidecarFile, Some, sizeof(Some), (off_t)At) !=
        (ssize_t)sizeof(Some))
      return false;
    for (const Record &R : Some)
      if ((uint64_t)R.Section)
        return true;
  }
  return false;
}

void perdure::removeSidecar(const Store &S) {
  if (!S.Sidecar)
    return;
  char Name[80];
  nameOf(S, Name);
  if (lockByte(S.SidecarFile, FileByte::Ownership, LockKind::Exclusive,
               false) &&
      !tellsOfDeath(S))
    unlink(Name);
}

void perdure::closeSidecar(Store &S) {
  removeSidecar(S);
  abandonSidecar(S);
}

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

static Record *recordOf(const Object &O) {
  Record *Records = recordsOf(*O.Owner);
  for (unsigned I = 0; Records && I < Probes; ++I) {
    Record &R = Records[(firstProbe(O.Id) + I) % RecordCount];
    uint64_t Lo = 0, Hi = 0;
    if (!__atomic_compare_exchange_n(&R.IdLo, &Lo, O.Id.lo, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
        Lo != O.Id.lo)
      continue;
    if (__atomic_compare_exchange_n(&R.IdHi, &Hi, O.Id.hi, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
        Hi == O.Id.hi)
      return &R;
  }
  return nullptr;
}

void perdure::markOwner(const Object &O, bool IsMine) {
  Record *R = recordOf(O);
  if (!R)
    return;
  atomicStore(R->Sections, (uint64_t)0);
  atomicStore(R->Owner, IsMine ? thisProcess() : ProcessMark(0));
}

bool perdure::markSection(const Object &O) {
  Record *R = recordOf(O);
  if (!R)
    return false;
  __atomic_fetch_add(&R->Sections, 1, __ATOMIC_RELEASE);
  return (uint64_t)atomicExchange(R->Section, thisProcess());
}

void perdure::unmarkSection(const Object &O) {
  if (Record *R = recordOf(O))
    atomicStore(R->Section, ProcessMark(0));
}

Marks perdure::marksOf(Store &S, perdure_id Id) {
  // By reading, not by mapping: who may not write the file could have it cut
  // off under a mapping.
  char Name[80];
  nameOf(S, Name);
  int File = open(Name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (File < 0)
    return {};
  bool Believed = isTrusted(S, File) && isWhole(File);
  Marks Found = {};
  Record R;
  for (unsigned I = 0; Believed && I < Probes; ++I) {
    off_t At = (off_t)((firstProbe(Id) + I) % RecordCount * sizeof(R));
    if (pread(File, &R, sizeof(R), At) != (ssize_t)sizeof(R) || !R.IdLo)
      break;
    if (R.IdLo == Id.lo && R.IdHi == Id.hi) {
      Found = {R.Owner, R.Section, R.Sections};
      break;
    }
  }
  close(File);
  return Found;
}

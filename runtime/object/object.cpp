//===- object.cpp - One object: its file, its slot, its header ------------===//

#include "object/object.h"
#include "object/header.h"
#include "object/store.h"
#include "platform/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

using namespace perdure;

static Object *Slots[MaxSlots];

Object *perdure::objectAt(uint64_t Address) {
  if (!TheWindow.contains(Address))
    return nullptr;
  return __atomic_load_n(&Slots[TheWindow.slotOf(Address)], __ATOMIC_ACQUIRE);
}

ObjectLabel perdure::labelOf(const Object &O) {
  ObjectLabel L;
  if (O.Name[0])
    snprintf(L.Text, sizeof(L.Text), "'%s' (%s)", O.Name, O.Hex);
  else
    snprintf(L.Text, sizeof(L.Text), "%s", O.Hex);
  return L;
}

bool perdure::enterWindow(Object &O) {
  O.Base = takeSlot();
  if (!O.Base)
    return false;
  __atomic_store_n(&Slots[TheWindow.slotOf(O.Base)], &O, __ATOMIC_RELEASE);
  return true;
}

void perdure::leaveWindow(Object &O) {
  __atomic_store_n(&Slots[TheWindow.slotOf(O.Base)], (Object *)nullptr,
                   __ATOMIC_RELEASE);
  if (isPresent(O) && O.Writable && O.Durable && fdatasync(O.File))
    report("object %s: cannot sync at close: %s", labelOf(O).Text,
           strerror(errno));
  dropSlot(O.Base);
  if (O.File >= 0)
    close(O.File);
}

//===----------------------------------------------------------------------===//
// Durability of the runtime's own bytes
//===----------------------------------------------------------------------===//

void perdure::flushMetadata(Object &O, const void *P, size_t Bytes) {
  if (O.Map.Page)
    __atomic_store_n(&O.Unsynced, true, __ATOMIC_RELAXED);
  else
    persist(O.Map, P, Bytes);
}

void perdure::flushHeader(Object &O, const void *P, size_t Bytes) {
  flushMetadata(O, P, Bytes);
  if (O.Map.Page && O.Durable && !persist(O.Map, P, Bytes))
    die("object %s: %s; what the medium holds is unknown now", labelOf(O).Text,
        errorMessage());
}

bool perdure::persistAll(Object &O, const void *P, size_t Bytes) {
  if (!O.Map.Page)
    return persist(O.Map, P, Bytes);
  // What the runtime changed must not come after what refers to it: all of the
  // file, then. Also while another thread is at it: what that one has taken
  // upon itself is not there yet.
  __atomic_fetch_add(&O.Syncing, 1, __ATOMIC_SEQ_CST);
  bool Mine = __atomic_exchange_n(&O.Unsynced, false, __ATOMIC_SEQ_CST);
  bool Changed =
      Mine || __atomic_sub_fetch(&O.Syncing, 1, __ATOMIC_SEQ_CST) > 0;
  bool Ok = Changed ? !fdatasync(O.File) ||
                          fail(errno, "cannot sync: %s", strerror(errno))
                    : persist(O.Map, P, Bytes);
  if (Mine)
    __atomic_sub_fetch(&O.Syncing, 1, __ATOMIC_SEQ_CST);
  return Ok;
}

// Copy 1 first, then copy 0, each persistent before the next is touched. The
// checksum is written last, so a copy that was interrupted does not match.
static void writeState(Object &O, State New) {
  New.Sequence = O.Current.Sequence + 1;
  New.Checksum = checksumOf(&New, sizeof(New));
  for (int I = 1; I >= 0; --I) {
    State &Copy = headerOf(O)->Copy[I];
    memcpy(&Copy, &New, offsetof(State, Checksum));
    __atomic_store_n(&Copy.Checksum, New.Checksum, __ATOMIC_RELEASE);
    flushHeader(O, &Copy, sizeof(Copy));
  }
  O.Current = New;
  __atomic_store_n(&O.FileBytes, New.FileBytes, __ATOMIC_RELEASE);
}

//===----------------------------------------------------------------------===//
// Growth
//===----------------------------------------------------------------------===//

// Never a hole: a write to one would be SIGBUS on a full disk.
static bool allocateFile(Object &O, uint64_t From, uint64_t Bytes) {
  if (Bytes > TheWindow.limit())
    return fail(ENOSPC,
                "object %s is full: %llu bytes are the most that a slot holds; "
                "put more into other objects",
                labelOf(O).Text, (unsigned long long)TheWindow.limit());
  int Error;
  do
    Error = posix_fallocate(O.File, (off_t)From, (off_t)(Bytes - From));
  while (Error == EINTR);
  return !Error ||
         fail(Error, "object %s cannot grow to %llu bytes: %s; free disk space",
              labelOf(O).Text, (unsigned long long)Bytes, strerror(Error));
}

uint64_t perdure::extentOf(const Object &O, Table T, unsigned K) {
  const uint64_t *Extents =
      T == Table::Fot ? O.Current.FotExtent : O.Current.MapExtent;
  return K < MaxExtents ? __atomic_load_n(&Extents[K], __ATOMIC_ACQUIRE) : 0;
}

void perdure::followWriter(Object &O) {
  Locked Hold(O.GrowLock);
  if (O.Writable)
    return; // since a moment ago: nobody else writes it
  Header Now;
  struct stat Status;
  State Found;
  memcpy(&Now, headerOf(O), sizeof(Now));
  if (fstat(O.File, &Status) ||
      !checkHeader(Now, (uint64_t)Status.st_size, O.Id, TheWindow.limit(),
                   false, Found))
    return; // the writer is in the middle of it: as before, then
  O.Current = Found;
  __atomic_store_n(&O.FileBytes, Found.FileBytes, __ATOMIC_RELEASE);
}

bool perdure::appendExtent(Object &O, Table T, unsigned K) {
  Locked Hold(O.GrowLock);
  State New = O.Current;
  New.FileBytes += FilePage << K;
  if (K >= MaxExtents || !allocateFile(O, O.Current.FileBytes, New.FileBytes))
    return false;
  (T == Table::Fot ? New.FotExtent : New.MapExtent)[K] = O.Current.FileBytes;
  writeState(O, New);
  return true;
}

bool perdure::growFile(Object &O, uint64_t Pages) {
  Locked Hold(O.GrowLock);
  State New = O.Current;
  uint64_t Old = New.FileBytes, Least = Old + Pages * FilePage;
  // An eighth more each time: few steps, little waste; 64 KiB at least.
  uint64_t Step = Old / 8 > 65536 ? Old / 8 / FilePage * FilePage : 65536;
  uint64_t Limit = TheWindow.limit();
  uint64_t Wanted = Least > Old + Step ? Least : Old + Step;
  New.FileBytes = Wanted < Limit ? Wanted : Least;
  if (!allocateFile(O, Old, New.FileBytes)) {
    New.FileBytes = Least;
    if (Wanted == Least || !allocateFile(O, Old, Least))
      return false;
  }
  writeState(O, New);
  return true;
}

//===----------------------------------------------------------------------===//
// Opening and creating
//===----------------------------------------------------------------------===//

// The kernel's lock dies with the process, and belongs to this descriptor.
static bool lockToWrite(int File) {
  struct flock Whole = {};
  Whole.l_type = F_WRLCK;
  Whole.l_whence = SEEK_SET;
  if (!fcntl(File, F_OFD_SETLK, &Whole))
    return true;
  if (errno == EAGAIN || errno == EACCES)
    return fail(EBUSY, "another process has it open for writing; wait for it, "
                       "or open it with PERDURE_RDONLY");
  return fail(errno, "cannot lock the file: %s", strerror(errno));
}

static bool mapInto(Object &O, int File, bool Writable) {
  Mapping Map = {};
  if (!mapFile(Map, File, O.Base, TheWindow.limit(), Writable) ||
      !mapFotCache(O.Base)) {
    forbid(O.Base, TheWindow.slotBytes());
    return false;
  }
  O.Map = Map;
  O.File = File;
  O.Writable = Writable;
  return true;
}

bool perdure::createFile(Object &O) {
  int File = openat(O.Owner->ObjectsDir, O.Hex,
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (File < 0)
    return fail(errno, "cannot create the object's file: %s%s", strerror(errno),
                errno == EMFILE ? "; raise 'ulimit -n'" : "");
  O.File = File;
  if (lockToWrite(File) && allocateFile(O, 0, HeaderBytes) &&
      mapInto(O, File, true)) {
    State New = {};
    New.FileBytes = HeaderBytes;
    writeState(O, New);
    return true;
  }
  int Saved = errno;
  close(File);
  O.File = -1;
  unlinkat(O.Owner->ObjectsDir, O.Hex, 0);
  errno = Saved;
  return false;
}

bool perdure::finishFile(Object &O, uint64_t RootOffset, uint64_t RootBytes) {
  struct timespec Now;
  clock_gettime(CLOCK_REALTIME, &Now);
  Identity New = {};
  memcpy(New.Magic, FormatMagic, sizeof(New.Magic));
  New.Version = FormatVersion;
  New.HeaderBytes = HeaderBytes;
  New.IdHi = O.Id.hi;
  New.IdLo = O.Id.lo;
  New.PageBytes = FilePage;
  New.Created = (uint64_t)Now.tv_sec * 1000000000 + (uint64_t)Now.tv_nsec;
  New.RootOffset = RootOffset;
  New.RootBytes = RootBytes;
  New.Checksum = checksumOf(&New, sizeof(New));
  headerOf(O)->Ident = New;
  if (!O.Map.Page)
    persist(O.Map, headerOf(O), HeaderBytes);
  if (fsync(O.File) || fsync(O.Owner->ObjectsDir))
    return fail(errno, "cannot sync the object's file: %s", strerror(errno));
  __atomic_store_n(&O.Present, true, __ATOMIC_RELEASE);
  return true;
}

// Checks the file behind File before anything of it is mapped.
static bool checkFile(const Object &O, int File, bool Writable, State &Found,
                      struct stat &Status) {
  // The header before the size: a writer makes the file longer and says so
  // then.
  Header H;
  ssize_t Read = pread(File, &H, sizeof(H), 0);
  int Error = errno;
  if (fstat(File, &Status))
    return fail(errno, "cannot stat the file: %s", strerror(errno));
  if (!S_ISREG(Status.st_mode))
    return fail(EPROTO, "it is no regular file");
  if ((uint64_t)Status.st_size < HeaderBytes)
    return fail(EPROTO,
                "the file has %llu bytes and a header alone has %llu: it has "
                "been cut off; restore it from a copy",
                (unsigned long long)Status.st_size,
                (unsigned long long)HeaderBytes);
  if (Read != (ssize_t)sizeof(H))
    return fail(Read < 0 ? Error : EIO, "cannot read the header: %s",
                Read < 0 ? strerror(Error) : "the file ended");
  return checkHeader(H, (uint64_t)Status.st_size, O.Id, TheWindow.limit(),
                     Writable, Found);
}

// cp makes holes of what was allocated and never written.
static bool fillHoles(const Object &O, int File, const State &S,
                      const struct stat &Status) {
  if ((uint64_t)Status.st_blocks * 512 >= S.FileBytes)
    return true;
  int Error = posix_fallocate(File, 0, (off_t)S.FileBytes);
  return !Error || fail(Error,
                        "object %s has holes that the disk cannot fill: %s; "
                        "free disk space, or open it with PERDURE_RDONLY",
                        labelOf(O).Text, strerror(Error));
}

// What a crash in the middle of a change left: the older or torn copy.
static void repairState(Object &O) {
  for (const State &Copy : headerOf(O)->Copy)
    if (memcmp(&Copy, &O.Current, sizeof(Copy))) {
      writeState(O, O.Current);
      return;
    }
}

bool perdure::attach(Object &O, bool Writable) {
  int File = openat(O.Owner->ObjectsDir, O.Hex,
                    (Writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC |
                        O_NONBLOCK);
  if (File < 0)
    return fail(errno, "cannot open the object's file: %s%s", strerror(errno),
                errno == EMFILE ? "; raise 'ulimit -n'" : "");
  State Found;
  struct stat Status;
  bool Upgrade = isPresent(O);
  if (!(Writable ? lockToWrite(File) : true) ||
      !checkFile(O, File, Writable, Found, Status) ||
      (Writable && !fillHoles(O, File, Found, Status)) ||
      !(Upgrade ? makeWritable(O.Map, File) : mapInto(O, File, Writable))) {
    int Saved = errno;
    close(File);
    errno = Saved;
    return false;
  }
  Locked Hold(O.GrowLock);
  if (Upgrade) {
    close(O.File);
    O.File = File;
  }
  O.Current = Found;
  __atomic_store_n(&O.FileBytes, Found.FileBytes, __ATOMIC_RELEASE);
  if (Writable) {
    repairState(O);
    // Growth that was not recorded; what follows relies on zeroes there.
    int Ignored = ftruncate(File, (off_t)Found.FileBytes);
    (void)Ignored;
  }
  __atomic_store_n(&O.Writable, Writable, __ATOMIC_RELEASE);
  __atomic_store_n(&O.Present, true, __ATOMIC_RELEASE);
  return true;
}

//===- object.cpp - One object: its file, its slot, its header ------------===//

#include "object/object.h"
#include "object/header.h"
#include "object/seal.h"
#include "object/sidecar.h"
#include "object/store.h"
#include "object/system_pages.h"
#include "platform/clock.h"
#include "platform/descriptor.h"
#include "platform/error.h"
#include "platform/file_lock.h"
#include "platform/options.h"
#include "platform/regions.h"
#include "platform/shadow.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

using namespace perdure;

static Object *Slots[MaxSlots];
bool (*perdure::RecoverAtOpen)(Object &, Access, bool);
bool (*perdure::MayRecover)(Object &);

uint64_t perdure::nextSerial() {
  static uint64_t Last;
  return __atomic_add_fetch(&Last, 1, __ATOMIC_RELAXED);
}

Object *perdure::objectAt(uint64_t Address) {
  if (!TheWindow.contains(Address))
    return nullptr;
  return __atomic_load_n(&Slots[TheWindow.slotOf(Address)], __ATOMIC_ACQUIRE);
}

ObjectLabel perdure::labelOf(const Object &O) {
  ObjectLabel L;
  // The rest of a name is written before its first byte.
  if (__atomic_load_n(&O.Name[0], __ATOMIC_ACQUIRE))
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

// What this process alone gave and took is others' from now on, or nobody's.
static void forgetFree(const Object &O) {
  markUsed((const void *)O.Base, O.FileBytes);
}

// The descriptions that map what is deferred.
static void closeOthers(Object &O) {
  int *const Files[] = {&O.MapFile, &O.LogFile};
  for (int *File : Files) {
    if (*File >= 0)
      close(*File);
    *File = -1;
  }
}

void perdure::leaveWindow(Object &O) {
  __atomic_store_n(&Slots[TheWindow.slotOf(O.Base)], (Object *)nullptr,
                   __ATOMIC_RELEASE);
  // On DAX media all has been flushed, and what is deferred has been written by
  // whoever deferred it.
  if (O.Map.Page && isPresent(O) && isWritable(O) && isDurable(O) && !isDeferred(O) &&
      !syncFile(O.File))
    report("object %s: cannot sync at close: %s", labelOf(O).Text,
           strerror(errno));
  // The marks of a file that was replaced are by now those of who owns the new one.
  if (isAlone(O) && !O.Replaced)
    markOwner(O, false);
  leaveRegions(O.Base);
  forgetFree(O);
  dropSlot(O.Base);
  if (O.File >= 0)
    close(O.File);
  closeOthers(O);
}

//===----------------------------------------------------------------------===//
// Durability of the runtime's own bytes
//===----------------------------------------------------------------------===//

void perdure::flushMetadata(Object &O, const void *P, size_t Bytes) {
  // After the change itself, in the order in which persistAll looks.
  if (O.Map.Page)
    __atomic_store_n(&O.Unsynced, true, __ATOMIC_SEQ_CST);
  else
    persist(O.Map, P, Bytes);
}

void perdure::flushHeader(Object &O, const void *P, size_t Bytes) {
  flushMetadata(O, P, Bytes);
  if (!O.Map.Page || !isDurable(O) || persist(O.Map, P, Bytes))
    return;
  if (isDeferred(O))
    poison(O, "sync its header", errno);
  else
    die("object %s: %s; what the medium holds is unknown now", labelOf(O).Text,
        errorMessage());
}

bool perdure::failPoisoned(const Object &O) {
  return fail(EIO,
              "object %s: its medium failed, and nothing more is written to it: "
              "close the store, see to the disk, and open it again: it then holds "
              "what was committed before",
              labelOf(O).Text);
}

void perdure::poison(Object &O, const char *Doing, int Error) {
  if (__atomic_exchange_n(&O.Poisoned, true, __ATOMIC_ACQ_REL))
    return;
  report("object %s: cannot %s: %s; nothing more is written to it: close the store, "
         "see to the disk, and open it again: it then holds what was committed "
         "before",
         labelOf(O).Text, Doing, strerror(Error));
}

bool perdure::persistAll(Object &O, const void *P, size_t Bytes) {
  if (!O.Map.Page)
    return persist(O.Map, P, Bytes);
  // What the runtime changed must not come after what refers to it: all of the
  // file, then. Also while another thread is at it: what that one has taken
  // upon itself is not there yet.
  __atomic_fetch_add(&O.Syncing, 1, __ATOMIC_SEQ_CST);
  // What other processes changed is not known here. Asked before the flag,
  // which is set before this process becomes the only writer.
  bool Others = !isAlone(O);
  bool Mine =
      __atomic_exchange_n(&O.Unsynced, false, __ATOMIC_SEQ_CST) || Others;
  bool Changed =
      Mine || __atomic_sub_fetch(&O.Syncing, 1, __ATOMIC_SEQ_CST) > 0;
  bool Ok = Changed ? syncFile(O.File) ||
                          fail(errno, "cannot sync: %s", strerror(errno))
                    : persist(O.Map, P, Bytes);
  if (Mine)
    __atomic_sub_fetch(&O.Syncing, 1, __ATOMIC_SEQ_CST);
  return Ok;
}

// Extents of a state that O does not have yet: see defer(). Before anybody can find
// them.
static bool shareTables(Object &O, const State &S) {
  constexpr Table Kinds[] = {Table::Fot, Table::Log, Table::Types};
  const int Files[] = {O.MapFile, O.LogFile, O.MapFile};
  for (int I = 0; I < 3; ++I) {
    const uint64_t *Extents = extentsIn(S, Kinds[I]);
    for (unsigned &K = O.SharedTables[I]; K < maxExtents(Kinds[I]); ++K) {
      if (!Extents[K])
        break;
      if (!mapThrough(O.Map, Files[I], Extents[K], extentBytes(Kinds[I], K)))
        return false;
    }
  }
  return true;
}

// Core files have of an object what the file holds, where they take it in: whose pages
// are this process's own, or whoever asks by coredump_filter. Not the addresses that it
// may grow into, by which one would look 32 GiB long and take ten seconds to write.
// Nor does valgrind search those.
static void dumpFileOnly(const Object &O) {
  madvise((void *)(O.Base + O.FileBytes), TheWindow.limit() - O.FileBytes,
          MADV_DONTDUMP);
  markBeyond((const void *)(O.Base + O.FileBytes), TheWindow.limit() - O.FileBytes);
}

// Extents are read without the lock; they never change once they are there.
static void setState(Object &O, const State &New) {
  if (isDeferred(O) && !shareTables(O, New))
    die("object %s: %s; it holds what was committed when it is opened again",
        labelOf(O).Text, errorMessage());
  for (Table T : Tables)
    for (unsigned K = 0; K < maxExtents(T); ++K)
      __atomic_store_n(&extentsIn(O.Current, T)[K], extentsIn(New, T)[K],
                       __ATOMIC_RELEASE);
  O.Current.Sequence = New.Sequence;
  O.Current.FileBytes = New.FileBytes;
  O.Current.NeededFeatures = New.NeededFeatures;
  O.Current.NeededToWrite = New.NeededToWrite;
  O.Current.Reserved = New.Reserved;
  O.Current.Spare = New.Spare;
  O.Current.Checksum = New.Checksum;
  if (isPresent(O) && New.FileBytes > O.FileBytes) {
    void *Grown = (void *)(O.Base + O.FileBytes);
    madvise(Grown, New.FileBytes - O.FileBytes, MADV_DODUMP);
    markUsed(Grown, New.FileBytes - O.FileBytes);
  }
  __atomic_store_n(&O.FileBytes, New.FileBytes, __ATOMIC_RELEASE);
}

// The checksum is written last, so a copy that was interrupted does not match.
static void writeCopy(State &Copy, const State &New) {
  memcpy(&Copy, &New, offsetof(State, Checksum));
  __atomic_store_n(&Copy.Checksum, New.Checksum, __ATOMIC_RELEASE);
}

// Copy 1 first, then copy 0, each persistent before the next is touched.
static void writeState(Object &O, State New) {
  New.Sequence = O.Current.Sequence + 1;
  New.Checksum = checksumOf(&New, sizeof(New));
  for (int I = 1; I >= 0; --I) {
    State &Copy = headerOf(O)->Copy[I];
    writeCopy(Copy, New);
    flushHeader(O, &Copy, sizeof(Copy));
  }
  setState(O, New);
}

// What a crash in the middle of a change left: the older or torn copy. That one
// alone is written: dying again in here leaves the other as it is.
static void repairState(Object &O) {
  for (State &Copy : headerOf(O)->Copy)
    if (memcmp(&Copy, &O.Current, sizeof(Copy))) {
      writeCopy(Copy, O.Current);
      flushHeader(O, &Copy, sizeof(Copy));
    }
}

//===----------------------------------------------------------------------===//
// Growth
//===----------------------------------------------------------------------===//

// A header that says more bytes than the file has makes an object that nobody
// opens. Where headers reach the medium by themselves, at once or page by page,
// the file's size has to be there first. Before a file is mapped it has no
// header to speak of.
// Of a write that failed each description is told once, and commits sync through another.
static bool syncSize(Object &O) {
  bool First = O.Map.Address && (!O.Map.Page || isDurable(O));
  if (!First || syncFile(O.MapFile >= 0 ? O.MapFile : O.File))
    return true;
  if (isDeferred(O)) {
    poison(O, "sync its size", errno);
    return failPoisoned(O);
  }
  return fail(errno, "object %s: cannot sync its size: %s", labelOf(O).Text,
              strerror(errno));
}

// Never a hole: a write to one would be SIGBUS on a full disk.
static bool allocateFile(Object &O, uint64_t From, uint64_t Bytes) {
  if (isPoisoned(O))
    return failPoisoned(O);
  if (Bytes > TheWindow.limit())
    return fail(ENOSPC,
                "object %s is full: %llu bytes are the most that a slot holds; "
                "put more into other objects",
                labelOf(O).Text, (unsigned long long)TheWindow.limit());
  int Error = Bytes <= largestFile() ? 0 : EFBIG;
  while (!Error) {
    Error = posix_fallocate(O.File, (off_t)From, (off_t)(Bytes - From));
    if (!Error && syncSize(O))
      return true;
    if (!Error) {
      // The next time there is something to be allocated and synced again.
      int Saved = errno, Ignored = isPoisoned(O) || ftruncate(O.File, (off_t)From);
      (void)Ignored;
      errno = Saved;
      return false;
    }
    if (Error == EINTR)
      Error = 0;
  }
  // Some file systems keep what they found before there was no more.
  int Ignored = ftruncate(O.File, (off_t)From);
  (void)Ignored;
  return fail(Error, "object %s cannot grow to %llu bytes: %s%s",
              labelOf(O).Text, (unsigned long long)Bytes, strerror(Error),
              adviceFor(Error));
}

uint64_t perdure::extentOf(const Object &O, Table T, unsigned K) {
  return K < maxExtents(T)
             ? __atomic_load_n(&extentsIn(O.Current, T)[K], __ATOMIC_ACQUIRE)
             : 0;
}

// Tables and files only grow while an object is open: what lies in them has
// been handed out.
static bool checkGrown(const Object &O, const State &New) {
  bool Ok = New.FileBytes >= O.Current.FileBytes;
  for (Table T : Tables)
    for (unsigned K = 0; K < maxExtents(T); ++K) {
      uint64_t Had = extentsIn(O.Current, T)[K];
      Ok = Ok && (!Had || extentsIn(New, T)[K] == Had);
    }
  return Ok || fail(EPROTO,
                    "object %s: its header was damaged while it was open: the "
                    "file or a table became smaller; restore it from a copy",
                    labelOf(O).Text);
}

// What checkHeader says of a field, said of an object that is open: it is as before,
// and keeps its right to write; whatever needs the header fails.
static bool failChanged(const Object &O) {
  return fail(errno,
              "object %s: its header was changed while it was open, and not by this "
              "version of Perdure: %s",
              labelOf(O).Text, errorMessage());
}

// What the file says now, when it says something valid. GrowLock.
static bool readState(Object &O) {
  Header Now;
  struct stat Status;
  State Found;
  memcpy(&Now, headerOf(O), sizeof(Now));
  if (O.File < 0 || fstat(O.File, &Status))
    return fail(errno, "cannot stat the file of object %s: %s", labelOf(O).Text,
                strerror(errno));
  if (!checkHeader(Now, (uint64_t)Status.st_size, O.Id, TheWindow.limit(),
                   isWritable(O), Found))
    return failChanged(O);
  if (!checkGrown(O, Found))
    return false;
  setState(O, Found);
  return true;
}

void perdure::followWriter(Object &O) {
  if (isAlone(O))
    return;
  fileOf(O);
  Locked Hold(O.GrowLock);
  // The writer may be in the middle of it: as before, then.
  readState(O);
}

StructureLocked::StructureLocked(Object &O) : O(O), Ok(true) {
  pthread_mutex_lock(&O.GrowLock.Handle);
  if (isAlone(O))
    return;
  if (!lockInTurn(O.File, FileByte::Structure, LockKind::Exclusive, true)) {
    Ok = false;
    return;
  }
  // A process that died in the middle of a change left one copy as it was.
  Ok = readState(O);
  if (Ok)
    repairState(O);
  else
    lockByte(O.File, FileByte::Structure, LockKind::None, false);
}

StructureLocked::~StructureLocked() {
  int Saved = errno;
  if (Ok && !isAlone(O))
    lockByte(O.File, FileByte::Structure, LockKind::None, false);
  pthread_mutex_unlock(&O.GrowLock.Handle);
  errno = Saved;
}

bool perdure::appendExtentLocked(Object &O, Table T, unsigned K) {
  if (extentOf(O, T, K))
    return true; // another process was faster
  if (K >= maxExtents(T))
    return fail(ENOSPC, "object %s: a table is full", labelOf(O).Text);
  State New = O.Current;
  New.FileBytes += extentBytes(T, K);
  if (!allocateFile(O, O.Current.FileBytes, New.FileBytes))
    return false;
  extentsIn(New, T)[K] = O.Current.FileBytes;
  if (T == Table::Log) {
    New.NeededFeatures |= FeatureLog;
    New.NeededToWrite |= FeatureLog;
  }
  // Who does not know them takes their pages for free ones.
  if (T == Table::Types)
    New.NeededToWrite |= FeatureTypes;
  writeState(O, New);
  return true;
}

bool perdure::appendExtent(Object &O, Table T, unsigned K) {
  StructureLocked Hold(O);
  return Hold.ok() && appendExtentLocked(O, T, K);
}

bool perdure::growFile(Object &O, uint64_t Pages) {
  StructureLocked Hold(O);
  if (!Hold.ok())
    return false;
  State New = O.Current;
  uint64_t Old = New.FileBytes, Least = Old + Pages * FilePage;
  // An eighth more each time: few steps, little waste. 64 KiB at least, but
  // what is smaller than that only doubles.
  uint64_t Step = Old < 65536 ? Old : 65536;
  if (Old / 8 > Step)
    Step = Old / 8 / FilePage * FilePage;
  uint64_t Limit = TheWindow.limit();
  uint64_t Wanted = Least > Old + Step ? Least : Old + Step;
  New.FileBytes = Wanted < Limit ? Wanted : Least;
  if (!allocateFile(O, Old, New.FileBytes)) {
    New.FileBytes = Least;
    // A sync that has failed would not fail again.
    if (Wanted == Least || errno == EIO || !allocateFile(O, Old, Least))
      return false;
  }
  writeState(O, New);
  return true;
}

//===----------------------------------------------------------------------===//
// Opening and creating
//===----------------------------------------------------------------------===//

int perdure::fileOf(Object &O) {
  Locked Hold(O.GrowLock);
  if (O.File >= 0)
    return O.File;
  struct stat Status;
  int File = openFile(O.Owner->ObjectsDir, O.Hex, O_RDONLY | O_NONBLOCK);
  if (File < 0) {
    fail(errno, "cannot open the file of object %s again: %s%s",
         labelOf(O).Text, strerror(errno), adviceFor(errno));
    return -1;
  }
  if (fstat(File, &Status) || Status.st_ino != O.Inode) {
    close(File);
    fail(ESTALE, "the file of object %s has been replaced by another",
         labelOf(O).Text);
    return -1;
  }
  return O.File = File;
}

// Who has it: "process 12", or as much as is known.
static bool failBusy(const Object &O, int File, const char *Wanted) {
  // The mark is of who had it alone, and may be of one that is gone.
  bool Alone = lockOfOthers(File, FileByte::Ownership) == LockKind::Exclusive;
  ProcessMark Owner = Alone ? marksOf(*O.Owner, O.Id).Owner : ProcessMark(0);
  char Who[96] = "another process";
  if (!Alone)
    strcpy(Who, "other processes that take turns");
  else if ((uint64_t)Owner && isAlive(Owner))
    snprintf(Who, sizeof(Who), "process %d", pidOf(Owner));
  else if ((uint64_t)Owner)
    snprintf(Who, sizeof(Who), "a process that process %d, dead now, forked",
             pidOf(Owner));
  return fail(EBUSY,
              "%s: it is open for writing there; wait for it, open it with "
              "PERDURE_RDONLY, or have all processes %s",
              Who, Wanted);
}

// Who cannot have it is told so at once, where it would wait for Structure first.
static bool isFree(const Object &O, int File, Access Wanted) {
  LockKind Others = lockOfOthers(File, FileByte::Ownership);
  return Others == LockKind::None ||
         (Others == LockKind::Shared && Wanted == Access::Shared) ||
         failBusy(O, File, "open it with PERDURE_SHARED");
}

static bool takeOwnership(const Object &O, int File, Access Wanted) {
  if (Wanted == Access::Read)
    return true;
  bool Alone = Wanted == Access::Exclusive;
  // The file's time tells a copy that is being made of a writer who came
  // meanwhile, and is gone again.
  if (lockByte(File, FileByte::Ownership,
               Alone ? LockKind::Exclusive : LockKind::Shared, false))
    return !Alone || !futimens(File, nullptr) ||
           fail(errno, "cannot set the file's time: %s", strerror(errno));
  return errno == EBUSY && failBusy(O, File, "open it with PERDURE_SHARED");
}

// A mapping keeps its description alive, also in a child of fork(), and so the
// locks that were taken through it: O is mapped through another description of
// the file than the one that locks it.
static int openToMap(const Object &O, int File, bool Writable) {
  struct stat Locked, Mapped;
  int Other = openFile(O.Owner->ObjectsDir, O.Hex,
                       (Writable ? O_RDWR : O_RDONLY) | O_NONBLOCK);
  if (Other < 0) {
    fail(errno, "cannot open the object's file: %s%s", strerror(errno),
         adviceFor(errno));
  } else if (fstat(File, &Locked) || fstat(Other, &Mapped) ||
             Locked.st_ino != Mapped.st_ino) {
    close(Other);
    Other = -1;
    fail(ESTALE, "the object's file was replaced while it was opened");
  }
  return Other;
}

static bool mapInto(Object &O, int File, bool Writable) {
  int Other = openToMap(O, File, Writable);
  if (Other < 0)
    return false;
  Mapping Map = {};
  bool Ok = mapFile(Map, Other, O.Base, TheWindow.limit(), Writable) &&
            mapFotCache(O.Base);
  int Saved = errno;
  close(Other);
  if (Ok)
    O.Map = Map;
  else
    forbid(O.Base, TheWindow.slotBytes());
  errno = Saved;
  return Ok;
}

static bool mapAgainToWrite(Object &O, int File) {
  int Other = openToMap(O, File, true);
  if (Other < 0)
    return false;
  bool Ok = makeWritable(O.Map, Other);
  int Saved = errno;
  close(Other);
  errno = Saved;
  return Ok;
}

bool perdure::changePrivately(Object &O, bool (*Change)(Object &)) {
  int Other = openToMap(O, O.File, false);
  if (Other < 0)
    return false;
  bool Ok = mapPrivate(O.Map, Other);
  int Saved = errno;
  close(Other);
  errno = Saved;
  if (!Ok)
    return false;
  dumpFileOnly(O);
  O.Private = true;
  Ok = Change(O);
  Saved = errno;
  Ok = sealPrivate(O.Map) && Ok;
  if (!Ok)
    errno = Saved;
  return Ok;
}

char *perdure::copyOfFile(Object &O, uint64_t Offset, uint64_t Bytes) {
  if (O.MapFile >= 0)
    return mapCopy(O.MapFile, Offset, Bytes);
  int Other = openToMap(O, O.File, false);
  if (Other < 0)
    return nullptr;
  char *Copy = mapCopy(Other, Offset, Bytes);
  int Saved = errno;
  close(Other);
  errno = Saved;
  return Copy;
}

//===----------------------------------------------------------------------===//
// What is written by commits alone
//===----------------------------------------------------------------------===//

static unsigned countExtents(const Object &O, Table T) {
  unsigned K = 0;
  while (extentOf(O, T, K))
    ++K;
  return K;
}

bool perdure::defer(Object &O) {
  Locked Hold(O.GrowLock);
  if (!O.Map.Page || !isDurable(O) || isDeferred(O) || TheOptions.battery)
    return true;
  if (sysconf(_SC_PAGESIZE) != (long)FilePage)
    return fail(ENOTSUP,
                "PERDURE_DURABLE needs pages of %llu bytes on this medium, and the "
                "machine's have %ld",
                (unsigned long long)FilePage, sysconf(_SC_PAGESIZE));
  int *const Files[] = {&O.MapFile, &O.LogFile};
  for (int *File : Files) {
    if (*File < 0)
      *File = openToMap(O, O.File, true);
    if (*File < 0)
      return false;
  }
  O.SharedTables[0] = countExtents(O, Table::Fot);
  O.SharedTables[1] = 0; // through another description from now on
  O.SharedTables[2] = countExtents(O, Table::Types);
  if (!shareTables(O, O.Current))
    return false;
  // Whoever stores now, and looks then, takes note of what is in the file already.
  __atomic_store_n(&O.Deferred, true, __ATOMIC_SEQ_CST);
  SystemPages G(O, /*WithMap=*/false);
  if (G.visitGaps(TheWindow.limit() / FilePage, [&](uint64_t From, uint64_t To) {
        return mapOwn(O.Map, O.MapFile, From * FilePage, (To - From) * FilePage);
      })) {
    dumpFileOnly(O);
    return true;
  }
  int Saved = errno;
  if (!makeWritable(O.Map, O.MapFile))
    die("object %s: %s", labelOf(O).Text, errorMessage());
  __atomic_store_n(&O.Deferred, false, __ATOMIC_RELEASE);
  errno = Saved;
  return false;
}

bool perdure::endDeferral(Object &O) {
  Locked Hold(O.GrowLock);
  if (!isDeferred(O))
    return true;
  if (!makeWritable(O.Map, O.MapFile))
    return false;
  dumpFileOnly(O);
  __atomic_store_n(&O.Deferred, false, __ATOMIC_RELEASE);
  return true;
}

void perdure::forgetOwn(Object &O) {
  Locked Hold(O.GrowLock);
  uint64_t End = TheWindow.limit() / FilePage;
  SystemPages(O, false).visitGaps(End, [&](uint64_t From, uint64_t To) {
    forgetOwnPages((void *)(O.Base + From * FilePage), (To - From) * FilePage);
    return true;
  });
}

bool perdure::showFile(Object &O) {
  int Other = openToMap(O, O.File, false);
  if (Other < 0)
    return false;
  Mapping Map = O.Map;
  bool Ok = mapFile(Map, Other, O.Base, O.Map.Bytes, false);
  int Saved = errno;
  dumpFileOnly(O);
  close(Other);
  errno = Saved;
  O.Private = O.Private && !Ok;
  return Ok;
}

static void grant(Object &O, Access Granted) {
  O.Private = O.Private && Granted == Access::Read;
  atomicStore(O.Granted, Granted);
  if (Granted == Access::Exclusive)
    markOwner(O, true);
  if (Granted == Access::Read)
    strcpy(O.WhyReadOnly, "PERDURE_RDONLY, or the store that way");
}

bool perdure::createFile(Object &O) {
  int File =
      openFile(O.Owner->ObjectsDir, O.Hex, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (File < 0)
    return fail(errno, "cannot create the object's file: %s%s", strerror(errno),
                adviceFor(errno));
  O.File = File;
  giveToOwner(File);
  struct stat Status;
  if (takeOwnership(O, File, Access::Exclusive) &&
      allocateFile(O, 0, HeaderBytes) && mapInto(O, File, true) &&
      !fstat(File, &Status)) {
    O.Inode = Status.st_ino;
    grant(O, Access::Exclusive);
    // Not flushed: it is no object before finishFile, which syncs all of it.
    State New = {};
    New.Sequence = 1;
    New.FileBytes = HeaderBytes;
    New.Checksum = checksumOf(&New, sizeof(New));
    for (State &Copy : headerOf(O)->Copy)
      writeCopy(Copy, New);
    setState(O, New);
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
  Identity New = {};
  memcpy(New.Magic, FormatMagic, sizeof(New.Magic));
  New.Version = FormatVersion;
  New.HeaderBytes = HeaderBytes;
  New.IdHi = O.Id.hi;
  New.IdLo = O.Id.lo;
  New.PageBytes = FilePage;
  New.Created = now();
  New.RootOffset = RootOffset;
  New.RootBytes = RootBytes;
  New.Checksum = checksumOf(&New, sizeof(New));
  headerOf(O)->Ident = New;
  O.RootOffset = RootOffset;
  // On DAX media too a sync takes what was stored through mappings.
  if (!syncFile(O.File) || fsync(O.Owner->ObjectsDir))
    return fail(errno, "cannot sync the object's file: %s", strerror(errno));
  dumpFileOnly(O);
  __atomic_store_n(&O.Present, true, __ATOMIC_RELEASE);
  return true;
}

namespace {
/// What attach has learnt of a file before anything of it is mapped.
struct CheckedFile {
  State Current;
  uint64_t RootOffset;
  struct stat Status;
};
} // namespace

static bool checkFile(const Object &O, int File, bool Writable,
                      CheckedFile &Found) {
  Header H;
  if (!readHeader(File, O.Hex, H, Found.Status))
    return false;
  Found.RootOffset = H.Ident.RootOffset;
  return checkHeader(H, (uint64_t)Found.Status.st_size, O.Id, TheWindow.limit(),
                     Writable, Found.Current);
}

static bool isOnlyWriter(int File) {
  return lockOfOthers(File, FileByte::Ownership) == LockKind::None;
}

// On tmpfs lseek looks at each page: 15 ms for 2.3 GB. Blocks are pages of the file there
// and nothing else, where it has no huge ones; a hole and as many pages past the end would
// need somebody who allocated these with FALLOC_FL_KEEP_SIZE.
static bool isPagesOfTmpfs(int File, const CheckedFile &Found, uint64_t InBlocks) {
  struct statfs System;
  return InBlocks == Found.Current.FileBytes &&
         (uint64_t)Found.Status.st_size == InBlocks &&
         Found.Status.st_blksize == (blksize_t)FilePage && !fstatfs(File, &System) &&
         System.f_type == TMPFS_MAGIC;
}

// cp makes holes of what was allocated and never written, and a write to a hole
// is SIGBUS on a full disk. Space that was allocated and never written looks
// like a hole to lseek, and what lies past the end or beside the data counts in
// st_blocks: neither alone tells that there are none.
static bool fillHoles(const Object &O, int File, const CheckedFile &Found) {
  uint64_t Bytes = Found.Current.FileBytes;
  uint64_t InBlocks = (uint64_t)Found.Status.st_blocks * 512;
  if (InBlocks >= Bytes &&
      (isPagesOfTmpfs(File, Found, InBlocks) || lseek(File, 0, SEEK_HOLE) >= (off_t)Bytes))
    return true;
  // Not posix_fallocate: where the file system cannot, glibc rewrites a byte of
  // each block, over what others store meanwhile.
  int Error = 0;
  if (fallocate(File, 0, 0, (off_t)Bytes))
    Error = errno;
  if (Error == EOPNOTSUPP && isOnlyWriter(File))
    Error = posix_fallocate(File, 0, (off_t)Bytes);
  return !Error || fail(Error,
                        "object %s has holes that the disk cannot fill: %s; "
                        "free disk space, or open it with PERDURE_RDONLY",
                        labelOf(O).Text, strerror(Error));
}

// What this process has of it already is still so. Before anything is done to the
// file: what it says now may be somebody's damage.
static bool isAsItWas(const Object &O, const CheckedFile &Found) {
  if (!isPresent(O))
    return true;
  if (Found.Status.st_ino != O.Inode)
    return fail(ESTALE,
                "another file has taken the place of the one that is open; close the "
                "store, and open it again");
  if (!checkGrown(O, Found.Current))
    return false;
  // Its pointer has been given out.
  return Found.RootOffset == O.RootOffset ||
         fail(EPROTO,
              "object %s: its header was changed while it was open: the root "
              "moved; restore it from a copy",
              labelOf(O).Text);
}

// The file is ready to be written: the checked state, both copies of it, no
// holes, and nothing behind its end, where what follows relies on zeroes.
static bool prepareToWrite(const Object &O, int File, CheckedFile &Found) {
  if (!fillHoles(O, File, Found))
    return false;
  off_t End = (off_t)Found.Current.FileBytes;
  if (Found.Status.st_size > End && ftruncate(File, End))
    return fail(errno, "cannot cut off what lies past the object's end: %s",
                strerror(errno));
  return true;
}

// Ownership; and Structure first, until the object is recovered. Who reads has Structure,
// too, shared, while it looks at who writes and at the log: so nobody sees what an only
// writer has recovered by half, and none begins to while somebody looks. Others that
// share it do not make the file longer meanwhile.
static bool takeLocks(const Object &O, int File, Access Wanted) {
  LockKind Kind = Wanted == Access::Read ? LockKind::Shared : LockKind::Exclusive;
  return (Wanted == Access::Read || isFree(O, File, Wanted)) &&
         lockInTurn(File, FileByte::Structure, Kind, true) &&
         takeOwnership(O, File, Wanted);
}

// Who waited for the locks of a file may have them once another has taken its place
// (perdure_compact) or it was removed, and what is then written to it is lost.
static bool isInPlace(const Object &O, int File) {
  struct stat Status;
  return fstat(File, &Status) || Status.st_nlink ||
         fail(ESTALE,
              "the file of object %s was removed, or replaced by another, while it was "
              "opened; open it again",
              labelOf(O).Text);
}

// Opens, locks, checks and maps; on failure nothing has changed but File, which
// the caller closes.
static bool attachFile(Object &O, int File, Access Wanted, CheckedFile &Found) {
  bool Writable = Wanted != Access::Read;
  if (!takeLocks(O, File, Wanted) || !isInPlace(O, File) || !checkFile(O, File, Writable, Found) ||
      (atomicLoad(O.Owner->Verify) && !checkSeal(File, O.Hex, Trust::Needed)) ||
      !isAsItWas(O, Found) || (Writable && !prepareToWrite(O, File, Found)))
    return false;
  // What it has for itself goes when the file is mapped.
  if (isPresent(O) && O.Private && MayRecover && !MayRecover(O))
    return false;
  if (!(isPresent(O) ? mapAgainToWrite(O, File) : mapInto(O, File, Writable)))
    return false;
  O.Private = false; // what it had changed for itself is gone
  return true;
}

// From shared to exclusive, on the same descriptor. The caller is in a write
// section and knows what others have changed.
static bool becomeAlone(Object &O) {
  Locked Hold(O.GrowLock);
  if (!takeOwnership(O, O.File, Access::Exclusive) || !readState(O)) {
    // The lock may be there already. Shared as before: nobody else can have
    // taken it meanwhile, so this does not fail.
    int Saved = errno;
    lockByte(O.File, FileByte::Ownership, LockKind::Shared, false);
    errno = Saved;
    return false;
  }
  // From here on only what this process changes is counted.
  __atomic_store_n(&O.Unsynced, true, __ATOMIC_SEQ_CST);
  grant(O, Access::Exclusive);
  repairState(O);
  return true;
}

bool perdure::isShared(Object &O) {
  Locked Hold(O.GrowLock);
  if (lockOfOthers(O.File, FileByte::Ownership) == LockKind::None)
    return false;
  failBusy(O, O.File, "share it");
  return true;
}

bool perdure::share(Object &O) {
  Locked Hold(O.GrowLock);
  markOwner(O, false);
  if (!lockByte(O.File, FileByte::Ownership, LockKind::Shared, false))
    return false;
  grant(O, Access::Shared);
  forgetFree(O);
  return true;
}

// What was mapped cannot be used. With fewer rights it was present before, and is
// so still: whoever has it open reads on, through a mapping that forbids more. What it
// had recovered for itself was in the mapping before, so that is done once more.
static void detach(Object &O, bool WasPrivate) {
  bool Present = isPresent(O);
  if (Present && WasPrivate && !O.Private &&
      !RecoverAtOpen(O, Access::Read, !isOnlyWriter(O.File)))
    die("object %s could not be opened to write, and what a process left half done in "
        "it that died is seen by those that read it: %s",
        labelOf(O).Text, errorMessage());
  Locked Hold(O.GrowLock);
  close(O.File); // and with it the locks
  O.File = -1;
  if (Present) {
    if (mprotect((void *)O.Base, TheWindow.limit(), PROT_READ))
      die("cannot take back the right to write object %s: %s", labelOf(O).Text,
          strerror(errno));
    return;
  }
  closeOthers(O);
  forbid(O.Base, TheWindow.slotBytes());
  O.Map = {};
}

bool perdure::attach(Object &O, Access Wanted) {
  bool Upgrade = isPresent(O);
  if (Upgrade && isWritable(O))
    return becomeAlone(O);
  Locked InSection(O.Sect.Lock);
  if (Upgrade && (O.Sect.Readers || O.Sect.Changing))
    return fail(EBUSY, "a thread of this process is in a read section of it");
  bool Writable = Wanted != Access::Read;
  // It was to be recovered before, and a second sync is not told of what the first was.
  if (Upgrade && Writable && isPoisoned(O))
    return failPoisoned(O);
  int File = openFile(O.Owner->ObjectsDir, O.Hex,
                      (Writable ? O_RDWR : O_RDONLY) | O_NONBLOCK);
  if (File < 0)
    return fail(errno, "cannot open the object's file, objects/%s: %s%s", O.Hex,
                strerror(errno), adviceFor(errno));
  CheckedFile Found;
  bool WasPrivate = O.Private;
  if (!attachFile(O, File, Wanted, Found)) {
    int Saved = errno;
    close(File); // and with it the locks
    errno = Saved;
    return false;
  }
  bool Writers = !isOnlyWriter(File), Read = true;
  {
    Locked Hold(O.GrowLock);
    if (O.File >= 0)
      close(O.File);
    O.File = File;
    O.Inode = Found.Status.st_ino;
    O.RootOffset = Found.RootOffset;
    setState(O, Found.Current);
    // What processes before this one changed may not be on the medium yet.
    O.Unsynced = Writable;
    if (Writable)
      repairState(O);
    else if (!Writers) // one that has gone since may have made the file longer
      Read = readState(O);
  }
  if (!Read || (RecoverAtOpen && !RecoverAtOpen(O, Wanted, Writers)) ||
      (Writable && !defer(O))) {
    int Saved = errno;
    detach(O, WasPrivate);
    errno = Saved;
    return false;
  }
  lockByte(File, FileByte::Structure, LockKind::None, false);
  dumpFileOnly(O);
  grant(O, Wanted);
  __atomic_store_n(&O.Present, true, __ATOMIC_RELEASE);
  return true;
}

bool perdure::attachAsAllowed(Object &O, Access Wanted, bool AlsoNow) {
  if (attach(O, Wanted))
    return true;
  bool Never = errno == EACCES || errno == EROFS || errno == EPERM;
  bool Now = errno == EBUSY || errno == ENOSPC || errno == EDQUOT;
  if (Wanted == Access::Read || !(Never || (Now && AlsoNow)))
    return false;
  char Why[sizeof(O.WhyReadOnly)];
  snprintf(Why, sizeof(Why), "%.255s", errorMessage());
  if (!isPresent(O) && !attach(O, Access::Read))
    return false;
  memcpy(O.WhyReadOnly, Why, sizeof(Why));
  return true;
}

void perdure::disown(Object &O) {
  if (O.File >= 0)
    close(O.File);
  O.File = -1;
  closeOthers(O);
  // It sees what its parent had not written yet, as it was, until it looks at the
  // file again.
  O.Private = O.Private || isDeferred(O);
  O.Deferred = O.Poisoned = false;
  O.Sect = Section();
  O.Serial = nextSerial(); // nor is this thread in a read section
  O.Syncing = 0; // those threads are its parent's. attach sets Unsynced
  forgetFree(O);
  // Also from what another thread was recovering privately.
  if (isPresent(O) && mprotect((void *)O.Base, TheWindow.limit(), PROT_READ))
    die("cannot take the right to write object %s from a child of fork: %s",
        labelOf(O).Text, strerror(errno));
  if (isPresent(O) && isWritable(O)) {
    snprintf(O.WhyReadOnly, sizeof(O.WhyReadOnly),
             "this process is a child of the one that opened it; open it again "
             "once that one has closed the store");
    atomicStore(O.Granted, Access::Read);
  }
}

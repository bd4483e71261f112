//===- copy.cpp - A live object's file into another -----------------------===//
//
// What keeps the source still while it is copied:
//
//   user data, allocator   the read section: writers who use sections wait.
//                          An only writer who uses none is refused, unless
//                          forced
//   header, FOT            the Structure lock, against writers who share; an
//                          only writer does not take it, so they are compared
//                          with the source afterwards
//   who writes             may change meanwhile: looked at again afterwards
//
// Whenever something has changed the copy is made again.
//
//===----------------------------------------------------------------------===//

#include "object/copy.h"
#include "object/header.h"
#include "object/object.h"
#include "object/store.h"
#include "platform/clock.h"
#include "platform/descriptor.h"
#include "platform/error.h"
#include "platform/medium.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

using namespace perdure;

static Mutex CopiesLock;
static Copying *Copies;

//===----------------------------------------------------------------------===//
// The source
//===----------------------------------------------------------------------===//

static int64_t changeTime(int File) {
  struct stat Status;
  return fstat(File, &Status) ? 0 : nanoseconds(Status.st_ctim);
}

// Who opens an object for writing gives its file a new time (takeOwnership),
// but not one that differs from that of another change in the same tick of the
// kernel's clock: so later times are compared with one that was over a few
// ticks ago.
static int64_t timeAtRest(int File) {
  constexpr int64_t Rest = 20000000;
  for (int Try = 0;; ++Try) {
    struct timespec Now;
    clock_gettime(CLOCK_REALTIME_COARSE, &Now);
    int64_t Changed = changeTime(File), Past = nanoseconds(Now) - Changed;
    if (Past < 0 || Past > Rest)
      return Changed;
    if (Try == 5)
      return 0; // no time: made again
    usleep((unsigned)((Rest - Past) / 1000 + 1));
  }
}

static bool failOutside(const Copying &C) {
  ProcessMark Owner = C.Who.Owner;
  char Who[32] = "another process";
  if ((uint64_t)Owner && isAlive(Owner))
    snprintf(Who, sizeof(Who), "process %d", pidOf(Owner));
  return fail(
      EBUSY,
      "%s has it open for writing and has not entered a write section, "
      "so its changes cannot be kept out of the copy; wait until it has "
      "closed the store, have it change the object between perdure_lock "
      "and perdure_unlock, or copy with PERDURE_FORCE what is there",
      Who);
}

// Whether this process is the only writer. Its own threads keep to what
// perdure_copy asks of them.
static bool isOwn(const Copying &C) {
  Locked Hold(C.From->Lock);
  Object *O = findObject(*C.From, C.Id);
  return O && isPresent(*O) && isAlone(*O);
}

bool perdure::checkWriters(Copying &C) {
  C.Changed = timeAtRest(C.Source); // first: who comes then makes it another
  C.Writers = lockOfOthers(C.Source, FileByte::Ownership);
  C.Who = marksOf(*C.From, C.Id);
  if (C.Writers == LockKind::Exclusive && isOwn(C))
    C.Who.Owner = thisProcess();
  // The count is of who is marked: whoever came after a dead one may not be
  // able to write the sidecar.
  else if (C.Writers == LockKind::Exclusive && !C.Force &&
           !(C.Who.Sections && isAlive(C.Who.Owner)))
    return failOutside(C);
  return true;
}

bool perdure::openSource(Copying &C) {
  {
    Locked Hold(C.From->Lock);
    Object *O = findObject(*C.From, C.Id);
    if (O && isPresent(*O) && isInSection(*O))
      return fail(EDEADLK,
                  "object %s: this thread is in a section of it; leave that "
                  "first",
                  labelOf(*O).Text);
  }
  Locked Hold(CopiesLock);
  C.Source = openObjectFile(*C.From, C.Id);
  if (C.Source < 0)
    return false;
  C.Next = Copies;
  Copies = &C;
  return true;
}

bool perdure::enterSource(Copying &C, int Milliseconds) {
  bool Ok;
  for (int Past = 0;; ++Past) {
    Ok = lockInTurn(C.Source, FileByte::Section, LockKind::Shared,
                    Milliseconds < 0);
    if (Ok || errno != EBUSY || Past >= Milliseconds)
      break;
    usleep(1000);
  }
  if (!Ok)
    return errno == EBUSY && failInSection(*C.From, C.Id, hexOf(C.Id).Text);
  // Nobody is in a write section now, so who says that he is died there.
  C.Half = (uint64_t)marksOf(*C.From, C.Id).Section;
  return true;
}

void perdure::endCopy(Copying &C) {
  int Saved = errno;
  if (C.Copy >= 0 && C.Temporary[0])
    unlinkat(C.To->ObjectsDir, C.Temporary, 0);
  Locked Hold(CopiesLock);
  for (Copying **Link = &Copies; *Link; Link = &(*Link)->Next)
    if (*Link == &C) {
      *Link = C.Next;
      break;
    }
  if (C.Copy >= 0)
    close(C.Copy);
  if (C.Source >= 0)
    close(C.Source);
  C.Source = C.Copy = -1;
  errno = Saved;
}

void perdure::copiesBeforeFork() { CopiesLock.lock(); }
void perdure::copiesAfterFork() { CopiesLock.unlock(); }

void perdure::copiesInChild() {
  for (Copying *C = Copies; C; C = C->Next) {
    close(C->Source);
    if (C->Copy >= 0)
      close(C->Copy);
  }
  Copies = nullptr;
}

static bool readChecked(const Copying &C, Header &H, State &Found) {
  struct stat Status;
  // Whatever its size: a copy takes no slot.
  return readHeader(C.Source, hexOf(C.Id).Text, H, Status) &&
         checkHeader(H, (uint64_t)Status.st_size, C.Id, UINT64_MAX, false,
                     Found);
}

bool perdure::readSourceState(Copying &C) {
  Header H;
  return readChecked(C, H, C.Current);
}

//===----------------------------------------------------------------------===//
// The copy
//===----------------------------------------------------------------------===//

// Without a name where the file system knows that: then a crash leaves nothing.
static int createCopy(Copying &C) {
  int File = openFile(C.To->ObjectsDir, ".", O_RDWR | O_TMPFILE, 0600);
  if (File < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
    if (!makeTemporary(C.Temporary))
      return -1;
    File = openFile(C.To->ObjectsDir, C.Temporary, O_RDWR | O_CREAT | O_EXCL,
                    0600);
  }
  if (File < 0)
    fail(errno, "cannot create a file: %s%s", strerror(errno),
         adviceFor(errno));
  else
    giveToOwner(File);
  return File;
}

static bool writeAll(int File, const void *From, size_t Bytes, uint64_t At) {
  return writeFile(File, From, Bytes, At) ||
         fail(errno, "cannot write the copy: %s%s", strerror(errno),
              adviceFor(errno));
}

constexpr size_t PieceBytes = 1 << 20;

// Not copy_file_range: it may share the blocks of both files, and a store to a
// shared block needs a new one, which a full disk does not have.
static bool copyBytes(const Copying &C, char *Piece) {
  for (uint64_t At = HeaderBytes; At < C.Current.FileBytes; At += PieceBytes) {
    uint64_t Left = C.Current.FileBytes - At;
    size_t Bytes = Left < PieceBytes ? (size_t)Left : PieceBytes;
    if (!readAll(C.Source, Piece, Bytes, At) ||
        !writeAll(C.Copy, Piece, Bytes, At))
      return false;
  }
  return true;
}

// Whether the bytes of the copy are those of the source still.
static bool compare(const Copying &C, uint64_t At, uint64_t Bytes, char *Piece,
                    bool &Same) {
  constexpr size_t Half = PieceBytes / 2;
  for (uint64_t Done = 0; Same && Done < Bytes; Done += Half) {
    size_t Now = Bytes - Done < Half ? (size_t)(Bytes - Done) : Half;
    if (!readAll(C.Source, Piece, Now, At + Done) ||
        !readAll(C.Copy, Piece + Half, Now, At + Done))
      return false;
    Same = !memcmp(Piece, Piece + Half, Now);
  }
  return true;
}

static bool compareTable(const Copying &C, const uint64_t *Extents, char *Piece,
                         bool &Same) {
  for (unsigned K = 0; K < MaxExtents; ++K)
    if (Extents[K] && !compare(C, Extents[K], FilePage << K, Piece, Same))
      return false;
  return true;
}

// Whether the same processes as when it began could change the source.
static bool areSameWriters(const Copying &C) {
  LockKind Now = lockOfOthers(C.Source, FileByte::Ownership);
  if (C.Writers == LockKind::Exclusive) {
    Marks Who = marksOf(*C.From, C.Id);
    return Now == LockKind::Exclusive &&
           (C.Who.Owner == thisProcess() || C.Force ||
            (Who.Owner == C.Who.Owner && Who.Sections == C.Who.Sections));
  }
  return C.Force ||
         (Now != LockKind::Exclusive && changeTime(C.Source) == C.Changed);
}

static bool reserve(const Copying &C) {
  uint64_t Bytes = C.Current.FileBytes;
  int Error = Bytes <= largestFile() ? EINTR : EFBIG;
  while (Error == EINTR)
    Error = posix_fallocate(C.Copy, 0, (off_t)Bytes);
  if (!Error && !ftruncate(C.Copy, (off_t)Bytes))
    return true;
  Error = Error ? Error : errno;
  return fail(Error, "the copy needs %llu bytes: %s%s",
              (unsigned long long)Bytes, strerror(Error), adviceFor(Error));
}

namespace {
/// Processes that share the source change neither its state nor its FOT.
class StructureKept {
public:
  explicit StructureKept(int File) : File(File) { keep(); }
  ~StructureKept() { leave(); }
  StructureKept(const StructureKept &) = delete;
  StructureKept &operator=(const StructureKept &) = delete;
  bool keep() {
    return Kept = Kept ||
                  lockInTurn(File, FileByte::Structure, LockKind::Shared, true);
  }
  void leave() {
    int Saved = errno;
    if (Kept)
      lockByte(File, FileByte::Structure, LockKind::None, false);
    Kept = false;
    errno = Saved;
  }
  bool ok() const { return Kept; }

private:
  int File;
  bool Kept = false;
};
} // namespace

// Same: nothing has changed meanwhile. While the bytes are copied others may go
// on inserting, unless they have done so too often: Patient or not.
static bool copyOnce(Copying &C, Header &H, char *Piece, bool Patient,
                     bool &Same) {
  Header Now;
  State Found;
  StructureKept Structure(C.Source);
  if (!Structure.ok() || !readChecked(C, H, C.Current))
    return false;
  if (Patient)
    Structure.leave();
  if (!reserve(C) || !copyBytes(C, Piece) || !Structure.keep() ||
      !readChecked(C, Now, Found))
    return false;
  Same = !memcmp(&H, &Now, sizeof(H));
  if (!compareTable(C, C.Current.FotExtent, Piece, Same) ||
      !compareTable(C, C.Current.MapExtent, Piece, Same))
    return false;
  Same = Same && areSameWriters(C);
  return true;
}

static bool copyUntilSame(Copying &C, Header &H, char *Piece) {
  for (int Try = 0; Try < 20; ++Try) {
    bool Same = false;
    // What was read in the middle of a change may look damaged.
    bool Ok = copyOnce(C, H, Piece, Try < 15, Same);
    if (Ok && Same)
      return true;
    int Saved = errno;
    if (!Ok && (Saved != EPROTO || areSameWriters(C))) {
      errno = Saved;
      return false;
    }
    usleep(1000);
    if (!checkWriters(C))
      return false;
  }
  return fail(EBUSY, "other processes change it, or open and close it, faster "
                     "than it can be copied; try again when they are done");
}

static void setIdentity(const Copying &C, Identity &I) {
  if (C.Id.hi == C.NewId.hi && C.Id.lo == C.NewId.lo)
    return;
  I.IdHi = C.NewId.hi;
  I.IdLo = C.NewId.lo;
  I.Created = now();
  I.Checksum = checksumOf(&I, sizeof(I));
}

// A seal is of one object: who made another one has not vouched for that.
static void dropSeal(Header &H) {
  State S = H.Copy[0];
  S.NeededToWrite &= ~FeatureSealed;
  S.Checksum = checksumOf(&S, sizeof(S));
  H.Copy[0] = H.Copy[1] = S;
  H.Sealed = {};
}

// The identity comes last: without it the file is no object, whose process died. It
// takes no sync of its own for that: where the power fails before the one below has
// returned, the file has no name, or one that is no object's.
static bool writeHeader(const Copying &C, Header &H) {
  Identity Ident = H.Ident;
  setIdentity(C, Ident);
  H.Copy[0] = H.Copy[1] = C.Current;
  if (memcmp(&Ident, &H.Ident, sizeof(Ident)))
    dropSeal(H);
  H.Ident = {};
  return writeAll(C.Copy, &H, sizeof(H), 0) &&
         writeAll(C.Copy, &Ident, sizeof(Ident), 0) &&
         (syncFile(C.Copy) ||
          fail(errno, "cannot sync the copy: %s", strerror(errno)));
}

bool perdure::copyFile(Copying &C) {
  char *Piece = (char *)malloc(PieceBytes);
  if (!Piece)
    return fail(ENOMEM, "no memory for a piece of the file");
  int File = createCopy(C);
  bool Ok = false;
  if (File >= 0) {
    CopiesLock.lock();
    C.Copy = File;
    CopiesLock.unlock();
    Header H;
    Ok = copyUntilSame(C, H, Piece) && writeHeader(C, H);
  }
  int Saved = errno;
  free(Piece);
  errno = Saved;
  return Ok;
}

static bool linkCopy(Copying &C) {
  HexId Hex = hexOf(C.NewId);
  if (C.Temporary[0]) {
    if (!renameNew(C.To->ObjectsDir, C.Temporary, Hex.Text))
      return false;
    C.Temporary[0] = 0;
    return true;
  }
  char Path[64];
  snprintf(Path, sizeof(Path), "/proc/self/fd/%d", C.Copy);
  return !linkat(AT_FDCWD, Path, C.To->ObjectsDir, Hex.Text, AT_SYMLINK_FOLLOW);
}

bool perdure::publishCopy(Copying &C) {
  bool Ok = linkCopy(C);
  if (!Ok && errno == EEXIST)
    return fail(EEXIST,
                "store %s has an object with the ID %s already; perdure_remove "
                "removes it",
                C.To->Path, hexOf(C.NewId).Text);
  if (Ok && !fsync(C.To->ObjectsDir))
    return true;
  fail(errno, "cannot give the copy its place, objects/%s: %s",
       hexOf(C.NewId).Text, strerror(errno));
  if (Ok)
    retractCopy(C);
  return false;
}

void perdure::retractCopy(Copying &C) {
  int Saved = errno;
  unlinkat(C.To->ObjectsDir, hexOf(C.NewId).Text, 0);
  errno = Saved;
}

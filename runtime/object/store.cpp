//===- store.cpp - A directory of objects and names -----------------------===//

#include "object/store.h"
#include "object/registry.h"
#include "object/sidecar.h"
#include "platform/clock.h"
#include "platform/descriptor.h"
#include "platform/error.h"
#include "platform/file_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

using namespace perdure;

Mutex perdure::StoresLock;
static Store *Stores; // the open ones
Store *perdure::firstStore() { return Stores; }

// What small files are called before they are whole; no object is called so.
static const char TemporaryPrefix[] = ".new.";
static const char MarkerName[] = "perdure.store";
static const char MarkerFormat[] = "perdure store 1 %016llx%016llx\n";

bool perdure::makeId(perdure_id &Id) {
  if (getrandom(&Id, sizeof(Id), 0) != (ssize_t)sizeof(Id))
    return fail(errno, "cannot get random bits for an ID: %s", strerror(errno));
  return true;
}

//===----------------------------------------------------------------------===//
// Small files, written whole
//===----------------------------------------------------------------------===//

static bool isTemporary(const char *Name) {
  return !strncmp(Name, TemporaryPrefix, strlen(TemporaryPrefix));
}

bool perdure::makeTemporary(char (&Temporary)[64]) {
  perdure_id Unique;
  if (!makeId(Unique))
    return false;
  // A name cannot contain '/', and this one is no user's: 37 bytes of marker.
  snprintf(Temporary, sizeof(Temporary), "%s%s", TemporaryPrefix,
           hexOf(Unique).Text);
  return true;
}

bool perdure::renameNew(int Dir, const char *Temporary, const char *Name) {
  if (!renameat2(Dir, Temporary, Dir, Name, RENAME_NOREPLACE))
    return true;
  // File systems without RENAME_NOREPLACE: a link does not replace either.
  if (errno != EINVAL || linkat(Dir, Temporary, Dir, Name, 0))
    return false;
  unlinkat(Dir, Temporary, 0);
  return true;
}

// A synced file with Text, under a temporary name; its descriptor, or -1.
static int writeNew(int Dir, char (&Temporary)[64], const char *Name,
                    const char *Text) {
  if (!makeTemporary(Temporary))
    return -1;
  int File = openFile(Dir, Temporary, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (File < 0) {
    fail(errno, "cannot create a file for '%s': %s%s", Name, strerror(errno),
         adviceFor(errno));
    return -1;
  }
  size_t Length = strlen(Text);
  giveToOwner(File);
  // Best effort: without locks nothing that is left is ever removed.
  lockByte(File, FileByte::Ownership, LockKind::Exclusive, false);
  errno = Length <= largestFile() ? ENOSPC : EFBIG; // unless write says more
  if (errno == ENOSPC && write(File, Text, Length) == (ssize_t)Length &&
      !fsync(File))
    return File;
  int Error = errno;
  close(File);
  unlinkat(Dir, Temporary, 0);
  fail(Error, "cannot write '%s': %s%s", Name, strerror(Error),
       adviceFor(Error));
  return -1;
}

// Gives it its name, durably, or removes it; closes File.
static bool publishNew(int Dir, int File, const char *Temporary,
                       const char *Name) {
  bool Ok = renameNew(Dir, Temporary, Name);
  int Error = errno;
  if (!Ok) {
    unlinkat(Dir, Temporary, 0);
  } else if (fsync(Dir)) {
    Ok = false;
    Error = errno;
    unlinkat(Dir, Name, 0); // a failure changes nothing
  }
  close(File);
  return Ok || fail(Error, "cannot write '%s': %s%s", Name, strerror(Error),
                    adviceFor(Error));
}

bool perdure::publishFile(int Dir, const char *Name, const char *Text) {
  char Temporary[64];
  int File = writeNew(Dir, Temporary, Name, Text);
  return File >= 0 && publishNew(Dir, File, Temporary, Name);
}

// The whole of a small file, as text. Bytes of room for it and its end. Path
// and Folder say in messages where it lies.
static bool readFile(int Dir, const char *Path, const char *Folder,
                     const char *Name, char *Text, size_t Bytes) {
  int File = openFile(Dir, Name, O_RDONLY | O_NONBLOCK);
  if (File < 0)
    return fail(errno, "store %s: cannot open '%s%s': %s%s", Path, Folder, Name,
                strerror(errno), adviceFor(errno));
  struct stat Status;
  bool Regular = !fstat(File, &Status) && S_ISREG(Status.st_mode);
  ssize_t Read = Regular ? read(File, Text, Bytes - 1) : 0;
  int Error = errno;
  close(File);
  if (!Regular)
    return fail(EPROTO, "store %s: '%s%s' is no regular file%s", Path, Folder,
                Name, adviceFor(ENOTDIR));
  if (Read < 0)
    return fail(Error, "store %s: cannot read '%s%s': %s", Path, Folder, Name,
                strerror(Error));
  // Text with a zero byte is none that was written here.
  Text[strnlen(Text, (size_t)Read) == (size_t)Read ? Read : 0] = 0;
  return true;
}

bool perdure::parseId(const char *Text, perdure_id &Id) {
  uint64_t Half[2] = {0, 0};
  for (int I = 0; I < 32; ++I) {
    char C = Text[I];
    if (!(C >= '0' && C <= '9') && !(C >= 'a' && C <= 'f'))
      return false;
    Half[I / 16] =
        Half[I / 16] << 4 | (uint64_t)(C <= '9' ? C - '0' : C - 'a' + 10);
  }
  Id = {Half[0], Half[1]};
  return (Id.hi | Id.lo) && Text[32] == '\n' && !Text[33];
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

bool perdure::checkName(const char *Name) {
  size_t Length = Name ? strnlen(Name, 256) : 0;
  if (Length && Length < 256 && !strchr(Name, '/') && strcmp(Name, ".") &&
      strcmp(Name, "..") && !isTemporary(Name))
    return true;
  return fail(EINVAL,
              "'%.64s' is no name of an object: choose one of 1 to 255 bytes "
              "without '/' that is neither '.' nor '..' and does not begin "
              "with '%s'",
              Name ? Name : "", TemporaryPrefix);
}

bool perdure::lookUpName(Store &S, const char *Name, perdure_id &Id) {
  if (!checkName(Name))
    return false;
  char Text[64];
  if (!readFile(S.NamesDir, S.Path, "names/", Name, Text, sizeof(Text))) {
    if (errno == ENOENT)
      fail(ENOENT,
           "store %s has no object called '%s'; perdure_create makes "
           "one",
           S.Path, Name);
    return false;
  }
  return parseId(Text, Id) ||
         fail(EPROTO,
              "store %s: names/%s holds no object ID; restore it from a copy",
              S.Path, Name);
}

bool perdure::prepareName(Store &S, PendingName &P, const char *Name,
                          perdure_id Id) {
  if (!checkName(Name))
    return false;
  char Text[64];
  snprintf(Text, sizeof(Text), "%s\n", hexOf(Id).Text);
  P.File = writeNew(S.NamesDir, P.Temporary, Name, Text);
  return P.File >= 0;
}

bool perdure::publishName(Store &S, PendingName &P, const char *Name) {
  if (publishNew(S.NamesDir, P.File, P.Temporary, Name))
    return true;
  if (errno == EEXIST)
    fail(EEXIST, "store %s has an object called '%s'; perdure_open opens it",
         S.Path, Name);
  return false;
}

void perdure::dropName(Store &S, PendingName &P) {
  int Saved = errno;
  unlinkat(S.NamesDir, P.Temporary, 0);
  close(P.File);
  errno = Saved;
}

bool perdure::publishName(Store &S, const char *Name, perdure_id Id) {
  PendingName P;
  return prepareName(S, P, Name, Id) && publishName(S, P, Name);
}

// Whether the file is a PendingName for Id that nobody is at, and has no other
// name: with a link for want of a rename, a crash leaves it two. Since: when it
// was written.
static bool isLeftover(const Store &S, const char *Temporary, perdure_id Id,
                       int64_t &Since) {
  int File = openFile(S.NamesDir, Temporary, O_RDONLY | O_NONBLOCK);
  if (File < 0)
    return false;
  char Text[64] = {};
  struct stat Status;
  perdure_id Found;
  bool Left = read(File, Text, sizeof(Text) - 1) > 0 && parseId(Text, Found) &&
              Found.hi == Id.hi && Found.lo == Id.lo &&
              lockOfOthers(File, FileByte::Ownership) == LockKind::None &&
              !fstat(File, &Status) && Status.st_nlink == 1;
  Since = Left ? nanoseconds(Status.st_mtim) : 0;
  close(File);
  return Left;
}

// Whether nobody has the object open for writing, or had since then, by a
// pointer of another: opening sets the file's time.
static bool isUntouched(const Store &S, perdure_id Id, int64_t Since) {
  int File = openFile(S.ObjectsDir, hexOf(Id).Text, O_RDONLY | O_NONBLOCK);
  if (File < 0)
    return errno == ENOENT;
  struct stat Status;
  // At the end of what a time can be nothing tells which was first.
  bool Untouched = !fstat(File, &Status) && Since < INT64_MAX &&
                   nanoseconds(Status.st_mtim) <= Since &&
                   lockOfOthers(File, FileByte::Ownership) == LockKind::None;
  close(File);
  return Untouched;
}

bool perdure::removeLeftover(Store &S, perdure_id Id) {
  int Names = openFile(S.NamesDir, ".", O_RDONLY | O_DIRECTORY);
  DIR *Entries = Names < 0 ? nullptr : fdopendir(Names);
  if (!Entries) {
    if (Names >= 0)
      close(Names);
    return false;
  }
  bool Removed = false;
  while (dirent *Entry = readdir(Entries)) {
    int64_t Since;
    if (!isTemporary(Entry->d_name) || !isLeftover(S, Entry->d_name, Id, Since))
      continue;
    // The object first: while this file is there it can be done again. There
    // may be several: who died before there was an object left an older one.
    if (isUntouched(S, Id, Since) &&
        (!unlinkat(S.ObjectsDir, hexOf(Id).Text, 0) || errno == ENOENT) &&
        !fsync(S.ObjectsDir))
      Removed = !unlinkat(S.NamesDir, Entry->d_name, 0);
  }
  closedir(Entries);
  return Removed;
}

// Where what is known of Name is, or would go. Store locked.
static Binding **bindingOf(Store &S, const char *Name) {
  uint64_t Hash = 14695981039346656037u; // FNV-1a
  for (const char *C = Name; *C; ++C)
    Hash = (Hash ^ (unsigned char)*C) * 1099511628211u;
  Binding **B = &S.Bindings[Hash % (sizeof(S.Bindings) / sizeof(*S.Bindings))];
  while (*B && strcmp((*B)->Name, Name))
    B = &(*B)->Next;
  return B;
}

bool perdure::removeName(Store &S, const char *Name) {
  if (Binding *B = *bindingOf(S, Name))
    B->Opened = nullptr;
  if (unlinkat(S.NamesDir, Name, 0) || fsync(S.NamesDir))
    return fail(errno, "store %s: cannot remove the name '%s': %s%s", S.Path,
                Name, strerror(errno), adviceFor(errno));
  return true;
}

bool perdure::renameName(Store &S, const char *Name, const char *As) {
  if (!checkName(As))
    return false;
  if (!renameNew(S.NamesDir, Name, As))
    return fail(errno, "store %s: cannot give '%s' the name '%s': %s%s", S.Path, Name,
                As, errno == EEXIST ? "an object is called so" : strerror(errno),
                adviceFor(errno));
  if (Binding *B = *bindingOf(S, Name))
    B->Opened = nullptr;
  return !fsync(S.NamesDir) || fail(errno, "store %s: cannot sync its names: %s",
                                    S.Path, strerror(errno));
}

//===----------------------------------------------------------------------===//
// Objects
//===----------------------------------------------------------------------===//

static Object *&bucketOf(Store &S, perdure_id Id) {
  return S.Objects[(Id.hi ^ Id.lo) % (sizeof(S.Objects) / sizeof(*S.Objects))];
}

Object *perdure::findObject(Store &S, perdure_id Id) {
  Object *O = bucketOf(S, Id);
  while (O && (O->Id.hi != Id.hi || O->Id.lo != Id.lo))
    O = O->Next;
  return O;
}

HexId perdure::hexOf(perdure_id Id) {
  HexId Hex;
  snprintf(Hex.Text, sizeof(Hex.Text), "%016llx%016llx",
           (unsigned long long)Id.hi, (unsigned long long)Id.lo);
  return Hex;
}

// Reports read the name without a lock: it is set once, its first byte last.
void perdure::nameObject(Object &O, const char *Name) {
  if (O.Name[0])
    return;
  char Shown[sizeof(O.Name)];
  snprintf(Shown, sizeof(Shown), "%s", Name);
  makeShown(Shown);
  strcpy(O.Name + 1, Shown + 1);
  __atomic_store_n(&O.Name[0], Shown[0], __ATOMIC_RELEASE);
}

Object *perdure::enterObject(Store &S, perdure_id Id) {
  Object *O = (Object *)calloc(1, sizeof(Object));
  if (!O) {
    fail(ENOMEM, "no memory for an object");
    return nullptr;
  }
  O->Serial = nextSerial();
  O->Owner = &S;
  O->File = O->MapFile = O->LogFile = -1;
  O->Durable = S.Durable;
  O->Id = Id;
  memcpy(O->Hex, hexOf(Id).Text, sizeof(O->Hex));
  if (!enterWindow(*O)) {
    free(O);
    return nullptr;
  }
  O->Next = bucketOf(S, Id);
  bucketOf(S, Id) = O;
  return O;
}

void perdure::forgetObject(Store &S, Object *O) {
  Object **Link = &bucketOf(S, O->Id);
  while (*Link != O)
    Link = &(*Link)->Next;
  *Link = O->Next;
  leaveWindow(*O);
  free(O);
}

// Attaches what is not present with as much as the store and the file allow.
static void attachForPointer(Store &S, Object &O, bool ToWrite) {
  // Rights are late-binding: less than was hoped for is enough to read, and so
  // is an object that another process writes.
  if (isPresent(O) || attachAsAllowed(O, accessOf(S, ToWrite), true))
    return;
  snprintf(O.WhyMissing, sizeof(O.WhyMissing), "%.255s", errorMessage());
}

int perdure::openObjectFile(Store &S, perdure_id Id) {
  HexId Hex = hexOf(Id);
  int File = openFile(S.ObjectsDir, Hex.Text, O_RDONLY | O_NONBLOCK);
  if (File < 0)
    fail(errno, "cannot open objects/%s of store %s: %s%s", Hex.Text, S.Path,
         strerror(errno), adviceFor(errno));
  return File;
}

bool perdure::hasObjectFile(const Store &S, perdure_id Id) {
  struct stat Status;
  return !fstatat(S.ObjectsDir, hexOf(Id).Text, &Status, AT_SYMLINK_NOFOLLOW);
}

Object *perdure::resolveObject(Store &S, perdure_id Id, bool ToWrite) {
  Locked Hold(S.Lock);
  Object *O = findObject(S, Id);
  if (!O)
    O = enterObject(S, Id);
  if (O)
    attachForPointer(S, *O, ToWrite);
  return O;
}

//===----------------------------------------------------------------------===//
// Names that were looked up
//===----------------------------------------------------------------------===//

// Null without memory: then names are looked up each time.
static Binding *makeBinding(Store &S, const char *Name) {
  Binding **B = bindingOf(S, Name);
  if (!*B) {
    *B = (Binding *)calloc(1, sizeof(Binding) + strlen(Name) + 1);
    if (*B)
      strcpy((*B)->Name, Name);
  }
  return *B;
}

NamesTime perdure::readNamesTime(const Store &S) {
  struct stat Status;
  struct timespec Now;
  clock_gettime(CLOCK_REALTIME_COARSE, &Now);
  return {fstat(S.NamesDir, &Status) ? 0 : nanoseconds(Status.st_mtim),
          nanoseconds(Now)};
}

void perdure::rememberName(Store &S, const char *Name, Object *O,
                           NamesTime Time) {
  if (Binding *B = makeBinding(S, Name)) {
    B->Opened = O;
    B->Time = Time;
  }
}

// The kernel takes the time of a change from the clock that Read was taken
// from. So when the names had been at rest by then, a later change gives them
// another time; without rest a change within the same tick of that clock (a few
// milliseconds) could go unseen, and the name is looked up again.
Object *perdure::recallName(Store &S, const char *Name) {
  constexpr int64_t Rest = 20000000;
  Binding *B = *bindingOf(S, Name);
  Object *O = B ? B->Opened : nullptr;
  if (!O || !isPresent(*O) || O->Removed)
    return nullptr;
  // An object that is open stays what its name means to this process.
  if (O->References)
    return O;
  bool AtRest = B->Time.Changed && B->Time.Read - B->Time.Changed > Rest;
  return AtRest && readNamesTime(S).Changed == B->Time.Changed ? O : nullptr;
}

static void freeBindings(Store &S) {
  for (Binding *B : S.Bindings)
    while (B) {
      Binding *Next = B->Next;
      free(B);
      B = Next;
    }
}

// Where pointers by a name lead while nothing has it. Nothing is ever mapped
// there, also once an object has the name, so that an address that a program
// keeps from before can be told from one in that object, and faults.
static Object *standIn(Store &S, Binding &B, const char *Why) {
  if (!B.StandIn) {
    B.StandIn = enterObject(S, {0, 0});
    if (!B.StandIn)
      return nullptr;
    nameObject(*B.StandIn, B.Name);
    B.StandIn->StandsFor = B.Name;
  }
  snprintf(B.StandIn->WhyMissing, sizeof(B.StandIn->WhyMissing), "%.255s", Why);
  return B.StandIn;
}

Object *perdure::resolveName(Store &S, const char *Name, bool ToWrite) {
  Locked Hold(S.Lock);
  Binding *B = makeBinding(S, Name);
  if (!B) {
    fail(ENOMEM, "no memory for a name");
    return nullptr;
  }
  if (B->Late)
    return B->Late;
  perdure_id Id;
  Object *O = nullptr, *New = nullptr;
  if (lookUpName(S, Name, Id)) {
    O = findObject(S, Id);
    if (!O)
      O = New = enterObject(S, Id);
  }
  if (!O)
    return standIn(S, *B, errorMessage());
  attachForPointer(S, *O, ToWrite);
  if (isPresent(*O))
    return B->Late = O;
  char Why[sizeof(O->WhyMissing)];
  memcpy(Why, O->WhyMissing, sizeof(Why));
  if (New)
    forgetObject(S, New);
  return standIn(S, *B, Why);
}

int perdure::visitNames(Store &S,
                        int (*Visit)(void *, const char *, perdure_id),
                        void *Context) {
  int File = openFile(S.NamesDir, ".", O_RDONLY | O_DIRECTORY);
  DIR *Names = File < 0 ? nullptr : fdopendir(File);
  if (!Names) {
    fail(errno, "cannot read the names of store %s: %s%s", S.Path,
         strerror(errno), adviceFor(errno));
    if (File >= 0)
      close(File);
    return -1;
  }
  int Result = 0;
  errno = 0;
  while (dirent *Entry = Result ? nullptr : readdir(Names)) {
    const char *Name = Entry->d_name;
    if (!strcmp(Name, ".") || !strcmp(Name, "..") || isTemporary(Name))
      continue;
    perdure_id Id = {0, 0};
    if (!lookUpName(S, Name, Id)) {
      if (errno == ENOENT) // since a moment ago
        continue;
      Id = {0, 0};
    }
    Result = Visit(Context, Name, Id);
    errno = 0;
  }
  if (errno) {
    fail(errno, "cannot read the names of store %s: %s", S.Path,
         strerror(errno));
    Result = -1;
  }
  closedir(Names);
  return Result;
}

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

static int openDirectory(int At, const char *Path) {
  // The user's own path may go through links; nothing inside a store does.
  return At == AT_FDCWD ? open(Path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                        : openFile(At, Path, O_RDONLY | O_DIRECTORY);
}

// A directory for its owner alone, whatever the umask.
static bool makeDirectory(int At, const char *Path) {
  if (mkdirat(At, Path, 0700))
    return false;
  int Ignored = fchmodat(At, Path, 0700, AT_SYMLINK_NOFOLLOW);
  (void)Ignored;
  return true;
}

// Makes what a store consists of; the marker comes last.
static bool createStore(int Dir, const char *Path, bool Exclusive) {
  char Text[128];
  perdure_id Id;
  if ((!makeDirectory(Dir, "objects") && errno != EEXIST) ||
      (!makeDirectory(Dir, "names") && errno != EEXIST))
    return fail(errno, "cannot create a store in %s: %s%s", Path,
                strerror(errno), adviceFor(errno));
  if (!makeId(Id))
    return false;
  snprintf(Text, sizeof(Text), MarkerFormat, (unsigned long long)Id.hi,
           (unsigned long long)Id.lo);
  return publishFile(Dir, MarkerName, Text) ||
         (errno == EEXIST && !Exclusive); // somebody else was faster
}

static bool checkMarker(int Dir, const char *Path, unsigned Flags,
                        perdure_id &Id) {
  char Text[128];
  if (!readFile(Dir, Path, "", MarkerName, Text, sizeof(Text))) {
    if (errno != ENOENT)
      return false;
    if (!(Flags & PERDURE_CREATE))
      return fail(ENOENT,
                  "%s is no store: it has no file %s; PERDURE_CREATE "
                  "makes one",
                  Path, MarkerName);
    return createStore(Dir, Path, Flags & PERDURE_EXCL) &&
           checkMarker(Dir, Path, 0, Id);
  }
  if (Flags & PERDURE_EXCL)
    return fail(EEXIST, "%s is a store already", Path);
  static const char Prefix[] = "perdure store 1 ";
  if (strncmp(Text, Prefix, strlen(Prefix)) ||
      !parseId(Text + strlen(Prefix), Id))
    return fail(EPROTO,
                "%s/%s is not that of a store of format 1; restore it from a "
                "copy, or use a runtime that knows its format",
                Path, MarkerName);
  return true;
}

// The directory, made when it may be; -1 on failure.
static int openStoreDirectory(const char *Path, unsigned Flags) {
  if ((Flags & PERDURE_CREATE) && makeDirectory(AT_FDCWD, Path)) {
    int Parent = openDirectory(AT_FDCWD, Path);
    int Above = Parent < 0 ? -1 : openDirectory(Parent, "..");
    if (Above >= 0) {
      fsync(Above);
      close(Above);
    }
    if (Parent >= 0)
      close(Parent);
  }
  int Dir = openDirectory(AT_FDCWD, Path);
  if (Dir < 0)
    fail(errno, "cannot open the directory %s: %s%s", Path, strerror(errno),
         errno == ENOENT && !(Flags & PERDURE_CREATE)
             ? "; PERDURE_CREATE makes a store"
             : adviceFor(errno));
  return Dir;
}

static void freeStoreOnly(Store *S) {
  freeBindings(*S);
  forgetRegistry(*S);
  closeSidecar(*S);
  if (S->Dir >= 0)
    close(S->Dir);
  if (S->ObjectsDir >= 0)
    close(S->ObjectsDir);
  if (S->NamesDir >= 0)
    close(S->NamesDir);
  free(S);
}

// A store is its directory, whatever path leads there.
static Store *findStore(const struct stat &Status) {
  Store *S = Stores;
  while (S && (S->Device != Status.st_dev || S->Inode != Status.st_ino))
    S = S->Next;
  return S;
}

static void makeDurable(Store &S) {
  Locked Hold(S.Lock);
  S.Durable = true;
  for (Object *O : S.Objects)
    for (; O; O = O->Next)
      __atomic_store_n(&O->Durable, true, __ATOMIC_RELAXED);
}

Store *perdure::openStore(const char *Path, unsigned Flags) {
  unsigned Known = PERDURE_CREATE | PERDURE_RDONLY | PERDURE_DURABLE |
                   PERDURE_EXCL | PERDURE_SHARED | PERDURE_VERIFY;
  if (!Path) {
    fail(EINVAL, "perdure_store_open: no directory was given");
    return nullptr;
  }
  if ((Flags & ~Known) ||
      ((Flags & PERDURE_EXCL) && !(Flags & PERDURE_CREATE)) ||
      ((Flags & PERDURE_CREATE) && (Flags & PERDURE_RDONLY))) {
    fail(EINVAL, "perdure_store_open: flags 0x%x do not go together", Flags);
    return nullptr;
  }
  Locked Hold(StoresLock);
  Store *S = (Store *)calloc(1, sizeof(Store));
  if (!S) {
    fail(ENOMEM, "no memory for a store");
    return nullptr;
  }
  S->ObjectsDir = S->NamesDir = -1;
  S->Dir = openStoreDirectory(Path, Flags);
  struct stat Status = {};
  if (S->Dir < 0 || !checkMarker(S->Dir, Path, Flags, S->Marker)) {
    freeStoreOnly(S);
    return nullptr;
  }
  S->ObjectsDir = openDirectory(S->Dir, "objects");
  S->NamesDir = openDirectory(S->Dir, "names");
  if (S->ObjectsDir < 0 || S->NamesDir < 0 || fstat(S->Dir, &Status)) {
    fail(errno, "cannot open the directories of store %s: %s%s", Path,
         strerror(errno),
         errno == ENOENT ? "; restore them from a copy" : adviceFor(errno));
    freeStoreOnly(S);
    return nullptr;
  }
  if (Store *Other = findStore(Status)) {
    freeStoreOnly(S);
    if (Other->ReadOnly && !(Flags & PERDURE_RDONLY)) {
      fail(EROFS, "store %s is open with PERDURE_RDONLY; close it first", Path);
      return nullptr;
    }
    ++Other->References;
    if (Flags & PERDURE_DURABLE)
      makeDurable(*Other);
    if (Flags & PERDURE_SHARED)
      Other->Shared = true;
    if (Flags & PERDURE_VERIFY)
      atomicStore(Other->Verify, true);
    return Other;
  }
  snprintf(S->Path, sizeof(S->Path), "%s", Path);
  if (!claimNumber(*S)) {
    freeStoreOnly(S);
    return nullptr;
  }
  S->Device = Status.st_dev;
  S->Inode = Status.st_ino;
  S->ReadOnly = Flags & PERDURE_RDONLY;
  S->Shared = Flags & PERDURE_SHARED;
  S->Durable = Flags & PERDURE_DURABLE;
  S->Verify = Flags & PERDURE_VERIFY;
  S->References = 1;
  S->Next = Stores;
  Stores = S;
  return S;
}

// At exit() and quick_exit(), with stores that the program left open. Not the rest of
// closing: other threads, and destructors that come later, may still use the objects.
__attribute__((destructor)) static void removeSidecars() {
  // exit() in a signal handler may have interrupted this thread's own hold.
  if (!StoresLock.tryLock())
    return;
  for (const Store *S = Stores; S; S = S->Next)
    removeSidecar(*S);
  StoresLock.unlock();
}
__attribute__((constructor)) static void atQuickExit() {
  at_quick_exit(removeSidecars);
}

void perdure::freeStore(Store &S) {
  Store **Link = &Stores;
  while (*Link != &S)
    Link = &(*Link)->Next;
  *Link = S.Next;
  freeStoreOnly(&S);
}

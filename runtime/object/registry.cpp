//===- registry.cpp - The numbers of a store's regions --------------------===//

#include "object/registry.h"
#include "platform/descriptor.h"
#include "platform/error.h"
#include "platform/file_lock.h"
#include "platform/regions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace perdure;

namespace perdure {
struct Registry {
  uint64_t Number; // the store's
  perdure_id *Ids; // by region, from 1 on
  uint64_t Count;
  uint64_t Synced; // so many of them are durable, and the file's name is
};
} // namespace perdure

static const char FileName[] = "perdure.regions";
static const char TitleFormat[] = "perdure regions 1 %03x\n";
constexpr size_t TitleBytes = 22, LineBytes = 33;
constexpr uint64_t MaxRegions = ((uint64_t)1 << PerdureAbiRegionIndexBits) - 1;
constexpr uint64_t MaxStores = (uint64_t)1 << PerdureAbiRegionStoreBits;
static_assert((int)PerdureAbiRegionIndexBits + (int)PerdureAbiRegionStoreBits ==
                  (int)PerdureAbiFotIndexBits,
              "region numbers have the place of FOT indices");
static_assert((int)PerdureAbiFatKeyBits > 64 - (int)PerdureAbiOffsetBits,
              "a key that no region has is left");

// Guards the registries and which store has which number.
static Mutex RegistryLock;
static Store *Numbered[MaxStores];

void perdure::registriesBeforeFork() { RegistryLock.lock(); }
void perdure::registriesAfterFork() { RegistryLock.unlock(); }

static uint64_t makeKey(uint64_t Number, uint64_t Region) {
  return (uint64_t)1 << (PerdureAbiForeignBit - PerdureAbiOffsetBits) |
         Number << PerdureAbiRegionIndexBits | Region;
}
static uint64_t numberOf(uint64_t Key) {
  return (Key >> PerdureAbiRegionIndexBits) & (MaxStores - 1);
}
static uint64_t regionOf(uint64_t Key) { return Key & MaxRegions; }

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

bool perdure::hasRegistry(const Store &S) {
  struct stat Status;
  return !fstatat(S.Dir, FileName, &Status, AT_SYMLINK_NOFOLLOW);
}

static bool damagedFile(const Store &S, const char *What) {
  return fail(EPROTO, "store %s: %s: %s; restore it from a copy", S.Path,
              FileName, What);
}

static bool isZero(const char *Line) {
  for (size_t I = 0; I < LineBytes; ++I)
    if (Line[I])
      return false;
  return true;
}

// Reads what File says; whole lines only: the rest was never finished. Locked: nobody
// is adding to it, so what cannot be read or is no line is damage, but for zeroes at the
// end, which a power failure leaves: what is not read here is cut off.
static bool readRegistry(const Store &S, int File, Registry &R, bool Locked) {
  struct stat Status;
  if (fstat(File, &Status))
    return fail(errno, "store %s: cannot read %s: %s", S.Path, FileName,
                strerror(errno));
  constexpr size_t Most = TitleBytes + MaxRegions * LineBytes;
  if (!S_ISREG(Status.st_mode) || Status.st_size < (off_t)TitleBytes ||
      Status.st_size > (off_t)(Most + LineBytes))
    return damagedFile(S, "no file of regions has its size");
  size_t Bytes = (size_t)Status.st_size;
  char *Text = (char *)malloc(Bytes + 1);
  if (!Text)
    return fail(ENOMEM, "no memory for the regions of store %s", S.Path);
  errno = EIO; // unless the system says more
  ssize_t Read = pread(File, Text, Bytes, 0);
  if (Locked && Read != (ssize_t)Bytes) {
    free(Text);
    return fail(errno, "store %s: cannot read %s: %s", S.Path, FileName,
                strerror(errno));
  }
  unsigned Number = 0;
  char Again[TitleBytes + 1];
  bool Ok = Read >= (ssize_t)TitleBytes;
  if (Ok) {
    Text[Read] = 0;
    Ok =
        sscanf(Text, TitleFormat, &Number) == 1 && Number && Number < MaxStores;
    snprintf(Again, sizeof(Again), TitleFormat, Number & 0xFFF);
    Ok = Ok && !memcmp(Text, Again, TitleBytes);
  }
  uint64_t Count = Ok ? ((size_t)Read - TitleBytes) / LineBytes : 0;
  perdure_id *Ids =
      Count ? (perdure_id *)realloc(R.Ids, Count * sizeof(perdure_id)) : R.Ids;
  if (Count && Ids) {
    R.Ids = Ids;
    for (uint64_t I = 0; I < Count && Ok; ++I) {
      char Line[LineBytes + 1] = {};
      memcpy(Line, Text + TitleBytes + I * LineBytes, LineBytes);
      // A line that another process is just adding ends what is read.
      if (!parseId(Line, Ids[I])) {
        Ok = I + 1 == Count && (!Locked || isZero(Line));
        Count = I;
      }
    }
  }
  free(Text);
  if (Count && !Ids)
    return fail(ENOMEM, "no memory for the regions of store %s", S.Path);
  if (!Ok || (R.Number && R.Number != Number) || Count < R.Count)
    return damagedFile(S, "it is not what it was or has to be");
  R.Number = Number;
  R.Count = Count;
  return true;
}

// Opens the file, or makes it. -1 and a message; without one (ENOENT) where
// there is none and none is to be made.
static int openRegistry(Store &S, bool ToWrite) {
  int File =
      openFile(S.Dir, FileName, (ToWrite ? O_RDWR : O_RDONLY) | O_NONBLOCK);
  if (File >= 0)
    return File;
  if (errno == ENOENT && ToWrite) {
    uint32_t Random;
    if (getrandom(&Random, sizeof(Random), 0) != (ssize_t)sizeof(Random)) {
      fail(errno, "cannot get random bits: %s", strerror(errno));
      return -1;
    }
    char Text[TitleBytes + 1];
    unsigned Number = 1 + Random % (MaxStores - 1);
    for (uint64_t Try = 0; Numbered[Number] && Try < MaxStores; ++Try)
      Number = Number % (MaxStores - 1) + 1;
    snprintf(Text, sizeof(Text), TitleFormat, Number & 0xFFF);
    if (!publishFile(S.Dir, FileName, Text) && errno != EEXIST)
      return -1;
    File = openFile(S.Dir, FileName, O_RDWR | O_NONBLOCK);
  }
  if (File < 0 && errno != ENOENT)
    fail(errno, "store %s: cannot open %s: %s%s", S.Path, FileName,
         strerror(errno), adviceFor(errno));
  return File;
}

// Reads the registry again and, where there was none, claims the store's
// number.
static bool take(Store &S, int File, bool Locked) {
  Registry *R = S.TheRegistry;
  if (!R) {
    R = (Registry *)calloc(1, sizeof(Registry));
    if (!R)
      return fail(ENOMEM, "no memory for the regions of store %s", S.Path);
  }
  bool Ok = readRegistry(S, File, *R, Locked);
  if (!S.TheRegistry) {
    Store *Other = Ok ? Numbered[R->Number] : nullptr;
    if (Other)
      Ok = fail(EEXIST,
                "stores %s and %s have the same number in pointers of the "
                "encodings region-id and fat-lookup, as copies of one store "
                "have; open one at a time",
                Other->Path, S.Path);
    if (Ok) {
      Numbered[R->Number] = &S;
      S.TheRegistry = R;
    } else {
      free(R->Ids);
      free(R);
    }
  }
  return Ok;
}

static bool load(Store &S) {
  int File = openRegistry(S, false);
  if (File < 0)
    return errno == ENOENT && fail(ENOENT, "store %s has no regions", S.Path);
  bool Ok = take(S, File, /*Locked=*/false);
  int Saved = errno;
  close(File);
  errno = Saved;
  return Ok;
}

static uint64_t find(const Registry &R, perdure_id Id) {
  for (uint64_t I = 0; I < R.Count; ++I)
    if (R.Ids[I].hi == Id.hi && R.Ids[I].lo == Id.lo)
      return I + 1;
  return 0;
}

// A region for the ID, which is in no file yet.
static uint64_t add(const Store &S, perdure_id Id) {
  Registry &R = *S.TheRegistry;
  if (R.Count == MaxRegions) {
    fail(ENOSPC, "store %s has %llu regions, and region numbers end there",
         S.Path, (unsigned long long)MaxRegions);
    return 0;
  }
  perdure_id *Ids =
      (perdure_id *)realloc(R.Ids, (R.Count + 1) * sizeof(perdure_id));
  if (!Ids) {
    fail(ENOMEM, "no memory for the regions of store %s", S.Path);
    return 0;
  }
  R.Ids = Ids;
  R.Ids[R.Count++] = Id;
  return R.Count;
}

// The pointer that uses a line comes later. Who wrote one that is there may have died
// before it was durable, or be about to sync it, and a sync that has failed may have
// dropped it from what the next one writes: so the lines are written once more. InFile:
// whole lines; what another process has left of one behind them is cut off.
static bool makeDurable(Store &S, int File, uint64_t InFile) {
  Registry &R = *S.TheRegistry;
  size_t Bytes = (R.Count - R.Synced) * LineBytes;
  char *Lines = (char *)malloc(Bytes + 1);
  if (!Lines)
    return fail(ENOMEM, "no memory for the regions of store %s", S.Path);
  for (uint64_t I = R.Synced; I < R.Count; ++I)
    snprintf(Lines + (I - R.Synced) * LineBytes, LineBytes + 1, "%s\n",
             hexOf(R.Ids[I]).Text);
  bool Ok = !ftruncate(File, (off_t)(TitleBytes + InFile * LineBytes));
  if (Ok) {
    errno = ENOSPC; // unless the system says more
    Ok = pwrite(File, Lines, Bytes, (off_t)(TitleBytes + R.Synced * LineBytes)) ==
         (ssize_t)Bytes;
  }
  int Saved = errno;
  free(Lines);
  errno = Saved;
  if (!Ok || fdatasync(File) || (!R.Synced && fsync(S.Dir)))
    return fail(errno, "store %s: cannot write %s: %s%s", S.Path, FileName,
                strerror(errno), adviceFor(errno));
  R.Synced = R.Count;
  return true;
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

static uint64_t regionIn(Store &S, perdure_id Id) {
  if (S.TheRegistry)
    if (uint64_t Region = find(*S.TheRegistry, Id);
        Region && Region <= S.TheRegistry->Synced)
      return Region;
  int File = openRegistry(S, true);
  if (File < 0)
    return 0;
  uint64_t Region = 0;
  if (!lockByte(File, FileByte::Structure, LockKind::Exclusive, true))
    fail(errno, "store %s: cannot lock %s: %s", S.Path, FileName,
         strerror(errno));
  else if (take(S, File, /*Locked=*/true)) {
    Registry &R = *S.TheRegistry;
    uint64_t InFile = R.Count;
    Region = find(R, Id);
    if (!Region)
      Region = add(S, Id);
    if (Region > R.Synced && !makeDurable(S, File, InFile)) {
      R.Count = InFile;
      Region = 0;
    }
  }
  int Saved = errno;
  close(File); // and with it the lock
  errno = Saved;
  return Region;
}

uint64_t perdure::regionKey(Object &O) {
  if (uint64_t Key = keyOf(O.Base))
    return Key;
  if (!(O.Id.hi | O.Id.lo)) {
    fail(ENOENT, "what is not there yet has no region");
    return 0;
  }
  Locked Hold(RegistryLock);
  uint64_t Region = regionIn(*O.Owner, O.Id);
  if (!Region)
    return 0;
  uint64_t Key = makeKey(O.Owner->TheRegistry->Number, Region);
  enterKey(Key, O.Base);
  return Key;
}

// The store whose number Key has, with a registry that has the region, or null.
static Store *storeWith(uint64_t Key) {
  Store *S = Numbered[numberOf(Key)];
  if (S && regionOf(Key) > S->TheRegistry->Count && !load(*S))
    return nullptr;
  return S;
}

Object *perdure::resolveRegion(uint64_t Key, Object *Near) {
  Store *S = nullptr;
  perdure_id Id = {0, 0};
  {
    // A pointer in volatile memory may be any open store's.
    Locked Stores(StoresLock);
    Locked Hold(RegistryLock);
    // Its own store first: another may have the same number.
    if (Near && !Near->Owner->TheRegistry && !load(*Near->Owner))
      return nullptr;
    S = storeWith(Key);
    for (Store *Open = Near ? nullptr : firstStore(); !S && Open;
         Open = Open->Next)
      if (!Open->TheRegistry && load(*Open))
        S = storeWith(Key);
    uint64_t Region = regionOf(Key);
    if (!S || !Region || Region > S->TheRegistry->Count) {
      fail(ENOENT, "no open store has region %llx", (unsigned long long)Key);
      return nullptr;
    }
    Id = S->TheRegistry->Ids[Region - 1];
  }
  Object *O = resolveObject(*S, Id, true);
  if (O)
    enterKey(Key, O->Base);
  return O;
}

// Other failures are found again, and reported, when a region is needed.
bool perdure::claimNumber(Store &S) {
  if (!regionBases() || !hasRegistry(S))
    return true;
  Locked Hold(RegistryLock);
  return S.TheRegistry || load(S) || errno != EEXIST;
}

bool perdure::claimNumbers() {
  Locked Stores(StoresLock);
  for (Store *S = firstStore(); S; S = S->Next)
    if (!claimNumber(*S))
      return false;
  return true;
}

void perdure::forgetRegistry(Store &S) {
  Locked Hold(RegistryLock);
  Registry *R = S.TheRegistry;
  if (!R)
    return;
  Numbered[R->Number] = nullptr;
  free(R->Ids);
  free(R);
  S.TheRegistry = nullptr;
}

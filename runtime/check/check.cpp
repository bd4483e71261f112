//===- check.cpp - Finding and mending damage in an object's file ---------===//

#include "check/check.h"
#include "object/header.h"
#include "object/seal.h"
#include "object/sidecar.h"
#include "platform/descriptor.h"
#include "platform/error.h"
#include "platform/file_lock.h"
#include "tx/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace perdure;

void Findings::add(Severity S, uint64_t Offset, const char *Format, ...) {
  char Text[512];
  va_list Args;
  va_start(Args, Format);
  vsnprintf(Text, sizeof(Text), Format, Args);
  va_end(Args);
  ++Counts[(int)S];
  Tell(Context, S, Offset, Text);
}

bool perdure::mendByte(void *Record, size_t Bytes,
                       bool (*Holds)(const void *Record)) {
  auto *B = (uint8_t *)Record;
  for (size_t I = 0; I < Bytes; ++I) {
    const uint8_t Was = B[I];
    for (unsigned Other = 1; Other < 256; ++Other) {
      B[I] = (uint8_t)(Was ^ Other);
      if (Holds(Record))
        return true;
    }
    B[I] = Was;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// The image
//===----------------------------------------------------------------------===//

namespace {
// What is written when: what the page map leads to before it says so, and page
// 0 last. Until then the file is as damaged as it was, at worst.
enum class Rank { Contents, PageMap, PageZero };

/// A file and its private image, in an Object that is in no store's list and no
/// slot: the readers of the file's parts need no more than base and state.
struct Image {
  Object *O = nullptr;
  int File = -1;
  uint64_t FileSize = 0;

  Image() = default;
  Image(const Image &) = delete;
  Image &operator=(const Image &) = delete;
  ~Image() {
    int Saved = errno;
    if (O && O->Base)
      munmap((void *)O->Base, FileSize);
    free(O);
    if (File >= 0) {
      // A child of fork() may have the descriptor still, and with it the locks.
      lockByte(File, FileByte::Ownership, LockKind::None, false);
      lockByte(File, FileByte::Structure, LockKind::None, false);
      close(File);
    }
    errno = Saved;
  }
};
} // namespace

static bool failOpen(Store &S, perdure_id Id) {
  int Pid = pidOf(marksOf(S, Id).Owner);
  return Pid ? fail(EBUSY,
                    "object %s is open for writing in process %d; check "
                    "it when that has closed the store",
                    hexOf(Id).Text, Pid)
             : fail(EBUSY,
                    "object %s is open for writing; check it when the "
                    "store is closed there",
                    hexOf(Id).Text);
}

static bool openImage(Image &I, Store &S, perdure_id Id, CheckMode Mode) {
  bool Repair = Mode == CheckMode::Repair;
  HexId Hex = hexOf(Id);
  struct stat Status;
  I.File = openFile(S.ObjectsDir, Hex.Text,
                    (Repair ? O_RDWR : O_RDONLY) | O_NONBLOCK);
  if (I.File < 0 || fstat(I.File, &Status))
    return fail(errno, "cannot open objects/%s of store %s: %s%s", Hex.Text,
                S.Path, strerror(errno), adviceFor(errno));
  if (!S_ISREG(Status.st_mode))
    return fail(EPROTO, "objects/%s is no regular file%s", Hex.Text,
                adviceFor(ENOTDIR));
  if (Mode != CheckMode::Owned &&
      lockOfOthers(I.File, FileByte::Ownership) != LockKind::None)
    return failOpen(S, Id);
  // With Structure, for as long as the file is open: a repair recovers, and readers wait
  // for that.
  if (Repair && !(lockInTurn(I.File, FileByte::Structure, LockKind::Exclusive, true) &&
                  lockByte(I.File, FileByte::Ownership, LockKind::Exclusive, false)))
    return errno == EBUSY && failOpen(S, Id);
  if (fstat(I.File, &Status)) // it may have been cut off meanwhile
    return fail(errno, "cannot stat objects/%s: %s", Hex.Text, strerror(errno));
  I.FileSize = (uint64_t)Status.st_size;
  I.O = (Object *)calloc(1, sizeof(Object));
  if (!I.O)
    return fail(ENOMEM, "no memory for an object");
  I.O->Owner = &S;
  I.O->Id = Id;
  memcpy(I.O->Hex, Hex.Text, sizeof(I.O->Hex));
  I.O->File = I.O->MapFile = I.O->LogFile = -1;
  I.O->Map.Page = true; // nothing to flush
  // Its only user: nothing is looked up again for what others may have done.
  I.O->Granted = Access::Exclusive;
  if (!I.FileSize)
    return true;
  void *At = mmap(nullptr, I.FileSize, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_NORESERVE, I.File, 0);
  if (At == MAP_FAILED)
    return fail(errno, "cannot map objects/%s: %s", Hex.Text, strerror(errno));
  I.O->Base = (uint64_t)At;
  return true;
}

static Rank rankOf(const Object &O, uint64_t At) {
  if (!At)
    return Rank::PageZero;
  for (unsigned K = 0; K < maxExtents(Table::Map); ++K)
    if (uint64_t Extent = extentOf(O, Table::Map, K);
        Extent && At >= Extent && At - Extent < extentBytes(Table::Map, K))
      return Rank::PageMap;
  return Rank::Contents;
}

static bool syncRepair(const Image &I) {
  return !fdatasync(I.File) ||
         fail(errno, "cannot sync the repair: %s", strerror(errno));
}

static bool writePages(const Image &I, Rank Which, bool &Changed) {
  constexpr size_t Step = FilePage;
  char Old[Step];
  for (uint64_t At = 0; At + Step <= I.FileSize; At += Step) {
    const void *New = (const void *)(I.O->Base + At);
    if (rankOf(*I.O, At) != Which)
      continue;
    if (!readAll(I.File, Old, Step, At))
      return false;
    if (!memcmp(Old, New, Step))
      continue;
    errno = EIO; // unless the system says more
    if (pwrite(I.File, New, Step, (off_t)At) != (ssize_t)Step)
      return fail(errno, "cannot write the repair: %s%s", strerror(errno),
                  adviceFor(errno));
    Changed = true;
  }
  return true;
}

static bool writeBack(const Image &I) {
  const Rank InOrder[] = {Rank::Contents, Rank::PageMap, Rank::PageZero};
  for (Rank Which : InOrder) {
    bool Changed = false;
    if (!writePages(I, Which, Changed) || (Changed && !syncRepair(I)))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

static void checkSealOf(const Image &I, Findings &Found) {
  uint64_t At = offsetof(Header, Sealed);
  if (checkSeal(I.File, I.O->Hex, Trust::Anybody) || errno == ENODATA)
    return;
  Found.add(Severity::Damage, At, "%s", errorMessage());
}

bool perdure::checkObject(Store &S, perdure_id Id, CheckMode Mode,
                          Findings &Found) {
  Image I;
  if (!openImage(I, S, Id, Mode))
    return false;
  if (I.FileSize < HeaderBytes) {
    Found.add(
        Severity::Damage, I.FileSize,
        "the file has %llu bytes and a header alone has %llu: it has been "
        "cut off; restore it from a copy",
        (unsigned long long)I.FileSize, (unsigned long long)HeaderBytes);
    return true;
  }
  if (checkPageZero(*I.O, I.FileSize, Found)) {
    checkFot(*I.O, Found);
    checkTypes(*I.O, Found);
    checkLog(*I.O, Found);
    // The page map is what it is with what the log says. A repair of that must
    // not be undone by the log: which is done, and cut.
    if (redoInImage(*I.O, Mode == CheckMode::Repair) &&
        Mode == CheckMode::Repair) {
      if (fdatasync(I.File))
        return fail(errno, "cannot sync the log: %s", strerror(errno));
      if (!writeBack(I))
        return false;
      cutCommits(*I.O);
    }
    checkPages(*I.O, Found);
  }
  // Who is about to seal it puts another in its place.
  if (Mode != CheckMode::Owned)
    checkSealOf(I, Found);
  if (Mode == CheckMode::Look &&
      lockOfOthers(I.File, FileByte::Ownership) != LockKind::None)
    return failOpen(S, Id);
  return Mode != CheckMode::Repair || writeBack(I);
}

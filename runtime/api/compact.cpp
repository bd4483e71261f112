//===- compact.cpp - An object's file, written anew with fewer pages ------===//
//
// The new file takes the old one's place by rename(2), once it is on the medium: who
// opens the object finds the one or the other.
//
//===----------------------------------------------------------------------===//

#include "alloc/compact.h"
#include "alloc/page_map.h"
#include "api/arguments.h"
#include "api/block_list.h"
#include "platform/descriptor.h"
#include "platform/error.h"
#include "platform/rights.h"
#include "tx/together.h"
#include "tx/transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace perdure;

namespace {
/// The arrays of Compaction.
struct Plan {
  perdure_move *Blocks = nullptr;
  uint8_t *Flags = nullptr;
  Plan() = default;
  ~Plan() {
    free((void *)Blocks);
    free(Flags);
  }
  Plan(const Plan &) = delete;
  Plan &operator=(const Plan &) = delete;
};
} // namespace

static bool mayCompact(Object &O) {
  if (!isAlone(O))
    return isWritable(O) ? fail(EPERM, "object %s: others may write it, too: open it "
                                       "without PERDURE_SHARED",
                                labelOf(O).Text)
                         : refuseToWrite(O);
  if (isDurable(O) || isDeferred(O))
    return fail(EINVAL,
                "object %s is open with PERDURE_DURABLE: close the store, and open it "
                "without; its new file is durable all the same",
                labelOf(O).Text);
  if (openTransaction())
    return fail(EINVAL, "perdure_compact: this thread is in a transaction");
  // Others may yet have to ask its log.
  perdure_id Awaiting;
  Locked Hold(O.Owner->Lock);
  return !isAwaitedFile(*O.Owner, O.Id, Awaiting) ||
         fail(EBUSY,
              "object %s decides a transaction that object %s took part in, whose "
              "process died; open that one for writing first",
              labelOf(O).Text, hexOf(Awaiting).Text);
}

static bool failFile(const Object &O, const char *Doing) {
  return fail(errno, "object %s: cannot %s its new file: %s%s", labelOf(O).Text, Doing,
              strerror(errno), adviceFor(errno));
}

static bool writeImage(Object &O, int File, const char *Image, uint64_t Bytes) {
  if (Bytes > largestFile()) {
    errno = EFBIG;
    return failFile(O, "write");
  }
  // A file that belonged to somebody else afterwards would be one that its owner cannot
  // open.
  if (!takeRights(File, O.File))
    return failFile(O, "give the owner, mode and attributes of the old one to");
  int Error = posix_fallocate(File, 0, (off_t)Bytes);
  if (Error && Error != EOPNOTSUPP && Error != EINVAL) {
    errno = Error;
    return failFile(O, "make room for");
  }
  constexpr uint64_t Piece = 1 << 20;
  for (uint64_t At = 0; At < Bytes; At += Piece)
    if (!writeFile(File, Image + At, Bytes - At < Piece ? Bytes - At : Piece, At))
      return failFile(O, "write");
  return syncFile(File) || failFile(O, "sync");
}

// False: as before, or, where the last sync failed, as before or not.
static bool replaceFile(Object &O, const char *Image, uint64_t Bytes) {
  int Dir = O.Owner->ObjectsDir;
  char Temporary[64];
  if (!makeTemporary(Temporary))
    return false;
  int File = openFile(Dir, Temporary, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (File < 0)
    return failFile(O, "create");
  bool Ok = writeImage(O, File, Image, Bytes);
  if (Ok && renameat2(Dir, Temporary, Dir, O.Hex, 0))
    Ok = failFile(O, "put in place");
  else if (Ok) {
    // What this process maps is no object's file any more.
    O.Removed = O.Replaced = true;
    close(File);
    return !fsync(Dir) || failFile(O, "sync the directory of");
  }
  int Saved = errno;
  close(File);
  unlinkat(Dir, Temporary, 0);
  errno = Saved;
  return false;
}

static uint8_t flagsOf(const struct perdure_block &B, const struct perdure_compaction &How) {
  if (B.kind != PERDURE_BLOCK_DATA)
    return BlockStays;
  switch (How.may_move(How.arg, B.offset)) {
  case PERDURE_MOVES:
    return 0;
  case PERDURE_MOVES_ALONG:
    return BlockTied;
  default:
    return BlockStays;
  }
}

int perdure_compact(void *in_object, const struct perdure_compaction *how) {
  Object *O = openObjectAt(in_object, "perdure_compact");
  BlockList All;
  if (!O || !mayCompact(*O) || !All.read(*O))
    return -1;
  Plan P;
  P.Blocks = (perdure_move *)calloc(All.Count, sizeof(*P.Blocks));
  P.Flags = (uint8_t *)calloc(All.Count, 1);
  if (!P.Blocks || !P.Flags)
    return fail(ENOMEM, "no memory for a plan of %zu blocks", All.Count), -1;
  for (size_t I = 0; I < All.Count; ++I) {
    P.Blocks[I] = {All.Items[I].offset, 0, All.Items[I].bytes};
    P.Flags[I] = flagsOf(All.Items[I], *how);
  }
  Compaction C(*O, P.Blocks, All.Count, P.Flags);
  if (!C.plan())
    return -1;
  if (C.pages() >= filePages(*O))
    return 0;
  char *Image = C.makeImage();
  if (!Image)
    return -1;
  uint64_t Bytes = C.pages() * FilePage;
  if (int Error = how->correct(how->arg, Image, P.Blocks, All.Count))
    return fail(Error, "perdure_compact: what corrects the pointers has failed: %s",
                strerror(Error)),
           -1;
  return replaceFile(*O, Image, Bytes) ? 1 : -1;
}

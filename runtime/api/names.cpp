//===- names.cpp - Names that come, go and change -------------------------===//

#include "api/arguments.h"
#include "object/store.h"
#include "platform/error.h"
#include "tx/together.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

using namespace perdure;

static bool checkWritable(const Store &S) {
  return !S.ReadOnly || fail(EROFS, "store %s is open with PERDURE_RDONLY", S.Path);
}

namespace {
/// While it lives no other process removes a name of the store, links one or renames
/// one: who removes the last name of an object removes the object. Store locked.
class [[nodiscard]] NamesLocked {
public:
  explicit NamesLocked(Store &S) : S(S) {
    while (flock(S.NamesDir, LOCK_EX) && errno == EINTR)
      ;
  }
  ~NamesLocked() {
    int Saved = errno;
    flock(S.NamesDir, LOCK_UN);
    errno = Saved;
  }
  NamesLocked(const NamesLocked &) = delete;
  NamesLocked &operator=(const NamesLocked &) = delete;

private:
  Store &S;
};

struct Other {
  const char *Than;
  perdure_id Id;
};
} // namespace

// 1 when another name leads to the object, or may: one that cannot be read. 0 when none
// does, -1 on failure.
static int hasOtherName(Store &S, const char *Name, perdure_id Id) {
  Other O = {Name, Id};
  return visitNames(
      S,
      [](void *Context, const char *Name, perdure_id Id) {
        auto *O = (Other *)Context;
        bool May = !(Id.hi | Id.lo) || (Id.hi == O->Id.hi && Id.lo == O->Id.lo);
        return (int)(May && strcmp(Name, O->Than));
      },
      &O);
}

// The object's file, of which the last name is gone: one that stays behind only costs
// space.
static bool removeFile(Store &S, perdure_id Id) {
  HexId Hex = hexOf(Id);
  bool Gone = !unlinkat(S.ObjectsDir, Hex.Text, 0) || errno == ENOENT;
  if (Object *O = Gone ? findObject(S, Id) : nullptr)
    O->Removed = true;
  return (Gone && !fsync(S.ObjectsDir)) ||
         fail(errno, "cannot remove objects/%s of store %s: %s", Hex.Text, S.Path,
              strerror(errno));
}

int perdure_remove(perdure_store *store, const char *name) {
  Store &S = storeOf(store);
  perdure_id Id;
  if (!checkWritable(S))
    return -1;
  Locked Hold(S.Lock);
  NamesLocked Names(S);
  if (!lookUpName(S, name, Id))
    return -1;
  int Others = hasOtherName(S, name, Id);
  if (Others < 0)
    return -1;
  // Without it others would not know what has become of a transaction.
  perdure_id Awaiting;
  if (!Others && isAwaitedFile(S, Id, Awaiting)) {
    fail(EBUSY,
         "cannot remove '%.255s' from store %s: it decides a transaction that "
         "object %s took part in, whose process died; open that one for writing "
         "first",
         name, S.Path, hexOf(Awaiting).Text);
    return -1;
  }
  if (!removeName(S, name))
    return -1;
  return Others || removeFile(S, Id) ? 0 : -1;
}

int perdure_link(perdure_store *store, const char *name, const char *as) {
  Store &S = storeOf(store);
  perdure_id Id;
  if (!checkWritable(S))
    return -1;
  Locked Hold(S.Lock);
  NamesLocked Names(S);
  return lookUpName(S, name, Id) && publishName(S, as, Id) ? 0 : -1;
}

int perdure_rename(perdure_store *store, const char *name, const char *as) {
  Store &S = storeOf(store);
  perdure_id Id;
  if (!checkWritable(S))
    return -1;
  Locked Hold(S.Lock);
  NamesLocked Names(S);
  return lookUpName(S, name, Id) && renameName(S, name, as) ? 0 : -1;
}

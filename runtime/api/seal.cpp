//===- seal.cpp - Sealing objects and checking seals ----------------------===//

#include "object/seal.h"
#include "api/arguments.h"
#include "check/check.h"
#include "object/sidecar.h"
#include "platform/descriptor.h"
#include "platform/error.h"
#include "platform/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

using namespace perdure;

static_assert(sizeof(perdure_seal_info::key) == sizeof(Seal::Key), "");

int perdure_trust(const unsigned char *key) { return trustKey(key) ? 0 : -1; }

// A description of the object's file that owns it, as who writes it alone does. -1 and
// a message. It has Structure, too: it recovers nothing, and who reads would take it for
// a writer who has.
static int openToSeal(Store &S, perdure_id Id, const char *Hex) {
  int File = openFile(S.ObjectsDir, Hex, O_RDWR | O_NONBLOCK);
  if (File < 0) {
    fail(errno, "cannot open objects/%s of store %s: %s%s", Hex, S.Path,
         strerror(errno), adviceFor(errno));
    return -1;
  }
  if (lockInTurn(File, FileByte::Structure, LockKind::Exclusive, true) &&
      lockByte(File, FileByte::Ownership, LockKind::Exclusive, false))
    return File;
  if (errno == EBUSY) {
    int Pid = pidOf(marksOf(S, Id).Owner);
    if (Pid)
      fail(EBUSY,
           "object %s is open for writing in process %d; close the store there "
           "first",
           Hex, Pid);
    else
      fail(EBUSY, "object %s is open for writing; close the store there first",
           Hex);
  }
  int Saved = errno;
  close(File);
  errno = Saved;
  return -1;
}

// Changes the seal of what is called Name, which nobody has open for writing.
template <typename Change>
static int changeSeal(perdure_store *In, const char *Name, Change Do) {
  Store &S = storeOf(In);
  perdure_id Id;
  if (S.ReadOnly) {
    fail(EROFS, "store %s is open with PERDURE_RDONLY", S.Path);
    return -1;
  }
  Locked Hold(S.Lock);
  if (!lookUpName(S, Name, Id))
    return -1;
  HexId Hex = hexOf(Id);
  int File = openToSeal(S, Id, Hex.Text);
  if (File < 0)
    return -1;
  bool Ok = Do(File, Hex.Text, Id);
  int Saved = errno;
  close(File); // and with it the lock
  errno = Saved;
  return Ok ? 0 : -1;
}

// What is sealed stays as it is for good: so only what is whole is.
static bool isWhole(Store &S, perdure_id Id, const char *Hex) {
  Findings Found([](void *, Severity, uint64_t, const char *) {}, nullptr);
  if (!checkObject(S, Id, CheckMode::Owned, Found))
    return false;
  if (Found.count(Severity::Damage) + Found.count(Severity::Mended))
    return fail(EPROTO, "object %s is damaged; 'perdure fsck' says where", Hex);
  return !Found.Unfinished ||
         fail(
             EAGAIN,
             "object %s: a process died in a transaction; open it for writing, "
             "which decides that, and close it again",
             Hex);
}

int perdure_seal(perdure_store *store, const char *name,
                 const unsigned char *secret_key) {
  return changeSeal(store, name, [&](int File, const char *Hex, perdure_id Id) {
    return isWhole(storeOf(store), Id, Hex) &&
           putSeal(File, Hex, Id, secret_key);
  });
}

int perdure_unseal(perdure_store *store, const char *name) {
  return changeSeal(store, name, dropSeal);
}

int perdure_verify(perdure_store *store, const char *name,
                   struct perdure_seal_info *info) {
  Store &S = storeOf(store);
  perdure_id Id;
  {
    Locked Hold(S.Lock);
    if (!lookUpName(S, name, Id))
      return -1;
  }
  int File = openObjectFile(S, Id);
  if (File < 0)
    return -1;
  Seal Found;
  bool Ok = checkSeal(File, hexOf(Id).Text, Trust::Anybody, &Found);
  int Saved = errno;
  close(File);
  errno = Saved;
  if (!Ok)
    return -1;
  memcpy(info->key, Found.Key, sizeof(info->key));
  info->sealed = Found.When;
  return 0;
}

//===- rights.cpp - Who may do what with a file ---------------------------===//

#include "platform/rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

using namespace perdure;

// Of <linux/limits.h>: what the names of a file's attributes, and each value, have at
// most.
constexpr size_t MostBytes = 65536;

static bool takeAttribute(int File, int From, const char *Name, char *Value) {
  ssize_t Bytes = fgetxattr(From, Name, Value, MostBytes);
  if (Bytes < 0)
    return errno == ENODATA; // removed meanwhile
  return !fsetxattr(File, Name, Value, (size_t)Bytes, 0);
}

static bool takeAttributes(int File, int From) {
  char *Names = (char *)malloc(2 * MostBytes);
  if (!Names) {
    errno = ENOMEM;
    return false;
  }
  ssize_t Bytes = flistxattr(From, Names, MostBytes);
  bool Ok = Bytes >= 0 || errno == ENOTSUP;
  for (char *Name = Names; Ok && Name < Names + Bytes; Name += strlen(Name) + 1)
    if (!strncmp(Name, "user.", 5) || !strcmp(Name, "system.posix_acl_access"))
      Ok = takeAttribute(File, From, Name, Names + MostBytes);
  int Error = errno;
  free(Names);
  errno = Error;
  return Ok;
}

bool perdure::takeRights(int File, int From) {
  struct stat Status, Mine;
  if (fstat(From, &Status) || fstat(File, &Mine))
    return false;
  bool Same = Status.st_uid == Mine.st_uid && Status.st_gid == Mine.st_gid;
  return (Same || !fchown(File, Status.st_uid, Status.st_gid)) &&
         !fchmod(File, Status.st_mode & 07777) && takeAttributes(File, From);
}

//===- descriptor.cpp - Opening files when descriptors are short ----------===//

#include "platform/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

using namespace perdure;

static bool raiseLimit() {
  struct rlimit Files;
  if (getrlimit(RLIMIT_NOFILE, &Files) || Files.rlim_cur >= Files.rlim_max)
    return false;
  Files.rlim_cur = Files.rlim_max;
  return !setrlimit(RLIMIT_NOFILE, &Files);
}

int perdure::openFile(int Directory, const char *Name, int Flags,
                      unsigned Mode) {
  Flags |= O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
  int File = openat(Directory, Name, Flags, Mode);
  if (File < 0 && errno == EMFILE) {
    if (raiseLimit())
      return openat(Directory, Name, Flags, Mode);
    errno = EMFILE;
  }
  return File;
}

const char *perdure::adviceFor(int Errno) {
  switch (Errno) {
  case EMFILE:
    return "; each open object keeps a descriptor: raise the hard limit of "
           "'ulimit -n'";
  case ENFILE:
    return "; the system has no descriptors left: raise fs.file-max";
  case EACCES:
  case EPERM:
    return "; ask its owner for the right to it";
  case EFBIG:
    return "; raise 'ulimit -f'";
  case ELOOP:
    return "; it is a symbolic link, and none is followed inside a store: put "
           "what it leads to in its place";
  case ENOSPC:
  case EDQUOT:
    return "; free disk space";
  case ENXIO:
  case EISDIR:
  case ENOTDIR:
    return "; something else has taken its place: restore it from a copy";
  default:
    return "";
  }
}

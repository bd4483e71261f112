//===- descriptor.cpp - Opening files and reading them --------------------===//

#include "platform/descriptor.h"

#include "platform/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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

bool perdure::readAll(int File, void *To, size_t Bytes, uint64_t At) {
  for (size_t Done = 0; Done < Bytes;) {
    ssize_t Read =
        pread(File, (char *)To + Done, Bytes - Done, (off_t)(At + Done));
    if (Read < 0 && errno == EINTR)
      continue;
    if (Read <= 0)
      return fail(Read ? errno : EIO, "cannot read the file: %s",
                  Read ? strerror(errno) : "it has been cut off");
    Done += (size_t)Read;
  }
  return true;
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

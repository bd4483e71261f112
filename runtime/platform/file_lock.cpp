//===- file_lock.cpp - Kernel locks on an object's file -------------------===//

#include "platform/file_lock.h"
#include "platform/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

using namespace perdure;

static struct flock request(FileByte Byte, LockKind Kind) {
  struct flock Request = {};
  Request.l_type = Kind == LockKind::None     ? F_UNLCK
                   : Kind == LockKind::Shared ? F_RDLCK
                                              : F_WRLCK;
  Request.l_whence = SEEK_SET;
  Request.l_start = ((off_t)1 << 62) + (off_t)Byte;
  Request.l_len = 1;
  return Request;
}

bool perdure::lockByte(int File, FileByte Byte, LockKind Kind, bool Wait) {
  struct flock Request = request(Byte, Kind);
  int Result;
  do
    Result = fcntl(File, Wait ? F_OFD_SETLKW : F_OFD_SETLK, &Request);
  while (Result && errno == EINTR);
  if (!Result)
    return true;
  if (errno == EAGAIN || errno == EACCES) {
    errno = EBUSY;
    return false;
  }
  return fail(errno, "cannot lock the file: %s", strerror(errno));
}

bool perdure::lockInTurn(int File, FileByte Byte, LockKind Kind, bool Wait) {
  FileByte Turn =
      Byte == FileByte::Section ? FileByte::SectionTurn : FileByte::StructureTurn;
  if (!lockByte(File, Turn, Kind, Wait))
    return false;
  bool Ok = lockByte(File, Byte, Kind, Wait);
  int Saved = errno;
  lockByte(File, Turn, LockKind::None, false);
  errno = Saved;
  return Ok;
}

LockKind perdure::lockOfOthers(int File, FileByte Byte) {
  struct flock Request = request(Byte, LockKind::Exclusive);
  if (fcntl(File, F_OFD_GETLK, &Request) || Request.l_type == F_UNLCK)
    return LockKind::None;
  return Request.l_type == F_RDLCK ? LockKind::Shared : LockKind::Exclusive;
}

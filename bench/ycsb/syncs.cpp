//===- syncs.cpp - Waits for the disk, counted ----------------------------===//
//
// The libraries' calls of these meet the program's first, which export them.
//
//===----------------------------------------------------------------------===//

#include "syncs.h"

#include <atomic>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIBRARY __attribute__((visibility("default")))

namespace {

std::atomic<uint64_t> Syncs;
std::atomic<bool> Held;

constexpr int Files = 1024; // beyond these a file is taken for an ordinary one
std::atomic<bool> Synchronous[Files];

int synced(long Result) {
  ++Syncs;
  return static_cast<int>(Result);
}

bool takesMode(int Flags) {
  return Flags & O_CREAT || (Flags & O_TMPFILE) == O_TMPFILE;
}

int opened(const char *Path, int Flags, unsigned Mode) {
  int File = static_cast<int>(syscall(SYS_openat, AT_FDCWD, Path, Flags, Mode));
  if (File >= 0 && File < Files)
    Synchronous[File] = Flags & O_DSYNC;
  return File;
}

ssize_t written(int File, const void *From, size_t Bytes, off_t At) {
  if (File >= 0 && File < Files && Synchronous[File])
    ++Syncs;
  return syscall(SYS_pwrite64, File, From, Bytes, At);
}

} // namespace

uint64_t ycsb::syncs() { return Syncs; }
void ycsb::holdSyncs(bool Hold) { Held = Hold; }

extern "C" {

LIBRARY int fdatasync(int File) {
  return Held ? 0 : synced(syscall(SYS_fdatasync, File));
}
LIBRARY int fsync(int File) {
  return Held ? 0 : synced(syscall(SYS_fsync, File));
}
LIBRARY int msync(void *P, size_t Bytes, int Flags) {
  return Held ? 0 : synced(syscall(SYS_msync, P, Bytes, Flags));
}
LIBRARY int sync_file_range(int File, off64_t From, off64_t Bytes,
                            unsigned Flags) {
  return Held ? 0
              : synced(syscall(SYS_sync_file_range, File, From, Bytes, Flags));
}

LIBRARY int open(const char *Path, int Flags, ...) {
  va_list More;
  va_start(More, Flags);
  unsigned Mode = takesMode(Flags) ? va_arg(More, unsigned) : 0;
  va_end(More);
  return opened(Path, Flags, Mode);
}
LIBRARY int open64(const char *Path, int Flags, ...) {
  va_list More;
  va_start(More, Flags);
  unsigned Mode = takesMode(Flags) ? va_arg(More, unsigned) : 0;
  va_end(More);
  return opened(Path, Flags, Mode);
}
LIBRARY ssize_t pwrite(int File, const void *From, size_t Bytes, off_t At) {
  return written(File, From, Bytes, At);
}
LIBRARY ssize_t pwrite64(int File, const void *From, size_t Bytes, off64_t At) {
  return written(File, From, Bytes, At);
}
}

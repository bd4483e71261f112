//===- Hooks.cpp - What a test puts into the way of system calls ----------===//

#include "Hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fstream>
#include <inttypes.h>
#include <stdio.h>
#include <string>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace hooks {
std::atomic<int> DataSyncs, RangeSyncs, Fences;
bool CommitsSyncParts;
std::function<void(const void *, size_t)> OnFlush;
std::function<void()> OnDataSync;
std::function<bool(int)> FailSync;
std::function<bool(int)> SyncInstead;
std::function<void(const void *, size_t)> AfterRangeSync;
std::function<void(int)> BeforeWrite;
std::function<void(int, off_t)> AfterRead;
std::function<bool(int)> FailWrite;
std::function<void(const struct stat &)> OnStat;
std::function<bool(int)> FailTimes;
std::function<void()> OnSleep;
std::function<ssize_t(const char *, size_t)> OnReport;

void forgetAll() {
  OnFlush = nullptr;
  OnDataSync = nullptr;
  FailSync = nullptr;
  SyncInstead = nullptr;
  AfterRangeSync = nullptr;
  BeforeWrite = nullptr;
  AfterRead = nullptr;
  FailWrite = nullptr;
  OnStat = nullptr;
  FailTimes = nullptr;
  OnSleep = nullptr;
  OnReport = nullptr;
}
} // namespace hooks

using namespace hooks;

#define HOOK extern "C" __attribute__((visibility("default"))) int
#define HOOK_SIZE extern "C" __attribute__((visibility("default"))) ssize_t

HOOK fdatasync(int File) {
  ++DataSyncs;
  if (OnDataSync)
    OnDataSync();
  if (FailSync && FailSync(File)) {
    errno = EIO;
    return -1;
  }
  if (SyncInstead && SyncInstead(File))
    return 0;
  return (int)syscall(SYS_fdatasync, File);
}

HOOK fsync(int File) {
  if (FailSync && FailSync(File)) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(SYS_fsync, File);
}

// A sync of an object's header, and no commit's of its records.
static bool isOfHeader(const void *P) {
  return ((uint64_t)P & (((uint64_t)1 << SLOT_BITS) - 1)) < 4096;
}

// The file that is mapped there.
static int openMapped(const void *P) {
  std::ifstream Maps("/proc/self/maps");
  for (std::string Line; std::getline(Maps, Line);) {
    uint64_t From, To;
    int Path = 0;
    if (sscanf(Line.c_str(), "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &From, &To,
               &Path) >= 2 &&
        (uint64_t)P >= From && (uint64_t)P < To && Path)
      return open(Line.c_str() + Path, O_RDONLY | O_CLOEXEC);
  }
  return -1;
}

HOOK msync(void *P, size_t Bytes, int Flags) {
  if (!CommitsSyncParts || isOfHeader(P)) {
    ++RangeSyncs;
  } else {
    ++DataSyncs;
    if (OnDataSync)
      OnDataSync();
    int File = FailSync || SyncInstead ? openMapped(P) : -1;
    bool Fails = FailSync && FailSync(File);
    // Who looks at ranges is told of this one below.
    bool Done = !Fails && !AfterRangeSync && SyncInstead && SyncInstead(File);
    if (File >= 0)
      close(File);
    errno = EIO;
    if (Fails || Done)
      return Fails ? -1 : 0;
  }
  int Result = (int)syscall(SYS_msync, P, Bytes, Flags);
  if (AfterRangeSync)
    AfterRangeSync(P, Bytes);
  return Result;
}

using DrainFunction = void (*)();
static std::atomic<DrainFunction> Drain;
extern "C" __attribute__((visibility("default"))) DrainFunction
pmem2_get_drain_fn(void *Map) {
  Drain = ((DrainFunction (*)(void *))dlsym(RTLD_NEXT, __func__))(Map);
  return [] {
    ++Fences;
    Drain.load()();
  };
}

using FlushFunction = void (*)(const void *, size_t);
static std::atomic<FlushFunction> Flush;
extern "C" __attribute__((visibility("default"))) FlushFunction
pmem2_get_flush_fn(void *Map) {
  Flush = ((FlushFunction (*)(void *))dlsym(RTLD_NEXT, __func__))(Map);
  return [](const void *P, size_t Bytes) {
    if (OnFlush)
      OnFlush(P, Bytes);
    Flush.load()(P, Bytes);
  };
}

HOOK_SIZE pwrite(int File, const void *Bytes, size_t Count, off_t At) {
  if (BeforeWrite)
    BeforeWrite(File);
  if (FailWrite && FailWrite(File)) {
    errno = EIO;
    return -1;
  }
  return syscall(SYS_pwrite64, File, Bytes, Count, At);
}

HOOK_SIZE pread(int File, void *Bytes, size_t Count, off_t At) {
  ssize_t Result = syscall(SYS_pread64, File, Bytes, Count, At);
  if (AfterRead)
    AfterRead(File, At);
  return Result;
}

HOOK fstat(int File, struct stat *Status) noexcept {
  int Result = fstatat(File, "", Status, AT_EMPTY_PATH);
  if (OnStat)
    OnStat(*Status);
  return Result;
}

HOOK futimens(int File, const struct timespec Times[2]) noexcept {
  if (FailTimes && FailTimes(File)) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(SYS_utimensat, File, nullptr, Times, 0);
}

HOOK usleep(useconds_t Microseconds) {
  if (OnSleep) {
    OnSleep();
    return 0;
  }
  struct timespec Time = {(time_t)(Microseconds / 1000000),
                          (long)(Microseconds % 1000000) * 1000};
  return nanosleep(&Time, nullptr);
}

HOOK_SIZE write(int File, const void *Bytes, size_t Count) {
  if (OnReport && File == STDERR_FILENO)
    return OnReport((const char *)Bytes, Count);
  return syscall(SYS_write, File, Bytes, Count);
}

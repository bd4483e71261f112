//===- trace.cpp - Writes down what reaches the files of objects ----------===//
//
// Only in libperdure-trace.so, whose other files are compiled with the pass of
// passes/Trace.cpp and linked with --wrap for each function that this file
// wraps: so none of the runtime's stores, flushes and system calls is forgotten,
// and the runtime itself does not know. This file is compiled without the pass.
//
// A store is written down after it was made, a flush or fence before and a
// system call after it: what a thread did before a flush comes before it in the
// trace. Stores of another thread that the flush happened to catch may come
// after it, which makes the model lose more than a machine would, never less.
//
//===----------------------------------------------------------------------===//

#include "perdure/trace_format.h"
#include "platform/window.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libpmem2.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace perdure;

static int TraceFile = -1;

// Microseconds at most; 0 for none.
static unsigned Hold;

__attribute__((constructor(101))) static void openTrace() {
  const char *Path = secure_getenv("PERDURE_TRACE");
  if (!Path)
    return;
  int File = open(Path, O_WRONLY | O_APPEND | O_CLOEXEC);
  // High, where no program looks for its own.
  TraceFile = fcntl(File, F_DUPFD_CLOEXEC, 500);
  if (TraceFile < 0) {
    fprintf(stderr, "perdure: cannot open the trace %s: %s\n", Path,
            strerror(errno));
    abort();
  }
  close(File);
  if (const char *Text = secure_getenv("PERDURE_TRACE_HOLD"))
    Hold = (unsigned)strtoul(Text, nullptr, 10);
}

static void put(uint32_t Kind, const char *Text, const void *Data,
                uint64_t Bytes, uint64_t Where = 0, uint64_t Extent = 0) {
  if (TraceFile < 0)
    return;
  int Saved = errno;
  perdure_trace_record R = {};
  R.kind = Kind;
  R.thread = (uint32_t)syscall(SYS_gettid);
  R.process = (uint32_t)getpid();
  R.text_bytes = (uint32_t)strlen(Text);
  R.data_bytes = Bytes;
  R.where = Where;
  R.extent = Extent;
  iovec Parts[] = {{&R, sizeof(R)},
                   {(void *)Text, R.text_bytes},
                   {(void *)Data, (size_t)Bytes}};
  ssize_t All = (ssize_t)(sizeof(R) + R.text_bytes + Bytes);
  if (writev(TraceFile, Parts, 3) != All) {
    static const char Message[] =
        "perdure: cannot write the trace: the disk is full\n";
    ssize_t Ignored = write(STDERR_FILENO, Message, sizeof(Message) - 1);
    (void)Ignored;
    abort();
  }
  errno = Saved;
}

//===----------------------------------------------------------------------===//
// Stores and notes, called by compiled code
//===----------------------------------------------------------------------===//

extern "C" __attribute__((visibility("default"))) void
__perdure_trace_store(const void *P, uint64_t Bytes, const char *Site) {
  if (TheWindow.contains((uint64_t)P) && Bytes)
    put(PERDURE_TRACE_STORE, Site, P, Bytes, (uint64_t)P);
}

extern "C" __attribute__((visibility("default"))) void
__perdure_trace_string(const char *P, const char *Site) {
  if (TheWindow.contains((uint64_t)P))
    __perdure_trace_store(P, strlen(P) + 1, Site);
}

// The system has filled Bytes of the buffers, one behind the other.
extern "C" __attribute__((visibility("default"))) void
__perdure_trace_vectors(const iovec *Vectors, uint64_t Count, uint64_t Bytes,
                        const char *Site) {
  for (uint64_t I = 0; I != Count && Bytes; ++I) {
    uint64_t Some = Vectors[I].iov_len < Bytes ? Vectors[I].iov_len : Bytes;
    __perdure_trace_store(Vectors[I].iov_base, Some, Site);
    Bytes -= Some;
  }
}

extern "C" __attribute__((visibility("default"))) void
__perdure_trace_note(const char *Text) {
  put(PERDURE_TRACE_NOTE, "", Text, strlen(Text));
}

//===----------------------------------------------------------------------===//
// Call sites of the primitives
//===----------------------------------------------------------------------===//

namespace {
struct CallSite {
  char Text[160];
};
} // namespace

// "+0x1234+0x5678+...": the return addresses up to four frames above, as offsets
// in this library. The traced runtime is compiled with frame pointers and
// without tail calls.
__attribute__((noinline)) static CallSite callSite() {
  CallSite S = {};
  Dl_info Self;
  dladdr((void *)&callSite, &Self);
  uint64_t Base = (uint64_t)Self.dli_fbase;
  auto **Frame = (uint64_t **)__builtin_frame_address(0);
  Frame = (uint64_t **)*Frame; // past the wrapper, whose caller is the first
  size_t Length = 0;
  for (int I = 0; I < 4; ++I) {
    Dl_info In;
    uint64_t Address = (uint64_t)Frame[1];
    if (!dladdr((void *)Address, &In) || In.dli_fbase != Self.dli_fbase)
      break; // the program's own
    int More = snprintf(S.Text + Length, sizeof(S.Text) - Length, "+0x%llx",
                        (unsigned long long)(Address - Base));
    Length += (size_t)More;
    Frame = (uint64_t **)*Frame;
  }
  return S;
}

//===----------------------------------------------------------------------===//
// Flushes and fences: the functions that libpmem2 gives
//===----------------------------------------------------------------------===//

static pmem2_flush_fn RealFlush;
static pmem2_drain_fn RealDrain;

static void tracedFlush(const void *P, size_t Bytes) {
  CallSite S = callSite();
  put(PERDURE_TRACE_FLUSH, S.Text, nullptr, 0, (uint64_t)P, Bytes);
  RealFlush(P, Bytes);
}

// As if the thread were not running for a while, so that others get ahead of its
// fence or sync, which must not do them any harm.
static void holdUp() {
  static thread_local uint32_t State = (uint32_t)syscall(SYS_gettid);
  if (!Hold)
    return;
  State = State * 1664525 + 1013904223;
  usleep((State >> 8) % Hold);
}

static void tracedDrain() {
  CallSite S = callSite();
  holdUp();
  put(PERDURE_TRACE_FENCE, S.Text, nullptr, 0);
  RealDrain();
}

#define WRAP(Result, Name, ...)                                                \
  extern "C" Result __real_##Name(__VA_ARGS__);                                \
  extern "C" Result __wrap_##Name(__VA_ARGS__);                                \
  Result __wrap_##Name(__VA_ARGS__)

WRAP(pmem2_flush_fn, pmem2_get_flush_fn, struct pmem2_map *Map) {
  RealFlush = __real_pmem2_get_flush_fn(Map);
  return tracedFlush;
}

WRAP(pmem2_drain_fn, pmem2_get_drain_fn, struct pmem2_map *Map) {
  RealDrain = __real_pmem2_get_drain_fn(Map);
  return tracedDrain;
}

//===----------------------------------------------------------------------===//
// Paths
//===----------------------------------------------------------------------===//

namespace {
struct Path {
  char Text[2 * PATH_MAX];
  size_t Length = 0;

  explicit Path(int File) {
    char Link[64];
    snprintf(Link, sizeof(Link), "/proc/self/fd/%d", File);
    ssize_t Read = readlink(Link, Text, PATH_MAX);
    Length = Read > 0 ? (size_t)Read : 0;
  }
  Path(int Dir, const char *Name) : Path(Dir) {
    if (Name[0] == '/' || Dir == AT_FDCWD) {
      Length = 0;
      if (Name[0] != '/' && getcwd(Text, PATH_MAX))
        Length = strlen(Text);
    }
    if (Name[0] != '/')
      Text[Length++] = '/';
    size_t More = strnlen(Name, PATH_MAX - 2);
    memcpy(Text + Length, Name, More);
    Length += More;
  }
  void add(const Path &Other) {
    Text[Length++] = 0;
    memcpy(Text + Length, Other.Text, Other.Length);
    Length += Other.Length;
  }
};
} // namespace

static void putPath(uint32_t Kind, const Path &P, uint64_t Where = 0,
                    uint64_t Extent = 0) {
  put(Kind, "", P.Text, P.Length, Where, Extent);
}

//===----------------------------------------------------------------------===//
// System calls
//===----------------------------------------------------------------------===//

WRAP(void *, mmap, void *At, size_t Bytes, int Protection, int Flags, int File,
     off_t Offset) {
  void *P = __real_mmap(At, Bytes, Protection, Flags, File, Offset);
  if (P == MAP_FAILED || TraceFile < 0)
    return P;
  // MAP_SHARED_VALIDATE has the bit of MAP_SHARED.
  if (File >= 0) {
    char Kind[40];
    snprintf(Kind, sizeof(Kind), "%s %llu",
             Flags & MAP_SHARED ? "shared" : "private",
             (unsigned long long)Offset);
    Path Of(File);
    put(PERDURE_TRACE_MAP, Kind, Of.Text, Of.Length, (uint64_t)P, Bytes);
  } else {
    put(PERDURE_TRACE_MAP, "", "", 0, (uint64_t)P, Bytes);
  }
  return P;
}

WRAP(int, munmap, void *At, size_t Bytes) {
  int Result = __real_munmap(At, Bytes);
  if (!Result)
    put(PERDURE_TRACE_MAP, "", "", 0, (uint64_t)At, Bytes);
  return Result;
}

WRAP(int, msync, void *At, size_t Bytes, int Flags) {
  CallSite S = callSite();
  put(PERDURE_TRACE_MSYNC, S.Text, nullptr, 0, (uint64_t)At, Bytes);
  int Result = __real_msync(At, Bytes, Flags);
  if (!Result)
    put(PERDURE_TRACE_SYNCED, "", nullptr, 0);
  return Result;
}

#define WRAP_SYNC(Name)                                                        \
  WRAP(int, Name, int File) {                                                  \
    CallSite S = callSite();                                                   \
    holdUp();                                                                  \
    Path P(File);                                                              \
    put(PERDURE_TRACE_SYNC, S.Text, P.Text, P.Length);                         \
    int Result = __real_##Name(File);                                          \
    if (!Result)                                                               \
      put(PERDURE_TRACE_SYNCED, "", nullptr, 0);                               \
    return Result;                                                             \
  }
WRAP_SYNC(fsync)
WRAP_SYNC(fdatasync)

extern "C" int __real_openat(int Dir, const char *Name, int Flags, ...);
extern "C" int __wrap_openat(int Dir, const char *Name, int Flags, ...);
int __wrap_openat(int Dir, const char *Name, int Flags, ...) {
  va_list Args;
  va_start(Args, Flags);
  // Without a name until linkat gives it one; /proc calls it "#INODE (deleted)".
  bool Nameless = (Flags & O_TMPFILE) == O_TMPFILE;
  unsigned Mode = Flags & O_CREAT || Nameless ? va_arg(Args, unsigned) : 0;
  va_end(Args);
  bool Exists = !Nameless &&
                (!(Flags & O_CREAT) || !faccessat(Dir, Name, F_OK, 0));
  int File = __real_openat(Dir, Name, Flags, Mode);
  if (File >= 0 && !Exists)
    putPath(PERDURE_TRACE_CREATE, Path(File));
  if (File >= 0 && (Flags & O_TRUNC))
    putPath(PERDURE_TRACE_SIZE, Path(File), 0);
  return File;
}

WRAP(int, mkdirat, int Dir, const char *Name, mode_t Mode) {
  int Result = __real_mkdirat(Dir, Name, Mode);
  if (!Result)
    putPath(PERDURE_TRACE_MKDIR, Path(Dir, Name));
  return Result;
}

WRAP(int, renameat2, int From, const char *Old, int To, const char *New,
     unsigned Flags) {
  int Result = __real_renameat2(From, Old, To, New, Flags);
  if (!Result) {
    Path P(From, Old);
    P.add(Path(To, New));
    putPath(PERDURE_TRACE_RENAME, P);
  }
  return Result;
}

WRAP(int, linkat, int From, const char *Old, int To, const char *New,
     int Flags) {
  int Result = __real_linkat(From, Old, To, New, Flags);
  if (!Result) {
    int File = -1;
    bool Open = sscanf(Old, "/proc/self/fd/%d", &File) == 1;
    Path P = Open ? Path(File) : Path(From, Old);
    P.add(Path(To, New));
    putPath(PERDURE_TRACE_LINK, P);
  }
  return Result;
}

WRAP(int, unlinkat, int Dir, const char *Name, int Flags) {
  int Result = __real_unlinkat(Dir, Name, Flags);
  if (!Result)
    putPath(PERDURE_TRACE_UNLINK, Path(Dir, Name));
  return Result;
}

WRAP(int, futimens, int File, const struct timespec *Times) {
  int Result = __real_futimens(File, Times);
  if (!Result)
    putPath(PERDURE_TRACE_TOUCH, Path(File));
  return Result;
}

static void putSize(int File) {
  struct stat Status;
  if (!fstat(File, &Status))
    putPath(PERDURE_TRACE_SIZE, Path(File), (uint64_t)Status.st_size);
}

WRAP(int, ftruncate, int File, off_t Bytes) {
  int Result = __real_ftruncate(File, Bytes);
  if (!Result && TraceFile >= 0)
    putSize(File);
  return Result;
}

WRAP(int, posix_fallocate, int File, off_t From, off_t Bytes) {
  int Result = __real_posix_fallocate(File, From, Bytes);
  if (!Result && TraceFile >= 0)
    putSize(File);
  return Result;
}

WRAP(int, fallocate, int File, int Mode, off_t From, off_t Bytes) {
  int Result = __real_fallocate(File, Mode, From, Bytes);
  if (!Result && TraceFile >= 0)
    putSize(File);
  return Result;
}

static void putWrite(int File, const void *Data, ssize_t Bytes, off_t At) {
  struct stat Status;
  if (TraceFile < 0 || Bytes <= 0 || fstat(File, &Status) ||
      !S_ISREG(Status.st_mode))
    return;
  Path P(File);
  // One record has one piece of data: the path goes before the bytes.
  size_t Length = P.Length + 1 + (size_t)Bytes;
  char *Both = (char *)malloc(Length);
  if (!Both)
    abort();
  memcpy(Both, P.Text, P.Length);
  Both[P.Length] = 0;
  memcpy(Both + P.Length + 1, Data, (size_t)Bytes);
  put(PERDURE_TRACE_WRITE, "", Both, Length, (uint64_t)At);
  free(Both);
}

WRAP(ssize_t, write, int File, const void *Data, size_t Bytes) {
  ssize_t Written = __real_write(File, Data, Bytes);
  int Saved = errno;
  if (TraceFile >= 0 && Written > 0 && File > STDERR_FILENO)
    putWrite(File, Data, Written, lseek(File, 0, SEEK_CUR) - Written);
  errno = Saved;
  return Written;
}

WRAP(ssize_t, pwrite, int File, const void *Data, size_t Bytes, off_t At) {
  ssize_t Written = __real_pwrite(File, Data, Bytes, At);
  putWrite(File, Data, Written, At);
  return Written;
}

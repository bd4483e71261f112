//===- where.cpp - Where the time of a first perdure_open goes ------------===//
//
// This program's definitions of libc's functions are those that the runtime
// calls; each does the system call and adds up its time. What is left is the
// runtime's own work and page faults.
//
//===----------------------------------------------------------------------===//

#include "objects.h"

#include <algorithm>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

namespace {
struct Call {
  const char *Name;
  uint64_t Count, Nanoseconds;
};
std::vector<Call *> Calls;
bool Counting;

uint64_t now() {
  struct timespec T;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &T);
  return (uint64_t)T.tv_sec * 1000000000 + (uint64_t)T.tv_nsec;
}

template <typename... Args> long timed(Call &C, long Number, Args... A) {
  if (!Counting)
    return syscall(Number, A...);
  uint64_t Start = now();
  long Result = syscall(Number, A...);
  C.Nanoseconds += now() - Start;
  if (!C.Count++)
    Calls.push_back(&C);
  return Result;
}
} // namespace

#define TIMED(Name, Number, ...)                                               \
  static Call C = {Name, 0, 0};                                                \
  return (decltype(Result))timed(C, Number, __VA_ARGS__)
#define HOOK extern "C" __attribute__((visibility("default")))

HOOK int openat(int At, const char *Path, int Flags, ...) {
  int Result = 0;
  va_list Rest;
  va_start(Rest, Flags);
  int Mode = Flags & O_CREAT ? va_arg(Rest, int) : 0;
  va_end(Rest);
  TIMED("openat", SYS_openat, At, Path, Flags, Mode);
}
HOOK int close(int File) {
  int Result = 0;
  TIMED("close", SYS_close, File);
}
HOOK ssize_t read(int File, void *P, size_t N) {
  ssize_t Result = 0;
  TIMED("read", SYS_read, File, P, N);
}
HOOK ssize_t pread(int File, void *P, size_t N, off_t Offset) {
  ssize_t Result = 0;
  TIMED("pread", SYS_pread64, File, P, N, Offset);
}
HOOK int fstat(int File, struct stat *S) noexcept {
  int Result = 0;
  TIMED("fstat", SYS_fstat, File, S);
}
HOOK int statx(int At, const char *Path, int Flags, unsigned Mask,
               struct statx *S) noexcept {
  int Result = 0;
  TIMED("statx", SYS_statx, At, Path, Flags, Mask, S);
}
HOOK int fcntl(int File, int Command, ...) {
  int Result = 0;
  va_list Rest;
  va_start(Rest, Command);
  void *Arg = va_arg(Rest, void *);
  va_end(Rest);
  TIMED("fcntl (locks)", SYS_fcntl, File, Command, Arg);
}
HOOK void *mmap(void *P, size_t N, int Protection, int Flags, int File,
                off_t Offset) noexcept {
  void *Result = nullptr;
  TIMED("mmap", SYS_mmap, P, N, Protection, Flags, File, Offset);
}
HOOK int munmap(void *P, size_t N) noexcept {
  int Result = 0;
  TIMED("munmap", SYS_munmap, P, N);
}
HOOK int fallocate(int File, int Mode, off_t Offset, off_t N) {
  int Result = 0;
  TIMED("fallocate", SYS_fallocate, File, Mode, Offset, N);
}
HOOK off_t lseek(int File, off_t Offset, int Whence) noexcept {
  off_t Result = 0;
  TIMED("lseek", SYS_lseek, File, Offset, Whence);
}
HOOK int ftruncate(int File, off_t N) noexcept {
  int Result = 0;
  TIMED("ftruncate", SYS_ftruncate, File, N);
}

int main() {
  const char *Where = getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp";
  Objects O(Where);
  constexpr unsigned Rounds = 20;
  uint64_t Total = 0;
  for (unsigned Round = 0; Round < Rounds; ++Round) {
    O.reopen();
    Counting = true;
    uint64_t Start = now();
    for (const std::string &Name : O.Names)
      if (!perdure_open(O.S, Name.c_str(), 0))
        stop("perdure_open", perdure_errormsg());
    Total += now() - Start;
    Counting = false;
  }
  std::sort(Calls.begin(), Calls.end(), [](const Call *A, const Call *B) {
    return A->Nanoseconds > B->Nanoseconds;
  });
  double Opens = Rounds * Count, Rest = (double)Total;
  printf("Where a first perdure_open goes (%s)\n\n", Where);
  printf("| %-28s | %8s | %8s | %6s |\n", "", "calls", "ns", "share");
  printf("| %.28s | %.8s | %.8s | %.6s |\n", "----------------------------",
         "--------", "--------", "------");
  for (const Call *C : Calls) {
    printf("| %-28s | %8.2f | %8.0f | %5.1f%% |\n", C->Name,
           (double)C->Count / Opens, (double)C->Nanoseconds / Opens,
           100.0 * (double)C->Nanoseconds / (double)Total);
    Rest -= (double)C->Nanoseconds;
  }
  printf("| %-28s | %8s | %8.0f | %5.1f%% |\n", "own work, faults, the clock",
         "", Rest / Opens, 100 * Rest / (double)Total);
  printf("| %-28s | %8s | %8.0f | %6s |\n", "all", "", (double)Total / Opens,
         "");
}

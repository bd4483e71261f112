//===- medium.cpp - Mapping files and making them durable -----------------===//

#include "platform/medium.h"
#include "platform/error.h"

#include <errno.h>
#include <fcntl.h>
#include <libpmem2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace perdure;

// Not pmem2_map_from_existing: in libpmem2 1.12.1 pmem2_map_delete does not
// undo it (144 bytes leak each time), and the persist function that it gives
// for page granularity never returns (it calls msync with length 0 for ever).
// libpmem2 maps the first page for a moment instead and is asked about that;
// the functions that it gives depend on the medium and the processor, not on
// the mapping.
static bool probe(Mapping &M, int File) {
  pmem2_source *Source = nullptr;
  pmem2_config *Config = nullptr;
  pmem2_map *Map = nullptr;
  bool Ok =
      !pmem2_source_from_fd(&Source, File) && !pmem2_config_new(&Config) &&
      !pmem2_config_set_required_store_granularity(Config,
                                                   PMEM2_GRANULARITY_PAGE) &&
      !pmem2_config_set_protection(Config, PMEM2_PROT_READ) &&
      !pmem2_config_set_length(Config, (size_t)sysconf(_SC_PAGESIZE)) &&
      !pmem2_map_new(&Map, Config, Source);
  if (Ok) {
    M.Page = pmem2_map_get_store_granularity(Map) == PMEM2_GRANULARITY_PAGE;
    M.Flush = M.Page ? nullptr : pmem2_get_flush_fn(Map);
    M.Drain = M.Page ? nullptr : pmem2_get_drain_fn(Map);
    pmem2_map_delete(&Map);
  } else {
    fail(EIO, "libpmem2 refuses the file: %s", pmem2_errormsg());
  }
  if (Config)
    pmem2_config_delete(&Config);
  if (Source)
    pmem2_source_delete(&Source);
  return Ok;
}

// Devices on which a file without the DAX attribute was found to be page media:
// its files are that, and asking libpmem2 for each costs two mappings. Only
// this answer is kept. Taken for page media by mistake, when a device number
// comes again in the life of the process, a file is still synced.
static uint64_t PageDevices[16];

static bool findMedium(Mapping &M, int File) {
  struct statx Status;
  if (statx(File, "", AT_EMPTY_PATH, STATX_TYPE, &Status) ||
      Status.stx_attributes & STATX_ATTR_DAX)
    return probe(M, File);
  uint64_t Device =
      (uint64_t)Status.stx_dev_major << 32 | Status.stx_dev_minor | 1ull << 63;
  for (uint64_t &Known : PageDevices) {
    uint64_t Value = __atomic_load_n(&Known, __ATOMIC_RELAXED);
    if (Value == Device) {
      M.Page = true;
      M.Flush = nullptr;
      M.Drain = nullptr;
      return true;
    }
    if (!Value) {
      if (!probe(M, File))
        return false;
      if (M.Page)
        __atomic_compare_exchange_n(&Known, &Value, Device, false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
      return true;
    }
  }
  return probe(M, File);
}

// Whether a mapping can be synchronous: one that is refused at its fixed place
// has unmapped what was there, where other threads may be at work.
#ifdef MAP_SYNC
static bool canSync(int File) {
  size_t Bytes = (size_t)sysconf(_SC_PAGESIZE);
  void *P =
      mmap(nullptr, Bytes, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, File, 0);
  return P != MAP_FAILED && !munmap(P, Bytes);
}
#endif

static bool mapFixed(int File, uint64_t Address, uint64_t Bytes, bool Writable,
                     [[maybe_unused]] bool Page) {
  int Protection = PROT_READ | (Writable ? PROT_WRITE : 0);
  int Flags = MAP_SHARED | MAP_FIXED;
#ifdef MAP_SYNC
  // A forced granularity lies about the file: no MAP_SYNC then.
  if (!Page && canSync(File))
    Flags = MAP_SHARED_VALIDATE | MAP_SYNC | MAP_FIXED;
#endif
  return mmap((void *)Address, Bytes, Protection, Flags, File, 0) !=
             MAP_FAILED ||
         fail(errno, "cannot map the file: %s", strerror(errno));
}

uint64_t perdure::largestFile() {
  struct rlimit Limit;
  return getrlimit(RLIMIT_FSIZE, &Limit) ? UINT64_MAX : Limit.rlim_cur;
}

void perdure::giveToOwner(int File) {
  int Ignored = fchmod(File, 0600);
  (void)Ignored;
}

bool perdure::mapFile(Mapping &M, int File, uint64_t Address, uint64_t Bytes,
                      bool Writable) {
  M.Address = Address;
  M.Bytes = Bytes;
  return findMedium(M, File) &&
         mapFixed(File, Address, Bytes, Writable, M.Page);
}

bool perdure::mapPrivate(const Mapping &M, int File) {
  return mmap((void *)M.Address, M.Bytes, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, File, 0) != MAP_FAILED ||
         fail(errno, "cannot map the file: %s", strerror(errno));
}

bool perdure::sealPrivate(const Mapping &M) {
  return !mprotect((void *)M.Address, M.Bytes, PROT_READ) ||
         fail(errno, "cannot protect the file's mapping: %s", strerror(errno));
}

char *perdure::mapCopy(int File, uint64_t Offset, uint64_t Bytes) {
  void *P = mmap(nullptr, Bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_NORESERVE, File, (off_t)Offset);
  if (P != MAP_FAILED)
    return (char *)P;
  fail(errno, "cannot map a copy of the file: %s", strerror(errno));
  return nullptr;
}

void perdure::unmapCopy(char *Copy, uint64_t Bytes) { munmap(Copy, Bytes); }

bool perdure::makeWritable(Mapping &M, int File) {
  return mapFixed(File, M.Address, M.Bytes, true, M.Page);
}

static bool mapPart(const Mapping &M, int File, uint64_t Offset, uint64_t Bytes,
                    int Flags) {
  return mmap((void *)(M.Address + Offset), Bytes, PROT_READ | PROT_WRITE,
              Flags | MAP_FIXED, File, (off_t)Offset) != MAP_FAILED ||
         fail(errno, "cannot map the file: %s", strerror(errno));
}

bool perdure::mapOwn(const Mapping &M, int File, uint64_t Offset,
                     uint64_t Bytes) {
  return mapPart(M, File, Offset, Bytes, MAP_PRIVATE | MAP_NORESERVE);
}

bool perdure::mapThrough(const Mapping &M, int File, uint64_t Offset,
                         uint64_t Bytes) {
  return mapPart(M, File, Offset, Bytes, MAP_SHARED);
}

// A page of a private mapping is the file's until something is stored there: then
// it is anonymous, in memory or in swap.
static bool isOwn(uint64_t Entry) {
  constexpr uint64_t Present = 1ull << 63, Swapped = 1ull << 62,
                     OfFile = 1ull << 61;
  return (Entry & Swapped) || ((Entry & Present) && !(Entry & OfFile));
}

bool perdure::visitOwnPages(const void *P, uint64_t Bytes,
                            bool (*Visit)(void *, uint64_t, uint64_t),
                            void *Context) {
  uint64_t Page = (uint64_t)sysconf(_SC_PAGESIZE);
  uint64_t First = (uint64_t)P / Page, End = First + Bytes / Page;
  int File = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (File < 0)
    return fail(errno, "cannot open /proc/self/pagemap: %s", strerror(errno));
  uint64_t Entries[1024], Begin = 0;
  bool Inside = false, Ok = true;
  while (Ok && First < End) {
    uint64_t Count = End - First < 1024 ? End - First : 1024;
    ssize_t Read = pread(File, Entries, Count * sizeof(uint64_t),
                         (off_t)(First * sizeof(uint64_t)));
    if (Read < (ssize_t)sizeof(uint64_t)) {
      Ok = fail(Read < 0 ? errno : EIO, "cannot read /proc/self/pagemap: %s",
                Read < 0 ? strerror(errno) : "it ended");
      break;
    }
    Count = (uint64_t)Read / sizeof(uint64_t);
    for (uint64_t I = 0; Ok && I < Count; ++I) {
      if (isOwn(Entries[I]) == Inside)
        continue;
      if (Inside)
        Ok = Visit(Context, Begin, (First + I) * Page);
      else
        Begin = (First + I) * Page;
      Inside = !Inside;
    }
    First += Count;
  }
  int Saved = errno;
  close(File);
  errno = Saved;
  return Ok && (!Inside || Visit(Context, Begin, End * Page));
}

void perdure::forgetOwnPages(const void *P, uint64_t Bytes) {
  if (madvise((void *)P, Bytes, MADV_DONTNEED))
    die("cannot forget the pages at %p: %s", P, strerror(errno));
}

void perdure::flushRange(const Mapping &M, const void *P, size_t Bytes) {
  if (!M.Page)
    M.Flush(P, Bytes);
}

void perdure::fence(const Mapping &M) {
  if (!M.Page)
    M.Drain();
}

bool perdure::persist(const Mapping &M, const void *P, size_t Bytes) {
  if (!M.Page) {
    flushRange(M, P, Bytes);
    fence(M);
    return true;
  }
  uint64_t Page = (uint64_t)sysconf(_SC_PAGESIZE);
  uint64_t Start = (uint64_t)P & ~(Page - 1);
  return msync((void *)Start, (uint64_t)P + Bytes - Start, MS_SYNC) == 0 ||
         fail(errno, "cannot sync: %s", strerror(errno));
}

bool perdure::syncFile(int File) { return !fdatasync(File); }

bool perdure::writeFile(int File, const void *P, size_t Bytes, uint64_t At) {
  for (size_t Done = 0; Done < Bytes;) {
    ssize_t Written = pwrite(File, (const char *)P + Done, Bytes - Done,
                             (off_t)(At + Done));
    if (Written > 0) {
      Done += (size_t)Written;
    } else if (!Written || errno != EINTR) {
      if (!Written)
        errno = EIO;
      return false;
    }
  }
  return true;
}

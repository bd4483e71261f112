//===- medium.cpp - Mapping files and making them durable -----------------===//

#include "platform/medium.h"
#include "platform/error.h"

#include <errno.h>
#include <libpmem2.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace perdure;

// libpmem2 tells the granularity of mappings that it makes itself only, so it
// makes a small one of the file's first page.
static pmem2_granularity probe(pmem2_source *Source) {
  pmem2_granularity Result = PMEM2_GRANULARITY_PAGE;
  pmem2_config *Config;
  if (pmem2_config_new(&Config))
    return Result;
  pmem2_map *Map;
  if (!pmem2_config_set_required_store_granularity(Config, Result) &&
      !pmem2_config_set_protection(Config, PMEM2_PROT_READ) &&
      !pmem2_config_set_length(Config, (size_t)sysconf(_SC_PAGESIZE)) &&
      !pmem2_map_new(&Map, Config, Source)) {
    Result = pmem2_map_get_store_granularity(Map);
    pmem2_map_delete(&Map);
  }
  pmem2_config_delete(&Config);
  return Result;
}

static bool mapFixed(int File, uint64_t Address, uint64_t Bytes, bool Writable,
                     bool Page) {
  int Protection = PROT_READ | (Writable ? PROT_WRITE : 0);
  void *P = MAP_FAILED;
#ifdef MAP_SYNC
  if (!Page)
    P = mmap((void *)Address, Bytes, Protection,
             MAP_SHARED_VALIDATE | MAP_SYNC | MAP_FIXED, File, 0);
#else
  (void)Page;
#endif
  // A forced granularity lies about the file: no MAP_SYNC then.
  if (P == MAP_FAILED)
    P = mmap((void *)Address, Bytes, Protection, MAP_SHARED | MAP_FIXED, File,
             0);
  return P != MAP_FAILED ||
         fail(errno, "cannot map the file: %s", strerror(errno));
}

bool perdure::mapFile(Mapping &M, int File, uint64_t Address, uint64_t Bytes,
                      bool Writable) {
  pmem2_source *Source;
  if (pmem2_source_from_fd(&Source, File))
    return fail(EIO, "libpmem2 refuses the file: %s", pmem2_errormsg());
  pmem2_granularity Granularity = probe(Source);
  M.Page = Granularity == PMEM2_GRANULARITY_PAGE;
  bool Ok = mapFixed(File, Address, Bytes, Writable, M.Page);
  if (Ok && pmem2_map_from_existing(&M.Map, Source, (void *)Address, Bytes,
                                    Granularity))
    Ok = fail(EIO, "libpmem2 refuses the mapping: %s", pmem2_errormsg());
  pmem2_source_delete(&Source);
  if (!Ok)
    return false;
  M.Address = Address;
  M.Bytes = Bytes;
  M.Flush = M.Page ? nullptr : pmem2_get_persist_fn(M.Map);
  return true;
}

bool perdure::makeWritable(Mapping &M, int File) {
  return mapFixed(File, M.Address, M.Bytes, true, M.Page);
}

void perdure::releaseMapping(Mapping &M) {
  if (M.Map)
    pmem2_map_delete(&M.Map);
  M = Mapping();
}

bool perdure::persist(const Mapping &M, const void *P, size_t Bytes) {
  if (!M.Page) {
    M.Flush(P, Bytes);
    return true;
  }
  // Not libpmem2's function: that of 1.12.1 calls msync with length 0 for ever
  // on an existing mapping of page granularity.
  uint64_t Page = (uint64_t)sysconf(_SC_PAGESIZE);
  uint64_t Start = (uint64_t)P & ~(Page - 1);
  return msync((void *)Start, (uint64_t)P + Bytes - Start, MS_SYNC) == 0 ||
         fail(errno, "cannot sync: %s", strerror(errno));
}

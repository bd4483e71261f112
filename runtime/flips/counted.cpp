//===- counted.cpp - What reaches objects but by the runtime's stores -----===//
//
// Only in libperdure-counted.so, whose other files are compiled with the pass
// of passes/Flips.cpp and linked with --wrap for each function that this file
// wraps: so the stores of the runtime are counted as those of programs are, and
// the runtime does not know. What the pass does not see is here.
//
//===----------------------------------------------------------------------===//

#include "flips/flips.h"
#include "object/object.h"
#include "object/system_pages.h"

#include <libpmem2.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace perdure;

// Code that counts ties itself to the entry archive of its slot size; the
// runtime has all sizes.
extern "C" __attribute__((visibility("hidden")))
const char
    __perdure_abi_v1_slot35__compile_and_link_every_file_with_one_Perdure_and_one_slot_size = 0;

#define WRAP(Result, Name, ...)                                                \
  extern "C" Result __real_##Name(__VA_ARGS__);                                \
  extern "C" Result __wrap_##Name(__VA_ARGS__);                                \
  Result __wrap_##Name(__VA_ARGS__)

//===----------------------------------------------------------------------===//
// Flushes
//===----------------------------------------------------------------------===//

static pmem2_flush_fn RealFlush;

static void countedFlush(const void *P, size_t Bytes) {
  __perdure_flips_flush(P, Bytes);
  RealFlush(P, Bytes);
}

// The same for all objects of a process: it depends on the processor.
WRAP(pmem2_flush_fn, pmem2_get_flush_fn, struct pmem2_map *Map) {
  RealFlush = __real_pmem2_get_flush_fn(Map);
  return countedFlush;
}

// What the runtime stores while it closes an object comes after the program's
// call, and before it gives up the addresses.
WRAP(void *, mmap, void *At, size_t Bytes, int Protection, int Flags, int File,
     off_t Offset) {
  if (Protection == PROT_NONE && TheWindow.contains(At))
    __perdure_flips_unmap(At, Bytes);
  return __real_mmap(At, Bytes, Protection, Flags, File, Offset);
}

//===----------------------------------------------------------------------===//
// The log of objects that are written by commits alone
//===----------------------------------------------------------------------===//

static perdure_flips_site LogWrites = {
    "perdure/runtime/tx/redo.cpp", "writeFile", "(log)", 0, 0, 0,
#define PERDURE_FLIPS_COUNTER(Name, Text, Doc) 0,
#include "perdure/flips.def"
};

__attribute__((constructor(98))) static void registerSites() {
  __perdure_flips_register(PerdureFlipsVersion, &LogWrites, 1);
}

// Who is mapped with this file, and written by commits alone.
static const Object *deferredWith(int File) {
  for (uint64_t I = 1; I < TheWindow.slots(); ++I)
    if (const Object *O = objectAt(TheWindow.Base + I * TheWindow.slotBytes()))
      if (__atomic_load_n(&O->File, __ATOMIC_RELAXED) == File && isDeferred(*O))
        return O;
  return nullptr;
}

// Tables show what is in the file, so before it is written memory holds what
// was there. All else is the program's own copy, whose stores were counted when
// they were made: that a commit writes them to the file is no second count.
WRAP(ssize_t, pwrite, int File, const void *P, size_t Bytes, off_t At) {
  if (const Object *O = deferredWith(File)) {
    SystemPages System(*O, /*WithMap=*/false);
    for (unsigned I = 0; I != System.Count; ++I) {
      uint64_t Begin = System.Run[I].Page * FilePage;
      uint64_t Size = System.Run[I].Pages * FilePage;
      if ((uint64_t)At - Begin < Size && (uint64_t)At - Begin + Bytes <= Size)
        __perdure_flips_store(&LogWrites, (void *)(O->Base + (uint64_t)At), P,
                              Bytes);
    }
  }
  return __real_pwrite(File, P, Bytes, At);
}

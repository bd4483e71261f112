//===- entry.cpp - What the entry archive calls ---------------------------===//

#include "entry/entry.h"
#include "fot/regions.h"
#include "fot/translate.h"
#include "object/registry.h"
#include "platform/error.h"
#include "platform/regions.h"
#include "platform/window.h"

using namespace perdure;

void __perdure_register(unsigned Version, unsigned SlotBits,
                        perdure_window *Window) {
  if (Version != PerdureAbiVersion)
    die("a binary of this process was compiled for version %u of the ABI and "
        "libperdure.so has version %u: compile it again",
        Version, (unsigned)PerdureAbiVersion);
  if (!reserveWindow(SlotBits))
    die("%s", errorMessage());
  *Window = {TheWindow.Base, TheWindow.Bytes, TheWindow.FotRows,
             TheWindow.IndexRows};
}

void *__perdure_decode(uint64_t B, const void *Container) {
  return const_cast<void *>(decode((Bits)B, Container));
}

uint64_t __perdure_encode(const void *P, const void *Container,
                          const char *Where) {
  return (uint64_t)encode(P, Container, Where);
}

uint64_t __perdure_reencode(uint64_t B, const void *From, const void *To,
                            const char *Where) {
  return (uint64_t)reencode((Bits)B, From, To, Where);
}

void __perdure_register_regions(perdure_regions *Regions) {
  if (!reserveRegions() || !claimNumbers())
    die("%s", errorMessage());
  *Regions = {regionBases(), regionEntries()};
}

void *__perdure_decode_region(uint64_t B, const void *Container) {
  return const_cast<void *>(decodeRegion((Bits)B, Container));
}

uint64_t __perdure_encode_region(const void *P, const void *Container,
                                 const char *Where) {
  return (uint64_t)encodeRegion(P, Container, Where);
}

uint64_t __perdure_reencode_region(uint64_t B, const void *From, const void *To,
                                   const char *Where) {
  return (uint64_t)reencodeRegion((Bits)B, From, To, Where);
}

uint64_t __perdure_find_region(uint64_t Key) { return findRegion(Key); }

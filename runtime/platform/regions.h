//===- regions.h - Which region has which base in this process --*- C++ -*-===//
//
// A region's key is what a pointer of region-id has in bits 40 to 63: the
// foreign bit and a number that the store's registry gives (object/registry.h).
// The tables are read inline, without locks (abi.def).
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_PLATFORM_REGIONS_H
#define PERDURE_RUNTIME_PLATFORM_REGIONS_H

#include "platform/pointer_format.h"

namespace perdure {

/// Makes the tables at the first call; the window must be there. False and a
/// message.
bool reserveRegions();

/// As inline code wants them: the second by address >> SlotBits. The first is
/// null where no code of the process has asked for tables.
const uint64_t *regionBases();
const uint64_t *regionEntries();

/// From now on Key leads to the slot at Base, or for the second, addresses
/// there have that key, too.
void enterBase(uint64_t Key, uint64_t Base);
void enterKey(uint64_t Key, uint64_t Base);

/// The key of the slot at Base, 0 for none.
uint64_t keyOf(uint64_t Base);

/// The slot at Base is to be given back: nothing leads there any more.
void leaveRegions(uint64_t Base);

/// The base that Key leads to, 0 while that is not known: by the hash table.
/// What it finds it leaves in this thread's cache.
uint64_t findRegion(uint64_t Key);

/// Around fork().
void regionsBeforeFork();
void regionsAfterFork();

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_REGIONS_H

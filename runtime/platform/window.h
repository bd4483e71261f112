//===- window.h - The reserved addresses and their slots --------*- C++ -*-===//
//
// One window per process, inaccessible until objects are mapped into its
// slots. Slot 0 never holds an object: its addresses are what decode gives for
// bits that lead nowhere and have no object of their own.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_PLATFORM_WINDOW_H
#define PERDURE_RUNTIME_PLATFORM_WINDOW_H

#include "platform/pointer_format.h"

#include <stddef.h>

namespace perdure {

struct Window {
  uint64_t Base;     // slot-aligned; 0 until reserved
  uint64_t Bytes;    // a multiple of the slot
  unsigned SlotBits; // log2 of the slot
  uint64_t FotRows;  // abi.def
  uint64_t IndexRows;

  bool contains(uint64_t Address) const { return Address - Base < Bytes; }
  bool contains(const void *P) const { return contains((uint64_t)P); }
  uint64_t slotBytes() const { return perdureSlotBytes(SlotBits); }
  uint64_t limit() const { return perdureLimit(SlotBits); }
  uint64_t baseOf(uint64_t Address) const {
    return perdureBaseOf(Address, SlotBits);
  }
  uint64_t slotOf(uint64_t Address) const {
    return (Address - Base) >> SlotBits;
  }
  uint64_t slots() const { return Bytes >> SlotBits; }
};

/// Written once, by reserveWindow.
extern const Window &TheWindow;

/// The most slots that a window has.
constexpr unsigned MaxSlots = PerdureAbiMaxSlots;

/// The slot size of programs without an entry archive.
unsigned defaultSlotBits();

/// Reserves the window unless that has been done. False (EINVAL) when it has
/// been done with another slot size; ENOMEM when no range is left.
bool reserveWindow(unsigned SlotBits);

/// A slot that holds nothing, or 0 with ENOSPC when all are taken.
uint64_t takeSlot();

/// Gives a slot back, inaccessible.
void dropSlot(uint64_t Base);

/// Makes a range of the window inaccessible again.
void forbid(uint64_t Address, uint64_t Bytes);

/// Around fork().
void windowBeforeFork();
void windowAfterFork();

/// Maps the FOT cache of the slot at Base: zero but for entry 0. Clears its rows.
bool mapFotCache(uint64_t Base);

/// From now on Index leads from the slot at Base to the one at Target, for
/// reading.
void cacheTarget(uint64_t Base, uint64_t Index, uint64_t Target);

/// And is what pointers to Target that are stored there take.
void cacheIndex(uint64_t Base, uint64_t Index, uint64_t Target);

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_WINDOW_H

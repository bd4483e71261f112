/*===- pointer_format.h - The arithmetic of the persistent pointer --------===*\
|*
|* The only place that takes persistent pointers apart and puts them together.
|* Plain C, so that the entry archive's twins, its cold entries and the shared
|* runtime all use the same lines. perdure/abi.def draws the format.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_RUNTIME_PLATFORM_POINTER_FORMAT_H
#define PERDURE_RUNTIME_PLATFORM_POINTER_FORMAT_H

#include <stdint.h>

enum {
#define PERDURE_ABI_NUMBER(Name, Value, Doc) PerdureAbi##Name = Value,
#include "perdure/abi.def"
};

static inline uint64_t perdureSlotBytes(unsigned SlotBits) {
  return (uint64_t)1 << SlotBits;
}

/* LIMIT: offsets below it lie in the part of a slot that maps the file. */
static inline uint64_t perdureLimit(unsigned SlotBits) {
  return perdureSlotBytes(SlotBits) - PerdureAbiTopBytes;
}

static inline uint64_t perdureBaseOf(uint64_t Address, unsigned SlotBits) {
  return Address & ~(perdureSlotBytes(SlotBits) - 1);
}

/* Where the FOT cache's entry for Index lies in the slot that starts at Base.
 */
static inline uint64_t perdureFotCacheEntry(uint64_t Base, uint64_t Index,
                                            unsigned SlotBits) {
  return Base + perdureSlotBytes(SlotBits) - PerdureAbiFotCacheBytes +
         Index * 8;
}

/* Where the row of the slot that starts at Base begins. */
static inline uint64_t perdureRow(uint64_t Rows, uint64_t Base,
                                  unsigned SlotBits) {
  return Rows + (Base >> (SlotBits - PerdureAbiFotRowBits));
}

static inline uint64_t perdureRowEntries(void) {
  return ((uint64_t)1 << PerdureAbiFotRowBits) / 8;
}

/* What Index leads to, in the FOT rows. */
static inline uint64_t *perdureFotRowEntry(uint64_t Rows, uint64_t Base,
                                           uint64_t Index, unsigned SlotBits) {
  return (uint64_t *)(perdureRow(Rows, Base, SlotBits) + Index * 8);
}

/* By which index the slot at Base leads to the one at Target, in the index
   rows. */
static inline uint64_t *perdureIndexRowEntry(uint64_t Rows, uint64_t Base,
                                             uint64_t Target,
                                             unsigned SlotBits) {
  return perdureFotRowEntry(
      Rows, Base, (Target >> SlotBits) & (perdureRowEntries() - 1), SlotBits);
}

/* Where the wide rows of a table begin: Window is where the window does. */
static inline uint64_t perdureWideRows(uint64_t Rows, uint64_t Window,
                                       unsigned SlotBits) {
  return perdureRow(Rows, Window, SlotBits) +
         ((uint64_t)PerdureAbiMaxSlots << PerdureAbiFotRowBits);
}

/* Which slot Index leads to from the slot at Base, in its wide FOT row. */
static inline uint16_t *perdureWideFotEntry(uint64_t Rows, uint64_t Window,
                                            uint64_t Base, uint64_t Index,
                                            unsigned SlotBits) {
  return (uint16_t *)perdureWideRows(Rows, Window, SlotBits) +
         ((Base - Window) >> SlotBits) * PerdureAbiMaxSlots + Index;
}

/* By which index the slot at Base leads to the one at Target, in its wide index
   row. */
static inline uint32_t *perdureWideIndexEntry(uint64_t Rows, uint64_t Window,
                                              uint64_t Base, uint64_t Target,
                                              unsigned SlotBits) {
  return (uint32_t *)perdureWideRows(Rows, Window, SlotBits) +
         ((Base - Window) >> SlotBits) * PerdureAbiMaxSlots +
         ((Target - Window) >> SlotBits);
}

/* Closer to zero than ConstantReach, either side: no address is. */
static inline int perdureIsConstant(uint64_t Value) {
  return Value + (PerdureAbiConstantReach - 1) <
         2 * (uint64_t)PerdureAbiConstantReach - 1;
}

/* An offset in the container's own object; false for null. */
static inline int perdureIsOffset(uint64_t Bits, unsigned SlotBits) {
  return Bits - 1 < perdureLimit(SlotBits) - 1;
}

static inline int perdureIsForeign(uint64_t Bits) {
  return (int)(Bits >> PerdureAbiForeignBit);
}

static inline uint64_t perdureForeignIndex(uint64_t Bits) {
  return (Bits >> PerdureAbiOffsetBits) &
         (((uint64_t)1 << PerdureAbiFotIndexBits) - 1);
}

static inline uint64_t perdureForeignOffset(uint64_t Bits) {
  return Bits & (((uint64_t)1 << PerdureAbiOffsetBits) - 1);
}

static inline uint64_t perdureMakeForeign(uint64_t Index, uint64_t Offset) {
  return (uint64_t)1 << PerdureAbiForeignBit | Index << PerdureAbiOffsetBits |
         Offset;
}

static inline int perdureIsTagged(uint64_t Bits) {
  return Bits >> PerdureAbiTaggedBit == 1;
}

/* Sign-extended from the bit below the tag. */
static inline uint64_t perdureTaggedValue(uint64_t Bits) {
  return (uint64_t)((int64_t)(Bits << (64 - PerdureAbiTaggedBit)) >>
                    (64 - PerdureAbiTaggedBit));
}

static inline uint64_t perdureMakeTagged(uint64_t Value) {
  return (uint64_t)1 << PerdureAbiTaggedBit |
         (Value & (((uint64_t)1 << PerdureAbiTaggedBit) - 1));
}

/* An address that is stored as itself. */
static inline int perdureIsPlainNative(uint64_t Value, unsigned SlotBits) {
  return Value >= perdureSlotBytes(SlotBits) &&
         Value >> PerdureAbiTaggedBit == 0;
}

/* The bits of a native address, as a volatile container holds it. 0 for null;
   also 0, for an address that is not null, when no bits can represent it. */
static inline uint64_t perdureMakeNative(uint64_t Value, unsigned SlotBits) {
  uint64_t Tagged = perdureMakeTagged(Value);
  if (Value == 0 || perdureIsPlainNative(Value, SlotBits))
    return Value;
  return perdureTaggedValue(Tagged) == Value ? Tagged : 0;
}

#endif /* PERDURE_RUNTIME_PLATFORM_POINTER_FORMAT_H */

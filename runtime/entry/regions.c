/*===- regions.c - The twins of the encodings region-id and fat-lookup ----===*\
|*
|* passes/encodings/RegionId.cpp says what the bits are. They differ in how
|* decode finds a region's base.
|*
\*===----------------------------------------------------------------------===*/
#include "entry/twins.h"

DECLARE_TWINS(region_id);
HIDDEN void *__perdure_decode_fat_lookup(uint64_t Bits, const void *Container);

extern HIDDEN struct perdure_regions __perdure_regions;
struct perdure_regions __perdure_regions;

/* Right after the window, which it needs: entry.c has 99, and static
   initialisers come at 100. Whichever of the two 99s is first, this one asks
   for the window itself. */
__attribute__((constructor(99))) static void registerRegions(void) {
  __perdure_register(PerdureAbiVersion, SLOT_BITS, &__perdure_window);
  __perdure_register_regions(&__perdure_regions);
}

static uint64_t load(const uint64_t *Table, uint64_t Index) {
  return __atomic_load_n(&Table[Index], __ATOMIC_RELAXED);
}

/* The bits that lead to the first byte of P's slot, or 0. */
static uint64_t bitsOfSlot(const void *P) {
  return load(__perdure_regions.entries, (uint64_t)P >> SLOT_BITS);
}

static int ofOneStore(uint64_t A, uint64_t B) {
  return (A ^ B) >> (PerdureAbiOffsetBits + PerdureAbiRegionIndexBits) == 0;
}

static void *decodeIn(uint64_t Base, uint64_t Bits, const void *Container) {
  if (Base)
    return (void *)(Base + perdureForeignOffset(Bits));
  if (Bits == 0)
    return NULL;
  if (!inWindow(Container) && Bits >> PerdureAbiTaggedBit == 0)
    return (void *)Bits;
  return __perdure_decode_region(Bits, Container);
}

void *__perdure_decode_region_id(uint64_t Bits, const void *Container) {
  return decodeIn(load(__perdure_regions.bases, Bits >> PerdureAbiOffsetBits),
                  Bits, Container);
}

void *__perdure_decode_fat_lookup(uint64_t Bits, const void *Container) {
  uint64_t Base = perdureIsForeign(Bits)
                      ? __perdure_find_region(Bits >> PerdureAbiOffsetBits)
                      : 0;
  return decodeIn(Base, Bits, Container);
}

uint64_t __perdure_encode_region_id(const void *Native, const void *Container,
                                    const char *Where) {
  if (!inWindow(Container))
    return __perdure_encode_object(Native, Container, Where);
  if (Native == NULL)
    return 0;
  if (inWindow(Native)) {
    uint64_t Region = bitsOfSlot(Native);
    uint64_t Offset = (uint64_t)Native - baseOf(Native);
    if (Region && ofOneStore(Region, bitsOfSlot(Container)) &&
        Offset < perdureLimit(SLOT_BITS))
      return Region | Offset;
  }
  return __perdure_encode_region(Native, Container, Where);
}

uint64_t __perdure_reencode_region_id(uint64_t Bits, const void *From,
                                      const void *To, const char *Where) {
  int FromIn = inWindow(From), ToIn = inWindow(To);
  if (Bits == 0 || (FromIn && inOneSlot(From, To)) ||
      (!FromIn && !ToIn && !perdureIsForeign(Bits)))
    return Bits;
  if (ToIn && perdureIsForeign(Bits) && ofOneStore(Bits, bitsOfSlot(To)))
    return Bits;
  return __perdure_reencode_region(Bits, From, To, Where);
}

DEFINE_COLD(region_id)

/* The third argument tells the compiler what is written: this thread's cache.
 */
COLD void *__perdure_decode_fat_lookup_cold(uint64_t, const void *, uint64_t *);
void *__perdure_decode_fat_lookup_cold(uint64_t Bits, const void *Container,
                                       uint64_t *Cache) {
  (void)Cache;
  return __perdure_decode_fat_lookup(Bits, Container);
}

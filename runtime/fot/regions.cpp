//===- regions.cpp - Translation by region number, complete ---------------===//

#include "fot/regions.h"
#include "object/registry.h"
#include "platform/error.h"
#include "platform/regions.h"

#include <errno.h>

using namespace perdure;

// What differs between two keys of one store.
static bool ofOneStore(uint64_t A, uint64_t B) {
  return (A ^ B) >> PerdureAbiRegionIndexBits == 0;
}

const void *perdure::decodeRegion(Bits Persistent, const void *Container) {
  uint64_t B = (uint64_t)Persistent;
  if (!perdureIsForeign(B)) {
    // No offset stands by itself here.
    if (perdureIsOffset(B, TheWindow.SlotBits))
      return TheWindow.contains(Container)
                 ? damaged(Container, Damage::NativeInObject)
                 : (const void *)B;
    return decode(Persistent, Container);
  }
  KeepErrno Keep;
  uint64_t Offset = perdureForeignOffset(B), Key = B >> PerdureAbiOffsetBits;
  if (Offset >= TheWindow.limit())
    return damaged(Container, Damage::OffsetPastLimit);
  Object *O = resolveRegion(Key, objectAt(Container));
  if (!O)
    return damaged(Container, errno == EEXIST   ? Damage::SameStoreNumber
                              : errno == ENOSPC ? Damage::NoSlotLeft
                                                : Damage::NoRegion);
  // A missing target is not entered: it may yet come, to the same slot.
  if (isPresent(*O))
    enterBase(Key, O->Base);
  return (const void *)(O->Base + Offset);
}

static uint64_t keyFor(Object &O, const Object &Holder, const void *Container,
                       const char *Where) {
  uint64_t Key = regionKey(O);
  if (!Key)
    die("a pointer in object %s cannot be stored at offset 0x%llx%s%s: object "
        "%s gets no region number: %s",
        labelOf(Holder).Text,
        (unsigned long long)((uint64_t)Container - Holder.Base),
        Where ? ", at " : "", Where ? Where : "", labelOf(O).Text,
        errorMessage());
  return Key;
}

Bits perdure::encodeRegion(const void *Native, const void *Container,
                           const char *Where) {
  uint64_t P = (uint64_t)Native;
  Object *O = TheWindow.contains(Container) ? objectAt(Container) : nullptr;
  Object *Target = O ? objectAt(P) : nullptr;
  uint64_t Offset = Target ? P - Target->Base : 0;
  // Null, constants, escapes, and what is stored as a native address.
  if (!Target || Target->Owner != O->Owner || Offset >= TheWindow.limit())
    return encode(Native, Container, Where);
  KeepErrno Keep;
  // Inline code compares the container's store with the target's.
  keyFor(*O, *O, Container, Where);
  uint64_t Key = keyFor(*Target, *O, Container, Where);
  if (isPresent(*Target))
    enterBase(Key, Target->Base);
  return (Bits)(Key << PerdureAbiOffsetBits | Offset);
}

Bits perdure::reencodeRegion(Bits B, const void *From, const void *To,
                             const char *Where) {
  bool FromIn = TheWindow.contains(From), ToIn = TheWindow.contains(To);
  bool IsRegion = perdureIsForeign((uint64_t)B);
  if (FromIn && ToIn &&
      TheWindow.baseOf((uint64_t)From) == TheWindow.baseOf((uint64_t)To))
    return B;
  if (!FromIn && !ToIn && !IsRegion)
    return B;
  // Between objects the bits stay, whatever they lead to.
  if (Object *O = ToIn && IsRegion ? objectAt(To) : nullptr) {
    KeepErrno Keep;
    uint64_t Key = keyFor(*O, *O, To, Where);
    if (ofOneStore(Key, (uint64_t)B >> PerdureAbiOffsetBits))
      return B;
  }
  return encodeRegion(decodeRegion(B, From), To, Where);
}

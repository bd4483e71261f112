//===- translate.cpp - Decode, encode, re-encode, complete ----------------===//

#include "fot/translate.h"
#include "fot/escapes.h"
#include "fot/fot.h"
#include "object/store.h"
#include "platform/error.h"
#include "platform/options.h"

#include <errno.h>
#include <stdlib.h>

using namespace perdure;

//===----------------------------------------------------------------------===//
// Damage
//===----------------------------------------------------------------------===//

// Each reason has its own stretch of a guard, so that the fault tells it. The
// middle of a stretch leaves room for fields on either side.
constexpr uint64_t Stretch = 8 << 20;
constexpr uint64_t Reasons = (uint64_t)Damage::SameStoreNumber + 1;
static_assert(Reasons * Stretch <= PerdureAbiTopBytes - PerdureAbiFotCacheBytes,
              "the guard is too small");

// In the guard of the container's own slot, or of slot 0 when it has none.
const void *perdure::damaged(const void *Container, Damage D) {
  const Object *O = objectAt(Container);
  uint64_t Base = O ? O->Base : TheWindow.Base;
  return (const void *)(Base + TheWindow.limit() + (uint64_t)D * Stretch +
                        Stretch / 2);
}

bool perdure::damageAt(uint64_t Address, Damage &D) {
  if (!TheWindow.contains(Address))
    return false;
  uint64_t Offset = Address - TheWindow.baseOf(Address);
  if (Offset < TheWindow.limit() ||
      Offset >= TheWindow.limit() + Reasons * Stretch)
    return false;
  D = (Damage)((Offset - TheWindow.limit()) / Stretch);
  return true;
}

const char *perdure::describe(Damage D) {
  switch (D) {
  case Damage::NativeInObject:
    return "the object holds a native address there: a stale escape, or the "
           "work of code that was compiled without the plugin";
  case Damage::OffsetPastLimit:
    return "the pointer's offset lies past every object's end";
  case Damage::NoFotEntry:
    return "the pointer's FOT index has no valid entry";
  case Damage::NoSlotLeft:
    return "no slot of the window was left for the object it leads to";
  case Damage::NoObject:
    return "the pointer leads out of an object but does not lie in one: its "
           "bits were copied raw";
  case Damage::NoRegion:
    return "no open store has the pointer's region number in its file "
           "perdure.regions";
  case Damage::SameStoreNumber:
    return "two open stores have the same number in their files "
           "perdure.regions, as copies of one store have: open one at a time";
  }
  return "";
}

//===----------------------------------------------------------------------===//
// Decode
//===----------------------------------------------------------------------===//

// By name the offset counts from the root, wherever the object that has the
// name keeps it, and from the slot's beginning while none has. Never cached:
// the inline sequence adds any offset below LIMIT to what the cache holds, and
// from a root that would lead out of the slot.
static const void *decodeByName(const Object &O, const FotTarget &To,
                                uint64_t Offset, const void *Container) {
  Object *Target = resolveName(*O.Owner, To.Name, To.ToWrite);
  if (!Target)
    return damaged(Container, Damage::NoSlotLeft);
  uint64_t Root = isPresent(*Target) ? Target->RootOffset : 0;
  if (Offset >= TheWindow.limit() - Root)
    return damaged(Container, Damage::OffsetPastLimit);
  return (const void *)(Target->Base + Root + Offset);
}

static const void *decodeForeign(uint64_t B, const void *Container) {
  KeepErrno Keep;
  Object *O = objectAt(Container);
  if (!O)
    return damaged(Container, Damage::NoObject);
  uint64_t Index = perdureForeignIndex(B), Offset = perdureForeignOffset(B);
  if (Offset >= TheWindow.limit())
    return damaged(Container, Damage::OffsetPastLimit);
  if (Index == 0)
    return (const void *)(O->Base + Offset);
  FotTarget To;
  if (!isPresent(*O) || !fotTarget(*O, Index, To))
    return damaged(Container, Damage::NoFotEntry);
  if (To.Name[0])
    return decodeByName(*O, To, Offset, Container);
  Object *Target = resolveObject(*O->Owner, To.Id, To.ToWrite);
  if (!Target)
    return damaged(Container, Damage::NoSlotLeft);
  // A missing target is not cached: it may yet come, to the same slot.
  if (isPresent(*Target))
    cacheTarget(O->Base, Index, Target->Base);
  return (const void *)(Target->Base + Offset);
}

const void *perdure::decode(Bits Persistent, const void *Container) {
  uint64_t B = (uint64_t)Persistent;
  uint64_t C = (uint64_t)Container;
  if (B == 0)
    return nullptr;
  // Before the window exists every container is volatile and none holds an
  // offset; the default slot size then tells addresses from offsets.
  unsigned SlotBits = TheWindow.Base ? TheWindow.SlotBits : defaultSlotBits();
  if (perdureIsOffset(B, SlotBits))
    return (const void *)(perdureBaseOf(C, SlotBits) + B);
  if (perdureIsForeign(B))
    return decodeForeign(B, Container);
  uint64_t Value = perdureIsTagged(B) ? perdureTaggedValue(B) : B;
  if (!TheWindow.contains(C))
    return (const void *)Value;
  if (perdureIsTagged(B) && perdureIsConstant(Value))
    return (const void *)Value;
  if (TheOptions.escape == EscapePolicy::Trap ||
      (!perdureIsTagged(B) && !perdureIsPlainNative(B, SlotBits)))
    return damaged(Container, Damage::NativeInObject);
  return (const void *)Value;
}

//===----------------------------------------------------------------------===//
// Encode
//===----------------------------------------------------------------------===//

static const char *kindOf(uint64_t P, const Object &O) {
  Damage D;
  if (damageAt(P, D))
    return "the inaccessible address of a damaged pointer";
  const Object *Target = objectAt(P);
  if (!Target)
    return TheWindow.contains(P) ? "an address in a closed store"
                                 : "a native address";
  return Target->Owner != O.Owner ? "an address in another store"
                                  : "an address past an object's end";
}

// Reports an escape and, unless the policy is lenient, stops.
static Bits escape(uint64_t P, const void *Container, Object &O,
                   const char *Where) {
  KeepErrno Keep;
  uint64_t Offset = (uint64_t)Container - O.Base;
  uint64_t B = perdureMakeNative(P, TheWindow.SlotBits);
  bool Stop = TheOptions.escape == EscapePolicy::Trap || !B;
  if (Stop || TheOptions.escape == EscapePolicy::Report)
    report("escape%s%s: 0x%llx, %s, %s stored at offset 0x%llx of object %s; "
           "allocate the target with perdure_alloc in an object of this store, "
           "mark the field [[perdure::transient]], or set "
           "PERDURE_OPTIONS=escape=report",
           Where ? " at " : "", Where ? Where : "", (unsigned long long)P,
           kindOf(P, O), Stop ? "was about to be" : "is",
           (unsigned long long)Offset, labelOf(O).Text);
  if (Stop)
    abort();
  __atomic_fetch_add(&O.Escapes, 1, __ATOMIC_RELAXED);
  rememberEscape(O, Offset, (Bits)B, Where);
  return (Bits)B;
}

// An address in what stands for a name is what a pointer by that name was
// decoded to, and becomes one again.
static uint64_t indexFor(Object &O, const Object &Target) {
  if (isPresent(O))
    return Target.StandsFor ? fotIndexOfName(O, Target.StandsFor, 0)
                            : fotIndex(O, Target.Id);
  fail(ENOENT, "that object is missing");
  return 0;
}

static Bits encodeInObject(uint64_t P, const void *Container,
                           const char *Where) {
  uint64_t Offset = P - TheWindow.baseOf((uint64_t)Container);
  if (Offset - 1 < TheWindow.limit() - 1)
    return (Bits)Offset;
  if (Offset == 0)
    return (Bits)perdureMakeForeign(0, 0);
  if (perdureIsConstant(P))
    return (Bits)perdureMakeTagged(P);
  Object *O = objectAt(Container);
  if (!O)
    die("0x%llx was about to be stored at 0x%llx, which belonged to a store "
        "that is closed now%s%s",
        (unsigned long long)P, (unsigned long long)Container,
        Where ? ", at " : "", Where ? Where : "");
  Object *Target = objectAt(P);
  if (!Target || Target->Owner != O->Owner || Target == O ||
      P - Target->Base >= TheWindow.limit())
    return escape(P, Container, *O, Where);
  KeepErrno Keep;
  uint64_t Index = indexFor(*O, *Target);
  if (!Index)
    die("a pointer to %s%s cannot be stored at offset 0x%llx of object "
        "%s%s%s: %s%s",
        Target->StandsFor ? "what is not there yet, " : "object ",
        Target->StandsFor ? Target->Name : labelOf(*Target).Text,
        (unsigned long long)((uint64_t)Container - O->Base), labelOf(*O).Text,
        Where ? ", at " : "", Where ? Where : "", errorMessage(),
        Target->StandsFor ? "; perdure_bind makes one" : "");
  if (!Target->StandsFor)
    cacheIndex(O->Base, Index, Target->Base);
  return (Bits)perdureMakeForeign(Index, P - Target->Base);
}

Bits perdure::encode(const void *Native, const void *Container,
                     const char *Where) {
  uint64_t P = (uint64_t)Native;
  if (P == 0)
    return (Bits)0;
  if (TheWindow.contains(Container))
    return encodeInObject(P, Container, Where);
  uint64_t B = perdureMakeNative(P, TheWindow.Base ? TheWindow.SlotBits
                                                   : defaultSlotBits());
  if (!B)
    die("0x%llx%s%s is no address that a persistent pointer can hold: its top "
        "three bits must be equal, or the top two zero",
        (unsigned long long)P, Where ? ", at " : "", Where ? Where : "");
  return (Bits)B;
}

Bits perdure::reencode(Bits B, const void *From, const void *To,
                       const char *Where) {
  bool FromIn = TheWindow.contains(From), ToIn = TheWindow.contains(To);
  if (FromIn == ToIn && (!FromIn || TheWindow.baseOf((uint64_t)From) ==
                                        TheWindow.baseOf((uint64_t)To)))
    return B;
  return encode(decode(B, From), To, Where);
}

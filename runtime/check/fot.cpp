//===- fot.cpp - Checks the foreign object table --------------------------===//

#include "fot/fot.h"
#include "check/check.h"
#include "object/header.h"

#include <stdlib.h>
#include <string.h>

using namespace perdure;

static FotEntry *entryAt(const Object &O, uint64_t Index) {
  ExtentPlace Place = placeIn(Index, FilePage / sizeof(FotEntry));
  uint64_t Extent = extentOf(O, Table::Fot, Place.K);
  return Extent ? (FotEntry *)(O.Base + Extent) + Place.Within : nullptr;
}

static bool isFree(const FotEntry &E) {
  return E.Valid == EntryFree && !E.Checksum;
}

static bool hasName(const Object &O, const FotEntry &E) {
  uint64_t At = E.IdLo, End = O.Current.FileBytes;
  if (E.IdHi || At < HeaderBytes || At >= End)
    return false;
  uint64_t Room = End - At < 256 ? End - At : 256;
  const char *Name = (const char *)(O.Base + At);
  return Name[0] && memchr(Name, 0, Room);
}

// Whether an entry whose checksum holds says something that can be.
static bool makesSense(const Object &O, const FotEntry &E) {
  return E.Valid == EntryById     ? (E.IdHi | E.IdLo) != 0
         : E.Valid == EntryByName ? hasName(O, E)
                                  : false;
}

static bool entryHolds(const void *Record) {
  const auto *E = (const FotEntry *)Record;
  return E->Checksum == checksumOf(*E);
}

// One byte of what the checksum covers or of the checksum, or the kind of the
// entry, which it does not cover; an object that the store has, or a name that
// can be read, says that it was that.
static bool mendEntry(const Object &O, FotEntry &E) {
  const EntryState Kinds[] = {EntryById, EntryByName};
  for (EntryState Kind : Kinds) {
    FotEntry Fixed = E;
    Fixed.Valid = Kind;
    bool Holds =
        entryHolds(&Fixed) || mendByte(&Fixed, sizeof(Fixed), entryHolds);
    if (!Holds || Fixed.Valid != (uint32_t)Kind || !makesSense(O, Fixed))
      continue;
    if (Kind == EntryById && !hasObjectFile(*O.Owner, {Fixed.IdHi, Fixed.IdLo}))
      continue;
    E = Fixed;
    return true;
  }
  return false;
}

namespace {
struct Target {
  uint64_t Hi, Lo, Index;
};
} // namespace

static int compareTargets(const void *A, const void *B) {
  const auto *X = (const Target *)A, *Y = (const Target *)B;
  if (X->Hi != Y->Hi)
    return X->Hi < Y->Hi ? -1 : 1;
  if (X->Lo != Y->Lo)
    return X->Lo < Y->Lo ? -1 : 1;
  return X->Index < Y->Index ? -1 : X->Index > Y->Index;
}

static void checkDuplicates(const Object &O, Target *Targets, uint64_t Count,
                            Findings &Found) {
  if (!Count)
    return; // and no array
  qsort(Targets, Count, sizeof(Target), compareTargets);
  for (uint64_t I = 1; I < Count; ++I)
    if (Targets[I].Hi == Targets[I - 1].Hi &&
        Targets[I].Lo == Targets[I - 1].Lo)
      Found.add(Severity::Damage,
                (uint64_t)entryAt(O, Targets[I].Index) - O.Base,
                "FOT entries %llu and %llu lead to one object: pointers to the "
                "same place may compare unequal; store them again",
                (unsigned long long)Targets[I - 1].Index,
                (unsigned long long)Targets[I].Index);
}

static void checkEntry(const Object &O, FotEntry &E, uint64_t Index,
                       Findings &Found) {
  uint64_t At = (uint64_t)&E - O.Base;
  auto N = (unsigned long long)Index;
  // Its checksum is written with the word that makes it valid.
  if (E.Valid == EntryClaimed && !E.Checksum) {
    Found.add(Severity::Note, At,
              "FOT entry %llu: a process died while it wrote it; it is never "
              "used",
              N);
    return;
  }
  if (!entryHolds(&E) || !makesSense(O, E)) {
    bool Mended = mendEntry(O, E);
    Found.add(Mended ? Severity::Mended : Severity::Damage, At,
              Mended
                  ? "FOT entry %llu was damaged; its checksum says how it was"
                  : "FOT entry %llu is damaged: pointers through it lead "
                    "nowhere; restore it from a copy",
              N);
    if (!Mended)
      return;
  }
  if (E.Rights & ~(uint32_t)(FotRead | FotWrite) || !(E.Rights & FotRead)) {
    Found.add(Severity::Mended, At + offsetof(FotEntry, Rights),
              "FOT entry %llu asked for rights that there are not; now it asks "
              "for those that there are",
              N);
    E.Rights = FotRead | (E.Rights & FotWrite);
  }
  if (E.Valid == EntryById && !hasObjectFile(*O.Owner, {E.IdHi, E.IdLo}))
    Found.add(
        Severity::Note, At,
        "FOT entry %llu leads to object %s, which the store does not have", N,
        hexOf({E.IdHi, E.IdLo}).Text);
}

void perdure::checkFot(Object &O, Findings &Found) {
  uint64_t Free = 0, Count = 0, Room = 0;
  Target *Targets = nullptr;
  for (uint64_t Index = 1; Index <= PerdureAbiFotIndexMax; ++Index) {
    FotEntry *E = entryAt(O, Index);
    if (!E)
      break;
    if (isFree(*E)) {
      Free = Free ? Free : Index;
      continue;
    }
    checkEntry(O, *E, Index, Found);
    // Who looks for a target stops at the first free entry.
    for (; Free && Free < Index; ++Free) {
      FotEntry *Gap = entryAt(O, Free);
      Found.add(Severity::Mended, (uint64_t)Gap - O.Base,
                "FOT entry %llu was free and later ones are not; now it is "
                "never used",
                (unsigned long long)Free);
      Gap->Valid = EntryClaimed;
    }
    Free = 0;
    if (E->Valid != EntryById || !entryHolds(E))
      continue;
    if (Count == Room) {
      uint64_t Wider = Room ? 2 * Room : 64;
      auto *More = (Target *)realloc(Targets, Wider * sizeof(Target));
      if (!More)
        continue; // some duplicates stay unseen
      Targets = More;
      Room = Wider;
    }
    Targets[Count++] = {E->IdHi, E->IdLo, Index};
  }
  checkDuplicates(O, Targets, Count, Found);
  free(Targets);
}

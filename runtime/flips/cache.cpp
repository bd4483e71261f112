//===- cache.cpp - Two levels of cache, as a model ------------------------===//

#include "flips/cache.h"
#include "flips/memory.h"

using namespace perdure::flips;

Cache::Cache(CacheShape Shape)
    : PerSet(Shape.Ways), Sets(Shape.Bytes / (64 * Shape.Ways)) {
  Ways = static_cast<Way *>(mapMemory(Sets * PerSet * sizeof(Way)));
}

Cache::Way *Cache::look(uint64_t Line) {
  Way *Set = &Ways[(Line / 64 & (Sets - 1)) * PerSet];
  for (unsigned I = 0; I != PerSet; ++I)
    if (Set[I].Line == Line)
      return &Set[I];
  return nullptr;
}

Cache::Way *Cache::find(uint64_t Line) {
  Way *Found = look(Line);
  if (Found)
    Found->Used = ++Clock;
  return Found;
}

Cache::Way *Cache::victim(uint64_t Line) {
  Way *Set = &Ways[(Line / 64 & (Sets - 1)) * PerSet], *Oldest = Set;
  for (unsigned I = 0; I != PerSet; ++I) {
    if (!Set[I].Line)
      return &Set[I];
    if (Set[I].Used < Oldest->Used)
      Oldest = &Set[I];
  }
  return Oldest;
}

void Cache::put(Way *Where, uint64_t Line, bool Dirty) {
  *Where = {Line, ++Clock, Dirty};
}

// L2 has what L1 has: there the line is found.
void Caches::leaveFirst(uint64_t Line) {
  auto *Way = L1.look(Line);
  if (!Way)
    return;
  if (Way->Dirty)
    L2.find(Line)->Dirty = true;
  *Way = {};
}

void Caches::bringToSecond(uint64_t Line) {
  if (L2.find(Line))
    return;
  auto *Way = L2.victim(Line);
  if (uint64_t Gone = Way->Line) {
    leaveFirst(Gone);
    if (Way->Dirty)
      To.Write(To.Medium, Gone);
  }
  To.Read(To.Medium, Line);
  L2.put(Way, Line, false);
}

void Caches::access(uint64_t Line, bool Writes) {
  // Nothing would change: it was the last to be used of its set in L1, and L2
  // is not asked for what L1 has.
  if (Line == LastLine && (LastDirty || !Writes))
    return;
  auto *Way = L1.find(Line);
  if (!Way) {
    Way = L1.victim(Line);
    // Before L2 gives up a line, lest that be looked for in L1 in vain.
    if (Way->Line)
      leaveFirst(Way->Line);
    bringToSecond(Line);
    L1.put(Way, Line, false);
  }
  Way->Dirty |= Writes;
  LastLine = Line;
  LastDirty = Way->Dirty;
}

void Caches::flush(uint64_t Line) {
  auto *First = L1.look(Line), *Second = L2.look(Line);
  if (!Second)
    return;
  bool Dirty = Second->Dirty || (First && First->Dirty);
  Second->Dirty = false;
  if (First)
    First->Dirty = false;
  LastLine = 0;
  if (Dirty)
    To.Write(To.Medium, Line);
}

void Caches::flushAll() {
  flushWhere([](uint64_t) { return true; });
}

//===- memory.h - Memory that is not the program's heap ---------*- C++ -*-===//
//
// What the profiler allocated from malloc would move the program's blocks,
// whose addresses are what flips.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FLIPS_MEMORY_H
#define PERDURE_RUNTIME_FLIPS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

namespace perdure {
namespace flips {

/// Zeroed; page-aligned. Ends the program where there is
/// none.
void *mapMemory(size_t Bytes);

/// Gives it back.
void unmapMemory(void *P, size_t Bytes);

/// Zeroed, never given back, from large pieces: for many small things. Whoever
/// calls it is in the model, which is one thread at a time.
void *takeMemory(size_t Bytes);

/// From numbers that are not 0 to pointers, or null.
template <typename T> class Map {
  struct Slot {
    uint64_t Key;
    T *Value;
  };
  Slot *Slots = nullptr;
  uint64_t Room = 0, Used = 0;

  // The top bits of a product with an odd number: neighbours lie apart.
  Slot *find(uint64_t Key) const {
    for (uint64_t I = (Key * 0x9E3779B97F4A7C15u) >> 20;; ++I)
      if (Slot &S = Slots[I & (Room - 1)]; !S.Key || S.Key == Key)
        return &S;
  }
  void grow() {
    Slot *Old = Slots;
    uint64_t OldRoom = Room;
    Room = Room ? Room * 4 : 1024;
    Slots = static_cast<Slot *>(mapMemory(Room * sizeof(Slot)));
    for (uint64_t I = 0; I != OldRoom; ++I)
      if (Old[I].Key)
        *find(Old[I].Key) = Old[I];
  }

public:
  Map() = default;
  Map(const Map &) = delete;
  Map &operator=(const Map &) = delete;
  ~Map() {
    if (Slots)
      unmapMemory(Slots, Room * sizeof(Slot));
  }
  T *get(uint64_t Key) const { return Room ? find(Key)->Value : nullptr; }
  void set(uint64_t Key, T *Value) {
    if (Used * 2 >= Room)
      grow();
    Slot *S = find(Key);
    Used += !S->Key;
    *S = {Key, Value};
  }
  uint64_t size() const { return Used; }
  template <typename F> void forEach(F Visit) const {
    for (uint64_t I = 0; I != Room; ++I)
      if (Slots[I].Key)
        Visit(Slots[I].Key, *Slots[I].Value);
  }
};

} // namespace flips
} // namespace perdure

#endif // PERDURE_RUNTIME_FLIPS_MEMORY_H

//===- lab.h - What workloads and the program agree on ----------*- C++ -*-===//

#ifndef PERDURE_BENCH_LAB_H
#define PERDURE_BENCH_LAB_H

#include <stddef.h>
#include <stdint.h>

namespace lab {

/// Memory for one structure, in one or several objects (or pools). Blocks are
/// handed out one behind the other: a workload that takes its nodes in random
/// order places them at random.
class Arena {
public:
  struct Part {
    char *Begin, *Cursor, *End;
  };
  /// The node of this rank (its number in the order of the structure) goes to
  /// the first, the second, ... part in turn, or to one at random.
  enum class Spread { Alternating, Random };

  Part *Parts = nullptr;
  size_t Count = 0;
  Spread How = Spread::Alternating;

  void *take(size_t Bytes, size_t Rank);
  template <class T> T *make(size_t Rank, size_t Bytes = sizeof(T)) {
    return static_cast<T *>(take(Bytes, Rank));
  }
};

/// The same numbers for every representation.
struct Plan {
  size_t Items;
  /// The ranks 0 to Items - 1, shuffled.
  const uint32_t *Order;
};

/// Small and fast, and its branches cannot be learnt by heart.
class Random {
  uint64_t State;

public:
  explicit Random(uint64_t Seed) : State(Seed * 2 + 1) {}
  uint32_t next() {
    State = State * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(State >> 32);
  }
  size_t below(size_t Bound) {
    return static_cast<size_t>((uint64_t(next()) * Bound) >> 32);
  }
};

/// Makes the compiler forget what memory holds, so that it repeats what would
/// give the same as before.
inline void forget() { __asm__ volatile("" ::: "memory"); }

/// What a workload's file registers.
struct Workload {
  const char *Code; // the representation that it was compiled under
  const char *Name;
  size_t BytesPerItem;
  /// The variable in which the file keeps what Build made.
  void *State;
  size_t StateBytes;
  /// Builds the structure in the arena.
  void (*Build)(Arena &, const Plan &);
  /// Does at least as many operations as it is given, says how many, and gives
  /// a checksum, which is the same for every representation.
  uint64_t (*Run)(size_t &Operations);
  /// A checksum over all that is in the structure.
  uint64_t (*Check)();
  /// Run starts from what Build left and changes it, in so many operations:
  /// the memory is put back, not timed, before each. Null: it may run again.
  size_t (*Once)(const Plan &);
  Workload *Next;
};

struct Registration {
  explicit Registration(Workload &W);
};

} // namespace lab

#endif // PERDURE_BENCH_LAB_H

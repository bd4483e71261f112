//===- tx.h - What structures and the program agree on ----------*- C++ -*-===//

#ifndef PERDURE_BENCH_TX_TX_H
#define PERDURE_BENCH_TX_TX_H

#include <stddef.h>
#include <stdint.h>
#include <string>

/// How many items a structure has, and how many of them are inserted in one
/// transaction at first.
constexpr uint64_t Items = 100000, AtOnce = 1000;

#ifdef __PERDURE__
[[perdure::tx_safe]] // it ends the process
#endif
[[noreturn]] void
stop(const char *What, const char *Why);

/// Whether commits have to survive a power failure on a file system's pages.
bool durable();

/// The same numbers for every system.
class Random {
  uint64_t State;

public:
  explicit Random(uint64_t Seed) : State(Seed * 2 + 1) {}
  uint64_t next() {
    State = State * 6364136223846793005u + 1442695040888963407u;
    return State >> 32;
  }
};

namespace tx {

struct Structure {
  const char *Name;
  void (*Build)(const std::string &Dir);
  /// One transaction.
  void (*Operation)(Random &);
  /// A checksum of all that is in it.
  uint64_t (*Check)();
};

/// What has been written to logs so far, headers of the entries included.
uint64_t logBytes();

struct Registration {
  explicit Registration(const Structure &S);
};

} // namespace tx

#endif // PERDURE_BENCH_TX_TX_H

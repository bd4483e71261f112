//===- generator.h - YCSB's distributions -----------------------*- C++ -*-===//
//
// The distributions of the Yahoo! Cloud Serving Benchmark (Cooper et al.,
// "Benchmarking Cloud Serving Systems with YCSB", SoCC 2010), with the
// constants of its published program (site.ycsb.generator). Its Zipf
// distribution is that of Gray et al., "Quickly Generating Billion-Record
// Synthetic Databases", SIGMOD 1994: exact for the first two ranks, beyond them
// a continuous approximation, whose distribution function `below` gives.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_YCSB_GENERATOR_H
#define PERDURE_BENCH_YCSB_GENERATOR_H

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <stdint.h>
#include <thread>

namespace ycsb {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
class Random {
  uint64_t State;

public:
  explicit Random(uint64_t Seed) : State(Seed) {}
  uint64_t next() {
    uint64_t Z = State += 0x9E3779B97F4A7C15u;
    Z = (Z ^ Z >> 30) * 0xBF58476D1CE4E5B9u;
    Z = (Z ^ Z >> 27) * 0x94D049BB133111EBu;
    return Z ^ Z >> 31;
  }
  /// Uniform in [0, 1).
  double real() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// Uniform in [0, Bound).
  uint64_t below(uint64_t Bound) {
    return static_cast<uint64_t>(
        (static_cast<unsigned __int128>(next()) * Bound) >> 64);
  }
};

/// FNV over the eight octets, the lowest first, and the absolute value of what
/// that is as a signed number: YCSB's Utils.hash.
inline uint64_t hash(uint64_t Value) {
  uint64_t H = 0xCBF29CE484222325u;
  for (int I = 0; I != 8; ++I, Value >>= 8)
    H = (H ^ (Value & 0xFF)) * 0x100000001B3u;
  return static_cast<int64_t>(H) < 0 ? 0 - H : H;
}

constexpr double Theta = 0.99;

/// Ranks 0 to Items - 1; rank r has a share in proportion to 1 / (r + 1)^0.99.
class Zipfian {
  uint64_t Items;
  double ZetaN, Eta;

  void settle() {
    Eta = (1 - std::pow(2.0 / static_cast<double>(Items), 1 - Theta)) /
          (1 - zeta(0, 2) / ZetaN);
  }

public:
  /// The sum of 1 / i^0.99 for i in (From, To].
  static double zeta(uint64_t From, uint64_t To) {
    double Sum = 0;
    for (uint64_t I = From; I != To; ++I)
      Sum += 1 / std::pow(static_cast<double>(I + 1), Theta);
    return Sum;
  }

  explicit Zipfian(uint64_t Items) : Zipfian(Items, zeta(0, Items)) {}
  Zipfian(uint64_t Items, double ZetaN) : Items(Items), ZetaN(ZetaN) {
    settle();
  }

  /// From now on there are so many; never fewer than before. YCSB's program
  /// keeps the old number in one of the formulas then, which Gray et al. do
  /// not.
  void grow(uint64_t To) {
    if (To <= Items)
      return;
    ZetaN += zeta(Items, To);
    Items = To;
    settle();
  }

  uint64_t next(Random &Dice) const {
    double U = Dice.real(), Uz = U * ZetaN;
    if (Uz < 1)
      return 0;
    if (Uz < 1 + std::pow(0.5, Theta))
      return 1;
    auto Rank =
        static_cast<uint64_t>(static_cast<double>(Items) *
                              std::pow(Eta * U - Eta + 1, 1 / (1 - Theta)));
    return Rank < Items ? Rank : Items - 1; // rounding
  }

  /// How likely `next` gives a rank below this one.
  double below(uint64_t Rank) const {
    if (Rank == 0)
      return 0;
    if (Rank == 1)
      return 1 / ZetaN;
    if (Rank >= Items)
      return 1;
    double U =
        1 -
        (1 - std::pow(static_cast<double>(Rank) / static_cast<double>(Items),
                      1 - Theta)) /
            Eta;
    return std::max(U, (1 + std::pow(0.5, Theta)) / ZetaN);
  }
};

/// The same shares, scattered over all items: ranks of ten thousand million,
/// hashed, as in YCSB. The sum of these is published with it.
class Scrambled {
  Zipfian Ranks{10'000'000'000u, 26.46902820178302};
  uint64_t Items;

public:
  explicit Scrambled(uint64_t Items) : Items(Items) {}
  uint64_t next(Random &Dice) const { return hash(Ranks.next(Dice)) % Items; }
};

/// Numbers for inserts, given to threads in order, and the last of those below
/// which all are there: what may be read.
class Counter {
  static constexpr uint64_t Window = 1 << 16;
  std::atomic<uint64_t> Next, Known;
  std::unique_ptr<std::atomic<bool>[]> Done {
    new std::atomic<bool>[Window] {}
  };
  std::atomic_flag Moving = ATOMIC_FLAG_INIT;

public:
  explicit Counter(uint64_t Count) : Next(Count), Known(Count) {}
  uint64_t take() { return Next.fetch_add(1); }
  /// How many are there: all below are.
  uint64_t count() const { return Known.load(std::memory_order_acquire); }
  /// What `take` gave is there now.
  void acknowledge(uint64_t Number) {
    // The place may be one's that is so far behind.
    while (Number - Known.load() >= Window)
      std::this_thread::yield();
    Done[Number % Window] = true;
    // Whoever finds it taken leaves his own to the one who has it; and that
    // one looks once more when he has let go.
    while (Done[Known.load() % Window] && !Moving.test_and_set()) {
      uint64_t At = Known.load();
      while (Done[At % Window].exchange(false))
        ++At;
      Known.store(At);
      Moving.clear();
    }
  }
};

/// What was inserted last is read most: YCSB's SkewedLatestGenerator.
class Latest {
  Zipfian Ranks;

public:
  explicit Latest(uint64_t Count) : Ranks(Count) {}
  /// Of `Count` items.
  uint64_t next(Random &Dice, uint64_t Count) {
    Ranks.grow(Count);
    return Count - 1 - Ranks.next(Dice);
  }
};

} // namespace ycsb

#endif // PERDURE_BENCH_YCSB_GENERATOR_H

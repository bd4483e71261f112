//===- histogram.h - Latencies ----------------------------------*- C++ -*-===//
//
// Buckets as HdrHistogram has them: exact below 128 ns, then 64 for each power
// of two, so that a percentile is at most 1.6% too high. Debian has no
// HdrHistogram for C.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_YCSB_HISTOGRAM_H
#define PERDURE_BENCH_YCSB_HISTOGRAM_H

#include <array>
#include <bit>
#include <cmath>
#include <stdint.h>

namespace ycsb {

class Histogram {
  // A value of b bits has its highest seven kept, the first of which is 1.
  static constexpr unsigned Bits = 6, Powers = 64 - Bits;
  std::array<uint64_t, (Powers + 1) << Bits> Buckets{};
  uint64_t Total = 0;

  static unsigned bucket(uint64_t Value) {
    unsigned Shift = static_cast<unsigned>(std::bit_width(Value >> (Bits + 1)));
    return (Shift << Bits) + static_cast<unsigned>(Value >> Shift);
  }
  /// How many lie below or at the quantile.
  uint64_t rank(double Share) const {
    return static_cast<uint64_t>(std::ceil(Share * static_cast<double>(Total)));
  }

public:
  void add(uint64_t Value) {
    ++Buckets[bucket(Value)];
    ++Total;
  }
  void add(const Histogram &Other) {
    for (size_t I = 0; I != Buckets.size(); ++I)
      Buckets[I] += Other.Buckets[I];
    Total += Other.Total;
  }
  uint64_t count() const { return Total; }

  /// Ten values at least lie beyond the quantile: where there are fewer it is
  /// one of the few slowest by chance, and says nothing of the next run.
  bool tells(double Share) const { return Total - rank(Share) >= 10; }

  /// The highest value of the bucket that holds the value below or at which
  /// this share of all lies. 0 when there is none.
  uint64_t quantile(double Share) const {
    uint64_t Wanted = rank(Share), Seen = 0;
    for (unsigned I = 0; I != Buckets.size(); ++I)
      if ((Seen += Buckets[I]) >= Wanted && Seen) {
        unsigned Shift = I >> (Bits + 1) ? (I >> Bits) - 1 : 0;
        return ((static_cast<uint64_t>(I) - (Shift << Bits) + 1) << Shift) - 1;
      }
    return 0;
  }
};

} // namespace ycsb

#endif // PERDURE_BENCH_YCSB_HISTOGRAM_H

//===- workloads.h - YCSB's workloads A to F --------------------*- C++ -*-===//
//
// As the "core package" of Cooper et al., SoCC 2010, and the files workloada to
// workloadf of its program have them, with one field in a record.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_YCSB_WORKLOADS_H
#define PERDURE_BENCH_YCSB_WORKLOADS_H

#include "generator.h"

#include <charconv>
#include <optional>
#include <string.h>
#include <string_view>

namespace ycsb {

enum class Kind { Read, Update, Insert, Scan, ReadModifyWrite };

struct Workload {
  char Name;
  double Read, Update, Insert, Scan, ReadModifyWrite;
  bool Latest; // what was inserted last is wanted most; else Zipf, scrambled

  double writes() const { return Update + Insert + ReadModifyWrite; }
};

constexpr Workload Workloads[] = {
    {'A', 0.50, 0.50, 0, 0, 0, false}, {'B', 0.95, 0.05, 0, 0, 0, false},
    {'C', 1.00, 0, 0, 0, 0, false},    {'D', 0.95, 0, 0.05, 0, 0, true},
    {'E', 0, 0, 0.05, 0.95, 0, false}, {'F', 0.50, 0, 0, 0, 0.50, false},
};
constexpr unsigned LongestScan = 100; // uniform from 1

/// "user" and the hash of the record's number, in decimal.
class Key {
  char Text[24] = {'u', 's', 'e', 'r'};
  size_t Size;

public:
  explicit Key(uint64_t Number) {
    Size = static_cast<size_t>(
        std::to_chars(Text + 4, Text + sizeof Text, hash(Number)).ptr - Text);
  }
  operator std::string_view() const { return {Text, Size}; }
};

struct Operation {
  Kind What;
  uint64_t Number; // of the record; of Scan, where it begins
  unsigned Length; // of Scan
};

/// The operations of one thread. An Insert has to be acknowledged.
class Operations {
  const Workload &W;
  Counter &Records;
  Random Dice;
  Scrambled ByZipf;
  std::optional<Latest> ByAge;

  Kind kind() {
    double U = Dice.real();
    if ((U -= W.Read) < 0)
      return Kind::Read;
    if ((U -= W.Update) < 0)
      return Kind::Update;
    if ((U -= W.Insert) < 0)
      return Kind::Insert;
    return (U -= W.Scan) < 0 ? Kind::Scan : Kind::ReadModifyWrite;
  }

public:
  /// `Count` is that of all threads: twice the keys that are to be expected
  /// have a place in the Zipf distribution, as in YCSB.
  Operations(const Workload &W, Counter &Records, uint64_t Count, uint64_t Seed)
      : W(W), Records(Records), Dice(Seed),
        ByZipf(
            Records.count() +
            static_cast<uint64_t>(static_cast<double>(Count) * W.Insert * 2)) {
    if (W.Latest)
      ByAge.emplace(Records.count());
  }

  Operation next() {
    Operation Op{kind(), 0, 0};
    if (Op.What == Kind::Insert) {
      Op.Number = Records.take();
      return Op;
    }
    uint64_t Count = Records.count();
    if (ByAge)
      Op.Number = ByAge->next(Dice, Count);
    else
      do
        Op.Number = ByZipf.next(Dice);
      while (Op.Number >= Count);
    if (Op.What == Kind::Scan)
      Op.Length = 1 + static_cast<unsigned>(Dice.below(LongestScan));
    return Op;
  }
};

/// Values are pieces of a block of random bytes, which do not compress.
class Values {
  static constexpr size_t Bytes = 1 << 20;
  std::unique_ptr<char[]> Block{new char[Bytes]};
  size_t Size;

public:
  explicit Values(size_t Size) : Size(Size) {
    Random Dice(1);
    for (size_t I = 0; I != Bytes; I += 8) {
      uint64_t Word = Dice.next();
      memcpy(&Block[I], &Word, 8);
    }
  }
  size_t size() const { return Size; }
  std::string_view next(Random &Dice) const {
    return {&Block[Dice.below(Bytes - Size)], Size};
  }
};

} // namespace ycsb

#endif // PERDURE_BENCH_YCSB_WORKLOADS_H

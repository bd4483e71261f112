//===- generator_test.cpp - YCSB's distributions, by chi-square -----------===//
//
// Seeds are fixed, so results are, too. Bounds are six standard deviations: a
// wrong constant or formula is off by hundreds.
//
//===----------------------------------------------------------------------===//

#include "histogram.h"
#include "workloads.h"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace ycsb;

/// How many standard deviations chi-square lies over its mean.
double excess(const std::vector<uint64_t> &Seen,
              const std::vector<double> &Shares) {
  auto Count = static_cast<double>(
      std::accumulate(Seen.begin(), Seen.end(), uint64_t(0)));
  double Sum = 0;
  for (size_t I = 0; I != Seen.size(); ++I) {
    double Expected = Count * Shares[I];
    EXPECT_GT(Expected, 5) << I;
    double Off = static_cast<double>(Seen[I]) - Expected;
    Sum += Off * Off / Expected;
  }
  auto Freedom = static_cast<double>(Seen.size() - 1);
  return (Sum - Freedom) / std::sqrt(2 * Freedom);
}

std::vector<uint64_t> draw(uint64_t Items, unsigned Count,
                           const std::function<uint64_t()> &Next) {
  std::vector<uint64_t> Seen(Items);
  for (unsigned I = 0; I != Count; ++I)
    ++Seen.at(Next());
  return Seen;
}

/// What Gray et al.'s formula gives.
std::vector<double> gray(const Zipfian &Z, uint64_t Items) {
  std::vector<double> Shares(Items);
  for (uint64_t I = 0; I != Items; ++I)
    Shares[I] = Z.below(I + 1) - Z.below(I);
  return Shares;
}

/// What it stands for.
std::vector<double> zipf(uint64_t Items) {
  std::vector<double> Shares(Items);
  double Sum = Zipfian::zeta(0, Items);
  for (uint64_t I = 0; I != Items; ++I)
    Shares[I] = std::pow(static_cast<double>(I + 1), -0.99) / Sum;
  return Shares;
}

/// The share of draws that go elsewhere.
double distance(const std::vector<double> &A, const std::vector<double> &B) {
  double Sum = 0;
  for (size_t I = 0; I != A.size(); ++I)
    Sum += std::abs(A[I] - B[I]) / 2;
  return Sum;
}

// As the first keys of every YCSB load are.
TEST(YcsbKey, AsPublished) {
  EXPECT_EQ(std::string_view(Key(0)), "user6284781860667377211");
  EXPECT_EQ(std::string_view(Key(1)), "user8517097267634966620");
  EXPECT_EQ(std::string_view(Key(2)), "user1820151046732198393");
}

TEST(YcsbKey, Differ) {
  std::set<std::string> Keys;
  for (uint64_t I = 0; I != 100000; ++I)
    Keys.emplace(std::string_view(Key(I)));
  EXPECT_EQ(Keys.size(), 100000u);
}

TEST(YcsbRandom, Uniform) {
  Random Dice(1);
  EXPECT_LT(excess(draw(1000, 1000000, [&] { return Dice.below(1000); }),
                   std::vector<double>(1000, 0.001)),
            6);
  EXPECT_LT(
      excess(draw(1000, 1000000,
                  [&] { return static_cast<uint64_t>(Dice.real() * 1000); }),
             std::vector<double>(1000, 0.001)),
      6);
}

// The sum over ten thousand million terms that YCSB publishes, by Euler and
// Maclaurin's formula from the ten-thousandth term on.
TEST(YcsbZipfian, PublishedSum) {
  double From = 1e4, To = 1e10;
  double Sum = Zipfian::zeta(0, 10000) +
               (std::pow(To, 0.01) - std::pow(From, 0.01)) / 0.01 +
               (std::pow(To, -0.99) - std::pow(From, -0.99)) / 2;
  EXPECT_NEAR(Sum, 26.46902820178302, 1e-6);
}

TEST(YcsbZipfian, DrawsByTheFormula) {
  for (uint64_t Items : {2, 3, 100, 1000}) {
    Zipfian Z(Items);
    Random Dice(Items);
    EXPECT_LT(excess(draw(Items, 2000000, [&] { return Z.next(Dice); }),
                     gray(Z, Items)),
              6)
        << Items;
  }
}

// That such a test finds another exponent, and no skew.
TEST(YcsbZipfian, TheTestFinds) {
  Random Dice(3);
  Zipfian Z(1000);
  EXPECT_GT(excess(draw(1000, 2000000, [&] { return Dice.below(1000); }),
                   gray(Z, 1000)),
            1000);
  std::vector<double> Other(1000);
  double Sum = 0;
  for (size_t I = 0; I != 1000; ++I)
    Sum += Other[I] = std::pow(static_cast<double>(I + 1), -0.95);
  for (double &Share : Other)
    Share /= Sum;
  EXPECT_GT(excess(draw(1000, 2000000, [&] { return Z.next(Dice); }), Other),
            100);
}

TEST(YcsbZipfian, TheFormulaIsNearZipf) {
  for (uint64_t Items : {1000, 1000000}) {
    std::vector<double> Formula = gray(Zipfian(Items), Items),
                        Exact = zipf(Items);
    EXPECT_NEAR(std::accumulate(Formula.begin(), Formula.end(), 0.0), 1, 1e-9);
    EXPECT_NEAR(Formula[0], Exact[0], 1e-12);
    EXPECT_NEAR(Formula[1], Exact[1], 1e-12);
    for (uint64_t I = 2; I != Items; ++I)
      ASSERT_NEAR(Formula[I] / Exact[I], 1, 0.2) << I << " of " << Items;
    EXPECT_LT(distance(Formula, Exact), 0.02) << Items;
  }
}

TEST(YcsbZipfian, GrowsAsIfNew) {
  Zipfian Grown(1000), New(1500);
  Grown.grow(1200);
  Grown.grow(1500);
  Grown.grow(1400);
  for (uint64_t I = 0; I != 1501; ++I)
    ASSERT_NEAR(Grown.below(I), New.below(I), 1e-12) << I;
}

// An item's share: of all ranks that are hashed to it. A million are counted,
// the others are alike.
TEST(YcsbScrambled, SharesOfHashedRanks) {
  constexpr uint64_t Items = 1000, Counted = 1000000;
  Zipfian Ranks(10'000'000'000u, 26.46902820178302);
  std::vector<double> Shares(Items, (1 - Ranks.below(Counted)) / Items);
  for (uint64_t I = 0; I != Counted; ++I)
    Shares[hash(I) % Items] += Ranks.below(I + 1) - Ranks.below(I);
  Scrambled S(Items);
  Random Dice(4);
  EXPECT_LT(excess(draw(Items, 2000000, [&] { return S.next(Dice); }), Shares),
            6);
}

TEST(YcsbScrambled, HotItemsLieApart) {
  constexpr uint64_t Items = 1000000;
  std::set<uint64_t> Sixteenths;
  for (uint64_t Rank = 0; Rank != 100; ++Rank)
    Sixteenths.insert(hash(Rank) % Items * 16 / Items);
  EXPECT_EQ(Sixteenths.size(), 16u);
}

TEST(YcsbLatest, FollowsInserts) {
  Latest L(1000);
  Random Dice(5);
  for (uint64_t Count : {1000, 1001, 1500}) {
    // By age: the newest first.
    EXPECT_LT(excess(draw(Count, 2000000,
                          [&] { return Count - 1 - L.next(Dice, Count); }),
                     gray(Zipfian(Count), Count)),
              6)
        << Count;
  }
}

TEST(YcsbCounter, KnowsWhatIsThere) {
  Counter C(10);
  EXPECT_EQ(C.take(), 10u);
  EXPECT_EQ(C.take(), 11u);
  EXPECT_EQ(C.take(), 12u);
  EXPECT_EQ(C.count(), 10u);
  C.acknowledge(11);
  EXPECT_EQ(C.count(), 10u);
  C.acknowledge(10);
  EXPECT_EQ(C.count(), 12u);
  C.acknowledge(12);
  EXPECT_EQ(C.count(), 13u);
}

TEST(YcsbCounter, Threads) {
  Counter C(0);
  auto Insert = [&] {
    for (int I = 0; I != 200000; ++I)
      C.acknowledge(C.take());
  };
  std::thread Other(Insert);
  Insert();
  Other.join();
  EXPECT_EQ(C.count(), 400000u);
}

// The published mix of each workload, in words of its own.
TEST(YcsbWorkloads, Mix) {
  const std::map<char, std::map<Kind, double>> Published = {
      {'A', {{Kind::Read, 0.5}, {Kind::Update, 0.5}}},
      {'B', {{Kind::Read, 0.95}, {Kind::Update, 0.05}}},
      {'C', {{Kind::Read, 1}}},
      {'D', {{Kind::Read, 0.95}, {Kind::Insert, 0.05}}},
      {'E', {{Kind::Scan, 0.95}, {Kind::Insert, 0.05}}},
      {'F', {{Kind::Read, 0.5}, {Kind::ReadModifyWrite, 0.5}}},
  };
  constexpr unsigned Count = 100000;
  for (const Workload &W : Workloads) {
    Counter Records(1000);
    Operations Source(W, Records, Count, 6);
    std::map<Kind, double> Seen;
    std::vector<uint64_t> Lengths(LongestScan);
    for (unsigned I = 0; I != Count; ++I) {
      Operation Op = Source.next();
      ++Seen[Op.What];
      if (Op.What == Kind::Insert) {
        ASSERT_EQ(Op.Number, Records.count());
        Records.acknowledge(Op.Number);
      } else
        ASSERT_LT(Op.Number, Records.count());
      if (Op.What == Kind::Scan)
        ++Lengths.at(Op.Length - 1);
    }
    const auto &Wanted = Published.at(W.Name);
    EXPECT_EQ(Seen.size(), Wanted.size()) << W.Name;
    for (auto [What, Share] : Wanted)
      EXPECT_NEAR(Seen[What], Share * Count,
                  6 * std::sqrt(Count * Share * (1 - Share)))
          << W.Name;
    if (W.Name == 'E')
      EXPECT_LT(excess(Lengths, std::vector<double>(LongestScan, 0.01)), 6);
  }
}

// D reads what is new, the others what is hot wherever it lies.
TEST(YcsbWorkloads, WhatIsRead) {
  for (const Workload &W : Workloads) {
    Counter Records(100000);
    Operations Source(W, Records, 100000, 7);
    unsigned New = 0, Hot = 0, Reads = 0;
    for (unsigned I = 0; I != 100000; ++I) {
      Operation Op = Source.next();
      if (Op.What == Kind::Insert) {
        Records.acknowledge(Op.Number);
        continue;
      }
      ++Reads;
      New += Op.Number + 1000 >= Records.count();
      Hot += Op.Number == hash(0) % (100000 + (W.Insert ? 10000 : 0));
    }
    // A thousand of about 100,000: 0.615 of the shares by age, by the sums.
    if (W.Name == 'D')
      EXPECT_NEAR(New, 0.615 * Reads, 0.01 * Reads);
    else {
      EXPECT_LT(New, 0.1 * Reads) << W.Name;
      EXPECT_NEAR(Hot, Reads / 26.469, 0.01 * Reads) << W.Name;
    }
  }
}

TEST(YcsbHistogram, Quantiles) {
  Histogram H, Other;
  EXPECT_EQ(H.quantile(0.5), 0u);
  Random Dice(8);
  std::vector<uint64_t> All;
  for (int I = 0; I != 100000; ++I) {
    uint64_t Value = Dice.next() >> Dice.below(64);
    All.push_back(Value);
    (I % 2 ? H : Other).add(Value);
  }
  H.add(Other);
  EXPECT_EQ(H.count(), All.size());
  std::sort(All.begin(), All.end());
  for (double Share :
       {0.00001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0}) {
    uint64_t Exact = All[static_cast<size_t>(std::ceil(Share * 100000)) - 1];
    EXPECT_GE(H.quantile(Share), Exact) << Share;
    EXPECT_LE(H.quantile(Share) - Exact, Exact / 64) << Share;
  }
}

TEST(YcsbHistogram, ExactWhereSmall) {
  for (uint64_t Value = 0; Value != 128; ++Value) {
    Histogram H;
    H.add(Value);
    EXPECT_EQ(H.quantile(0.5), Value);
  }
}

TEST(YcsbHistogram, TellsWhereTenLieBeyond) {
  Histogram H;
  EXPECT_FALSE(H.tells(0.5));
  for (auto [Share, Least] : {std::pair(0.5, 20u), std::pair(0.99, 1000u),
                              std::pair(0.999, 10000u)}) {
    while (H.count() != Least - 1)
      H.add(1);
    EXPECT_FALSE(H.tells(Share)) << Share;
    H.add(1);
    EXPECT_TRUE(H.tells(Share)) << Share;
  }
}

TEST(YcsbValues, Size) {
  Values V(1000);
  Random Dice(9);
  std::set<std::string> Seen;
  for (int I = 0; I != 1000; ++I) {
    std::string_view One = V.next(Dice);
    EXPECT_EQ(One.size(), 1000u);
    Seen.emplace(One);
  }
  EXPECT_GT(Seen.size(), 990u);
}

} // namespace

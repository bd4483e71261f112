//===- AdviceTest.cpp - What other encodings would have stored ------------===//
//
// encodeUnder, beside a decode written here from docs/Encodings.md alone; and
// what an Advisor adds up from writes.
//
//===----------------------------------------------------------------------===//

#include "flips/advice.h"

#include <gtest/gtest.h>
#include <random>
#include <string.h>

using namespace perdure::flips;

namespace {

constexpr unsigned SlotSize = 35;
constexpr uint64_t Slot = uint64_t(1) << SlotSize;
constexpr Policy All[] = {XorPolicy,
                          LazyNullPolicy,
                          InvertedPolicy,
                          LazyNullInvertedPolicy,
                          XorLazyNullPolicy,
                          XorInvertedPolicy,
                          XorLazyNullInvertedPolicy};

bool is(Policy P, std::initializer_list<Policy> Of) {
  for (Policy O : Of)
    if (O == P)
      return true;
  return false;
}
bool hasXor(Policy P) {
  return is(P, {XorPolicy, XorLazyNullPolicy, XorInvertedPolicy,
                XorLazyNullInvertedPolicy});
}
bool inverts(Policy P) {
  return is(P, {InvertedPolicy, LazyNullInvertedPolicy, XorInvertedPolicy,
                XorLazyNullInvertedPolicy});
}
bool isLazy(Policy P) {
  return is(P, {LazyNullPolicy, LazyNullInvertedPolicy, XorLazyNullPolicy,
                XorLazyNullInvertedPolicy});
}

/// What `object` would hold in the place of Bits.
uint64_t decode(Policy P, uint64_t Bits, uint64_t Offset) {
  if (Bits >> 61 == 1 && isLazy(P))
    return 0;
  if (Bits >> 60 == 1 && inverts(P))
    Bits ^= 0x100000000001FFF8;
  if (!hasXor(P))
    return Bits;
  if (Bits >> 40 == uint64_t(1) << 23 && (Bits & (Slot - 1)) == Offset)
    return Offset;
  return Bits && Bits < Slot ? Bits ^ Offset : Bits;
}

unsigned flips(uint64_t X, uint64_t Y) {
  return unsigned(__builtin_popcountll(X ^ Y));
}

class Advice : public testing::TestWithParam<Policy> {};

// Near, foreign, tagged, null; over what an earlier one of them left, or
// garbage.
TEST_P(Advice, BitsLeadWhereObjectsDo) {
  std::mt19937_64 Dice(GetParam() + 1);
  uint64_t Old = 0;
  for (int I = 0; I != 100000; ++I) {
    uint64_t Offset = Dice() % Slot & ~7ull, Bits = Dice() % (Slot >> 1) + 1;
    switch (Dice() % 8) {
    case 0:
      Bits = 0;
      break;
    case 1:
      Bits |= uint64_t(1) << 63 | (Dice() % 1000 + 1) << 40;
      break;
    case 2:
      Bits |= uint64_t(1) << 62;
      break;
    case 3:
      Bits = Offset + 1;
      break;
    case 4:
      Bits = Offset ? Offset : 8;
      break;
    case 5:
      Bits = 0x1FFF8;
      break; // whose complement is 2^60 alone
    }
    if (Dice() % 16 == 0)
      Old = Dice();
    uint64_t Stored = encodeUnder(GetParam(), Bits, Offset, SlotSize, Old);
    ASSERT_EQ(decode(GetParam(), Stored, Offset), Bits)
        << std::hex << Stored << " at " << Offset << " over " << Old;
    Old = Stored;
  }
}

TEST_P(Advice, NullOverAPointerIsOneBitOrZero) {
  uint64_t Held = encodeUnder(GetParam(), 0x1230, 0x8000, SlotSize, 0);
  uint64_t Null = encodeUnder(GetParam(), 0, 0x8000, SlotSize, Held);
  EXPECT_EQ(Null, isLazy(GetParam()) ? Held | uint64_t(1) << 61 : 0);
  EXPECT_EQ(encodeUnder(GetParam(), 0, 0x8000, SlotSize, 0), 0u);
  // And the same pointer again takes that bit back.
  EXPECT_EQ(encodeUnder(GetParam(), 0x1230, 0x8000, SlotSize, Null), Held);
}

// The nearer of the two values, of all differences in the 15 bits.
TEST_P(Advice, ComplementsDifferLess) {
  for (uint64_t D = 0; D != 1 << 15; ++D) {
    uint64_t Old = 0x500000 ^ (D & 0x3FFF) << 3 ^ (D >> 14) << 60;
    uint64_t Stored = encodeUnder(GetParam(), 0x500000, 0, SlotSize, Old);
    unsigned Ones = unsigned(__builtin_popcountll(D));
    ASSERT_EQ(flips(Stored, Old),
              inverts(GetParam()) && Ones > 7 ? 15 - Ones : Ones);
  }
}

INSTANTIATE_TEST_SUITE_P(, Advice, testing::ValuesIn(All));

// An address that no address is: tagged, where 0001 would say complement.
TEST(AdviceBits, UnlikelyNumbersAreTagged) {
  uint64_t Number = uint64_t(1) << 60 | 5;
  EXPECT_EQ(encodeUnder(InvertedPolicy, Number, 0, SlotSize, 0),
            Number | uint64_t(1) << 62);
  EXPECT_EQ(encodeUnder(XorPolicy, Number, 0, SlotSize, 0), Number);
}

class Writes : public testing::Test {
protected:
  Advisor A;
  perdure_flips_site Site = {};
  static inline const char *const Names[] = {"struct node.next"};
  KnownFields Fields = {SlotSize, Names, 1, nullptr};
  alignas(4096) uint64_t Memory[512] = {};

  void SetUp() override {
    Site.file = Site.function = "";
    Site.field = "struct node.next";
    Site.number = 1;
    A.Fields = &Fields;
    A.InObject = [](const void *) { return true; };
  }
  void store(uint64_t &Word, uint64_t New) {
    Written W = {&Word, 8, &Word, &New, 0, true};
    A.write(Site, W);
    Word = New;
  }
  Estimate of(Policy P) { return A.find(1)->Of[P]; }
};

// Ten times a pointer and null: what each encoding holds is carried along.
TEST_F(Writes, PointersComeAndGo) {
  for (int I = 0; I != 10; ++I) {
    store(Memory[0], 0x1230);
    store(Memory[0], 0);
  }
  unsigned Each = flips(0x1230, 0);
  EXPECT_EQ(of(LazyNullPolicy).Writes, 20u);
  EXPECT_EQ(of(LazyNullPolicy).Now, 20u * Each);
  // Stored once; a mark set and taken back after that.
  EXPECT_EQ(of(LazyNullPolicy).Under, Each + 19u);
  EXPECT_EQ(of(InvertedPolicy).Under, 20u * Each);
}

TEST_F(Writes, ComplementsAreCountedOverWhatIsHeld) {
  uint64_t Held = 0, Sum = 0, Now = 0, Was = 0;
  std::mt19937_64 Dice(5);
  for (int I = 0; I != 1000; ++I) {
    uint64_t New = Dice() % 0x20000 & ~7ull;
    uint64_t Stored = encodeUnder(InvertedPolicy, New, 0, SlotSize, Held);
    Sum += flips(Held, Stored);
    Now += flips(Was, New);
    Held = Stored;
    Was = New;
    store(Memory[7], New);
  }
  EXPECT_EQ(of(InvertedPolicy).Under, Sum);
  EXPECT_EQ(of(InvertedPolicy).Now, Now);
  EXPECT_LT(Sum, Now);
  EXPECT_EQ(of(LazyNullPolicy).Now, Now);
}

// What is no pointer and comes over one is the same under all of them, and
// flips what they had there.
TEST_F(Writes, OthersOverPointers) {
  store(Memory[3], 0xFFF8);
  uint64_t Number = 3;
  perdure_flips_site Other = {};
  Other.file = Other.function = Other.field = "";
  Other.number = 2;
  Written W = {&Memory[3], 8, &Memory[3], &Number, 0, true};
  A.write(Other, W);
  EXPECT_EQ(of(InvertedPolicy).OthersNow, flips(0xFFF8, 3));
  EXPECT_EQ(of(InvertedPolicy).OthersUnder,
            flips(encodeUnder(InvertedPolicy, 0xFFF8, 0, SlotSize, 0), 3));
  EXPECT_NE(of(InvertedPolicy).OthersUnder, of(InvertedPolicy).OthersNow);
}

} // namespace

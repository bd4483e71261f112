//===- ControllerTest.cpp - Which cells controllers change ----------------===//

#include "flips/controller.h"

#include <gtest/gtest.h>
#include <random>

using namespace perdure::flips;

namespace {

Options withWords(unsigned Bits) {
  Options O;
  O.FnwBits = Bits;
  return O;
}

unsigned cells(const Change &C) {
  return unsigned(__builtin_popcountll(C.Set) +
                  __builtin_popcountll(C.Cleared)) +
         C.FlagsSet + C.FlagsCleared;
}

/// What the cells stand for.
uint64_t valueOf(Word W, unsigned Bits) {
  uint64_t Value = W.Cells;
  for (unsigned I = 0; I != 64; ++I)
    if (Bits && W.Flags >> I / Bits & 1)
      Value ^= uint64_t(1) << I;
  return Value;
}

TEST(Controller, ComparedChangesWhatDiffers) {
  Controller Write = findController(withWords(0));
  Word W = freshWord(0xF0);
  Change C = Write(W, 0x3C, 0);
  EXPECT_EQ(C.Set, 0x0Cu);
  EXPECT_EQ(C.Cleared, 0xC0u);
  EXPECT_EQ(C.FlagsSet + C.FlagsCleared, 0u);
  EXPECT_EQ(W.Cells, 0x3Cu);
  EXPECT_EQ(cells(Write(W, 0x3C, 0)), 0u);
}

// All pairs of bytes, inverted before or not: the fewer of the two ways to
// write, and never more than half of the word and its flag.
TEST(Controller, FlippedTakesTheShorterWay) {
  Controller Write = findController(withWords(8));
  for (unsigned Cells = 0; Cells != 256; ++Cells)
    for (unsigned Value = 0; Value != 256; ++Value)
      for (uint8_t Flag : {0, 1}) {
        Word W = {Cells, Flag};
        Change C = Write(W, Value, 8);
        auto Plain = unsigned(__builtin_popcount(Cells ^ Value)) + Flag;
        auto Inverted =
            unsigned(__builtin_popcount(Cells ^ (Value ^ 0xFF))) + !Flag;
        ASSERT_EQ(cells(C), std::min(Plain, Inverted));
        ASSERT_LE(cells(C), 4u);
        ASSERT_EQ(valueOf(W, 8), Value);
      }
}

TEST(Controller, WordsOfAnySizeKeepTheirValue) {
  std::mt19937_64 Dice(3);
  for (unsigned Bits : {8u, 16u, 32u, 64u}) {
    Controller Write = findController(withWords(Bits));
    Word W = freshWord(0);
    uint64_t Was = 0;
    for (int I = 0; I != 20000; ++I) {
      uint64_t Value = Dice() & Dice();
      if (Dice() % 4 == 0)
        Value = ~Was;
      Word Before = W;
      Change C = Write(W, Value, Bits);
      ASSERT_EQ(valueOf(W, Bits), Value);
      ASSERT_EQ(Before.Cells ^ W.Cells, C.Set | C.Cleared);
      ASSERT_EQ(C.Set & Before.Cells, 0u);
      ASSERT_EQ(C.Cleared & ~Before.Cells, 0u);
      ASSERT_EQ(unsigned(__builtin_popcount(Before.Flags ^ W.Flags)),
                C.FlagsSet + C.FlagsCleared);
      ASSERT_LE(cells(C), 32u);
      Was = Value;
    }
  }
}

} // namespace

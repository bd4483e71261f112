//===- ProfileTest.cpp - Reading, writing and adding up profiles ----------===//

#include "Profile.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace perdure::flips;

namespace {

class ProfileTest : public testing::Test {
protected:
  std::string Path =
      testing::TempDir() + "profile." + std::to_string(getpid()) + ".flips";
  std::string Why;
  ~ProfileTest() override { remove(Path.c_str()); }
  void put(const std::string &Text) {
    std::ofstream(Path, std::ios::binary) << Text;
  }
  static Profile make() {
    Profile P;
    P.Run = {{"model", "1"}, {"l1", "64:1"}};
    P.Totals["lines_read"] = 3;
    Counters C;
    for (unsigned I = 0; I != CounterCount; ++I)
      C[I] = I + 1;
    P.Places[{"a\tb\\c\n.c", 7, "f", "struct node.next"}] = C;
    P.Places[{"", 0, "", ""}] = C;
    P.Pages[{"memory", 5}] = PageCount{{1, 2}, 3};
    P.Bits[63] = {4, 5};
    return P;
  }
};

TEST_F(ProfileTest, WhatIsWrittenIsRead) {
  Profile P = make(), Q;
  ASSERT_TRUE(writeProfile(Path, P, Why)) << Why;
  ASSERT_TRUE(readProfile(Path, Q, Why)) << Why;
  EXPECT_EQ(Q.Run, P.Run);
  EXPECT_EQ(Q.Totals, P.Totals);
  ASSERT_EQ(Q.Places.size(), 2u);
  Place Odd{"a\tb\\c\n.c", 7, "f", "struct node.next"};
  ASSERT_TRUE(Q.Places.count(Odd));
  EXPECT_EQ(Q.Places[Odd], P.Places[Odd]);
  auto At = Q.Pages[{"memory", 5}];
  EXPECT_EQ(At.Set, 1u);
  EXPECT_EQ(At.Cleared, 2u);
  EXPECT_EQ(At.Writes, 3u);
  EXPECT_EQ(Q.Bits[63].all(), 9u);
  EXPECT_TRUE(Q.hasModel());
}

TEST_F(ProfileTest, SumsAreSums) {
  Profile All;
  ASSERT_TRUE(mergeProfile(All, make(), Why));
  ASSERT_TRUE(mergeProfile(All, make(), Why));
  EXPECT_EQ(All.sum()[Stores], 4u);
  EXPECT_EQ(All.sum().inMedium(), 4u * (6 + 7));
  EXPECT_EQ(All.Totals["lines_read"], 6u);
  EXPECT_EQ((All.Pages[{"memory", 5}].Writes), 6u);
  EXPECT_EQ(All.Bits[63].Cleared, 10u);
}

TEST_F(ProfileTest, WhatWasMeasuredInAnotherWayIsNotAdded) {
  Profile A = make(), B = make();
  B.Run["l1"] = "128:1";
  EXPECT_FALSE(mergeProfile(A, B, Why));
  EXPECT_NE(Why.find("l1 was 64:1, and 128:1"), std::string::npos) << Why;
}

// Cut off anywhere, or a word exchanged: said, not taken for less.
TEST_F(ProfileTest, DamageIsNoticed) {
  ASSERT_TRUE(writeProfile(Path, make(), Why));
  std::stringstream Text;
  Text << std::ifstream(Path, std::ios::binary).rdbuf();
  std::string Whole = Text.str();
  for (size_t End = 0; End < Whole.size(); ++End) {
    Profile P;
    put(Whole.substr(0, End));
    EXPECT_FALSE(readProfile(Path, P, Why)) << End;
  }
  for (const char *Line :
       {"place\ta.c\t1\tf\t\t1\t2\t3\n", "bit\t64\t1\t1\n", "bit\t1\t1\t-1\n",
        "page\tmemory\tx\t1\t1\t1\n", "else\n", "\n", "run\ta\\b\tc\n",
        "total\tloads\t99999999999999999999\n"}) {
    Profile P;
    put(std::string("perdure flips 2\n") + Line);
    EXPECT_FALSE(readProfile(Path, P, Why)) << Line;
    EXPECT_NE(Why.find("line 2"), std::string::npos) << Why;
  }
  Profile P;
  put("perdure flips 2\n");
  EXPECT_FALSE(readProfile(Path, P, Why));
  EXPECT_FALSE(readProfile(Path + ".not-there", P, Why));
}

} // namespace

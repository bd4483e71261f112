//===- MapTest.cpp - The same objects at other addresses ------------------===//
//
// A graph over three objects is written by one process and read by others whose
// windows lie higher and lower. The bits must be the same to the last one.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <string.h>

namespace {

constexpr int Nodes = 3000;

struct Node {
  uint64_t Next, Cross;
  uint64_t Value;
};

Node *at(uint64_t &Field) {
  return (Node *)__perdure_decode_object(Field, &Field);
}
void point(uint64_t &Field, const void *P) {
  Field = __perdure_encode_object(P, &Field, nullptr);
}

CHILD(write) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), PERDURE_CREATE);
  REQUIRE(S);
  Node *Roots[3], *Last[3];
  for (int I = 0; I < 3; ++I) {
    Roots[I] = Last[I] =
        (Node *)perdure_create(S, std::to_string(I).c_str(), sizeof(Node), 0);
    REQUIRE(Roots[I]);
  }
  for (int I = 0; I < Nodes; ++I) {
    auto *N = (Node *)perdure_alloc(Roots[I % 3], sizeof(Node));
    REQUIRE(N);
    N->Value = (uint64_t)I;
    point(N->Cross, Last[(I + 1) % 3]);
    point(Last[I % 3]->Next, N);
    Last[I % 3] = N;
  }
  printf("%llx\n", (unsigned long long)__perdure_window.base);
  return 0;
}

CHILD(read) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *Root = (Node *)perdure_open(S, "0", 0); // the others come by themselves
  REQUIRE(Root);
  uint64_t Sum = 0;
  int Count = 0;
  for (Node *N = at(Root->Next); N; N = at(N->Next)) {
    REQUIRE(N->Value % 3 == 0);
    Node *Cross = at(N->Cross);
    Sum = Sum * 31 + N->Value + Cross->Value;
    // Storing it again gives the same bits.
    uint64_t Bits = N->Cross;
    point(N->Cross, Cross);
    REQUIRE(N->Cross == Bits);
    ++Count;
  }
  printf("%d %llx %llx\n", Count, (unsigned long long)Sum,
         (unsigned long long)__perdure_window.base);
  return Count != Nodes / 3;
}

using Map = StoreTest;

TEST_F(Map, ReopensHigherAndLower) {
#if SLOT_BITS == 35
  const char *Places[] = {"window=0x300000000000", "window=0x100000000000",
                          "window=0x380000000000", "window=0x080000000000"};
#else
  const char *Places[] = {"window=0x7a4000000000", "window=0x7a0000000000",
                          "window=0x7a8000000000", ""};
#endif
  std::string Store = Temporary + "/graph";
  ChildResult R = runChild("write", {Store}, Places[0]);
  ASSERT_EQ(R.Exit, 0) << R.Output;
  EXPECT_EQ("window=0x" + R.Output, std::string(Places[0]) + "\n");
  std::string Sum;
  for (const char *Place : Places) {
    R = runChild("read", {Store}, Place);
    ASSERT_EQ(R.Exit, 0) << Place << R.Output;
    size_t Base = R.Output.rfind(' ');
    if (*Place) {
      EXPECT_EQ(std::stoull(R.Output.substr(Base), nullptr, 16),
                std::stoull(Place + 7, nullptr, 16));
    }
    if (Sum.empty())
      Sum = R.Output.substr(0, Base);
    EXPECT_EQ(R.Output.substr(0, Base), Sum);
  }
}

TEST_F(Map, SmallAddressSpaceGivesFewerSlots) {
#if SLOT_BITS != 35
  GTEST_SKIP() << "sanitizers need all of it";
#endif
  std::string Store = Temporary + "/graph";
  ChildResult R = runChild("write", {Store}, "");
  ASSERT_EQ(R.Exit, 0) << R.Output;
  // 0x400000000000 bytes from here would reach the kernel's half.
  R = runChild("read", {Store}, "window=0x700000000000");
  EXPECT_EQ(R.Exit, 0) << R.Output;
}

} // namespace

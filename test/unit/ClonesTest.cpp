//===- ClonesTest.cpp - What runs in transactions instead -----------------===//

#include "tx/clones.h"
#include "entry/entry.h"
#include "perdure/runtime.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

extern "C" {
void *__perdure_tx_clone(void *);
void *__perdure_tx_body(void *);
}

namespace {

void *address(uint64_t N) { return reinterpret_cast<void *>(N); }

/// The rows of one binary, for as long as it is loaded.
class Binary {
  std::vector<perdure_tx_pair> Rows;

public:
  Binary(uint64_t First, uint64_t Count, uint64_t To, uint64_t Step = 16) {
    for (uint64_t I = 0; I < Count; ++I)
      Rows.push_back({address(First + I * Step), address(To + I * Step)});
    __perdure_tx_register_clones(1, Rows.data(), Rows.size());
  }
  ~Binary() { __perdure_tx_unregister_clones(Rows.data(), Rows.size()); }
  Binary(const Binary &) = delete;
};

TEST(Clones, AreFoundWhileTheirBinaryIsLoaded) {
  {
    Binary Small(0x1000, 3, 0x2000);
    Binary Large(0x100000, 5000, 0x900000, 48);
    EXPECT_EQ(__perdure_tx_clone(address(0x1010)), address(0x2010));
    for (uint64_t I = 0; I < 5000; ++I)
      ASSERT_EQ(__perdure_tx_body(address(0x100000 + I * 48)),
                address(0x900000 + I * 48));
  }
  // Outside a transaction the function itself.
  EXPECT_EQ(__perdure_tx_clone(address(0x1010)), address(0x1010));
  EXPECT_EQ(__perdure_tx_clone(nullptr), nullptr);
  // The same place, another time.
  Binary Again(0x1000, 3, 0x3000);
  EXPECT_EQ(__perdure_tx_clone(address(0x1010)), address(0x3010));
}

TEST(Clones, OfAFunctionThatTwoBinariesHaveStayWithTheOther) {
  auto First = std::make_unique<Binary>(0x1000, 4, 0x2000);
  Binary Second(0x1000, 8, 0x3000);
  EXPECT_EQ(__perdure_tx_clone(address(0x1010)), address(0x2010));
  EXPECT_EQ(__perdure_tx_clone(address(0x1050)), address(0x3050));
  First.reset();
  EXPECT_EQ(__perdure_tx_clone(address(0x1010)), address(0x3010));
  EXPECT_EQ(__perdure_tx_clone(address(0x1050)), address(0x3050));
}

TEST(Clones, AreFoundWhileOthersComeAndGo) {
  Binary Stays(0x10000, 100, 0x20000);
  std::atomic<bool> Done{false};
  std::atomic<uint64_t> Wrong{0};
  auto Look = [&] {
    while (!Done)
      for (uint64_t I = 0; I < 100; ++I)
        Wrong += __perdure_tx_clone(address(0x10000 + I * 16)) !=
                 address(0x20000 + I * 16);
  };
  std::thread A(Look), B(Look);
  for (uint64_t I = 0; I < 300; ++I)
    Binary Passing(0x1000000 + I * 0x1000, 64 + I % 50, 0x5000000);
  Done = true;
  A.join();
  B.join();
  EXPECT_EQ(Wrong, 0u);
}

TEST(ClonesDeathTest, AreMissedWhereATransactionBegins) {
  EXPECT_DEATH(__perdure_tx_body(reinterpret_cast<void *>(&address)),
               "a transaction calls .* of which there is no copy that logs");
}

} // namespace

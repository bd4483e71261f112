//===- CacheTest.cpp - The caches beside lists ----------------------------===//

#include "flips/cache.h"

#include <gtest/gtest.h>
#include <list>
#include <random>
#include <vector>

using namespace perdure::flips;

namespace {

struct Event {
  char What; // r or w
  uint64_t Line;
  bool operator==(const Event &O) const {
    return What == O.What && Line == O.Line;
  }
};
std::ostream &operator<<(std::ostream &Out, const Event &E) {
  return Out << E.What << E.Line / 64;
}

struct Recorder {
  std::vector<Event> Events;
  Behind behind() {
    return {this,
            [](void *R, uint64_t L) {
              static_cast<Recorder *>(R)->Events.push_back({'r', L});
            },
            [](void *R, uint64_t L) {
              static_cast<Recorder *>(R)->Events.push_back({'w', L});
            }};
  }
};

/// A set is a list, the most recently used in front.
class Plain {
  struct Held {
    uint64_t Line;
    bool Dirty;
  };
  using Set = std::list<Held>;
  struct Level {
    std::vector<Set> Sets;
    unsigned Ways;
    Set &of(uint64_t Line) { return Sets[Line / 64 % Sets.size()]; }
    Held *look(uint64_t Line) {
      for (Held &H : of(Line))
        if (H.Line == Line)
          return &H;
      return nullptr;
    }
    Held *use(uint64_t Line) {
      Set &S = of(Line);
      for (auto I = S.begin(); I != S.end(); ++I)
        if (I->Line == Line) {
          S.splice(S.begin(), S, I);
          return &S.front();
        }
      return nullptr;
    }
  };
  Level L1, L2;

  static Level make(CacheShape C) {
    return {std::vector<Set>(C.Bytes / 64 / C.Ways), C.Ways};
  }
  void leaveFirst(uint64_t Line) {
    Set &S = L1.of(Line);
    for (auto I = S.begin(); I != S.end(); ++I)
      if (I->Line == Line) {
        if (I->Dirty)
          L2.use(Line)->Dirty = true;
        S.erase(I);
        return;
      }
  }

public:
  std::vector<Event> Events;
  Plain(CacheShape A, CacheShape B) : L1(make(A)), L2(make(B)) {}

  void access(uint64_t Line, bool Writes) {
    Held *H = L1.use(Line);
    if (!H) {
      Set &S = L1.of(Line);
      if (S.size() == L1.Ways)
        leaveFirst(S.back().Line);
      if (!L2.use(Line)) {
        Set &T = L2.of(Line);
        if (T.size() == L2.Ways) {
          auto Gone = std::prev(T.end()); // what it held may come down to it
          leaveFirst(Gone->Line);
          if (Gone->Dirty)
            Events.push_back({'w', Gone->Line});
          T.erase(Gone);
        }
        Events.push_back({'r', Line});
        T.push_front({Line, false});
      }
      S.push_front({Line, false});
      H = &S.front();
    }
    H->Dirty |= Writes;
  }
  // What is written back is none the younger.
  void flush(uint64_t Line) {
    Held *A = L1.look(Line), *B = L2.look(Line);
    if (B && (B->Dirty || (A && A->Dirty)))
      Events.push_back({'w', Line});
    if (B)
      B->Dirty = false;
    if (A)
      A->Dirty = false;
  }
};

struct Shapes {
  CacheShape First, Second;
};
class Random : public testing::TestWithParam<Shapes> {};

// Few lines, so that they often meet, and runs of one, which the caches skip.
TEST_P(Random, MeetsAsListsDo) {
  auto [First, Second] = GetParam();
  for (unsigned Seed = 1; Seed != 20; ++Seed) {
    Recorder R;
    Caches C(First, Second, R.behind());
    Plain P(First, Second);
    std::mt19937 Dice(Seed);
    uint64_t Line = 64;
    for (int Step = 0; Step != 20000; ++Step) {
      if (Dice() % 3)
        Line = (1 + Dice() % 40) * 64 * (Dice() % 4 ? 1 : 3);
      if (Dice() % 16 == 0) {
        C.flush(Line);
        P.flush(Line);
      } else {
        bool Writes = Dice() % 2;
        C.access(Line, Writes);
        P.access(Line, Writes);
      }
      ASSERT_EQ(R.Events.size(), P.Events.size()) << "step " << Step;
    }
    ASSERT_EQ(R.Events, P.Events);
    // What is dirty is written, and then nothing is.
    R.Events.clear();
    C.flushAll();
    for (const Event &E : R.Events)
      EXPECT_EQ(E.What, 'w');
    R.Events.clear();
    C.flushAll();
    EXPECT_TRUE(R.Events.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Caches, Random,
                         testing::Values(Shapes{{64, 1}, {64, 1}},
                                         Shapes{{128, 1}, {256, 2}},
                                         Shapes{{256, 2}, {512, 4}},
                                         Shapes{{512, 8}, {512, 1}},
                                         Shapes{{1024, 2}, {1024, 8}}));

} // namespace

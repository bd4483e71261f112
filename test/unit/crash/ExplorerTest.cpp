//===- ExplorerTest.cpp - Which images are tried, and what is said --------===//

#include "Traces.h"

#include "../../../tools/crash/Explorer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

using namespace crash;
namespace fs = std::filesystem;

namespace {
struct Exploring : testing::Test {
  Exploring() {
    const char *Base = fs::exists("/dev/shm") ? "/dev/shm" : "/tmp";
    Folder = std::string(Base) + "/perdure-crash-unit.XXXXXX";
    EXPECT_NE(mkdtemp(&Folder[0]), nullptr);
    fs::create_directory(Folder + "/scratch");
    Plan.Scratch = Folder + "/scratch";
    Plan.Keep = Folder + "/keep";
    Plan.Jobs = 2;
  }
  ~Exploring() override { fs::remove_all(Folder); }

  // From files "a" and "b", full of '.'.
  crash::Outcome run(const std::vector<Event> &Events, uint64_t FileBytes) {
    return explore(Plan, runOf(Events, FileBytes),
                   [](const crash::Outcome &, double, bool) {});
  }

  static crash::Run runOf(const std::vector<Event> &Events, uint64_t FileBytes,
                          const std::string &Root = "/r") {
    crash::Run R;
    R.Events = Events;
    R.Root = Root;
    for (const char *Name : {"a", "b"})
      R.Files[Name] = std::make_unique<std::string>(FileBytes, '.');
    return R;
  }

  // A check that writes down what it is given, and then does More.
  void record(const std::string &More) {
    fs::create_directory(Folder + "/seen");
    Plan.Command.Text = "{ cat a b; echo :; cat; } > $(mktemp '" + Folder +
                        "/seen/XXXXXX'); " + More;
  }
  std::multiset<std::string> seen() const {
    std::multiset<std::string> Found;
    for (const auto &Entry : fs::directory_iterator(Folder + "/seen"))
      Found.insert(read(Entry.path()));
    return Found;
  }
  static std::string read(const fs::path &Path) {
    std::ifstream File(Path, std::ios::binary);
    return {std::istreambuf_iterator<char>(File), {}};
  }

  std::string Folder;
  struct Plan Plan;
};
} // namespace

// The check sees each outcome of each point, and none twice.
TEST_F(Exploring, TriesAllThatThereIsOnce) {
  for (Medium Kind : {Medium::Dax, Medium::Page}) {
    uint64_t FileBytes = Kind == Medium::Dax ? 192 : 1536;
    Plan.On = Kind;
    for (uint64_t Seed = 1; Seed <= 2; ++Seed) {
      SCOPED_TRACE(Seed);
      record("true");
      std::vector<Event> Events = randomTrace(Kind, Seed, FileBytes, 4, 9);
      std::multiset<std::string> Expected;
      Model M = twoFiles(Kind, FileBytes);
      std::set<Left> All;
      for (const Event &E : Events) {
        if (M.isPoint(E))
          All.merge(outcomesOf(M.point()));
        M.replay(E);
      }
      All.merge(outcomesOf(M.point()));
      for (const Left &L : All)
        Expected.insert(L.Content.at("a") + L.Content.at("b") + ":\n" +
                        L.Notes);
      crash::Outcome Found = run(Events, FileBytes);
      EXPECT_TRUE(Found.Exhausted);
      EXPECT_EQ(Found.Failed, 0u);
      EXPECT_EQ(Found.Checked, All.size());
      EXPECT_EQ(seen(), Expected);
      fs::remove_all(Folder + "/seen");
    }
  }
}

// Four lines, and the check fails where C is there without A: B and D are given
// back, A is to blame.
static std::vector<Event> fourLines() {
  TraceMaker T;
  T.map("a", 0x10000, 256);
  for (int I = 0; I < 4; ++I)
    T.store(0x10000 + 64u * static_cast<unsigned>(I),
            std::string(1, static_cast<char>('A' + I)));
  return T.Events;
}

TEST_F(Exploring, BlamesWhatWasLost) {
  Plan.Command.Text = "grep -q C a && ! grep -q A a && { echo no A; exit 3; }; "
                      "exit 0";
  crash::Outcome Found = run(fourLines(), 256);
  EXPECT_TRUE(Found.Exhausted);
  EXPECT_EQ(Found.Checked, 16u);
  EXPECT_EQ(Found.Failed, 4u); // with and without B and D
  ASSERT_EQ(Found.Failures.size(), 1u);
  const Failure &F = Found.Failures[0];
  EXPECT_EQ(F.Count, 4u);
  EXPECT_EQ(F.Why, "exit status 3");
  EXPECT_EQ(F.Output, "no A\n");
  EXPECT_EQ(F.Lost, std::vector<std::string>{"store at line 1 to a"});
  EXPECT_EQ(F.Kept, Folder + "/keep/1");
  std::string A = read(F.Kept + "/a");
  EXPECT_EQ(std::string({A[0], A[64], A[128], A[192]}), ".BCD");
}

TEST_F(Exploring, KeepsToItsBudgetAndSeed) {
  Plan.Images = 9;
  Plan.Jobs = 1;
  record("true");
  crash::Outcome Found = run(fourLines(), 256);
  EXPECT_FALSE(Found.Exhausted);
  EXPECT_EQ(Found.Checked, 9u);
  std::multiset<std::string> First = seen();
  EXPECT_EQ(First.size(), 9u);
  fs::remove_all(Folder + "/seen");
  record("true");
  run(fourLines(), 256);
  EXPECT_EQ(seen(), First);
  fs::remove_all(Folder + "/seen");
  Plan.Seed = 2;
  record("true");
  run(fourLines(), 256);
  EXPECT_NE(seen(), First);
}

// More than can be tried: the samples are images of the model, all of them
// different, and the first ones are those that lose all, nothing and one.
TEST_F(Exploring, SamplesWhatIsTooMuch) {
  TraceMaker T;
  T.map("a", 0x10000, 64 * 30);
  for (unsigned I = 0; I < 30; ++I)
    T.store(0x10000 + 64 * I, "X");
  Plan.Images = 100;
  record("true");
  crash::Outcome Found = run(T.Events, 64 * 30);
  EXPECT_EQ(Found.Checked, 100u);
  EXPECT_FALSE(Found.Exhausted);
  std::multiset<std::string> Seen = seen();
  EXPECT_EQ(std::set<std::string>(Seen.begin(), Seen.end()).size(), 100u);
  std::map<long, unsigned> Stored;
  for (const std::string &S : Seen)
    ++Stored[std::count(S.begin(), S.end(), 'X')];
  EXPECT_EQ(Stored[0], 1u);
  EXPECT_EQ(Stored[30], 1u);
  EXPECT_GE(Stored[1], 1u);
  EXPECT_GE(Stored[29], 1u);
}

// The same bytes with more promised are another image.
TEST_F(Exploring, ANoteMakesAnotherImage) {
  TraceMaker T;
  T.note("promised");
  Plan.Command.Text = "! grep -q promised";
  crash::Outcome Found = run(T.Events, 64);
  EXPECT_EQ(Found.Checked, 2u);
  EXPECT_EQ(Found.Failed, 1u);
  EXPECT_EQ(read(Folder + "/keep/1.notes"), "promised\n");
}

TEST_F(Exploring, ACheckThatCannotBeRunEndsIt) {
  Plan.Command.Text = "no-such-command";
  EXPECT_NE(run(fourLines(), 256).Trouble, "");
  Plan.Command.Text = "/dev/null"; // may not be executed
  EXPECT_NE(run(fourLines(), 256).Trouble, "");
  Plan.Command = {"true", true}; // it says no hello
  EXPECT_NE(run(fourLines(), 256).Trouble.find("perdure_crash_check"),
            std::string::npos);
}

TEST_F(Exploring, StoresThatWereNotTracedAreNoticed) {
  TraceMaker T;
  fs::create_directory(Folder + "/run");
  std::ofstream(Folder + "/run/a") << std::string(63, '.') << '!';
  std::ofstream(Folder + "/run/b") << std::string(64, '.');
  std::ofstream(Folder + "/run/c") << "unknown";
  Plan.Command.Text = "true";
  crash::Outcome Found = explore(Plan, runOf(T.Events, 64, Folder + "/run"),
                                 [](const crash::Outcome &, double, bool) {});
  EXPECT_EQ(Found.Untraced, (std::vector<std::string>{"c, which it has made",
                                                      "a from offset 63"}));
}

//===----------------------------------------------------------------------===//
// Without one primitive
//===----------------------------------------------------------------------===//

static bool isPrimitive(const Event &E) {
  return E.Kind == PERDURE_TRACE_FLUSH || E.Kind == PERDURE_TRACE_FENCE ||
         E.Kind == PERDURE_TRACE_MSYNC || E.Kind == PERDURE_TRACE_SYNC;
}

// All that the run without Chain allows and the whole one does not, at each
// point.
static std::set<Left> forbiddenBy(const std::string &Chain, Medium Kind,
                                  const std::vector<Event> &Events,
                                  uint64_t FileBytes) {
  Model Whole = twoFiles(Kind, FileBytes), M = Whole;
  std::set<Left> All;
  for (size_t I = 0; I <= Events.size(); ++I) {
    Event Without;
    if (I < Events.size())
      Without = Events[I];
    if (I < Events.size() && isPrimitive(Without) && Without.Text == Chain) {
      Without.Kind = PERDURE_TRACE_TOUCH; // of no file
      Without.Data.clear();
    }
    if (I == Events.size() || M.isPoint(Without)) {
      std::set<Left> More = outcomesOf(M.point());
      for (const Left &L : outcomesOf(Whole.point()))
        More.erase(L);
      All.merge(More);
    }
    if (I < Events.size()) {
      M.replay(Without);
      Whole.replay(Events[I]);
    }
  }
  return All;
}

TEST_F(Exploring, TriesWhatAPrimitiveForbids) {
  for (Medium Kind : {Medium::Dax, Medium::Page}) {
    uint64_t Tried = 0, FileBytes = Kind == Medium::Dax ? 192 : 1536;
    Plan.On = Kind;
    for (uint64_t Seed = 1; Tried < 100 && Seed < 50; ++Seed) {
      std::vector<Event> Events = randomTrace(Kind, Seed, FileBytes, 5, 9);
      // All that are of one kind are one.
      for (Event &E : Events)
        if (isPrimitive(E))
          E.Text = std::to_string(E.Kind);
      for (auto Left : {PERDURE_TRACE_FLUSH, PERDURE_TRACE_FENCE,
                        PERDURE_TRACE_MSYNC, PERDURE_TRACE_SYNC}) {
        std::multiset<std::string> Expected;
        for (const auto &L :
             forbiddenBy(std::to_string(Left), Kind, Events, FileBytes))
          Expected.insert(L.Content.at("a") + L.Content.at("b") + ":\n" +
                          L.Notes);
        if (Expected.empty() || Expected.size() > 200)
          continue; // shells are slow
        record("true");
        crash::Run R = runOf(Events, FileBytes);
        crash::Outcome Found =
            exploreWithout(Plan, std::to_string(Left), {&R},
                           [](const crash::Outcome &, double, bool) {});
        EXPECT_TRUE(Found.Exhausted);
        EXPECT_EQ(Found.Checked, Expected.size());
        EXPECT_EQ(seen(), Expected);
        Tried += Expected.size();
        fs::remove_all(Folder + "/seen");
      }
    }
    EXPECT_GE(Tried, 100u);
  }
}

// Thirty lines, flushed, and one that says that they are there: 2^30 images are
// allowed in any case, and those that fail are found at once.
TEST_F(Exploring, LosesFirstWhatAPrimitiveMakesCertain) {
  TraceMaker T;
  T.map("a", 0x10000, 64 * 62);
  for (unsigned I = 0; I < 30; ++I)
    T.store(0x10000 + 64 * I, "X");
  T.flush(0x10000, 64 * 30);
  T.fence();
  const std::string Fence = T.Events.back().Text;
  for (unsigned I = 30; I < 60; ++I)
    T.store(0x10000 + 64 * I, "Y");
  T.store(0x10000 + 64 * 60, "Z");
  Plan.Jobs = 1;
  Plan.Images = 200;
  // As a program that relies on the fence, of one line only.
  Plan.Command.Text = "! grep -q Z a || test $(head -c 1921 a | tail -c 65 | "
                      "tr -cd X | wc -c) = 1";
  crash::Run R = runOf(T.Events, 64 * 62);
  auto Quiet = [](const crash::Outcome &, double, bool) {};
  EXPECT_EQ(explore(Plan, R, Quiet).Failed, 0u);
  crash::Outcome Found = exploreWithout(Plan, Fence, {&R}, Quiet);
  EXPECT_EQ(Found.Failed, 1u);
  EXPECT_LT(Found.Checked, 70u);
  ASSERT_EQ(Found.Failures.size(), 1u);
  EXPECT_EQ(Found.Failures[0].Lost,
            std::vector<std::string>{"store at line 30 to a"});
}

// A run that comes after a power failure is looked at, too, and one that does
// not make the primitive is not.
TEST_F(Exploring, LeavesOutInAllRuns) {
  TraceMaker T, Second;
  T.map("a", 0x10000, 64);
  T.store(0x10000, "A");
  T.note("stored");
  Second.map("b", 0x20000, 64);
  Second.store(0x20000, "B");
  Second.flush(0x20000, 1);
  Second.Events.back().Text = "the flush";
  Second.fence();
  Second.note("flushed");
  crash::Run One = runOf(T.Events, 64), Two = runOf(Second.Events, 64);
  Plan.Command.Text = "! grep -q flushed || grep -q B b";
  auto Quiet = [](const crash::Outcome &, double, bool) {};
  EXPECT_EQ(explore(Plan, Two, Quiet).Failed, 0u);
  crash::Outcome Found = exploreWithout(Plan, "the flush", {&One, &Two}, Quiet);
  EXPECT_EQ(Found.Failed, 1u);
  EXPECT_EQ(exploreWithout(Plan, "the flush", {&One}, Quiet).Checked, 0u);
}

// A then B, then A again, and nothing flushed: the whole of it is A.
TEST_F(Exploring, TakesTheLastOfEqualContentsForTheWhole) {
  TraceMaker T;
  fs::create_directory(Folder + "/run");
  std::ofstream(Folder + "/run/a") << std::string(64, '.');
  std::ofstream(Folder + "/run/b") << std::string(64, '.');
  T.map("a", 0x10000, 64);
  T.store(0x10000, "A");
  T.store(0x10000, ".");
  for (Event &E : T.Events) // where the run was
    if (E.Kind == PERDURE_TRACE_MAP)
      E.Data = Folder + "/run/a";
  Plan.Command.Text = "! grep -q A a";
  crash::Outcome Found = explore(Plan, runOf(T.Events, 64, Folder + "/run"),
                                 [](const crash::Outcome &, double, bool) {});
  EXPECT_TRUE(Found.Untraced.empty());
  EXPECT_EQ(Found.Checked, 2u);
  ASSERT_EQ(Found.Failures.size(), 1u);
  EXPECT_EQ(Found.Failures[0].Lost,
            std::vector<std::string>{"store at line 2 to a"});
}

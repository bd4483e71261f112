//===- ModelTest.cpp - What the model says may be left --------------------===//

#include "Traces.h"

#include <gtest/gtest.h>

using namespace crash;

namespace {
struct ModelRandom : testing::TestWithParam<Medium> {};
} // namespace

static std::set<Files> contents(const std::set<Left> &Of) {
  std::set<Files> Found;
  for (const Left &L : Of)
    Found.insert(L.Content);
  return Found;
}

static bool contains(const std::set<Files> &All, const std::set<Files> &Part) {
  return std::includes(All.begin(), All.end(), Part.begin(), Part.end());
}

// At each of its points the model gives what brute force gives; and between two
// of them nothing is left that is not left at the second, where as much is
// promised.
TEST_P(ModelRandom, GivesWhatBruteForceGives) {
  uint64_t FileBytes = GetParam() == Medium::Dax ? 192 : 1536;
  for (uint64_t Seed = 1; Seed <= 80; ++Seed) {
    SCOPED_TRACE(Seed);
    std::vector<Event> Events = randomTrace(GetParam(), Seed, FileBytes, 6, 17);
    Model M = twoFiles(GetParam(), FileBytes);
    std::vector<std::set<Files>> Between;
    for (size_t K = 0; K <= Events.size(); ++K) {
      std::set<Left> Expected =
          simpleOutcomes(GetParam(), Events, K, FileBytes);
      Between.push_back(contents(Expected));
      if (K == Events.size() || M.isPoint(Events[K])) {
        std::set<Left> Found = outcomesOf(M.point());
        ASSERT_TRUE(!(Found < Expected) && !(Expected < Found))
            << "before event " << K << ": " << Found.size() << " outcomes, "
            << Expected.size() << " by brute force";
        for (const std::set<Files> &Earlier : Between)
          ASSERT_TRUE(contains(contents(Found), Earlier))
              << "something could be left before event " << K
              << " that is tried nowhere";
        Between.clear();
      }
      if (K < Events.size())
        M.replay(Events[K]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Media, ModelRandom,
                         testing::Values(Medium::Dax, Medium::Page));

//===----------------------------------------------------------------------===//
// Stores, one rule at a time
//===----------------------------------------------------------------------===//

// The contents of "a" that may be left at the end.
static std::set<std::string> ends(Medium Kind, const std::vector<Event> &Events,
                                  uint64_t FileBytes) {
  Model M = twoFiles(Kind, FileBytes);
  for (const Event &E : Events)
    M.replay(E);
  std::set<std::string> Found;
  for (const Left &L : outcomesOf(M.point()))
    Found.insert(L.Content.at("a"));
  return Found;
}

TEST(Model, AStoreReachesTheMediumInAlignedWordsInAnyOrder) {
  TraceMaker T;
  T.map("a", 0x10000, 64);
  T.store(0x10006, "ABCDEFGHIJKL");
  std::set<std::string> Expected;
  for (unsigned Some = 0; Some < 8; ++Some) {
    std::string Text(64, '.');
    if (Some & 1)
      Text.replace(6, 2, "AB");
    if (Some & 2)
      Text.replace(8, 8, "CDEFGHIJ");
    if (Some & 4)
      Text.replace(16, 2, "KL");
    Expected.insert(Text);
  }
  EXPECT_EQ(ends(Medium::Dax, T.Events, 64), Expected);
}

// Of eight words not each of the 256 sets: what is there up to a word or from
// one on, a word alone, and all but a word.
TEST(Model, OfALongStoreAnythingMayComeFirst) {
  TraceMaker T;
  T.map("a", 0x10000, 64);
  T.store(0x10000, std::string(64, 'A'));
  std::set<std::string> Found = ends(Medium::Dax, T.Events, 64);
  EXPECT_EQ(Found.size(), 1u + 8 + 7 + 6 + 6);
  for (size_t I = 0; I < 64; I += 8) {
    std::string One(64, '.'), Others(64, 'A');
    One.replace(I, 8, 8, 'A');
    Others.replace(I, 8, 8, '.');
    EXPECT_TRUE(Found.count(One)) << I;
    EXPECT_TRUE(Found.count(Others)) << I;
    EXPECT_TRUE(Found.count(std::string(I, '.') + std::string(64 - I, 'A')));
  }
}

// The words of a store have no order, stores do.
TEST(Model, ALaterStoreComesAfterTheWordsOfAnEarlierOne) {
  TraceMaker T;
  T.map("a", 0x10000, 64);
  T.store(0x10000, std::string(16, 'A'));
  T.store(0x10010, std::string(16, 'B'));
  std::set<std::string> Found = ends(Medium::Dax, T.Events, 64);
  EXPECT_EQ(Found.size(), 4u + 3);
  for (const std::string &S : Found)
    EXPECT_TRUE(S.substr(16, 16) == std::string(16, '.') ||
                S.substr(0, 16) == std::string(16, 'A'));
}

TEST(Model, ALineHoldsAPrefixOfItsStores) {
  TraceMaker T;
  T.map("a", 0x10000, 128);
  T.store(0x10000, "A");
  T.store(0x10040, "B"); // another line
  T.store(0x10008, "C");
  std::set<std::string> Found = ends(Medium::Dax, T.Events, 128);
  EXPECT_EQ(Found.size(), 3u * 2u);
  for (const std::string &S : Found)
    EXPECT_FALSE(S[8] == 'C' && S[0] != 'A');
}

TEST(Model, AFenceIsOfItsOwnThread) {
  TraceMaker T;
  T.map("a", 0x10000, 64);
  T.store(0x10000, "A");
  T.flush(0x10000, 1);
  T.Thread = 2;
  T.fence();
  EXPECT_EQ(ends(Medium::Dax, T.Events, 64).size(), 2u);
  T.Thread = 1;
  T.fence();
  EXPECT_EQ(ends(Medium::Dax, T.Events, 64).size(), 1u);
}

TEST(Model, AFlushTakesWhatIsThereWhenItBegins) {
  TraceMaker T;
  T.map("a", 0x10000, 64);
  T.store(0x10000, "A");
  T.flush(0x10000, 1);
  T.store(0x10000, "B");
  T.fence();
  for (const std::string &S : ends(Medium::Dax, T.Events, 64))
    EXPECT_NE(S[0], '.');
  EXPECT_EQ(ends(Medium::Dax, T.Events, 64).size(), 2u);
}

TEST(Model, ASyncTakesWhatIsThereWhenItBegins) {
  TraceMaker T;
  T.map("a", 0x10000, 512);
  T.store(0x10000, "A");
  T.add(PERDURE_TRACE_SYNC, 0, 0, "/r/a");
  T.store(0x10000, "B");
  T.synced();
  EXPECT_EQ(ends(Medium::Page, T.Events, 512).size(), 2u);
}

// A sync that failed has no end.
TEST(Model, ASyncThatDoesNotEndPromisesNothing) {
  TraceMaker T;
  T.map("a", 0x10000, 512);
  T.store(0x10000, "A");
  T.add(PERDURE_TRACE_SYNC, 0, 0, "/r/a");
  EXPECT_EQ(ends(Medium::Page, T.Events, 512).size(), 2u);
}

TEST(Model, AWriteReachesPageMediaInSectors) {
  TraceMaker T;
  T.add(PERDURE_TRACE_WRITE, 500, 0,
        std::string("/r/a") + '\0' + std::string(100, 'W'));
  std::set<std::string> Found = ends(Medium::Page, T.Events, 1024);
  EXPECT_EQ(Found.size(), 4u);
  for (const std::string &S : Found)
    EXPECT_TRUE((S[500] == S[511]) && (S[512] == S[599]));
}

TEST(Model, StoresElsewhereAreNothingOfOurs) {
  TraceMaker T;
  T.map("a", 0x10000, 64);
  T.store(0x10040, "A"); // behind it
  T.add(PERDURE_TRACE_MAP, 0x10000, 64, "");
  T.store(0x10000, "A"); // no longer there
  T.Process = 2;
  T.store(0x10000, "A"); // never there
  EXPECT_EQ(ends(Medium::Dax, T.Events, 64).size(), 1u);
}

TEST(Model, EqualContentsAreOneVersion) {
  TraceMaker T;
  T.map("a", 0x10000, 64);
  T.store(0x10000, "A");
  T.store(0x10000, ".");
  Model M = twoFiles(Medium::Dax, 64);
  for (const Event &E : T.Events)
    M.replay(E);
  Point P = M.point();
  ASSERT_EQ(P.Dimensions.size(), 1u);
  EXPECT_EQ(P.Dimensions[0].Hash.size(), 2u);
}

//===----------------------------------------------------------------------===//
// Sizes and names
//===----------------------------------------------------------------------===//

TEST(Model, AFileHasAnySizeThatItHadSinceItsSync) {
  TraceMaker T;
  T.size("a", 70);
  T.size("a", 3);
  EXPECT_EQ(
      ends(Medium::Dax, T.Events, 64),
      (std::set<std::string>{std::string(64, '.'), "...",
                             std::string(64, '.') + std::string(6, '\0')}));
  T.sync("a");
  EXPECT_EQ(ends(Medium::Dax, T.Events, 64), std::set<std::string>{"..."});
}

// Names and contents that may be left at the end.
static std::set<Files> left(const std::vector<Event> &Events) {
  Model M(Medium::Page, "/r");
  for (const Event &E : Events)
    M.replay(E);
  return contents(outcomesOf(M.point()));
}

TEST(Model, NamesReachTheMediumInTheirOrder) {
  TraceMaker T;
  T.create("x");
  T.create("y");
  T.unlink("x");
  EXPECT_EQ(
      left(T.Events),
      (std::set<Files>{{}, {{"x", ""}}, {{"x", ""}, {"y", ""}}, {{"y", ""}}}));
}

TEST(Model, ASyncOfADirectoryIsOfItsOwnNames) {
  TraceMaker T;
  T.mkdir("d");
  T.sync("");
  T.create("d/x");
  T.create("y");
  T.create("d/z");
  T.sync("d");
  EXPECT_EQ(
      left(T.Events),
      (std::set<Files>{{{"d", ""}, {"d/x", ""}, {"d/z", ""}},
                       {{"d", ""}, {"d/x", ""}, {"d/z", ""}, {"y", ""}}}));
}

TEST(Model, ASyncOfAFileKeepsNoName) {
  TraceMaker T;
  T.create("x");
  T.sync("x");
  EXPECT_EQ(left(T.Events), (std::set<Files>{{}, {{"x", ""}}}));
}

TEST(Model, WithoutItsDirectoryNothingIsThere) {
  TraceMaker T;
  T.mkdir("d");
  T.create("d/x");
  T.sync("d");
  EXPECT_EQ(left(T.Events), (std::set<Files>{{}, {{"d", ""}, {"d/x", ""}}}));
}

// The sync of one end takes the other with it, and what that depends on.
TEST(Model, ARenameBetweenDirectoriesIsOne) {
  TraceMaker T;
  T.mkdir("d");
  T.mkdir("e");
  T.sync("");
  T.create("d/x");
  T.rename("d/x", "e/y");
  T.create("d/z");
  EXPECT_EQ(left(T.Events).size(), 4u);
  T.sync("e");
  EXPECT_EQ(
      left(T.Events),
      (std::set<Files>{{{"d", ""}, {"e", ""}, {"e/y", ""}},
                       {{"d", ""}, {"d/z", ""}, {"e", ""}, {"e/y", ""}}}));
}

// A file that replaces another: the old or the new one, never a part of each.
TEST(Model, ARenameReplaces) {
  TraceMaker T;
  T.create("x");
  T.sync("");
  T.create(".new");
  T.add(PERDURE_TRACE_WRITE, 0, 0, std::string("/r/.new") + '\0' + "new");
  T.sync(".new");
  T.rename(".new", "x");
  EXPECT_EQ(left(T.Events),
            (std::set<Files>{
                {{"x", ""}}, {{".new", "new"}, {"x", ""}}, {{"x", "new"}}}));
}

// O_TMPFILE: it is nowhere until it has a name, and holds then what was
// written.
TEST(Model, AFileWithoutANameIsNowhere) {
  TraceMaker T;
  T.create("#17 (deleted)");
  T.add(PERDURE_TRACE_WRITE, 0, 0,
        std::string("/r/#17 (deleted)") + '\0' + "new");
  T.sync("#17 (deleted)");
  EXPECT_EQ(left(T.Events), std::set<Files>{Files{}});
  T.add(PERDURE_TRACE_LINK, 0, 0,
        std::string("/r/#17 (deleted)") + '\0' + "/r/x");
  EXPECT_EQ(left(T.Events), (std::set<Files>{{}, {{"x", "new"}}}));
}

TEST(Model, NotesAreThoseOfBefore) {
  TraceMaker T;
  T.note("one");
  Model M(Medium::Dax, "/r");
  M.addNotes("zero\n");
  EXPECT_EQ(M.point().Notes, "zero\n");
  EXPECT_TRUE(M.isPoint(T.Events[0]));
  uint64_t Before = M.point().Hash;
  M.replay(T.Events[0]);
  EXPECT_EQ(M.point().Notes, "zero\none\n");
  EXPECT_NE(M.point().Hash, Before);
}

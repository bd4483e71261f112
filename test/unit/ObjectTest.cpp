//===- ObjectTest.cpp - Opening, growing, processes, media ----------------===//

#include "Support.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using Objects = StoreTest;

TEST_F(Objects, RootIsZeroedAndKept) {
  uint64_t *Root = create("a", 10000);
  for (int I = 0; I < 1250; ++I)
    ASSERT_EQ(Root[I], 0u);
  Root[1249] = 7;
  EXPECT_EQ((uint64_t)Root % 64, 0u);
  reopenStore();
  EXPECT_EQ(open("a")[1249], 7u);
  EXPECT_NE(perdure_create(S, "empty", 0, 0), nullptr);
}

TEST_F(Objects, OpenTwiceIsOneMapping) {
  uint64_t *Root = create("a");
  EXPECT_EQ(open("a"), Root);
  perdure_close(Root);
  perdure_close(Root);
  Root[0] = 3; // mapped until the store closes
  errno = 0;
  perdure_close(Root);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(open("a"), Root);
  EXPECT_EQ(Root[0], 3u);
}

TEST_F(Objects, ReadOnlyThenWritable) {
  create("a")[0] = 1;
  reopenStore();
  uint64_t *Root = open("a", PERDURE_RDONLY);
  errno = 0;
  EXPECT_EQ(perdure_alloc(Root, 8), nullptr);
  EXPECT_EQ(errno, EROFS);
  EXPECT_EQ(open("a"), Root);
  Root[0] = 2;
  EXPECT_NE(perdure_alloc(Root, 8), nullptr);
  EXPECT_EQ(open("a", PERDURE_RDONLY), Root);
  Root[0] = 3;
}

TEST_F(Objects, MoreThanAThousand) {
  // Each keeps a descriptor.
  struct rlimit Files;
  getrlimit(RLIMIT_NOFILE, &Files);
  if (Files.rlim_max < 1200)
    GTEST_SKIP() << "ulimit -n";
  struct rlimit More = Files;
  if (More.rlim_cur < 1200)
    More.rlim_cur = Files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &More);
  std::vector<uint64_t *> Roots;
  for (int I = 0; I < 1030; ++I) {
    auto *Root = (uint64_t *)perdure_create(S, std::to_string(I).c_str(), 8, 0);
    ASSERT_NE(Root, nullptr) << I << perdure_errormsg();
    Root[0] = (uint64_t)I;
    Roots.push_back(Root);
  }
  // All lead to each other's neighbour.
  for (int I = 0; I < 1030; ++I)
    *(uint64_t *)perdure_alloc(Roots[I], 8) =
        perdure_encode(Roots[(I + 1) % 1030], Roots[I]);
  for (int I = 0; I < 1030; ++I)
    ASSERT_EQ(Roots[I][0], (uint64_t)I);
  setrlimit(RLIMIT_NOFILE, &Files);
}

CHILD(noslot) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), PERDURE_CREATE);
  REQUIRE(S);
  for (int I = 0;; ++I)
    if (!perdure_create(S, std::to_string(I).c_str(), 8, 0)) {
      printf("%d %d %s\n", I, errno == ENOSPC, perdure_errormsg());
      perdure_store_close(S);
      // Its slots are free again.
      S = perdure_store_open(Args[0].c_str(), 0);
      REQUIRE(S && perdure_open(S, "0", 0));
      return 0;
    }
}

TEST_F(Objects, RunningOutOfSlotsSaysSo) {
#if defined(__SANITIZE_ADDRESS__) || SLOT_BITS != 35
  GTEST_SKIP() << "the window does not shrink with the limit here";
#endif
  // Five slots of 32 GiB are what this leaves; one is never given.
  struct rlimit Old, Small;
  getrlimit(RLIMIT_AS, &Old);
  Small = Old;
  Small.rlim_cur = (rlim_t)7 << 35;
  setrlimit(RLIMIT_AS, &Small);
  ChildResult R = runChild("noslot", {Temporary + "/many"});
  setrlimit(RLIMIT_AS, &Old);
  EXPECT_EQ(R.Exit, 0) << R.Output;
  EXPECT_EQ(R.Output.find("4 1 "), 0u) << R.Output;
  EXPECT_NE(R.Output.find("all 4 slots"), std::string::npos) << R.Output;
}

CHILD(hold) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  auto *Root = S ? (uint64_t *)perdure_open(S, "a", 0) : nullptr;
  printf("%d %s\n", Root ? 0 : errno, Root ? "" : perdure_errormsg());
  Root = S ? (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY) : nullptr;
  printf("%d\n", Root ? (int)Root[0] : -1);
  return 0;
}

TEST_F(Objects, OneWriterAmongProcesses) {
  create("a")[0] = 6;
  ChildResult R = runChild("hold", {Dir});
  EXPECT_EQ(R.Output.find(std::to_string(EBUSY) + " "), 0u) << R.Output;
  EXPECT_NE(R.Output.find("open for writing"), std::string::npos) << R.Output;
  EXPECT_NE(R.Output.find("\n6\n"), std::string::npos) << R.Output;
  closeStore();
  R = runChild("hold", {Dir});
  EXPECT_EQ(R.Output, "0 \n6\n");
}

TEST_F(Objects, GrowsInPlaceAndStaysOpen) {
  uint64_t *Root = create("a");
  struct stat Before, After;
  ASSERT_EQ(stat(fileOf("a").c_str(), &Before), 0);
  auto *Big = (char *)perdure_alloc(Root, 50 << 20);
  ASSERT_NE(Big, nullptr) << perdure_errormsg();
  Big[(50 << 20) - 1] = 'x';
  EXPECT_EQ(baseOf(Big), baseOf(Root));
  ASSERT_EQ(stat(fileOf("a").c_str(), &After), 0);
  EXPECT_GT(After.st_size, 50 << 20);
  EXPECT_EQ(After.st_ino, Before.st_ino);
  EXPECT_GE(After.st_blocks * 512, After.st_size); // no holes
}

TEST_F(Objects, HolesOfACopyAreFilled) {
  uint64_t *Root = create("a");
  ASSERT_NE(perdure_alloc(Root, 4 << 20), nullptr);
  closeStore();
  std::string Path = fileOf("a"), Bytes = readFile(Path);
  ASSERT_EQ(truncate(Path.c_str(), 4096), 0);
  ASSERT_EQ(truncate(Path.c_str(), (off_t)Bytes.size()), 0);
  struct stat Status;
  ASSERT_EQ(stat(Path.c_str(), &Status), 0);
  ASSERT_LT(Status.st_blocks * 512, Status.st_size);
  reopenStore();
  open("a");
  ASSERT_EQ(stat(Path.c_str(), &Status), 0);
  EXPECT_GE(Status.st_blocks * 512, Status.st_size);
}

// As many pages as the object should have, but not where they should be.
TEST_F(Objects, HolesAreFilledThoughMorePastTheEndHasBlocks) {
  uint64_t *Root = create("a");
  ASSERT_NE(perdure_alloc(Root, 4 << 20), nullptr);
  closeStore();
  std::string Path = fileOf("a");
  struct stat Before, Status;
  ASSERT_EQ(stat(Path.c_str(), &Before), 0);
  int File = ::open(Path.c_str(), O_RDWR | O_CLOEXEC);
  constexpr off_t Bytes = 1 << 20;
  ASSERT_EQ(fallocate(File, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, Bytes, Bytes), 0);
  ASSERT_EQ(posix_fallocate(File, Before.st_size, Bytes), 0);
  ASSERT_EQ(fstat(File, &Status), 0);
  close(File);
  ASSERT_GE(Status.st_blocks * 512, Before.st_size);
  reopenStore();
  open("a");
  ASSERT_EQ(stat(Path.c_str(), &Status), 0);
  EXPECT_EQ(Status.st_size, Before.st_size);
  EXPECT_GE(Status.st_blocks * 512, Status.st_size);
}

TEST_F(Objects, PersistAnywhere) {
  uint64_t *Root = create("a", 4096, PERDURE_DURABLE);
  auto *Block = (char *)perdure_alloc(Root, 1 << 20);
  Block[100000] = 1;
  perdure_persist(Block + 100000, 1);
  perdure_persist(Block, 1 << 20);
  perdure_persist(Root, 0);
  uint64_t Local = 0;
  perdure_persist(&Local, 8);
  perdure_persist(nullptr, 8);
  Root[0] = perdure_encode(create("b"), Root);
  perdure_persist(Root, 8);
  EXPECT_EQ(Block[100000], 1);
}

TEST_F(Objects, StatTellsSizes) {
  uint64_t *Root = create("a", 100);
  struct perdure_stat Stat;
  ASSERT_EQ(perdure_stat(Root, &Stat), 0);
  EXPECT_EQ(Stat.id.hi, perdure_object_id(Root).hi);
  EXPECT_EQ(Stat.blocks, 1u);
  EXPECT_EQ(Stat.used_bytes, 128u);
  EXPECT_EQ(Stat.fot_entries, 0u);
  struct stat Status;
  ASSERT_EQ(stat(fileOf("a").c_str(), &Status), 0);
  EXPECT_EQ(Stat.file_bytes, (uint64_t)Status.st_size);
  void *Block = perdure_alloc(Root, 8192);
  ASSERT_EQ(perdure_stat(Root, &Stat), 0);
  EXPECT_EQ(Stat.used_bytes, 128u + 8192);
  EXPECT_EQ(Stat.blocks, 2u);
  perdure_free(Block);
  errno = 0;
  uint64_t Local = 0;
  EXPECT_EQ(perdure_stat(&Local, &Stat), -1);
  EXPECT_EQ(errno, EINVAL);
}

} // namespace

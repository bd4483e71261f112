//===- StoreTest.cpp - Stores and names -----------------------------------===//

#include "Support.h"

#include "platform/clock.h"

#include <atomic>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

// The errno of a failed call that also said something.
#define EXPECT_FAILS(Error, Expression)                                        \
  do {                                                                         \
    errno = 0;                                                                 \
    EXPECT_TRUE(Expression);                                                   \
    EXPECT_EQ(errno, Error) << perdure_errormsg();                             \
    EXPECT_STRNE(perdure_errormsg(), "");                                      \
  } while (0)

using Stores = StoreTest;

TEST_F(Stores, FlagsOfStoreOpen) {
  closeStore();
  const char *D = Dir.c_str();
  EXPECT_FAILS(EEXIST, !perdure_store_open(D, PERDURE_CREATE | PERDURE_EXCL));
  EXPECT_FAILS(EINVAL, !perdure_store_open(D, PERDURE_EXCL));
  EXPECT_FAILS(EINVAL, !perdure_store_open(D, 1024));
  EXPECT_FAILS(EINVAL, !perdure_store_open(D, PERDURE_CREATE | PERDURE_RDONLY));
  EXPECT_FAILS(EINVAL, !perdure_store_open(nullptr, 0));
  EXPECT_FAILS(ENOENT, !perdure_store_open((Dir + "x").c_str(), 0));
  EXPECT_FAILS(ENOENT, !perdure_store_open(Temporary.c_str(), 0));
  EXPECT_FAILS(ENOENT,
               !perdure_store_open((Dir + "x/y").c_str(), PERDURE_CREATE));
  EXPECT_FAILS(ENOTDIR,
               !perdure_store_open((Dir + "/perdure.store").c_str(), 0));
  // An existing directory becomes a store.
  std::string Plain = Temporary + "/plain";
  mkdir(Plain.c_str(), 0700);
  perdure_store *P =
      perdure_store_open(Plain.c_str(), PERDURE_CREATE | PERDURE_EXCL);
  EXPECT_NE(P, nullptr) << perdure_errormsg();
  perdure_store_close(P);
  perdure_store_close(nullptr);
}

TEST_F(Stores, OtherMarkerIsRefused) {
  closeStore();
  for (const char *Text :
       {"", "perdure store 2 0\n", "garbage", "perdure store 1 xyz\n"}) {
    writeFile(Dir + "/perdure.store", Text);
    EXPECT_FAILS(EPROTO, !perdure_store_open(Dir.c_str(), 0));
    EXPECT_EQ(readFile(Dir + "/perdure.store"), Text);
  }
}

TEST_F(Stores, SameDirectoryIsTheSameStore) {
  std::string Link = Temporary + "/link";
  ASSERT_EQ(symlink(Dir.c_str(), Link.c_str()), 0);
  perdure_store *Again = perdure_store_open(Link.c_str(), 0);
  EXPECT_EQ(Again, S);
  uint64_t *Root = create("a");
  EXPECT_EQ(perdure_open(Again, "a", 0), Root);
  perdure_store_close(Again);
  Root[0] = 1; // still mapped
  EXPECT_TRUE(perdure_in_object(Root));
}

TEST_F(Stores, Names) {
  std::string Long(255, 'n');
  for (const char *Good : {"a", ".a", "..a", "a b", "\xc3\xa4", "-", "*",
                           ".new", Long.c_str()}) {
    void *Root = perdure_create(S, Good, 8, 0);
    EXPECT_NE(Root, nullptr) << Good << perdure_errormsg();
    EXPECT_EQ(perdure_open(S, Good, 0), Root);
  }
  std::string TooLong(256, 'n');
  for (const char *Bad : {"", ".", "..", "/", "a/b", "../a",
                          ".new.", ".new.0", (const char *)nullptr,
                          TooLong.c_str()}) {
    EXPECT_FAILS(EINVAL, !perdure_create(S, Bad, 8, 0));
    EXPECT_FAILS(EINVAL, !perdure_open(S, Bad, 0));
    EXPECT_FAILS(EINVAL, perdure_remove(S, Bad));
  }
}

TEST_F(Stores, ExistingAndMissing) {
  create("a");
  EXPECT_FAILS(EEXIST, !perdure_create(S, "a", 8, 0));
  EXPECT_NE(strstr(perdure_errormsg(), "'a'"), nullptr);
  EXPECT_FAILS(ENOENT, !perdure_open(S, "b", 0));
  EXPECT_NE(strstr(perdure_errormsg(), "'b'"), nullptr);
  EXPECT_FAILS(ENOENT, perdure_remove(S, "b"));
  EXPECT_FAILS(EINVAL, !perdure_open(S, "a", PERDURE_CREATE));
  EXPECT_FAILS(EINVAL, !perdure_create(S, "c", 8, PERDURE_EXCL));
}

TEST_F(Stores, NameFileThatLeadsNowhere) {
  writeFile(Dir + "/names/bad", "hello");
  EXPECT_FAILS(EPROTO, !perdure_open(S, "bad", 0));
  writeFile(Dir + "/names/gone", "0123456789abcdef0123456789abcdef\n");
  EXPECT_FAILS(ENOENT, !perdure_open(S, "gone", 0));
  ASSERT_EQ(symlink("gone", (Dir + "/names/link").c_str()), 0);
  EXPECT_FAILS(ELOOP, !perdure_open(S, "link", 0));
}

TEST_F(Stores, RemoveAndCreateAgain) {
  uint64_t *Old = create("a");
  perdure_id Id = perdure_object_id(Old);
  std::string File = fileOf("a");
  EXPECT_EQ(perdure_remove(S, "a"), 0);
  EXPECT_NE(access(File.c_str(), F_OK), 0);
  EXPECT_FAILS(ENOENT, !perdure_open(S, "a", 0));
  Old[0] = 5; // usable until the store closes
  uint64_t *New = create("a");
  EXPECT_NE(New, Old);
  EXPECT_NE(perdure_object_id(New).lo, Id.lo);
  EXPECT_EQ(New[0], 0u);
}

TEST_F(Stores, SeveralNames) {
  uint64_t *A = create("a");
  A[0] = 7;
  std::string File = fileOf("a");
  EXPECT_EQ(perdure_link(S, "a", "b"), 0);
  EXPECT_EQ(open("b"), A);
  EXPECT_FAILS(EEXIST, perdure_link(S, "a", "b"));
  EXPECT_FAILS(ENOENT, perdure_link(S, "c", "d"));
  EXPECT_FAILS(EINVAL, perdure_link(S, "a", "x/y"));
  // The object is there until the last name goes.
  EXPECT_EQ(perdure_remove(S, "a"), 0);
  EXPECT_FAILS(ENOENT, !perdure_open(S, "a", 0));
  EXPECT_EQ(access(File.c_str(), F_OK), 0);
  reopenStore();
  uint64_t *B = open("b");
  EXPECT_EQ(B[0], 7u);
  EXPECT_EQ(perdure_remove(S, "b"), 0);
  EXPECT_NE(access(File.c_str(), F_OK), 0);
}

TEST_F(Stores, AnotherName) {
  uint64_t *A = create("a");
  perdure_id Id = perdure_object_id(A);
  create("taken");
  EXPECT_EQ(perdure_rename(S, "a", "b"), 0);
  EXPECT_FAILS(ENOENT, !perdure_open(S, "a", 0));
  EXPECT_EQ(open("b"), A);
  EXPECT_FAILS(EEXIST, perdure_rename(S, "b", "taken"));
  EXPECT_FAILS(EEXIST, perdure_rename(S, "b", "b"));
  EXPECT_FAILS(ENOENT, perdure_rename(S, "a", "c"));
  EXPECT_FAILS(EINVAL, perdure_rename(S, "b", ""));
  EXPECT_EQ(open("b"), A);
  // The old name is free again.
  uint64_t *New = create("a");
  EXPECT_NE(New, A);
  reopenStore(PERDURE_RDONLY);
  EXPECT_EQ(perdure_object_id(open("b")).lo, Id.lo);
  EXPECT_FAILS(EROFS, perdure_rename(S, "b", "c"));
  EXPECT_FAILS(EROFS, perdure_link(S, "b", "c"));
}

// Each name is removed by another process at the same time: one of them is the last.
TEST_F(Stores, LastNameOfSeveralProcesses) {
  for (int Round = 0; Round < 20; ++Round) {
    create("a");
    std::string File = fileOf("a");
    ASSERT_EQ(perdure_link(S, "a", "b"), 0);
    closeStore();
    std::vector<pid_t> Children;
    for (const char *Name : {"a", "b"}) {
      pid_t Child = fork();
      if (!Child) {
        perdure_store *Mine = openStore(Dir, 0);
        _exit(perdure_remove(Mine, Name) != 0);
      }
      Children.push_back(Child);
    }
    for (pid_t Child : Children) {
      int Status;
      ASSERT_EQ(waitpid(Child, &Status, 0), Child);
      EXPECT_EQ(Status, 0);
    }
    EXPECT_NE(access(File.c_str(), F_OK), 0);
    reopenStore();
  }
}

// The times of files are whatever somebody has set them to.
TEST_F(Stores, TimesOfAllAges) {
  using perdure::nanoseconds;
  EXPECT_EQ(nanoseconds({1, 5}), 1000000005);
  EXPECT_EQ(nanoseconds({9223372036, 854775806}), INT64_MAX - 1);
  EXPECT_EQ(nanoseconds({9223372036, 854775807}), INT64_MAX);
  EXPECT_EQ(nanoseconds({9223372036, 999999999}), INT64_MAX);
  EXPECT_EQ(nanoseconds({9223372037, 0}), INT64_MAX);
  EXPECT_EQ(nanoseconds({INT64_MAX, 999999999}), INT64_MAX);
  EXPECT_EQ(nanoseconds({-1, 999999999}), 0);
  EXPECT_EQ(nanoseconds({INT64_MIN, 0}), 0);
  perdure_close(create("a"));
  perdure_close(create("b"));
  for (time_t Seconds : {time_t(-2000000000), time_t(0), time_t(13569465600)}) {
    struct timespec Times[2] = {{Seconds, 1}, {Seconds, 1}};
    ASSERT_EQ(utimensat(AT_FDCWD, (Dir + "/names").c_str(), Times, 0), 0);
    auto Opened = [&](const char *Name) {
      void *Root = open(Name);
      perdure_close(Root); // an open object would keep its name
      return Root;
    };
    void *A = Opened("a"), *B = Opened("b");
    EXPECT_EQ(Opened("a"), A);
    std::string NameA = Dir + "/names/a", NameB = Dir + "/names/b";
    ASSERT_EQ(renameat2(AT_FDCWD, NameA.c_str(), AT_FDCWD, NameB.c_str(),
                        RENAME_EXCHANGE),
              0);
    EXPECT_EQ(Opened("a"), B);
    EXPECT_EQ(Opened("b"), A);
  }
}

TEST_F(Stores, ReadOnlyStore) {
  create("a")[0] = 9;
  reopenStore(PERDURE_RDONLY);
  EXPECT_FAILS(EROFS, !perdure_create(S, "b", 8, 0));
  EXPECT_FAILS(EROFS, perdure_remove(S, "a"));
  // The store's rights are its objects', whatever is asked for.
  uint64_t *Root = open("a", 0);
  EXPECT_EQ(open("a", PERDURE_RDONLY), Root);
  EXPECT_EQ(Root[0], 9u);
  EXPECT_FAILS(EROFS, !perdure_alloc(Root, 8));
  EXPECT_FAILS(EROFS, !perdure_store_open(Dir.c_str(), 0));
  struct perdure_stat Stat;
  EXPECT_EQ(perdure_stat(Root, &Stat), 0);
  EXPECT_EQ(Stat.blocks, 1u);
}

TEST_F(Stores, CopiesSideBySide) {
  uint64_t *A = create("a"), *B = create("b");
  A[0] = perdure_encode(B, A);
  B[0] = 1;
  perdure_id Id = perdure_object_id(B);
  reopenStore();
  closeStore();
  std::string Copy = Temporary + "/copy";
  copyTree(Dir, Copy);
  S = perdure_store_open(Dir.c_str(), 0);
  perdure_store *T = perdure_store_open(Copy.c_str(), 0);
  ASSERT_NE(T, nullptr) << perdure_errormsg();
  EXPECT_NE(S, T);
  auto *A1 = (uint64_t *)perdure_open(S, "a", 0);
  auto *A2 = (uint64_t *)perdure_open(T, "a", 0);
  ASSERT_NE(A1, A2);
  auto *B1 = (uint64_t *)perdure_decode(A1[0], A1);
  auto *B2 = (uint64_t *)perdure_decode(A2[0], A2);
  ASSERT_NE(B1, B2);
  EXPECT_EQ(perdure_open(S, "b", 0), B1);
  EXPECT_EQ(perdure_open(T, "b", 0), B2);
  EXPECT_EQ(perdure_object_id(B1).lo, Id.lo);
  EXPECT_EQ(perdure_object_id(B2).lo, Id.lo);
  B1[0] = 2;
  EXPECT_EQ(B2[0], 1u);
  perdure_store_close(T);
}

// Args: store. Creates "x", and says whether that worked.
CHILD(create) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *Root = (uint64_t *)perdure_create(S, "x", 8, 0);
  REQUIRE(Root || errno == EEXIST);
  printf("%d\n", Root != nullptr);
  return 0;
}

TEST_F(Stores, OneProcessOfManyCreatesAName) {
  closeStore();
  for (int Round = 0; Round < 10; ++Round) {
    std::vector<std::thread> Pool;
    std::atomic<int> Created{0}, Refused{0};
    for (int I = 0; I < 6; ++I)
      Pool.emplace_back([&] {
        std::string Output = runChild("create", {Dir}).Output;
        Created += Output == "1\n";
        Refused += Output == "0\n";
      });
    for (std::thread &T : Pool)
      T.join();
    EXPECT_EQ(Created, 1);
    EXPECT_EQ(Refused, 5);
    reopenStore();
    EXPECT_EQ(perdure_remove(S, "x"), 0);
    closeStore();
  }
}

} // namespace

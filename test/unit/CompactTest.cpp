//===- CompactTest.cpp - Files that are written anew with fewer pages -----===//

#include "Support.h"

#include <algorithm>
#include <fcntl.h>
#include <map>
#include <random>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace {

/// Blocks of all sizes, each of which holds its number and the offset of another.
class Compacting : public StoreTest {
protected:
  struct Block {
    uint64_t Number, Next; // an offset
  };

  void SetUp() override {
    StoreTest::SetUp();
    if (isDurable()) // perdure_compact wants a store that is not
      GTEST_SKIP();
  }

  /// The root leads to the first of a chain.
  uint64_t *fill(unsigned Count, unsigned Seed) {
    std::mt19937 Random(Seed);
    uint64_t *Root = create("a", 64);
    std::vector<void *> Garbage;
    uint64_t *Link = Root;
    for (unsigned I = 0; I < Count; ++I) {
      size_t Bytes = 16 + Random() % (Random() % 20 ? 500 : 30000);
      auto *B = (Block *)perdure_alloc(Root, Bytes);
      memset((void *)B, (int)I, Bytes);
      B->Number = Bytes;
      B->Next = 0;
      *Link = perdure_offset(B);
      Link = &B->Next;
      for (unsigned J = Random() % 6; J; --J)
        Garbage.push_back(perdure_alloc(Root, 16 + Random() % 5000));
    }
    for (void *G : Garbage)
      perdure_free(G);
    return Root;
  }

  /// The numbers of the chain, each with the last byte of its block.
  std::vector<std::pair<uint64_t, char>> chain(const uint64_t *Root) {
    std::vector<std::pair<uint64_t, char>> Numbers;
    auto *Base = (const char *)Root - perdure_offset(Root);
    for (uint64_t At = Root[0]; At; At = ((const Block *)(Base + At))->Next) {
      auto *B = (const Block *)(Base + At);
      Numbers.push_back({B->Number, ((const char *)B)[B->Number > 16 ? B->Number - 1 : 15]});
    }
    return Numbers;
  }

  struct Mover {
    explicit Mover(uint64_t Stays = 0, int Error = 0) : Stays(Stays), Error(Error) {}
    uint64_t Stays; // of so many one, by its offset; 0: none
    int Error;
    std::map<uint64_t, uint64_t> To;
    bool Ties = false;
    std::map<uint64_t, uint64_t> Ends; // of blocks: where they begin
  };

  static enum perdure_may_move mayMove(void *Arg, uint64_t Offset) {
    auto *M = (Mover *)Arg;
    return M->Stays && Offset / 16 % M->Stays == 0 ? PERDURE_STAYS
           : M->Ties && Offset / 16 % 3 == 0       ? PERDURE_MOVES_ALONG
                                                   : PERDURE_MOVES;
  }

  static int correct(void *Arg, char *Image, const struct perdure_move *Moves, size_t Count) {
    auto *M = (Mover *)Arg;
    for (size_t I = 0; I < Count; ++I) {
      M->To[Moves[I].from] = Moves[I].to;
      M->Ends[Moves[I].from + Moves[I].bytes] = Moves[I].from;
    }
    // The root is a block of 64 bytes, whose first word is an offset; others' second is.
    for (auto &[From, To] : M->To) {
      bool IsRoot = From == M->To.begin()->first;
      auto *Word = (uint64_t *)(Image + To + (IsRoot ? 0 : 8));
      if (M->To.count(*Word))
        *Word = M->To[*Word];
    }
    return M->Error;
  }

  int compact(uint64_t *Root, Mover &M) {
    struct perdure_compaction How = {mayMove, correct, &M};
    return perdure_compact(Root, &How);
  }

  uint64_t fileBytes() {
    struct stat Status;
    EXPECT_EQ(stat(fileOf("a").c_str(), &Status), 0);
    return (uint64_t)Status.st_size;
  }

  int findings() {
    int Count = 0;
    perdure_id Id = {};
    void *Root = perdure_open(S, "a", PERDURE_RDONLY);
    Id = perdure_object_id(Root);
    perdure_close(Root);
    closeStore();
    reopenStore();
    EXPECT_EQ(perdure_check(S, Id, 0,
                            [](void *To, const struct perdure_finding *F) {
                              ADD_FAILURE() << F->what;
                              ++*(int *)To;
                            },
                            &Count),
              0);
    return Count;
  }
};

// The lock on the byte FileByte::Structure of runtime/platform/file_lock.h.
bool holdStructure(int File) {
  struct flock Lock = {};
  Lock.l_type = F_WRLCK;
  Lock.l_start = ((off_t)1 << 62) + 3;
  Lock.l_len = 1;
  return !fcntl(File, F_OFD_SETLK, &Lock);
}

TEST_F(Compacting, MovesAndCorrects) {
  for (unsigned Seed = 1; Seed <= 12; ++Seed) {
    uint64_t *Root = fill(300, Seed);
    perdure_bind(&Root[1], "later");
    auto Before = chain(Root);
    uint64_t Bytes = fileBytes();
    Mover M(Seed % 4 ? Seed % 4 * 7 : 0);
    M.Ties = Seed % 2;
    ASSERT_EQ(compact(Root, M), 1) << perdure_errormsg();
    // This process sees what was.
    EXPECT_EQ(chain(Root), Before);
    for (auto &[From, To] : M.To) {
      auto May = mayMove(&M, From);
      if (May == PERDURE_STAYS) {
        EXPECT_EQ(From, To);
      }
      auto Before = M.Ends.find(From);
      if (May == PERDURE_MOVES_ALONG && Before != M.Ends.end()) {
        EXPECT_EQ(To - M.To[Before->second], From - Before->second);
      }
    }
    reopenStore();
    EXPECT_LT(fileBytes(), Bytes);
    EXPECT_EQ(findings(), 0);
    Root = open("a");
    EXPECT_EQ(chain(Root), Before);
    struct perdure_foreign F;
    ASSERT_EQ(perdure_foreign(Root, 1, &F), 0);
    EXPECT_STREQ(F.name, "later");
    // It goes on as an object does.
    uint64_t Blocks = blocksOf(Root);
    std::vector<void *> More;
    for (int I = 0; I < 500; ++I) {
      More.push_back(perdure_alloc(Root, 16 + (size_t)I * 9));
      memset(More.back(), 0x5a, 16 + (size_t)I * 9);
    }
    EXPECT_EQ(chain(Root), Before);
    for (void *P : More)
      perdure_free(P);
    EXPECT_EQ(blocksOf(Root), Blocks);
    perdure_remove(S, "a");
    reopenStore();
  }
}

TEST_F(Compacting, NothingToWin) {
  uint64_t *Root = fill(200, 3);
  Mover M;
  ASSERT_EQ(compact(Root, M), 1);
  reopenStore();
  std::string File = fileOf("a");
  struct stat Before, After;
  ASSERT_EQ(stat(File.c_str(), &Before), 0);
  Mover Again;
  EXPECT_EQ(compact(open("a"), Again), 0);
  ASSERT_EQ(stat(File.c_str(), &After), 0);
  EXPECT_EQ(Before.st_ino, After.st_ino);
}

TEST_F(Compacting, FailuresChangeNothing) {
  uint64_t *Root = fill(200, 5);
  auto Before = chain(Root);
  Mover M(0, EIO);
  EXPECT_EQ(compact(Root, M), -1);
  EXPECT_EQ(errno, EIO);
  Mover Good;
  ASSERT_EQ(perdure_tx_begin(Root), 0);
  EXPECT_EQ(compact(Root, Good), -1);
  EXPECT_EQ(errno, EINVAL);
  perdure_tx_abort();
  reopenStore(PERDURE_DURABLE);
  EXPECT_EQ(compact(open("a"), Good), -1);
  EXPECT_EQ(errno, EINVAL);
  reopenStore(PERDURE_SHARED);
  EXPECT_EQ(compact(open("a", PERDURE_SHARED), Good), -1);
  EXPECT_EQ(errno, EPERM);
  reopenStore(PERDURE_RDONLY);
  EXPECT_EQ(compact(open("a"), Good), -1);
  EXPECT_EQ(errno, EROFS);
  EXPECT_EQ(chain(open("a")), Before);
  EXPECT_EQ(perdure_compact(&Before, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
}

// The new file has the rights of the old one.
TEST_F(Compacting, KeepsRights) {
  uint64_t *Root = fill(100, 6);
  std::string File = fileOf("a");
  ASSERT_EQ(chmod(File.c_str(), 0640), 0);
  bool Attributes = !setxattr(File.c_str(), "user.note", "kept", 4, 0) ||
                    errno != ENOTSUP;
  // Version 2; what the owner, user 1, the group, the mask and others may do.
  const uint32_t Acl[] = {2, 0x60001, ~0u, 0x40002, 1, 0x40004, ~0u, 0x40010, ~0u, 0x20, ~0u};
  bool Acls = !setxattr(File.c_str(), "system.posix_acl_access", Acl, sizeof(Acl), 0);
  Mover M;
  ASSERT_EQ(compact(Root, M), 1);
  struct stat Status;
  ASSERT_EQ(stat(File.c_str(), &Status), 0);
  EXPECT_EQ(Status.st_mode & 07777, 0640u);
  char Value[64];
  if (Attributes) {
    ASSERT_EQ(getxattr(File.c_str(), "user.note", Value, sizeof(Value)), 4);
    EXPECT_EQ(memcmp(Value, "kept", 4), 0);
  }
  if (Acls) {
    ASSERT_EQ(getxattr(File.c_str(), "system.posix_acl_access", Value, sizeof(Value)),
              (ssize_t)sizeof(Acl));
    EXPECT_EQ(memcmp(Value, Acl, sizeof(Acl)), 0);
  }
}

// Who waits for the locks of a file that another takes the place of meanwhile does not
// write to it.
TEST_F(Compacting, WhoOpensTheOldFile) {
  create("a")[0] = 1;
  std::string File = fileOf("a"), Copy = File + ".copy";
  closeStore();
  // As who looks at it: the one that opens it waits for the end of that.
  int Held = ::open(File.c_str(), O_RDWR);
  ASSERT_TRUE(holdStructure(Held));
  pid_t Child = fork();
  if (!Child) {
    close(Held); // which keeps the lock
    perdure_store *Mine = openStore(Dir, 0);
    void *Root = perdure_open(Mine, "a", 0);
    _exit(Root ? 1 : errno == ESTALE ? 0 : 2);
  }
  usleep(200000); // time to open it, and to wait
  ASSERT_EQ(system(("cp " + File + " " + Copy + " && mv " + Copy + " " + File).c_str()), 0);
  close(Held);
  int Status;
  ASSERT_EQ(waitpid(Child, &Status, 0), Child);
  EXPECT_EQ(Status, 0);
  reopenStore();
  EXPECT_EQ(open("a")[0], 1u);
}

} // namespace

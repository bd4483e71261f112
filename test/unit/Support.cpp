//===- Support.cpp - Stores to test on, and child processes ---------------===//

#include "Support.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <limits.h>
#include <map>
#include <poll.h>
#include <signal.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

bool isDurable() {
  static const bool Durable = getenv("PERDURE_TEST_DURABLE");
  return Durable;
}

perdure_store *openStore(const char *Dir, unsigned Flags) {
  return perdure_store_open(Dir, isDurable() && !(Flags & PERDURE_RDONLY)
                                     ? Flags | PERDURE_DURABLE
                                     : Flags);
}

void StoreTest::SetUp() {
  const char *Where = getenv("TMPDIR");
  Temporary = std::string(Where ? Where : "/tmp") + "/perdure-unit-XXXXXX";
  ASSERT_NE(mkdtemp(Temporary.data()), nullptr);
  Dir = Temporary + "/store";
  S = openStore(Dir, PERDURE_CREATE);
  ASSERT_NE(S, nullptr) << perdure_errormsg();
  Sidecar = sidecarOf(Dir);
}

void StoreTest::TearDown() {
  closeStore();
  unlink(Sidecar.c_str()); // killed children leave it
  fs::remove_all(Temporary);
}

void StoreTest::closeStore() {
  perdure_store_close(S);
  S = nullptr;
}

void StoreTest::reopenStore(unsigned Flags) {
  closeStore();
  S = openStore(Dir, Flags);
  ASSERT_NE(S, nullptr) << perdure_errormsg();
}

std::string StoreTest::fileOf(const char *Name) const {
  return Dir + "/objects/" + readFile(Dir + "/names/" + Name).substr(0, 32);
}

std::string readFile(const std::string &Path) {
  std::ifstream In(Path, std::ios::binary);
  EXPECT_TRUE(In.good()) << Path;
  std::stringstream Text;
  Text << In.rdbuf();
  return Text.str();
}

void writeFile(const std::string &Path, const std::string &Bytes) {
  std::ofstream Out(Path, std::ios::binary | std::ios::trunc);
  Out << Bytes;
  ASSERT_TRUE(Out.good()) << Path;
}

bool sleeps(pid_t Thread) {
  std::string Text =
      readFile("/proc/self/task/" + std::to_string(Thread) + "/stat");
  size_t At = Text.rfind(") ");
  return At != std::string::npos && Text[At + 2] == 'S';
}

std::string sidecarOf(const std::string &Dir) {
  struct stat Status = {};
  EXPECT_EQ(stat(Dir.c_str(), &Status), 0);
  unsigned long long Hi = 0, Lo = 0;
  EXPECT_EQ(sscanf(readFile(Dir + "/perdure.store").c_str(),
                   "perdure store 1 %16llx%16llx", &Hi, &Lo),
            2);
  char Path[96];
  snprintf(Path, sizeof(Path), "/dev/shm/perdure-%llx-%llx-%016llx",
           (unsigned long long)Status.st_dev,
           (unsigned long long)Status.st_ino, Hi ^ Lo);
  return Path;
}

void copyTree(const std::string &From, const std::string &To) {
  fs::copy(From, To, fs::copy_options::recursive);
}

size_t wholeBlocks(const uint64_t *Table, unsigned Entries) {
  std::map<uint64_t, uint64_t> Blocks; // end by start
  for (unsigned I = 0; I < Entries; ++I) {
    if (!Table[I])
      continue;
    auto *Block = (uint64_t *)perdure_decode(Table[I], &Table[I]);
    uint64_t Start = perdure_offset(Block);
    for (uint64_t J = 1; J < Block[0]; ++J)
      if (Block[J] != Start) {
        ADD_FAILURE() << "word " << J << " of the block at " << Start;
        break;
      }
    Blocks[Start] = Start + Block[0] * 8;
  }
  uint64_t End = 0;
  for (auto &[Start, Stop] : Blocks) {
    EXPECT_GE(Start, End);
    End = Stop;
  }
  return Blocks.size();
}

uint64_t blocksOf(const void *InObject) {
  struct perdure_stat Stat = {};
  EXPECT_EQ(perdure_stat(InObject, &Stat), 0) << perdure_errormsg();
  return Stat.blocks;
}

template <typename Visitor>
void StoreTest::visitCopy(const char *Name, Visitor Visit) {
  std::string Copy = Temporary + "/copy";
  copyTree(Dir, Copy);
  perdure_store *T = openStore(Copy, 0);
  auto *Root = T ? (uint64_t *)perdure_open(T, Name, 0) : nullptr;
  EXPECT_NE(Root, nullptr) << perdure_errormsg();
  if (Root)
    Visit(Root);
  perdure_store_close(T);
  std::filesystem::remove_all(Copy);
}

std::vector<uint64_t> StoreTest::afterDeath(const char *Name, size_t Words) {
  std::vector<uint64_t> Found;
  visitCopy(Name, [&](uint64_t *Root) { Found.assign(Root, Root + Words); });
  return Found;
}

uint64_t StoreTest::blocksAfterDeath(const char *Name) {
  uint64_t Blocks = 0;
  visitCopy(Name, [&](uint64_t *Root) { Blocks = blocksOf(Root); });
  return Blocks;
}

static std::map<std::string, ChildBody> &children() {
  static std::map<std::string, ChildBody> Map;
  return Map;
}

ChildEntry::ChildEntry(const char *Name, ChildBody Body) {
  children()[Name] = Body;
}

void execSelf(std::vector<char *> Argv) {
  const char *Emulator = getenv("PERDURE_EMULATOR");
  if (!Emulator) {
    execv("/proc/self/exe", Argv.data());
    return;
  }
  char Self[PATH_MAX] = "";
  if (readlink("/proc/self/exe", Self, sizeof(Self) - 1) < 0)
    return;
  Argv[0] = Self;
  Argv.insert(Argv.begin(), (char *)Emulator);
  execv(Emulator, Argv.data());
}

ChildResult runChild(const char *Name, const std::vector<std::string> &Args,
                     const std::string &Options, unsigned KillAfter) {
  int Pipe[2];
  EXPECT_EQ(pipe(Pipe), 0);
  pid_t Pid = fork();
  if (Pid == 0) {
    dup2(Pipe[1], 1);
    dup2(Pipe[1], 2);
    close(Pipe[0]);
    close(Pipe[1]);
    if (!Options.empty())
      setenv("PERDURE_OPTIONS", Options.c_str(), 1);
    std::vector<char *> Argv{(char *)"perdure_unit", (char *)"--child",
                             (char *)Name};
    for (const std::string &A : Args)
      Argv.push_back((char *)A.c_str());
    Argv.push_back(nullptr);
    execSelf(Argv);
    _exit(127);
  }
  close(Pipe[1]);
  if (KillAfter) {
    usleep(KillAfter);
    kill(Pid, SIGKILL);
  }
  ChildResult R = {-1, 0, ""};
  char Buffer[4096];
  ssize_t Read;
  while ((Read = read(Pipe[0], Buffer, sizeof(Buffer))) > 0)
    R.Output.append(Buffer, (size_t)Read);
  close(Pipe[0]);
  int Status;
  waitpid(Pid, &Status, 0);
  if (WIFEXITED(Status))
    R.Exit = WEXITSTATUS(Status);
  else
    R.Signal = WTERMSIG(Status);
  return R;
}

int main(int Argc, char **Argv) {
  if (Argc > 2 && !strcmp(Argv[1], "--child")) {
    auto It = children().find(Argv[2]);
    if (It == children().end())
      return 126;
    return It->second(std::vector<std::string>(Argv + 3, Argv + Argc));
  }
  ::testing::InitGoogleTest(&Argc, Argv);
  return RUN_ALL_TESTS();
}

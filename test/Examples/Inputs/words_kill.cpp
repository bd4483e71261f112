// words_kill.cpp - Processes that count words in one map are killed while
// others go on.
//
// words_kill STORE KILLS PROCESSES THREADS
//
// Every thread of every process counts words that follow from its number, and
// acknowledges each in memory that the parent shares. One process is killed,
// and the others have to get on; then all are. Each word has been counted as
// often as was acknowledged, or once more for each thread that was about to
// count it.
#include "map.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

constexpr unsigned MaxWriters = 32, Words = 3000;

struct Shared {
  std::atomic<std::uint64_t> Acknowledged[MaxWriters];
  std::uint64_t Counted[Words]; // what the process that checks has found
};

Shared *All;
const char *Path;
unsigned Processes, Threads;
std::uint64_t State = 1;

std::uint64_t mix(std::uint64_t X) {
  X = (X ^ X >> 30) * 0xbf58476d1ce4e5b9u;
  X = (X ^ X >> 27) * 0x94d049bb133111ebu;
  return X ^ X >> 31;
}

unsigned randomBelow(unsigned N) {
  return unsigned(mix(++State * 0x9e3779b97f4a7c15u) % N);
}

// New words all the time, and the same for all: that is where they meet.
unsigned wordOf(unsigned Writer, std::uint64_t Number) {
  unsigned New = unsigned(Number / 4 % Words);
  return Number % 2 ? New : unsigned(mix(Writer + Number * 64 + 1) % Words);
}

std::string text(unsigned Word) {
  return std::to_string(Word) + std::string(Word % 60, '.');
}

[[noreturn]] void fail(const std::string &What) {
  std::fprintf(stderr, "words_kill: %s\n", What.c_str());
  _exit(1);
}

map &open() {
  perdure_store *Store =
      perdure_store_open(Path, PERDURE_CREATE | PERDURE_SHARED);
  void *Root = Store ? perdure_open(Store, "words", 0) : nullptr;
  if (Store && !Root)
    Root = perdure_create(Store, "words", sizeof(map), 0);
  if (!Root)
    fail(perdure_errormsg());
  return *static_cast<map *>(Root);
}

[[noreturn]] void countOn(map &Words, unsigned Writer) {
  for (std::uint64_t I = All->Acknowledged[Writer];; I++) {
    if (!Words.count(text(wordOf(Writer, I))))
      fail(perdure_errormsg());
    All->Acknowledged[Writer].store(I + 1);
  }
}

[[noreturn]] void countProcess(unsigned First) {
  map &Words = open();
  for (unsigned I = 1; I < Threads; I++)
    std::thread([&Words, First, I] { countOn(Words, First + I); }).detach();
  countOn(Words, First);
}

[[noreturn]] void check(const std::vector<std::uint64_t> &Least,
                        const std::vector<std::uint64_t> &Most) {
  map &Map = open();
  if (const char *What = Map.check())
    fail(What);
  for (std::uint64_t &Count : All->Counted)
    Count = 0;
  Map.visit([&](const entry &E) {
    unsigned Word =
        unsigned(std::strtoul(std::string(E.word()).c_str(), nullptr, 10));
    if (Word >= Words || E.word() != text(Word))
      fail("a word that nobody has counted");
    All->Counted[Word] = E.count.load();
  });
  for (unsigned W = 0; W < Words; W++)
    if (All->Counted[W] < Least[W] || All->Counted[W] > Most[W])
      fail("word " + std::to_string(W) + " was counted " +
           std::to_string(All->Counted[W]) + " times, not " +
           std::to_string(Least[W]) + " to " + std::to_string(Most[W]));
  _exit(0);
}

std::uint64_t acknowledged() {
  std::uint64_t Sum = 0;
  for (auto &A : All->Acknowledged)
    Sum += A.load();
  return Sum;
}

void waitFor(std::uint64_t Counts) {
  std::uint64_t Target = acknowledged() + Counts;
  for (int I = 0; acknowledged() < Target; I++) {
    if (I == 60000)
      fail("nobody gets on");
    usleep(1000);
  }
}

void end(pid_t Pid) {
  int Status;
  kill(Pid, SIGKILL);
  if (waitpid(Pid, &Status, 0) != Pid || !WIFSIGNALED(Status))
    fail("a process has ended before it was killed");
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 5)
    return std::fputs("Usage: words_kill STORE KILLS PROCESSES THREADS\n",
                      stderr),
           2;
  Path = argv[1];
  unsigned Kills = unsigned(std::atoi(argv[2])), Killed = 0;
  Processes = unsigned(std::atoi(argv[3])),
  Threads = unsigned(std::atoi(argv[4]));
  if (Processes < 2 || !Threads || Processes * Threads > MaxWriters)
    fail("too many threads, or too few processes");
  All = static_cast<Shared *>(mmap(nullptr, sizeof(Shared),
                                   PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (All == MAP_FAILED)
    fail("no memory");
  if (pid_t Maker = fork())
    waitpid(Maker, nullptr, 0);
  else
    open(), _exit(0);
  std::vector<std::uint64_t> Least(Words);
  std::uint64_t Begun[MaxWriters] = {};
  while (Killed < Kills) {
    std::vector<pid_t> Pids(Processes);
    for (unsigned P = 0; P < Processes; P++)
      if (!(Pids[P] = fork()))
        countProcess(P * Threads);
    waitFor(randomBelow(200));
    usleep(randomBelow(1000));
    end(Pids[0]);
    waitFor(1 + randomBelow(100));
    for (unsigned P = 1; P < Processes; P++)
      end(Pids[P]);
    Killed += Processes;

    for (unsigned W = 0; W < Processes * Threads; W++)
      for (; Begun[W] < All->Acknowledged[W]; Begun[W]++)
        Least[wordOf(W, Begun[W])]++;
    std::vector<std::uint64_t> Most = Least;
    for (unsigned W = 0; W < Processes * Threads; W++)
      Most[wordOf(W, Begun[W]++)]++;
    int Status;
    pid_t Checks = fork();
    if (!Checks)
      check(Least, Most);
    waitpid(Checks, &Status, 0);
    if (Status)
      return 1;
    Least.assign(All->Counted, All->Counted + Words);
    for (unsigned W = 0; W < Processes * Threads; W++)
      All->Acknowledged[W] = Begun[W];
  }
  std::printf("%u killed, %llu counts, all there\n", Killed,
              static_cast<unsigned long long>(acknowledged()));
}

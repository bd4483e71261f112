//===- Check.cpp - Runs the check command on images, in parallel ----------===//

#include "Check.h"

#include <perdure/crash.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace crash;

extern char **environ;

static constexpr int SecondsForCheck = 60;

static Verdict broken(const std::string &What, int Error = 0) {
  Verdict V;
  V.Failed = V.Broken = true;
  V.Why = Error ? What + ": " + strerror(Error) : What;
  return V;
}

static Verdict verdictOf(int Status) {
  Verdict V;
  V.Failed = Status != 0;
  if (WIFSIGNALED(Status))
    V.Why = std::string("killed: ") + strsignal(WTERMSIG(Status));
  else
    V.Why = "exit status " + std::to_string(WEXITSTATUS(Status));
  // The shell's words for a command that it cannot find, or not execute.
  V.Broken = WIFEXITED(Status) &&
             (WEXITSTATUS(Status) == 127 || WEXITSTATUS(Status) == 126);
  return V;
}

static Verdict late() {
  Verdict V;
  V.Failed = true;
  V.Why = "no end after " + std::to_string(SecondsForCheck) + " seconds";
  return V;
}

// Whether there is something to read, or an end, within the time for a check.
static bool waitToRead(int File) {
  struct pollfd Wait = {File, POLLIN, 0};
  int Ready;
  while ((Ready = poll(&Wait, 1, SecondsForCheck * 1000)) < 0 && errno == EINTR)
    ;
  return Ready != 0;
}

// Whoever ends a check ends its children with it.
static int end(pid_t Child, bool Kill) {
  if (Kill)
    kill(-Child, SIGKILL);
  int Status = 0;
  while (waitpid(Child, &Status, 0) < 0 && errno == EINTR)
    ;
  return Status;
}

namespace {
/// What posix_spawn is told of the command's files.
class Spawn {
public:
  Spawn() {
    posix_spawn_file_actions_init(&Files);
    posix_spawnattr_init(&Attributes);
    posix_spawnattr_setflags(&Attributes, POSIX_SPAWN_SETPGROUP);
  }
  ~Spawn() {
    posix_spawnattr_destroy(&Attributes);
    posix_spawn_file_actions_destroy(&Files);
  }
  Spawn(const Spawn &) = delete;
  Spawn &operator=(const Spawn &) = delete;

  // errno, 0 for none.
  int run(std::string Command, const std::vector<char *> &Environment,
          pid_t &Child) {
    std::string Shell = "sh", Flag = "-c";
    char *Arguments[] = {&Shell[0], &Flag[0], &Command[0], nullptr};
    return posix_spawn(&Child, "/bin/sh", &Files, &Attributes, Arguments,
                       Environment.data());
  }

  posix_spawn_file_actions_t Files;

private:
  posix_spawnattr_t Attributes;
};
} // namespace

static std::vector<char *> environment(char *More) {
  std::vector<char *> Result;
  for (char **E = environ; *E; ++E)
    Result.push_back(*E);
  if (More)
    Result.push_back(More);
  Result.push_back(nullptr);
  return Result;
}

std::string Checker::output() const {
  std::ifstream Said(Directory + ".output", std::ios::binary);
  return {std::istreambuf_iterator<char>(Said), {}};
}

Verdict Checker::check(const Image &I) {
  if (!writeImage(I, Directory))
    return broken("cannot write an image to " + Directory, errno);
  std::ofstream(Directory + ".notes", std::ios::binary) << I.At->Notes;
  Verdict V = Command.Serves ? ask() : runOnce();
  if (V.Failed && V.Output.empty())
    V.Output = output();
  return V;
}

Verdict Checker::runOnce() {
  Spawn S;
  posix_spawn_file_actions_addopen(&S.Files, 0, (Directory + ".notes").c_str(),
                                   O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&S.Files, 1, (Directory + ".output").c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&S.Files, 1, 2);
  posix_spawn_file_actions_addchdir_np(&S.Files, Directory.c_str());
  pid_t Child;
  if (int Error = S.run(Command.Text, environment(nullptr), Child))
    return broken("cannot run /bin/sh", Error);
  int File = static_cast<int>(syscall(SYS_pidfd_open, Child, 0));
  bool InTime = File < 0 || waitToRead(File);
  if (File >= 0)
    close(File);
  int Status = end(Child, !InTime);
  return InTime ? verdictOf(Status) : late();
}

//===----------------------------------------------------------------------===//
// A check that serves
//===----------------------------------------------------------------------===//

static bool readWord(int File, int32_t &Word) {
  return read(File, &Word, sizeof(Word)) == sizeof(Word);
}

bool Checker::start(Verdict &V) {
  int Ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, Ends)) {
    V = broken("cannot make a socket", errno);
    return false;
  }
  // High: dup2 to its own number would leave it to be closed by exec.
  int Theirs = fcntl(Ends[1], F_DUPFD_CLOEXEC, 10);
  close(Ends[1]);
  Socket = Ends[0];
  // Its own output shows why it did not start.
  Spawn S;
  posix_spawn_file_actions_addopen(&S.Files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&S.Files, 1, (Directory + ".output").c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&S.Files, 1, 2);
  posix_spawn_file_actions_adddup2(&S.Files, Theirs, PERDURE_CRASH_SOCKET);
  posix_spawn_file_actions_addchdir_np(&S.Files, Directory.c_str());
  std::string Serve = "PERDURE_CRASH_SERVE=1";
  int Error = S.run(Command.Text, environment(&Serve[0]), Server);
  close(Theirs);
  if (Error) {
    Server = -1;
    V = broken("cannot run /bin/sh", Error);
    return false;
  }
  int32_t Hello = 0;
  if (waitToRead(Socket) && readWord(Socket, Hello) &&
      Hello == PERDURE_CRASH_HELLO)
    return true;
  V = broken("with --serve it has to call perdure_crash_check");
  stop(true);
  return false;
}

void Checker::stop(bool Kill) {
  if (Socket >= 0)
    close(Socket);
  Socket = -1;
  if (Server > 0)
    end(Server, Kill);
  Server = -1;
}

Verdict Checker::ask() {
  Verdict V;
  if (Server < 0 && !start(V))
    return V;
  int32_t Word = static_cast<int32_t>(Directory.size());
  std::string Request(reinterpret_cast<const char *>(&Word), sizeof(Word));
  Request += Directory;
  bool Sent = send(Socket, Request.data(), Request.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(Request.size());
  bool InTime = !Sent || waitToRead(Socket);
  if (!InTime)
    V = late();
  else if (!Sent || !readWord(Socket, Word))
    V = broken("the check ended, which was to serve");
  else
    V = verdictOf(Word);
  if (V.Broken || !InTime)
    stop(true);
  return V;
}

//===----------------------------------------------------------------------===//
// In parallel
//===----------------------------------------------------------------------===//

Checkers::Checkers(unsigned Jobs, const std::string &Scratch,
                   const CheckCommand &Command, Report OnFailure)
    : OnFailure(std::move(OnFailure)) {
  for (unsigned I = 0; I < Jobs; ++I)
    Threads.emplace_back(&Checkers::work, this,
                         Scratch + "/image" + std::to_string(I), Command);
}

void Checkers::add(Image I) {
  std::unique_lock<std::mutex> Hold(Lock);
  Changed.wait(Hold, [this] { return Waiting.size() < 64; });
  if (Dropped) {
    ++Unchecked;
    return;
  }
  Waiting.push_back(std::move(I));
  Changed.notify_all();
}

void Checkers::drop() {
  std::lock_guard<std::mutex> Hold(Lock);
  Dropped = true;
  Unchecked += Waiting.size();
  Waiting.clear();
  Changed.notify_all();
}

uint64_t Checkers::finish() {
  {
    std::lock_guard<std::mutex> Hold(Lock);
    Ended = true;
    Changed.notify_all();
  }
  for (std::thread &T : Threads)
    T.join();
  Threads.clear();
  return Unchecked;
}

void Checkers::work(const std::string &Directory, const CheckCommand &Command) {
  Checker Mine(Directory, Command);
  for (;;) {
    Image I;
    {
      std::unique_lock<std::mutex> Hold(Lock);
      Changed.wait(Hold, [this] { return Ended || !Waiting.empty(); });
      if (Waiting.empty())
        return;
      I = std::move(Waiting.front());
      Waiting.pop_front();
      Changed.notify_all();
    }
    Verdict V = Mine.check(I);
    if (V.Failed) {
      std::lock_guard<std::mutex> Hold(Reporting);
      OnFailure(I, V);
    }
  }
}

//===- Check.cpp - Runs the check command on images, in parallel ----------===//

#include "Check.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace crash;

extern char **environ;

static constexpr int SecondsForCheck = 60;

static Verdict broken(const std::string &What, int Error) {
  Verdict V;
  V.Failed = V.Broken = true;
  V.Why = What + ": " + strerror(Error);
  return V;
}

// Waits, and ends a check that does not end by itself, with its children.
static Verdict waitFor(pid_t Child) {
  Verdict V;
  int File = static_cast<int>(syscall(SYS_pidfd_open, Child, 0));
  struct pollfd Wait = {File, POLLIN, 0};
  bool Late = File >= 0 && poll(&Wait, 1, SecondsForCheck * 1000) == 0;
  if (File >= 0)
    close(File);
  if (Late)
    kill(-Child, SIGKILL);
  int Status = 0;
  while (waitpid(Child, &Status, 0) < 0 && errno == EINTR)
    ;
  V.Failed = Status != 0;
  if (Late)
    V.Why = "no end after " + std::to_string(SecondsForCheck) + " seconds";
  else if (WIFSIGNALED(Status))
    V.Why = std::string("killed: ") + strsignal(WTERMSIG(Status));
  else
    V.Why = "exit status " + std::to_string(WEXITSTATUS(Status));
  V.Broken = WIFEXITED(Status) && WEXITSTATUS(Status) == 127;
  return V;
}

Verdict crash::check(const Image &I, const std::string &Directory,
                     const std::string &Command) {
  std::string Notes = Directory + ".notes", Output = Directory + ".output";
  if (!writeImage(I, Directory))
    return broken("cannot write an image to " + Directory, errno);
  std::ofstream(Notes, std::ios::binary) << I.At->Notes;
  posix_spawn_file_actions_t Files;
  posix_spawnattr_t Attributes;
  posix_spawn_file_actions_init(&Files);
  posix_spawn_file_actions_addopen(&Files, 0, Notes.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&Files, 1, Output.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&Files, 1, 2);
  posix_spawn_file_actions_addchdir_np(&Files, Directory.c_str());
  posix_spawnattr_init(&Attributes);
  posix_spawnattr_setflags(&Attributes, POSIX_SPAWN_SETPGROUP);
  std::string Shell = "sh", Flag = "-c", Text = Command;
  char *Arguments[] = {&Shell[0], &Flag[0], &Text[0], nullptr};
  pid_t Child;
  int Error = posix_spawn(&Child, "/bin/sh", &Files, &Attributes, Arguments,
                          environ);
  posix_spawnattr_destroy(&Attributes);
  posix_spawn_file_actions_destroy(&Files);
  if (Error)
    return broken("cannot run /bin/sh", Error);
  Verdict V = waitFor(Child);
  if (V.Failed) {
    std::ifstream Said(Output, std::ios::binary);
    V.Output.assign(std::istreambuf_iterator<char>(Said), {});
  }
  return V;
}

Checkers::Checkers(unsigned Jobs, const std::string &Scratch,
                   std::string Command, Report OnFailure)
    : Command(std::move(Command)), OnFailure(std::move(OnFailure)) {
  for (unsigned I = 0; I < Jobs; ++I)
    Threads.emplace_back(&Checkers::work, this,
                         Scratch + "/image" + std::to_string(I));
}

void Checkers::add(Image I) {
  std::unique_lock<std::mutex> Hold(Lock);
  Changed.wait(Hold, [this] { return Waiting.size() < 64; });
  Waiting.push_back(std::move(I));
  Changed.notify_all();
}

void Checkers::finish() {
  {
    std::lock_guard<std::mutex> Hold(Lock);
    Ended = true;
    Changed.notify_all();
  }
  for (std::thread &T : Threads)
    T.join();
  Threads.clear();
}

void Checkers::work(std::string Directory) {
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
    Verdict V = check(I, Directory, Command);
    if (V.Failed) {
      std::lock_guard<std::mutex> Hold(Reporting);
      OnFailure(I, V);
    }
  }
}

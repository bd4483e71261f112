//===- Check.h - Runs the check command on images, in parallel --*- C++ -*-===//

#ifndef PERDURE_TOOLS_CRASH_CHECK_H
#define PERDURE_TOOLS_CRASH_CHECK_H

#include "Image.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <sys/types.h>
#include <thread>

namespace crash {

struct Verdict {
  bool Failed = false;
  bool Broken = false; // the check could not be run
  std::string Why;     // "exit status 1", "signal 11", ...
  std::string Output;  // of the check
};

/// How images are checked.
struct CheckCommand {
  std::string Text;    // a shell command
  bool Serves = false; // it calls perdure_crash_check, and runs once for many
};

/// Checks images one after the other, each in the same Directory. The command's
/// standard input is the notes.
class Checker {
public:
  Checker(std::string Directory, CheckCommand Command)
      : Directory(std::move(Directory)), Command(std::move(Command)) {}
  ~Checker() { stop(false); }
  Checker(const Checker &) = delete;
  Checker &operator=(const Checker &) = delete;

  Verdict check(const Image &I);

private:
  Verdict runOnce();
  Verdict ask();
  bool start(Verdict &V);
  void stop(bool Kill);
  std::string output() const;

  std::string Directory;
  CheckCommand Command;
  pid_t Server = -1;
  int Socket = -1; // to it
};

/// Checks images in threads, each with a directory of its own under Scratch.
class Checkers {
public:
  using Report = std::function<void(const Image &, const Verdict &)>;

  /// OnFailure is called by one thread at a time.
  Checkers(unsigned Jobs, const std::string &Scratch,
           const CheckCommand &Command, Report OnFailure);
  ~Checkers() { finish(); }
  Checkers(const Checkers &) = delete;
  Checkers &operator=(const Checkers &) = delete;

  /// Waits while many are waiting.
  void add(Image I);
  /// Those that wait or are added later are not checked.
  void drop();
  /// Returns when all have been checked; how many were dropped.
  uint64_t finish();

private:
  void work(const std::string &Directory, const CheckCommand &Command);

  Report OnFailure;
  std::mutex Lock, Reporting;
  std::condition_variable Changed;
  std::deque<Image> Waiting;
  bool Ended = false, Dropped = false;
  uint64_t Unchecked = 0; // dropped
  std::vector<std::thread> Threads;
};

} // namespace crash

#endif // PERDURE_TOOLS_CRASH_CHECK_H

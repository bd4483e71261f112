//===- Check.h - Runs the check command on images, in parallel --*- C++ -*-===//

#ifndef PERDURE_TOOLS_CRASH_CHECK_H
#define PERDURE_TOOLS_CRASH_CHECK_H

#include "Image.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace crash {

struct Verdict {
  bool Failed = false;
  bool Broken = false;  // the check could not be run
  std::string Why;      // "exit status 1", "signal 11", ...
  std::string Output;   // of the check
};

/// Writes the image to Directory and runs the command there; its standard input
/// is the notes.
Verdict check(const Image &I, const std::string &Directory,
              const std::string &Command);

/// Checks images in threads, each with a directory of its own under Scratch.
class Checkers {
public:
  using Report = std::function<void(const Image &, const Verdict &)>;

  /// OnFailure is called by one thread at a time.
  Checkers(unsigned Jobs, const std::string &Scratch, std::string Command,
           Report OnFailure);
  ~Checkers() { finish(); }
  Checkers(const Checkers &) = delete;
  Checkers &operator=(const Checkers &) = delete;

  /// Waits while many are waiting.
  void add(Image I);
  /// Returns when all have been checked.
  void finish();

private:
  void work(std::string Directory);

  std::string Command;
  Report OnFailure;
  std::mutex Lock, Reporting;
  std::condition_variable Changed;
  std::deque<Image> Waiting;
  bool Ended = false;
  std::vector<std::thread> Threads;
};

} // namespace crash

#endif // PERDURE_TOOLS_CRASH_CHECK_H

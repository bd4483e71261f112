//===- FlipsRun.cpp - perdure flips run -----------------------------------===//

#include "FlipsRun.h"
#include "Command.h"

#include "../flips/Profile.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace perdure;

static int complain(const std::string &What, int Status = Failure) {
  fprintf(stderr, "perdure: flips: %s\n", What.c_str());
  return Status;
}

// "64K:2" as the runtime has it, "65536:2"; what is no size stays, and the
// runtime says so.
static std::string shape(const std::string &Text) {
  size_t End = Text.find(':');
  if (End == std::string::npos || End == 0)
    return Text;
  char Unit = Text[End - 1];
  unsigned Shift = Unit == 'K' ? 10 : Unit == 'M' ? 20 : 0;
  if (!Shift)
    return Text;
  return std::to_string(strtoull(Text.c_str(), nullptr, 10) << Shift) +
         Text.substr(End);
}

// As PERDURE_FLIPS has commas in a name.
static std::string escapeCommas(const std::string &Name) {
  std::string Out;
  for (char C : Name) {
    if (C == ',' || C == '\\')
      Out += '\\';
    Out += C;
  }
  return Out;
}

// The program, with addresses that are the same each time: pointers are what
// flips. Does not come back.
[[noreturn]] static void become(const FlipsRun &R, const std::string &Options) {
  int Now = personality(0xffffffff);
  if (Now < 0 || personality((unsigned long)Now | ADDR_NO_RANDOMIZE) < 0)
    fprintf(stderr,
            "perdure: flips: addresses stay random (%s): two runs may differ\n",
            strerror(errno));
  std::vector<char *> Arguments;
  for (const std::string &Word : R.Program)
    Arguments.push_back(const_cast<char *>(Word.c_str()));
  Arguments.push_back(nullptr);
  if (!setenv("PERDURE_FLIPS", Options.c_str(), 1))
    execvp(Arguments[0], Arguments.data());
  fprintf(stderr, "perdure: flips: cannot run '%s': %s\n", Arguments[0],
          strerror(errno));
  _exit(127);
}

// Unfinished: of processes that ended while they wrote theirs.
static bool addProfiles(const std::string &Folder, flips::Profile &All,
                        size_t &Count, size_t &Unfinished, std::string &Why) {
  for (const fs::directory_entry &Entry : fs::directory_iterator(Folder)) {
    if (Entry.path().extension() == ".part") {
      ++Unfinished;
      continue;
    }
    flips::Profile One;
    if (!flips::readProfile(Entry.path().string(), One, Why) ||
        !flips::mergeProfile(All, One, Why))
      return false;
    ++Count;
  }
  return true;
}

int runFlips(const FlipsRun &R) {
  // Beside the result, so that there is room for it, and a crash of this tool
  // loses nothing.
  std::string Folder = R.Output + ".XXXXXX";
  if (!mkdtemp(&Folder[0]))
    return complain("cannot make a directory beside " + R.Output + ": " +
                    strerror(errno));
  std::string Options = "file=" + escapeCommas(fs::absolute(Folder).string()) +
                        "/%p,l1=" + shape(R.L1) + ",l2=" + shape(R.L2) +
                        ",controller=" + R.Controller +
                        ",model=" + (R.NoModel ? "0" : "1") +
                        ",advise=" + (R.Advise ? "1" : "0");
  pid_t Child = fork();
  if (Child < 0)
    return complain(std::string("cannot start a process: ") + strerror(errno));
  if (!Child)
    become(R, Options);
  int Status;
  while (waitpid(Child, &Status, 0) < 0)
    if (errno != EINTR)
      return complain(std::string("cannot wait: ") + strerror(errno));

  flips::Profile All;
  size_t Count = 0, Unfinished = 0;
  std::string Why;
  bool Ok = addProfiles(Folder, All, Count, Unfinished, Why);
  Ok = Ok && (!Count || flips::writeProfile(R.Output, All, Why));
  std::error_code Ignored;
  if (!Ok)
    return complain(Why + "; the profiles of its processes are in " + Folder);
  fs::remove_all(Folder, Ignored);
  std::string Name = "'" + R.Program[0] + "'";
  if (WIFSIGNALED(Status))
    complain(Name + " was ended by signal " + std::to_string(WTERMSIG(Status)) +
             ": a process that does not exit leaves no profile");
  else if (WEXITSTATUS(Status))
    complain(Name + " ended with status " +
             std::to_string(WEXITSTATUS(Status)));
  if (Unfinished)
    complain(std::to_string(Unfinished) + " process" +
             (Unfinished == 1 ? "" : "es") +
             " ended before the profile was written");
  if (!Count)
    return Status || Unfinished ? Failure
                  : complain(Name + " left no profile: build it with "
                                    "perdure-cc -fperdure-flips");
  fprintf(stderr, "perdure: flips: %zu process%s, written to %s\n", Count,
          Count == 1 ? "" : "es", R.Output.c_str());
  return Status || Unfinished ? Failure : Success;
}

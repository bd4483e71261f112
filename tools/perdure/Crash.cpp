//===- Crash.cpp - perdure crash ------------------------------------------===//

#include "Command.h"
#include "Output.h"

#include "../crash/Explorer.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

struct Options {
  std::string Medium = "dax", Check, Budget = "20000", Keep = "crash", From,
              Then;
  std::vector<std::string> LeaveOut;
  uint64_t Seed = 1, ThenImages = 20, Failures = 0;
  unsigned Jobs = 0, Hold = 0;
  bool Json = false, Serve = false;
  std::vector<std::string> Program;
};

/// A directory in memory where there is one, gone at the end.
class Scratch {
public:
  Scratch() {
    const char *Base = getenv("TMPDIR");
    if (!Base || !*Base)
      Base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    Path = std::string(Base) + "/perdure-crash.XXXXXX";
    if (!mkdtemp(&Path[0]))
      Path.clear();
  }
  ~Scratch() {
    std::error_code Ignored;
    if (!Path.empty())
      fs::remove_all(Path, Ignored);
  }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  std::string Path;
};

using Files = std::map<std::string, std::unique_ptr<std::string>>;

/// What was found without one of the flushes, fences and syncs.
struct Removal {
  std::string Chain;
  perdure_trace_kind Kind;
  crash::Outcome Found;
};

} // namespace

static int complain(const std::string &What, int Status = Failure) {
  fprintf(stderr, "perdure: crash: %s\n", What.c_str());
  return Status;
}

static std::string read(const fs::path &Path) {
  std::ifstream File(Path, std::ios::binary);
  return {std::istreambuf_iterator<char>(File), {}};
}

static Files readFiles(const std::string &Root) {
  Files Found;
  for (const auto &Entry : fs::recursive_directory_iterator(Root)) {
    std::string Path = Entry.path().string().substr(Root.size() + 1);
    if (Entry.is_directory())
      Found[Path] = nullptr;
    else if (Entry.is_regular_file())
      Found[Path] = std::make_unique<std::string>(read(Entry.path()));
  }
  return Found;
}

// "20000" images or "60s".
static bool parseBudget(const std::string &Text, crash::Plan &P) {
  char *End;
  errno = 0;
  double Number = strtod(Text.c_str(), &End);
  if (errno || End == Text.c_str() || !(Number > 0) || Number > 1e15)
    return false;
  if (!strcmp(End, "s")) {
    P.Seconds = Number;
    return true;
  }
  P.Images = static_cast<uint64_t>(Number);
  return !*End && std::floor(Number) == Number;
}

// Runs the program in Root, which writes Trace; its exit status, or -1. Without
// Input it has that of this command.
static int runProgram(std::vector<std::string> Words, const std::string &Root,
                      const std::string &Trace, const std::string &Input = "") {
  // By where it was called from, not by where it runs.
  if (Words[0].find('/') != std::string::npos)
    Words[0] = fs::absolute(Words[0]).string();
  std::ofstream(Trace, std::ios::binary) << PERDURE_TRACE_MAGIC;
  pid_t Child = fork();
  if (Child < 0)
    return -1;
  if (!Child) {
    std::vector<char *> Arguments;
    for (std::string &Word : Words)
      Arguments.push_back(&Word[0]);
    Arguments.push_back(nullptr);
    // What it prints is no part of the report.
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (!Input.empty())
      dup2(open(Input.c_str(), O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    if (setenv("PERDURE_TRACE", Trace.c_str(), 1) || chdir(Root.c_str()))
      _exit(127);
    execvp(Arguments[0], Arguments.data());
    fprintf(stderr, "perdure: crash: cannot run '%s': %s\n", Arguments[0],
            strerror(errno));
    _exit(127);
  }
  int Status;
  while (waitpid(Child, &Status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return WIFEXITED(Status) ? WEXITSTATUS(Status) : 128 + WTERMSIG(Status);
}

// A bar, as long as the line has room for it, and what is said beside it: drawn
// over what was there, ten times a second at most. The line ends with the bar.
static void drawBar(double Fraction, const std::string &Text, bool Last) {
  using Clock = std::chrono::steady_clock;
  static Clock::time_point Drawn;
  static bool Begun = false;
  if (!isatty(STDERR_FILENO))
    return;
  if (Begun && !Last && Clock::now() - Drawn < std::chrono::milliseconds(100))
    return;
  Begun = !Last;
  Drawn = Clock::now();
  winsize Size = {};
  size_t Columns = 80;
  if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &Size) && Size.ws_col)
    Columns = Size.ws_col;
  // Nothing goes to the last column, after which some terminals begin a line.
  std::string Line = Text.substr(0, Columns - 1);
  if (Line.size() + 8 < Columns) {
    size_t Width = std::min<size_t>(30, Columns - Line.size() - 4);
    size_t Done = static_cast<size_t>(Fraction * double(Width));
    Line = "[" + std::string(Done, '#') + std::string(Width - Done, '.') +
           "] " + Line;
  }
  fprintf(stderr, "\r%s\033[K%s", Line.c_str(), Last ? "\n" : "");
}

static void showProgress(const crash::Outcome &O, double Fraction, bool Last) {
  drawBar(Fraction,
          std::to_string(O.Checked) + " images, " + std::to_string(O.Failed) +
              " failed",
          Last);
}

static const char *kindOf(perdure_trace_kind Kind) {
  switch (Kind) {
  case PERDURE_TRACE_FLUSH:
    return "flush";
  case PERDURE_TRACE_FENCE:
    return "fence";
  case PERDURE_TRACE_MSYNC:
    return "msync";
  default:
    return "sync";
  }
}

static std::string firstLine(const std::string &Text) {
  return Text.substr(0, Text.find('\n'));
}

static std::string reasonOf(const crash::Failure &F) {
  return F.Output.empty() ? F.Why : F.Why + ": " + firstLine(F.Output);
}

static void printJson(const crash::Outcome &O, const crash::Plan &P,
                      const std::vector<Removal> &Removals) {
  Json J;
  J.beginObject();
  J.add("medium", P.On == crash::Medium::Dax ? "dax" : "page");
  J.add("seed", P.Seed);
  J.add("points", O.Points);
  J.add("went on", O.WentOn);
  J.add("images", O.Checked);
  J.add("pruned", O.Pruned);
  J.add("exhaustive", O.Exhausted);
  J.add("failed", O.Failed);
  J.beginArray("failures");
  for (const crash::Failure &F : O.Failures) {
    J.beginObject();
    J.add("images", F.Count);
    J.add("why", F.Why);
    J.add("output", F.Output);
    J.add("first", F.First);
    J.add("event", static_cast<uint64_t>(F.Event));
    J.add("after", F.After);
    J.add("kept", F.Kept);
    J.beginArray("lost");
    for (const std::string &Line : F.Lost)
      J.add(nullptr, Line);
    J.endArray();
    J.endObject();
  }
  J.endArray();
  J.beginArray("untraced");
  for (const std::string &Line : O.Untraced)
    J.add(nullptr, Line);
  J.endArray();
  J.beginArray("primitives");
  for (const auto &[Chain, Kind] : O.Primitives) {
    J.beginObject();
    J.add("chain", Chain);
    J.add("kind", kindOf(Kind));
    J.endObject();
  }
  J.endArray();
  J.beginArray("left out");
  for (const Removal &R : Removals) {
    J.beginObject();
    J.add("chain", R.Chain);
    J.add("kind", kindOf(R.Kind));
    J.add("images", R.Found.Checked);
    J.add("exhaustive", R.Found.Exhausted);
    J.add("noticed", R.Found.Failed != 0);
    J.add("why", R.Found.Failures.empty() ? "" : reasonOf(R.Found.Failures[0]));
    J.beginArray("lost");
    if (!R.Found.Failures.empty())
      for (const std::string &Line : R.Found.Failures[0].Lost)
        J.add(nullptr, Line);
    J.endArray();
    J.endObject();
  }
  J.endArray();
  J.endObject();
}

static void printReport(const crash::Outcome &O, const crash::Plan &P) {
  size_t Number = 0;
  for (const crash::Failure &F : O.Failures) {
    printf("failure %zu: %s\n", ++Number, escape(reasonOf(F)).c_str());
    for (size_t At = 0, End; At < F.First.size(); At = End + 1) {
      End = F.First.find('\n', At);
      printf("  %s\n", escape(F.First.substr(At, End - At)).c_str());
    }
    // What comes after the power failure failed itself, with no second one.
    if (!F.InThen)
      printf("  the power fails after event %u: %s\n", F.Event,
             escape(F.After).c_str());
    for (const std::string &Line : F.Lost)
      printf("  lost: %s\n", escape(Line).c_str());
    if (F.Lost.empty() && !F.InThen)
      printf("  lost: nothing; what is missing had not been done yet\n");
    printf("  images: %llu\n", static_cast<unsigned long long>(F.Count));
    if (!F.Kept.empty())
      printf("  kept in %s\n", escape(F.Kept).c_str());
    else
      printf(
          "  not kept: nothing can be written below %s; --keep takes another "
          "directory\n",
          escape(P.Keep).c_str());
  }
  printf("%llu images checked at %llu points%s, %llu failed\n",
         static_cast<unsigned long long>(O.Checked),
         static_cast<unsigned long long>(O.Points),
         O.Exhausted ? ", which are all there are" : "",
         static_cast<unsigned long long>(O.Failed));
  if (P.Failures && O.Failures.size() >= P.Failures)
    printf("stopped there, as --failures %llu says\n",
           static_cast<unsigned long long>(P.Failures));
  if (O.WentOn)
    printf("%llu of them were gone on with, until the power failed again\n",
           static_cast<unsigned long long>(O.WentOn));
}

static void printRemovals(const std::vector<Removal> &Removals) {
  for (const Removal &R : Removals) {
    printf("without the %s at libperdure-trace.so%s: ", kindOf(R.Kind),
           R.Chain.c_str());
    if (!R.Found.Failures.empty())
      printf("noticed: %s\n", escape(reasonOf(R.Found.Failures[0])).c_str());
    else
      printf("not noticed, %llu images more that it allows%s\n",
             static_cast<unsigned long long>(R.Found.Checked),
             R.Found.Exhausted ? ", which are all there are" : "");
  }
}

// Each that was made, or those that are asked for. Unknown: one that was not
// made.
static std::vector<Removal>
leaveOut(const crash::Plan &P, const std::vector<std::string> &Wanted,
         const crash::Outcome &Whole, const crash::Run &First,
         const std::vector<crash::Run> &Later, std::string &Unknown) {
  std::vector<const crash::Run *> Runs{&First};
  for (const crash::Run &R : Later)
    Runs.push_back(&R);
  std::vector<Removal> Removals;
  bool All = std::find(Wanted.begin(), Wanted.end(), "all") != Wanted.end();
  for (const std::string &Chain : Wanted)
    if (Chain != "all" && !Whole.Primitives.count(Chain))
      Unknown = Chain;
  for (const auto &[Chain, Kind] : Whole.Primitives)
    if (All || std::find(Wanted.begin(), Wanted.end(), Chain) != Wanted.end())
      Removals.push_back({Chain, Kind, {}});
  if (!Unknown.empty())
    return {};
  size_t Done = 0, Noticed = 0;
  auto Show = [&] {
    drawBar(double(Done) / double(Removals.size()),
            std::to_string(Done) + " of " + std::to_string(Removals.size()) +
                " left out, " + std::to_string(Noticed) + " noticed",
            Done == Removals.size());
  };
  for (Removal &R : Removals) {
    Show();
    crash::Plan Mine = P;
    Mine.Keep += "/without" + R.Chain;
    R.Found = crash::exploreWithout(
        Mine, R.Chain, Runs, [](const crash::Outcome &, double, bool) {});
    ++Done;
    Noticed += R.Found.Failed != 0;
  }
  if (!Removals.empty())
    Show();
  return Removals;
}

static int run(const Options &Opts) {
  crash::Plan P;
  if (!parseBudget(Opts.Budget, P))
    return complain("--budget takes a number of images, as 20000, or of "
                    "seconds, as 60s",
                    Usage);
  if (Opts.Medium != "dax" && Opts.Medium != "page")
    return complain("--medium takes dax or page", Usage);
  P.On = Opts.Medium == "dax" ? crash::Medium::Dax : crash::Medium::Page;
  P.Command = {Opts.Check, Opts.Serve};
  P.Seed = Opts.Seed;
  P.Failures = Opts.Failures;
  P.Jobs =
      Opts.Jobs ? Opts.Jobs : std::max(1u, std::thread::hardware_concurrency());
  P.Keep = fs::absolute(Opts.Keep).string();
  Scratch Temp;
  if (Temp.Path.empty())
    return complain(std::string("cannot make a directory for images: ") +
                    strerror(errno));
  P.Scratch = Temp.Path;
  std::string Root = Temp.Path + "/run", Trace = Temp.Path + "/trace";
  std::error_code Error;
  fs::create_directory(Root, Error);
  if (!Opts.From.empty())
    fs::copy(Opts.From, Root, fs::copy_options::recursive, Error);
  if (Error)
    return complain("cannot copy " + Opts.From + ": " + Error.message());
  Files Before = readFiles(Root);
  // The program and the checks take the medium for what is explored.
  setenv("PMEM2_FORCE_GRANULARITY",
         P.On == crash::Medium::Dax ? "CACHE_LINE" : "PAGE", 1);
  if (Opts.Hold)
    setenv("PERDURE_TRACE_HOLD", std::to_string(Opts.Hold).c_str(), 1);
  if (int Status = runProgram(Opts.Program, Root, Trace))
    return complain("'" + Opts.Program[0] + "' ended with status " +
                    std::to_string(Status) +
                    ": only runs that succeed are explored");
  crash::Run What;
  What.Root = Root;
  What.Files = std::move(Before);
  std::string Why;
  if (!crash::readTrace(Trace, What.Events, Why))
    return complain(Why);
  if (What.Events.empty())
    return complain("'" + Opts.Program[0] +
                    "' left no trace: build it with perdure-cc "
                    "-fperdure-trace");
  if (!Opts.Then.empty()) {
    P.ThenImages = Opts.ThenImages;
    P.Then = [&](const std::string &In, std::vector<crash::Event> &More,
                 std::string &Failed) {
      int Status =
          runProgram({"/bin/sh", "-c", Opts.Then}, In, Trace, In + ".notes");
      if (Status)
        Failed = "--then ended with status " + std::to_string(Status);
      return !Status && crash::readTrace(Trace, More, Failed);
    };
  }
  std::vector<crash::Run> Later;
  crash::Outcome O = crash::explore(P, What, showProgress,
                                    Opts.LeaveOut.empty() ? nullptr : &Later);
  std::vector<Removal> Removals;
  std::string Unknown;
  if (O.Trouble.empty() && !O.Failed && !Opts.LeaveOut.empty())
    Removals = leaveOut(P, Opts.LeaveOut, O, What, Later, Unknown);
  if (!Unknown.empty())
    return complain("--leave-out: no flush, fence or sync was made at " +
                    Unknown + ": --json prints those that were");
  for (const Removal &R : Removals)
    O.Trouble += R.Found.Trouble;
  if (!O.Trouble.empty())
    return complain("the check cannot be run: " + O.Trouble);
  if (Opts.Json)
    printJson(O, P, Removals);
  else {
    printReport(O, P);
    printRemovals(Removals);
  }
  fflush(stdout);
  for (const std::string &File : O.Untraced)
    complain("code that was not built with -fperdure-trace has changed " +
             File + ": what it stored there was not explored");
  return O.Failed || !O.Untraced.empty() ? Failure : Success;
}

Command addCrash(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand(
      "crash", "Look for what a power failure could break");
  App->add_option("--check", Opts->Check,
                  "A shell command, run in each image; fails when the image is "
                  "bad")
      ->required();
  App->add_option("--medium", Opts->Medium, "dax (the default) or page");
  App->add_option("--budget", Opts->Budget,
                  "At most so many images (20000), or seconds (60s)");
  App->add_option("--failures", Opts->Failures,
                  "Stop at so many failures that differ in what was lost");
  App->add_option("--seed", Opts->Seed, "Of what is chosen at random (1)");
  App->add_option("--jobs", Opts->Jobs, "Checks at once (one per processor)");
  App->add_option("--keep", Opts->Keep, "Where failing images go (crash)");
  App->add_option("--from", Opts->From,
                  "A directory whose files are there when the program starts");
  App->add_option("--then", Opts->Then,
                  "A shell command that comes after the power failure, traced "
                  "as PROGRAM is: in some images it is run, and the power "
                  "fails again");
  App->add_option("--then-images", Opts->ThenImages,
                  "In how many images at most (20)");
  App->add_option("--leave-out", Opts->LeaveOut,
                  "Then leave out one flush, fence or sync at a time, and look "
                  "for an image that fails among those which it forbids; all, "
                  "or places as --json prints them: A,B. --budget is for each")
      ->delimiter(',');
  App->add_option(
      "--hold", Opts->Hold,
      "Hold threads of PROGRAM up before each fence and fdatasync, for "
      "at most so many microseconds, so that others get ahead");
  App->add_flag("--serve", Opts->Serve,
                "CHECK is one program that calls perdure_crash_check: it is "
                "started once for many images");
  App->add_flag("--json", Opts->Json, "Print a JSON object");
  App->add_option("PROGRAM", Opts->Program,
                  "Built with perdure-cc -fperdure-trace, and its arguments")
      ->required();
  App->footer(
      "Runs PROGRAM in a new directory and then CHECK in each image of that "
      "directory\nthat a power failure could have left. CHECK reads what the "
      "program promised until\nthen (perdure_crash_note) from its standard "
      "input.\n\n"
      "Exit status: 0 no image failed, 1 some did or the program failed, 2 "
      "wrong usage.\n\n"
      "Examples:\n"
      "  perdure crash --check '/src/list --verify' -- ./list 1 2 3\n"
      "  perdure crash --medium page --budget 60s --check ./verify.sh -- "
      "./server\n");
  return {App, [Opts] { return run(*Opts); }};
}

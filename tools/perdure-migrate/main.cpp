//===- main.cpp - perdure-migrate -----------------------------------------===//
//
// Reads all files of a compile_commands.json as an editor does (PERDURE_EDITOR),
// not through the compiler plugin: the plugin refuses code that is half migrated,
// and a syntax tree with errors has holes where edits belong, while ordinary C is
// read alike before and after. The annotations are seen as attributes.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"
#include "Collect.h"
#include "Output.h"

#include "clang/Frontend/FrontendActions.h"
#include "clang/Tooling/ArgumentsAdjusters.h"
#include "clang/Tooling/CompilationDatabase.h"
#include "clang/Tooling/Tooling.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace clang::tooling;
using namespace llvm;
using namespace perdure::migrate;

static cl::OptionCategory Category("perdure-migrate options");
static cl::opt<std::string>
    BuildFolder("p", cl::desc("Folder with compile_commands.json; else it is looked "
                              "for beside the first source and above"),
                cl::value_desc("build folder"), cl::cat(Category));
static cl::list<std::string> SourceNames(cl::Positional, cl::desc("[source ...] "
                                                                  "[-- flags]"),
                                         cl::cat(Category));
static cl::list<std::string>
    Roots("root", cl::desc("Record where persistence starts: a tag or a typedef "
                           "(struct:NAME, NAME). May be given several times; "
                           "without roots what is annotated already is one"),
          cl::value_desc("name"), cl::cat(Category));
static cl::list<std::string>
    Headers("header", cl::desc("All records that this file defines are roots; in a "
                               "system header they are annotated by declarations "
                               "before it is included"),
            cl::value_desc("file"), cl::cat(Category));
static cl::opt<bool> DryRun("dry-run",
                            cl::desc("Print a unified diff and change nothing"),
                            cl::cat(Category));
static cl::opt<bool> Check("check",
                           cl::desc("Change nothing; exit status 1 if edits or "
                                    "decisions are left"),
                           cl::cat(Category));
static cl::opt<bool> Json("json", cl::desc("Print edits and decisions as JSON"),
                          cl::cat(Category));
static cl::opt<bool>
    Transient("transient",
              cl::desc("Mark pointers to code, pointers in unions and pointers to "
                       "system records as transient, and note it"),
              cl::cat(Category));
enum class Where { Prove, Leave };
static cl::opt<Where> Allocations(
    "allocations", cl::desc("malloc and free of annotated records:"),
    cl::values(clEnumValN(Where::Prove, "prove",
                          "near their owner, where it is proven which (default)"),
               clEnumValN(Where::Leave, "leave", "as they are")),
    cl::init(Where::Prove), cl::cat(Category));

static const char Overview[] =
    "Makes the records of a C or C++ program persistent: annotates what the roots\n"
    "reach, retypes what points at their pointers, and says what a person must "
    "decide.\nSources default to all files of compile_commands.json.\n";
static cl::extrahelp More(
    "\nExamples:\n"
    "  perdure-migrate -p build --root node --dry-run\n"
    "  perdure-migrate -p build --header tree.h src/tree.c src/main.c\n"
    "  perdure-migrate -p build --check\n"
    "  perdure-migrate --root list list.c -- -std=gnu11 -Iinclude\n"
    "\nExit status: 0 done, 1 something failed, or --check has found something, "
    "2 wrong usage.\n");

/// The folder with perdure/perdure.h, from where the program lies.
static std::string includeFolder(const char *Argv0) {
  void *Here = reinterpret_cast<void *>(&includeFolder);
  SmallString<256> Path(sys::fs::getMainExecutable(Argv0, Here));
  sys::path::remove_filename(Path);
  sys::path::append(Path, PERDURE_INCLUDE_FROM_BIN);
  sys::path::remove_dots(Path, true);
  return std::string(Path);
}

/// Commands for perdure-cc, GCC or Clang, as libTooling can run them.
static CommandLineArguments adjusted(const CommandLineArguments &Old,
                                     const std::string &Include) {
  CommandLineArguments New;
  for (size_t I = 0; I != Old.size(); ++I) {
    StringRef A = Old[I];
    if (A.starts_with("-fperdure-") || A.starts_with("-fplugin=") ||
        A.starts_with("-fplugin-arg-") || A.starts_with("-fpass-plugin=") ||
        A == "-Werror" || A.starts_with("-Werror=") || A == "-D__PERDURE__")
      continue;
    New.push_back(Old[I]);
    if (I == 0) {
      for (const char *Each : {"-DPERDURE_EDITOR", "-w", "-ferror-limit=5",
                               "-Wno-error", "-resource-dir", PERDURE_RESOURCE_DIR,
                               "-isystem"})
        New.push_back(Each);
      New.push_back(Include);
    }
  }
  return New;
}

/// One command alone: a tool that has several prints its progress.
class OneCommand : public CompilationDatabase {
public:
  explicit OneCommand(CompileCommand Command) : Command(std::move(Command)) {}
  std::vector<CompileCommand> getCompileCommands(StringRef) const override {
    return {Command};
  }

private:
  CompileCommand Command;
};

/// Texts that take the place of files.
using Texts = std::map<std::string, std::string>;

/// Parses a file once for each of its commands; false if one fails.
static bool read(const CompilationDatabase &Commands, const std::string &Source,
                 const std::string &Include, FrontendActionFactory &Factory,
                 const Texts &Instead = {}) {
  std::vector<CompileCommand> Done;
  bool Ok = true;
  for (const CompileCommand &Command : Commands.getCompileCommands(Source)) {
    // Two objects of one file, which need not differ in their flags.
    auto Same = [&](const CompileCommand &D) {
      return D.Directory == Command.Directory &&
             getClangStripOutputAdjuster()(D.CommandLine, "") ==
                 getClangStripOutputAdjuster()(Command.CommandLine, "");
    };
    if (any_of(Done, Same))
      continue;
    Done.push_back(Command);
    OneCommand One(Command);
    ClangTool Tool(One, Source);
    Tool.clearArgumentsAdjusters();
    Tool.appendArgumentsAdjuster(getClangStripOutputAdjuster());
    Tool.appendArgumentsAdjuster(getClangSyntaxOnlyAdjuster());
    Tool.appendArgumentsAdjuster(getClangStripDependencyFileAdjuster());
    Tool.appendArgumentsAdjuster(
        [&](const CommandLineArguments &Args, StringRef) {
          return adjusted(Args, Include);
        });
    Tool.setPrintErrorMessage(false);
    for (const auto &[File, Text] : Instead)
      Tool.mapVirtualFile(File, Text);
    Ok &= Tool.run(&Factory) == 0;
  }
  if (!Done.empty())
    return Ok;
  errs() << "perdure-migrate: nothing says how " << Source << " is compiled\n";
  return false;
}

/// Whether what the edits make still compiles. It says so where it does not.
static bool compiles(const CompilationDatabase &Commands,
                     const std::vector<std::string> &Sources, const std::string &Include,
                     const Program &P, const std::vector<Change> &Changes) {
  Texts Instead;
  for (const Change &C : Changes) {
    Instead[C.File] = C.After;
    if (auto It = P.Files.find(C.File); It != P.Files.end())
      for (const std::string &Name : It->second.Names)
        Instead[Name] = C.After;
  }
  for (const std::string &Source : Sources) {
    SmallString<256> Real;
    if (!sys::fs::real_path(Source, Real))
      if (auto It = Instead.find(std::string(Real)); It != Instead.end())
        Instead[getAbsolutePath(Source)] = It->second;
  }
  bool Ok = true;
  for (const std::string &Source : Sources)
    Ok &= read(Commands, Source, Include,
               *newFrontendActionFactory<clang::SyntaxOnlyAction>(), Instead);
  if (!Ok)
    errs() << "perdure-migrate: with its edits these files would not compile, for the "
              "reasons above; nothing was changed\nhint: --dry-run shows the edits; "
              "rewrite what they fail at by hand first\n";
  return Ok;
}

int main(int Argc, const char **Argv) {
  registerAttributes();
  cl::HideUnrelatedOptions(Category);
  std::string Message;
  std::unique_ptr<CompilationDatabase> Commands =
      FixedCompilationDatabase::loadFromCommandLine(Argc, Argv, Message);
  std::string Problems;
  raw_string_ostream Stream(Problems);
  if (!cl::ParseCommandLineOptions(Argc, Argv, Overview, &Stream)) {
    errs() << Problems << "hint: perdure-migrate --help says how\n";
    return 2;
  }
  if (DryRun && Check) {
    errs() << "perdure-migrate: --dry-run and --check exclude each other\n"
           << "hint: perdure-migrate --help says how\n";
    return 2;
  }
  std::vector<std::string> Sources = SourceNames;
  if (!Commands) {
    if (!BuildFolder.empty())
      Commands = CompilationDatabase::autoDetectFromDirectory(BuildFolder, Message);
    else if (!Sources.empty())
      Commands = CompilationDatabase::autoDetectFromSource(Sources[0], Message);
    else
      Commands = CompilationDatabase::autoDetectFromDirectory(".", Message);
    if (!Commands) {
      errs() << "perdure-migrate: " << StringRef(Message).split('\n').first
             << "\nhint: -p names the folder of compile_commands.json (CMake makes "
                "it with -DCMAKE_EXPORT_COMPILE_COMMANDS=ON), or give the flags "
                "behind --\n";
      return 2;
    }
  }
  if (Sources.empty())
    for (const std::string &File : Commands->getAllFiles()) {
      StringRef Extension = sys::path::extension(File);
      if (is_contained({".c", ".cc", ".cpp", ".cxx", ".C"}, Extension))
        Sources.push_back(File);
    }
  if (Sources.empty()) {
    errs() << "perdure-migrate: no source files: name some, or give the folder of "
              "compile_commands.json with -p\n"
           << "hint: perdure-migrate --help says how\n";
    return 2;
  }
  std::string Include = includeFolder(Argv[0]);
  Program P;
  std::unique_ptr<FrontendActionFactory> Factory = collector(P);
  bool Failed = false;
  for (const std::string &Source : Sources)
    Failed |= !read(*Commands, Source, Include, *Factory);
  if (Failed) {
    errs() << "perdure-migrate: not all files could be read as they are compiled; "
              "nothing was changed\n";
    return 1;
  }
  Options O;
  O.Roots = Roots;
  O.Headers = Headers;
  O.Transient = Transient;
  O.ProveAllocations = Allocations == Where::Prove;
  Closure C = findClosure(P, O);
  if (!C.Error.empty()) {
    errs() << "perdure-migrate: " << C.Error << "; nothing was changed\n";
    return 1;
  }
  if (C.Records.empty()) {
    errs() << "perdure-migrate: no record is annotated; name one with --root or "
              "--header\n";
    return 2;
  }
  std::vector<Edit> Edits = plan(P, C, O);
  std::vector<Change> Changes;
  if (!applyEdits(Edits, Changes))
    return 1;
  bool Write = !DryRun && !Check;
  bool Ok = Changes.empty() || compiles(*Commands, Sources, Include, P, Changes);
  if (Write && (!Ok || !writeAll(Changes)))
    return 1;
  if (Json) {
    printJson(Edits, P.Findings, Changes, outs());
  } else {
    if (DryRun)
      for (const Change &Each : Changes)
        printDiff(Each, outs());
    outs().flush();
    raw_ostream &OS = DryRun ? errs() : outs();
    printFindings(P.Findings, OS);
    printSummary(Edits, P.Findings, Write, OS);
  }
  outs().flush();
  if (outs().has_error()) {
    errs() << "perdure-migrate: cannot write the output\n";
    outs().clear_error();
    return 1;
  }
  bool Open = any_of(P.Findings, [](const Finding &F) {
    return F.What == Finding::Decision;
  });
  return !Ok || (Check && (Open || !Edits.empty()));
}

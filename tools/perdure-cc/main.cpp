//===- main.cpp - perdure-cc and perdure-c++ ------------------------------===//
//
// clang with the plugin, the headers and the runtime. The program's own place
// says where those are; its name says which language it drives.
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace perdure;

namespace {

#define PERDURE_ABI_NUMBER(Name, Value, Doc)                                   \
  constexpr unsigned long Name = Value;
#include "perdure/abi.def"

const char *ProgramName = "perdure-cc";

[[noreturn]] void fail(const std::string &Message) {
  std::fprintf(stderr, "%s: error: %s\n", ProgramName, Message.c_str());
  std::exit(1);
}

std::string ownFolder() {
  char Path[PATH_MAX];
  ssize_t Length = readlink("/proc/self/exe", Path, sizeof Path);
  if (Length <= 0 || Length == static_cast<ssize_t>(sizeof Path))
    fail("cannot tell where this program lies: /proc/self/exe does not read");
  std::string Self(Path, static_cast<size_t>(Length));
  return Self.substr(0, Self.rfind('/'));
}

/// The absolute path without "..", or "" when there is no such file.
std::string existing(const std::string &Path) {
  char Resolved[PATH_MAX];
  return realpath(Path.c_str(), Resolved) ? std::string(Resolved)
                                          : std::string();
}

struct Places {
  std::string Lib, Include;
};

/// The folder of the module for lit's configurations.
std::string findLit() {
  std::string Bin = ownFolder();
  // Not resolved: the module finds the drivers from where it lies.
  std::string Module = existing(Bin + "/" PERDURE_DATA_FROM_BIN) + "/perdure/lit";
  if (existing(Module + "/perdure_lit.py").empty())
    fail("perdure_lit.py is missing: expected in " + Bin +
         "/" PERDURE_DATA_FROM_BIN "/perdure/lit");
  return Module;
}

Places findPlaces() {
  std::string Bin = ownFolder();
  Places Found;
  // The build tree always uses lib/ and include/.
  for (const char *Lib : {PERDURE_LIB_FROM_BIN, "../lib"}) {
    std::string Plugin = existing(Bin + "/" + Lib + "/PerdureClang.so");
    if (Plugin.empty())
      continue;
    Found.Lib = Plugin.substr(0, Plugin.rfind('/'));
    break;
  }
  if (Found.Lib.empty())
    fail("PerdureClang.so is missing: expected in " + Bin +
         "/" PERDURE_LIB_FROM_BIN);
  for (const char *Include : {PERDURE_INCLUDE_FROM_BIN, "../include"}) {
    if (existing(Bin + "/" + Include + "/perdure/perdure.h").empty())
      continue;
    Found.Include = existing(Bin + "/" + Include);
    break;
  }
  if (Found.Include.empty())
    fail("perdure/perdure.h is missing: expected in " + Bin +
         "/" PERDURE_INCLUDE_FROM_BIN);
  return Found;
}

/// Where the loader looks by itself, an rpath would only be noise.
bool isSystemFolder(const std::string &Path) {
  return Path == "/lib" || Path == "/usr/lib" || !Path.compare(0, 5, "/lib/") ||
         !Path.compare(0, 9, "/usr/lib/");
}

std::string slotBits(const Request &R) {
  if (!R.SlotBits.empty())
    return R.SlotBits;
  return std::to_string(R.NeedsSmallSlots ? SanitizerSlotBits : SlotBits);
}

/// The number of the encoding that the options name, or "" when abi.def knows
/// no such name; the plugin complains then.
std::string encodingNumber(const Request &R) {
  std::string Chosen = "object";
  for (const std::string &Option : R.PluginOptions)
    if (!Option.compare(0, 9, "encoding="))
      Chosen = Option.substr(9);
#define PERDURE_ABI_ENCODING(Number, Name, Text, Doc)                          \
  if (Chosen == Text)                                                          \
    return #Number;
#include "perdure/abi.def"
  return "";
}

ArgumentList compileFlags(const Request &R, const Places &P) {
  ArgumentList Flags{"-fplugin=" + P.Lib + "/PerdureClang.so"};
  std::string Bits = slotBits(R);
  if (Bits != std::to_string(SlotBits))
    Flags.push_back("-fplugin-arg-perdure-slot-bits=" + Bits);
  for (const std::string &Option : R.PluginOptions)
    Flags.push_back("-fplugin-arg-perdure-" + Option);
  // What the plugin defines too, in the same words: -E and -M never ask it.
  Flags.insert(Flags.end(),
               {"-D__PERDURE__=1", "-D__PERDURE_SLOT_BITS__=" + Bits});
  if (std::string Encoding = encodingNumber(R); !Encoding.empty())
    Flags.push_back("-D__PERDURE_ENCODING__=" + Encoding);
  if (R.HasIR) {
    // What MLIR makes says nothing of a target.
    std::string Passes = P.Lib + "/PerdurePasses.so";
    Flags.insert(Flags.end(),
                 {"-fpass-plugin=" + Passes, "-Wno-override-module"});
    // Encodings that are loaded register with the passes, so those come first.
    for (const std::string &Option : R.PluginOptions)
      if (!Option.compare(0, 5, "load="))
        Flags.insert(Flags.end(), {"-Xclang", "-load", "-Xclang", Passes,
                                   "-Xclang", "-load", "-Xclang",
                                   Option.substr(5)});
  }
  if (R.Trace)
    Flags.push_back("-fpass-plugin=" + P.Lib + "/PerdureTrace.so");
  if (R.LinksWithoutPie && !R.ChoosesPie)
    Flags.push_back("-fno-pie");
  return Flags;
}

/// -I, since as a system folder it would silence the warnings that our macros
/// carry; last, so that it shadows none of the user's own folders.
ArgumentList includeFlags(const Places &P) { return {"-I" + P.Include}; }

ArgumentList linkFlags(const Request &R, const Places &P) {
  std::string Bits = slotBits(R);
  std::string Entry = "/libperdure_entry";
  if (Bits != std::to_string(SlotBits))
    Entry += "_slot" + Bits;
  // Whole paths, so that no -L of the user's leads elsewhere, and through
  // -Xlinker, so that no -x of theirs makes sources of them.
  const char *Runtime = R.Trace   ? "/libperdure-trace.so"
                        : R.Flips ? "/libperdure-counted.so"
                                  : "/libperdure.so";
  ArgumentList Flags{"-Xlinker", P.Lib + Entry + ".a", "-Xlinker", P.Lib + Runtime};
  if (R.Flips)
    Flags.insert(Flags.end(), {"-Xlinker", P.Lib + "/libperdure-flips.so"});
  if (!isSystemFolder(P.Lib))
    Flags.insert(Flags.end(), {"-Xlinker", "-rpath", "-Xlinker", P.Lib});
  // Debian's GNU ld has no plugin for LLVM's bitcode.
  if (R.IsLto && !R.ChoosesOtherLinker)
    // With the passes, since code is made there: they complete the sites.
    Flags.insert(Flags.end(),
                 {"-fuse-ld=lld", "-Xlinker",
                  "--load-pass-plugin=" + P.Lib + "/PerdurePasses.so"});
  return Flags;
}

void append(ArgumentList &To, const ArgumentList &From) {
  To.insert(To.end(), From.begin(), From.end());
}

/// None of these may warn when the command does not reach the stage they are
/// for.
void appendQuietly(ArgumentList &To, const ArgumentList &Flags) {
  To.push_back("--start-no-unused-arguments");
  append(To, Flags);
  To.push_back("--end-no-unused-arguments");
}

void print(const ArgumentList &Flags) {
  const char *Separator = "";
  for (const std::string &Flag : Flags) {
    std::printf("%s", Separator);
    Separator = " ";
    // Quoted for a shell where it has to be.
    if (Flag.find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
            "wxyz0123456789-_./=+,:") == std::string::npos) {
      std::printf("%s", Flag.c_str());
      continue;
    }
    std::putchar('\'');
    for (char C : Flag)
      C == '\'' ? (void)std::printf("'\\''") : (void)std::putchar(C);
    std::putchar('\'');
  }
  std::putchar('\n');
}

[[noreturn]] void run(const ArgumentList &Command) {
  std::vector<char *> Argv;
  for (const std::string &Argument : Command)
    Argv.push_back(const_cast<char *>(Argument.c_str()));
  Argv.push_back(nullptr);
  execvp(Argv[0], Argv.data());
  if (errno == ENOENT)
    fail("no '" + Command[0] +
         "' on PATH: install Debian's package clang-22, or name one in "
         "PERDURE_CLANG");
  fail("cannot run '" + Command[0] + "': " + std::strerror(errno));
}

const char Help[] =
    "Usage: %s [options] files...\n\n"
    "clang with Perdure's plugin, headers and runtime. Every option of clang "
    "works.\n\n"
    "  -fperdure-encoding=NAME   the encoding of persistent pointers (default "
    "object)\n"
    "  -fperdure-load=FILE       a plugin with further encodings\n"
    "  -fperdure-slot-bits=N     log2 of the slot size (default %lu; %lu with "
    "-fsanitize=\n"
    "                            address, thread or memory)\n"
    "  -fperdure-callbacks       call the runtime where code would be inline\n"
    "  -fperdure-flips[=SCOPE]   for perdure flips: count the bits that stores flip, in "
    "objects\n"
    "                            (the default), in the heap as well, or all; "
    "',loads'\n"
    "                            behind it: reads go through the caches, too\n"
    "  -fperdure-no-sites        with -g: no source lines and fields for fault "
    "reports\n"
    "  -fperdure-reduce-flips[=NAMES]  lower so that stores flip fewer bits: "
    "silent,\n"
    "                            padding, merge, zeroing, frames, placement, "
    "with\n"
    "                            commas between them; all without '='\n"
    "  -fperdure-trace           for perdure crash: write down each store to an "
    "object\n"
    "  -fperdure-tx-clones       transactions of other files may call what is here\n"
    "  -Wperdure-reach           warn of fields that lead to native pointers\n"
    "  --perdure-cflags          print what it adds when compiling, and stop\n"
    "  --perdure-libs            print what it adds when linking, and stop\n"
    "  --perdure-lit             print the folder of perdure_lit.py, for lit.cfg.py, "
    "and stop\n"
    "  --perdure-version         print Perdure's version, and stop\n"
    "  --perdure-help            print this, and stop\n\n"
    "Environment:\n"
    "  PERDURE_CLANG             the clang to run (default clang-22 from "
    "PATH)\n";

} // namespace

int main(int Argc, char **Argv) {
  std::string Name = Argc ? Argv[0] : "perdure-cc";
  Name.erase(0, Name.rfind('/') + 1);
  ProgramName = Name.c_str();
  bool IsCxx = Name.size() >= 2 && Name.compare(Name.size() - 2, 2, "++") == 0;

  Request R;
  std::string Error;
  if (!parseArguments(ArgumentList(Argv + (Argc ? 1 : 0), Argv + Argc), R,
                      Error))
    fail(Error);

  bool WantsCFlags = false, WantsLibs = false, WantsLit = false;
  for (const std::string &Argument : R.Arguments) {
    WantsCFlags |= Argument == "--perdure-cflags";
    WantsLibs |= Argument == "--perdure-libs";
    WantsLit |= Argument == "--perdure-lit";
    if (Argument == "--perdure-help") {
      std::printf(Help, ProgramName, SlotBits, SanitizerSlotBits);
      return 0;
    }
    if (Argument == "--perdure-version") {
      std::printf("Perdure %s (ABI %lu)\n", PERDURE_VERSION, Version);
      return 0;
    }
  }

  if (WantsLit) {
    std::printf("%s\n", findLit().c_str());
    return 0;
  }
  Places P = findPlaces();
  if (WantsCFlags || WantsLibs) {
    ArgumentList Flags;
    if (WantsCFlags) {
      append(Flags, compileFlags(R, P));
      append(Flags, includeFlags(P));
    }
    if (WantsLibs)
      append(Flags, linkFlags(R, P));
    print(Flags);
    return 0;
  }

  ArgumentList Command;
  const char *Clang = std::getenv("PERDURE_CLANG");
  if (Clang && *Clang) {
    Command.push_back(Clang);
    if (IsCxx)
      Command.push_back("--driver-mode=g++");
  } else {
    Command.push_back(IsCxx ? "clang++-22" : "clang-22");
  }

  // clang's own inner commands are no business of ours.
  if (!R.Arguments.empty() && !R.Arguments[0].compare(0, 4, "-cc1")) {
    append(Command, R.Arguments);
    run(Command);
  }

  appendQuietly(Command, compileFlags(R, P));
  append(Command, R.Arguments);
  ArgumentList Last = includeFlags(P);
  // A library counts as an input: without another, clang -v would link.
  if (R.HasInputs && !R.ManagesLibraries)
    append(Last, linkFlags(R, P));
  appendQuietly(Command, Last);
  run(Command);
}

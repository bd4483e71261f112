//===- Arguments.cpp - Reads a clang command line -------------------------===//

#include "Arguments.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

using namespace perdure;

namespace {

bool consumePrefix(const std::string &Argument, const char *Prefix,
                   std::string &Rest) {
  std::string P(Prefix);
  if (Argument.compare(0, P.size(), P) != 0)
    return false;
  Rest = Argument.substr(P.size());
  return true;
}

bool isOneOf(const std::string &Argument,
             std::initializer_list<const char *> List) {
  return std::find(List.begin(), List.end(), Argument) != List.end();
}

std::string extensionOf(const std::string &Input) {
  return Input.substr(Input.find_last_of('.') + 1);
}

/// LLVM IR, and sources, by the names that clang knows them by.
bool isIR(const std::string &Input) {
  return isOneOf(extensionOf(Input), {"ll", "bc"});
}
bool isSource(const std::string &Input) {
  return isOneOf(extensionOf(Input), {"c", "i", "cc", "cp", "cxx", "cpp", "c++",
                                      "C", "CC", "CPP", "ii", "cppm", "m", "mm"});
}

/// The same by the names that -x has for them: all that clang itself compiles, which it
/// has many names for (c-header, cuda, cl), so all but assembly.
bool isSourceLanguage(const std::string &Name) {
  return !isOneOf(Name, {"ir", "assembler", "assembler-with-cpp"});
}

/// Options whose value is the next argument. One that is missing here only
/// means that its value counts as an input.
bool takesNextArgument(const std::string &Argument) {
  return isOneOf(Argument, {"-o",          "-x",
                            "-I",          "-D",
                            "-U",          "-L",
                            "-B",          "-F",
                            "-T",          "-u",
                            "-z",          "-e",
                            "-MF",         "-MT",
                            "-MQ",         "-MJ",
                            "-include",    "-imacros",
                            "-isystem",    "-iquote",
                            "-idirafter",  "-isysroot",
                            "-iprefix",    "-iwithprefix",
                            "-Xclang",     "-Xlinker",
                            "-Xassembler", "-Xpreprocessor",
                            "-mllvm",      "-target",
                            "-arch",       "-iwithprefixbefore",
                            "--sysroot",   "--param",
                            "-dumpdir",    "-rpath",
                            "--config",    "--serialize-diagnostics",
                            "--language"});
}

/// Splits a response file the way GCC and clang do.
ArgumentList tokenize(const std::string &Text) {
  ArgumentList Tokens;
  std::string Token;
  bool InToken = false;
  char Quote = 0;
  for (size_t I = 0; I != Text.size(); ++I) {
    char C = Text[I];
    if (C == '\\' && I + 1 != Text.size() && Quote != '\'') {
      // A backslash before a line's end continues the line.
      if (Text[++I] != '\n') {
        Token += Text[I];
        InToken = true;
      }
    } else if (Quote) {
      if (C == Quote)
        Quote = 0;
      else
        Token += C;
    } else if (C == '"' || C == '\'') {
      Quote = C;
      InToken = true;
    } else if (std::isspace(static_cast<unsigned char>(C))) {
      if (InToken)
        Tokens.push_back(Token);
      Token.clear();
      InToken = false;
    } else {
      Token += C;
      InToken = true;
    }
  }
  if (InToken)
    Tokens.push_back(Token);
  return Tokens;
}

/// A file that cannot be read stays as it is: clang then says so.
void expandResponseFiles(const ArgumentList &Given, ArgumentList &Out,
                         unsigned Depth = 0) {
  for (const std::string &Argument : Given) {
    std::string Path;
    if (Depth < 32 && consumePrefix(Argument, "@", Path)) {
      std::ifstream File(Path, std::ios::binary);
      if (File) {
        std::string Text{std::istreambuf_iterator<char>(File), {}};
        expandResponseFiles(tokenize(Text), Out, Depth + 1);
        continue;
      }
    }
    Out.push_back(Argument);
  }
}

/// Sanitizers that are on, by name: later flags undo earlier ones.
class SanitizerSet {
  ArgumentList On;

public:
  void update(const std::string &Names, bool Enable) {
    for (size_t Begin = 0; Begin <= Names.size();) {
      size_t End = std::min(Names.find(',', Begin), Names.size());
      std::string Name = Names.substr(Begin, End - Begin);
      Begin = End + 1;
      if (!Enable && Name == "all") {
        On.clear();
        continue;
      }
      On.erase(std::remove(On.begin(), On.end(), Name), On.end());
      if (Enable)
        On.push_back(Name);
    }
  }
  bool empty() const { return On.empty(); }
  bool needSmallSlots() const {
    return std::any_of(On.begin(), On.end(), [](const std::string &Name) {
      return isOneOf(Name, {"address", "thread", "memory"});
    });
  }
};

} // namespace

bool perdure::parseArguments(const ArgumentList &Given, Request &Result,
                             std::string &Error) {
  ArgumentList Expanded;
  expandResponseFiles(Given, Expanded);

  SanitizerSet Sanitizers;
  std::string IR, Source; // one of each
  std::string Language;   // of the inputs that follow; empty: as their names say
  auto See = [&](const std::string &Input) {
    Result.HasInputs = true;
    if (Language.empty() ? isIR(Input) : Language == "ir")
      IR = Input;
    else if (Language.empty() ? isSource(Input) : isSourceLanguage(Language))
      Source = Input;
  };
  auto Choose = [&](const std::string &Name) {
    Language = Name == "none" ? "" : Name;
  };
  bool OnlyInputs = false; // after "--"
  for (size_t I = 0; I != Expanded.size(); ++I) {
    const std::string &Argument = Expanded[I];
    std::string Rest;
    if (!OnlyInputs && consumePrefix(Argument, "-fperdure-", Rest)) {
      std::string Name = Rest.substr(0, Rest.find('='));
      bool HasValue = Rest.size() > Name.size() + 1;
      bool WantsValue = isOneOf(Name, {"encoding", "load", "slot-bits"});
      if (!WantsValue && !isOneOf(Name, {"callbacks", "flips", "no-sites",
                                            "reduce-flips", "trace",
                                            "tx-clones"})) {
        Error = "unknown option '" + Argument +
                "'; there are -fperdure-encoding=NAME, -fperdure-load=FILE, "
                "-fperdure-slot-bits=N, -fperdure-callbacks, "
                "-fperdure-flips[=SCOPE], "
                "-fperdure-no-sites, -fperdure-reduce-flips[=NAMES], "
                "-fperdure-trace and -fperdure-tx-clones";
        return false;
      }
      if (Name == "flips") {
        Result.Flips = true;
        Result.PluginOptions.push_back(HasValue ? Rest : "flips=objects");
        continue;
      }
      if (Name == "reduce-flips") {
        Result.PluginOptions.push_back(Rest);
        continue;
      }
      if (WantsValue != HasValue) {
        Error = "'-fperdure-" + Name + "' takes " +
                (WantsValue ? "a value" : "no value");
        return false;
      }
      if (Name == "trace")
        Result.Trace = true;
      else if (Name == "slot-bits")
        Result.SlotBits = Rest.substr(Name.size() + 1);
      else
        Result.PluginOptions.push_back(Rest);
      continue;
    }

    // Flags end at "--", and ours come after the user's: name such inputs so
    // that they need no "--".
    if (OnlyInputs) {
      bool IsPath = Argument.empty() || Argument[0] != '-';
      Result.Arguments.push_back(IsPath ? Argument : "./" + Argument);
      See(Argument);
      continue;
    }
    if (Argument == "--") {
      OnlyInputs = true;
      continue;
    }

    // Clang knows no warnings of a plugin's: it would call the name unknown.
    if (Argument == "-Wperdure-reach" || Argument == "-Wno-perdure-reach") {
      ArgumentList &Options = Result.PluginOptions;
      Options.erase(std::remove(Options.begin(), Options.end(), "reach"),
                    Options.end());
      if (Argument == "-Wperdure-reach")
        Options.push_back("reach");
      continue;
    }

    Result.Arguments.push_back(Argument);
    if (Argument == "-" || Argument.empty() || Argument[0] != '-') {
      See(Argument);
      continue;
    }
    if (takesNextArgument(Argument) && I + 1 != Expanded.size()) {
      Result.Arguments.push_back(Expanded[++I]);
      if (isOneOf(Argument, {"-x", "--language"}))
        Choose(Expanded[I]);
    } else if (consumePrefix(Argument, "-x", Rest) ||
               consumePrefix(Argument, "--language=", Rest))
      Choose(Rest);
    else if (consumePrefix(Argument, "-fsanitize=", Rest))
      Sanitizers.update(Rest, true);
    else if (consumePrefix(Argument, "-fno-sanitize=", Rest))
      Sanitizers.update(Rest, false);
    else if (Argument == "-flto" || consumePrefix(Argument, "-flto=", Rest))
      Result.IsLto = true;
    else if (Argument == "-fno-lto")
      Result.IsLto = false;
    else if (consumePrefix(Argument, "-fuse-ld=", Rest))
      Result.ChoosesOtherLinker = Rest != "lld";
    else if (consumePrefix(Argument, "--ld-path=", Rest))
      Result.ChoosesOtherLinker = true;
    else if (isOneOf(Argument, {"-no-pie", "-nopie"}))
      Result.LinksWithoutPie = true;
    else if (isOneOf(Argument, {"-pie", "-static-pie", "-shared"}))
      Result.LinksWithoutPie = false;
    else if (isOneOf(Argument, {"-fpie", "-fPIE", "-fpic", "-fPIC", "-fno-pie",
                                "-fno-PIE", "-fno-pic", "-fno-PIC"}))
      Result.ChoosesPie = true;
    else if (isOneOf(Argument, {"-nostdlib", "-nodefaultlibs", "-r"}))
      Result.ManagesLibraries = true;
    else if (Argument != "-l" && consumePrefix(Argument, "-l", Rest))
      Result.HasInputs = true;
  }
  Result.HasIR = !IR.empty();
  // Clang would run the passes on the source before the plugin has said with what
  // options, and which types there are.
  if (!IR.empty() && !Source.empty()) {
    Error = "'" + IR + "' is LLVM IR and '" + Source +
            "' a source: compile one of them with a command of its own (-c)";
    return false;
  }
  Result.NeedsSmallSlots = Sanitizers.needSmallSlots();
  if (Result.Trace && Result.IsLto) {
    Error = "-fperdure-trace does not go with -flto: leave one of them out";
    return false;
  }
  if (Result.Trace && !Sanitizers.empty()) {
    Error = "-fperdure-trace does not go with -fsanitize: leave one of them out";
    return false;
  }
  return true;
}

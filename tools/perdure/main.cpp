//===- main.cpp - perdure: look at stores and handle their objects --------===//

#include "Command.h"

#include <cstdio>
#include <vector>

// A subcommand: a file, a line in Command.h, a line here.
static Command (*const Commands[])(CLI::App &) = {
    addList, addStat, addShow, addGraph, addDump, addLoad, addDiff, addCopy,
    addMove, addLink, addRemove, addId, addFsck, addGc, addCompact, addSeal, addCrash, addFlips,
    addComplete};

// Whether the word at Argv[At] is a command of Of, as far as it has some; else
// says so. CLI11 would only say that a subcommand is missing.
static bool namesCommand(const CLI::App &Of, const std::string &Who, int Argc,
                         char **Argv, int At) {
  auto Commands = Of.get_subcommands([](const CLI::App *) { return true; });
  if (Commands.empty() || At >= Argc || Argv[At][0] == '-')
    return true;
  std::string Names;
  for (const CLI::App *C : Commands) {
    if (C->get_name() == "complete" && C->get_name() == Argv[At])
      return true; // its words are another command line's
    if (C->get_name() == Argv[At])
      return namesCommand(*C, Who + ": " + C->get_name(), Argc, Argv, At + 1);
    if (!C->get_group().empty())
      Names += (Names.empty() ? "" : ", ") + C->get_name();
  }
  fprintf(stderr, "%s: no command is called '%s'\nhint: there are %s\n",
          Who.c_str(), Argv[At], Names.c_str());
  return false;
}

int main(int Argc, char **Argv) {
  CLI::App Program("Looks at stores of persistent objects and handles the "
                   "objects in them.",
                   "perdure");
  Program.set_version_flag("--version", "perdure " PERDURE_VERSION);
  Program.require_subcommand(1);
  Program.failure_message([](const CLI::App *App, const CLI::Error &Error) {
    std::string Name = "perdure";
    if (!App->get_subcommands().empty())
      Name += " " + App->get_subcommands().front()->get_name();
    return std::string("perdure: ") + Error.what() + "\nhint: " + Name +
           " --help says how\n";
  });
  // No word about the types of values: all are text.
  Program.get_formatter()->label("TEXT", "");
  Program.get_formatter()->label("REQUIRED", "");
  Program.footer("Exit status: 0 done, 1 something failed, 2 wrong usage.\n"
                 "perdure COMMAND --help has examples; perdure(1) says more.");
  std::vector<Command> Added;
  for (auto *Add : Commands)
    Added.push_back(Add(Program));
  if (!namesCommand(Program, "perdure", Argc, Argv, 1))
    return Usage;
  try {
    Program.parse(Argc, Argv);
  } catch (const CLI::ParseError &Error) {
    return Program.exit(Error) ? Usage : Success;
  }
  int Status = Success;
  for (const Command &C : Added)
    if (C.App->parsed())
      Status = C.Run();
  if (fflush(stdout) || ferror(stdout)) {
    fprintf(stderr, "perdure: cannot write the output: the pipe is closed or "
                    "the disk is full\n");
    return Failure;
  }
  return Status;
}

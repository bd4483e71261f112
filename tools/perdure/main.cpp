//===- main.cpp - perdure: look at stores and handle their objects --------===//

#include "Command.h"

#include <cstdio>
#include <vector>

// A subcommand: a file, a line in Command.h, a line here.
static Command (*const Commands[])(CLI::App &) = {
    addList, addStat, addCopy, addSeal, addFsck, addCrash, addFlips};

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
  // CLI11 would only say that a subcommand is missing.
  bool Known = Argc < 2 || Argv[1][0] == '-';
  std::string Names;
  for (const Command &C : Added) {
    Known = Known || C.App->get_name() == Argv[1];
    Names += (Names.empty() ? "" : ", ") + C.App->get_name();
  }
  if (!Known) {
    fprintf(stderr, "perdure: no command is called '%s'\nhint: there are %s\n",
            Argv[1], Names.c_str());
    return Usage;
  }
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

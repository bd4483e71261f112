//===- Command.h - The subcommands of perdure -------------------*- C++ -*-===//
//
// One file each. It adds its options and arguments to the program's and returns
// what runs it; main.cpp lists them.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_TOOLS_PERDURE_COMMAND_H
#define PERDURE_TOOLS_PERDURE_COMMAND_H

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>

/// Exit statuses.
enum { Success = 0, Failure = 1, Usage = 2 };

struct Command {
  CLI::App *App;
  std::function<int()> Run; // gives the exit status
};

Command addCompact(CLI::App &Program);
Command addComplete(CLI::App &Program);
Command addCopy(CLI::App &Program);
Command addCrash(CLI::App &Program);
Command addDiff(CLI::App &Program);
Command addDump(CLI::App &Program);
Command addFlips(CLI::App &Program);
Command addFsck(CLI::App &Program);
Command addGc(CLI::App &Program);
Command addGraph(CLI::App &Program);
Command addId(CLI::App &Program);
Command addLink(CLI::App &Program);
Command addList(CLI::App &Program);
Command addLoad(CLI::App &Program);
Command addMove(CLI::App &Program);
Command addRemove(CLI::App &Program);
Command addSeal(CLI::App &Program);
Command addShow(CLI::App &Program);
Command addStat(CLI::App &Program);

#endif // PERDURE_TOOLS_PERDURE_COMMAND_H

//===- FlipsRun.h - perdure flips run ---------------------------*- C++ -*-===//

#ifndef PERDURE_TOOLS_PERDURE_FLIPSRUN_H
#define PERDURE_TOOLS_PERDURE_FLIPSRUN_H

#include <string>
#include <vector>

struct FlipsRun {
  std::string Output = "perdure.flips", L1 = "64K:2", L2 = "2M:8",
              Controller = "dcw";
  bool NoModel = false, Advise = false;
  std::vector<std::string> Program;
};

/// Runs the program, adds up the profiles of its processes, and gives the exit
/// status.
int runFlips(const FlipsRun &R);

#endif // PERDURE_TOOLS_PERDURE_FLIPSRUN_H

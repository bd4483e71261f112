//===- Output.h - Diffs, reports, and writing all files or none -*- C++ -*-===//
#ifndef PERDURE_MIGRATE_OUTPUT_H
#define PERDURE_MIGRATE_OUTPUT_H

#include "Program.h"

#include "llvm/Support/raw_ostream.h"

namespace perdure::migrate {

/// A file before and after.
struct Change {
  std::string File, Before, After;
};

/// Applies the edits; false, with a message on stderr, if a file cannot be read.
bool applyEdits(const std::vector<Edit> &Edits, std::vector<Change> &Changes);

/// A path as messages and diffs show it: relative if it is below here.
std::string shown(const std::string &Path);

void printDiff(const Change &C, llvm::raw_ostream &OS);
void printFindings(const std::set<Finding> &, llvm::raw_ostream &OS);
void printSummary(const std::vector<Edit> &, const std::set<Finding> &,
                  bool Written, llvm::raw_ostream &OS);
void printJson(const std::vector<Edit> &, const std::set<Finding> &,
               const std::vector<Change> &, llvm::raw_ostream &OS);

/// Replaces all files or, after an error, none; says on stderr what failed.
bool writeAll(const std::vector<Change> &Changes);

} // namespace perdure::migrate

#endif // PERDURE_MIGRATE_OUTPUT_H

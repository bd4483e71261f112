//===- Explorer.h - Which images are tried, and what of them ----*- C++ -*-===//

#ifndef PERDURE_TOOLS_CRASH_EXPLORER_H
#define PERDURE_TOOLS_CRASH_EXPLORER_H

#include "Check.h"

#include <functional>

namespace crash {

/// Runs what comes after a power failure in Root, where the image was put, with
/// the notes in Root.notes, and fills in what it did. False, and why, when it
/// failed.
using AfterFailure = std::function<bool(
    const std::string &Root, std::vector<Event> &Events, std::string &Why)>;

struct Plan {
  Medium On = Medium::Dax;
  CheckCommand Command;
  uint64_t Images = 0; // at most; 0: no limit
  double Seconds = 0;  // at most; 0: no limit
  uint64_t Seed = 1;
  unsigned Jobs = 1;
  AfterFailure Then;       // null: nothing. It takes half of what is allowed
  uint64_t ThenImages = 0; // at most so many images are gone on with
  uint64_t Failures = 0;   // stop at so many that differ; 0: go on
  std::string Scratch;     // an empty directory for images
  std::string Keep;        // failing images go here, made when there are any
};

/// One way to fail: the first image that failed so, made as whole as it can be
/// while it still fails.
struct Failure {
  uint64_t Count = 1; // images that failed with this loss
  std::string Why, Output, Kept;
  std::string First;             // where the power had failed once before
  bool InThen = false;           // Plan::Then failed, not the check
  uint32_t Event = 0;            // before which the power failed
  std::string After;             // the last store or call before it
  std::vector<std::string> Lost; // what did not reach the medium
};

struct Outcome {
  uint64_t Points = 0, Checked = 0, Pruned = 0, Failed = 0;
  uint64_t WentOn = 0;   // images on which Plan::Then ran
  bool Exhausted = true; // all that the model allows was tried
  std::vector<Failure> Failures;
  std::string Trouble; // exploring could not go on
  /// Files whose end is not what the trace makes of them: code that is not
  /// traced stored there.
  std::vector<std::string> Untraced;
  /// The flushes, fences and syncs that were made, by call chain.
  std::map<std::string, perdure_trace_kind> Primitives;
};

/// Called after each image and, with Last, when there will be no more.
using Progress =
    std::function<void(const Outcome &, double Fraction, bool Last)>;

/// What a program did, and from where.
struct Run {
  std::vector<Event> Events;
  std::string Root; // the directory that it ran in
  std::map<std::string, std::unique_ptr<std::string>> Files; // before it; null
                                                             // for directories
  std::string Notes;                                         // before it
  std::string First; // where the power had failed before it, if it had
};

/// Later: where what Plan::Then did goes, null for nowhere.
Outcome explore(const Plan &P, const Run &What, const Progress &Show,
                std::vector<Run> *Later = nullptr);

/// Without one of the flushes, fences and syncs, which the traces name so:
/// tries only images that they would not allow with it, in each of Runs, until
/// one fails. Plan::Then is not asked.
Outcome exploreWithout(const Plan &P, const std::string &Primitive,
                       const std::vector<const Run *> &Runs,
                       const Progress &Show);

} // namespace crash

#endif // PERDURE_TOOLS_CRASH_EXPLORER_H

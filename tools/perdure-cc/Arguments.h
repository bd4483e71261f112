//===- Arguments.h - What a clang command line asks of us -------*- C++ -*-===//

#ifndef PERDURE_CC_ARGUMENTS_H
#define PERDURE_CC_ARGUMENTS_H

#include <string>
#include <vector>

namespace perdure {

using ArgumentList = std::vector<std::string>;

/// The few things on a clang command line that choose our own flags.
struct Request {
  /// What goes to clang: the user's arguments, response files expanded, our own
  /// flags and "--" taken out.
  ArgumentList Arguments;
  /// From -fperdure-NAME[=VALUE], as the plugin's NAME[=VALUE].
  ArgumentList PluginOptions;
  /// From -fperdure-slot-bits=N; empty when not given.
  std::string SlotBits;
  bool HasInputs = false;
  /// LLVM IR, which no Clang plugin sees: the passes have to be named.
  bool HasIR = false;
  /// ASan, TSan or MSan: they leave room for a small window only.
  bool NeedsSmallSlots = false;
  bool Trace = false;           // -fperdure-trace
  bool Flips = false;           // -fperdure-flips
  bool IsLto = false;
  bool ChoosesOtherLinker = false; // than lld, which can load the passes
  /// -no-pie, without a word on how to compile: clang would compile for PIE,
  /// whose static initialisers a link without it refuses.
  bool LinksWithoutPie = false;
  bool ChoosesPie = false;
  /// -nostdlib, -nodefaultlibs, -r: the user says what is linked.
  bool ManagesLibraries = false;
};

/// Returns false, with the reason in \p Error, for an unknown -fperdure flag.
bool parseArguments(const ArgumentList &Given, Request &Result,
                    std::string &Error);

} // namespace perdure

#endif

//===- Options.h - What the command line asked of the plugin ----*- C++ -*-===//
//
// Given as -fplugin-arg-perdure-NAME=VALUE. Read once a TU, before parsing.
//
//===----------------------------------------------------------------------===//
#ifndef PERDURE_CLANG_OPTIONS_H
#define PERDURE_CLANG_OPTIONS_H

#include <string>
#include <vector>

namespace perdure {

struct Options {
  std::string Encoding = "object"; ///< encoding=NAME
  unsigned EncodingNumber = 0;     ///< its number in abi.def
  unsigned SlotBits = 35;          ///< slot-bits=N
  bool Callbacks = false;          ///< callbacks: call the twins
  bool NoSites = false;            ///< no-sites: no lines for fault reports
  unsigned Flips = 0;              ///< flips=SCOPE[,loads]: perdure.flips, or 0
  unsigned ReduceFlips = 0;        ///< reduce-flips[=NAMES]: 1 << FlipPolicy
  bool TxClones = false;           ///< tx-clones: of all functions
  bool Reach = false;              ///< reach: -Wperdure-reach
  bool NoRepairs = false;          ///< no-repairs: shows Clang's bugs (tests)
  std::vector<std::string> EncodingPlugins; ///< load=FILE: further encodings
  std::string PassesPath; ///< passes=FILE; "" = beside the plugin
};

/// The options of the TU that is being compiled.
Options &options();

} // namespace perdure

#endif // PERDURE_CLANG_OPTIONS_H

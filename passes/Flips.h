//===- Flips.h - How flips are counted, for IR and machine code -*- C++ -*-===//

#ifndef PERDURE_PASSES_FLIPS_H
#define PERDURE_PASSES_FLIPS_H

#include "llvm/IR/Module.h"

namespace perdure::flips {

#define PERDURE_FLIPS_NUMBER(Name, Value, Doc) constexpr uint64_t Name = Value;
#include "perdure/flips.def"

/// perdure_flips_site: words before the counters, and the counters.
enum Header { File, FunctionName, Field, Line, Size, Number, HeaderWords };
enum Counter {
#define PERDURE_FLIPS_COUNTER(Name, Text, Doc) Name,
#include "perdure/flips.def"
  Counters
};
constexpr uint64_t SiteBytes = 8 * (HeaderWords + Counters);

enum class Event {
#define PERDURE_FLIPS_EVENT(Name, Value, Doc) Name = Value,
#include "perdure/flips.def"
};

/// Whose writes are counted: the low bits of the module flag `perdure.flips`.
/// All: in machine code, and by nothing in IR.
enum class Scope { None, Objects, Heap, All };

struct Request {
  Scope Counted = Scope::None;
  bool Loads = false; ///< reads go through the model, too
};
Request requestOf(const llvm::Module &M);

/// Where a thread finds the end of its profiler's stack, and what is called.
constexpr char StackSymbol[] = "__perdure_flips_stack";
constexpr char EventSymbol[] = "__perdure_flips_event_v1";

/// FlipsPass has made the module ask for the machine pass, which answers: code
/// that is made without it does not link.
void tellMachineCodeIsCounted(llvm::Module &M);

/// perdure_flips_place.callee. \p F: its declaration, or null.
uint64_t calleeWord(llvm::StringRef Name, const llvm::Function *F);
/// Whether what the callee wrote is seen only afterwards.
bool isCompared(uint64_t CalleeWord);

} // namespace perdure::flips

#endif

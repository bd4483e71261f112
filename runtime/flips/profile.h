//===- profile.h - Writes a profile -----------------------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_FLIPS_PROFILE_H
#define PERDURE_RUNTIME_FLIPS_PROFILE_H

#include "flips/advice.h"
#include "flips/medium.h"

namespace perdure {
namespace flips {

/// Sites of one module.
struct Module {
  perdure_flips_site *Sites;
  uint64_t Count;
  Module *Next;
};

#define PERDURE_FLIPS_TOTAL(Name, Text, Doc) uint64_t Name;
struct Totals {
#include "perdure/flips.def"
};

/// Writes the file that the options name, in one piece. Says why on stderr when
/// it cannot. Model, Advice: null where there is none.
void writeProfile(const Options &O, const Module *Modules, const Medium *Model,
                  const Advisor *Advice, const Totals &T);

} // namespace flips
} // namespace perdure

#endif // PERDURE_RUNTIME_FLIPS_PROFILE_H

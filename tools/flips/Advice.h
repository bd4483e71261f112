//===- Advice.h - Which policy would save flips, and where ------*- C++ -*-===//

#ifndef PERDURE_TOOLS_FLIPS_ADVICE_H
#define PERDURE_TOOLS_FLIPS_ADVICE_H

#include "Profile.h"

#include <vector>

namespace perdure::flips {

/// One policy for one field, or for one place where no field is known.
struct Advice {
  std::string Policy;
  std::string Field; // or empty
  Place Most;        // where it would save most
  size_t Places = 0;
  Estimate Sum;
  std::string Write; // what to write in the source, or to give the compiler
  /// Bits at the stores; less than 0: it would flip more.
  int64_t saved() const { return int64_t(Sum.now()) - int64_t(Sum.under()); }
};

/// By what it would save, most first. Of the encodings of a field, which
/// exclude each other, the best; or all, and what would flip more and what the
/// runtime itself stores, where All says so.
std::vector<Advice> advise(const Profile &P, bool All);

} // namespace perdure::flips

#endif // PERDURE_TOOLS_FLIPS_ADVICE_H

//===- count.h - Counts one write -------------------------------*- C++ -*-===//
//
// What the C ABI of flips.h does not have: for the events of machine code.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FLIPS_COUNT_H
#define PERDURE_RUNTIME_FLIPS_COUNT_H

#include "flips/flips.h"

#include <stddef.h>

namespace perdure {
namespace flips {

/// Ends the process where code was compiled for another version.
void requireVersion(uint64_t Version);

/// After a write of all of these bytes.
void countWritten(perdure_flips_site &S, const void *P, const void *Before,
                  uint64_t Bytes);
/// Before a write of these eight bytes again and again.
void countPattern(perdure_flips_site &S, const void *P, uint64_t Pattern,
                  uint64_t Bytes);
/// Whether the thread is in the model: a signal handler interrupted it.
bool isInModel();
/// takeMemory, by a thread that is not in the model.
void *takeShared(size_t Bytes);

} // namespace flips
} // namespace perdure

#endif // PERDURE_RUNTIME_FLIPS_COUNT_H

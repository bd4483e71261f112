//===- machine.h - The events of machine code -------------------*- C++ -*-===//
//
// Scope `all`: machine code that was compiled with it calls the profiler around
// each instruction that may write. stacks.cpp has the stacks that this runs on.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FLIPS_MACHINE_H
#define PERDURE_RUNTIME_FLIPS_MACHINE_H

#include "flips/flips.h"
#include "flips/instruction.h"

namespace perdure {
namespace flips {

/// Below the end of a stack: what the sequence leaves out, in case it runs on
/// the program's own (a signal handler's that interrupted one), whose red zone
/// that is; and what it pushes.
constexpr uint64_t RedZone = 128;
constexpr uint64_t SequenceBytes = RedZone + 24;

/// Whether the processor has what the entry saves vectors with: xsave.
bool canEnter();

/// The end of a stack that no thread uses any more, or of a new one.
char *takeStack();
/// Whether \p P is in the stack of the thread that asks.
bool isInOwnStack(const void *P);
/// The end of that, which it is given now if it has none.
char *ownStack();
/// Of the thread that asks: whether both are in one stack that a signal handler
/// runs on and the program does not.
bool areInOneHandler(const void *P, const void *Q);

/// What is locked across events, around a fork.
void lockEvents();
void unlockEvents();

} // namespace flips
} // namespace perdure

#endif // PERDURE_RUNTIME_FLIPS_MACHINE_H

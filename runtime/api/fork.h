//===- fork.h - What a child of fork() may do -------------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_API_FORK_H
#define PERDURE_RUNTIME_API_FORK_H

namespace perdure {

/// From now on fork() leaves the child with its parent's objects mapped, but
/// with no right to write them, no lock and no section.
void prepareForFork();

} // namespace perdure

#endif // PERDURE_RUNTIME_API_FORK_H

//===- Collect.h - Reads a parsed file into the program ---------*- C++ -*-===//
#ifndef PERDURE_MIGRATE_COLLECT_H
#define PERDURE_MIGRATE_COLLECT_H

#include "Program.h"

#include "clang/Tooling/Tooling.h"

#include <memory>

namespace perdure::migrate {

/// An action for each file, which adds what it learns to the program.
std::unique_ptr<clang::tooling::FrontendActionFactory> collector(Program &P);

} // namespace perdure::migrate

#endif // PERDURE_MIGRATE_COLLECT_H

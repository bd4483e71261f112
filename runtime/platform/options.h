//===- options.h - What PERDURE_OPTIONS says --------------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_PLATFORM_OPTIONS_H
#define PERDURE_RUNTIME_PLATFORM_OPTIONS_H

#include <stdint.h>

namespace perdure {

enum class EscapePolicy { Trap, Report, Allow };

using BoolOption = bool;
using AddressOption = uint64_t;
using EscapeOption = EscapePolicy;

struct Options {
#define PERDURE_FLAG(Type, Name, Default, Description) Type##Option Name;
#include "platform/flags.def"
};

/// The environment is read once, when libperdure.so is loaded.
extern const Options &TheOptions;

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_OPTIONS_H

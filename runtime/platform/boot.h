//===- boot.h - Which boot of the machine this is ---------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_PLATFORM_BOOT_H
#define PERDURE_RUNTIME_PLATFORM_BOOT_H

#include <stdint.h>

namespace perdure {

/// A number that no other boot has, on no machine: what the kernel had in memory and a
/// medium had not is gone when it is another. 0: the kernel does not say.
uint64_t bootNumber();

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_BOOT_H

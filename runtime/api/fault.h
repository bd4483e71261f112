//===- fault.h - Says what a fault in the window means ----------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_API_FAULT_H
#define PERDURE_RUNTIME_API_FAULT_H

namespace perdure {

/// Installs the handler of SIGSEGV and SIGBUS, once. It reports on stderr
/// which access touched which object, where and why that faulted, and goes on
/// to the handler that was there before. Gives the calling thread an alternate
/// stack if it has none.
void installFaultHandler();

} // namespace perdure

#endif // PERDURE_RUNTIME_API_FAULT_H

//===- error.h - errno, a message in words, and reports ---------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_PLATFORM_ERROR_H
#define PERDURE_RUNTIME_PLATFORM_ERROR_H

#include <stddef.h>

namespace perdure {

/// Sets errno and this thread's message; false, so that a function that
/// fails can return it.
__attribute__((format(printf, 2, 3))) bool fail(int Errno, const char *Format,
                                                ...);

/// Turns what a terminal would not show as it stands into question marks.
void makeShown(char *Text);

/// The message of this thread's last failure; "" when there was none.
const char *errorMessage();

/// Writes a line to stderr, all of it if that can be done. Async-signal-safe;
/// errno stays.
void writeReport(const char *Line, size_t Length);

/// One line on stderr, "perdure: ..."; errno stays.
__attribute__((format(printf, 1, 2))) void report(const char *Format, ...);

/// Reports and aborts.
[[noreturn]] __attribute__((format(printf, 1, 2))) void die(const char *Format,
                                                            ...);

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_ERROR_H

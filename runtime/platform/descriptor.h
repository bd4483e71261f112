//===- descriptor.h - Opening files and reading them -------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_PLATFORM_DESCRIPTOR_H
#define PERDURE_RUNTIME_PLATFORM_DESCRIPTOR_H

#include <stddef.h>
#include <stdint.h>

namespace perdure {

/// openat, with O_CLOEXEC, O_NOFOLLOW and O_NOCTTY. Each open object keeps a
/// descriptor, and the usual soft limit is 1,024: when it is reached it is
/// raised to the hard limit, once. -1 and errno, without a message.
int openFile(int Directory, const char *Name, int Flags, unsigned Mode = 0);

/// Reads all of the bytes at an offset. False, and a message, also when the file
/// ends before.
bool readAll(int File, void *To, size_t Bytes, uint64_t At);

/// What to add to a message about errno.
const char *adviceFor(int Errno);

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_DESCRIPTOR_H

//===- descriptor.h - Opening files when descriptors are short --*- C++ -*-===//

#ifndef PERDURE_RUNTIME_PLATFORM_DESCRIPTOR_H
#define PERDURE_RUNTIME_PLATFORM_DESCRIPTOR_H

namespace perdure {

/// openat, with O_CLOEXEC, O_NOFOLLOW and O_NOCTTY. Each open object keeps a
/// descriptor, and the usual soft limit is 1,024: when it is reached it is
/// raised to the hard limit, once. -1 and errno, without a message.
int openFile(int Directory, const char *Name, int Flags, unsigned Mode = 0);

/// What to add to a message about errno.
const char *adviceFor(int Errno);

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_DESCRIPTOR_H

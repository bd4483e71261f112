//===- Hooks.h - What a test puts into the way of system calls --*- C++ -*-===//
//
// This program's definitions of a few functions of libc and libpmem2 are those that
// the runtime calls. Each does its work, but for what a test has set here.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_TEST_UNIT_HOOKS_H
#define PERDURE_TEST_UNIT_HOOKS_H

#include <atomic>
#include <functional>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

namespace hooks {

/// Of all of a file, and of a part of it.
extern std::atomic<int> DataSyncs, RangeSyncs;
/// What is not of a header's page is a commit's records, and taken for the first. It
/// stays so.
extern bool CommitsSyncParts;
extern std::atomic<int> Fences;                       // on DAX, real or forced
extern std::function<void(const void *, size_t)> OnFlush; // on DAX, the same
extern std::function<void()> OnDataSync;              // before it
extern std::function<bool(int)> FailSync;             // of a descriptor
extern std::function<bool(int)> SyncInstead;          // of it: whether it was done
extern std::function<void(const void *, size_t)> AfterRangeSync;
extern std::function<void(int)> BeforeWrite;          // of a part of a file
extern std::function<bool(int)> FailWrite;
extern std::function<void(int, off_t)> AfterRead;     // of a part of a file
extern std::function<void(const struct stat &)> OnStat; // after it
extern std::function<bool(int)> FailTimes;            // setting those of a file
extern std::function<void()> OnSleep;                 // instead of it
/// What the call gives, of a write to stderr; or nothing, and errno.
extern std::function<ssize_t(const char *, size_t)> OnReport;

/// After a test.
void forgetAll();

} // namespace hooks

#endif // PERDURE_TEST_UNIT_HOOKS_H

//===- changes.h - What the allocator changed and no commit has -*- C++ -*-===//
//
// In an object whose file is written by commits alone (defer() in
// object/object.h): each change of a word of the page map and of the slabs, and
// each block that was zeroed, until a commit takes them. Words are kept as the bits
// that were cleared and set, not as they are: another thread's transaction, which
// is not committed, may have changed other bits of them.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_ALLOC_CHANGES_H
#define PERDURE_RUNTIME_ALLOC_CHANGES_H

#include "object/object.h"

namespace perdure {

/// After the store, with whatever lock keeps others from changing the same bits:
/// the word is (word & ~Clear) | Set now. 8-byte aligned.
void noteWord(Object &O, const void *Word, uint64_t Clear, uint64_t Set);

/// After the bytes were zeroed.
void noteZeroed(Object &O, const void *P, uint64_t Bytes);

/// The bytes were zeroed last; what they are is somebody else's to write.
void forgetZeroed(Object &O, const void *P, uint64_t Bytes);

/// Gives what was changed, in the order in which it has to be written, and forgets
/// it: first what was zeroed, then words.
class ChangeTaker {
public:
  virtual void zeroed(uint64_t Offset, uint64_t Bytes) = 0;
  virtual void word(uint64_t Offset, uint64_t Clear, uint64_t Set) = 0;

protected:
  ~ChangeTaker() = default;
};
void takeChanges(Object &O, ChangeTaker &Taker);
bool hasChanges(Object &O);

/// Frees them. Nobody changes O any more.
void changesRelease(Object &O);

/// Around fork(), after the locks of the heap.
void changesBeforeFork(Object &O);
void changesAfterFork(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_ALLOC_CHANGES_H

//===- heap.h - The allocator inside an object ------------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_ALLOC_HEAP_H
#define PERDURE_RUNTIME_ALLOC_HEAP_H

#include "object/object.h"

namespace perdure {

/// A zeroed block of O, which is writable. Null: ENOSPC, ENOMEM, EPROTO.
void *allocate(Object &O, uint64_t Bytes);

/// Frees a block of O. Anything else is reported and ends the process.
void deallocate(Object &O, void *Block);

struct HeapUse {
  uint64_t UsedBytes, FreeBytes, Blocks;
};

/// Walks the page map. EPROTO when it is damaged.
bool measure(Object &O, HeapUse &Use);

/// Calls Visit with each allocated block, by ascending offset. EPROTO when the
/// page map is damaged, after the blocks before that.
bool visitBlocks(Object &O,
                 void (*Visit)(void *Context, uint64_t Offset, uint64_t Bytes),
                 void *Context);

/// Another process has changed the object since this one looked: rebuilds the
/// volatile side. EPROTO, ENOMEM.
bool heapRefresh(Object &O);

/// Around fork(): the locks of one heap, and those of all.
void heapBeforeFork(Object &O);
void heapAfterFork(Object &O);
void heapsBeforeFork();
void heapsAfterFork();

/// Frees the volatile side.
void heapRelease(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_ALLOC_HEAP_H

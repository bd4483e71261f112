//===- heap.h - The allocator inside an object ------------------*- C++ -*-===//
//
// Every function may be called from any thread. runtime/README.md gives the
// order of the locks.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_ALLOC_HEAP_H
#define PERDURE_RUNTIME_ALLOC_HEAP_H

#include "alloc/placement.h"
#include "object/object.h"

namespace perdure {

/// On DAX, who begins to write back what an allocation or a free has stored. A
/// locked instruction waits for what its thread is writing back, as a fence does,
/// and every latch is one: so whoever allocates or frees several times, or takes
/// other locks before the next fence, writes back afterwards.
enum class WriteBack { Here, ByCaller };

/// A zeroed block of O, which is writable. Here: on DAX the zeroes and that it is
/// allocated are durable when this thread has fenced; a block that nothing leads
/// to needs none. ByCaller: when, before, it has written back the block and the
/// wordOf it. Null: ENOSPC, ENOMEM, EPROTO.
void *allocate(Object &O, uint64_t Bytes, WriteBack When = WriteBack::Here);

/// The same, as is wished where that is possible. What the wish calls
/// overwritten holds anything.
void *allocate(Object &O, uint64_t Bytes, BlockWish Wish,
               WriteBack When = WriteBack::Here);

/// Frees a block of O, whose address lies below O's limit. Anything else is
/// reported and ends the process. Here: on DAX it is durable when this thread has
/// fenced. ByCaller: when, before, it has written back the word that is returned;
/// null: that has been done.
const uint64_t *deallocate(Object &O, void *Block,
                           WriteBack When = WriteBack::Here);

/// Where the file says that a block is allocated: the bits of Mask are Value then,
/// and 0 when it is free.
struct AllocationMark {
  uint64_t *Word;
  uint64_t Mask, Value;
};

/// Of an allocated block; reports what deallocate would report.
AllocationMark markOf(Object &O, const void *Block);

/// Reports the same, of a block that is the caller's: whose bit nobody else
/// clears. Takes no lock but at O's first call and for blocks of whole pages.
void checkAllocated(Object &O, const void *Block);

/// How many bytes the caller's block has, at least as many as it asked for;
/// reports the same.
uint64_t bytesOf(Object &O, const void *Block);

/// Of a block that O's allocator has given: the word that holds its bit, for a
/// WriteBack by the caller; null: there is nothing to do. Takes no lock. Should
/// somebody have freed it meanwhile: null, or any word of a slab's.
const uint64_t *wordOf(const Object &O, const void *Block);

/// UsedBytes + FreeBytes + OverheadBytes is what the file holds.
struct HeapUse {
  uint64_t UsedBytes, FreeBytes, Blocks;
  uint64_t OverheadBytes; // the header, the tables, heads and tails of slabs
  uint64_t LargestFree;   // bytes of the longest run of free pages
  uint64_t Slabs, LargeBlocks;
};

/// Walks the page map. EPROTO when it is damaged.
bool measure(Object &O, HeapUse &Use);

/// Calls Visit with each allocated block, by ascending offset. EPROTO when the
/// page map is damaged, after the blocks before that.
bool visitBlocks(Object &O,
                 void (*Visit)(void *Context, uint64_t Offset, uint64_t Bytes),
                 void *Context);

/// Another process has allocated or freed in O since this one last did:
/// rebuilds the volatile side. The caller is in O's write section, and no other
/// thread of this process is inside allocate or deallocate of O. Nothing to do
/// before the first allocation. EPROTO when the page map is damaged: allocating
/// fails then until a later call finds it whole.
bool heapRefresh(Object &O);

/// Around fork(), with the object held in place: takes every lock of O's heap,
/// and releases them, in the parent and in the child.
void heapBeforeFork(Object &O);
void heapAfterFork(Object &O);

/// The same for the locks that belong to no object; before the first
/// heapBeforeFork and after the last heapAfterFork.
void heapsBeforeFork();
void heapsAfterFork();

/// Frees the volatile side.
void heapRelease(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_ALLOC_HEAP_H

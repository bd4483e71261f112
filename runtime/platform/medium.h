//===- medium.h - Mapping files and making them durable ---------*- C++ -*-===//
//
// The runtime's only use of libpmem2, which tells what the medium is and how to
// flush to it; so PMEM2_FORCE_GRANULARITY lets tests take the DAX paths
// anywhere. Objects are mapped past the end of their files, which libpmem2 does
// not do: the mapping itself is ours.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_PLATFORM_MEDIUM_H
#define PERDURE_RUNTIME_PLATFORM_MEDIUM_H

#include <stddef.h>
#include <stdint.h>

namespace perdure {

struct Mapping {
  uint64_t Address; // 0: not mapped
  uint64_t Bytes;
  bool Page; // stores reach the medium a page at a time, by msync
  // Of the other media: what a flush began is done when a drain returns.
  void (*Flush)(const void *, size_t);
  void (*Drain)(void);
};

/// The most bytes that this process may give a file. The kernel sends SIGXFSZ
/// to one that tries to give it more.
uint64_t largestFile();

/// Gives a new file its owner's rights, which the umask may have withheld.
/// Where files have no modes nothing happens.
void giveToOwner(int File);

/// Maps all of Bytes of the file at Address, over whatever is there.
bool mapFile(Mapping &M, int File, uint64_t Address, uint64_t Bytes,
             bool Writable);

/// Maps the file again, over M and for reading, but so that changes stay this
/// process's own: it may write until sealPrivate.
bool mapPrivate(const Mapping &M, int File);
bool sealPrivate(const Mapping &M);

/// Bytes of the file, from a page's begin on, anywhere in memory, to be changed there
/// alone: of pages that were not, it may be seen what others write to the file. Null,
/// with a message.
char *mapCopy(int File, uint64_t Offset, uint64_t Bytes);
void unmapCopy(char *Copy, uint64_t Bytes);

/// Gives the right to write to a mapping, through a descriptor that has it.
bool makeWritable(Mapping &M, int File);

/// Maps a part of the file again, whole pages, for writing: so that what is stored
/// there stays this process's own until it is written to the file, or so that it
/// reaches the file by itself.
bool mapOwn(const Mapping &M, int File, uint64_t Offset, uint64_t Bytes);
bool mapThrough(const Mapping &M, int File, uint64_t Offset, uint64_t Bytes);

/// Which of the pages from P on hold something of this process's own; P and Bytes:
/// whole pages, of a part that is its own. Visit gets runs of them, until it gives
/// false; and so does this then, or when the system does not tell (a message).
bool visitOwnPages(const void *P, uint64_t Bytes,
                   bool (*Visit)(void *Context, uint64_t Begin, uint64_t End),
                   void *Context);

/// What the pages hold of this process's own is forgotten: they show the file.
void forgetOwnPages(const void *P, uint64_t Bytes);

//===----------------------------------------------------------------------===//
// The primitives. Whatever of an object reaches its medium on purpose does so
// through one of these five: nothing else flushes, fences, syncs or writes to an
// object's file, so who follows them sees the order of it all.
//===----------------------------------------------------------------------===//

/// Begins to write back the lines that hold the bytes: they survive a power
/// failure once a fence that follows has returned. On page media: nothing.
void flushRange(const Mapping &M, const void *P, size_t Bytes);

/// On return what this thread has flushed survives a power failure. On page
/// media: nothing.
void fence(const Mapping &M);

/// On return the bytes survive a power failure: flush and fence, or msync.
bool persist(const Mapping &M, const void *P, size_t Bytes);

/// On return all of the file, and its size, survives a power failure. False,
/// and errno, without a message.
bool syncFile(int File);

/// Writes all of the bytes at an offset of the file. False, and errno, without
/// a message; some of them may have been written then.
bool writeFile(int File, const void *P, size_t Bytes, uint64_t At);

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_MEDIUM_H

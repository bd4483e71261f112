//===- file_lock.h - Kernel locks on an object's file -----------*- C++ -*-===//
//
// Nothing about a lock is written to the file: these are open-file-description
// locks (fcntl, F_OFD_SETLK) on bytes that lie far past any file's end, and the
// kernel drops them with the descriptor, so with the process at the latest. A
// child of fork() shares its parent's description; it closes it at once
// (api/fork.cpp), or it would keep a dead parent's lock alive.
//
// A lock for reading needs a descriptor that may read, one for writing a
// descriptor that may write: who may not change an object cannot lock its
// readers out.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_PLATFORM_FILE_LOCK_H
#define PERDURE_RUNTIME_PLATFORM_FILE_LOCK_H

namespace perdure {

/// What is locked: one byte each.
enum class FileByte {
  Ownership, // held as long as the object is open for writing: exclusive by
             // the one process that writes, shared by those that take turns
  Section,   // write and read sections
  SectionTurn, // who waits for Section holds this one
  Structure, // exclusive: a change of the header or of the FOT by processes that
             // share, and the recovery of who is about to be the only writer;
             // shared: a look at these
  StructureTurn // who waits for Structure holds this one
};

enum class LockKind { None, Shared, Exclusive };

/// Changes what this description holds. Waits when it may; else EBUSY, without
/// a message.
bool lockByte(int File, FileByte Byte, LockKind Kind, bool Wait);

/// The same of Section or Structure, in turn: who waits holds the byte's turn meanwhile, so
/// those who keep coming for a share of it do not keep out who wants it alone. (For the
/// turn itself the kernel has no queue, but nobody who shares it has it for longer than
/// these calls take.) Who has the turn waits for the byte only.
bool lockInTurn(int File, FileByte Byte, LockKind Kind, bool Wait);

/// What others hold: None, Shared or Exclusive.
LockKind lockOfOthers(int File, FileByte Byte);

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_FILE_LOCK_H

//===- table.h - The types that an object holds -----------------*- C++ -*-===//
//
// Texts in the extents of Table::Types, appended and never changed, 8-byte aligned:
//
//   a descriptor          of a record (types/descriptor.h); of several of one name
//                         the last counts
//   "root node"           which record the root block holds; the last counts
//   "arrays node"         code reckons with pointers to it, so that blocks may hold
//                         more than one, and pointers lead behind the last
//
// Each behind a head: bytes of the text and a checksum, one 64-bit word, written
// last, and the hash of the layout that is spoken of. The first head that does not
// hold ends an extent: a torn one is written over by who comes next. What others
// append is published by one such word, so who reads needs no lock.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TYPES_TABLE_H
#define PERDURE_RUNTIME_TYPES_TABLE_H

#include "object/object.h"
#include "types/descriptor.h"

namespace perdure {

struct TypeEntry {
  uint32_t Bytes;    // of the text
  uint32_t Checksum; // CRC-32 of what follows; written with Bytes
  uint64_t Layout;
};
static_assert(sizeof(TypeEntry) == 16, "");

/// Calls Visit(Piece Text, uint64_t Layout) with each, in order, until it returns
/// false.
template <typename Visitor> void visitTypes(const Object &O, Visitor Visit);

/// Entries that are on their way to a table.
class TypeBatch {
public:
  TypeBatch() = default;
  ~TypeBatch();
  TypeBatch(const TypeBatch &) = delete;
  TypeBatch &operator=(const TypeBatch &) = delete;

  /// Text is Keyword and a blank, if there is one, and Rest.
  void add(const char *Keyword, Piece Rest, uint64_t Layout);
  bool isEmpty() const { return !Size; }

private:
  friend bool appendTypes(Object &O, const TypeBatch &B);
  char *Entries = nullptr;
  size_t Size = 0, Room = 0;
  bool Failed = false; // ENOMEM
};

/// Appends them, all or none, while the caller is StructureLocked and has seen that
/// they are not there. False: ENOSPC, ENOMEM, EIO.
bool appendTypes(Object &O, const TypeBatch &B);

/// The entry at an address, up to which Room bytes are left; false: it ends the
/// extent. Next: what it takes.
bool readEntry(const void *At, uint64_t Room, Piece &Text, uint64_t &Layout,
               uint64_t &Next);

template <typename Visitor> void visitTypes(const Object &O, Visitor Visit) {
  for (unsigned K = 0; K < MaxTypeExtents; ++K) {
    uint64_t Extent = extentOf(O, Table::Types, K), Layout, Next;
    if (!Extent)
      return;
    Piece Text;
    for (uint64_t At = 0;
         readEntry((const void *)(O.Base + Extent + At),
                   extentBytes(Table::Types, K) - At, Text, Layout, Next);
         At += Next)
      if (!Visit(Text, Layout))
        return;
  }
}

} // namespace perdure

#endif // PERDURE_RUNTIME_TYPES_TABLE_H

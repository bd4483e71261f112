//===- Object.h - Objects that are open to be looked at ---------*- C++ -*-===//

#ifndef PERDURE_TOOLS_INSPECT_OBJECT_H
#define PERDURE_TOOLS_INSPECT_OBJECT_H

#include "Types.h"

#include <perdure/runtime.h>

#include <memory>
#include <string>
#include <vector>

namespace inspect {

/// An allocated block.
struct Block {
  uint64_t Offset, Bytes; // Bytes of its size class: at least what was asked for
  perdure_block_kind Kind;
};

/// Where a pointer leads.
struct Target;

class Objects;

/// One object, mapped, as long as its store is open.
class Object {
public:
  Object(Objects &Owner, const void *Root, std::string Name);
  Object(const Object &) = delete;
  Object &operator=(const Object &) = delete;

  Objects &Owner;
  const std::string Name; // or its ID in words, where no name led here
  perdure_id Id;
  uint64_t Base; // address of offset 0
  uint64_t Bytes; // that may be read, from Base on
  uint64_t RootOffset, RootBytes;
  Types Known;

  /// Whether such bytes of it can be read.
  bool holds(uint64_t Offset, uint64_t Count) const {
    return Offset <= Bytes && Count <= Bytes - Offset;
  }
  const unsigned char *at(uint64_t Offset) const {
    return (const unsigned char *)(Base + Offset);
  }
  bool isNear(uint64_t Address) const { return Address - Base < Bytes; }

  /// All blocks, by ascending offset. Read once; empty when that failed, which
  /// perdure_errormsg says.
  const std::vector<Block> &blocks();
  bool readBlocks(); // false: it failed
  /// The block that holds the offset, or null.
  const Block *blockAt(uint64_t Offset);

  /// The entries of the FOT, from 1 on.
  const std::vector<struct perdure_foreign> &foreign();

private:
  std::vector<Block> Blocks;
  std::vector<struct perdure_foreign> Foreign;
  bool HasBlocks = false, BlocksOk = false, HasForeign = false;
};

/// Those of a store that were met.
class Objects {
public:
  /// Flags: of perdure_open.
  Objects(perdure_store *Store, unsigned Flags) : Store(Store), Flags(Flags) {}
  ~Objects();
  Objects(const Objects &) = delete;
  Objects &operator=(const Objects &) = delete;

  /// Opens the object called Name; null: perdure_errormsg says why.
  Object *open(const std::string &Name);
  /// The object that holds the address, as decode gave it; null: it is missing.
  Object *at(uint64_t Address);
  /// The first name that leads to the object; "" when there is none.
  std::string nameOf(perdure_id Id);

private:
  Object *enter(void *Root, std::string Name);
  void enterSection(void *Root);

  perdure_store *Store;
  unsigned Flags;
  std::vector<std::unique_ptr<Object>> All;
  std::vector<void *> Opened, Entered;
  std::vector<std::pair<std::string, perdure_id>> Names;
  bool HasNames = false;
};

std::string idInWords(perdure_id Id);
inline bool isSame(perdure_id A, perdure_id B) { return A.hi == B.hi && A.lo == B.lo; }

} // namespace inspect

#endif // PERDURE_TOOLS_INSPECT_OBJECT_H

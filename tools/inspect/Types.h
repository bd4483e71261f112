//===- Types.h - The types that an object holds -----------------*- C++ -*-===//

#ifndef PERDURE_TOOLS_INSPECT_TYPES_H
#define PERDURE_TOOLS_INSPECT_TYPES_H

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace inspect {

struct Record;

enum class Kind {
  Signed,   // of Size bytes, as are the next
  Unsigned,
  Boolean,
  Float,
  Character,
  Enumeration, // Inner: the number's type
  Gray,        // the same
  BitField,    // the same
  Pointer,     // Inner: what it leads to, or null; Encoding
  Native,      // an address of some process
  Array,       // Inner, Count; flexible: Count is Flexible
  Struct,      // Of
  Bytes        // nothing is known of them
};

constexpr uint64_t Flexible = UINT64_MAX;

struct Type {
  Kind Is = Kind::Bytes;
  uint64_t Size = 0; // bytes; of a flexible array 0
  const Type *Inner = nullptr;
  uint64_t Count = 0;
  const Record *Of = nullptr; // null: the object does not know that record
  unsigned Shift = 0, Width = 0;
  std::string Encoding;
  std::string Name; // as it is printed: "i64", "node", "*node", "[4]char"
};

struct Field {
  std::string Name; // empty: a base class, or an anonymous record
  uint64_t Offset;
  const Type *Is;
  std::vector<std::pair<std::string, int64_t>> Names; // of enumerators
};

struct Record {
  std::string Name, Text;
  uint64_t Layout = 0;
  uint64_t Size = 0, Align = 1;
  bool IsUnion = false;
  bool HasArrays = false; // code reckons with pointers to it: docs/Types.md
  std::vector<Field> Fields;
  const Type *AsType = nullptr;
  uint64_t Weight = 0; // of it and all parts
};

/// All types that texts speak of. A text that makes no sense is left out, and so is a
/// field that does not lie in its record.
class Types {
public:
  Types() = default;
  Types(const Types &) = delete;
  Types &operator=(const Types &) = delete;

  /// One of perdure_types.
  void add(std::string_view Text, uint64_t Layout);
  /// After the last: makes the records.
  void finish();

  /// What the root is; null: that was not recorded.
  const Record *root() const { return Root; }
  /// The one of that name; of several the last.
  const Record *find(const std::string &Name) const;
  /// A number, a record, or an array of these, as Type::Name has it; null: none of that
  /// name.
  const Type *typeOf(std::string_view Name, unsigned Depth = 64);
  /// A persistent pointer to nobody knows what.
  const Type *pointer(const std::string &Encoding);
  const std::vector<const Record *> &all() const { return Records; }
  /// The encodings of all pointers that there are.
  const std::vector<std::string> &encodings() const { return Encodings; }

private:
  struct Told {
    std::string Text;
    uint64_t Layout;
  };
  const Record *refer(const std::string &Name, uint64_t Layout) const;
  void readFields(Record &R);
  uint64_t weigh(Record &R);
  /// The type that \p Text begins with, which is taken away; null: none.
  const Type *read(std::string_view &Text, const std::vector<const Record *> &Refers,
                   unsigned Depth);
  const Type *make(Type T);

  std::vector<Told> Tolds;
  std::deque<Record> Storage;
  std::deque<Type> TypeStorage;
  std::vector<const Record *> Records;
  std::vector<std::string> Encodings;
  std::map<std::string, std::vector<Record *>> ByName;
  const Record *Root = nullptr;
};

} // namespace inspect

#endif // PERDURE_TOOLS_INSPECT_TYPES_H

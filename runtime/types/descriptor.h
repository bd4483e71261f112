//===- descriptor.h - What a type's descriptor says -------------*- C++ -*-===//
//
// The compiler plugin describes every annotated record, and what that leads to, as
// lines of text. A binary has descriptors in a section (abi.def), an object in a
// table (types/table.h):
//
//   struct 24 8 node              struct or union, size, alignment, name
//   refer node                    record 0 of those that the fields speak of
//   field 0 *object(#0) next      offset, type, name (which may be empty)
//   field 8 i64 value
//   layout 0 8f14e45fceea167a     of record 0, where the TU knows it
//   arrays                        code reckons with pointers to it
//
// The first three kinds of lines are the layout: two records are laid out alike when
// these are equal, and a hash of them stands for them. docs/Types.md has the types'
// grammar. Texts of files are anybody's: everything here copes with any bytes.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TYPES_DESCRIPTOR_H
#define PERDURE_RUNTIME_TYPES_DESCRIPTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace perdure {

/// Some bytes that somebody else keeps.
struct Piece {
  const char *Begin = nullptr;
  size_t Bytes = 0;

  Piece() = default;
  Piece(const char *Begin, size_t Bytes) : Begin(Begin), Bytes(Bytes) {}
  explicit Piece(const char *Text) : Begin(Text), Bytes(strlen(Text)) {}
  bool operator==(const Piece &P) const {
    return Bytes == P.Bytes && (!Bytes || !memcmp(Begin, P.Begin, Bytes));
  }
  bool operator!=(const Piece &P) const { return !(*this == P); }
  /// What stands before the first Stop, which is taken away with it; all of it, where
  /// there is none.
  Piece upTo(char Stop);
  /// Takes Head away where it begins with that.
  bool consume(const char *Head);
};

/// As it lies in a binary's section, 8-byte aligned.
struct TypeDescriptor {
  uint64_t Bytes;  // of the text; 0: no descriptor, padding
  uint64_t Layout; // hash of the layout's lines
  char Text[];

  Piece text() const { return {Text, Bytes}; }
  /// Where the next one could be.
  uint64_t room() const { return (sizeof(*this) + Bytes + 7) / 8 * 8; }
};

/// One line.
struct TypeLine {
  Piece Keyword, Rest;
};

/// The lines of a text, one after the other.
class TypeLines {
public:
  explicit TypeLines(Piece Text) : Left(Text) {}
  bool next(TypeLine &L);

private:
  Piece Left;
};

/// What the first line says. False: it is no descriptor's.
struct TypeHead {
  Piece Keyword, Name;
  uint64_t Size, Align;
};
bool readHead(Piece Text, TypeHead &H);

struct TypeField {
  uint64_t Offset;
  Piece Type, Name;
};
/// A line `field`; false for any other.
bool readField(const TypeLine &L, TypeField &F);

/// The name of a record that the fields speak of; empty when there is none.
Piece referredName(Piece Text, uint64_t Index);
/// Its layout's hash, or 0 where that is not told.
uint64_t referredLayout(Piece Text, uint64_t Index);

/// The hash of the layout that the text describes.
uint64_t layoutHash(Piece Text);

/// Whether a line consists of this word alone.
bool hasLine(Piece Text, const char *Word);

/// A number in decimal digits, or hexadecimal ones, and nothing else.
bool readNumber(Piece Digits, uint64_t &Value, unsigned Base = 10);

/// Says how the layouts of two texts of one name differ, field by field, in one
/// sentence of at most Room bytes: what was, as Old says it, and what is, as New does.
void explainDifference(Piece Old, Piece New, char *Out, size_t Room);

} // namespace perdure

#endif // PERDURE_RUNTIME_TYPES_DESCRIPTOR_H

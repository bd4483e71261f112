//===- Value.h - The parts of a value ---------------------------*- C++ -*-===//

#ifndef PERDURE_TOOLS_INSPECT_VALUE_H
#define PERDURE_TOOLS_INSPECT_VALUE_H

#include "Bits.h"

namespace inspect {

/// Told of a value's parts, in the order of their fields.
class Visitor {
public:
  virtual ~Visitor() = default;
  /// Whether unions are told as bytes, instead of each member by itself.
  virtual bool wantsUnionsAsBytes() const { return false; }
  /// An integer or a floating-point number, in digits; Name: of the enumerator, or "".
  virtual void number(const std::string &Digits, const std::string &Name) = 0;
  virtual void boolean(bool Value) = 0;
  /// An array of characters, up to the last that is not zero.
  virtual void text(const std::string &Bytes) = 0;
  virtual void bytes(const unsigned char *Bytes, uint64_t Count) = 0;
  virtual void pointer(const Type &T, const Target &To) = 0;
  virtual void beginRecord(const Record &R) = 0;
  virtual void beginField(const std::string &Key) = 0;
  virtual void endRecord() = 0;
  virtual void beginArray(const Type &Element, uint64_t Count) = 0;
  virtual void beginElement(uint64_t Index) = 0;
  virtual void endArray() = 0;
};

/// Visits the value of type \p T at the offset, all of which lies in O. \p F: the
/// field that it is, for enumerators; or null. \p End: a flexible array ends there.
void visitValue(Object &O, uint64_t Offset, const Type &T, const Field *F,
                uint64_t End, Visitor &V);

/// A field of a record or of what lies in it without a name.
struct Member {
  std::string Key; // unique in the record
  uint64_t Offset;
  const Field *F;
};
/// Of a union that is told as bytes those do not appear, but the union does.
std::vector<Member> membersOf(const Record &R, bool UnionsAsBytes = false);

/// How many elements an array has: a flexible one as many as fit before \p End.
uint64_t countOf(const Type &Array, uint64_t Offset, uint64_t End);

/// Numbers of up to 16 bytes, little-endian.
std::string integerAt(const unsigned char *At, uint64_t Size, bool Signed);
/// Of 2, 4 or 8 bytes; enough digits to read the same number again.
std::string floatAt(const unsigned char *At, uint64_t Size);
/// Of a floating-point number of so many bytes. A NaN that no operation gives is printed
/// as `nan(0xN)`, where N are those bits.
unsigned significandBits(uint64_t Size);
bool isCharacters(const Type &T);

} // namespace inspect

#endif // PERDURE_TOOLS_INSPECT_VALUE_H

//===- Value.cpp - The parts of a value -----------------------------------===//

#include "Value.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>

using namespace inspect;

namespace {
using Wide = unsigned __int128;

Wide wideAt(const unsigned char *At, uint64_t Size) {
  Wide Value = 0;
  memcpy(&Value, At, std::min<uint64_t>(Size, sizeof(Value)));
  return Value;
}

std::string digitsOf(Wide Value, unsigned Bits, bool Signed) {
  bool Negative = Signed && Value >> (Bits - 1) & 1;
  if (Bits < 128)
    Value &= (Wide(1) << Bits) - 1;
  if (Negative)
    Value = Bits < 128 ? (Wide(1) << Bits) - Value : -Value;
  std::string Text;
  do
    Text.insert(Text.begin(), static_cast<char>('0' + static_cast<int>(Value % 10)));
  while (Value /= 10);
  return Negative ? "-" + Text : Text;
}

bool isSigned(const Type &T) {
  return T.Is == Kind::Signed || (T.Inner && T.Is != Kind::Pointer && isSigned(*T.Inner));
}

// Of the enumerator with these digits.
std::string enumeratorFor(const Field *F, const std::string &Digits, bool Signed) {
  if (F)
    for (auto &[Name, Value] : F->Names)
      if (Digits == (Signed ? std::to_string(Value)
                            : std::to_string(static_cast<uint64_t>(Value))))
        return Name;
  return "";
}

/// What visitValue carries along.
struct Visit {
  Object &O;
  uint64_t End;
  Visitor &V;

  void value(uint64_t Offset, const Type &T, const Field *F);
  void integer(Wide Value, unsigned Bits, const Type &T, const Field *F);
  void array(uint64_t Offset, const Type &T, const Field *F);
};

void Visit::integer(Wide Value, unsigned Bits, const Type &T, const Field *F) {
  if (T.Is == Kind::Boolean)
    return V.boolean(Value != 0);
  bool Signed = isSigned(T);
  std::string Digits = digitsOf(Value, Bits, Signed);
  V.number(Digits, enumeratorFor(F, Digits, Signed));
}

void Visit::array(uint64_t Offset, const Type &T, const Field *F) {
  uint64_t Count = countOf(T, Offset, End);
  if (isCharacters(*T.Inner)) {
    const char *Begin = reinterpret_cast<const char *>(O.at(Offset));
    while (Count && !Begin[Count - 1])
      --Count;
    return V.text(std::string(Begin, Count));
  }
  V.beginArray(*T.Inner, Count);
  for (uint64_t I = 0; I < Count; ++I) {
    V.beginElement(I);
    value(Offset + I * T.Inner->Size, *T.Inner, F);
  }
  V.endArray();
}

void Visit::value(uint64_t Offset, const Type &T, const Field *F) {
  const unsigned char *At = O.at(Offset);
  switch (T.Is) {
  case Kind::Signed:
  case Kind::Unsigned:
  case Kind::Boolean:
  case Kind::Character:
    return integer(wideAt(At, T.Size), static_cast<unsigned>(T.Size * 8), T, F);
  case Kind::Enumeration:
    return integer(wideAt(At, T.Size), static_cast<unsigned>(T.Size * 8), *T.Inner, F);
  case Kind::Gray: {
    // Bit N of the number is the parity of the code's bits from N on.
    if (T.Inner->Is == Kind::Array) {
      // Its elements are codes.
      Type Element;
      Element.Is = Kind::Gray;
      Element.Inner = T.Inner->Inner;
      Element.Size = T.Inner->Inner->Size;
      Element.Name = "gray(" + Element.Inner->Name + ")";
      Type Codes = *T.Inner;
      Codes.Inner = &Element;
      return array(Offset, Codes, F);
    }
    Wide Number = wideAt(At, T.Size);
    for (unsigned Shift = 64; Shift; Shift /= 2)
      Number ^= Number >> Shift;
    return integer(Number, static_cast<unsigned>(T.Size * 8), *T.Inner, F);
  }
  case Kind::BitField: {
    // Up to 17 bytes: the part above 128 bits can only be that of the widest.
    Wide Number = wideAt(At, T.Size) >> T.Shift;
    if (T.Size > 16)
      Number |= static_cast<Wide>(At[16]) << (128 - T.Shift);
    if (T.Width < 128)
      Number &= (Wide(1) << T.Width) - 1;
    return integer(Number, T.Width, *T.Inner, F);
  }
  case Kind::Float:
    return V.number(floatAt(At, T.Size), "");
  case Kind::Pointer:
    if (const Encoding *E = Encoding::find(T.Encoding))
      return V.pointer(T, E->decode(O, Offset));
    [[fallthrough]];
  case Kind::Native: {
    Target To;
    To.Value = bitsAt(O, Offset);
    To.Is = !To.Value              ? Target::Null
            : T.Is == Kind::Native ? Target::Address
                                   : Target::Unknown;
    return V.pointer(T, To);
  }
  case Kind::Array:
    return array(Offset, T, F);
  case Kind::Struct:
    if (T.Of->IsUnion && V.wantsUnionsAsBytes())
      return V.bytes(At, T.Size);
    V.beginRecord(*T.Of);
    for (const Member &M : membersOf(*T.Of, V.wantsUnionsAsBytes())) {
      V.beginField(M.Key);
      value(Offset + M.Offset, *M.F->Is, M.F);
    }
    return V.endRecord();
  case Kind::Bytes:
    return V.bytes(At, T.Size);
  }
}

/// What membersOf gathers.
struct Gathering {
  bool UnionsAsBytes;
  std::vector<Member> Members;
  std::map<std::string, unsigned> Times; // that a key was asked for

  void add(const Record &R, uint64_t At) {
    for (const Field &F : R.Fields) {
      bool Inner = F.Name.empty() && F.Is->Is == Kind::Struct;
      if (Inner && !(UnionsAsBytes && F.Is->Of->IsUnion)) {
        add(*F.Is->Of, At + F.Offset);
        continue;
      }
      std::string Key = F.Name.empty() ? "(" + F.Is->Name + ")" : F.Name;
      // Bases may have fields of the same name.
      if (unsigned Before = Times[Key]++)
        Key += "'" + std::to_string(Before + 1);
      Members.push_back({Key, At + F.Offset, &F});
    }
  }
};

} // namespace

bool inspect::isCharacters(const Type &T) {
  return T.Is == Kind::Character && T.Size == 1;
}

std::string inspect::integerAt(const unsigned char *At, uint64_t Size, bool Signed) {
  return digitsOf(wideAt(At, Size), static_cast<unsigned>(Size * 8), Signed);
}

unsigned inspect::significandBits(uint64_t Size) {
  return Size == 8 ? 52 : Size == 4 ? 23 : 10;
}

// Of a NaN that no operation gives: the bits of its significand.
static std::string oddNan(const unsigned char *At, uint64_t Size) {
  unsigned Width = significandBits(Size);
  uint64_t Bits = static_cast<uint64_t>(wideAt(At, Size));
  uint64_t Significand = Bits & ((uint64_t{1} << Width) - 1);
  uint64_t Exponent = Bits >> Width & ((uint64_t{1} << (Size * 8 - 1 - Width)) - 1);
  if (Exponent != (uint64_t{1} << (Size * 8 - 1 - Width)) - 1 || !Significand ||
      Significand == uint64_t{1} << (Width - 1))
    return "";
  char Text[64];
  snprintf(Text, sizeof(Text), "%snan(0x%llx)", Bits >> (Size * 8 - 1) ? "-" : "",
           static_cast<unsigned long long>(Significand));
  return Text;
}

std::string inspect::floatAt(const unsigned char *At, uint64_t Size) {
  if (std::string Nan = oddNan(At, Size); !Nan.empty())
    return Nan;
  char Text[64];
  if (Size == 8) {
    double Value;
    memcpy(&Value, At, sizeof(Value));
    if (Value == 0 && std::signbit(Value))
      return "-0.0"; // "-0" would be read as the whole number
    snprintf(Text, sizeof(Text), "%.17g", Value);
    double Shorter = 0;
    char Short[64];
    snprintf(Short, sizeof(Short), "%.15g", Value);
    if (sscanf(Short, "%lf", &Shorter) == 1 && Shorter == Value)
      return Short;
  } else if (Size == 4) {
    float Value;
    memcpy(&Value, At, sizeof(Value));
    if (Value == 0 && std::signbit(Value))
      return "-0.0";
    snprintf(Text, sizeof(Text), "%.9g", static_cast<double>(Value));
    float Shorter = 0;
    char Short[64];
    snprintf(Short, sizeof(Short), "%.6g", static_cast<double>(Value));
    if (sscanf(Short, "%f", &Shorter) == 1 && Shorter == Value)
      return Short;
  } else {
    _Float16 Value;
    memcpy(&Value, At, sizeof(Value));
    snprintf(Text, sizeof(Text), "%.5g", static_cast<double>(Value));
  }
  return Text;
}

std::vector<Member> inspect::membersOf(const Record &R, bool UnionsAsBytes) {
  Gathering G{UnionsAsBytes, {}, {}};
  G.add(R, 0);
  return std::move(G.Members);
}

uint64_t inspect::countOf(const Type &Array, uint64_t Offset, uint64_t End) {
  if (Array.Count != Flexible)
    return Array.Count;
  return Offset < End ? (End - Offset) / Array.Inner->Size : 0;
}

void inspect::visitValue(Object &O, uint64_t Offset, const Type &T, const Field *F,
                         uint64_t End, Visitor &V) {
  Visit{O, End, V}.value(Offset, T, F);
}

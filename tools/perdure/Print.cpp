//===- Print.cpp - Values for people and for programs ---------------------===//

#include "Print.h"
#include "Store.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace inspect;

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

static std::string hexOf(const unsigned char *Bytes, uint64_t Count) {
  static const char Digits[] = "0123456789abcdef";
  std::string Text;
  for (uint64_t I = 0; I < Count; ++I) {
    Text += Digits[Bytes[I] >> 4];
    Text += Digits[Bytes[I] & 15];
  }
  return Text;
}

std::string hexLines(const Object &O, uint64_t Offset, uint64_t Count) {
  std::string Text;
  for (uint64_t At = 0; At < Count; At += 16) {
    uint64_t Here = std::min<uint64_t>(16, Count - At);
    const unsigned char *Bytes = O.at(Offset + At);
    std::string Line = formatOffset(Offset + At) + ":", Shown;
    for (uint64_t I = 0; I < Here; ++I) {
      Line += (I % 8 ? " " : "  ") + hexOf(Bytes + I, 1);
      Shown += Bytes[I] >= 0x20 && Bytes[I] < 0x7f ? (char)Bytes[I] : '.';
    }
    Text += Line + "  |" + Shown + "|\n";
  }
  return Text;
}

static std::string quoted(const std::string &Bytes) {
  // What escape does, but for what has a shorter name in C.
  std::string Shown;
  for (size_t I = 0; I < Bytes.size();) {
    size_t End = Bytes.find_first_of("\n\t\"\\", I);
    Shown += escape(Bytes.substr(I, End - I));
    if (End == std::string::npos)
      break;
    Shown += Bytes[End] == '\n' ? "\\n" : Bytes[End] == '\t' ? "\\t"
             : std::string("\\") + Bytes[End];
    I = End + 1;
  }
  return "\"" + Shown + "\"";
}

// Entries of the FOT have the ID or the name of what is not there.
static std::string nameOfMissing(Object *In, const Target &To) {
  if (In && To.Index && To.Index <= In->foreign().size()) {
    const struct perdure_foreign &F = In->foreign()[To.Index - 1];
    if (F.name[0])
      return F.name;
    if (!isNone(F.id))
      return toHex(F.id);
  }
  return "?";
}

std::string describe(const Type &T, const Target &To, Object *In) {
  std::string Name = T.Is == Kind::Native ? "native" : escape(T.Name);
  switch (To.Is) {
  case Target::Null:
    return "null";
  case Target::Here:
    return Name + " " + formatOffset(To.Offset) +
           (In && !In->blockAt(To.Offset) ? " (not allocated)" : "");
  case Target::Foreign:
    if (To.To)
      return Name + " " + escape(To.To->Name) + ":" + formatOffset(To.Offset);
    return Name + " " + escape(nameOfMissing(In, To)) + ":" + formatOffset(To.Offset) +
           " (missing)";
  case Target::Number:
    return Name + " " + std::to_string((int64_t)To.Value);
  case Target::Address:
    return Name + " address " + formatOffset(To.Value);
  case Target::Unknown:
    break;
  }
  return Name + " bits " + formatOffset(To.Value);
}

bool readString(const Place &P, std::string &Text) {
  if (!P.Is || !isCharacters(*P.Is) || P.Offset >= P.End)
    return false;
  const char *Begin = (const char *)P.In->at(P.Offset);
  Text.assign(Begin, strnlen(Begin, P.End - P.Offset));
  return true;
}

// Where a pointer that was decoded leads.
static bool toPlace(const Type &T, const Target &To, Object *In, Place &P) {
  Object *At = To.Is == Target::Here ? In : To.Is == Target::Foreign ? To.To : nullptr;
  const Block *B = At && T.Inner ? At->blockAt(To.Offset) : nullptr;
  if (!B || T.Inner->Size > B->Offset + B->Bytes - To.Offset)
    return false;
  P = {At, To.Offset, T.Inner, nullptr, B->Offset + B->Bytes};
  return true;
}

//===----------------------------------------------------------------------===//
// For people
//===----------------------------------------------------------------------===//

void TextPrinter::newLine() { Out += "\n" + std::string(Indent * 2, ' '); }

void TextPrinter::block(const Place &P) {
  Object *Before = In;
  In = P.In;
  visitValue(*P.In, P.Offset, *P.Is, P.F, P.End, *this);
  In = Before;
}

void TextPrinter::place(const Place &P) {
  if (P.Is->Is == Kind::Struct)
    Out += paint(Colour::Bold, escape(P.Is->Name)) + " " + formatOffset(P.Offset) + " ";
  // Who asks for a pointer wants to see where it leads.
  Depth += P.Is->Is == Kind::Pointer;
  block(P);
  Depth -= P.Is->Is == Kind::Pointer;
  Out += "\n";
}

void TextPrinter::number(const std::string &Digits, const std::string &Name) {
  Out += Name.empty() ? Digits : escape(Name) + " (" + Digits + ")";
}

void TextPrinter::boolean(bool Value) { Out += Value ? "true" : "false"; }

void TextPrinter::text(const std::string &Bytes) {
  Out += paint(Colour::Green, quoted(Bytes));
}

void TextPrinter::bytes(const unsigned char *Bytes, uint64_t Count) {
  Out += "bytes " + hexOf(Bytes, std::min(Count, Most)) + (Count > Most ? "..." : "");
}

void TextPrinter::pointer(const Type &T, const Target &To) {
  Out += To.Is == Target::Null ? "null" : paint(Colour::Cyan, describe(T, To, In));
  Place P;
  std::string Text;
  if (!toPlace(T, To, In, P))
    return;
  if (readString(P, Text)) {
    bool Long = Text.size() > 200;
    if (Long)
      Text.resize(200);
    Out += " " + paint(Colour::Green, quoted(Text)) + (Long ? "..." : "");
  } else if (Depth) {
    --Depth;
    Out += P.Is->Is == Kind::Struct ? " " : " = ";
    block(P);
    ++Depth;
  }
}

void TextPrinter::beginRecord(const Record &) {
  Out += "{";
  ++Indent;
}

void TextPrinter::beginField(const std::string &Key) {
  newLine();
  Out += escape(Key) + " = ";
}

void TextPrinter::endRecord() {
  --Indent;
  if (Out.back() != '{')
    newLine();
  Out += "}";
}

void TextPrinter::beginArray(const Type &Element, uint64_t Count) {
  bool Inline = Element.Is != Kind::Struct && Element.Is != Kind::Array &&
                !(Element.Is == Kind::Pointer && Depth);
  Arrays.push_back({Count, Inline, 0});
  Out += "[";
  ++Indent;
}

void TextPrinter::beginElement(uint64_t Index) {
  Array &A = Arrays.back();
  if (Index >= Most) {
    // What is printed from here on is taken away at the end.
    if (Index == Most)
      A.Full = Out.size();
    Out.resize(A.Full);
    return;
  }
  if (A.Inline) {
    Out += Index ? ", " : "";
  } else {
    newLine();
    Out += "[" + std::to_string(Index) + "] = ";
  }
}

void TextPrinter::endArray() {
  Array A = Arrays.back();
  Arrays.pop_back();
  if (A.Count > Most) {
    Out.resize(A.Full);
    if (A.Inline)
      Out += ", ";
    else
      newLine();
    Out += "and " + std::to_string(A.Count - Most) + " more";
  }
  --Indent;
  if (!A.Inline && A.Count)
    newLine();
  Out += "]";
}

//===----------------------------------------------------------------------===//
// For programs
//===----------------------------------------------------------------------===//

const char *JsonPrinter::key() {
  const char *Now = HasKey ? Key.c_str() : nullptr;
  HasKey = false;
  return Now;
}

void JsonPrinter::place(const char *At, const Place &P) {
  HasKey = At;
  Key = At ? At : "";
  visitValue(*P.In, P.Offset, *P.Is, P.F, P.End, *this);
}

void JsonPrinter::number(const std::string &Digits, const std::string &) {
  // JSON has no infinities and no NaN; and who reads it no whole numbers of more than 64
  // bits.
  bool Whole = Digits.find_first_not_of("-0123456789") == std::string::npos;
  if (Digits.find_first_not_of("+-.0123456789eE") != std::string::npos ||
      (Whole && Digits.size() > 19))
    J.add(key(), Digits);
  else
    J.addNumber(key(), Digits);
}

void JsonPrinter::boolean(bool Value) { J.add(key(), Value); }

void JsonPrinter::text(const std::string &Bytes) {
  if (isUtf8(Bytes))
    J.add(key(), Bytes);
  else
    bytes((const unsigned char *)Bytes.data(), Bytes.size());
}

void JsonPrinter::bytes(const unsigned char *Bytes, uint64_t Count) {
  J.beginObject(key());
  J.add("bytes", hexOf(Bytes, Count));
  J.endObject();
}

void JsonPrinter::pointer(const Type &T, const Target &To) {
  const char *At = key();
  if (To.Is == Target::Null)
    return J.addNull(At);
  J.beginObject(At);
  switch (To.Is) {
  case Target::Foreign:
    if (To.To) {
      J.add("object", toHex(To.To->Id));
      J.add("name", To.To->Name);
    } else {
      J.add("missing", nameOfMissing(&In, To));
    }
    if (To.Index && To.Index <= In.foreign().size() && In.foreign()[To.Index - 1].name[0])
      J.add("bound", In.foreign()[To.Index - 1].name);
    [[fallthrough]];
  case Target::Here:
    J.add("to", formatOffset(To.Offset));
    break;
  case Target::Number:
    J.addNumber("number", std::to_string((int64_t)To.Value));
    break;
  case Target::Address:
    J.add("address", formatOffset(To.Value));
    break;
  default:
    J.add("bits", formatOffset(To.Value));
  }
  if (Follow)
    Follow(T, To);
  J.endObject();
}

void JsonPrinter::beginRecord(const Record &) { J.beginObject(key()); }

void JsonPrinter::beginField(const std::string &Name) {
  Key = Name;
  HasKey = true;
}

void JsonPrinter::endRecord() { J.endObject(); }
void JsonPrinter::beginArray(const Type &, uint64_t) { J.beginArray(key()); }
void JsonPrinter::beginElement(uint64_t) { HasKey = false; }
void JsonPrinter::endArray() { J.endArray(); }

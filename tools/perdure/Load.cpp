//===- Load.cpp - perdure load --------------------------------------------===//

#include "Binary.h"
#include "Command.h"
#include "Output.h"
#include "Store.h"
#include "Value.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <unistd.h>

using namespace inspect;
using Value = nlohmann::json;

namespace {
struct Options {
  std::string Store, Name, File, Program;
  std::vector<std::string> Renames;
  bool Create = false, Force = false, Json = false;
};

/// What cannot be loaded: where, and why.
struct Failed {
  std::string What;
};
[[noreturn]] void fail(const std::string &What) { throw Failed{What}; }

using Wide = unsigned __int128;

/// More than a slot has.
constexpr uint64_t MostBytes = uint64_t(1) << 40;

const Value &need(const Value &In, const char *Key, const char *Of) {
  auto It = In.is_object() ? In.find(Key) : In.end();
  if (!In.is_object() || It == In.end())
    fail(std::string(Of) + " has no '" + Key + "'");
  return *It;
}

std::string textOf(const Value &V, const std::string &What) {
  if (!V.is_string())
    fail(What + " should be a text");
  return V.get<std::string>();
}

uint64_t offsetOf(const Value &V, const std::string &What) {
  std::string Text = textOf(V, What);
  char *End;
  errno = 0;
  uint64_t Offset = strtoull(Text.c_str(), &End, 0);
  if (Text.empty() || *End || errno)
    fail(What + " should be an offset such as \"0x1040\"");
  return Offset;
}

std::string bytesOf(const Value &V, const std::string &What) {
  std::string Hex = textOf(V, What), Bytes;
  auto Digit = [&](char C) {
    const char *Digits = "0123456789abcdef", *At = strchr(Digits, C);
    if (!C || !At)
      fail(What + " should be bytes in hexadecimal");
    return (int)(At - Digits);
  };
  if (Hex.size() % 2)
    fail(What + " has half a byte");
  for (size_t I = 0; I < Hex.size(); I += 2)
    Bytes += (char)(Digit(Hex[I]) << 4 | Digit(Hex[I + 1]));
  return Bytes;
}

/// What is loaded, block by block.
class Loader {
public:
  Loader(const Options &Opts, perdure_store *S) : Opts(Opts), S(S) {}
  ~Loader();
  void run(const Value &Dump);
  size_t Blocks = 0;

private:
  struct Planned {
    const Value *Told;
    const Type *Is = nullptr; // of one element; null: bytes
    uint64_t Count = 1, Bytes = 0;
    char *New = nullptr;
  };
  void readTypes(const Value &Dump);
  void readRenames();
  void plan(const Value &Dump);
  const Type *typeOf(const Value &Block, const std::string &At);
  uint64_t sizeOf(const Planned &P, const std::string &At);
  void write(Planned &P, const std::string &At);
  void write(char *To, const Type &T, const Field *F, const Value &V, char *End,
             const std::string &Path);
  void writeNumber(char *To, const Type &T, const Field *F, const Value &V,
                   const std::string &Path);
  void writeRecord(char *To, const Record &R, const Value &V, char *End,
                   const std::string &Path);
  void writeArray(char *To, const Type &T, const Field *F, const Value &V, char *End,
                  const std::string &Path);
  void writePointer(char *To, const Type &T, const Value &V, const std::string &Path);
  Wide integer(const Value &V, const Field *F, unsigned Bits, bool Signed,
               const std::string &Path);
  void checkNoEnd(const std::pair<const uint64_t, Planned> &Before, uint64_t Offset,
                  const Type &T, const std::string &Path);
  void *rootOf(const std::string &Id, const std::string &Path);
  std::string keyIn(const Record &R, const std::string &Key) const;
  void note(const std::string &What) {
    if (Notes.insert(What).second)
      fprintf(stderr, "perdure: note: %s\n", escape(What).c_str());
  }

  const Options &Opts;
  perdure_store *S;
  std::vector<Described> Texts;
  Types Known;
  std::string RootName;
  std::map<std::string, std::string> NewTypes;            // old to new name
  std::map<std::pair<std::string, std::string>, std::string> OldKeys; // of new type and field
  std::map<uint64_t, Planned> Plan; // by old offset
  std::map<std::string, void *> Roots; // of other objects, by ID
  std::set<std::string> Notes;
  std::string Temporary; // as it is called until it is whole
  void *Root = nullptr;
};

Loader::~Loader() {
  for (auto &[Id, Root] : Roots)
    perdure_close(Root);
  if (Root)
    perdure_close(Root);
  if (!Temporary.empty())
    perdure_remove(S, Temporary.c_str());
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

// "node=entry" and "node.value=amount", of the new type's name.
void Loader::readRenames() {
  for (const std::string &R : Opts.Renames) {
    size_t Equal = R.find('='), Dot = R.rfind('.', Equal);
    if (Equal == std::string::npos || !Equal || Equal + 1 == R.size())
      fail("--rename '" + R + "' should be TYPE=NEWTYPE or TYPE.FIELD=NEWFIELD");
    std::string Old = R.substr(0, Equal), New = R.substr(Equal + 1);
    if (Dot == std::string::npos)
      NewTypes[Old] = New;
    else
      OldKeys[{R.substr(0, Dot), New}] = R.substr(Dot + 1, Equal - Dot - 1);
  }
}

void Loader::readTypes(const Value &Dump) {
  std::string Why;
  for (const Value &T : need(Dump, "types", "the dump")) {
    std::string Text = textOf(need(T, "text", "a type"), "a type's text");
    std::string Layout = textOf(need(T, "layout", "a type"), "a type's layout");
    if (Text.compare(0, 5, "root ") == 0)
      RootName = Text.substr(5);
    if (Opts.Program.empty())
      Texts.push_back({Text, strtoull(Layout.c_str(), nullptr, 16)});
  }
  if (NewTypes.count(RootName))
    RootName = NewTypes[RootName];
  if (!Opts.Program.empty() && !readBinary(Opts.Program, Texts, Why))
    fail(Opts.Program + " " + Why);
  for (const Described &D : Texts)
    Known.add(D.Text, D.Layout);
  Known.finish();
}

std::string Loader::keyIn(const Record &R, const std::string &Key) const {
  auto It = OldKeys.find({R.Name, Key});
  return It == OldKeys.end() ? Key : It->second;
}

const Type *Loader::typeOf(const Value &Block, const std::string &At) {
  const Value &Told = need(Block, "type", "a block");
  if (Told.is_null())
    return nullptr;
  std::string Name = textOf(Told, At + ": its type");
  if (Name[0] == '*') {
    std::string Encoded = textOf(need(Block, "encoding", "a block of pointers"), At);
    if (!Encoding::find(Encoded))
      fail(At + ": the encoding '" + Encoded + "' is not known here");
    return Known.pointer(Encoded);
  }
  auto It = NewTypes.find(Name);
  if (It != NewTypes.end())
    Name = It->second;
  const Type *T = Known.typeOf(Name);
  if (!T)
    fail(At + ": it is a '" + Name + "', which " +
         (Opts.Program.empty() ? "the dump" : Opts.Program) +
         " does not describe; --rename OLD=NEW says what it is called now");
  return T;
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

const Field *flexible(const Type &T) {
  if (T.Is != Kind::Struct || T.Of->Fields.empty())
    return nullptr;
  const Field &Last = T.Of->Fields.back();
  return Last.Is->Is == Kind::Array && Last.Is->Count == Flexible ? &Last : nullptr;
}

uint64_t numberOf(const Value &In, const char *Key, uint64_t Otherwise) {
  auto It = In.find(Key);
  if (It == In.end())
    return Otherwise;
  if (!It->is_number_unsigned() || It->get<uint64_t>() > MostBytes)
    fail("'" + std::string(Key) + "' of a block should be a number of bytes or elements");
  return It->get<uint64_t>();
}

// As many elements as there are in the dump.
uint64_t lengthOf(const Value &V) {
  return V.is_string()   ? V.get<std::string>().size()
         : V.is_array()  ? V.size()
         : V.is_object() ? V.value("bytes", std::string()).size() / 2
                         : 0;
}

uint64_t Loader::sizeOf(const Planned &P, const std::string &At) {
  const Value &B = *P.Told;
  uint64_t Told = numberOf(B, "bytes", 0);
  uint64_t Rest = B.contains("rest") ? bytesOf(B["rest"], At).size() : 0;
  if (!P.Is)
    return std::max(Told, Rest);
  uint64_t Needed;
  if (__builtin_mul_overflow(P.Is->Size, P.Count, &Needed) || Needed > MostBytes)
    fail(At + ": it would take more bytes than an object has");
  const Value *Of = B.contains("value") ? &B["value"] : nullptr;
  if (const Field *Last = flexible(*P.Is); Last && Of && Of->is_object()) {
    auto It = Of->find(keyIn(*P.Is->Of, Last->Name));
    uint64_t N = It == Of->end() ? 0 : lengthOf(*It);
    N = std::max(N, numberOf(B, "capacity", 0));
    if (N > MostBytes / Last->Is->Inner->Size)
      fail(At + ": it would take more bytes than an object has");
    Needed = std::max(Needed, Last->Offset + N * Last->Is->Inner->Size);
  }
  if (Rest && !Opts.Program.empty())
    fail(At + ": there are bytes behind its '" + P.Is->Name +
         "', of which no type says what they are: they cannot be converted");
  // What a program may keep behind its types has room again.
  return Needed + std::max(Rest, numberOf(B, "spare", 0));
}

void Loader::plan(const Value &Dump) {
  uint64_t RootAt = offsetOf(need(Dump, "root", "the dump"), "'root'");
  need(Dump, "root_bytes", "the dump");
  uint64_t RootBytes = numberOf(Dump, "root_bytes", 0);
  for (const Value &B : need(Dump, "blocks", "the dump")) {
    uint64_t Offset = offsetOf(need(B, "at", "a block"), "a block's 'at'");
    std::string At = "block " + formatOffset(Offset);
    Planned P;
    P.Told = &B;
    P.Is = typeOf(B, At);
    // A text is as long as its block, with the zeroes behind it.
    if (B.contains("values"))
      P.Count = B["values"].is_array() ? B["values"].size() : numberOf(B, "bytes", 1);
    if (B.value("may_lead", false) && !Opts.Force)
      fail(At + ": it holds what may be pointers, where no type says so: they would lead to "
                "what lies elsewhere now; --force loads the bytes as they are");
    P.Bytes = sizeOf(P, At);
    // Of the class's rest the root was not given anything.
    if (Offset == RootAt && P.Is && Opts.Program.empty())
      P.Bytes = std::max(P.Bytes - numberOf(B, "spare", 0), RootBytes);
    if (!Plan.emplace(Offset, P).second)
      fail(At + " is there twice");
  }
}

void Loader::run(const Value &Dump) {
  if (!Dump.is_object() || Dump.value("perdure_dump", 0) != 1)
    fail("this is no dump that 'perdure dump' of this version has made");
  struct perdure_holder Ignored;
  if (!perdure_holder(S, Opts.Name.c_str(), &Ignored) || errno != ENOENT)
    fail("the store has an object called '" + Opts.Name + "' already");
  readRenames();
  readTypes(Dump);
  plan(Dump);
  uint64_t Old = offsetOf(need(Dump, "root", "the dump"), "'root'");
  auto First = Plan.find(Old);
  if (First == Plan.end())
    fail("no block is the root");
  // Nobody else's: what a load that was cut off leaves is called so.
  Temporary = Opts.Name.substr(0, 200) + ".loading." + std::to_string(getpid());
  Root = perdure_create(S, Temporary.c_str(), First->second.Bytes, 0);
  if (!Root) {
    Temporary.clear();
    fail(perdure_errormsg());
  }
  if (!recordTypes(Root, Texts, RootName))
    fail(perdure_errormsg());
  Progress P("Loading " + Opts.Name, Plan.size() * 2);
  for (auto &[Offset, To] : Plan) {
    P.at(Blocks++);
    To.New = (char *)(Offset == Old ? Root : perdure_alloc(Root, To.Bytes ? To.Bytes : 1));
    if (!To.New)
      fail(perdure_errormsg());
  }
  uint64_t Done = Blocks;
  for (auto &[Offset, To] : Plan) {
    P.at(Done++);
    write(To, "block " + formatOffset(Offset));
  }
  struct perdure_stat Stat;
  if (perdure_stat(Root, &Stat))
    fail(perdure_errormsg());
  perdure_persist((char *)Root - perdure_offset(Root), Stat.file_bytes);
  if (perdure_rename(S, Temporary.c_str(), Opts.Name.c_str()))
    fail(perdure_errormsg());
  Temporary.clear();
}

void Loader::write(Planned &P, const std::string &At) {
  const Value &B = *P.Told;
  char *End = P.New + P.Bytes;
  uint64_t Known = P.Is ? P.Is->Size * P.Count : 0;
  std::string Path = At + (P.Is ? " (" + P.Is->Name + ")" : "");
  if (P.Is && B.contains("value")) {
    write(P.New, *P.Is, nullptr, B["value"], End, Path);
    if (flexible(*P.Is))
      Known = P.Bytes;
  } else if (P.Is) {
    Type Array;
    Array.Is = Kind::Array;
    Array.Inner = P.Is;
    Array.Count = P.Count;
    Array.Size = P.Count * P.Is->Size;
    write(P.New, Array, nullptr, need(B, "values", "a block with a type"), End, Path);
    if (isCharacters(*P.Is))
      return;
  }
  if (B.contains("rest")) {
    std::string Rest = bytesOf(B["rest"], Path);
    if (Known + Rest.size() > P.Bytes)
      fail(Path + ": the bytes in 'rest' do not fit the block");
    memcpy(P.New + Known, Rest.data(), Rest.size());
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Wide Loader::integer(const Value &V, const Field *F, unsigned Bits, bool Signed,
                     const std::string &Path) {
  bool Negative = false;
  Wide Number = 0, Limit = Bits < 128 ? Wide(1) << Bits : 0;
  if (V.is_boolean()) {
    Number = V.get<bool>();
  } else if (V.is_number_unsigned()) {
    Number = V.get<uint64_t>();
  } else if (V.is_number_integer()) {
    Negative = true;
    Number = -(Wide)V.get<int64_t>();
  } else if (V.is_string()) {
    std::string Text = V.get<std::string>();
    if (F)
      for (auto &[Name, Of] : F->Names)
        if (Name == Text)
          return (Wide)(__int128)Of & (Limit - 1);
    Negative = Text[0] == '-';
    if (Text.size() == Negative)
      fail(Path + ": '" + Text + "' is no number");
    for (char C : Text.substr(Negative))
      if (C < '0' || C > '9' || __builtin_mul_overflow(Number, (Wide)10, &Number) ||
          __builtin_add_overflow(Number, (Wide)(C - '0'), &Number))
        fail(Path + ": '" + Text + "' is no number");
  } else {
    fail(Path + " should be a whole number");
  }
  bool Fits = Negative ? Signed && Number <= (Wide(1) << (Bits - 1))
              : Signed ? Number < Wide(1) << (Bits - 1)
                       : !Limit || Number < Limit;
  if (!Fits)
    fail(Path + ": " + V.dump() + " does not fit " + std::to_string(Bits) + " bits" +
         (Signed ? "" : " without a sign"));
  return (Negative ? -Number : Number) & (Limit - 1);
}

static bool isSigned(const Type &T) {
  return T.Is == Kind::Signed || (T.Inner && isSigned(*T.Inner));
}

// `nan(0xN)`, N the bits of the significand.
static bool readNan(const std::string &Text, uint64_t Size, uint64_t &Bits) {
  bool Negative = Text[0] == '-';
  std::string Start = Negative ? "-nan(0x" : "nan(0x";
  if (Text.compare(0, Start.size(), Start))
    return false;
  char *End;
  errno = 0;
  unsigned Width = significandBits(Size);
  uint64_t Significand = strtoull(Text.c_str() + Start.size(), &End, 16);
  if (errno || strcmp(End, ")") || !isxdigit((unsigned char)Text[Start.size()]) ||
      !Significand || Significand >> Width)
    return false;
  uint64_t Sign = uint64_t{1} << (Size * 8 - 1);
  Bits = (Negative ? Sign : 0) | (Sign - (uint64_t{1} << Width)) | Significand;
  return true;
}

void Loader::writeNumber(char *To, const Type &T, const Field *F, const Value &V,
                         const std::string &Path) {
  if (T.Is == Kind::Float) {
    double Number;
    if (V.is_number()) {
      Number = V.get<double>();
      bool Exact = V.is_number_float() ||
                   (V.is_number_unsigned() ? (Wide)Number == (Wide)V.get<uint64_t>()
                                           : (__int128)Number == (__int128)V.get<int64_t>());
      if (!Exact)
        fail(Path + ": " + V.dump() + " does not fit a floating-point number exactly");
    } else {
      std::string Text = textOf(V, Path);
      uint64_t Bits;
      if (readNan(Text, T.Size, Bits)) {
        memcpy(To, &Bits, T.Size);
        return;
      }
      char *End;
      Number = strtod(Text.c_str(), &End);
      if (*End || Text.empty() || Text.find('(') != std::string::npos)
        fail(Path + ": '" + Text + "' is no number");
    }
    if (T.Size == 8) {
      memcpy(To, &Number, 8);
    } else if (T.Size == 4) {
      float Narrow = (float)Number;
      if (std::isinf(Narrow) && !std::isinf(Number))
        fail(Path + ": " + V.dump() + " does not fit 32 bits");
      memcpy(To, &Narrow, 4);
    } else {
      _Float16 Narrow = (_Float16)Number;
      if (std::isinf((double)Narrow) && !std::isinf(Number))
        fail(Path + ": " + V.dump() + " does not fit 16 bits");
      memcpy(To, &Narrow, 2);
    }
    return;
  }
  if (T.Is == Kind::BitField) {
    Wide Number = integer(V, F, T.Width, isSigned(*T.Inner), Path);
    for (unsigned I = 0; I < T.Width; ++I) {
      unsigned At = T.Shift + I;
      if (Number >> I & 1)
        To[At / 8] = (char)(To[At / 8] | 1 << At % 8);
    }
    return;
  }
  const Type &Inner = T.Inner ? *T.Inner : T;
  // A char is printed with a sign or without, as the dump's machine has it.
  bool Signed = isSigned(Inner) || (Inner.Is == Kind::Character && V.is_number_integer() &&
                                    !V.is_number_unsigned());
  Wide Number = integer(V, F, (unsigned)(T.Size * 8), Signed, Path);
  if (T.Is == Kind::Gray)
    Number ^= Number >> 1;
  memcpy(To, &Number, T.Size);
}

void Loader::writeRecord(char *To, const Record &R, const Value &V, char *End,
                         const std::string &Path) {
  if (!V.is_object())
    fail(Path + " should be a " + R.Name + ": an object with its fields");
  if (R.IsUnion) {
    std::string Bytes = bytesOf(need(V, "bytes", Path.c_str()), Path);
    if (Bytes.size() != R.Size)
      fail(Path + ": a union of " + std::to_string(Bytes.size()) +
           " bytes cannot be one of " + std::to_string(R.Size));
    memcpy(To, Bytes.data(), Bytes.size());
    return;
  }
  std::set<std::string> Used;
  for (const Member &M : membersOf(R, /*UnionsAsBytes=*/true)) {
    std::string Key = keyIn(R, M.Key);
    Used.insert(Key);
    auto It = V.find(Key);
    if (It == V.end()) {
      note(R.Name + "." + M.Key + " is new, and zero");
      continue;
    }
    write(To + M.Offset, *M.F->Is, M.F, *It, End, Path + "." + M.Key);
  }
  for (auto &[Key, Ignored] : V.items())
    if (!Used.count(Key))
      note(R.Name + "." + Key + " is gone, and what it held");
}

void Loader::writeArray(char *To, const Type &T, const Field *F, const Value &V, char *End,
                        const std::string &Path) {
  uint64_t Room = T.Count == Flexible ? (uint64_t)(End - To) / T.Inner->Size : T.Count;
  if (isCharacters(*T.Inner) && !V.is_array()) {
    std::string Bytes = V.is_object() ? bytesOf(need(V, "bytes", Path.c_str()), Path)
                                      : textOf(V, Path);
    if (Bytes.size() > Room)
      fail(Path + ": a text of " + std::to_string(Bytes.size()) + " bytes does not fit " +
           std::to_string(Room));
    memcpy(To, Bytes.data(), Bytes.size());
    return;
  }
  if (!V.is_array())
    fail(Path + " should be an array");
  if (V.size() > Room)
    fail(Path + ": " + std::to_string(V.size()) + " elements do not fit " +
         std::to_string(Room));
  for (size_t I = 0; I < V.size(); ++I)
    write(To + I * T.Inner->Size, *T.Inner, F, V[I], End, Path + "[" + std::to_string(I) + "]");
}

void *Loader::rootOf(const std::string &Id, const std::string &Path) {
  auto [It, New] = Roots.try_emplace(Id, nullptr);
  if (!New)
    return It->second;
  struct Context {
    const std::string &Id;
    std::string Name;
  } C = {Id, ""};
  int Listed = perdure_list(
      S,
      [](void *To, const char *Name, perdure_id Id) {
        auto *C = (Context *)To;
        if (toHex(Id) == C->Id)
          C->Name = Name;
        return 0;
      },
      &C);
  if (Listed < 0)
    fail(Path + ": it leads to object " + Id + ": " + perdure_errormsg());
  void *Root = C.Name.empty() ? nullptr : perdure_open(S, C.Name.c_str(), PERDURE_RDONLY);
  if (!Root) {
    Roots.erase(Id);
    fail(Path + ": it leads to object " + Id +
         (C.Name.empty() ? ", which this store does not have; copy it there first (perdure cp)"
                         : ", which cannot be opened: " + std::string(perdure_errormsg())));
  }
  return It->second = Root;
}

// Whether a pointer to the first byte of a block may mean the end of the one before it:
// where code reckons with such pointers and that block is full.
void Loader::checkNoEnd(const std::pair<const uint64_t, Planned> &Before, uint64_t Offset,
                        const Type &T, const std::string &Path) {
  const Value &B = *Before.second.Told;
  if (Before.first + numberOf(B, "bytes", 0) != Offset || !T.Inner ||
      (T.Inner->Is == Kind::Struct && !T.Inner->Of->HasArrays))
    return;
  bool SameType = Before.second.Is && Before.second.Is->Is == T.Inner->Is &&
                  Before.second.Is->Of == T.Inner->Of;
  bool Full = !numberOf(B, "spare", 0) &&
              (!isCharacters(*T.Inner) || lengthOf(B.value("values", Value())) ==
                                              numberOf(B, "bytes", 0));
  if (SameType && Full)
    fail(Path + ": it leads to " + formatOffset(Offset) + ", where a block begins and an array "
                "ends: which is meant cannot be told; --force takes it for the block");
}

void Loader::writePointer(char *To, const Type &T, const Value &V, const std::string &Path) {
  if (V.is_null())
    return;
  if (!V.is_object())
    fail(Path + " should be a pointer: null, or an object that says where it leads");
  if (T.Is == Kind::Native || V.contains("address")) {
    note(Path + " and others were addresses of a process, and are null");
    return;
  }
  const Encoding *E = Encoding::find(T.Encoding);
  if (!E)
    fail(Path + ": the encoding '" + T.Encoding + "' is not known here");
  const void *Target;
  if (V.contains("bound")) {
    std::string Name = textOf(V["bound"], Path);
    if (T.Encoding != "object" || perdure_bind(To, Name.c_str()))
      fail(Path + ": it cannot be bound to the name '" + Name + "': " + perdure_errormsg());
    return;
  }
  if (V.contains("number")) {
    Wide Number = integer(V["number"], nullptr, 64, true, Path);
    auto Small = (int64_t)Number;
    if (Small <= -65536 || Small >= 65536)
      fail(Path + ": " + V["number"].dump() + " is no number that a pointer can hold");
    Target = (const void *)(intptr_t)Small;
  } else if (V.contains("object")) {
    std::string Id = textOf(V["object"], Path);
    char *Other = (char *)rootOf(Id, Path);
    Target = Other - perdure_offset(Other) + offsetOf(need(V, "to", "a pointer"), Path);
  } else if (V.contains("to")) {
    uint64_t Offset = offsetOf(V["to"], Path);
    auto It = Plan.upper_bound(Offset);
    uint64_t Within = 0;
    if (It == Plan.begin() ||
        (Within = Offset - std::prev(It)->first) >
            std::prev(It)->second.Told->value("bytes", (uint64_t)0))
      fail(Path + ": it leads to " + formatOffset(Offset) + ", and no block lies there");
    --It;
    if (!Within && It != Plan.begin() && !Opts.Force)
      checkNoEnd(*std::prev(It), Offset, T, Path);
    if (Within && !Opts.Program.empty() && It->second.Is && It->second.Is->Is == Kind::Struct)
      fail(Path + ": it leads into the middle of a " + It->second.Is->Name +
           ", which may be laid out in another way now");
    Target = It->second.New + Within;
  } else {
    fail(Path + ": it leads to an object that was missing when it was dumped");
  }
  uint64_t Bits = E->encode(To, Target);
  memcpy(To, &Bits, sizeof(Bits));
}

void Loader::write(char *To, const Type &T, const Field *F, const Value &V, char *End,
                   const std::string &Path) {
  if (T.Size > (uint64_t)(End - To))
    fail(Path + ": a " + T.Name + " does not fit its block");
  switch (T.Is) {
  case Kind::Struct:
    return writeRecord(To, *T.Of, V, End, Path);
  case Kind::Array:
    return writeArray(To, T, F, V, End, Path);
  case Kind::Pointer:
  case Kind::Native:
    return writePointer(To, T, V, Path);
  case Kind::Bytes: {
    std::string Bytes = bytesOf(need(V, "bytes", Path.c_str()), Path);
    if (Bytes.size() != T.Size)
      fail(Path + " should have " + std::to_string(T.Size) + " bytes");
    memcpy(To, Bytes.data(), Bytes.size());
    return;
  }
  case Kind::Gray:
    if (T.Inner->Is == Kind::Array) {
      Type Element;
      Element.Is = Kind::Gray;
      Element.Inner = T.Inner->Inner;
      Element.Size = T.Inner->Inner->Size;
      Type Array = *T.Inner;
      Array.Inner = &Element;
      return writeArray(To, Array, F, V, End, Path);
    }
    [[fallthrough]];
  default:
    return writeNumber(To, T, F, V, Path);
  }
}

} // namespace

static int run(const Options &Opts) {
  Store S(Opts.Store, Opts.Create ? PERDURE_CREATE : 0, Opts.Create ? "" : "--create makes it");
  if (!S)
    return Failure;
  bool Std = Opts.File.empty() || Opts.File == "-";
  std::string From = Std ? "stdin" : Opts.File;
  std::ifstream File;
  if (!Std)
    File.open(Opts.File);
  if (!Std && !File) {
    fprintf(stderr, "perdure: cannot read %s: %s\n", escape(From).c_str(), strerror(errno));
    return Failure;
  }
  Loader L(Opts, S);
  try {
    L.run(Value::parse(Std ? std::cin : static_cast<std::istream &>(File)));
  } catch (const Failed &F) {
    fprintf(stderr, "perdure: %s: %s\n", escape(From).c_str(), escape(F.What).c_str());
    return Failure;
  } catch (const nlohmann::json::exception &E) {
    fprintf(stderr, "perdure: %s: it is not JSON as dump writes it: %s\n", escape(From).c_str(),
            escape(E.what()).c_str());
    return Failure;
  }
  if (Opts.Json) {
    Json J;
    J.beginObject();
    J.add("name", Opts.Name);
    J.add("blocks", (uint64_t)L.Blocks);
    J.endObject();
  } else if (isForPeople()) {
    printf("%s: %zu blocks\n", escape(Opts.Name).c_str(), L.Blocks);
  }
  return Success;
}

Command addLoad(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand("load", "Make an object from a dump");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Name, "The object's name; there must be none")->required();
  App->add_option("FILE", Opts->File, "The dump (default: stdin)");
  App->add_option("--types", Opts->Program,
                  "Lay the types out as this program or library has them");
  App->add_option("--rename", Opts->Renames,
                  "TYPE=NEWTYPE, or TYPE.FIELD=NEWFIELD with the new type's name")
      ->allow_extra_args(false);
  App->add_flag("--create", Opts->Create, "Make STORE when it is missing");
  App->add_flag("--force", Opts->Force,
                "Load bytes that may hold pointers as they are, though they then lead astray");
  App->add_flag("--json", Opts->Json, "Print a JSON object when it is done");
  App->footer(
      "The object is a new one, with an ID of its own, and is there when it is whole. With\n"
      "--types fields are matched by their names: new ones are zero, those that are gone\n"
      "are left out, numbers must fit; what could not be carried over is said.\n\n"
      "Examples:\n"
      "  perdure load --create copy customers customers.json\n"
      "  perdure load --types ./shop-2.0 --rename node.value=amount shop new customers.json\n");
  return {App, [Opts] { return run(*Opts); }};
}

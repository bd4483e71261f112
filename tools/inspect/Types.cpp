//===- Types.cpp - The types that an object holds -------------------------===//

#include "Types.h"

#include <algorithm>
#include <charconv>

using namespace inspect;

namespace {

/// What stands before \p Stop, which is taken away with it.
std::string_view upTo(std::string_view &Text, char Stop) {
  size_t At = Text.find(Stop);
  std::string_view Head = Text.substr(0, At);
  Text.remove_prefix(At == std::string_view::npos ? Text.size() : At + 1);
  return Head;
}

bool consume(std::string_view &Text, std::string_view Head) {
  if (Text.substr(0, Head.size()) != Head)
    return false;
  Text.remove_prefix(Head.size());
  return true;
}

template <typename Number>
bool readNumber(std::string_view Text, Number &Value, int Base = 10) {
  const char *End = Text.data() + Text.size();
  auto [At, Error] = std::from_chars(Text.data(), End, Value, Base);
  return Error == std::errc() && At == End && !Text.empty();
}

/// A number that \p Text begins with.
bool takeNumber(std::string_view &Text, uint64_t &Value) {
  auto [At, Error] =
      std::from_chars(Text.data(), Text.data() + Text.size(), Value);
  if (Error != std::errc())
    return false;
  Text.remove_prefix(static_cast<size_t>(At - Text.data()));
  return true;
}

/// Hostile texts nest as deep as they like.
constexpr unsigned DepthLimit = 64;

} // namespace

void Types::add(std::string_view Text, uint64_t Layout) {
  // No compiler writes such: names are copied, and fields looked at one by one.
  if (Text.size() > 1 << 18 || std::min(Text.find('\n'), Text.size()) > 1024)
    return;
  Tolds.push_back({std::string(Text), Layout});
}

const Record *Types::refer(const std::string &Name, uint64_t Layout) const {
  auto It = ByName.find(Name);
  if (It == ByName.end())
    return nullptr;
  for (Record *R : It->second)
    if (R->Layout == Layout)
      return R;
  return It->second.back();
}

const Record *Types::find(const std::string &Name) const {
  return refer(Name, 0);
}

const Type *Types::typeOf(std::string_view Name, unsigned Depth) {
  if (!Depth)
    return nullptr;
  if (const Record *R = find(std::string(Name)))
    return R->AsType;
  std::string_view Rest = Name;
  if (!Name.empty() && Name[0] == '[') {
    size_t Close = Name.find(']');
    if (Close == std::string_view::npos)
      return nullptr;
    const Type *Inner = typeOf(Name.substr(Close + 1), Depth - 1);
    Type T;
    T.Is = Kind::Array;
    T.Inner = Inner;
    T.Name = std::string(Name);
    if (!Inner || !Inner->Size || !readNumber(Name.substr(1, Close - 1), T.Count) ||
        __builtin_mul_overflow(T.Count, Inner->Size, &T.Size))
      return nullptr;
    return make(T);
  }
  const Type *T = read(Rest, {}, DepthLimit);
  return T && Rest.empty() ? T : nullptr;
}

const Type *Types::pointer(const std::string &Encoding) {
  Type T;
  T.Is = Kind::Pointer;
  T.Size = 8;
  T.Encoding = Encoding;
  T.Name = "*void";
  return make(T);
}

const Type *Types::make(Type T) {
  TypeStorage.push_back(std::move(T));
  return &TypeStorage.back();
}

const Type *Types::read(std::string_view &Text,
                        const std::vector<const Record *> &Refers,
                        unsigned Depth) {
  if (!Depth)
    return nullptr;
  Type T;
  T.Is = Kind::Bytes;
  uint64_t Number;
  auto Bits = [&](const char *Head, Kind Is) {
    std::string_view Rest = Text;
    if (!consume(Rest, Head) || !takeNumber(Rest, Number) || !Number ||
        Number % 8 || Number > 128)
      return false;
    T.Is = Is;
    T.Size = Number / 8;
    T.Name = std::string(Text.substr(0, Text.size() - Rest.size()));
    Text = Rest;
    return true;
  };
  // NAME(INNER)
  auto Around = [&](const char *Head, Kind Is) {
    if (!consume(Text, Head))
      return false;
    T.Is = Is;
    T.Inner = read(Text, Refers, Depth - 1);
    if (!T.Inner || !consume(Text, ")"))
      return false;
    T.Size = T.Inner->Size;
    T.Name = Head + T.Inner->Name + ")";
    return T.Inner->Is == Kind::Signed || T.Inner->Is == Kind::Unsigned ||
           T.Inner->Is == Kind::Boolean || T.Inner->Is == Kind::Character ||
           T.Inner->Is == Kind::Enumeration || T.Inner->Is == Kind::Array;
  };
  if (consume(Text, "bool")) {
    T.Is = Kind::Boolean;
    T.Size = 1;
    T.Name = "bool";
    return make(T);
  }
  if (consume(Text, "char")) {
    T.Is = Kind::Character;
    T.Size = 1;
    T.Name = "char";
    return make(T);
  }
  if (consume(Text, "bytes(")) {
    if (!takeNumber(Text, T.Size) || !consume(Text, ")"))
      return nullptr;
    T.Name = "bytes(" + std::to_string(T.Size) + ")";
    return make(T);
  }
  if (Text.substr(0, 5) == "enum(")
    return Around("enum(", Kind::Enumeration) ? make(T) : nullptr;
  if (Text.substr(0, 5) == "gray(")
    return Around("gray(", Kind::Gray) ? make(T) : nullptr;
  if (consume(Text, "bits(")) {
    uint64_t Shift, Width;
    if (!takeNumber(Text, Shift) || !consume(Text, ",") ||
        !takeNumber(Text, Width) || !consume(Text, ",") || Shift > 7 ||
        !Width || Width > 128)
      return nullptr;
    T.Is = Kind::BitField;
    T.Inner = read(Text, Refers, Depth - 1);
    if (!T.Inner || T.Inner->Size > 16 || !consume(Text, ")"))
      return nullptr;
    T.Shift = static_cast<unsigned>(Shift);
    T.Width = static_cast<unsigned>(Width);
    T.Size = (Shift + Width + 7) / 8;
    T.Name = T.Inner->Name + ":" + std::to_string(Width);
    return make(T);
  }
  if (consume(Text, "*")) {
    T.Encoding = std::string(upTo(Text, '('));
    T.Is = Kind::Pointer;
    T.Size = 8;
    if (T.Encoding == "native" && consume(Text, ")")) {
      T.Is = Kind::Native;
      T.Name = "native pointer";
      return make(T);
    }
    if (consume(Text, "void)") || consume(Text, "unknown)")) {
      T.Name = "*void";
    } else {
      T.Inner = read(Text, Refers, Depth - 1);
      if (!T.Inner || !consume(Text, ")"))
        return nullptr;
      T.Name = "*" + T.Inner->Name;
      // Of a record that nobody has described nothing is known.
      if (T.Inner->Is == Kind::Struct && !T.Inner->Of)
        T.Inner = nullptr;
    }
    if (std::find(Encodings.begin(), Encodings.end(), T.Encoding) ==
        Encodings.end())
      Encodings.push_back(T.Encoding);
    return make(T);
  }
  if (consume(Text, "[")) {
    T.Is = Kind::Array;
    T.Count = Flexible;
    if (!consume(Text, "]") &&
        !(takeNumber(Text, T.Count) && consume(Text, "]")))
      return nullptr;
    T.Inner = read(Text, Refers, Depth - 1);
    if (!T.Inner || !T.Inner->Size ||
        (T.Count != Flexible &&
         __builtin_mul_overflow(T.Count, T.Inner->Size, &T.Size)))
      return nullptr;
    T.Name = "[" + (T.Count == Flexible ? "" : std::to_string(T.Count)) + "]" +
             T.Inner->Name;
    return make(T);
  }
  if (consume(Text, "#")) {
    if (!takeNumber(Text, Number) || Number >= Refers.size())
      return nullptr;
    if (Refers[Number])
      return Refers[Number]->AsType;
    T.Is = Kind::Struct;
    T.Name = "?";
    return make(T);
  }
  if (Bits("i", Kind::Signed) || Bits("u", Kind::Unsigned) ||
      Bits("c", Kind::Character))
    return make(T);
  if (Bits("f", Kind::Float)) {
    if (T.Size != 2 && T.Size != 4 && T.Size != 8)
      T.Is = Kind::Bytes;
    return make(T);
  }
  return nullptr;
}

void Types::readFields(Record &R) {
  std::vector<std::string> Names;
  std::map<uint64_t, uint64_t> Layouts;
  std::string_view Text = R.Text;
  while (!Text.empty()) {
    std::string_view Rest = upTo(Text, '\n'), Word = upTo(Rest, ' ');
    uint64_t Index, Hash;
    if (Word == "refer")
      Names.emplace_back(Rest);
    else if (Word == "layout" && readNumber(upTo(Rest, ' '), Index) &&
             readNumber(Rest, Hash, 16))
      Layouts[Index] = Hash;
  }
  std::vector<const Record *> Refers;
  for (size_t I = 0; I < Names.size(); ++I)
    Refers.push_back(
        refer(Names[I], Layouts.count(I) ? Layouts[I] : 0));
  std::vector<std::ptrdiff_t> Kept; // of each field line: which of Fields, or -1
  Text = R.Text;
  while (!Text.empty()) {
    std::string_view Rest = upTo(Text, '\n'), Word = upTo(Rest, ' ');
    if (Word == "field") {
      Field F;
      bool Ok = readNumber(upTo(Rest, ' '), F.Offset);
      std::string_view Spelling = upTo(Rest, ' ');
      F.Is = read(Spelling, Refers, DepthLimit);
      F.Name = std::string(Rest);
      Ok = Ok && F.Is && Spelling.empty() && F.Offset <= R.Size &&
           F.Is->Size <= R.Size - F.Offset &&
           !(F.Is->Is == Kind::Struct && (!F.Is->Of || F.Is->Of == &R));
      Kept.push_back(Ok ? static_cast<std::ptrdiff_t>(R.Fields.size()) : -1);
      if (Ok)
        R.Fields.push_back(std::move(F));
    } else if (Word == "enum") {
      size_t Index;
      if (!readNumber(upTo(Rest, ' '), Index) || Index >= Kept.size() ||
          Kept[Index] < 0)
        continue;
      while (!Rest.empty()) {
        std::string_view Value = upTo(Rest, ' '), Name = upTo(Value, '=');
        int64_t Number;
        uint64_t Large;
        if (readNumber(Value, Number))
          R.Fields[static_cast<size_t>(Kept[Index])].Names.emplace_back(Name, Number);
        else if (readNumber(Value, Large))
          R.Fields[static_cast<size_t>(Kept[Index])].Names.emplace_back(
              Name, static_cast<int64_t>(Large));
      }
    } else if (Word == "arrays") {
      R.HasArrays = true;
    }
  }
}

// How many records are looked at for one of R's: what nests as deep as hostile texts
// can say becomes bytes, and so does what contains itself.
uint64_t Types::weigh(Record &R) {
  constexpr uint64_t Heaviest = 100000;
  if (R.Weight)
    return R.Weight;
  R.Weight = Heaviest; // until it is known
  uint64_t Weight = 1;
  for (Field &F : R.Fields) {
    const Type *T = F.Is;
    while (T->Is == Kind::Array)
      T = T->Inner;
    if (T->Is != Kind::Struct)
      continue;
    uint64_t Part = weigh(*const_cast<Record *>(T->Of));
    if (Part >= Heaviest || Weight + Part >= Heaviest) {
      Type Opaque;
      Opaque.Is = Kind::Bytes;
      Opaque.Size = F.Is->Size;
      Opaque.Name = "bytes(" + std::to_string(Opaque.Size) + ")";
      F.Is = make(Opaque);
    } else {
      Weight += Part;
    }
  }
  return R.Weight = Weight;
}

void Types::finish() {
  for (const Told &T : Tolds) {
    std::string_view Text = T.Text, Head = upTo(Text, '\n'), Word = upTo(Head, ' ');
    Record R;
    if ((Word != "struct" && Word != "union") ||
        !readNumber(upTo(Head, ' '), R.Size) ||
        !readNumber(upTo(Head, ' '), R.Align) || Head.empty() ||
        R.Size > (uint64_t(1) << 40))
      continue;
    R.IsUnion = Word == "union";
    R.Name = std::string(Head);
    R.Text = T.Text;
    R.Layout = T.Layout;
    Storage.push_back(std::move(R));
    ByName[Storage.back().Name].push_back(&Storage.back());
    Records.push_back(&Storage.back());
  }
  for (Record &R : Storage) {
    Type T;
    T.Is = Kind::Struct;
    T.Of = &R;
    T.Size = R.Size;
    T.Name = R.Name;
    R.AsType = make(T);
  }
  for (Record &R : Storage)
    readFields(R);
  for (Record &R : Storage)
    weigh(R);
  for (const Told &T : Tolds) {
    std::string_view Text = T.Text;
    if (consume(Text, "root "))
      Root = refer(std::string(Text), T.Layout);
    else if (consume(Text, "arrays "))
      if (auto It = ByName.find(std::string(Text)); It != ByName.end())
        for (Record *R : It->second)
          R->HasArrays |= R->Layout == T.Layout;
  }
}

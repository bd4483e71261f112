//===- Path.cpp - .first->next[3].key -------------------------------------===//

#include "Path.h"
#include "Value.h"

#include <charconv>
#include <cstdio>

using namespace inspect;

namespace {

std::string hex(uint64_t Offset) {
  char Text[32];
  snprintf(Text, sizeof(Text), "0x%llx", (unsigned long long)Offset);
  return Text;
}

/// A path and how far it has been followed.
class Follower {
public:
  Follower(Object &O, const std::string &Path, std::string &Why)
      : Path(Path), Why(Why), At(rootPlace(O)) {}

  bool start(const TypeFinder &TypeAt);
  bool step();
  bool isDone() const { return Next == Path.size(); }
  const Place &place() const { return At; }

private:
  bool fail(const std::string &What) {
    Why = (Next ? "'" + Path.substr(0, Next) + "': " : "") + What;
    return false;
  }
  bool field();
  bool element();
  bool throughPointer();
  std::string keys(const Record &R) const;

  const std::string &Path;
  std::string &Why;
  size_t Next = 0;
  Place At;
};

bool Follower::start(const TypeFinder &TypeAt) {
  size_t Sign = Path.find('@');
  if (Sign == std::string::npos) {
    bool Named = Path == ".root" || Path.compare(0, 6, ".root.") == 0 ||
                 Path.compare(0, 7, ".root->") == 0 || Path.compare(0, 6, ".root[") == 0;
    if (!Named)
      return true;
    if (At.Is && At.Is->Is == Kind::Struct)
      for (const Member &M : membersOf(*At.Is->Of))
        if (M.Key == "root")
          return true;
    Next = 5;
    return true;
  }
  std::string Name = Path.substr(0, Sign);
  const char *Begin = Path.c_str() + Sign + 1;
  char *End = nullptr;
  uint64_t Offset = strtoull(Begin, &End, 0);
  Object &O = *At.In;
  if (End == Begin)
    return fail("'@' wants an offset, such as @0x1040");
  Next = static_cast<size_t>(End - Path.c_str());
  const Block *B = O.blockAt(Offset);
  if (!B)
    return fail("no allocated block holds " + hex(Offset));
  At = {&O, Offset, nullptr, nullptr, B->Offset + B->Bytes};
  if (Name.empty()) {
    At.Is = TypeAt ? TypeAt(O, Offset) : nullptr;
  } else {
    const Record *R = O.Known.find(Name);
    if (!R)
      return fail("the object has recorded no type '" + Name + "'");
    At.Is = R->AsType;
  }
  if (At.Is && At.Is->Size > At.End - Offset)
    return fail("a " + At.Is->Name + " does not fit the block");
  return true;
}

std::string Follower::keys(const Record &R) const {
  std::string Keys;
  for (const Member &M : membersOf(R))
    Keys += (Keys.empty() ? "" : ", ") + M.Key;
  return Keys.empty() ? "it has none" : "it has " + Keys;
}

bool Follower::throughPointer() {
  Place To;
  std::string What;
  if (!follow(At, To, What))
    return fail(What);
  At = To;
  return true;
}

bool Follower::field() {
  size_t Begin = Next + (Path[Next] == '.' ? 1 : 2), End = Begin;
  // A name of C++ may have blanks and brackets: the longest key that fits is meant.
  while (At.Is && At.Is->Is == Kind::Pointer)
    if (!throughPointer())
      return false;
  if (!At.Is)
    return fail("of its type nothing was recorded, so it has no fields to be named");
  if (At.Is->Is != Kind::Struct)
    return fail("it is a " + At.Is->Name + " and has no fields");
  const Record &R = *At.Is->Of;
  std::vector<Member> Members = membersOf(R);
  const Member *Best = nullptr;
  for (const Member &M : Members)
    if (Path.compare(Begin, M.Key.size(), M.Key) == 0) {
      size_t Behind = Begin + M.Key.size();
      bool Ends = Behind == Path.size() || Path[Behind] == '.' || Path[Behind] == '[' ||
                  Path.compare(Behind, 2, "->") == 0;
      if (Ends && (!Best || M.Key.size() > Best->Key.size()))
        Best = &M;
    }
  if (!Best) {
    while (End < Path.size() && Path[End] != '.' && Path[End] != '[' &&
           Path.compare(End, 2, "->") != 0)
      ++End;
    return fail("a " + R.Name + " has no field '" + Path.substr(Begin, End - Begin) +
                "': " + keys(R));
  }
  At.Offset += Best->Offset;
  At.Is = Best->F->Is;
  At.F = Best->F;
  Next = Begin + Best->Key.size();
  return true;
}

bool Follower::element() {
  size_t Close = Path.find(']', Next);
  uint64_t Index;
  const char *Begin = Path.data() + Next + 1;
  const char *End = Path.data() + (Close == std::string::npos ? Path.size() : Close);
  auto [Stop, Error] = std::from_chars(Begin, End, Index);
  if (Close == std::string::npos || Error != std::errc() || Stop != End)
    return fail("'[' wants a number and ']'");
  const Type *Element = nullptr;
  uint64_t Count = 0;
  if (At.Is && At.Is->Is == Kind::Pointer) {
    if (!throughPointer())
      return false;
    Element = At.Is;
    if (Element && Element->Size)
      Count = (At.End - At.Offset) / Element->Size;
  } else if (At.Is && At.Is->Is == Kind::Array) {
    Element = At.Is->Inner;
    Count = countOf(*At.Is, At.Offset, At.End);
  }
  if (!Element)
    return fail("it is no array and no pointer to something whose type is known");
  if (Index >= Count)
    return fail("there is room for " + std::to_string(Count) + " of " + Element->Name);
  At.Offset += Index * Element->Size;
  At.Is = Element;
  Next = Close + 1;
  return true;
}

bool Follower::step() {
  if (Path[Next] == '[')
    return element();
  if (Path[Next] == '.' || Path.compare(Next, 2, "->") == 0)
    return field();
  return fail("what follows should be .FIELD, ->FIELD or [NUMBER]");
}

} // namespace

Place inspect::rootPlace(Object &O) {
  Place P;
  P.In = &O;
  P.Offset = O.RootOffset;
  const Block *B = O.blockAt(O.RootOffset);
  P.End = B ? B->Offset + B->Bytes : O.RootOffset + O.RootBytes;
  const Record *R = O.Known.root();
  if (R && R->Size <= P.End - P.Offset)
    P.Is = R->AsType;
  return P;
}

bool inspect::follow(const Place &Pointer, Place &To, std::string &Why) {
  const Type &T = *Pointer.Is;
  const Encoding *E = T.Is == Kind::Pointer ? Encoding::find(T.Encoding) : nullptr;
  if (!E) {
    Why = T.Is == Kind::Pointer ? "of the encoding '" + T.Encoding + "' nothing is known here"
                                : "it is a " + T.Name + ", which leads nowhere";
    return false;
  }
  Target At = E->decode(*Pointer.In, Pointer.Offset);
  Object *In = At.Is == Target::Here ? Pointer.In : At.To;
  switch (At.Is) {
  case Target::Null:
    Why = "it is null";
    return false;
  case Target::Here:
  case Target::Foreign:
    break;
  case Target::Number:
    Why = "it is the number " + std::to_string(static_cast<int64_t>(At.Value));
    return false;
  default:
    Why = "it is " + hex(At.Value) + ", an address of the process that stored it";
    return false;
  }
  if (!In) {
    Why = "it leads to an object that is not there";
    return false;
  }
  const Block *B = In->blockAt(At.Offset);
  if (!B) {
    Why = "it leads to " + In->Name + ":" + hex(At.Offset) + ", which is in no allocated block";
    return false;
  }
  To = {In, At.Offset, T.Inner, nullptr, B->Offset + B->Bytes};
  if (T.Inner && T.Inner->Size > To.End - To.Offset) {
    Why = "it leads to " + In->Name + ":" + hex(At.Offset) + ", where a " + T.Inner->Name +
          " does not fit the block";
    return false;
  }
  return true;
}

bool inspect::findPlace(Object &O, const std::string &Path,
                        const TypeFinder &TypeAt, Place &Found,
                        std::string &Why) {
  Follower F(O, Path, Why);
  if (!F.start(TypeAt))
    return false;
  while (!F.isDone())
    if (!F.step())
      return false;
  Found = F.place();
  return true;
}

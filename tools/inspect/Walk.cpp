//===- Walk.cpp - What something leads to ---------------------------------===//

#include "Walk.h"

#include <algorithm>

using namespace inspect;

//===----------------------------------------------------------------------===//
// What is known of a type
//===----------------------------------------------------------------------===//

// Larger than this nothing is unrolled: what an array holds behind it is looked at
// conservatively. Hostile texts may say arrays of any length in arrays.
static constexpr uint64_t MostPointers = 1 << 20;

void Walk::addShape(const Type &T, uint64_t Offset, bool Certain, Shape &S) const {
  if (S.Pointers.size() > MostPointers || S.Typed.size() > MostPointers)
    return;
  switch (T.Is) {
  case Kind::Pointer:
    // Members of unions lie over each other: which of them counts nobody knows.
    if (const Encoding *E = Certain ? Encoding::find(T.Encoding) : nullptr)
      S.Pointers.push_back({Offset, E, T.Inner});
    return;
  case Kind::Array: {
    uint64_t Count = T.Count == Flexible ? 0 : T.Count;
    // Of numbers one range is enough.
    if (T.Inner->Is != Kind::Struct && T.Inner->Is != Kind::Array &&
        T.Inner->Is != Kind::Pointer) {
      if (Certain && Count)
        S.Typed.push_back({Offset, Offset + T.Size});
      return;
    }
    for (uint64_t I = 0; I < Count && S.Pointers.size() <= MostPointers &&
                         S.Typed.size() <= MostPointers;
         ++I)
      addShape(*T.Inner, Offset + I * T.Inner->Size, Certain, S);
    return;
  }
  case Kind::Struct:
    for (const Field &F : T.Of->Fields)
      addShape(*F.Is, Offset + F.Offset, Certain && !T.Of->IsUnion, S);
    return;
  case Kind::Native:
  case Kind::Bytes:
    return;
  default:
    if (Certain)
      S.Typed.push_back({Offset, Offset + T.Size});
  }
}

const Walk::Shape &Walk::shapeOf(const Type &T) const {
  auto [It, New] = Shapes.try_emplace(&T);
  if (New) {
    addShape(T, 0, true, It->second);
    std::sort(It->second.Pointers.begin(), It->second.Pointers.end(),
              [](auto &A, auto &B) { return A.Offset < B.Offset; });
    std::sort(It->second.Typed.begin(), It->second.Typed.end());
  }
  return It->second;
}

// Whether the block would be sound as an array of T.
bool Walk::allLead(size_t Index, const Type &T) const {
  const Block &B = O.blocks()[Index];
  const Shape &S = shapeOf(T);
  for (uint64_t At = B.Offset; At + T.Size <= B.Offset + B.Bytes; At += T.Size)
    for (const Pointer &P : S.Pointers) {
      Target To = P.E->decode(O, At + P.Offset);
      if (To.Is == Target::Here ? !O.blockAt(To.Offset)
                                : To.Is != Target::Null && To.Is != Target::Foreign)
        return false;
    }
  return true;
}

static bool endsInFlexibleArray(const Type &T) {
  return T.Is == Kind::Struct && !T.Of->Fields.empty() &&
         T.Of->Fields.back().Is->Is == Kind::Array &&
         T.Of->Fields.back().Is->Count == Flexible;
}

bool Walk::holdsArray(size_t Index, const Type &T) const {
  if (endsInFlexibleArray(T))
    return false; // the rest of the block is that
  if (T.Is == Kind::Struct && FirstOnly)
    return false;
  if (T.Is == Kind::Struct && T.Of->HasArrays)
    return true;
  if (T.Is != Kind::Struct && T.Is != Kind::Pointer)
    return true; // numbers
  // What a pointer to a pointer leads to is an array of pointers or one of them; a
  // record that begins with one is known by a pointer to all of it.
  if (T.Is == Kind::Struct && !Guess)
    return false;
  const State &S = Found[Index];
  if (S.Several < 0)
    S.Several = allLead(Index, T);
  return S.Several;
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

size_t Walk::indexOf(uint64_t Offset) const {
  const Block *B = O.blockAt(Offset);
  return B ? static_cast<size_t>(B - O.blocks().data()) : NoBlock;
}

const Type *Walk::typeOf(size_t Index) const {
  return Found[Index].Mixed ? nullptr : Found[Index].Is;
}

uint64_t Walk::countIn(size_t Index) const {
  const Type *T = typeOf(Index);
  if (!T || !T->Size)
    return T ? 1 : 0;
  uint64_t Fit = O.blocks()[Index].Bytes / T->Size;
  return Fit > 1 && !holdsArray(Index, *T) ? 1 : Fit;
}

const Type *Walk::typeAt(uint64_t Offset) const {
  size_t Index = indexOf(Offset);
  const Type *T = Index == NoBlock ? nullptr : typeOf(Index);
  if (!T)
    return nullptr;
  uint64_t Within = Offset - O.blocks()[Index].Offset;
  if (countIn(Index) > 1 && T->Size)
    Within %= T->Size;
  // The outermost that begins there.
  while (Within) {
    const Type *Inner = nullptr;
    if (T->Is == Kind::Array && Within < T->Size) {
      Within %= T->Inner->Size;
      Inner = T->Inner;
    } else if (T->Is == Kind::Struct) {
      for (const Field &F : T->Of->Fields)
        if (Within >= F.Offset && Within - F.Offset < F.Is->Size) {
          Within -= F.Offset;
          Inner = F.Is;
          break;
        }
    }
    if (!Inner)
      return nullptr;
    T = Inner;
  }
  return T;
}

// Precise(offset, pointer) with the place of each pointer that the block's type has,
// Word(offset) with each other that is to be looked at.
template <typename PointerVisitor, typename WordVisitor>
void Walk::visitWords(size_t Index, PointerVisitor Precise, WordVisitor Word) const {
  const Block &B = O.blocks()[Index];
  uint64_t End = B.Offset + B.Bytes, Known = B.Offset;
  const Type *T = typeOf(Index);
  uint64_t At = B.Offset;
  // The words from At to Until that no range of S, whose bytes begin at Base, covers.
  auto Words = [&](uint64_t Until) {
    for (At = (At + 7) / 8 * 8; At + 8 <= Until; At += 8)
      Word(At);
  };
  uint64_t Count = countIn(Index);
  for (uint64_t I = 0; I < Count; ++I) {
    const Shape &S = shapeOf(*T);
    uint64_t Base = B.Offset + I * T->Size;
    size_t Range = 0;
    auto Between = [&](uint64_t Until) {
      // What lies behind the first may be part of something derived from it.
      if (How == Trust::Types && (!I || Guess))
        for (; Range < S.Typed.size() && Base + S.Typed[Range].first < Until; ++Range) {
          Words(std::min(Until, Base + S.Typed[Range].first));
          At = std::max(At, Base + S.Typed[Range].second);
        }
      Words(Until);
      At = std::max(At, Until);
    };
    for (const Pointer &P : S.Pointers) {
      Between(Base + P.Offset);
      Precise(Base + P.Offset, P);
      At = std::max(At, Base + P.Offset + 8);
    }
    Between(Base + T->Size);
    Known = Base + T->Size;
  }
  At = std::max(At, Known);
  Words(End);
}

static bool saysTheSame(const Type *A, const Type *B) {
  return A == B || (A && A->Is == B->Is && A->Of == B->Of && A->Name == B->Name &&
                    A->Encoding == B->Encoding);
}

// Whether Whole's first part, or the first of that, is a Part.
static bool beginsWith(const Type &Whole, const Type &Part) {
  if (saysTheSame(&Whole, &Part))
    return true;
  if (Whole.Is == Kind::Array)
    return beginsWith(*Whole.Inner, Part);
  if (Whole.Is == Kind::Struct)
    for (const Field &F : Whole.Of->Fields)
      if (!F.Offset && beginsWith(*F.Is, Part))
        return true;
  return false;
}

void Walk::push(size_t Index) {
  Found[Index].Reached = true;
  Left.push_back(Index);
}

// A pointer whose type is known leads there.
void Walk::meet(uint64_t Offset, const Type *T) {
  size_t Index = indexOf(Offset);
  // One behind the last element: it keeps the block before, too, if nothing else does.
  meetConservatively(Offset);
  if (Index == NoBlock || !T)
    return;
  const Block &B = O.blocks()[Index];
  State &S = Found[Index];
  if (B.Offset != Offset || T->Size > B.Bytes || S.Mixed || saysTheSame(S.Is, T) ||
      B.Kind == PERDURE_BLOCK_NAME)
    return;
  // A pointer to the first part of something says less than one to all of it. Two that
  // do not know of each other may be one of them stale: then neither is believed.
  if (S.Is && beginsWith(*S.Is, *T))
    return;
  if (S.Is && !beginsWith(*T, *S.Is))
    S.Mixed = true;
  S.Is = T;
  S.Several = -1;
  push(Index); // again, with what is known now
}

void Walk::meetConservatively(uint64_t Offset) {
  for (uint64_t At : {Offset, Offset - 1}) {
    size_t Index = indexOf(At);
    if (Index != NoBlock && !Found[Index].Reached)
      push(Index);
  }
}

void Walk::scan(size_t Index) {
  visitWords(
      Index,
      [&](uint64_t At, const Pointer &P) {
        if (uint64_t To = P.E->decodeHere(O, At))
          meet(To, P.To);
      },
      [&](uint64_t At) {
        for (const Encoding *E : Encodings)
          if (uint64_t To = E->decodeHere(O, At))
            meetConservatively(To);
      });
}

void Walk::addRoot(uint64_t Offset) { Roots.push_back(Offset); }

bool Walk::run(std::string &Why) {
  const auto &Blocks = O.blocks();
  Found.assign(Blocks.size(), State());
  Encodings = {Encoding::find("object")};
  bool Ok = true;
  for (const std::string &Name : O.Known.encodings()) {
    const Encoding *E = Encoding::find(Name);
    if (!E) {
      Ok = false;
      Why = "a type has pointers of the encoding '" + Name + "', which is not known here";
    } else if (E != Encodings.front()) {
      Encodings.push_back(E);
    }
  }
  for (size_t I = 0; I < Blocks.size(); ++I)
    if (Blocks[I].Kind != PERDURE_BLOCK_DATA)
      push(I);
  if (const Record *R = O.Known.root())
    meet(O.RootOffset, R->AsType);
  for (uint64_t Offset : Roots)
    meetConservatively(Offset);
  for (uint64_t Looked = 1; !Left.empty(); ++Looked) {
    size_t Index = Left.back();
    Left.pop_back();
    scan(Index);
    if (Tell)
      Tell(std::min<uint64_t>(Looked, Blocks.size()));
  }
  return Ok;
}

void Walk::visitReferences(size_t Index,
                           const std::function<void(const Reference &)> &Visit) const {
  visitWords(
      Index,
      [&](uint64_t At, const Pointer &P) {
        Target T = P.E->decode(O, At);
        if (T.Is == Target::Here || T.Is == Target::Foreign)
          Visit({At, P.E, P.To, T});
      },
      [&](uint64_t At) {
        for (const Encoding *E : Encodings)
          if (uint64_t To = E->decodeHere(O, At)) {
            Target T;
            T.Is = Target::Here;
            T.Offset = To;
            Visit({At, nullptr, nullptr, T});
          }
      });
}

void inspect::visitForeign(Object &O, const std::function<void(const Target &)> &Visit) {
  std::vector<const Encoding *> Encodings = {Encoding::find("object")};
  for (const std::string &Name : O.Known.encodings())
    if (const Encoding *E = Encoding::find(Name))
      Encodings.push_back(E);
  for (const Block &B : O.blocks())
    for (uint64_t At = B.Offset; At + 8 <= B.Offset + B.Bytes; At += 8)
      if (bitsAt(O, At) >> 63)
        for (const Encoding *E : Encodings) {
          Target To = E->decode(O, At);
          if (To.Is == Target::Foreign)
            Visit(To);
        }
}

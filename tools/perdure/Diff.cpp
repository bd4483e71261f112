//===- Diff.cpp - perdure diff --------------------------------------------===//

#include "Command.h"
#include "Print.h"
#include "Store.h"
#include "Walk.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <memory>

using namespace inspect;

namespace {
struct Options {
  std::string Store, Name, OtherStore, OtherName;
  uint64_t Most = 100;
  bool Json = false;
};

/// As diff(1) has it.
enum { Same = 0, Different = 1, Trouble = 2 };

struct Difference {
  std::string Path, A, B;
};

/// Both objects, walked side by side.
class Comparison {
public:
  Comparison(Object &A, Object &B) : A(A), B(B), WalkA(A, Trust::Types), WalkB(B, Trust::Types) {
    read(WalkA, A);
    read(WalkB, B);
  }
  void run();
  std::vector<Difference> Found;

private:
  static void read(Walk &W, Object &O) {
    Progress P("Reading " + escape(O.Name), O.blocks().size());
    W.tell([&](uint64_t Blocks) { P.at(Blocks); });
    W.guessArrays();
    std::string Why;
    W.run(Why);
    W.tell(nullptr);
  }
  /// How one got to a value: what is added to where that came from.
  struct Step {
    size_t From;
    std::string Suffix;
  };
  struct Pair {
    uint64_t InA, InB;
    const Type *IsA, *IsB; // null: not known
    size_t Step;
  };
  static constexpr size_t NoStep = SIZE_MAX;

  size_t step(size_t From, const std::string &Suffix) {
    Steps.push_back({From, Suffix});
    return Steps.size() - 1;
  }
  std::string pathOf(size_t At, const Pair &P) const;
  void add(const std::string &Path, const std::string &InA, const std::string &InB) {
    Found.push_back({Path, InA, InB});
  }
  void block(const Pair &P);
  void value(const Pair &P, const Place &X, const Place &Y, const std::string &Suffix);
  void record(const Pair &P, const Place &X, const Place &Y, const std::string &Suffix);
  void pointer(const Pair &P, const Place &X, const Place &Y, const std::string &Suffix);
  void meet(const Pair &P, const std::string &Suffix, uint64_t InA, uint64_t InB,
            const Type *IsA, const Type *IsB);
  void raw(const Pair &P, uint64_t InA, uint64_t InB, uint64_t Bytes, const std::string &Suffix);

  Object &A, &B;
  Walk WalkA, WalkB;
  std::vector<Step> Steps;
  std::deque<Pair> Left;
  std::map<uint64_t, uint64_t> Met, MetBack; // offsets, and what stands for them there
};

bool hasFlexible(const Type &T) {
  return T.Is == Kind::Struct && !T.Of->Fields.empty() &&
         T.Of->Fields.back().Is->Is == Kind::Array && T.Of->Fields.back().Is->Count == Flexible;
}

std::string leaf(const Place &P) {
  TextPrinter T(UINT64_MAX, 0);
  visitValue(*P.In, P.Offset, *P.Is, P.F, P.End, T);
  return T.result();
}

// Paths through long lists say less than where one has got to.
std::string Comparison::pathOf(size_t At, const Pair &P) const {
  std::string Path;
  for (; At != NoStep && Path.size() < 120; At = Steps[At].From)
    Path = Steps[At].Suffix + Path;
  if (At != NoStep)
    Path = (P.IsA ? P.IsA->Name : "") + "@" + formatOffset(P.InA);
  return Path;
}

void Comparison::raw(const Pair &P, uint64_t InA, uint64_t InB, uint64_t Bytes,
                     const std::string &Suffix) {
  for (uint64_t I = 0; I < Bytes; ++I)
    if (*A.at(InA + I) != *B.at(InB + I)) {
      uint64_t Count = std::min<uint64_t>(8, Bytes - I);
      auto Hex = [&](const Object &O, uint64_t At) {
        std::string Text = "bytes";
        char Byte[4];
        for (uint64_t J = 0; J < Count; ++J) {
          snprintf(Byte, sizeof(Byte), " %02x", *O.at(At + I + J));
          Text += Byte;
        }
        return Text;
      };
      return add((P.Step == NoStep ? ".root" : pathOf(P.Step, P)) + Suffix + " at byte " +
                     std::to_string(I),
                 Hex(A, InA),
                 Hex(B, InB));
    }
}

std::string leadsTo(uint64_t Offset, bool Again) {
  return "leads to " + formatOffset(Offset) + (Again ? ", where it was before" : "");
}

void Comparison::meet(const Pair &P, const std::string &Suffix, uint64_t InA, uint64_t InB,
                      const Type *IsA, const Type *IsB) {
  auto It = Met.find(InA), Back = MetBack.find(InB);
  if (It != Met.end() || Back != MetBack.end()) {
    // One of them was met before: so was the other, or they lead elsewhere.
    if (It == Met.end() || It->second != InB)
      add(pathOf(P.Step, P) + Suffix, leadsTo(InA, It != Met.end()),
          leadsTo(InB, Back != MetBack.end()));
    return;
  }
  Met[InA] = InB;
  MetBack[InB] = InA;
  Left.push_back({InA, InB, IsA, IsB, step(P.Step, Suffix)});
}

void Comparison::pointer(const Pair &P, const Place &X, const Place &Y,
                         const std::string &Suffix) {
  const Encoding *E = Encoding::find(X.Is->Encoding), *F = Encoding::find(Y.Is->Encoding);
  if (!E || !F)
    return raw(P, X.Offset, Y.Offset, 8, Suffix);
  Target To = E->decode(A, X.Offset), As = F->decode(B, Y.Offset);
  if (To.Is == Target::Here && As.Is == Target::Here)
    return meet(P, Suffix, To.Offset, As.Offset, X.Is->Inner, Y.Is->Inner);
  auto Id = [](const Target &T, Object &In) {
    return T.To                                         ? toHex(T.To->Id)
           : T.Index && T.Index <= In.foreign().size() ? toHex(In.foreign()[T.Index - 1].id)
                                                        : std::string();
  };
  bool Equal = To.Is == As.Is && (To.Is == Target::Null ||
                                  (To.Is == Target::Foreign && To.Offset == As.Offset &&
                                   Id(To, A) == Id(As, B)) ||
                                  (To.Is != Target::Foreign && To.Value == As.Value));
  if (!Equal)
    add(pathOf(P.Step, P) + Suffix, describe(*X.Is, To, &A), describe(*Y.Is, As, &B));
}

void Comparison::record(const Pair &P, const Place &X, const Place &Y,
                        const std::string &Suffix) {
  std::vector<Member> Ours = membersOf(*X.Is->Of), Theirs = membersOf(*Y.Is->Of);
  std::string Stem = Suffix + (Suffix.empty() && P.Step != NoStep ? "->" : ".");
  for (const Member &M : Ours) {
    auto It = std::find_if(Theirs.begin(), Theirs.end(),
                           [&](const Member &Other) { return Other.Key == M.Key; });
    std::string Key = Stem + M.Key;
    Place At = {X.In, X.Offset + M.Offset, M.F->Is, M.F, X.End};
    if (It == Theirs.end())
      add(pathOf(P.Step, P) + Key, M.F->Is->Name, "there is no such field");
    else
      value(P, At, {Y.In, Y.Offset + It->Offset, It->F->Is, It->F, Y.End}, Key);
  }
  for (const Member &M : Theirs)
    if (std::none_of(Ours.begin(), Ours.end(),
                     [&](const Member &Other) { return Other.Key == M.Key; }))
      add(pathOf(P.Step, P) + Stem + M.Key, "there is no such field", M.F->Is->Name);
}

void Comparison::value(const Pair &P, const Place &X, const Place &Y, const std::string &Suffix) {
  if (X.Is->Is != Y.Is->Is && (X.Is->Is == Kind::Pointer || Y.Is->Is == Kind::Pointer ||
                               X.Is->Is == Kind::Struct || Y.Is->Is == Kind::Struct ||
                               X.Is->Is == Kind::Array || Y.Is->Is == Kind::Array))
    return add(pathOf(P.Step, P) + Suffix, "a " + X.Is->Name, "a " + Y.Is->Name);
  if (X.Is->Is == Kind::Struct)
    return record(P, X, Y, Suffix);
  if (X.Is->Is == Kind::Pointer)
    return pointer(P, X, Y, Suffix);
  bool Parts = X.Is->Is == Kind::Array && !isCharacters(*X.Is->Inner);
  if (!Parts) {
    std::string U = leaf(X), V = leaf(Y);
    if (U != V)
      add(pathOf(P.Step, P) + Suffix, U, V);
    return;
  }
  uint64_t M = countOf(*X.Is, X.Offset, X.End), N = countOf(*Y.Is, Y.Offset, Y.End);
  if (M != N && X.Is->Count != Flexible)
    add(pathOf(P.Step, P) + Suffix, std::to_string(M) + " elements",
        std::to_string(N) + " elements");
  for (uint64_t I = 0; I < std::min(M, N); ++I)
    value(P, {X.In, X.Offset + I * X.Is->Inner->Size, X.Is->Inner, X.F, X.End},
          {Y.In, Y.Offset + I * Y.Is->Inner->Size, Y.Is->Inner, Y.F, Y.End},
          Suffix + "[" + std::to_string(I) + "]");
}

void Comparison::block(const Pair &P) {
  const Block *X = A.blockAt(P.InA), *Y = B.blockAt(P.InB);
  if (!X || !Y) {
    if (X || Y)
      add(pathOf(P.Step, P), X ? formatOffset(P.InA) : "not allocated",
          Y ? formatOffset(P.InB) : "not allocated");
    return;
  }
  uint64_t EndX = X->Offset + X->Bytes, EndY = Y->Offset + Y->Bytes;
  uint64_t RoomX = EndX - P.InA, RoomY = EndY - P.InB;
  if (!P.IsA || !P.IsB || P.IsA->Size > RoomX || P.IsB->Size > RoomY)
    return raw(P, P.InA, P.InB, std::min(RoomX, RoomY), "");
  if (isCharacters(*P.IsA) && isCharacters(*P.IsB)) {
    std::string U, V;
    readString({&A, P.InA, P.IsA, nullptr, EndX}, U);
    readString({&B, P.InB, P.IsB, nullptr, EndY}, V);
    if (U != V)
      add(pathOf(P.Step, P), "\"" + escape(U) + "\"", "\"" + escape(V) + "\"");
    return;
  }
  auto Index = [](Object &O, const Block &At) { return (size_t)(&At - O.blocks().data()); };
  uint64_t M = X->Offset == P.InA && WalkA.typeOf(Index(A, *X)) ? WalkA.countIn(Index(A, *X)) : 1;
  uint64_t N = Y->Offset == P.InB && WalkB.typeOf(Index(B, *Y)) ? WalkB.countIn(Index(B, *Y)) : 1;
  uint64_t Count = std::min({M, N, RoomX / std::max<uint64_t>(P.IsA->Size, 1),
                             RoomY / std::max<uint64_t>(P.IsB->Size, 1)});
  for (uint64_t I = 0; I < Count; ++I)
    value(P, {&A, P.InA + I * P.IsA->Size, P.IsA, nullptr, EndX},
          {&B, P.InB + I * P.IsB->Size, P.IsB, nullptr, EndY},
          Count > 1 ? "[" + std::to_string(I) + "]" : "");
  if (M != N)
    add(pathOf(P.Step, P), "room for " + std::to_string(M) + " of " + P.IsA->Name,
        "room for " + std::to_string(N) + " of " + P.IsB->Name);
  // What a program keeps behind the types.
  uint64_t KnownX = Count * P.IsA->Size, KnownY = Count * P.IsB->Size;
  if (X->Offset == P.InA && Y->Offset == P.InB && P.IsA->Size == P.IsB->Size && M == N &&
      !hasFlexible(*P.IsA))
    raw(P, P.InA + KnownX, P.InB + KnownY, std::min(RoomX - KnownX, RoomY - KnownY),
        " behind it");
}

void Comparison::run() {
  Place X = rootPlace(A), Y = rootPlace(B);
  Met[X.Offset] = Y.Offset;
  MetBack[Y.Offset] = X.Offset;
  Left.push_back({X.Offset, Y.Offset, X.Is, Y.Is, NoStep});
  while (!Left.empty()) {
    Pair P = Left.front();
    Left.pop_front();
    block(P);
  }
}
} // namespace

static int report(const Options &Opts, const std::vector<Difference> &Found) {
  if (Opts.Json) {
    Json J;
    J.beginArray();
    for (const Difference &D : Found) {
      J.beginObject();
      J.add("path", D.Path);
      J.add("a", D.A);
      J.add("b", D.B);
      J.endObject();
    }
    J.endArray();
    return Found.empty() ? Same : Different;
  }
  uint64_t Shown = 0;
  for (const Difference &D : Found) {
    if (isForPeople() && Shown++ == Opts.Most) {
      printf("and %llu more\n", (unsigned long long)(Found.size() - Opts.Most));
      break;
    }
    std::string Path = escape(D.Path);
    if (isForPeople())
      printf("%s\n  %s\n  %s\n", paint(Colour::Bold, Path).c_str(),
             paint(Colour::Red, "- " + D.A).c_str(), paint(Colour::Green, "+ " + D.B).c_str());
    else
      printf("%s\t%s\t%s\n", Path.c_str(), D.A.c_str(), D.B.c_str());
  }
  return Found.empty() ? Same : Different;
}

static int run(const Options &Opts) {
  Store S(Opts.Store, PERDURE_RDONLY);
  if (!S)
    return Trouble;
  Store T(Opts.OtherStore, PERDURE_RDONLY);
  if (!T)
    return Trouble;
  Objects Ours(S, PERDURE_RDONLY), Theirs(T, PERDURE_RDONLY);
  Object *A = Ours.open(Opts.Name);
  if (!A)
    return reportObjectFailure(S), Trouble;
  Object *B = Theirs.open(Opts.OtherName.empty() ? Opts.Name : Opts.OtherName);
  if (!B)
    return reportObjectFailure(T), Trouble;
  if (!A->readBlocks() || !B->readBlocks())
    return reportFailure("perdure fsck says more"), Trouble;
  Comparison C(*A, *B);
  C.run();
  return report(Opts, C.Found);
}

Command addDiff(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand("diff", "Compare what two objects hold");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Name, "The object")->required();
  App->add_option("OTHER-STORE", Opts->OtherStore, "Another store, or the same")->required();
  App->add_option("OTHER-NAME", Opts->OtherName, "What it is called there (default: NAME)");
  App->add_option("--most", Opts->Most,
                  "How many differences are printed on a terminal (default: 100)")
      ->check(CLI::PositiveNumber);
  App->add_flag("--json", Opts->Json, "Print a JSON array of differences");
  App->footer(
      "Both are walked side by side from their roots: where blocks lie does not matter. What\n"
      "is of no known type is compared byte by byte, as far as both blocks reach.\n"
      "Not on a terminal: three columns parted by tabs: path, value here, value there.\n"
      "Exit status: 0 they hold the same, 1 they do not, 2 something failed.\n\n"
      "Examples:\n"
      "  perdure diff shop customers backup\n"
      "  perdure diff shop customers shop customers-before-upgrade\n");
  return {App, [Opts] { return run(*Opts); }};
}

//===- Plan.cpp - From what is known of a program to edits ----------------===//
//
// Each edit is a replacement in one file. What is written in a macro is edited
// there when all of its uses ask for the same. Where an edit cannot be made, there
// is a finding instead.
//
//===----------------------------------------------------------------------===//
#include "Program.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <algorithm>

using llvm::StringRef;

namespace perdure::migrate {

namespace {

class Planner {
public:
  Planner(Program &P, const Closure &C, const Options &O) : P(P), C(C), O(O) {
    for (auto &[Key, A] : P.Aliases)
      Known[A.Name] = A.Pattern;
  }

  std::vector<Edit> run() {
    annotate();
    declarations();
    parameters();
    memoryCalls();
    conversions();
    allocations();
    insertions();
    report();
    std::vector<Edit> Result = merged();
    settle();
    return Result;
  }

private:
  bool isPersistent(Node *N) { return P.G.isPersistent(N); }

  StringRef text(const std::string &File) {
    auto [It, New] = Buffers.try_emplace(File);
    if (New)
      if (auto Buffer = llvm::MemoryBuffer::getFile(File))
        It->second = std::move(*Buffer);
    return It->second ? It->second->getBuffer() : StringRef();
  }

  void edit(const std::string &File, unsigned Begin, unsigned End,
            std::string Text, const char *Kind) {
    Edits.push_back({File, Begin, End - Begin, std::move(Text), Kind});
  }
  void decide(const Place &Where, std::string Code, std::string Text) {
    P.Findings.insert({Finding::Decision, Where, std::move(Code), std::move(Text)});
  }

  bool isCxxFile(const std::string &File) { return !P.Files[File].IsC; }

  // Aliases.

  /// "struct node|PN": a base and what its stars are, the innermost first.
  std::string pattern(const Shape &S, unsigned Levels) {
    std::string Base = S.Base, Start;
    if (auto It = Known.find(Base); It != Known.end())
      Base = It->second;
    else
      Base += "|";
    for (unsigned I = 0; I != Levels; ++I)
      Base += isPersistent(S.Levels[I]) ? 'P' : 'N';
    return Base;
  }

  std::string nameOf(const std::string &Pattern, const Shape &S) {
    if (auto It = Chosen.find(Pattern); It != Chosen.end())
      return It->second;
    for (auto &[Key, A] : P.Aliases)
      if (A.Pattern == Pattern)
        return Chosen[Pattern] = A.Name;
    StringRef Levels = StringRef(Pattern).split('|').second;
    std::string Name = S.Stem;
    // The base may be an alias itself, with levels of its own.
    if (Known.count(S.Base))
      Levels = Levels.drop_front(
          StringRef(Known[S.Base]).split('|').second.size());
    for (char L : Levels)
      Name += L == 'P' ? "_ref" : "_ptr";
    while (P.Identifiers.count(Name) || Known.count(Name))
      Name += "_";
    Known[Name] = Pattern;
    return Chosen[Pattern] = Name;
  }

  /// The type up to so many stars, as it is to be written in a file.
  std::string spell(const Shape &S, unsigned Levels, const std::string &File,
                    unsigned Offset) {
    std::string Text = S.Base;
    bool Cxx = isCxxFile(File);
    for (unsigned I = 0; I != Levels; ++I) {
      bool IsBase = S.IsHidden && I == 0;
      std::string Star = IsBase ? "" : Text.back() == '*' ? "*" : " *";
      if (!isPersistent(S.Levels[I])) {
        Text += Star;
        continue;
      }
      if (Cxx) {
        Text = IsBase ? "perdure::ptr<std::remove_pointer_t<" + Text + ">>"
                      : "perdure::ptr<" + Text + ">";
        NeedsHeader.insert(File);
        continue;
      }
      std::string Key = pattern(S, I + 1);
      Use &U = Uses[Key];
      U.Name = nameOf(Key, S);
      U.Definition = Text + (IsBase ? " " : Star);
      if (S.Declared.isValid())
        U.Declared.insert(S.Declared);
      U.Home = S.Home;
      U.Order = I;
      auto [It, New] = U.First.try_emplace(File, Offset);
      if (!New)
        It->second = std::min(It->second, Offset);
      Text = U.Name;
    }
    return Text;
  }

  struct Use {
    std::string Name, Definition, Home;
    std::set<Place> Declared; ///< behind what declares the base, once per file
    unsigned Order = 0;
    std::map<std::string, unsigned> First; ///< the first use in each file
  };

  bool includes(const std::string &From, const std::string &To) {
    std::set<std::string> Seen{From};
    std::vector<std::string> Work{From};
    while (!Work.empty()) {
      std::string F = Work.back();
      Work.pop_back();
      for (const std::string &I : P.Files[F].Includes) {
        if (I == To)
          return true;
        if (Seen.insert(I).second)
          Work.push_back(I);
      }
    }
    return false;
  }

  // Records.

  void annotate() {
    for (const std::string &Key : C.Annotate) {
      const Record &R = P.Records[Key];
      if (!R.File.empty()) {
        bool Cxx = isCxxFile(R.File);
        edit(R.File, R.Keyword, R.Keyword,
             Cxx ? " [[perdure::persistent]]" : " PERDURE", "annotation");
        NeedsHeader.insert(R.File);
        continue;
      }
      if (R.IsSystem) {
        adopt(R);
        continue;
      }
      if (R.Forward.isValid()) {
        Before[R.Forward.File][lineStart(R.Forward)].push_back(
            R.Kind + (isCxxFile(R.Forward.File) ? " [[perdure::persistent]] "
                                                : " PERDURE ") +
            R.Name + ";\n");
        NeedsHeader.insert(R.Forward.File);
        continue;
      }
      decide(R.Where, "macro",
             "'" + R.Name + "' is defined by a macro, which has no place for an "
             "annotation; declare it before, as 'struct PERDURE " + R.Name + ";'");
    }
    for (const Field *F : C.Transient)
      edit(F->File, F->Begin, F->Begin, "PERDURE_TRANSIENT ", "transient");
    for (const Field *F : C.Transient)
      NeedsHeader.insert(F->File);
  }

  Place placeOf(const std::string &File, unsigned Offset) {
    StringRef Head = text(File).take_front(Offset);
    size_t Line = Head.rfind('\n');
    return {File, Offset, unsigned(Head.count('\n') + 1),
            unsigned(Line == StringRef::npos ? Offset + 1 : Offset - Line)};
  }
  unsigned lineStart(const Place &At) {
    size_t Line = text(At.File).rfind('\n', At.Offset);
    return Line == StringRef::npos ? 0 : Line + 1;
  }

  /// A record of a header that cannot be changed is annotated by a declaration
  /// before the header is included.
  void adopt(const Record &R) {
    if (R.Name.empty()) {
      decide(R.Where, "system-record",
             "a record without a name, of a system header, cannot be annotated");
      return;
    }
    for (auto &[Name, F] : P.Files) {
      if (StringRef(Name).starts_with("/usr/") || !F.Includes.count(R.Where.File))
        continue;
      StringRef Text = text(Name);
      StringRef Header = StringRef(R.Where.File);
      Header = Header.substr(Header.rfind('/') + 1);
      for (size_t At = Text.find("#include"); At != StringRef::npos;
           At = Text.find("#include", At + 1)) {
        StringRef Line = Text.substr(At).split('\n').first;
        if (!Line.contains(Header))
          continue;
        std::string Decl = R.Kind + " PERDURE " + R.Name + ";";
        if (Text.contains(Decl))
          break;
        if (!F.IncludesPerdure && HeaderAt.try_emplace(Name, At).second)
          Before[Name][At].insert(Before[Name][At].begin(),
                                  "#include <perdure/perdure.h>\n");
        Before[Name][At].push_back(Decl + "\n");
        break;
      }
    }
  }

  // Spelled types.

  unsigned consumed(const Spelling &Sp) {
    if (!Sp.Record.empty() && C.Records.count(Sp.Record) &&
        !P.Records[Sp.Record].IsUnion)
      return 0; // the record's annotation says it
    for (unsigned I = Sp.Type.Levels.size(); I; --I)
      if (isPersistent(Sp.Type.Levels[I - 1]))
        return I;
    return 0;
  }

  void refuse(const Spelling &Sp, const std::string &Why) {
    Node *N = nullptr;
    for (Node *L : Sp.Type.Levels)
      if (isPersistent(L))
        N = P.G.find(L);
    for (Node *L : Sp.OuterLevels)
      if (!N && isPersistent(L))
        N = P.G.find(L);
    std::string Because;
    if (N && N->Persistent.Where.isValid())
      Because = " (" + N->Persistent.Text + ", line " +
                std::to_string(N->Persistent.Where.Line) + ")";
    decide(Sp.Where, "declaration",
           "the type of " + Sp.What + " leads to persistent pointers" + Because +
               ", but " + Why + "; retype it by hand, or put it in a "
               "'perdure_references' region");
  }

  void declarations() {
    // What a macro spells must mean the same in all of its uses.
    std::map<std::tuple<std::string, unsigned, unsigned>, std::set<std::string>> Places;
    auto Id = [&](const Spelling &Sp) {
      return std::make_tuple(Sp.File, Sp.Begin, Sp.NameBegin);
    };
    for (const Spelling &Sp : P.Spellings)
      if (!Sp.File.empty())
        Places[Id(Sp)].insert(pattern(Sp.Type, consumed(Sp)));
    std::map<std::string, std::vector<const Spelling *>> Groups;
    for (const Spelling &Sp : P.Spellings) {
      bool Outer = false;
      if (Sp.Record.empty() || !C.Records.count(Sp.Record))
        for (Node *L : Sp.OuterLevels)
          Outer |= isPersistent(L);
      if (Outer) {
        refuse(Sp, "it is an array's or a function's, behind parentheses");
        continue;
      }
      if (Sp.File.empty()) {
        if (consumed(Sp))
          refuse(Sp, Sp.WhyNot);
        continue;
      }
      if (Places[Id(Sp)].size() > 1) {
        if (consumed(Sp))
          refuse(Sp, "other uses of the macro want a native one");
        continue;
      }
      std::string Group = Sp.Group.empty()
                              ? Sp.File + ":" + std::to_string(Sp.Begin) + ":" +
                                    std::to_string(Sp.NameBegin)
                              : Sp.Group;
      Groups[Group].push_back(&Sp);
    }
    for (auto &[Name, Members] : Groups) {
      std::sort(Members.begin(), Members.end(),
                       [](const Spelling *A, const Spelling *B) {
                         return A->NameBegin < B->NameBegin;
                       });
      Members.erase(std::unique(Members.begin(), Members.end(),
                                [](const Spelling *A, const Spelling *B) {
                                  return A->NameBegin == B->NameBegin;
                                }),
                    Members.end());
      retype(Members);
    }
  }

  /// The edit that makes the first part of a declaration an alias.
  void retypeFirst(const Spelling &Sp, unsigned Levels) {
    unsigned End = Sp.StarEnds[Levels - 1];
    StringRef Text = text(Sp.File);
    std::string New = spell(Sp.Type, Levels, Sp.File, Sp.Begin);
    char Next = End < Text.size() ? Text[End] : ' ';
    if (isalnum((unsigned char)Next) || Next == '_' || Next == '*' || Next == '(')
      New += " ";
    edit(Sp.File, Sp.Begin, End, New, "retype");
  }
  /// The qualifiers of the outermost pointer that becomes an alias: `const` of
  /// `*const *at`. End is set behind them.
  std::string qualifiers(const Spelling &Sp, unsigned Levels, unsigned &End) {
    StringRef Text = text(Sp.File);
    End = Sp.StarEnds[Levels - 1];
    std::string Found;
    for (;;) {
      StringRef Rest = Text.substr(End).ltrim();
      StringRef Word = Rest.take_while(
          [](char Ch) { return isalnum((unsigned char)Ch) || Ch == '_'; });
      if (Word != "const" && Word != "volatile")
        return Found;
      Found += (" " + Word).str();
      End = Text.size() - Rest.size() + Word.size();
    }
  }
  /// Where the declaration is not parted, its first part says the qualifiers.
  void dropStars(const Spelling &Sp, unsigned Levels, bool IsParted) {
    unsigned End = Sp.StarEnds[Levels - 1];
    if (!IsParted)
      qualifiers(Sp, Levels, End);
    if (End <= Sp.NameBegin)
      return; // a typedef hides it
    StringRef Text = text(Sp.File);
    while (End < Text.size() && Text[End] == ' ')
      ++End;
    edit(Sp.File, Sp.NameBegin, End, "", "retype");
  }

  void retype(const std::vector<const Spelling *> &Members) {
    std::vector<std::string> Types;
    bool Any = false, Same = true;
    for (const Spelling *Sp : Members) {
      unsigned Levels = consumed(*Sp);
      Any |= Levels;
      unsigned End;
      Types.push_back(
          Levels ? pattern(Sp->Type, Levels) + qualifiers(*Sp, Levels, End) : "");
      Same &= Types.back() == Types.front();
    }
    if (!Any)
      return;
    const Spelling &First = *Members.front();
    if (!Same && !First.CanSplit) {
      for (const Spelling *Sp : Members)
        if (consumed(*Sp))
          refuse(*Sp, "the head of the loop declares others beside it");
      return;
    }
    StringRef Text = text(First.File);
    // The commas at which the declaration is parted.
    std::vector<size_t> Commas(Members.size(), 0);
    for (size_t I = 1; I < Members.size() && !Same; ++I) {
      if (Types[I] == Types[I - 1])
        continue;
      size_t At = Text.take_front(Members[I]->NameBegin).rtrim().size();
      if (!At || Text[At - 1] != ',') {
        for (const Spelling *Sp : Members)
          if (consumed(*Sp))
            refuse(*Sp, "its declaration cannot be parted");
        return;
      }
      Commas[I] = At - 1;
    }
    if (unsigned Levels = consumed(First))
      retypeFirst(First, Levels);
    std::string Prefix =
        Text.slice(First.GroupBegin, First.Begin).str();
    std::string Plain = Text.slice(First.Begin, First.BaseEnd).str();
    for (size_t I = 1; I < Members.size(); ++I) {
      const Spelling &Sp = *Members[I];
      unsigned Levels = consumed(Sp);
      if (Commas[I]) {
        std::string Spec =
            Levels ? spell(Sp.Type, Levels, Sp.File, First.Begin) : Plain;
        edit(Sp.File, Commas[I], Commas[I] + 1, "; " + Prefix + Spec, "retype");
      }
      if (Levels)
        dropStars(Sp, Levels, Commas[I]);
    }
  }

  void parameters() {
    for (const Parameter &Param : P.Parameters) {
      if (!isPersistent(Param.Self))
        continue;
      std::string Native = Param.Text + "_native";
      if (!Param.Editable || P.Identifiers.count(Native)) {
        decide(Param.Name, "parameter",
               "the address of parameter '" + Param.Text + "' is taken as one of a "
               "persistent pointer, which a parameter is not; copy it to a local "
               "variable");
        continue;
      }
      Shape S = Param.Type;
      S.Levels.back() = Param.Self;
      std::string Type = spell(S, S.Levels.size(), Param.Name.File, Param.Name.Offset);
      edit(Param.Name.File, Param.Name.Offset, Param.Name.Offset + Param.Text.size(),
           Native, "parameter");
      edit(Param.Name.File, Param.BodyBegin, Param.BodyBegin,
           "\n  " + Type + " " + Param.Text + " = " + Native + ";", "parameter");
    }
  }

  // Conversions and calls.

  bool holdsPersistent(const std::string &Key) {
    auto It = P.Records.find(Key);
    if (It == P.Records.end() || !C.Records.count(Key))
      return false;
    for (const Field &F : It->second.Fields) {
      if (F.Depth && !F.IsTransient && isPersistent(F.Self))
        return true;
      if (F.Embeds && holdsPersistent(F.Reached))
        return true;
    }
    return false;
  }

  void memoryCalls() {
    for (const MemoryCall &Call : P.Calls) {
      bool Pointers = isPersistent(Call.Pointees[0]) || isPersistent(Call.Pointees[1]);
      bool Records = holdsPersistent(Call.Records[0]) || holdsPersistent(Call.Records[1]);
      if (!Pointers && !Records)
        continue;
      if (Call.Callee == "memset") {
        if (!Call.IsZero)
          decide(Call.Where, "raw-copy",
                 "memset to other than zero makes pointers of bytes; set the fields");
        continue;
      }
      if (Call.Callee == "memcmp") {
        decide(Call.Where, "raw-copy",
               "memcmp compares stored bits, and equal pointers need not have "
               "equal bits; compare the fields");
        continue;
      }
      if (Call.Variables && !Pointers)
        continue; // both are volatile
      bool Sorts = Call.Callee == "qsort";
      if (Call.SameType && Call.IsWhole && Call.Editable && Call.Callee != "mempcpy") {
        edit(Call.Where.File, Call.Where.Offset,
             Call.End,
             Sorts ? "perdure_qsort" : "perdure_memmove", "checked");
        Renamed.insert(Call.Where);
        NeedsHeader.insert(Call.Where.File);
        continue;
      }
      decide(Call.Where, "raw-copy",
             Call.Callee + " moves persistent pointers as bytes, and " +
                 (!Call.SameType  ? "the type of what it moves is not known here"
                  : !Call.IsWhole ? "the size is not one of whole elements"
                                  : "the call cannot be edited") +
                 "; use " + (Sorts ? "perdure_qsort" : "perdure_memmove"));
    }
  }

  void conversions() {
    for (const Conversion &V : P.Conversions) {
      if (!isPersistent(V.Pointees) || Renamed.count(V.Call))
        continue;
      if (V.What == Conversion::ToBytes) {
        decide(V.Where, "bytes",
               "persistent pointers are looked at as bytes; cast to 'void *' "
               "first if the bits are meant, else use the pointers");
        continue;
      }
      if (V.What == Conversion::ToVoid && !V.LooksOnly) {
        decide(V.Where, "bytes",
               "'" + V.Callee + "' gets persistent pointers as bytes; pass "
               "'(void *)' if the bits are meant");
        continue;
      }
      std::string Cast = V.What == Conversion::ToVoid
                             ? "void *"
                             : spell(V.Type, V.Type.Levels.size(), V.File, V.Begin);
      if (V.File.empty()) {
        decide(V.Where, "macro",
               "a macro hides the place where the cast '(" + Cast + ")' belongs");
        continue;
      }
      edit(V.File, V.Begin, V.Begin, "(" + Cast + ")" + (V.NeedsParens ? "(" : ""),
           "cast");
      if (V.NeedsParens)
        edit(V.File, V.End, V.End, ")", "cast");
    }
  }

  /// All calls that allocate or free what one kind of pointer leads to.
  struct Blocks {
    std::vector<const Allocation *> Makes, Frees;
    std::vector<Place> Addresses; ///< where the address of free is taken
    std::string Why; ///< why they have to stay
  };

  void allocations() {
    for (auto &[Function, Given] : P.Passed)
      if (!P.Functions[Function].HasBody)
        P.G.setEscaping(Given, P.Functions[Function].Where,
                        "'" + P.Functions[Function].Name +
                            "', whose body is in no file that was read,");
    std::map<Node *, Blocks> Kinds;
    for (const Allocation &A : P.Allocations) {
      Blocks &B = Kinds[P.G.find(A.Block)];
      bool Frees = A.Callee == "free";
      (Frees ? B.Frees : B.Makes).push_back(&A);
      if (Frees && !A.Editable)
        B.Why = "a macro frees such blocks";
      if (A.Callee == "reallocarray" || (A.Callee == "realloc" && !A.Editable))
        B.Why = "a macro or reallocarray moves such blocks";
    }
    std::set<Place> Taken;
    for (const Program::FreeByAddress &Free : P.FreedSomewhere)
      if (auto It = Kinds.find(P.G.find(Free.Block)); It != Kinds.end()) {
        if (!Free.Editable)
          It->second.Why = "they may be freed through a pointer to a function";
        else if (Taken.insert(Free.Where).second)
          It->second.Addresses.push_back(Free.Where);
      }
    // A pointer made from an integer may be any that became one.
    const Allocation *FromInteger = nullptr;
    for (auto &[N, B] : Kinds)
      if (N->FromInteger && !B.Frees.empty())
        FromInteger = B.Frees.front();
    for (auto &[N, B] : Kinds) {
      if (N->ToInteger && !N->FromInteger && FromInteger)
        B.Why = "not everything that frees such blocks is known: what is freed in line " +
                std::to_string(FromInteger->Where.Line) + " of " +
                llvm::sys::path::filename(FromInteger->Where.File).str() +
                " is a pointer made from an integer";
      if (const Reason &R = N->Escape; R.Where.isValid())
        B.Why = "not everything that frees such blocks is known: " + R.Text +
                " in line " + std::to_string(R.Where.Line) + " of " +
                llvm::sys::path::filename(R.Where.File).str() + " hides it";
      if (!O.ProveAllocations)
        B.Why = "--allocations=leave was given";
      auto IsOwned = [&](const Allocation *A) {
        return A->Slot && isPersistent(A->Slot);
      };
      bool Any = B.Why.empty() && llvm::any_of(B.Makes, [&](const Allocation *A) {
                   return IsOwned(A) && A->Editable;
                 });
      for (const Allocation *A : B.Makes) {
        bool Owned = IsOwned(A);
        if (Any && A->Callee == "realloc" && !Owned)
          near(*A, "NULL, "); // where the block lies
        if (Any && Owned && A->Editable) {
          near(*A, A->Owner + ", ");
        } else if (Owned || isPersistent(N) || holdsPersistent(A->Record)) {
          undecided(*A, Owned, B.Why);
        }
      }
      for (const Allocation *A : B.Frees)
        if (Any)
          near(*A, "");
      for (const Place &At : B.Addresses)
        if (Any) {
          edit(At.File, At.Offset, At.Offset + 4, "perdure_near_free", "allocation");
          NeedsHeader.insert(At.File);
        }
    }
  }
  void undecided(const Allocation &A, bool Owned, const std::string &Why) {
    std::string What = A.Record.empty() ? "what is stored here"
                                        : "'" + P.Records[A.Record].Name + "'";
    if (A.IsLocal && A.Record.empty()) {
      P.Findings.insert({Finding::Note, A.Where, "allocation",
                         "the block stays in volatile memory, as long as no function "
                         "that gets it keeps it in an object"});
      return;
    }
    decide(A.Where, "allocation",
           A.Callee + " gives volatile memory: " + What +
               (!Owned ? " lies in an object only if it is allocated there, and "
                         "nothing here proves its owner"
                       : " could be allocated near '" + A.Owner + "', but " +
                             (Why.empty() ? "a macro makes the call" : Why)) +
               (Owned ? "" : Why.empty() ? "" : "; " + Why));
  }
  void near(const Allocation &A, const std::string &Owner) {
    edit(A.Where.File, A.Where.Offset, A.ArgsBegin,
         "perdure_near_" + (A.Callee == "malloc" ? std::string("alloc") : A.Callee) +
             "(" + Owner,
         "allocation");
    NeedsHeader.insert(A.Where.File);
  }

  // Includes and aliases.

  /// Where lines are added. In a file without guard and includes, behind what is
  /// said of it.
  unsigned insertAt(const std::string &File) {
    unsigned At = P.Files[File].InsertAt;
    if (!P.Files[File].IsBare)
      return At;
    StringRef Text = text(File);
    for (;;) {
      StringRef Rest = Text.substr(At).ltrim();
      size_t Start = Text.size() - Rest.size(), End = StringRef::npos;
      if (Rest.starts_with("/*"))
        End = Text.find("*/", Start + 2);
      else if (Rest.starts_with("//"))
        End = Start;
      if (End != StringRef::npos)
        End = Text.find('\n', End);
      if (End == StringRef::npos)
        return At;
      At = End + 1;
    }
  }

  void insertions() {
    std::map<std::string, std::map<unsigned, std::vector<std::pair<unsigned, std::string>>>>
        Lines;
    for (auto &[Key, U] : Uses) {
      // Behind the base it is known wherever the base is.
      if (!U.Declared.empty()) {
        for (const Place &At : U.Declared) {
          NeedsHeader.insert(At.File);
          bool Have = false;
          for (auto &[K, A] : P.Aliases)
            Have |= A.Pattern == Key && A.File == At.File;
          if (!Have)
            Lines[At.File][At.Offset].push_back(
                {U.Order, "\ntypedef " + U.Definition + U.Name + " PERDURE;"});
        }
        continue;
      }
      std::set<std::string> Files;
      for (auto &[File, Offset] : U.First)
        Files.insert(File);
      std::set<std::string> Have;
      for (auto &[K, A] : P.Aliases)
        if (A.Pattern == Key)
          Have.insert(A.File);
      // One header that all see is better than many files.
      bool AllSee = Files.size() > 1 && !U.Home.empty();
      for (const std::string &F : Files)
        AllSee &= F == U.Home || includes(F, U.Home);
      if (AllSee)
        Files.insert(U.Home);
      for (const std::string &F : Files) {
        bool Seen = Have.count(F);
        for (const std::string &G : Have)
          Seen |= includes(F, G);
        for (const std::string &G : Files)
          Seen |= F != G && includes(F, G) && !includes(G, F);
        if (Seen)
          continue;
        NeedsHeader.insert(F);
        unsigned At = insertAt(F);
        std::string Line = "typedef " + U.Definition + U.Name + " PERDURE;\n";
        if (auto It = U.First.find(F); It != U.First.end() && It->second < At)
          decide(placeOf(F, It->second), "alias",
                 "'" + U.Name + "' is used before '" + U.Definition + "' is known; "
                 "move the first use down");
        Lines[F][At].push_back({U.Order, Line});
      }
    }
    for (const std::string &F : NeedsHeader)
      if (!P.Files[F].IncludesPerdure && !HeaderAt.count(F))
        Lines[F][insertAt(F)];
    for (auto &[F, Offsets] : Lines)
      for (auto &[At, Each] : Offsets) {
        std::sort(Each.begin(), Each.end());
        std::string Text;
        if (At == insertAt(F) && NeedsHeader.count(F) &&
            !P.Files[F].IncludesPerdure && !HeaderAt.count(F)) {
          Text = "#include <perdure/perdure.h>\n";
          // A file without includes needs a line between.
          StringRef Old = text(F).substr(At);
          if (!Old.empty() && Old[0] != '\n')
            Text += "\n";
        }
        std::string Last;
        for (auto &[Order, Line] : Each)
          if (Line != Last)
            Text += Last = Line;
        if (!Text.empty())
          edit(F, At, At, Text, "include");
      }
    for (auto &[F, Offsets] : Before)
      for (auto &[At, Each] : Offsets) {
        std::string Text;
        for (const std::string &Line : Each)
          Text += Line;
        edit(F, At, At, Text, "annotation");
      }
  }

  // What a person has to know.

  void report() {
    for (Node &N : P.G.nodes()) {
      if (N.Parent || !N.IsPersistent)
        continue;
      for (const Reason &R : N.Natives)
        decide(R.Where, "native",
               R.Text + ", but here they are persistent" +
                   (N.Persistent.Where.isValid()
                        ? " (" + N.Persistent.Text + ", line " +
                              std::to_string(N.Persistent.Where.Line) + ")"
                        : "") +
                   "; use a native variable of its own");
    }
    for (auto &[Key, F] : P.Functions) {
      if (F.HasBody)
        continue;
      for (Node *N : F.Places)
        if (isPersistent(N)) {
          decide(F.Where, "elsewhere",
                 "'" + F.Name + "' takes persistent pointers, but no file that was "
                 "read has its body; add the file, or pass it native ones");
          break;
        }
    }
    for (const Program::Number &N : P.Numbers)
      if (isPersistent(N.Pointees) || holdsPersistent(N.Record))
        decide(N.Where, "integer",
               "an integer is made from a pointer, and addresses differ from run "
               "to run; use perdure_offset if it is stored or hashed");
    for (const Program::Punned &Pun : P.Puns) {
      const std::string &A = Pun.Record, &B = Pun.Other;
      // A record that leads nowhere itself may be the head of one that does.
      if (B.empty() ? holdsPersistent(A)
                    : C.Records.count(A) && !C.Records.count(B) && pointers(B))
        decide(Pun.Where, "pun", Pun.Text);
    }
    unseen();
  }
  bool pointers(const std::string &Key) {
    auto It = P.Records.find(Key);
    if (It == P.Records.end())
      return true;
    for (const Field &F : It->second.Fields)
      if (F.Depth || (F.Embeds && F.ReachedHoldsPointers))
        return true;
    return false;
  }

  /// Code that no build saw, if it names what is annotated.
  void unseen() {
    std::set<std::string> Names;
    for (const std::string &Key : C.Records)
      if (!P.Records[Key].Name.empty())
        Names.insert(P.Records[Key].Name);
    for (auto &[File, Ranges] : P.Skipped)
      for (auto &[Range, Times] : Ranges) {
        if (Times < P.Units[File])
          continue;
        StringRef Text = text(File).slice(Range.first, Range.second);
        for (const std::string &Name : Names) {
          size_t At = Text.find(Name);
          if (At == StringRef::npos)
            continue;
          auto IsWord = [](char Ch) { return isalnum((unsigned char)Ch) || Ch == '_'; };
          if ((At && IsWord(Text[At - 1])) || (At + Name.size() < Text.size() &&
                                               IsWord(Text[At + Name.size()])))
            continue;
          StringRef Head = text(File).take_front(Range.first);
          Place Where{File, Range.first, unsigned(Head.count('\n') + 1), 1};
          P.Findings.insert({Finding::Note, Where, "unseen",
                             "no build that was read compiles what stands here, "
                             "which names '" + Name + "'"});
          break;
        }
      }
  }

  /// What a person has decided, and said so in the line or in the one above.
  void settle() {
    for (auto It = P.Findings.begin(); It != P.Findings.end();) {
      StringRef Text = text(It->Where.File);
      unsigned Start = lineStart(It->Where);
      size_t End = Text.find('\n', Start);
      if (Start)
        Start = lineStart({It->Where.File, Start - 1, 0, 0});
      bool Decided = It->What == Finding::Decision && !It->Where.File.empty() &&
                     Text.slice(Start, End).contains("perdure: decided");
      It = Decided ? P.Findings.erase(It) : std::next(It);
    }
  }

  std::vector<Edit> merged() {
    std::sort(Edits.begin(), Edits.end());
    std::vector<Edit> Result;
    for (Edit &E : Edits) {
      if (!Result.empty()) {
        Edit &Last = Result.back();
        if (Last.File == E.File && Last.Offset == E.Offset &&
            Last.Length == E.Length && Last.Text == E.Text && E.Length)
          continue; // spelled once, used often
        if (Last.File == E.File && Last.Offset == E.Offset && !Last.Length &&
            !E.Length && Last.Text == E.Text && Last.Kind == E.Kind)
          continue;
        if (Last.File == E.File && E.Offset < Last.Offset + Last.Length) {
          decide(placeOf(E.File, E.Offset), "overlap",
                 "two edits meet here ('" + Last.Text + "' and '" + E.Text +
                     "'); the second was not made");
          continue;
        }
      }
      Result.push_back(std::move(E));
    }
    return Result;
  }

  Program &P;
  const Closure &C;
  const Options &O;
  std::vector<Edit> Edits;
  std::map<std::string, Use> Uses;                ///< by pattern
  std::map<std::string, std::string> Chosen;      ///< names, by pattern
  std::map<std::string, std::string> Known;       ///< patterns, by name
  std::set<std::string> NeedsHeader;
  std::map<std::string, unsigned> HeaderAt;
  std::map<std::string, std::map<unsigned, std::vector<std::string>>> Before;
  std::set<Place> Renamed;
  std::map<std::string, std::unique_ptr<llvm::MemoryBuffer>> Buffers;
};

} // namespace

std::vector<Edit> plan(Program &P, const Closure &C, const Options &O) {
  return Planner(P, C, O).run();
}

} // namespace perdure::migrate

//===- Closure.cpp - What the roots reach ---------------------------------===//
//
// From each root through every field that is a pointer or a record. On the way:
// what the plugin refuses in an annotated record, and what leads to memory that
// will not be there in the next run.
//
//===----------------------------------------------------------------------===//
#include "Program.h"

#include "llvm/ADT/StringRef.h"

using llvm::StringRef;

namespace perdure::migrate {

namespace {

class Closer {
public:
  Closer(Program &P, const Options &O) : P(P), O(O) {}

  Closure run() {
    resolvePuns();
    for (const std::string &Root : O.Roots)
      addRoot(Root);
    FirstRoots = C.Records;
    for (const std::string &Header : O.Headers) {
      bool Found = false;
      for (auto &[Key, R] : P.Records)
        if (isFile(R.Where.File, Header) && R.Parent.empty()) {
          push(Key);
          Found = true;
        }
      if (!Found && C.Error.empty())
        C.Error = "no file that was read defines a record in '" + Header +
                  "'; name a header that one of them includes";
    }
    for (auto &[Key, R] : P.Records)
      if (R.IsAnnotated)
        push(Key);
    do {
      while (!Work.empty()) {
        std::string Key = Work.back();
        Work.pop_back();
        visit(P.Records[Key]);
      }
      // What starts with a record of the closure, and is made of a pointer to it.
      for (auto &[A, B] : P.Derived) {
        if (C.Records.count(A) && !isForeign(B))
          reach(B);
        if (C.Records.count(B) && !isForeign(A))
          reach(A);
      }
    } while (!Work.empty());
    for (const std::string &Key : C.Records) {
      const Record &R = P.Records[Key];
      if (!R.IsAnnotated && !R.IsUnion && !isInherited(R) && holds(Key))
        C.Annotate.insert(Key);
    }
    return std::move(C);
  }

private:
  /// All definitions of what was not complete where it was cast.
  std::vector<std::string> definitions(const std::string &Key) {
    if (Key.empty() || Key[0] != '?')
      return {Key};
    std::vector<std::string> Found;
    auto [Begin, End] = P.ByUsr.equal_range(Key.substr(1));
    for (auto It = Begin; It != End; ++It)
      Found.push_back(It->second);
    return Found;
  }
  bool startsWith(std::string Outer, const std::string &Inner) {
    for (int Depth = 0; Depth != 8; ++Depth) {
      auto It = P.Records.find(Outer);
      if (It == P.Records.end() || It->second.IsUnion || It->second.Fields.empty() ||
          !It->second.Fields.front().Embeds)
        return false;
      Outer = It->second.Fields.front().Reached;
      if (Outer == Inner)
        return true;
    }
    return false;
  }
  void resolvePuns() {
    std::vector<Program::Punned> Resolved;
    for (const Program::Punned &Pun : P.Puns)
      for (const std::string &A : definitions(Pun.Record))
        for (const std::string &B : definitions(Pun.Other)) {
          Program::Punned Each = Pun;
          Each.Record = A;
          Each.Other = B;
          if (!B.empty() && (startsWith(A, B) || startsWith(B, A)))
            P.Derived.insert({A, B});
          else
            Resolved.push_back(Each);
        }
    P.Puns = std::move(Resolved);
  }

  static bool isFile(StringRef Path, StringRef Name) {
    return Path == Name ||
           (Path.ends_with(Name) && Path.drop_back(Name.size()).ends_with("/"));
  }
  bool isAdopted(const Record &R) const {
    for (const std::string &Header : O.Headers)
      if (isFile(R.Where.File, Header))
        return true;
    return false;
  }

  void addRoot(StringRef Root) {
    StringRef Name = Root;
    for (StringRef Kind : {"struct", "union", "class"})
      if (Name.starts_with(Kind) && Name.size() > Kind.size() &&
          (Name[Kind.size()] == ':' || Name[Kind.size()] == ' '))
        Name = Name.drop_front(Kind.size() + 1);
    bool Found = false;
    for (auto &[Key, R] : P.Records)
      if (R.Name == Name) {
        push(Key);
        Found = true;
      }
    auto [Begin, End] = P.ByTypedef.equal_range(Name.str());
    for (auto It = Begin; It != End; ++It)
      Found |= reach(It->second);
    if (!Found && C.Error.empty())
      C.Error = "no record is called '" + Name.str() +
                "' in the files that were read; --root takes a tag or a typedef";
  }

  void push(const std::string &Key) {
    if (C.Records.insert(Key).second)
      Work.push_back(Key);
  }
  /// By key, or where the definition was not in sight by name; false: nowhere.
  bool reach(const std::string &Key) {
    if (Key[0] != '?') {
      push(Key);
      return true;
    }
    auto [Begin, End] = P.ByUsr.equal_range(Key.substr(1));
    for (auto It = Begin; It != End; ++It)
      push(It->second);
    return Begin != End;
  }
  bool isRoot(const std::string &Key) {
    auto It = P.Records.find(Key);
    return It != P.Records.end() &&
           (It->second.IsAnnotated || FirstRoots.count(Key) || isAdopted(It->second));
  }
  bool isInherited(const Record &R) const {
    return !R.Parent.empty() && C.Records.count(R.Parent) &&
           !P.Records[R.Parent].IsUnion;
  }
  /// Does it hold pointers, so that an annotation has a meaning?
  bool holds(const std::string &Key) {
    for (const Field &F : P.Records[Key].Fields) {
      if (F.Depth)
        return true;
      if (F.Embeds && F.ReachedHoldsPointers && !F.IsSystem &&
          P.Records.count(F.Reached) && P.Records[F.Reached].Parent == Key)
        return true;
    }
    return false;
  }

  void decide(const Field &F, std::string Code, std::string Text) {
    P.Findings.insert({Finding::Decision, F.Where, std::move(Code),
                       "field '" + F.Name + "' " + Text});
  }

  void visit(const Record &R) {
    if (R.HasVirtual)
      P.Findings.insert({Finding::Decision, R.Where, "virtual",
                         "'" + R.Name + "' has virtual functions or bases, for "
                         "which a record holds native pointers; use a tag and a "
                         "switch"});
    bool Foreign = R.IsSystem && !isAdopted(R);
    for (const Field &F : R.Fields) {
      if (F.IsTransient || Foreign)
        continue;
      if (F.IsReference) {
        decide(F, "reference", "is a reference, which is a native address; make "
                               "it a pointer, or mark it transient");
        continue;
      }
      if (F.IsCode) {
        undecided(R, F, "function-pointer",
                  "points to code, whose address changes from run to run; store "
                  "an index into a table of functions, or mark it transient");
        continue;
      }
      if (F.IsTable && F.Depth && !isRoot(F.Reached)) {
        undecided(R, F, "function-table",
                  "leads to '" + F.Type + "', a table of functions, whose address "
                  "changes from run to run; mark it transient, and set it when the "
                  "object is opened");
        continue;
      }
      if (F.IsAtomic) {
        decide(F, "atomic", "is an _Atomic pointer; use a plain pointer and "
                            "perdure_atomic_*, or mark it transient");
        continue;
      }
      if (F.Depth && R.IsUnion) {
        undecided(R, F, "union",
                  "shares its place with other members of a union; give it a "
                  "place of its own, or mark it transient");
        continue;
      }
      if (F.Depth && R.IsPacked) {
        decide(F, "packed", "is packed; a persistent pointer is stored in one "
                            "aligned write: remove the attribute, or mark it "
                            "transient");
        continue;
      }
      if (!F.Reached.empty() && F.IsSystem && !adopts(F.Reached)) {
        if (F.Depth)
          undecided(R, F, "system-record",
                    "leads to a record of a system header ('" + F.Type +
                        "'), which lies in volatile memory; mark it transient, "
                        "and set it when the object is opened");
        else if (F.ReachedHoldsPointers)
          undecided(R, F, "system-record",
                    "holds a record of a system header ('" + F.Type +
                        "'), whose pointers are native; mark it transient, or "
                        "move it out");
        continue;
      }
      if (F.IsTemplate && (F.Depth || F.ReachedHoldsPointers))
        decide(F, "template",
               "leads to or holds '" + F.Type + "', an instance of a template, which "
               "is not looked at; annotate the template by hand");
      else if (!F.Reached.empty() && !reach(F.Reached) && F.Depth)
        P.Findings.insert({Finding::Decision, F.Where, "incomplete",
                           "field '" + F.Name + "' leads to '" + F.Type +
                               "', which no file that was read defines; add the "
                               "file that does, or mark it transient"});
      if (F.LeadsAnywhere)
        P.Findings.insert({Finding::Note, F.Where, "void",
                           "field '" + F.Name + "' leads to anything; what the "
                           "program stores there must lie in objects as well"});
      Node *N = F.Self;
      for (unsigned I = 0; I != F.Depth; ++I, N = P.G.next(N))
        P.G.setPersistent(N, F.Where,
                          "field '" + F.Name + "' of '" + R.Name + "'");
    }
  }

  void undecided(const Record &R, const Field &F, std::string Code, std::string Text) {
    // The mark stands before the declaration, and would hold for all in it.
    bool IsAlone = std::count_if(R.Fields.begin(), R.Fields.end(), [&](const Field &O) {
                     return O.File == F.File && O.Begin == F.Begin;
                   }) == 1;
    if (!IsAlone)
      Text += "; first part the declaration, which it shares with others";
    if (O.Transient && !F.File.empty() && IsAlone) {
      C.Transient.push_back(&F);
      P.Findings.insert({Finding::Note, F.Where, Code,
                         "field '" + F.Name + "' " + Text +
                             " (marked transient, as --transient asks)"});
      return;
    }
    decide(F, std::move(Code), std::move(Text));
  }
  bool isForeign(const std::string &Key) {
    auto It = P.Records.find(Key);
    return It != P.Records.end() && It->second.IsSystem && !isAdopted(It->second);
  }
  bool adopts(const std::string &Key) {
    auto It = P.Records.find(Key);
    return It != P.Records.end() && isAdopted(It->second);
  }

  Program &P;
  const Options &O;
  Closure C;
  std::vector<std::string> Work;
  std::set<std::string> FirstRoots; ///< those that --root names
};

} // namespace

Closure findClosure(Program &P, const Options &O) { return Closer(P, O).run(); }

} // namespace perdure::migrate

//===- Output.cpp - Diffs, reports, and writing all files or none ---------===//
#include "Output.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace perdure::migrate {

bool applyEdits(const std::vector<Edit> &Edits, std::vector<Change> &Changes) {
  unsigned Last = 0;
  for (const Edit &E : Edits) {
    if (Changes.empty() || Changes.back().File != E.File) {
      if (!Changes.empty())
        Changes.back().After += StringRef(Changes.back().Before).substr(Last);
      auto Buffer = MemoryBuffer::getFile(E.File);
      if (!Buffer) {
        errs() << "perdure-migrate: cannot read " << E.File << ": "
               << Buffer.getError().message() << "; nothing was changed\n";
        return false;
      }
      Changes.push_back({E.File, (*Buffer)->getBuffer().str(), ""});
      Last = 0;
    }
    Change &C = Changes.back();
    C.After += StringRef(C.Before).slice(Last, E.Offset);
    C.After += E.Text;
    Last = E.Offset + E.Length;
  }
  if (!Changes.empty())
    Changes.back().After += StringRef(Changes.back().Before).substr(Last);
  return true;
}

std::string shown(const std::string &Path) {
  SmallString<256> Here;
  sys::fs::current_path(Here);
  SmallString<256> Real;
  if (!sys::fs::real_path(Here, Real))
    Here = Real;
  StringRef P = Path;
  if (P.consume_front(Here) && P.consume_front("/"))
    return P.str();
  return Path;
}

namespace {

std::vector<StringRef> linesOf(StringRef Text) {
  std::vector<StringRef> Lines;
  while (!Text.empty()) {
    size_t End = Text.find('\n');
    End = End == StringRef::npos ? Text.size() : End + 1;
    Lines.push_back(Text.take_front(End));
    Text = Text.drop_front(End);
  }
  return Lines;
}

/// Lines [Old, OldEnd) of the one became [New, NewEnd) of the other.
struct Block {
  size_t Old, OldEnd, New, NewEnd;
};

/// Edits change or add lines and leave most as they are, so that looking a few
/// lines ahead finds where both go on alike.
std::vector<Block> blocks(ArrayRef<StringRef> A, ArrayRef<StringRef> B) {
  std::vector<Block> Result;
  size_t I = 0, J = 0;
  while (I < A.size() || J < B.size()) {
    if (I < A.size() && J < B.size() && A[I] == B[J]) {
      ++I, ++J;
      continue;
    }
    size_t BestI = A.size(), BestJ = B.size();
    for (size_t Sum = 1; Sum < 400 && BestI == A.size(); ++Sum)
      for (size_t DI = 0; DI <= Sum; ++DI) {
        size_t X = I + DI, Y = J + (Sum - DI);
        if (X >= A.size() || Y >= B.size() || A[X] != B[Y])
          continue;
        // A blank line alone is no place to meet again.
        if (DI && A[X].trim().size() < 2 && X + 1 < A.size() && Y + 1 < B.size() &&
            A[X + 1] != B[Y + 1])
          continue;
        BestI = X, BestJ = Y;
        break;
      }
    Result.push_back({I, BestI, J, BestJ});
    I = BestI, J = BestJ;
  }
  return Result;
}

} // namespace

void printDiff(const Change &C, raw_ostream &OS) {
  std::vector<StringRef> A = linesOf(C.Before), B = linesOf(C.After);
  std::vector<Block> All = blocks(A, B);
  if (All.empty())
    return;
  std::string Name = shown(C.File);
  StringRef Tail = StringRef(Name).starts_with("/") ? StringRef(Name).substr(1)
                                                    : StringRef(Name);
  OS << "--- a/" << Tail << "\n+++ b/" << Tail << "\n";
  auto Line = [&](char Sign, StringRef Text) {
    OS << Sign << Text;
    if (!Text.ends_with("\n"))
      OS << "\n\\ No newline at end of file\n";
  };
  for (size_t I = 0; I < All.size();) {
    size_t Last = I;
    while (Last + 1 < All.size() && All[Last + 1].Old - All[Last].OldEnd <= 6)
      ++Last;
    size_t Start = All[I].Old - std::min<size_t>(All[I].Old, 3);
    size_t End = std::min(A.size(), All[Last].OldEnd + 3);
    size_t NewStart = All[I].New - (All[I].Old - Start);
    size_t NewEnd = All[Last].NewEnd + (End - All[Last].OldEnd);
    auto Range = [&](size_t From, size_t To) {
      OS << (To > From ? From + 1 : From) << ',' << To - From;
    };
    OS << "@@ -";
    Range(Start, End);
    OS << " +";
    Range(NewStart, NewEnd);
    OS << " @@\n";
    size_t At = Start;
    for (; I <= Last; ++I) {
      for (; At < All[I].Old; ++At)
        Line(' ', A[At]);
      for (; At < All[I].OldEnd; ++At)
        Line('-', A[At]);
      for (size_t J = All[I].New; J < All[I].NewEnd; ++J)
        Line('+', B[J]);
    }
    for (; At < End; ++At)
      Line(' ', A[At]);
  }
}

void printFindings(const std::set<Finding> &Findings, raw_ostream &OS) {
  for (const Finding &F : Findings)
    OS << shown(F.Where.File) << ':' << F.Where.Line << ':' << F.Where.Column
       << ": " << (F.What == Finding::Decision ? "decide: " : "note: ") << F.Text
       << " [" << F.Code << "]\n";
}

void printSummary(const std::vector<Edit> &Edits, const std::set<Finding> &Findings,
                  bool Written, raw_ostream &OS) {
  std::set<std::string> Files;
  for (const Edit &E : Edits)
    Files.insert(E.File);
  size_t Decisions = count_if(
      Findings, [](const Finding &F) { return F.What == Finding::Decision; });
  OS << "perdure-migrate: " << Edits.size() << " edits in " << Files.size()
     << " files " << (Written ? "made" : "to make") << ", " << Decisions
     << " decisions for a person\n";
}

void printJson(const std::vector<Edit> &Edits, const std::set<Finding> &Findings,
               const std::vector<Change> &Changes, raw_ostream &OS) {
  std::map<std::string, StringRef> Texts;
  for (const Change &C : Changes)
    Texts[C.File] = C.Before;
  json::OStream J(OS, 2);
  J.object([&] {
    J.attributeArray("edits", [&] {
      for (const Edit &E : Edits) {
        StringRef Head = Texts[E.File].take_front(E.Offset);
        size_t Start = Head.rfind('\n');
        J.object([&] {
          J.attribute("file", json::fixUTF8(shown(E.File)));
          J.attribute("line", int64_t(Head.count('\n') + 1));
          J.attribute("column", int64_t(Start == StringRef::npos
                                            ? Head.size() + 1
                                            : Head.size() - Start));
          J.attribute("kind", E.Kind);
          J.attribute("old", json::fixUTF8(Texts[E.File].substr(E.Offset, E.Length)));
          J.attribute("new", json::fixUTF8(E.Text));
        });
      }
    });
    for (auto [Key, Kind] : {std::pair("decisions", Finding::Decision),
                             std::pair("notes", Finding::Note)})
      J.attributeArray(Key, [&, Kind = Kind] {
        for (const Finding &F : Findings)
          if (F.What == Kind)
            J.object([&] {
              J.attribute("file", json::fixUTF8(shown(F.Where.File)));
              J.attribute("line", F.Where.Line);
              J.attribute("column", F.Where.Column);
              J.attribute("code", F.Code);
              J.attribute("reason", json::fixUTF8(F.Text));
            });
      });
  });
  OS << "\n";
}

namespace {

/// Writes beside the file, with its mode; the name of what was written, or "".
std::string writeBeside(const std::string &File, StringRef Text) {
  SmallString<256> Model(sys::path::parent_path(File));
  sys::path::append(Model, "." + sys::path::filename(File) + ".%%%%%%.migrate");
  SmallString<256> Name;
  int Descriptor;
  if (std::error_code Error = sys::fs::createUniqueFile(Model, Descriptor, Name)) {
    errs() << "perdure-migrate: cannot write beside " << File << ": "
           << Error.message() << "\n";
    return "";
  }
  raw_fd_ostream Out(Descriptor, /*shouldClose=*/true);
  Out << Text;
  Out.close();
  std::error_code Error = Out.error();
  Out.clear_error();
  if (!Error)
    if (auto Mode = sys::fs::getPermissions(File))
      Error = sys::fs::setPermissions(Name, *Mode);
  if (!Error)
    return std::string(Name);
  errs() << "perdure-migrate: cannot write " << Name << ": " << Error.message()
         << "\n";
  sys::fs::remove(Name);
  return "";
}

} // namespace

bool writeAll(const std::vector<Change> &Changes) {
  std::vector<std::string> Names;
  for (const Change &C : Changes) {
    std::string Name = writeBeside(C.File, C.After);
    if (Name.empty()) {
      for (const std::string &N : Names)
        sys::fs::remove(N);
      errs() << "perdure-migrate: no file was changed\n";
      return false;
    }
    Names.push_back(Name);
  }
  for (size_t I = 0; I != Changes.size(); ++I) {
    std::error_code Error = sys::fs::rename(Names[I], Changes[I].File);
    if (!Error)
      continue;
    errs() << "perdure-migrate: cannot replace " << Changes[I].File << ": "
           << Error.message() << "\n";
    for (size_t Rest = I; Rest != Names.size(); ++Rest)
      sys::fs::remove(Names[Rest]);
    bool Restored = true;
    while (I--) {
      std::string Name = writeBeside(Changes[I].File, Changes[I].Before);
      Restored &= !Name.empty() && !sys::fs::rename(Name, Changes[I].File);
    }
    errs() << (Restored ? "perdure-migrate: no file was changed\n"
                        : "perdure-migrate: some files stay changed; restore them "
                          "from your version control\n");
    return false;
  }
  return true;
}

} // namespace perdure::migrate

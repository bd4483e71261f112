//===- Flips.cpp - perdure flips ------------------------------------------===//

#include "Command.h"
#include "FlipsRun.h"
#include "Output.h"

#include "../flips/Advice.h"
#include "../flips/Html.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

using namespace perdure::flips;

namespace {

struct Options {
  FlipsRun Run;
  std::string File, Other, Output;
  std::vector<std::string> Files, Sources;
  std::string By = "line";
  size_t Top = 20;
  Energy Cell;
  bool Json = false, All = false;
};

/// What is known of one row of a table: a line, a field, a page, a bit.
struct Row {
  std::string Name;
  Counters C; // of pages and bits only the cells
  uint64_t Lines = 0;
};

const char *const Groups[] = {"line", "function", "field", "type",
                              "file", "part",     "page",  "bit"};

} // namespace

static int complain(const std::string &What, int Status = Failure) {
  fprintf(stderr, "perdure: flips: %s\n", What.c_str());
  return Status;
}

static std::string orUnknown(const std::string &Text) {
  return Text.empty() ? "(not known)" : Text;
}

// "struct node" of "struct node.next".
static std::string typeOf(const std::string &Field) {
  return Field.substr(0, Field.find('.'));
}

static std::string groupOf(const Place &P, const std::string &By) {
  if (By == "function")
    return orUnknown(P.Function);
  if (By == "field")
    return orUnknown(P.Field);
  if (By == "type")
    return orUnknown(typeOf(P.Field));
  if (By == "part")
    return P.isUnknown()   ? orUnknown("")
           : P.isRuntime() ? "runtime"
                           : "program";
  if (By == "file" || P.File.empty())
    return orUnknown(P.File);
  return P.File + ":" + std::to_string(P.Line) +
         (P.Field.empty() ? "" : " " + P.Field);
}

static Row cellsRow(const std::string &Name, const Cells &C) {
  Row R;
  R.Name = Name;
  R.C[CellsSet] = C.Set;
  R.C[CellsCleared] = C.Cleared;
  return R;
}

// By what flips most in the medium; without a model at the stores.
static std::vector<Row> rowsOf(const Profile &P, const std::string &By) {
  std::map<std::string, Row> Found;
  std::vector<Row> Rows;
  if (By == "page") {
    for (auto &[Where, C] : P.Pages) {
      Rows.push_back(
          cellsRow(Where.first + " " + std::to_string(Where.second), C));
      Rows.back().Lines = C.Writes;
    }
  } else if (By == "bit") {
    for (auto &[Position, C] : P.Bits)
      Rows.push_back(cellsRow(std::to_string(Position), C));
    return Rows; // in their order
  } else {
    for (auto &[Where, C] : P.Places)
      Found[groupOf(Where, By)].C += C;
    for (auto &[Name, R] : Found) {
      Rows.push_back(R);
      Rows.back().Name = Name;
    }
  }
  bool Model = P.hasModel();
  std::sort(Rows.begin(), Rows.end(), [&](const Row &A, const Row &B) {
    uint64_t X = Model ? A.C.inMedium() : A.C.atStore();
    uint64_t Y = Model ? B.C.inMedium() : B.C.atStore();
    return X != Y ? X > Y : A.Name < B.Name;
  });
  return Rows;
}

static bool isCells(const std::string &By) {
  return By == "page" || By == "bit";
}

static void printTotals(const Profile &P) {
  std::string How;
  for (auto &[Key, Value] : P.Run)
    if (Key != "model")
      How += (How.empty() ? "" : ", ") + Key + " " + Value;
  if (!P.hasModel())
    How = "without a model of the medium";
  std::string Lines;
  for (auto &[Key, Value] : P.Totals)
    if (Value)
      Lines += (Lines.empty() ? "" : ", ") + std::to_string(Value) + " " + Key;
  printf("%s\n%s%s", How.c_str(), Lines.c_str(), Lines.empty() ? "" : "\n");
}

static void printRows(const Options &O, const Profile &P) {
  std::vector<Row> Rows = rowsOf(P, O.By);
  bool OfCells = isCells(O.By);
  std::string Title = O.By;
  for (char &C : Title)
    C = char(toupper(C));
  std::vector<std::string> Titles{"CELLS", "SET", "CLEARED", "NJ"};
  if (O.By == "page")
    Titles.push_back("LINES");
  if (!OfCells)
    Titles.insert(Titles.end(), {"STORES", "SILENT", "BYTES", "AT STORE"});
  Titles.push_back(Title);
  Table T(Titles);
  size_t Most = isForPeople() && O.By != "bit" ? O.Top : Rows.size();
  auto Add = [&](const Row &R) {
    std::vector<std::string> Cells{
        std::to_string(R.C.inMedium()), std::to_string(R.C[CellsSet]),
        std::to_string(R.C[CellsCleared]), decimal(O.Cell.nanojoule(R.C), 1)};
    if (O.By == "page")
      Cells.push_back(std::to_string(R.Lines));
    if (!OfCells)
      for (uint64_t N : {R.C[Stores], R.C[Silent], R.C[Bytes], R.C.atStore()})
        Cells.push_back(std::to_string(N));
    Cells.push_back(isForPeople() ? escape(R.Name) : R.Name);
    T.addRow(Cells);
  };
  for (size_t I = 0; I != std::min(Most, Rows.size()); ++I)
    Add(Rows[I]);
  if (isForPeople())
    printTotals(P);
  if (isForPeople() && !OfCells)
    Add({"all " + std::to_string(Rows.size()), P.sum(), 0});
  T.print();
  if (Most < Rows.size())
    printf("and %zu more: --top 0 prints all\n", Rows.size() - Most);
}

static void addCounters(Json &J, const Options &O, const Counters &C) {
  for (unsigned I = 0; I != CounterCount; ++I)
    J.add(CounterTexts[I], C[I]);
  J.add("nanojoule", decimal(O.Cell.nanojoule(C), 3));
}

static void printJson(const Options &O, const Profile &P) {
  Json J;
  J.beginObject();
  J.beginObject("run");
  for (auto &[Key, Value] : P.Run)
    J.add(Key.c_str(), Value);
  J.endObject();
  J.beginObject("totals");
  for (auto &[Key, Value] : P.Totals)
    J.add(Key.c_str(), Value);
  J.endObject();
  J.beginObject("all");
  addCounters(J, O, P.sum());
  J.endObject();
  J.beginArray("rows");
  for (const Row &R : rowsOf(P, O.By)) {
    J.beginObject();
    J.add(O.By.c_str(), R.Name);
    addCounters(J, O, R.C);
    if (O.By == "page")
      J.add("lines", R.Lines);
    J.endObject();
  }
  J.endArray();
  J.endObject();
}

static int show(Options O) {
  Profile P;
  std::string Why;
  if (!readProfile(O.File, P, Why))
    return complain(Why);
  if (isCells(O.By) && !P.hasModel())
    return complain(O.File +
                    " was recorded without a model of the medium, so "
                    "nothing is known of its " +
                    O.By + "s");
  if (!O.Top)
    O.Top = SIZE_MAX;
  if (O.Json)
    printJson(O, P);
  else
    printRows(O, P);
  return Success;
}

static int merge(const Options &O) {
  Profile All;
  std::string Why;
  for (const std::string &File : O.Files) {
    Profile P;
    if (!readProfile(File, P, Why))
      return complain(Why);
    if (!mergeProfile(All, P, Why))
      return complain(File + " cannot be added to " + O.Files[0] + ": " + Why);
  }
  return writeProfile(O.Output, All, Why) ? Success : complain(Why);
}

// Before, after, and what it makes of a hundred; by the greatest change.
static int diff(const Options &O) {
  Profile A, B;
  std::string Why;
  if (!readProfile(O.File, A, Why) || !readProfile(O.Other, B, Why))
    return complain(Why);
  bool Model = A.hasModel() && B.hasModel();
  auto Of = [&](const Counters &C) {
    return Model ? C.inMedium() : C.atStore();
  };
  std::map<std::string, std::pair<uint64_t, uint64_t>> Rows;
  for (const Row &R : rowsOf(A, O.By))
    Rows[R.Name].first = Of(R.C);
  for (const Row &R : rowsOf(B, O.By))
    Rows[R.Name].second = Of(R.C);
  using Named = std::pair<std::string, std::pair<uint64_t, uint64_t>>;
  std::vector<Named> Sorted(Rows.begin(), Rows.end());
  auto Change = [](const Named &N) {
    return std::max(N.second.first, N.second.second) -
           std::min(N.second.first, N.second.second);
  };
  std::sort(Sorted.begin(), Sorted.end(), [&](const Named &X, const Named &Y) {
    return Change(X) != Change(Y) ? Change(X) > Change(Y) : X.first < Y.first;
  });
  if (isForPeople())
    printf("%s\n", Model ? "cells of the medium that changed"
                         : "bits that stores changed");
  std::string Title = O.By;
  for (char &C : Title)
    C = char(toupper(C));
  Table T({"BEFORE", "AFTER", "CHANGE", Title});
  auto Add = [&](const std::string &Name, uint64_t X, uint64_t Y) {
    std::string Percent =
        X ? decimal(100.0 * (double(Y) - double(X)) / double(X), 1) + "%" : "-";
    if (Percent[0] != '-')
      Percent = "+" + Percent;
    T.addRow({std::to_string(X), std::to_string(Y), Percent,
              isForPeople() ? escape(Name) : Name});
  };
  size_t Most = isForPeople() && O.Top ? O.Top : Sorted.size();
  for (size_t I = 0; I != std::min(Most, Sorted.size()); ++I)
    Add(Sorted[I].first, Sorted[I].second.first, Sorted[I].second.second);
  if (!isCells(O.By))
    Add("all", Of(A.sum()), Of(B.sum()));
  T.print();
  return Success;
}

static void printAdvice(const Options &O, const std::vector<Advice> &Found) {
  Table T(
      {"SAVED", "NOW", "UNDER", "WRITES", "POLICY", "FIELD", "WHERE", "WRITE"});
  size_t Most = isForPeople() && O.Top ? O.Top : Found.size();
  auto Text = [](const std::string &S) {
    return isForPeople() ? escape(S) : S;
  };
  for (size_t I = 0; I != std::min(Most, Found.size()); ++I) {
    const Advice &A = Found[I];
    std::string Where = A.Most.File.empty()
                            ? orUnknown(A.Most.Function)
                            : A.Most.File + ":" + std::to_string(A.Most.Line);
    if (A.Places > 1)
      Where += " and " + std::to_string(A.Places - 1) + " more";
    T.addRow({std::to_string(A.saved()), std::to_string(A.Sum.now()),
              std::to_string(A.Sum.under()), std::to_string(A.Sum[Writes]),
              A.Policy, Text(orUnknown(A.Field)), Text(Where), A.Write});
  }
  T.print();
  if (Most < Found.size())
    printf("and %zu more: --top 0 prints all\n", Found.size() - Most);
}

static int advice(const Options &O) {
  Profile P;
  std::string Why;
  if (!readProfile(O.File, P, Why))
    return complain(Why);
  if (!P.hasAdvice())
    return complain(O.File + " was recorded without what advice needs: record "
                             "it with perdure flips run --advise");
  std::vector<Advice> Found = advise(P, O.All);
  uint64_t SilentWrites = P.sum()[Silent], AllWrites = P.sum()[Stores];
  if (!O.Json) {
    if (isForPeople())
      printf(
          "bits that stores changed; %llu of %llu stores changed none, which "
          "-fperdure-reduce-flips=silent leaves out\n",
          (unsigned long long)SilentWrites, (unsigned long long)AllWrites);
    printAdvice(O, Found);
    return Success;
  }
  Json J;
  J.beginObject();
  J.add("now", P.sum().atStore());
  J.add("stores", AllWrites);
  J.add("silent", SilentWrites);
  J.beginArray("advice");
  for (const Advice &A : Found) {
    J.beginObject();
    J.add("policy", A.Policy);
    J.add("field", A.Field);
    J.add("file", A.Most.File);
    J.add("line", A.Most.Line);
    J.add("function", A.Most.Function);
    J.add("places", uint64_t(A.Places));
    for (unsigned I = 0; I != EstimateCount; ++I)
      J.add(EstimateTexts[I], A.Sum[I]);
    J.add("write", A.Write);
    J.endObject();
  }
  J.endArray();
  J.endObject();
  return Success;
}

static int html(const Options &O) {
  Profile P;
  std::string Why;
  if (!readProfile(O.File, P, Why))
    return complain(Why);
  HtmlOptions H;
  H.Title = "Bit flips: " + O.File;
  H.SourceFolders = O.Sources;
  H.SourceFolders.push_back(".");
  H.Cell = O.Cell;
  std::string To = O.Output.empty() ? O.File + ".html" : O.Output;
  std::ofstream Out(To, std::ios::binary | std::ios::trunc);
  Out << makeHtml(P, H);
  Out.close();
  if (!Out)
    return complain("cannot write " + To + ": " + strerror(errno));
  fprintf(stderr, "perdure: flips: written to %s\n", To.c_str());
  return Success;
}

Command addFlips(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand(
      "flips", "Count the bits that a program's stores flip");
  App->require_subcommand(1);

  auto AddBy = [&](CLI::App *To) {
    To->add_option(
          "--by", Opts->By,
          "line (the default), function, field, type, file, part (program or "
          "runtime), page, bit")
        ->check(CLI::IsMember(
            std::vector<std::string>(std::begin(Groups), std::end(Groups))));
    To->add_option("--top", Opts->Top,
                   "On a terminal: so many rows (20), 0 for all");
  };

  // Of "nan", which is a number to CLI11, nothing is less or more.
  CLI::Validator IsEnergy(
      [](std::string &Text) {
        double N = 0;
        return CLI::detail::lexical_cast(Text, N) && N >= 0 && N <= 1e9
                   ? std::string()
                   : Text + " is no number of picojoule, from 0 to 1e9";
      },
      "");
  auto AddEnergy = [&](CLI::App *To) {
    To->add_option("--set-energy", Opts->Cell.Set,
                   "Picojoule for a cell from 0 to 1 (50)")
        ->check(IsEnergy);
    To->add_option("--clear-energy", Opts->Cell.Clear,
                   "Picojoule for a cell from 1 to 0 (50)")
        ->check(IsEnergy);
  };

  CLI::App *Run = App->add_subcommand("run", "Run a program and record it");
  FlipsRun &R = Opts->Run;
  Run->add_option("-o,--output", R.Output, "The profile (perdure.flips)");
  Run->add_option("--l1", R.L1, "First cache, BYTES:WAYS (64K:2)");
  Run->add_option("--l2", R.L2, "Second cache (2M:8)");
  Run->add_option("--controller", R.Controller,
                  "Of the medium: dcw (the default), or fnw:8, fnw:16, fnw:32, "
                  "fnw:64");
  Run->add_flag("--no-model", R.NoModel,
                "Count at the stores alone, without caches and medium: faster");
  Run->add_flag("--advise", R.Advise,
                "Record what perdure flips advise needs, too: slower");
  Run->add_option("PROGRAM", R.Program,
                  "Built with perdure-cc -fperdure-flips, and its arguments")
      ->required();
  Run->footer("Addresses are the same in each run, so that a program that does "
              "the same flips\nthe same bits. Profiles of all its processes "
              "are added up.\n\nExamples:\n"
              "  perdure flips run -- ./shop load orders.csv\n"
              "  perdure flips run -o fnw.flips --controller fnw:8 -- ./shop "
              "load orders.csv\n");

  CLI::App *Show = App->add_subcommand("show", "Print a profile");
  Show->add_option("FILE", Opts->File, "The profile")->required();
  AddBy(Show);
  Show->add_flag("--json", Opts->Json, "Print a JSON object");
  AddEnergy(Show);
  Show->footer("CELLS: bits that changed in the medium; AT STORE: bits that "
               "stores changed, most of\nwhich caches keep to themselves.\n");

  CLI::App *Merge = App->add_subcommand("merge", "Add profiles up");
  Merge->add_option("-o,--output", Opts->Output, "The sum")->required();
  Merge->add_option("FILE", Opts->Files, "Profiles, measured in the same way")
      ->required();

  CLI::App *Diff = App->add_subcommand("diff", "Compare two profiles");
  Diff->add_option("BEFORE", Opts->File, "A profile")->required();
  Diff->add_option("AFTER", Opts->Other, "Another")->required();
  AddBy(Diff);

  CLI::App *Advise = App->add_subcommand(
      "advise", "Say which policy would have flipped fewer bits, and where");
  Advise->add_option("FILE", Opts->File, "Recorded with --advise")->required();
  Advise->add_flag("--all", Opts->All,
                   "Every encoding of a field, and what would flip more bits");
  Advise->add_option("--top", Opts->Top,
                     "On a terminal: so many rows (20), 0 for all");
  Advise->add_flag("--json", Opts->Json, "Print a JSON object");

  CLI::App *Html = App->add_subcommand("html", "Make a page of a profile");
  Html->add_option("FILE", Opts->File, "The profile")->required();
  Html->add_option("-o,--output", Opts->Output, "The page (FILE.html)");
  Html->add_option("--source", Opts->Sources,
                   "A directory that relative names of sources count from; the "
                   "working directory is the last");
  AddEnergy(Html);

  return {App, [=] {
            return Run->parsed()      ? runFlips(Opts->Run)
                   : Show->parsed()   ? show(*Opts)
                   : Merge->parsed()  ? merge(*Opts)
                   : Html->parsed()   ? html(*Opts)
                   : Advise->parsed() ? advice(*Opts)
                                      : diff(*Opts);
          }};
}

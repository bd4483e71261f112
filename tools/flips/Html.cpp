//===- Html.cpp - A profile as a page to look at --------------------------===//

#include "Html.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sys/stat.h>

using namespace perdure::flips;

namespace {

/// Light and dark; one hue from little to much.
const char Style[] = R"(
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6675; --line: #d5dae1;
  --page: #ffffff; --set: #1f6fb4; --cleared: #c2621b; --heat: 31, 111, 180; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #9aa5b4;
  --line: #363e4a; --page: #14181e; --set: #62aee8; --cleared: #e99a5b;
  --heat: 98, 174, 232; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink);
  background: var(--page); max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p, .soft { color: var(--soft); } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { cursor: pointer; color: var(--soft); font-weight: 600; }
th:hover { color: var(--ink); } th[aria-sort]::after { content: ' \2193'; }
th[aria-sort=ascending]::after { content: ' \2191'; }
td.name, th.name { text-align: left; white-space: normal; overflow-wrap: anywhere; }
code, td.code { font: 13px/1.4 ui-monospace, monospace; }
details { margin: .6rem 0; } summary { cursor: pointer; }
td.code { text-align: left; white-space: pre; border: 0; padding-left: 1rem; }
.source td { border: 0; padding: 0 .5rem; } .source tr.hot td { color: var(--ink); }
.source td { color: var(--soft); }
svg text { fill: var(--soft); font-size: 11px; }
)";

/// Sorts a table by the column whose title is clicked.
const char Script[] = R"(
for (const th of document.querySelectorAll('table.sorted th'))
  th.addEventListener('click', () => {
    const table = th.closest('table'), column = th.cellIndex;
    const down = th.getAttribute('aria-sort') !== 'descending';
    for (const other of table.querySelectorAll('th')) other.removeAttribute('aria-sort');
    th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = row => { const text = row.cells[column].dataset.value ??
      row.cells[column].textContent; return text === '' || isNaN(text) ? text : +text; };
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => { const x = key(a), y = key(b);
      const order = typeof x === 'number' && typeof y === 'number' ? x - y :
        String(x).localeCompare(String(y)); return down ? -order : order; });
    table.tBodies[0].append(...rows);
  });
)";

std::string quoted(const std::string &Text) {
  std::string Out;
  for (char C : Text)
    switch (C) {
    case '&':
      Out += "&amp;";
      break;
    case '<':
      Out += "&lt;";
      break;
    case '>':
      Out += "&gt;";
      break;
    case '"':
      Out += "&quot;";
      break;
    default:
      // No control characters but those that text has.
      if (static_cast<unsigned char>(C) >= ' ' || C == '\t' || C == '\n')
        Out += C;
    }
  return Out;
}

std::string number(uint64_t N) { return std::to_string(N); }

/// With thin spaces between thousands, for people.
std::string grouped(uint64_t N) {
  std::string Digits = number(N), Out;
  for (size_t I = 0; I != Digits.size(); ++I) {
    if (I && (Digits.size() - I) % 3 == 0)
      Out += "&#8239;";
    Out += Digits[I];
  }
  return Out;
}

class Page {
  const Profile &P;
  const HtmlOptions &O;
  const bool Model;
  std::string Out;

  uint64_t weight(const Counters &C) const {
    return Model ? C.inMedium() : C.atStore();
  }

  void cell(uint64_t N) {
    Out += "<td data-value=\"" + number(N) + "\">" + grouped(N) + "</td>";
  }

  //===--- Tables ---------------------------------------------------------===//

  /// Key gives a row's name.
  template <typename F> void table(const char *Title, F Key) {
    std::map<std::string, Counters> Sums;
    for (auto &[Where, C] : P.Places)
      Sums[Key(Where)] += C;
    std::vector<std::pair<std::string, Counters>> Rows(Sums.begin(),
                                                       Sums.end());
    std::sort(Rows.begin(), Rows.end(), [&](auto &A, auto &B) {
      uint64_t X = weight(A.second), Y = weight(B.second);
      return X != Y ? X > Y : A.first < B.first;
    });
    Out += "<h2>By ";
    Out += Title;
    Out += "</h2>\n<div class=\"wide\"><table class=\"sorted\"><thead><tr>";
    if (Model)
      Out +=
          "<th aria-sort=\"descending\">cells</th><th>set</th><th>cleared</th>"
          "<th>nJ</th>";
    Out += std::string("<th") + (Model ? "" : " aria-sort=\"descending\"") +
           ">at store</th><th>stores</th><th>silent</th><th>bytes</th>"
           "<th class=\"name\">" +
           Title + "</th></tr></thead><tbody>\n";
    for (auto &[Name, C] : Rows) {
      Out += "<tr>";
      if (Model) {
        cell(C.inMedium());
        cell(C[CellsSet]);
        cell(C[CellsCleared]);
        Out += "<td>" + decimal(O.Cell.nanojoule(C), 1) + "</td>";
      }
      for (uint64_t N : {C.atStore(), C[Stores], C[Silent], C[Bytes]})
        cell(N);
      Out += "<td class=\"name\"><code>" + quoted(Name) + "</code></td></tr>\n";
    }
    Out += "</tbody></table></div>\n";
  }

  //===--- Maps -----------------------------------------------------------===//

  void bits() {
    uint64_t Most = 1;
    for (auto &[Position, C] : P.Bits)
      Most = std::max({Most, C.Set, C.Cleared});
    constexpr int Column = 14, Half = 110, Left = 60;
    Out += "<h2>By bit of the aligned 64-bit word</h2>\n<p>Cells of the medium "
           "that changed: <span style=\"color:var(--set)\">from 0 to 1, "
           "up</span>; <span style=\"color:var(--cleared)\">from 1 to 0, "
           "down</span>. The scale's end is " +
           grouped(Most) + " cells.</p>\n<div class=\"wide\"><svg width=\"" +
           std::to_string(Left + 64 * Column) + "\" height=\"" +
           std::to_string(2 * Half + 40) + "\" role=\"img\">";
    for (unsigned I = 0; I != 64; ++I) {
      auto At = P.Bits.find(I);
      Cells C = At == P.Bits.end() ? Cells() : At->second;
      auto Bar = [&](uint64_t N, const char *Color, bool Up) {
        double Height = double(N) / double(Most) * Half;
        Out += "<rect x=\"" + std::to_string(Left + int(I) * Column) +
               "\" width=\"" + std::to_string(Column - 3) + "\" y=\"" +
               decimal(Up ? Half - Height : Half + 20, 1) + "\" height=\"" +
               decimal(Height, 1) + "\" fill=\"var(" + Color +
               ")\"><title>bit " + std::to_string(I) + ": " + number(N) +
               (Up ? " from 0 to 1" : " from 1 to 0") + "</title></rect>";
      };
      Bar(C.Set, "--set", true);
      Bar(C.Cleared, "--cleared", false);
      if (I % 4 == 0)
        Out += "<text x=\"" + std::to_string(Left + int(I) * Column) +
               "\" y=\"" + std::to_string(Half + 14) + "\">" +
               std::to_string(I) + "</text>";
    }
    Out += "<text x=\"0\" y=\"" + std::to_string(Half + 14) +
           "\">bit</text><text x=\"0\" y=\"10\">0 to 1</text><text x=\"0\" "
           "y=\"" +
           std::to_string(2 * Half + 20) + "\">1 to 0</text></svg></div>\n";
  }

  /// One square a page, or several where there are too many to see.
  void pagesOf(const std::string &Where,
               const std::vector<std::pair<uint64_t, PageCount>> &Pages) {
    constexpr uint64_t Most = 8192;
    constexpr int PerRow = 64, Side = 13;
    uint64_t First = Pages.front().first, Last = Pages.back().first;
    uint64_t Together = (Last - First) / Most + 1;
    std::map<uint64_t, PageCount> Squares;
    uint64_t Hottest = 1, Sum = 0;
    for (auto &[Number, C] : Pages) {
      PageCount &To = Squares[(Number - First) / Together];
      To += C;
      To.Writes += C.Writes;
      Hottest = std::max(Hottest, To.all());
      Sum += C.all();
    }
    int Rows = int(Squares.rbegin()->first / PerRow) + 1;
    Out += "<details" + std::string(Sum ? " open" : "") + "><summary><code>" +
           quoted(Where) + "</code>: " + grouped(Pages.size()) +
           " pages written, " + grouped(Sum) + " cells" +
           (Together > 1 ? "; " + number(Together) + " pages a square" : "") +
           "</summary><div class=\"wide\"><svg width=\"" +
           std::to_string(70 + PerRow * Side) + "\" height=\"" +
           std::to_string(Rows * Side + 4) + "\" role=\"img\">";
    for (int Row = 0; Row != Rows; Row += std::max(1, Rows / 16))
      Out += "<text x=\"0\" y=\"" + std::to_string(Row * Side + 11) + "\">" +
             number(First + uint64_t(Row) * PerRow * Together) + "</text>";
    for (auto &[Square, C] : Squares) {
      // By orders of magnitude: the hottest page would hide all others.
      double Heat = C.all() ? .12 + .88 * std::log1p(double(C.all())) /
                                        std::log1p(double(Hottest))
                            : 0;
      Out += "<rect x=\"" + std::to_string(66 + int(Square % PerRow) * Side) +
             "\" y=\"" + std::to_string(int(Square / PerRow) * Side) +
             "\" width=\"12\" height=\"12\" fill=\"rgba(var(--heat), " +
             decimal(Heat, 2) + ")\"><title>page " +
             number(First + Square * Together) + ": " + number(C.all()) +
             " cells, " + number(C.Writes) + " lines</title></rect>";
    }
    Out += "</svg></div></details>\n";
  }

  void pages() {
    std::map<std::string, std::vector<std::pair<uint64_t, PageCount>>> Wheres;
    for (auto &[Where, C] : P.Pages)
      Wheres[Where.first].push_back({Where.second, C});
    Out +=
        "<h2>By page</h2>\n<p>4096 bytes a square, 64 squares a row, numbers "
        "of pages on the left; the more cells changed, the stronger, by "
        "orders of magnitude.</p>\n";
    for (auto &[Where, Pages] : Wheres)
      pagesOf(Where == "memory" ? "memory that is in no object"
                                : "object " + Where,
              Pages);
  }

  //===--- Sources --------------------------------------------------------===//

  /// A profile may come from anywhere and name a device.
  static bool openFile(const std::string &Path, std::ifstream &In) {
    struct stat Status;
    if (!stat(Path.c_str(), &Status) && S_ISREG(Status.st_mode))
      In.open(Path);
    return In.is_open();
  }

  bool open(const std::string &File, std::ifstream &In) const {
    if (!File.empty() && File[0] == '/')
      return openFile(File, In);
    return std::any_of(O.SourceFolders.begin(), O.SourceFolders.end(),
                       [&](const std::string &Folder) {
                         return openFile(Folder + "/" + File, In);
                       });
  }

  void source(const std::string &File,
              const std::map<uint64_t, Counters> &Lines) {
    uint64_t Sum = 0;
    for (auto &[Line, C] : Lines)
      Sum += weight(C);
    Out += "<details><summary><code>" + quoted(File) +
           "</code>: " + grouped(Sum) + (Model ? " cells" : " bits at stores") +
           "</summary>\n";
    std::ifstream In;
    if (!open(File, In)) {
      Out += "<p>This file cannot be read: name its directory with --source."
             "</p></details>\n";
      return;
    }
    Out += "<div class=\"wide\"><table class=\"source\"><thead><tr><th>" +
           std::string(Model ? "cells" : "at store") +
           "</th><th>stores</th><th>line</th><th></th></tr></thead><tbody>\n";
    std::string Text;
    for (uint64_t Line = 1; std::getline(In, Text); ++Line) {
      auto At = Lines.find(Line);
      if (At == Lines.end()) {
        Out += "<tr><td></td><td></td><td>";
      } else {
        uint64_t N = weight(At->second);
        double Heat = Sum ? double(N) / double(Sum) : 0;
        Out += "<tr class=\"hot\" style=\"background:rgba(var(--heat), " +
               decimal(Heat * .6, 3) + ")\"><td>" + grouped(N) + "</td><td>" +
               grouped(At->second[Stores]) + "</td><td>";
      }
      Out += number(Line) + "</td><td class=\"code\">" + quoted(Text) +
             "</td></tr>\n";
    }
    Out += "</tbody></table></div></details>\n";
  }

  void sources() {
    std::map<std::string, std::map<uint64_t, Counters>> Files;
    for (auto &[Where, C] : P.Places)
      if (Where.Line)
        Files[Where.File][Where.Line] += C;
    Out += "<h2>Sources</h2>\n";
    if (Files.empty())
      Out += "<p>No line is known: compile with -g.</p>\n";
    for (auto &[File, Lines] : Files)
      source(File, Lines);
  }

  void head() {
    Counters All = P.sum();
    Out += "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width\"><title>" +
           quoted(O.Title) + "</title><style>" + Style +
           "</style></head><body>\n<h1>" + quoted(O.Title) + "</h1>\n<p>";
    if (Model)
      Out += grouped(All.inMedium()) + " cells of the medium changed (" +
             grouped(All[CellsSet]) + " from 0 to 1), " +
             decimal(O.Cell.nanojoule(All) / 1000, 1) + " uJ at " +
             decimal(O.Cell.Set, 1) + " and " + decimal(O.Cell.Clear, 1) +
             " pJ a cell. ";
    Out += grouped(All.atStore()) + " bits changed in " + grouped(All[Stores]) +
           " stores, " + grouped(All[Silent]) +
           " of which changed none.</p>\n<p>";
    std::string Comma;
    for (auto &[Key, Value] : P.Run)
      if (Key != "model") {
        Out += Comma + quoted(Key) + " " + quoted(Value);
        Comma = ", ";
      }
    for (auto &[Key, Value] : P.Totals)
      if (Value) {
        Out += Comma + grouped(Value) + " " + quoted(Key);
        Comma = ", ";
      }
    Out += "</p>\n";
  }

public:
  Page(const Profile &P, const HtmlOptions &O)
      : P(P), O(O), Model(P.hasModel()) {}

  std::string make() {
    auto Known = [](const std::string &Text) {
      return Text.empty() ? "(not known)" : Text;
    };
    head();
    table("field", [&](const Place &W) { return Known(W.Field); });
    table("line", [&](const Place &W) {
      return W.File.empty() ? Known("") : W.File + ":" + number(W.Line);
    });
    table("function", [&](const Place &W) { return Known(W.Function); });
    if (Model) {
      bits();
      pages();
    }
    sources();
    Out += "<script>" + std::string(Script) + "</script></body></html>\n";
    return Out;
  }
};

} // namespace

std::string perdure::flips::makeHtml(const Profile &P, const HtmlOptions &O) {
  return Page(P, O).make();
}

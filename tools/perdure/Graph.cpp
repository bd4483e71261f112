//===- Graph.cpp - perdure graph ------------------------------------------===//

#include "Command.h"
#include "Print.h"
#include "Store.h"
#include "Walk.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <map>
#include <memory>
#include <set>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace inspect;

extern char **environ;

namespace {
struct Options {
  std::string Store, Name, Output;
  unsigned Most = 200;
};

// As text inside of a label in double quotes, or of one like HTML.
std::string html(const std::string &Text) {
  std::string Result;
  for (char C : escape(Text))
    Result += C == '<'    ? "&lt;"
              : C == '>'  ? "&gt;"
              : C == '&'  ? "&amp;"
              : C == '"'  ? "&quot;"
                          : std::string(1, C);
  return Result;
}

const char Begin[] =
    "digraph perdure {\n"
    "  graph [fontname=\"Helvetica\", rankdir=LR, bgcolor=\"white\", pad=0.3];\n"
    "  node [fontname=\"Helvetica\", fontsize=10, shape=plain];\n"
    "  edge [fontname=\"Helvetica\", fontsize=9, color=\"#555555\", arrowsize=0.7];\n";

/// A node that is a table: a title and rows of two cells.
class TableNode {
public:
  TableNode(const std::string &Title, const std::string &Under, const char *Fill) {
    Text = "<<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" cellpadding=\"4\" "
           "color=\"#888888\"><tr><td port=\"head\" colspan=\"2\" bgcolor=\"" +
           std::string(Fill) + "\"><b>" + html(Title) + "</b>" +
           (Under.empty() ? "" : "<br/><font point-size=\"8\">" + html(Under) + "</font>") +
           "</td></tr>";
  }
  void row(const std::string &Key, const std::string &Value, const std::string &Port = "") {
    Text += "<tr><td align=\"left\">" + html(Key) + "</td><td align=\"left\"" +
            (Port.empty() ? "" : " port=\"" + Port + "\"") + ">" + html(Value) + "</td></tr>";
  }
  std::string end() const { return Text + "</table>>"; }

private:
  std::string Text;
};

//===----------------------------------------------------------------------===//
// Blocks of an object
//===----------------------------------------------------------------------===//

/// One value, as rows.
class Rows : public Visitor {
public:
  struct Pointer {
    std::string Port;
    Target To;
  };
  Rows(Object &In, TableNode &Node) : In(In), Node(Node) {}
  std::vector<Pointer> Pointers;

  void number(const std::string &Digits, const std::string &Name) override {
    add(Name.empty() ? Digits : Name);
  }
  void boolean(bool Value) override { add(Value ? "true" : "false"); }
  void text(const std::string &Bytes) override { add("\"" + cut(Bytes) + "\""); }
  void bytes(const unsigned char *, uint64_t Count) override {
    add(std::to_string(Count) + " bytes");
  }
  void pointer(const Type &T, const Target &To) override {
    if (To.Is == Target::Null)
      return add("null");
    std::string Text;
    Place P;
    const Block *B = To.Is == Target::Here ? In.blockAt(To.Offset) : nullptr;
    if (B && T.Inner) {
      P = {&In, To.Offset, T.Inner, nullptr, B->Offset + B->Bytes};
      if (readString(P, Text))
        return add("\"" + cut(Text) + "\"");
    }
    std::string Port = "p" + std::to_string(Count);
    add(To.Is == Target::Here ? formatOffset(To.Offset) : describe(T, To, &In), Port);
    if (To.Is == Target::Here || To.Is == Target::Foreign)
      Pointers.push_back({Port, To});
  }
  void beginRecord(const Record &) override { Keys.push_back(""); }
  void beginField(const std::string &Key) override { Keys.back() = "." + Key; }
  void endRecord() override { Keys.pop_back(); }
  void beginArray(const Type &, uint64_t) override { Keys.push_back(""); }
  void beginElement(uint64_t Index) override {
    Keys.back() = "[" + std::to_string(Index) + "]";
  }
  void endArray() override { Keys.pop_back(); }

private:
  static std::string cut(std::string Text) {
    if (Text.size() > 40)
      Text = Text.substr(0, 40) + "...";
    return Text;
  }
  void add(const std::string &Value, const std::string &Port = "") {
    // A picture is for a few.
    if (++Count > 40) {
      if (Count == 41)
        Node.row("...", "");
      return;
    }
    std::string Key;
    for (const std::string &K : Keys)
      Key += K;
    Node.row(Key.substr(Key[0] == '.'), Value, Port);
  }
  Object &In;
  TableNode &Node;
  std::vector<std::string> Keys;
  unsigned Count = 0;
};

std::string nodeOf(const Object &O, const Block &B) {
  return "\"" + toHex(O.Id).substr(0, 8) + ":" + formatOffset(B.Offset) + "\"";
}

} // namespace

static std::string drawBlocks(const Options &Opts, Object &O) {
  Walk W(O, Trust::Types);
  std::string Why, Out = Begin, Edges;
  W.guessArrays();
  W.run(Why);
  std::deque<const Block *> Left = {O.blockAt(O.RootOffset)};
  std::set<const Block *> Met(Left.begin(), Left.end());
  std::set<std::string> Others;
  size_t Drawn = 0;
  while (!Left.empty() && Left.front() && Drawn < Opts.Most) {
    const Block &B = *Left.front();
    Left.pop_front();
    ++Drawn;
    size_t Index = (size_t)(&B - O.blocks().data());
    const Type *T = W.typeOf(Index);
    uint64_t Count = W.countIn(Index);
    std::string Title = !T          ? "?"
                        : Count > 1 ? "[" + std::to_string(Count) + "]" + T->Name
                                    : T->Name;
    TableNode Node(Title, formatOffset(B.Offset) + ", " + std::to_string(B.Bytes) + " bytes",
                   B.Kind == PERDURE_BLOCK_ROOT ? "#cfe3f7" : "#eeeeee");
    Rows R(O, Node);
    for (uint64_t I = 0; T && I < Count; ++I) {
      if (Count > 1) {
        R.beginArray(*T, Count);
        R.beginElement(I);
      }
      visitValue(O, B.Offset + I * T->Size, *T, nullptr, B.Offset + B.Bytes, R);
      if (Count > 1)
        R.endArray();
    }
    if (!T)
      W.visitReferences(Index, [&](const Reference &Ref) {
        if (O.blockAt(Ref.To.Offset))
          R.Pointers.push_back({"head", Ref.To});
      });
    Out += "  " + nodeOf(O, B) + " [label=" + Node.end() + "];\n";
    for (const Rows::Pointer &P : R.Pointers) {
      std::string From = "  " + nodeOf(O, B) + ":" + P.Port;
      if (P.To.Is == Target::Foreign) {
        std::string To = P.To.To ? P.To.To->Name : "missing";
        Others.insert(To);
        Edges += From + " -> \"object " + html(To) + "\" [style=dashed];\n";
        continue;
      }
      const Block *To = O.blockAt(P.To.Offset);
      if (!To)
        continue;
      if (Met.insert(To).second)
        Left.push_back(To);
      std::string Within = To->Offset == P.To.Offset
                               ? ""
                               : " [label=\"+" + std::to_string(P.To.Offset - To->Offset) + "\"]";
      Edges += From + " -> " + nodeOf(O, *To) + ":head" + Within + ";\n";
    }
  }
  for (const Block *B : Left)
    if (B)
      Out += "  " + nodeOf(O, *B) + " [label=" +
             TableNode("...", formatOffset(B->Offset), "#ffffff").end() + "];\n";
  for (const std::string &Name : Others)
    Out += "  \"object " + html(Name) + "\" [label=" + TableNode(Name, "object", "#f7e6cf").end() +
           "];\n";
  if (Drawn == Opts.Most && !Left.empty())
    fprintf(stderr, "perdure: %zu of %zu blocks are drawn; --most draws more\n", Drawn,
            O.blocks().size());
  return Out + Edges + "}\n";
}

//===----------------------------------------------------------------------===//
// Objects of a store
//===----------------------------------------------------------------------===//

namespace {
struct Node {
  std::vector<std::string> Names;
  std::string State, Size;
  std::vector<std::pair<std::string, bool>> To; // IDs, or names; by name
};
} // namespace

// False: what there is cannot be read.
static bool drawObjects(const Store &S, std::string &Text) {
  std::map<std::string, Node> Nodes; // by ID
  struct Context {
    const Store &S;
    std::map<std::string, Node> &Nodes;
  } C = {S, Nodes};
  int Listed = perdure_list(
      S,
      [](void *To, const char *Name, perdure_id Id) {
        ((Context *)To)->Nodes[toHex(Id)].Names.push_back(Name);
        return 0;
      },
      &C);
  if (Listed < 0)
    return false;
  std::set<std::string> Missing;
  for (auto &[Id, N] : Nodes) {
    std::sort(N.Names.begin(), N.Names.end());
    void *Root = perdure_open(S, N.Names[0].c_str(), PERDURE_RDONLY);
    struct perdure_stat Stat;
    if (!Root || perdure_stat(Root, &Stat)) {
      N.State = "cannot be opened";
      perdure_close(Root);
      continue;
    }
    N.Size = formatSize(Stat.file_bytes) + ", " + std::to_string(Stat.blocks) + " blocks";
    struct perdure_foreign F;
    for (uint64_t I = 1; !perdure_foreign(Root, I, &F); ++I) {
      bool ByName = F.name[0];
      std::string To = isNone(F.id) ? F.name : toHex(F.id);
      if (To.empty())
        continue;
      N.To.push_back({To, ByName});
      if (!F.present)
        Missing.insert(To);
      else if (!Nodes.count(To))
        N.To.back().second = ByName;
    }
    perdure_close(Root);
  }
  std::string Out = Begin, Edges;
  std::set<std::string> Drawn;
  for (auto &[Id, N] : Nodes) {
    std::string Title;
    for (const std::string &Name : N.Names)
      Title += (Title.empty() ? "" : ", ") + Name;
    TableNode T(Title, Id, N.State.empty() ? "#cfe3f7" : "#f7cfcf");
    T.row(N.State.empty() ? "size" : "state", N.State.empty() ? N.Size : N.State);
    Out += "  \"" + html(Id) + "\" [label=" + T.end() + "];\n";
    Drawn.insert(Id);
    for (auto &[To, ByName] : N.To)
      Edges += "  \"" + Id + "\" -> \"" + html(To) + "\"" +
               (ByName ? " [label=\"by name\", style=dashed]" : "") + ";\n";
  }
  for (auto &[Id, N] : Nodes)
    for (auto &[To, ByName] : N.To)
      if (Drawn.insert(To).second)
        Out += "  \"" + html(To) + "\" [label=" +
               TableNode(Missing.count(To) ? "missing" : "without a name", To,
                         Missing.count(To) ? "#f7cfcf" : "#eeeeee")
                   .end() +
               "];\n";
  Text = Out + Edges + "}\n";
  return true;
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

// The type of picture that a file's name asks for; empty: the text for dot.
static std::string formatOf(const std::string &Path) {
  size_t Dot = Path.rfind('.'), Slash = Path.rfind('/');
  if (Slash != std::string::npos && Dot != std::string::npos && Dot < Slash)
    Dot = std::string::npos;
  std::string Ending = Dot == std::string::npos ? "" : Path.substr(Dot + 1);
  return Ending == "dot" || Ending == "gv" ? "" : Ending;
}

static int runDot(const std::string &Text, const std::string &Path, const std::string &Format) {
  int Pipe[2];
  if (pipe2(Pipe, O_CLOEXEC)) {
    fprintf(stderr, "perdure: cannot make a pipe: %s\n", strerror(errno));
    return Failure;
  }
  posix_spawn_file_actions_t Actions;
  posix_spawn_file_actions_init(&Actions);
  posix_spawn_file_actions_adddup2(&Actions, Pipe[0], STDIN_FILENO);
  std::string Type = "-T" + Format, To = "-o" + Path;
  const char *Words[] = {"dot", Type.c_str(), To.c_str(), nullptr};
  pid_t Child;
  int Error = posix_spawnp(&Child, "dot", &Actions, nullptr, (char *const *)Words, environ);
  posix_spawn_file_actions_destroy(&Actions);
  close(Pipe[0]);
  if (Error) {
    close(Pipe[1]);
    fprintf(stderr,
            "perdure: cannot run dot: %s\n"
            "hint: install graphviz, or write the text for dot: -o FILE.dot\n",
            strerror(Error));
    return Failure;
  }
  signal(SIGPIPE, SIG_IGN);
  for (size_t At = 0; At < Text.size();) {
    ssize_t Wrote = write(Pipe[1], Text.data() + At, Text.size() - At);
    if (Wrote < 0 && errno != EINTR)
      break;
    At += Wrote > 0 ? (size_t)Wrote : 0;
  }
  close(Pipe[1]);
  int Result;
  while (waitpid(Child, &Result, 0) < 0 && errno == EINTR)
    ;
  if (Result == 0)
    return Success;
  fprintf(stderr, "perdure: dot could not write %s\n", escape(Path).c_str());
  return Failure;
}

static int run(const Options &Opts) {
  Store S(Opts.Store, PERDURE_RDONLY);
  if (!S)
    return Failure;
  std::string Text;
  if (Opts.Name.empty()) {
    if (!drawObjects(S, Text))
      return reportObjectFailure(S);
  } else {
    Objects All(S, PERDURE_RDONLY);
    Object *O = All.open(Opts.Name);
    if (!O)
      return reportObjectFailure(S);
    if (!O->readBlocks())
      return reportFailure("perdure fsck " + quoteForShell(Opts.Store) + " says more");
    Text = drawBlocks(Opts, *O);
  }
  std::string Format = formatOf(Opts.Output);
  if (!Format.empty())
    return runDot(Text, Opts.Output, Format);
  FILE *To = Opts.Output.empty() ? stdout : fopen(Opts.Output.c_str(), "w");
  if (!To || fputs(Text.c_str(), To) < 0 || (To != stdout && fclose(To))) {
    fprintf(stderr, "perdure: cannot write %s: %s\n", escape(Opts.Output).c_str(),
            strerror(errno));
    return Failure;
  }
  return Success;
}

Command addGraph(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App =
      Program.add_subcommand("graph", "Draw objects, or the blocks of one (Graphviz)");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Name,
                  "Draws the blocks of that object (default: the objects of the store)");
  App->add_option("-o,--output", Opts->Output,
                  "A file; .svg, .png, .pdf are drawn by dot (default: stdout, as dot reads it)");
  App->add_option("--most", Opts->Most,
                  "How many blocks are drawn, from the root on (default: 200)")
      ->check(CLI::PositiveNumber);
  App->footer("An arrow is a pointer; between objects an entry of the foreign object table.\n\n"
              "Examples:\n"
              "  perdure graph shop -o shop.svg\n"
              "  perdure graph shop customers --most 50 -o customers.svg\n"
              "  perdure graph shop customers | dot -Tpng > customers.png\n");
  return {App, [Opts] { return run(*Opts); }};
}

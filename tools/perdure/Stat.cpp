//===- Stat.cpp - perdure stat --------------------------------------------===//

#include "Command.h"
#include "Output.h"
#include "Store.h"

#include <cerrno>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace {

struct Options {
  std::string Store;
  std::vector<std::string> Names;
  bool Json = false;
};

struct Pointer {
  uint64_t Index;
  struct perdure_foreign To;
};

struct Object {
  std::string Name, Path;
  struct perdure_stat Stat;
  struct perdure_holder Holder;
  unsigned Mode;
  std::vector<Pointer> Pointers;
};

/// A read section, so that no half change is looked at; without, when a writer
/// stays in his for more than a second.
class ReadSection {
public:
  explicit ReadSection(void *Root) : Root(Root) {
    for (int I = 0; I < 1000 && !Entered; ++I) {
      Entered = perdure_lock(Root, PERDURE_RDONLY | PERDURE_NOWAIT) >= 0;
      if (!Entered)
        usleep(1000);
    }
  }
  ~ReadSection() {
    if (Entered)
      perdure_unlock(Root);
  }
  ReadSection(const ReadSection &) = delete;
  ReadSection &operator=(const ReadSection &) = delete;

private:
  void *Root;
  bool Entered = false;
};

} // namespace

static const char *stateOf(const struct perdure_foreign &To) {
  return To.present                     ? "present"
         : isNone(To.id) && !To.name[0] ? "damaged"
                                        : "missing";
}

static bool examine(const Store &S, Object &O) {
  void *Root = perdure_open(S, O.Name.c_str(), PERDURE_RDONLY);
  if (!Root || perdure_holder(S, O.Name.c_str(), &O.Holder))
    return false;
  {
    ReadSection Section(Root);
    // A writer who uses no sections may be in the middle of something.
    int Result;
    for (int Try = 0; (Result = perdure_stat(Root, &O.Stat)) && Try < 5; ++Try)
      usleep(1000);
    if (Result)
      return false;
    Pointer P;
    for (P.Index = 1; !perdure_foreign(Root, P.Index, &P.To); ++P.Index)
      O.Pointers.push_back(P);
  }
  struct stat Status;
  O.Path = pathOf(S, O.Stat.id);
  O.Mode = stat(O.Path.c_str(), &Status) ? 0 : Status.st_mode & 07777;
  return true;
}

static std::string octal(unsigned Mode) {
  char Text[16];
  snprintf(Text, sizeof(Text), "%04o", Mode);
  return Text;
}

static const char *rightsOf(const struct perdure_foreign &To) {
  return To.rights & PERDURE_RDONLY ? "read" : "read,write";
}

static void printJson(const std::vector<Object> &Objects) {
  Json J;
  J.beginArray();
  for (const Object &O : Objects) {
    J.beginObject();
    J.add("name", O.Name);
    J.add("id", toHex(O.Stat.id));
    J.add("file", O.Path);
    J.add("mode", octal(O.Mode));
    J.add("format", (uint64_t)O.Stat.format);
    J.add("created", formatTime(O.Stat.created));
    J.add("file_bytes", O.Stat.file_bytes);
    J.add("root_bytes", O.Stat.root_bytes);
    J.add("used_bytes", O.Stat.used_bytes);
    J.add("free_bytes", O.Stat.free_bytes);
    J.add("overhead_bytes", O.Stat.overhead_bytes);
    J.add("largest_free", O.Stat.largest_free);
    J.add("blocks", O.Stat.blocks);
    J.add("writers", kindOf(O.Holder));
    J.add("pid", (uint64_t)O.Holder.pid);
    J.add("in_section", (uint64_t)O.Holder.in_section);
    J.beginArray("leads_to");
    for (const Pointer &P : O.Pointers) {
      J.beginObject();
      J.add("index", P.Index);
      if (isNone(P.To.id))
        J.addNull("id");
      else
        J.add("id", toHex(P.To.id));
      if (P.To.name[0])
        J.add("name", P.To.name);
      else
        J.addNull("name");
      J.add("rights", rightsOf(P.To));
      J.add("state", stateOf(P.To));
      J.endObject();
    }
    J.endArray();
    J.endObject();
  }
  J.endArray();
}

// A key and its value: the same lines for people and programs, but for units.
static void printLine(const char *Key, const std::string &Value) {
  if (isForPeople())
    printf("  %-16s %s\n", Key, Value.c_str());
  else
    printf("%s\t%s\n", Key, Value.c_str());
}

static void printSize(const char *Key, uint64_t Bytes) {
  std::string Value = std::to_string(Bytes);
  printLine(Key, isForPeople() ? formatSize(Bytes) +
                                     (Bytes < 1024 ? "" : " (" + Value + ")")
                               : Value);
}

static void printObject(const Object &O) {
  if (isForPeople())
    printf("%s\n", escape(O.Name).c_str());
  else
    printLine("name", escape(O.Name));
  printLine("id", toHex(O.Stat.id));
  printLine("file", escape(O.Path));
  printLine("mode", octal(O.Mode));
  printLine("format", std::to_string(O.Stat.format));
  printLine("created", formatTime(O.Stat.created));
  printSize("file_bytes", O.Stat.file_bytes);
  printSize("root_bytes", O.Stat.root_bytes);
  printSize("used_bytes", O.Stat.used_bytes);
  printSize("free_bytes", O.Stat.free_bytes);
  printSize("overhead_bytes", O.Stat.overhead_bytes);
  printSize("largest_free", O.Stat.largest_free);
  printLine("blocks", std::to_string(O.Stat.blocks));
  if (isForPeople()) {
    printLine("written by", describe(O.Holder));
  } else {
    printLine("writers", kindOf(O.Holder));
    printLine("pid", std::to_string(O.Holder.pid));
    printLine("in_section", std::to_string(O.Holder.in_section));
  }
  printLine("fot_entries", std::to_string(O.Stat.fot_entries));
  Table T(isForPeople() ? std::vector<std::string>{"FOT", "LEADS TO", "NAME",
                                                   "RIGHTS", "TARGET"}
                        : std::vector<std::string>{});
  for (const Pointer &P : O.Pointers) {
    std::vector<std::string> Row = {
        std::to_string(P.Index), isNone(P.To.id) ? "-" : toHex(P.To.id),
        P.To.name[0] ? escape(P.To.name) : "-", rightsOf(P.To), stateOf(P.To)};
    if (!isForPeople())
      Row.insert(Row.begin(), "leads_to");
    T.addRow(Row);
  }
  if (!O.Pointers.empty())
    T.print("  ");
}

static int run(const Options &Opts) {
  Store S(Opts.Store, PERDURE_RDONLY);
  std::vector<Object> Objects;
  if (!S)
    return Failure;
  int Status = Success;
  for (const std::string &Name : Opts.Names) {
    Object O = {};
    O.Name = Name;
    if (examine(S, O))
      Objects.push_back(O);
    else
      Status = reportObjectFailure(S);
  }
  if (Opts.Json) {
    printJson(Objects);
    return Status;
  }
  for (size_t I = 0; I < Objects.size(); ++I) {
    if (I)
      printf("\n");
    printObject(Objects[I]);
  }
  return Status;
}

Command addStat(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App =
      Program.add_subcommand("stat", "Show what is known of objects");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Names, "Objects")->required();
  App->add_flag("--json", Opts->Json, "Print a JSON array of objects");
  App->footer(
      "Changes nothing, and needs only the right to read.\n"
      "Not on a terminal: a line for each key, a tab, the value; a line "
      "'leads_to' for\neach entry of the FOT: index, ID, name by which it is "
      "found, rights asked for,\nstate (present, missing, damaged); an empty "
      "line between objects.\n\n"
      "Examples:\n"
      "  perdure stat shop customers\n"
      "  perdure stat shop customers orders | grep ^leads_to\n"
      "  perdure stat --json shop customers | jq '.[0].used_bytes'\n");
  return {App, [Opts] { return run(*Opts); }};
}

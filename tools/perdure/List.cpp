//===- List.cpp - perdure ls ----------------------------------------------===//

#include "Command.h"
#include "Output.h"
#include "Store.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <sys/stat.h>

namespace {

struct Options {
  std::string Store;
  bool Json = false;
};

struct Object {
  std::string Name;
  perdure_id Id;
  std::string State; // "present", "missing", "damaged", "unreadable"
  uint64_t Bytes;
  struct perdure_holder Holder;
};

} // namespace

static int addObject(void *Objects, const char *Name, perdure_id Id) {
  ((std::vector<Object> *)Objects)->push_back({Name, Id, "damaged", 0, {}});
  return 0;
}

static void examine(const Store &S, Object &O) {
  struct stat Status;
  if (isNone(O.Id)) // the name's file says nothing that is an ID
    return;
  if (stat(pathOf(S, O.Id).c_str(), &Status)) {
    O.State = errno == ENOENT ? "missing" : "unreadable";
    return;
  }
  O.Bytes = (uint64_t)Status.st_size;
  O.State =
      perdure_holder(S, O.Name.c_str(), &O.Holder) ? "unreadable" : "present";
}

static std::string whatIsWrong(const Object &O) {
  if (O.State == "damaged")
    return "is a name without an object's ID: restore its file in names/ from "
           "a copy, or remove it";
  if (O.State == "missing")
    return "leads to an object whose file is gone: restore objects/" +
           toHex(O.Id) + " from a copy";
  return "has a file that you may not read, objects/" + toHex(O.Id) +
         ": ask its owner for the right to it";
}

static void printJson(const std::vector<Object> &Objects) {
  Json J;
  J.beginArray();
  for (const Object &O : Objects) {
    J.beginObject();
    J.add("name", O.Name);
    if (isNone(O.Id))
      J.addNull("id");
    else
      J.add("id", toHex(O.Id));
    J.add("state", O.State);
    J.add("file_bytes", O.Bytes);
    J.add("writers", kindOf(O.Holder));
    J.add("pid", (uint64_t)O.Holder.pid);
    J.add("in_section", (uint64_t)O.Holder.in_section);
    J.endObject();
  }
  J.endArray();
}

static void printTable(const std::vector<Object> &Objects) {
  Table T(isForPeople()
              ? std::vector<std::string>{"NAME", "ID", "SIZE", "WRITTEN BY"}
              : std::vector<std::string>{});
  for (const Object &O : Objects) {
    std::string Id = isNone(O.Id) ? "-" : toHex(O.Id);
    bool Present = O.State == "present";
    if (isForPeople())
      T.addRow({escape(O.Name), Id, Present ? formatSize(O.Bytes) : O.State,
                Present ? describe(O.Holder) : "-"});
    else
      T.addRow({escape(O.Name), Id, O.State, std::to_string(O.Bytes),
                kindOf(O.Holder), std::to_string(O.Holder.pid),
                std::to_string(O.Holder.in_section)});
  }
  T.print();
}

static int run(const Options &Opts) {
  Store S(Opts.Store, PERDURE_RDONLY);
  std::vector<Object> Objects;
  if (!S)
    return Failure;
  if (perdure_list(S, addObject, &Objects))
    return reportFailure();
  std::sort(Objects.begin(), Objects.end(),
            [](const Object &A, const Object &B) { return A.Name < B.Name; });
  int Status = Success;
  for (Object &O : Objects) {
    examine(S, O);
    if (O.State != "present") {
      fprintf(stderr, "perdure: '%s' %s\n", escape(O.Name).c_str(),
              whatIsWrong(O).c_str());
      Status = Failure;
    }
  }
  if (Opts.Json)
    printJson(Objects);
  else
    printTable(Objects);
  return Status;
}

Command addList(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand("ls", "List the objects of a store");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_flag("--json", Opts->Json, "Print a JSON array of objects");
  App->footer(
      "Prints name, ID, size and who has each object open for writing, sorted "
      "by name.\n"
      "Not on a terminal: seven columns parted by tabs, without titles: name, "
      "ID, state\n(present, missing, damaged, unreadable), bytes, writers "
      "(none, exclusive, shared),\npid of the exclusive one, pid of who is in "
      "a write section; 0: none, or unknown.\n\n"
      "Examples:\n"
      "  perdure ls shop\n"
      "  perdure ls shop | cut -f1\n"
      "  perdure ls --json shop | jq '.[] | select(.writers != \"none\")'\n");
  return {App, [Opts] { return run(*Opts); }};
}

//===- Names.cpp - perdure mv, ln, rm and id ------------------------------===//

#include "Command.h"
#include "Output.h"
#include "Store.h"

#include <cerrno>
#include <memory>

namespace {
struct Options {
  std::string Store, Name, As;
  std::vector<std::string> Names;
  bool Json = false;
};

struct Lookup {
  const std::string &Name;
  perdure_id Id;
  bool Found = false;
};
} // namespace

// Less than 0 where the names cannot be read.
static int find(perdure_store *S, const std::string &Name, perdure_id &Id) {
  Lookup L = {Name, {0, 0}};
  int Listed = perdure_list(
      S,
      [](void *To, const char *Name, perdure_id Id) {
        auto *L = (Lookup *)To;
        if (L->Name != Name)
          return 0;
        L->Id = Id;
        L->Found = true;
        return 1;
      },
      &L);
  Id = L.Id;
  return Listed < 0 ? Listed : L.Found;
}

static int fail(const Store &S) {
  if (errno == EEXIST)
    return reportFailure("perdure ls " + quoteForShell(S.path()) +
                         " shows the names there are; give another");
  return reportObjectFailure(S);
}

static int change(const Options &Opts,
                  int (*Change)(perdure_store *, const char *, const char *)) {
  Store S(Opts.Store, 0);
  if (!S)
    return Failure;
  return Change(S, Opts.Name.c_str(), Opts.As.c_str()) ? fail(S) : Success;
}

static int remove(const Options &Opts) {
  Store S(Opts.Store, 0);
  if (!S)
    return Failure;
  int Status = Success;
  for (const std::string &Name : Opts.Names)
    if (perdure_remove(S, Name.c_str()))
      Status = fail(S);
  return Status;
}

static int printIds(const Options &Opts) {
  Store S(Opts.Store, PERDURE_RDONLY);
  if (!S)
    return Failure;
  int Status = Success;
  Json J;
  if (Opts.Json)
    J.beginArray();
  for (const std::string &Name : Opts.Names) {
    perdure_id Id;
    int Found = find(S, Name, Id);
    if (Found < 0) {
      Status = reportObjectFailure(S);
      break;
    }
    if (!Found) {
      fprintf(stderr,
              "perdure: store %s has no object called '%s'\n"
              "hint: perdure ls %s lists what there is\n",
              escape(Opts.Store).c_str(), escape(Name).c_str(),
              quoteForShell(Opts.Store).c_str());
      Status = Failure;
    } else if (Opts.Json) {
      J.beginObject();
      J.add("name", Name);
      J.add("id", toHex(Id));
      J.endObject();
    } else {
      printf("%s\n", toHex(Id).c_str());
    }
  }
  if (Opts.Json)
    J.endArray();
  return Status;
}

Command addMove(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand("mv", "Give an object another name");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Name, "The object")->required();
  App->add_option("NEWNAME", Opts->As, "Its new name")->required();
  App->footer("The object's ID stays, and with it what leads there, but for pointers that are\n"
              "bound to the old name. Programs that have it open keep it.\n\n"
              "Examples:\n"
              "  perdure mv shop customers customers-2026\n");
  return {App, [Opts] { return change(*Opts, perdure_rename); }};
}

Command addLink(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand("ln", "Give an object a further name");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Name, "The object")->required();
  App->add_option("NEWNAME", Opts->As, "A name more")->required();
  App->footer("Both names mean the same object, which is there until both are removed.\n\n"
              "Examples:\n"
              "  perdure ln shop customers-2026 customers\n");
  return {App, [Opts] { return change(*Opts, perdure_link); }};
}

Command addRemove(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand("rm", "Remove names, and objects with their last");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Names, "Objects")->required();
  App->footer("Pointers that lead to a removed object fault when they are followed. Programs that\n"
              "have it open can use it until they close the store.\n\n"
              "Examples:\n"
              "  perdure rm shop customers-2025\n");
  return {App, [Opts] { return remove(*Opts); }};
}

Command addId(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand("id", "Print the IDs of objects");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Names, "Objects")->required();
  App->add_flag("--json", Opts->Json, "Print a JSON array");
  App->footer("An ID is the name of the object's file in STORE/objects.\n\n"
              "Examples:\n"
              "  perdure id shop customers\n"
              "  ls -l shop/objects/$(perdure id shop customers)\n");
  return {App, [Opts] { return printIds(*Opts); }};
}

//===- Gc.cpp - perdure gc ------------------------------------------------===//

#include "Command.h"
#include "Others.h"
#include "Output.h"
#include "Walk.h"

#include <memory>

using namespace inspect;

namespace {
struct Options {
  std::string Store;
  std::vector<std::string> Names;
  bool DryRun = false, Precise = false, Json = false;
};

struct Garbage {
  Object *In;
  std::vector<Block> Blocks;
  uint64_t bytes() const {
    uint64_t Sum = 0;
    for (const Block &B : Blocks)
      Sum += B.Bytes;
    return Sum;
  }
};
} // namespace

static int findGarbage(const Options &Opts, const Store &S, Objects &All,
                       const NameList &Names, const std::string &Name, Garbage &Found) {
  Object *O = All.open(Name);
  if (!O)
    return failToOwn(S, Name, Name);
  if (!O->readBlocks())
    return reportFailure("perdure fsck " + quoteForShell(S.path()) + " says more");
  Walk W(*O, Opts.Precise ? Trust::Types : Trust::Nothing);
  if (int Status = visitOthers(S, All, Names, *O, [&](uint64_t To) { W.addRoot(To); }))
    return Status;
  Progress P("Reading " + escape(Name), (*O).blocks().size());
  W.tell([&](uint64_t Blocks) { P.at(Blocks); });
  std::string Why;
  if (!W.run(Why)) {
    fprintf(stderr, "perdure: %s: %s; nothing was freed\n", escape(Name).c_str(),
            escape(Why).c_str());
    return Failure;
  }
  Found.In = O;
  for (size_t I = 0; I < O->blocks().size(); ++I)
    if (!W.isReached(I))
      Found.Blocks.push_back(O->blocks()[I]);
  return Success;
}

static void print(const Options &Opts, const Garbage &G) {
  const char *Did = Opts.DryRun ? "unreachable" : "freed";
  if (isForPeople()) {
    printf("%s: %zu block%s %s, %s\n", escape(G.In->Name).c_str(), G.Blocks.size(),
           G.Blocks.size() == 1 ? "" : "s", Did, formatSize(G.bytes()).c_str());
    return;
  }
  for (const Block &B : G.Blocks)
    printf("%s\t%s\t%s\t%llu\n", escape(G.In->Name).c_str(), Did,
           formatOffset(B.Offset).c_str(), (unsigned long long)B.Bytes);
}

static void printJson(Json &J, const Options &Opts, const Garbage &G) {
  J.beginObject();
  J.add("name", G.In->Name);
  J.add("freed", !Opts.DryRun);
  J.add("bytes", G.bytes());
  J.beginArray("blocks");
  for (const Block &B : G.Blocks) {
    J.beginObject();
    J.add("offset", formatOffset(B.Offset));
    J.add("bytes", B.Bytes);
    J.endObject();
  }
  J.endArray();
  J.endObject();
}

static int run(const Options &Opts) {
  Store S(Opts.Store, 0);
  if (!S)
    return Failure;
  NameList Names, Wanted = Opts.Names;
  if (!listNames(S, Names))
    return reportFailure();
  if (Wanted.empty())
    Wanted = Names;
  int Status = Success;
  Json J;
  if (Opts.Json)
    J.beginArray();
  for (const std::string &Name : Wanted) {
    // Of this one alone: while they are open nobody else writes them.
    Objects All(S, 0);
    Garbage Found = {};
    if (findGarbage(Opts, S, All, Names, Name, Found)) {
      Status = Failure;
      continue;
    }
    Progress P("Freeing blocks of " + escape(Name), Found.Blocks.size());
    for (size_t I = 0; !Opts.DryRun && I < Found.Blocks.size(); ++I) {
      perdure_free((void *)(Found.In->Base + Found.Blocks[I].Offset));
      P.at(I);
    }
    if (Opts.Json)
      printJson(J, Opts, Found);
    else
      print(Opts, Found);
  }
  if (Opts.Json)
    J.endArray();
  return Status;
}

Command addGc(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App =
      Program.add_subcommand("gc", "Free blocks that nothing leads to any more");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Names, "Objects (default: all of the store)");
  App->add_flag("-n,--dry-run", Opts->DryRun, "Only say what would be freed");
  App->add_flag("--precise", Opts->Precise,
                "Numbers that look like pointers keep nothing where a type says that they "
                "are numbers");
  App->add_flag("--json", Opts->Json, "Print a JSON array of objects");
  App->footer(
      "A process that dies leaves blocks that it had allocated and not yet linked. A block\n"
      "is kept when a pointer leads into it, from the root on or from another object of the\n"
      "store, or when anything does that looks like one. Nobody may have the object open\n"
      "for writing, nor others that lead to it. Pointers in other stores do not count.\n"
      "Not on a terminal: a line for each block: object, unreachable or freed, offset,\n"
      "bytes.\n\n"
      "Examples:\n"
      "  perdure gc --dry-run shop\n"
      "  perdure gc shop customers\n");
  return {App, [Opts] { return run(*Opts); }};
}

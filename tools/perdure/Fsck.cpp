//===- Fsck.cpp - perdure fsck --------------------------------------------===//

#include "Command.h"
#include "Output.h"
#include "Store.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <sys/stat.h>

namespace fs = std::filesystem;

namespace {

struct Options {
  std::string Store;
  std::vector<std::string> Names;
  bool Repair = false, NoBackup = false, Json = false;
};

struct Finding {
  perdure_finding_kind Kind;
  uint64_t Offset;
  std::string What;
};

/// An object, or a file that is none and lies where objects do.
struct Object {
  std::string Name; // "" for one that no name leads to
  perdure_id Id;
  std::string Path; // of what is wrong, when it is no object's file
  bool Checked = true;
  int Damage = 0; // that stays
  std::vector<Finding> Findings;
};

} // namespace

static void addFinding(void *To, const struct perdure_finding *F) {
  ((std::vector<Finding> *)To)->push_back({F->kind, F->offset, F->what});
}

//===----------------------------------------------------------------------===//
// What there is
//===----------------------------------------------------------------------===//

static int addName(void *Objects, const char *Name, perdure_id Id) {
  Object O = {};
  O.Name = Name;
  O.Id = Id;
  ((std::vector<Object> *)Objects)->push_back(O);
  return 0;
}

static bool parseId(const std::string &Text, perdure_id &Id) {
  if (Text.size() != 32 ||
      Text.find_first_not_of("0123456789abcdef") != std::string::npos)
    return false;
  Id.hi = std::stoull(Text.substr(0, 16), nullptr, 16);
  Id.lo = std::stoull(Text.substr(16), nullptr, 16);
  return true;
}

static Object misplaced(const std::string &Path, const char *What) {
  Object O = {};
  O.Path = Path;
  O.Findings.push_back({PERDURE_NOTE, 0, What});
  return O;
}

// Objects that no name leads to, and what else lies in the two folders.
static void addUnnamed(const Store &S, std::vector<Object> &Objects) {
  std::vector<perdure_id> Named;
  for (const Object &O : Objects)
    Named.push_back(O.Id);
  std::error_code Ignored;
  for (const auto &E : fs::directory_iterator(S.path() + "/objects", Ignored)) {
    Object O = {};
    if (!parseId(E.path().filename(), O.Id)) {
      Objects.push_back(misplaced(
          E.path(), "no object's file; what an interrupted copy or create left "
                    "may be removed"));
      continue;
    }
    auto IsIt = [&](perdure_id Id) {
      return Id.hi == O.Id.hi && Id.lo == O.Id.lo;
    };
    if (std::none_of(Named.begin(), Named.end(), IsIt))
      Objects.push_back(O);
  }
  for (const auto &E : fs::directory_iterator(S.path() + "/names", Ignored))
    if (E.path().filename().string().rfind(".new.", 0) == 0)
      Objects.push_back(misplaced(
          E.path(), "a name that was never finished; it may be removed"));
}

//===----------------------------------------------------------------------===//
// Checking
//===----------------------------------------------------------------------===//

// A copy beside the objects, before anything is written.
static bool backUp(const Store &S, const Object &O) {
  fs::path To = fs::path(S.path()) / "before-repair";
  std::error_code Error;
  fs::create_directories(To, Error);
  fs::permissions(To, fs::perms::owner_all, Error);
  std::string Hex = toHex(O.Id);
  for (unsigned N = 1; N < 1000 && !Error; ++N) {
    fs::path File = To / (Hex + "." + std::to_string(N));
    if (fs::copy_file(pathOf(S, O.Id), File, Error)) {
      fprintf(stderr, "perdure: %s: kept as it was in %s\n",
              O.Name.empty() ? Hex.c_str() : escape(O.Name).c_str(),
              escape(File).c_str());
      return true;
    }
    if (Error == std::errc::file_exists)
      Error.clear();
  }
  fprintf(stderr,
          "perdure: cannot keep a copy of objects/%s in %s: %s\n"
          "hint: make room there, or repair without a copy: --no-backup\n",
          Hex.c_str(), escape(To).c_str(), Error.message().c_str());
  return false;
}

static bool canMend(const Object &O) {
  return std::any_of(O.Findings.begin(), O.Findings.end(),
                     [](const Finding &F) { return F.Kind == PERDURE_MENDED; });
}

static bool check(const Options &Opts, const Store &S, Object &O) {
  struct stat Status;
  if (isNone(O.Id)) {
    O.Findings.push_back({PERDURE_DAMAGED, 0,
                          "a name without an object's ID: restore its file in "
                          "names/ from a copy, or remove it"});
    O.Damage = 1;
    return true;
  }
  if (stat(pathOf(S, O.Id).c_str(), &Status) && errno == ENOENT) {
    O.Findings.push_back({PERDURE_DAMAGED, 0,
                          "the object's file is gone: restore objects/" +
                              toHex(O.Id) + " from a copy"});
    O.Damage = 1;
    return true;
  }
  O.Damage = perdure_check(S, O.Id, 0, addFinding, &O.Findings);
  if (O.Damage >= 0 && Opts.Repair && canMend(O)) {
    if (!Opts.NoBackup && !backUp(S, O))
      return false;
    O.Findings.clear();
    O.Damage = perdure_check(S, O.Id, PERDURE_REPAIR, addFinding, &O.Findings);
  }
  if (O.Damage >= 0)
    return true;
  reportObjectFailure(S);
  return false;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static const char *wordFor(const Options &Opts, const Finding &F) {
  return F.Kind == PERDURE_NOTE      ? "note"
         : F.Kind == PERDURE_DAMAGED ? "damaged"
         : Opts.Repair               ? "repaired"
                                     : "repairable";
}

static std::string labelOf(const Object &O) {
  return !O.Path.empty() ? O.Path : O.Name.empty() ? toHex(O.Id) : O.Name;
}

static void print(const Options &Opts, const Object &O) {
  for (const Finding &F : O.Findings)
    if (isForPeople())
      printf("%s: %s at %s: %s\n", escape(labelOf(O)).c_str(), wordFor(Opts, F),
             formatOffset(F.Offset).c_str(), escape(F.What).c_str());
    else
      printf("%s\t%s\t%s\t%s\n", escape(labelOf(O)).c_str(), wordFor(Opts, F),
             formatOffset(F.Offset).c_str(), escape(F.What).c_str());
}

static void printJson(const Options &Opts, const std::vector<Object> &Objects) {
  Json J;
  J.beginArray();
  for (const Object &O : Objects)
    for (const Finding &F : O.Findings) {
      J.beginObject();
      if (O.Name.empty())
        J.addNull("name");
      else
        J.add("name", O.Name);
      if (isNone(O.Id))
        J.addNull("id");
      else
        J.add("id", toHex(O.Id));
      if (O.Path.empty())
        J.addNull("path");
      else
        J.add("path", O.Path);
      J.add("kind", wordFor(Opts, F));
      J.add("offset", F.Offset);
      J.add("what", F.What);
      J.endObject();
    }
  J.endArray();
}

static int run(const Options &Opts) {
  Store S(Opts.Store, Opts.Repair ? 0 : PERDURE_RDONLY);
  std::vector<Object> All, Objects;
  if (!S)
    return Failure;
  if (perdure_list(S, addName, &All))
    return reportFailure();
  int Status = Success;
  if (Opts.Names.empty()) {
    addUnnamed(S, All);
    Objects = All;
  }
  for (const std::string &Name : Opts.Names) {
    auto It = std::find_if(All.begin(), All.end(),
                           [&](const Object &O) { return O.Name == Name; });
    if (It != All.end()) {
      Objects.push_back(*It);
      continue;
    }
    fprintf(stderr,
            "perdure: store %s has no object called '%s'\n"
            "hint: perdure ls %s lists what there is\n",
            escape(Opts.Store).c_str(), escape(Name).c_str(),
            quoteForShell(Opts.Store).c_str());
    Status = Failure;
  }
  std::sort(
      Objects.begin(), Objects.end(),
      [](const Object &A, const Object &B) { return labelOf(A) < labelOf(B); });
  unsigned Damaged = 0, Checked = 0;
  for (Object &O : Objects) {
    if (O.Path.empty()) {
      O.Checked = check(Opts, S, O);
      ++Checked;
    }
    Damaged += O.Damage > 0;
    if (!O.Checked || O.Damage > 0)
      Status = Failure;
    if (!Opts.Json)
      print(Opts, O);
  }
  if (Opts.Json)
    printJson(Opts, Objects);
  else if (isForPeople())
    printf("%u objects checked, %u with damage%s\n", Checked, Damaged,
           Damaged && !Opts.Repair ? "; --repair mends what is repairable"
                                   : "");
  return Status;
}

Command addFsck(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand(
      "fsck", "Find damage in objects, and mend what can be mended");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Names, "Objects (default: all of the store)");
  App->add_flag(
      "--repair", Opts->Repair,
      "Mend what can be mended; a copy of the file as it was stays in "
      "STORE/before-repair");
  App->add_flag("--no-backup", Opts->NoBackup, "With --repair: keep no copy");
  App->add_flag("--json", Opts->Json, "Print a JSON array of findings");
  App->footer(
      "Checks headers, foreign object tables, page maps, slabs and seals of "
      "objects that\nnobody has open for writing. What a program's own data "
      "means it cannot know.\nA repair frees nothing and changes no data: in "
      "doubt blocks count as allocated.\nNot on a terminal: four columns "
      "parted "
      "by tabs: object, kind (note, repairable,\nrepaired, damaged), offset in "
      "the file, what. Exit status 1: there is damage.\n\n"
      "Examples:\n"
      "  perdure fsck shop\n"
      "  perdure fsck --repair shop customers\n"
      "  perdure fsck --json shop | jq '.[] | select(.kind != \"note\")'\n");
  return {App, [Opts] { return run(*Opts); }};
}

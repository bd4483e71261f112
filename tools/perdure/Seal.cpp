//===- Seal.cpp - perdure seal --------------------------------------------===//

#include "Command.h"
#include "Keys.h"
#include "Output.h"
#include "Store.h"

#include <algorithm>
#include <cerrno>
#include <memory>

namespace {

struct Options {
  std::string Key, NewKey, Store;
  std::vector<std::string> Trusted, Names;
  bool Check = false, Remove = false, Json = false;
};

/// What was found of one object.
struct Finding {
  std::string Name;
  const char *State; // "sealed", "untrusted", "broken" or "unsealed"
  PublicKey Key;
  uint64_t When;
};

} // namespace

// What opening for writing repairs after a crash is not there to be signed: so
// it is opened once, and closed again.
static bool settle(const Options &Opts) {
  Store S(Opts.Store, 0);
  if (!S)
    return false;
  for (const std::string &Name : Opts.Names)
    if (!perdure_open(S, Name.c_str(), 0)) {
      reportObjectFailure(S);
      return false;
    }
  return true;
}

static int seal(const Options &Opts) {
  SecretKey Key;
  if (!readKey(Opts.Key, Key) || !settle(Opts))
    return Failure;
  Store S(Opts.Store, 0);
  if (!S)
    return Failure;
  int Status = Success;
  for (const std::string &Name : Opts.Names)
    if (perdure_seal(S, Name.c_str(), Key.data()))
      Status = reportObjectFailure(S);
  return Status;
}

static int unseal(const Options &Opts) {
  Store S(Opts.Store, 0);
  if (!S)
    return Failure;
  int Status = Success;
  for (const std::string &Name : Opts.Names)
    if (perdure_unseal(S, Name.c_str()))
      Status = reportObjectFailure(S);
  return Status;
}

static void print(const Options &Opts, const std::vector<Finding> &Findings) {
  if (Opts.Json) {
    Json J;
    J.beginArray();
    for (const Finding &F : Findings) {
      J.beginObject();
      J.add("name", F.Name);
      J.add("state", F.State);
      if (F.When) {
        J.add("key", toHex(F.Key));
        J.add("sealed", formatTime(F.When));
      } else {
        J.addNull("key");
        J.addNull("sealed");
      }
      J.endObject();
    }
    J.endArray();
    return;
  }
  Table T(isForPeople()
              ? std::vector<std::string>{"NAME", "STATE", "KEY", "SEALED"}
              : std::vector<std::string>{});
  for (const Finding &F : Findings)
    T.addRow({escape(F.Name), F.State, F.When ? toHex(F.Key) : "-",
              F.When ? formatTime(F.When) : "-"});
  T.print();
}

static int check(const Options &Opts) {
  std::vector<PublicKey> Trusted(Opts.Trusted.size());
  for (size_t I = 0; I < Trusted.size(); ++I)
    if (!readKey(Opts.Trusted[I], Trusted[I]))
      return Failure;
  Store S(Opts.Store, PERDURE_RDONLY);
  if (!S)
    return Failure;
  int Status = Success;
  std::vector<Finding> Findings;
  for (const std::string &Name : Opts.Names) {
    struct perdure_seal_info Info;
    Finding F = {Name, "sealed", {}, 0};
    if (!perdure_verify(S, Name.c_str(), &Info)) {
      std::copy(Info.key, Info.key + F.Key.size(), F.Key.begin());
      F.When = Info.sealed;
      bool Known =
          std::find(Trusted.begin(), Trusted.end(), F.Key) != Trusted.end();
      if (!Trusted.empty() && !Known) {
        F.State = "untrusted";
        Status = Failure;
      }
    } else if (errno == ENODATA || errno == EBADMSG) {
      F.State = errno == ENODATA ? "unsealed" : "broken";
      Status = reportFailure();
    } else {
      Status = reportObjectFailure(S);
      continue;
    }
    Findings.push_back(F);
  }
  print(Opts, Findings);
  return Status;
}

static int run(const Options &Opts) {
  if (!Opts.NewKey.empty())
    return makeKeys(Opts.NewKey) ? Success : Failure;
  if (Opts.Store.empty() || Opts.Names.empty() ||
      Opts.Check + Opts.Remove + !Opts.Key.empty() != 1) {
    fprintf(stderr, "perdure: seal needs one of --key FILE, --check, --remove, "
                    "then a store and names; or --new-key FILE alone\n"
                    "hint: perdure seal --help says how\n");
    return Usage;
  }
  return Opts.Check ? check(Opts) : Opts.Remove ? unseal(Opts) : seal(Opts);
}

Command addSeal(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand(
      "seal", "Sign objects, so that changes can be told");
  App->add_option("STORE", Opts->Store, "The store's directory");
  App->add_option("NAME", Opts->Names, "Objects");
  App->add_option("--key", Opts->Key, "Seal them with the secret key in FILE")
      ->type_name("FILE");
  App->add_flag("--check", Opts->Check, "Check their seals");
  App->add_option("--trust", Opts->Trusted,
                  "With --check: only seals by the public key in FILE count; "
                  "may be given several times")
      ->type_name("FILE")
      ->allow_extra_args(false);
  App->add_flag("--remove", Opts->Remove, "Take their seals off");
  App->add_option("--new-key", Opts->NewKey,
                  "Make a secret key in FILE and its public key in FILE.pub")
      ->type_name("FILE");
  App->add_flag("--json", Opts->Json, "With --check: print a JSON array");
  App->footer(
      "A sealed object cannot be opened for writing. Its seal is an Ed25519 "
      "signature over\nall of its bytes; programs open it with PERDURE_VERIFY "
      "to be sure. What it leads to\nis sealed by itself, or is not.\n"
      "--check prints name, state (sealed, untrusted, broken, unsealed), "
      "public "
      "key and time,\nand exits with 1 unless all are sealed.\n\n"
      "Examples:\n"
      "  perdure seal --new-key ~/shop.key\n"
      "  perdure seal --key ~/shop.key shop customers orders\n"
      "  perdure seal --check --trust ~/shop.key.pub shop customers orders\n"
      "  perdure seal --remove shop customers\n");
  return {App, [Opts] { return run(*Opts); }};
}

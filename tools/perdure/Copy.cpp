//===- Copy.cpp - perdure cp ----------------------------------------------===//

#include "Command.h"
#include "Output.h"
#include "Store.h"

#include <cerrno>
#include <memory>
#include <sys/stat.h>

namespace {

struct Options {
  std::string From, Name, To, As;
  bool Recursive = false, Force = false, NoWait = false, Create = false,
       Json = false;
};

} // namespace

static bool isSameDirectory(const std::string &A, const std::string &B) {
  struct stat X, Y;
  return !stat(A.c_str(), &X) && !stat(B.c_str(), &Y) && X.st_dev == Y.st_dev &&
         X.st_ino == Y.st_ino;
}

static int failCopy(const Options &Opts, const Store &From, const Store &To) {
  switch (errno) {
  case EBUSY:
    if (Opts.Force && !Opts.NoWait)
      return reportFailure();
    return reportFailure(
        "wait until that process is done" +
        std::string(Opts.NoWait ? ", as without --no-wait for the end of a "
                                  "write section"
                                : "") +
        "; --force takes what a process changes outside of write sections, "
        "perhaps half of a change");
  case EEXIST:
    return reportFailure("perdure ls " + quoteForShell(To.path()) +
                         " shows names and IDs; give another NEWNAME when the "
                         "name is taken");
  default:
    return reportObjectFailure(From);
  }
}

static int run(const Options &Opts) {
  // A store that is open to read cannot be opened to write.
  bool Same = isSameDirectory(Opts.From, Opts.To);
  Store From(Opts.From, Same ? 0 : PERDURE_RDONLY);
  if (!From)
    return Failure;
  Store To(Opts.To, Opts.Create ? PERDURE_CREATE : 0,
           Opts.Create ? "" : "--create makes the store");
  if (!To)
    return Failure;
  unsigned Flags = (Opts.Recursive ? +PERDURE_RECURSIVE : 0u) |
                   (Opts.Force ? +PERDURE_FORCE : 0u) |
                   (Opts.NoWait ? +PERDURE_NOWAIT : 0u);
  const std::string &As = Opts.As.empty() ? Opts.Name : Opts.As;
  int Half = perdure_copy(From, Opts.Name.c_str(), To, As.c_str(), Flags);
  if (Half < 0)
    return failCopy(Opts, From, To);
  if (Half)
    fprintf(stderr,
            "perdure: warning: copied, but a process died in a write section "
            "and may have left half a change in '%s'%s; check the copy\n",
            escape(Opts.Name).c_str(),
            Opts.Recursive ? " or in what it leads to" : "");
  if (Opts.Json) {
    Json J;
    J.beginObject();
    J.add("from", Opts.From);
    J.add("name", Opts.Name);
    J.add("to", Opts.To);
    J.add("as", As);
    J.add("half_changed", Half != 0);
    J.endObject();
  }
  return Success;
}

Command addCopy(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand(
      "cp", "Copy an object, also while processes write it");
  App->add_option("STORE", Opts->From, "The store's directory")->required();
  App->add_option("NAME", Opts->Name, "The object")->required();
  App->add_option("DEST-STORE", Opts->To,
                  "Where to: another store's directory, or the same")
      ->required();
  App->add_option("NEWNAME", Opts->As, "The copy's name (default: NAME)");
  App->add_flag("-r,--recursive", Opts->Recursive,
                "Also what it leads to, and so on, all as of one moment");
  App->add_flag("--force", Opts->Force,
                "Also while a process changes it outside of write sections");
  App->add_flag("--no-wait", Opts->NoWait,
                "Fail instead of waiting for a write section to end");
  App->add_flag("--create", Opts->Create, "Make DEST-STORE when it is missing");
  App->add_flag("--json", Opts->Json, "Print a JSON object when it is done");
  App->footer(
      "The copy is the object as it is between two write sections. In another "
      "store it\nkeeps its ID; in the same store it gets a new one and a "
      "NEWNAME. What DEST-STORE has\nalready is not replaced. With --force the "
      "copy may have half of a change.\n\n"
      "Examples:\n"
      "  perdure cp shop customers backup\n"
      "  perdure cp -r --create shop customers backup-$(date +%F)\n"
      "  perdure cp shop customers shop customers-before-upgrade\n");
  return {App, [Opts] { return run(*Opts); }};
}

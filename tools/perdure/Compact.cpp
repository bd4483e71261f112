//===- Compact.cpp - perdure compact --------------------------------------===//

#include "Bits.h"
#include "Command.h"
#include "Others.h"
#include "Output.h"
#include "Walk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <sys/stat.h>

using namespace inspect;

namespace {
struct Options {
  std::string Store;
  std::vector<std::string> Names;
  bool DryRun = false, Precise = false, Json = false;
};

/// Which blocks of an object may move, and how to correct what leads to them.
class Mover {
public:
  Mover(Object &O, Trust How)
      : O(O), W(O, How), Stays(O.blocks().size()), Tied(O.blocks().size()) {
    W.trustFirstOnly();
    for (size_t I = 0; I < Stays.size(); ++I)
      Stays[I] = O.blocks()[I].Kind != PERDURE_BLOCK_DATA;
  }
  /// Something outside leads there.
  void pin(uint64_t Offset) {
    W.addRoot(Offset);
    pinBoth(Offset);
  }
  /// False: Why.
  bool run(std::string &Why);
  perdure_may_move mayMove(uint64_t Offset) {
    size_t Index = indexOf(Offset);
    return Stays[Index] ? PERDURE_STAYS : Tied[Index] ? PERDURE_MOVES_ALONG : PERDURE_MOVES;
  }
  size_t staying() const { return (size_t)std::count(Stays.begin(), Stays.end(), true); }
  void correct(char *Image, const perdure_move *Moves, size_t Count);

private:
  size_t indexOf(uint64_t Offset) {
    const Block *B = O.blockAt(Offset);
    return B ? (size_t)(B - O.blocks().data()) : SIZE_MAX;
  }
  // The block that holds the offset, and the one that ends there.
  void pinBoth(uint64_t Offset) {
    for (uint64_t At : {Offset, Offset - 1})
      if (size_t Index = indexOf(At); Index != SIZE_MAX)
        Stays[Index] = true;
  }
  bool mayMeanEnd(const Reference &R) const;
  void look(size_t Index, const Reference &R);

  Object &O;
  Walk W;
  std::vector<bool> Stays;
  std::vector<bool> Tied; // to the block that ends where it begins
  bool IsPositioned = false;
};

// Whether a pointer to the first byte of a block may mean the end of the one before.
bool Mover::mayMeanEnd(const Reference &R) const {
  return !R.Of || R.Of->Is != Kind::Struct || R.Of->Of->HasArrays;
}

void Mover::look(size_t Index, const Reference &R) {
  if (!R.E) {
    pinBoth(R.To.Offset);
    // Such bits may mean something else anywhere else.
    if (IsPositioned)
      Stays[Index] = true;
    return;
  }
  if (R.To.Is != Target::Here)
    return;
  size_t To = indexOf(R.To.Offset), Before = indexOf(R.To.Offset - 1);
  if (To == SIZE_MAX) // behind the last element of a block
    pinBoth(R.To.Offset);
  else if (To != Before && Before != SIZE_MAX && mayMeanEnd(R))
    Tied[To] = true;
}

bool Mover::run(std::string &Why) {
  Progress P("Reading " + escape(O.Name), O.blocks().size() * 2);
  W.tell([&](uint64_t Blocks) { P.at(Blocks); });
  if (!W.run(Why))
    return false;
  W.tell(nullptr);
  for (const std::string &Name : O.Known.encodings())
    if (Name.find("xor") == 0 || Name == "self-relative")
      IsPositioned = true;
  for (size_t I = 0; I < O.blocks().size(); ++I) {
    P.at(O.blocks().size() + I);
    // What nothing leads to is gc's; where it goes does not matter, but what may lead
    // there from it does not count either.
    if (W.isReached(I))
      W.visitReferences(I, [&](const Reference &R) { look(I, R); });
  }
  // What is tied to a block that stays, stays, in both directions.
  for (size_t I = 1; I < Tied.size(); ++I)
    if (Tied[I] && Stays[I - 1])
      Stays[I] = true;
  for (size_t I = Tied.size(); I-- > 1;)
    if (Tied[I] && Stays[I])
      Stays[I - 1] = true;
  return true;
}

void Mover::correct(char *Image, const perdure_move *Moves, size_t Count) {
  auto Moved = [&](uint64_t Offset) {
    const perdure_move *M =
        std::upper_bound(Moves, Moves + Count, Offset, [](uint64_t Offset, const perdure_move &M) {
          return Offset < M.from;
        });
    return M == Moves || Offset - M[-1].from >= M[-1].bytes ? Offset
                                                            : Offset - M[-1].from + M[-1].to;
  };
  Progress P("Moving blocks of " + escape(O.Name), O.blocks().size());
  for (size_t I = 0; I < O.blocks().size(); ++I) {
    P.at(I);
    if (W.isReached(I))
      W.visitReferences(I, [&](const Reference &R) {
        if (!R.E || R.To.Is != Target::Here)
          return;
        uint64_t At = Moved(R.At), To = Moved(R.To.Offset);
        if (At == R.At && To == R.To.Offset)
          return;
        uint64_t Bits = R.E->encode(O.at(At), O.at(To));
        memcpy(Image + At, &Bits, sizeof(Bits));
      });
  }
}

struct Result {
  uint64_t Before = 0, After = 0;
  size_t Blocks = 0, Staying = 0;
};
} // namespace

static int compact(const Options &Opts, const Store &S, const NameList &Names,
                   const std::string &Name, Result &R) {
  Objects All(S, 0);
  Object *O = All.open(Name);
  if (!O)
    return failToOwn(S, Name, Name);
  if (!O->readBlocks())
    return reportFailure("perdure fsck " + quoteForShell(S.path()) + " says more");
  Mover M(*O, Opts.Precise ? Trust::Types : Trust::Nothing);
  if (int Status = visitOthers(S, All, Names, *O, [&](uint64_t To) { M.pin(To); }))
    return Status;
  std::string Why;
  if (!M.run(Why)) {
    fprintf(stderr, "perdure: %s: %s; it was left as it is\n", escape(Name).c_str(),
            escape(Why).c_str());
    return Failure;
  }
  R.Before = R.After = O->Bytes;
  R.Blocks = O->blocks().size();
  R.Staying = M.staying();
  if (Opts.DryRun)
    return Success;
  struct perdure_compaction How = {
      [](void *Arg, uint64_t Offset) { return ((Mover *)Arg)->mayMove(Offset); },
      [](void *Arg, char *Image, const perdure_move *Moves, size_t Count) {
        ((Mover *)Arg)->correct(Image, Moves, Count);
        return 0;
      },
      &M};
  int Done = perdure_compact((void *)(O->Base + O->RootOffset), &How);
  struct stat Status;
  if (Done < 0)
    return reportFailure();
  if (Done && !stat(pathOf(S, O->Id).c_str(), &Status))
    R.After = (uint64_t)Status.st_size;
  return Success;
}

static int run(const Options &Opts) {
  Result R;
  NameList Names;
  int Status = Success;
  Json J;
  if (Opts.Json)
    J.beginArray();
  for (const std::string &Name : Opts.Names) {
    // A store for each: what was compacted is seen as it was until its store closes.
    Store S(Opts.Store, 0);
    if (!S || (Names.empty() && !listNames(S, Names)))
      return S ? reportFailure() : Failure;
    if (compact(Opts, S, Names, Name, R)) {
      Status = Failure;
      continue;
    }
    if (Opts.Json) {
      J.beginObject();
      J.add("name", Name);
      J.add("bytes_before", R.Before);
      J.add("bytes", R.After);
      J.add("blocks", (uint64_t)R.Blocks);
      J.add("pinned", (uint64_t)R.Staying);
      J.endObject();
    } else if (isForPeople()) {
      printf("%s: %s, was %s; %zu of %zu blocks could not move\n", escape(Name).c_str(),
             formatSize(R.After).c_str(), formatSize(R.Before).c_str(), R.Staying, R.Blocks);
    } else {
      printf("%s\t%llu\t%llu\t%zu\t%zu\n", escape(Name).c_str(), (unsigned long long)R.Before,
             (unsigned long long)R.After, R.Blocks, R.Staying);
    }
  }
  if (Opts.Json)
    J.endArray();
  return Status;
}

Command addCompact(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App =
      Program.add_subcommand("compact", "Move blocks together and make files shorter");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Names, "Objects")->required();
  App->add_flag("-n,--dry-run", Opts->DryRun, "Only say how many blocks could move");
  App->add_flag("--precise", Opts->Precise,
                "Numbers that look like pointers hold nothing where a type says that they are "
                "numbers");
  App->add_flag("--json", Opts->Json, "Print a JSON array of objects");
  App->footer(
      "The object is written anew, with pointers to what has moved corrected, and that file\n"
      "takes the old one's place at once; a power failure leaves one of the two. A block\n"
      "stays where it is when another object leads there, or anything that is not known to\n"
      "be a pointer may. Close the object everywhere first, also where it is only read.\n"
      "Offsets that a program keeps itself (perdure_offset, hashes of them) are not\n"
      "corrected. perdure gc frees what nothing leads to.\n"
      "Not on a terminal: five columns: object, bytes before and after, blocks, blocks that\n"
      "could not move.\n\n"
      "Examples:\n"
      "  perdure compact --dry-run shop customers\n"
      "  perdure gc shop customers && perdure compact shop customers\n");
  return {App, [Opts] { return run(*Opts); }};
}

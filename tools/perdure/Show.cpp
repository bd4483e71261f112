//===- Show.cpp - perdure show --------------------------------------------===//

#include "Command.h"
#include "Print.h"
#include "Store.h"
#include "Walk.h"

#include <algorithm>
#include <memory>

using namespace inspect;

namespace {
struct Options {
  std::string Store, Name, Path;
  unsigned Depth = 0;
  uint64_t Most = 100;
  bool Json = false;
};
} // namespace

// What a block holds is known from what leads there.
static const Type *findType(Object &O, uint64_t Offset) {
  Walk W(O, Trust::Types);
  std::string Why;
  W.run(Why);
  return W.typeAt(Offset);
}

static void follow(const Options &Opts, Json &J, Object &In, unsigned Depth, const Type &T,
                   const Target &To) {
  if (T.Inner)
    J.add("type", T.Inner->Name);
  Object *At = To.Is == Target::Here ? &In : To.Is == Target::Foreign ? To.To : nullptr;
  const Block *B = At && T.Inner ? At->blockAt(To.Offset) : nullptr;
  if (!B || T.Inner->Size > B->Offset + B->Bytes - To.Offset)
    return;
  Place P = {At, To.Offset, T.Inner, nullptr, B->Offset + B->Bytes};
  std::string Text;
  if (readString(P, Text)) {
    J.add("text", Text);
  } else if (Depth) {
    JsonPrinter(J, *At, [&](const Type &T, const Target &To) {
      follow(Opts, J, *At, Depth - 1, T, To);
    }).place("value", P);
  }
}

static void printJson(const Options &Opts, const Place &P) {
  Json J;
  J.beginObject();
  J.add("object", P.In->Name);
  J.add("offset", formatOffset(P.Offset));
  if (P.Is) {
    J.add("type", P.Is->Name);
    unsigned Depth = Opts.Depth + (P.Is->Is == Kind::Pointer);
    JsonPrinter(J, *P.In, [&](const Type &T, const Target &To) {
      follow(Opts, J, *P.In, Depth, T, To);
    }).place("value", P);
  } else {
    J.addNull("type");
    std::string Hex;
    for (uint64_t At = P.Offset; At < P.End; ++At) {
      char Byte[3];
      snprintf(Byte, sizeof(Byte), "%02x", *P.In->at(At));
      Hex += Byte;
    }
    J.add("bytes", Hex);
  }
  J.endObject();
}

static void print(const Options &Opts, const Place &P) {
  if (P.Is) {
    TextPrinter Printer(Opts.Most, Opts.Depth);
    Printer.place(P);
    printf("%s", Printer.result().c_str());
    return;
  }
  uint64_t Count = P.End - P.Offset, Shown = std::min<uint64_t>(Count, Opts.Most * 16);
  printf("%s", hexLines(*P.In, P.Offset, Shown).c_str());
  if (Shown < Count)
    printf("and %llu bytes more\n", (unsigned long long)(Count - Shown));
  if (P.Offset == P.In->RootOffset && !P.In->Known.root())
    fprintf(stderr,
            "perdure: object '%s' has recorded no types\n"
            "hint: they are recorded when a program that was compiled with the plugin "
            "opens it to write (docs/Types.md)\n",
            escape(P.In->Name).c_str());
}

static int run(const Options &Opts) {
  Store S(Opts.Store, PERDURE_RDONLY);
  if (!S)
    return Failure;
  Objects All(S, PERDURE_RDONLY);
  Object *O = All.open(Opts.Name);
  if (!O)
    return reportObjectFailure(S);
  Place P;
  std::string Why;
  if (!O->readBlocks())
    return reportFailure("perdure fsck " + quoteForShell(Opts.Store) + " says more");
  if (!findPlace(*O, Opts.Path, findType, P, Why)) {
    fprintf(stderr, "perdure: %s: %s\n", escape(Opts.Name).c_str(), escape(Why).c_str());
    return Failure;
  }
  Opts.Json ? printJson(Opts, P) : print(Opts, P);
  return Success;
}

Command addShow(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand("show", "Print values, by their types");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Name, "The object")->required();
  App->add_option("PATH", Opts->Path, "From the root to the value (default: the root)");
  App->add_option("--depth", Opts->Depth,
                  "How many pointers are followed, one after the other (default: 0)");
  App->add_option("--most", Opts->Most,
                  "How many elements of an array are printed (default: 100)")
      ->check(CLI::PositiveNumber);
  App->add_flag("--json", Opts->Json, "Print a JSON object");
  App->footer(
      "A PATH is made of fields and elements: .first->next[3].key. Pointers are followed\n"
      "by . as by ->, and by [N] to the N-th of what they lead to. @0x1040 is what lies\n"
      "at an offset, node@0x1040 the same taken for a node.\n"
      "Values are those between two write sections of who writes the object; of one that\n"
      "is written outside of sections perhaps half of a change.\n\n"
      "Examples:\n"
      "  perdure show shop customers\n"
      "  perdure show shop customers '.first->next[3].key'\n"
      "  perdure show --depth 3 shop customers .first\n"
      "  perdure show --json shop customers .count | jq .value\n");
  return {App, [Opts] { return run(*Opts); }};
}

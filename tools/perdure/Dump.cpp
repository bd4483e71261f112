//===- Dump.cpp - perdure dump --------------------------------------------===//

#include "Command.h"
#include "Print.h"
#include "Store.h"
#include "Walk.h"

#include <algorithm>
#include <memory>

using namespace inspect;

namespace {
struct Options {
  std::string Store, Name;
};

std::string hexOf(const Object &O, uint64_t Offset, uint64_t Count) {
  static const char Digits[] = "0123456789abcdef";
  std::string Text;
  for (uint64_t I = 0; I < Count; ++I) {
    Text += Digits[*O.at(Offset + I) >> 4];
    Text += Digits[*O.at(Offset + I) & 15];
  }
  return Text;
}
} // namespace

static void dumpTypes(Json &J, const Object &O) {
  J.beginArray("types");
  perdure_types(
      O.at(O.RootOffset),
      [](void *To, const struct perdure_type *T) {
        Json &J = *(Json *)To;
        char Layout[20];
        snprintf(Layout, sizeof(Layout), "%016llx", (unsigned long long)T->layout);
        J.beginObject();
        J.add("layout", Layout);
        J.add("text", std::string(T->text, T->bytes));
        J.endObject();
        return 0;
      },
      &J);
  J.endArray();
}

// What the types do not say: bytes. Whether some of them, or of unions, may lead
// somewhere.
static bool dumpRest(Json &J, Object &O, const Walk &W, size_t Index, uint64_t From) {
  const Block &B = O.blocks()[Index];
  uint64_t End = B.Offset + B.Bytes;
  while (End > From && !*O.at(End - 1))
    --End;
  bool Leads = false;
  W.visitReferences(Index, [&](const Reference &R) {
    Leads = Leads || (!R.E && O.blockAt(R.To.Offset));
  });
  if (End > From)
    J.add("rest", hexOf(O, From, End - From));
  if (Leads)
    J.add("may_lead", true);
  return Leads;
}

static bool dumpBlock(Json &J, Object &O, const Walk &W, size_t Index) {
  const Block &B = O.blocks()[Index];
  const Type *T = W.typeOf(Index);
  uint64_t Count = W.countIn(Index);
  if (T && T->Size > B.Bytes)
    T = nullptr;
  J.beginObject();
  J.add("at", formatOffset(B.Offset));
  J.add("bytes", B.Bytes);
  if (!T) {
    J.addNull("type");
    bool Leads = dumpRest(J, O, W, Index, B.Offset);
    J.endObject();
    return Leads;
  }
  J.add("type", T->Name);
  if (T->Is == Kind::Pointer)
    J.add("encoding", T->Encoding);
  JsonPrinter P(J, O);
  P.setExact();
  uint64_t End = B.Offset + B.Bytes, Known = B.Offset + Count * T->Size;
  if (T->Is == Kind::Struct && Count == 1) {
    P.place("value", {&O, B.Offset, T, nullptr, End});
    if (!T->Of->Fields.empty() && T->Of->Fields.back().Is->Is == Kind::Array &&
        T->Of->Fields.back().Is->Count == Flexible) {
      const Field &Last = T->Of->Fields.back();
      J.add("capacity", countOf(*Last.Is, B.Offset + Last.Offset, End));
      Known = End;
    }
  } else {
    // As one array: characters are a text then.
    Type Array;
    Array.Is = Kind::Array;
    Array.Inner = T;
    Array.Count = Count;
    Array.Size = Count * T->Size;
    P.place("values", {&O, B.Offset, &Array, nullptr, End});
  }
  if (End > Known)
    J.add("spare", End - Known);
  bool Leads = dumpRest(J, O, W, Index, Known);
  J.endObject();
  return Leads;
}

static int run(const Options &Opts) {
  Store S(Opts.Store, PERDURE_RDONLY);
  if (!S)
    return Failure;
  Objects All(S, PERDURE_RDONLY);
  Object *O = All.open(Opts.Name);
  if (!O)
    return reportObjectFailure(S);
  if (!O->readBlocks())
    return reportFailure("perdure fsck " + quoteForShell(Opts.Store) + " says more");
  Walk W(*O, Trust::Types);
  W.guessArrays();
  std::string Why;
  Progress Reading("Reading " + escape(Opts.Name), O->blocks().size());
  W.tell([&](uint64_t Blocks) { Reading.at(Blocks); });
  if (!W.run(Why)) {
    fprintf(stderr, "perdure: %s: %s\n", escape(Opts.Name).c_str(), escape(Why).c_str());
    return Failure;
  }
  Json J;
  uint64_t Garbage = 0, Opaque = 0;
  J.beginObject();
  J.add("perdure_dump", (uint64_t)1);
  J.add("name", O->Name);
  J.add("id", toHex(O->Id));
  J.add("root", formatOffset(O->RootOffset));
  J.add("root_bytes", O->RootBytes);
  dumpTypes(J, *O);
  J.beginArray("blocks");
  {
    Progress P("Dumping " + escape(Opts.Name), O->blocks().size());
    for (size_t I = 0; I < O->blocks().size(); ++I) {
      P.at(I);
      if (O->blocks()[I].Kind == PERDURE_BLOCK_NAME)
        continue; // perdure_bind makes it
      if (W.isReached(I))
        Opaque += dumpBlock(J, *O, W, I);
      else
        ++Garbage;
    }
  }
  J.endArray();
  J.endObject();
  if (Garbage)
    fprintf(stderr, "perdure: %llu block%s that nothing leads to %s left out\n",
            (unsigned long long)Garbage, Garbage == 1 ? "" : "s", Garbage == 1 ? "is" : "are");
  if (Opaque)
    fprintf(stderr,
            "perdure: warning: %llu block%s what may be pointers, in places of which no "
            "type is known; perdure load would not make them lead anywhere\n",
            (unsigned long long)Opaque, Opaque == 1 ? " holds" : "s hold");
  return Success;
}

Command addDump(CLI::App &Program) {
  auto Opts = std::make_shared<Options>();
  CLI::App *App = Program.add_subcommand("dump", "Print an object as JSON, for load");
  App->add_option("STORE", Opts->Store, "The store's directory")->required();
  App->add_option("NAME", Opts->Name, "The object")->required();
  App->footer("Every block that something leads to, by its type, with the types themselves. A\n"
              "block that is larger than its type is taken for an array where all pointers in\n"
              "it then lead to blocks.\n\n"
              "Examples:\n"
              "  perdure dump shop customers > customers.json\n"
              "  perdure dump shop customers | jq '.blocks | length'\n");
  return {App, [Opts] { return run(*Opts); }};
}

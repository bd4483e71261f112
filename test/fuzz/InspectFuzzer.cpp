//===- InspectFuzzer.cpp - Types that say anything, and what tools make of them ---===//
//
// Input: how many texts, each with its length, the layout that it speaks of and its
// bytes; how many words of the object that say something else; and a path from the root.
// The tools' library walks the object, prints its values and follows the path.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "Path.h"
#include "Value.h"
#include "Walk.h"

#include <string.h>
#include <zlib.h>

using namespace fuzz;
using perdure::FilePage;

namespace {

/// Looks at all that it is told, and keeps nothing.
class Sink : public inspect::Visitor {
public:
  void number(const std::string &Digits, const std::string &Name) override {
    add(Digits.size() + Name.size());
  }
  void boolean(bool Value) override { add(Value); }
  void text(const std::string &Bytes) override { add(Bytes.size()); }
  void bytes(const unsigned char *Bytes, uint64_t Count) override {
    for (uint64_t I = 0; I < Count; ++I)
      Sum += Bytes[I];
  }
  void pointer(const inspect::Type &T, const inspect::Target &To) override {
    add(T.Name.size() + To.Offset);
  }
  void beginRecord(const inspect::Record &R) override { add(R.Name.size()); }
  void beginField(const std::string &Key) override { add(Key.size()); }
  void endRecord() override {}
  void beginArray(const inspect::Type &Element, uint64_t Count) override {
    add(Element.Size + Count);
  }
  void beginElement(uint64_t Index) override { add(Index); }
  void endArray() override {}

private:
  void add(uint64_t N) { Sum += N; }
  volatile uint64_t Sum = 0;
};

// The table of types is one page behind the object's.
void addTexts(std::vector<uint8_t> &Bytes, perdure::Header &H, Input &In) {
  uint64_t Extent = Bytes.size(), At = Extent;
  Bytes.resize(Extent + FilePage);
  for (unsigned Count = In.byte() % 12; Count; --Count) {
    struct {
      uint32_t Bytes, Checksum;
      uint64_t Layout;
      char Text[512];
    } E = {};
    E.Bytes = (uint32_t)In.take(2) % (sizeof(E.Text) + 1);
    E.Layout = In.number();
    for (uint32_t I = 0; I < E.Bytes; ++I)
      E.Text[I] = (char)In.byte();
    uint64_t Room = (16 + E.Bytes + 7) / 8 * 8;
    if (!E.Bytes || At + Room > Bytes.size())
      break;
    E.Checksum = (uint32_t)crc32(0, (const Bytef *)&E.Layout, 8 + E.Bytes);
    memcpy(&Bytes[At], &E, Room < sizeof(E) ? Room : sizeof(E));
    At += Room;
  }
  for (perdure::State &S : H.Copy) {
    S.TypeExtent[0] = Extent;
    S.FileBytes = Bytes.size();
    S.NeededToWrite |= perdure::FeatureTypes;
  }
}

void look(inspect::Object &O, const std::string &Path) {
  Sink S;
  std::string Why;
  for (inspect::Trust How : {inspect::Trust::Nothing, inspect::Trust::Types}) {
    inspect::Walk W(O, How);
    if (How == inspect::Trust::Types)
      W.guessArrays();
    W.run(Why);
    for (size_t I = 0; I < O.blocks().size(); ++I) {
      const inspect::Block &B = O.blocks()[I];
      const inspect::Type *T = W.typeOf(I);
      CHECK(O.holds(B.Offset, B.Bytes));
      CHECK(!T || W.countIn(I) <= 1 || W.countIn(I) * T->Size <= B.Bytes);
      if (W.isReached(I) && T)
        inspect::visitValue(O, B.Offset, *T, nullptr, B.Offset + B.Bytes, S);
      W.visitReferences(I, [&](const inspect::Reference &R) {
        CHECK(O.holds(R.At, 8));
        CHECK(R.To.Is != inspect::Target::Here || O.holds(R.To.Offset, 1));
      });
      W.typeAt(B.Offset + B.Bytes / 2);
    }
  }
  inspect::Place P;
  if (inspect::findPlace(
          O, Path, [](inspect::Object &, uint64_t) { return nullptr; }, P, Why)) {
    CHECK(P.In && P.In->holds(P.Offset, P.Is ? P.Is->Size : 0));
    if (P.Is)
      inspect::visitValue(*P.In, P.Offset, *P.Is, P.F, P.End, S);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size) {
  Input In(Data, Size);
  static std::vector<uint8_t> Bytes;
  Bytes = scene().Good;
  perdure::Header H = scene().GoodHeader;
  addTexts(Bytes, H, In);
  uint64_t Root = H.Ident.RootOffset;
  for (unsigned Count = In.byte() % 16; Count; --Count) {
    uint64_t At = Root + In.number() % 8192 / 8 * 8, Word = In.number();
    if (At + 8 <= scene().Good.size())
      memcpy(&Bytes[At], &Word, 8);
  }
  std::string Path;
  while (!In.empty())
    Path += (char)In.byte();
  sealHeader(H);
  memcpy(Bytes.data(), &H, sizeof(H));
  writeHostile(Bytes);
  perdure_store *S = perdure_store_open(scene().Dir.c_str(), PERDURE_RDONLY);
  CHECK(S);
  {
    inspect::Objects All(S, PERDURE_RDONLY);
    if (inspect::Object *O = All.open("a"))
      if (O->readBlocks())
        look(*O, Path);
  }
  perdure_store_close(S);
  CHECK(hostileIs(Bytes));
  return 0;
}

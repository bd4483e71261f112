//===- Seeds.cpp - Writes the inputs that fuzzing starts from -------------===//
//
// fuzz_seeds DIR: DIR/<target>/<number>, made from a valid object, so that no
// binary files are kept. What once failed is in regressions/.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"

#include <filesystem>
#include <fstream>
#include <stddef.h>
#include <string.h>

using namespace fuzz;
using perdure::Header;

namespace {
using Bytes = std::vector<uint8_t>;

Bytes join(std::initializer_list<Bytes> Parts) {
  Bytes All;
  for (const Bytes &P : Parts)
    All.insert(All.end(), P.begin(), P.end());
  return All;
}

/// What Input::number reads back as Value.
Bytes number(uint64_t Value) {
  Bytes B(9);
  B[0] = 8;
  memcpy(&B[1], &Value, 8);
  return B;
}

// Steps of Harness.cpp's Program.
Bytes allocate(unsigned Size) {
  return {0, (uint8_t)Size, (uint8_t)(Size >> 8)};
}
Bytes allocateLarge(unsigned Size) {
  return {1, (uint8_t)Size, (uint8_t)(Size >> 8), (uint8_t)(Size >> 16)};
}
Bytes freeOwn(unsigned Index) { return {3, (uint8_t)Index}; }
Bytes freeAt(uint64_t Offset) { return join({{4}, number(Offset), {0}}); }
Bytes place(uint64_t Offset) {
  return {(uint8_t)(Offset / 8), (uint8_t)(Offset / 8 >> 8),
          (uint8_t)(Offset / 8 >> 16)};
}
Bytes decode(uint64_t Bits, uint64_t Container) {
  Bytes B(9);
  B[0] = 5;
  memcpy(&B[1], &Bits, 8);
  return join({B, place(Container)});
}
Bytes decodeStored(uint64_t Container) { return join({{6}, place(Container)}); }
// Of the root, a place in the object, "b", "c".
Bytes encode(unsigned Target, uint64_t Container) {
  return join(
      {{7}, place(Container), number(8192), Bytes(8), {(uint8_t)Target}});
}
Bytes stat() { return {9}; }
Bytes change(uint32_t Where, uint64_t What) {
  Bytes B = {13, (uint8_t)Where, (uint8_t)(Where >> 8), (uint8_t)(Where >> 16),
             (uint8_t)(Where >> 24)};
  return join({B, number(What)});
}

class SeedFolder {
public:
  explicit SeedFolder(const std::string &Dir) : Dir(Dir) {}
  void add(const char *Target, const Bytes &B) {
    std::filesystem::create_directories(Dir + "/" + Target);
    std::ofstream Out(Dir + "/" + Target + "/" + std::to_string(Count++),
                      std::ios::binary);
    Out.write((const char *)B.data(), (std::streamsize)B.size());
    CHECK(Out.good());
  }

private:
  std::string Dir;
  unsigned Count = 0;
};

void headers(SeedFolder &W) {
  const Header &Good = scene().GoodHeader;
  auto Add = [&](const Header &H) {
    Bytes B(offsetof(Header, Spare));
    memcpy(B.data(), &H, B.size());
    W.add("header", B);
  };
  Add(Good);
  Header H = Good;
  H.Copy[0].Sequence -= 1; // the other copy counts
  Add(H);
  H = Good;
  H.Copy[0].NeededToWrite = H.Copy[1].NeededToWrite = 2;
  Add(H);
  H = Good;
  for (perdure::State &S : H.Copy)
    S.MapExtent[0] = S.FotExtent[0] = 0;
  Add(H);
  H = Good;
  for (perdure::State &S : H.Copy)
    S.FotExtent[1] = S.FileBytes - 2 * perdure::FilePage;
  Add(H);
}

void inspections(SeedFolder &W) {
  uint64_t Root = scene().GoodHeader.Ident.RootOffset;
  auto Text = [](const std::string &T, uint64_t Layout) {
    return join({{(uint8_t)T.size(), (uint8_t)(T.size() >> 8)},
                 number(Layout),
                 Bytes(T.begin(), T.end())});
  };
  Bytes List = Text("struct 8 8 list\nrefer node\nfield 0 *object(#0) first\n", 1);
  Bytes Node = Text("struct 64 8 node\nrefer node\nrefer part\nfield 0 *object(#0) next\n"
                    "field 8 [2]*xor(char) names\nfield 24 #1 \nfield 40 gray(u32) count\n"
                    "field 44 bits(3,5,u16) flags\nfield 48 f64 sum\nfield 56 []char tail\n"
                    "enum 4 A=1 B=-2\narrays\n",
                    2);
  Bytes Part = Text("union 16 8 part\nfield 0 *self-relative(*lazy-null(#9)) p\n"
                    "field 0 enum(i8) kind\nfield 8 bytes(8) rest\n",
                    3);
  Bytes IsRoot = Text("root list", 1), Path = {'.', 'f', 'i', 'r', 's', 't', '-', '>',
                                               'n', 'e', 'x', 't', '[', '0', ']'};
  W.add("inspect", join({{4}, List, Node, Part, IsRoot, {1}, number(0), number(Root + 16), Path}));
  W.add("inspect", join({{3}, List, Node, IsRoot, {0}, {'@', '4', '0', '9', '6'}}));
  W.add("inspect", join({{2}, Text("struct 16 8 list\nrefer list\nfield 0 #0 \nfield 0 [1]#0 x\n", 1),
                         IsRoot, {0}}));
}

void fots(SeedFolder &W) {
  uint64_t Root = scene().GoodHeader.Ident.RootOffset;
  auto Foreign = [](uint64_t Index) { return perdureMakeForeign(Index, 4096); };
  Bytes Steps =
      join({decode(Foreign(1), Root), decode(Foreign(2), Root),
            decode(Foreign(3), Root), encode(3, Root), encode(4, Root),
            encode(3, Root), stat(), decodeStored(Root + 8)});
  W.add("fot", join({{0, 0}, Steps}));
  W.add("fot", join({{0, 1, 2}, number(0xcccc), Steps})); // mixed halves
  W.add("fot", join({{0, 2, 3},
                     number(0xaaaa),
                     number(0xaaaa), // itself
                     {16},
                     number(1),
                     Steps})); // and a dead claim
  W.add("fot", join({{1, 0, 1}, number(8192), Steps}));
  W.add("fot", join({{3, 0, 1}, number(scene().Good.size()), Steps}));
  W.add("fot", join({{4, 0}, Steps}));
}

// Records of the log: kind, offset, a word of content, and that nothing is
// wrong.
Bytes record(uint8_t Kind, uint64_t Offset, uint64_t Word) {
  // Those of other kinds have a size of their own, unless the input says not.
  Bytes Size = Kind == 1 ? Bytes{8} : Bytes{8, 1};
  return join({{Kind}, number(Offset), Size, number(Word), {1, 2}});
}

void logs(SeedFolder &W) {
  const Scene &S = scene();
  uint64_t Root = S.GoodHeader.Ident.RootOffset;
  Bytes Steps = join({allocate(16), stat(), freeOwn(0)});
  // One lane, 0, generation 5, two pages from the second on; so many records.
  auto Lane = [](uint8_t Records) {
    return join({{1, 0}, number(5), {0, 2, 0, Records}});
  };
  W.add("log",
        join({Lane(2), record(1, Root, 7), record(1, Root + 8, 9), Steps}));
  W.add("log", join({Lane(1), record(1, 16, 7), Steps})); // the header
  W.add("log",
        join({Lane(1), record(2, S.Large[0] * perdure::FilePage, 1), Steps}));
  W.add("log", join({Lane(1), record(2, Root, 1), Steps}));
}

void heaps(SeedFolder &W) {
  const Scene &S = scene();
  Bytes Steps =
      join({allocate(16), allocate(100), allocate(3584), allocateLarge(70000),
            freeOwn(1), freeOwn(0), stat(), allocate(3000), freeOwn(0)});
  W.add("heap", join({{0, 0, 0}, Steps}));
  for (unsigned Kind = 0; Kind < 4; ++Kind)
    W.add("heap", join({{0, 1, (uint8_t)S.Slabs[0], (uint8_t)Kind, 1},
                        number(1),
                        {0},
                        Steps}));
  // Descriptors in the middle of a block, which mean nothing, and who frees
  // what they tell.
  uint8_t Inner = (uint8_t)(S.Large.back() + 1);
  for (unsigned Kind = 1; Kind < 4; ++Kind)
    W.add("heap", join({{0, 1, Inner, (uint8_t)Kind, 200},
                        number(0xffffffff),
                        {0},
                        allocate(16),
                        freeAt(Inner * 4096),
                        freeAt(Inner * 4096 + 64),
                        Steps}));
  for (uint64_t Used : {~uint64_t(0), uint64_t(0)})
    W.add("heap",
          join({{0, 0, 2, 0, 4}, number(Used), {1, 7}, number(Used), Steps}));
  W.add("heap", join({{2, 0, 0, 150}, Steps}));
}

void checks(SeedFolder &W) {
  Bytes Steps = join({allocate(16), allocateLarge(9000), freeOwn(0), stat()});
  const Bytes Changes[] = {
      {0, 0x08, 0, 0, 0xff},                   // a byte of page 0,
      {0, 0, 2, 0, 0xff},                      // of a state,
      {2, 4, 0, 0, 1},                         // of the FOT,
      {3, 8, 0, 0, 1},                         // of the log
      join({{4, 40, 0}, number(4096)}),        // words, with a checksum
      join({{5, 0, 2}, number(0x1234)}),       //
      join({{6, 3}, number(0)}),               // of the page map,
      join({{7, 9, 2, 3}, number(0xffff)}),    //
      join({{8, 0, 4}, number(~uint64_t(0))}), // of a slab
      {9, 0, 1, 0, 0, 0x11},
      {10, 1}, // the file is longer, or shorter
      {10, 0, 0, 0x40, 0},
  };
  for (uint8_t Dirty : {0, 1}) {
    W.add("check", join({{Dirty, 0}, Steps}));
    for (const Bytes &C : Changes)
      W.add("check", join({{Dirty, 1}, C, Steps}));
    W.add("check", join({{Dirty, 3}, Changes[1], Changes[6], Changes[2]}));
  }
}

void names(SeedFolder &W) {
  auto Add = [&](uint8_t What, const std::string &Text) {
    Bytes B = {What};
    B.insert(B.end(), Text.begin(), Text.end());
    W.add("name", B);
  };
  std::string Id(32, '1');
  Add(0, "perdure store 1 " + Id + "\n");
  Add(0, "perdure store 2 " + Id + "\n");
  Add(1, "000000000000bbbb000000000000bbbb\n");
  Add(1, "000000000000bbbb000000000000bbbb");
  for (const char *Name : {"a", "", ".", "..", "../a", "x/y", ".new.1",
                           "two\nlines", "\x1b[31m", "\xff\xfe", "\xc3\xa4"})
    Add(2, Name);
  Add(2, std::string(255, 'n'));
  Add(2, std::string(256, 'n'));
}

void files(SeedFolder &W) {
  uint64_t Root = scene().GoodHeader.Ident.RootOffset;
  Bytes Steps = join({allocate(100),
                      allocateLarge(9000),
                      change(0, 0),
                      encode(3, Root),
                      change(1, 1),
                      freeOwn(0),
                      change(0x203, ~0ull),
                      decodeStored(Root),
                      change(4, 7),
                      allocate(100),
                      stat(),
                      change(6 | 48 << 3, 0x7fffffff0),
                      {11, 0},
                      {12},
                      number(4096),
                      allocate(2000),
                      freeOwn(0)});
  W.add("file", join({{0, 0}, Steps}));
  W.add("file", join({{4, 0}, Steps}));
  W.add("file", join({{4 | 8, 0}, Steps}));
  W.add("file", join({{4 | 16, 0}, Steps, {16, 0}, Steps}));
  W.add("file", join({{8, 0}, Steps}));
  W.add("file", join({{1, 0x00, 0x10, 0, 0}, Steps}));
  W.add("file", join({{2, 1, 0, 0, 0}, number('X'), {0}, Steps}));
  for (uint8_t Seed = 1; Seed < 5; ++Seed)
    W.add("meanwhile", join({{(uint8_t)(Seed << 3), 0, Seed, 7, 0, 0},
                             Steps,
                             {14, 1, 2},
                             Steps,
                             {16, 0},
                             Steps}));
}
} // namespace

int main(int Argc, char **Argv) {
  if (Argc != 2) {
    fprintf(stderr, "usage: %s DIR\n", Argv[0]);
    return 2;
  }
  SeedFolder W(Argv[1]);
  headers(W);
  fots(W);
  inspections(W);
  heaps(W);
  logs(W);
  checks(W);
  names(W);
  files(W);
  return 0;
}

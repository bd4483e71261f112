//===- TypesTest.cpp - The types that an object holds ---------------------===//
//
// What the plugin makes of real code is in test/Clang/descriptors.c and
// test/Integration/types; here descriptors are written by hand.
//
//===----------------------------------------------------------------------===//

#include "Support.h"
#include "entry/entry.h"
#include "types/descriptor.h"

#include <memory>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

extern "C" void *__perdure_type_root(void *Root, const void *Descriptor);

namespace {

using perdure::Header;

/// Descriptors as a binary has them, one after the other.
class Section {
public:
  /// What the layout's lines and the others say.
  explicit Section(const std::vector<std::pair<std::string, std::string>> &Types) {
    for (auto &[Layout, Notes] : Types) {
      std::string Text = Layout + "\n" + Notes;
      At.push_back(Words.size());
      Words.push_back(Text.size());
      Words.push_back(XXH3_64bits(Layout.data(), Layout.size()));
      size_t Begin = Words.size();
      Words.resize(Begin + (Text.size() + 7) / 8);
      memcpy(&Words[Begin], Text.data(), Text.size());
      Words.push_back(0); // padding, as linkers make it
    }
    Mine.begin = (const char *)Words.data();
    Mine.end = (const char *)(Words.data() + Words.size());
    __perdure_register_types(PerdureAbiVersion, &Mine);
  }
  ~Section() { __perdure_unregister_types(&Mine); }
  Section(const Section &) = delete;
  Section &operator=(const Section &) = delete;

  void *root(void *Root, size_t Which = 0) const {
    return __perdure_type_root(Root, &Words[At[Which]]);
  }

private:
  std::vector<uint64_t> Words;
  std::vector<size_t> At;
  perdure_descriptors Mine = {};
};

const std::string List = "struct 16 8 list\nrefer node\nfield 0 *object(#0) first\n"
                         "field 8 i64 length",
                  Node = "struct 16 8 node\nrefer node\nfield 0 *object(#0) next\n"
                         "field 8 i64 value",
                  OtherNode = "struct 24 8 node\nrefer node\nrefer owner\n"
                              "field 0 i32 value\nfield 8 *object(#0) next\n"
                              "field 16 *object(#1) owner";

class TypesTest : public StoreTest {
protected:
  void *root(const char *Name, unsigned Flags = 0) {
    void *Root = perdure_open(S, Name, Flags);
    EXPECT_NE(Root, nullptr) << perdure_errormsg();
    return Root;
  }
  /// All texts, with a '|' behind each.
  static std::string types(const void *P) {
    std::string All;
    EXPECT_EQ(perdure_types(
                  P,
                  [](void *All, const perdure_type *T) {
                    ((std::string *)All)->append(T->text, T->bytes) += '|';
                    return 0;
                  },
                  &All),
              0)
        << perdure_errormsg();
    return All;
  }
  Header header(const char *Name) const {
    Header H;
    std::string File = readFile(fileOf(Name));
    memcpy(&H, File.data(), sizeof(H));
    return H;
  }
};

TEST_F(TypesTest, RootAndWhatItLeadsTo) {
  Section Program({{List, ""}, {Node, ""}, {"struct 8 8 other\nfield 0 i64 x", ""}});
  void *Root = create("l");
  EXPECT_EQ(types(Root), "");
  EXPECT_EQ(Program.root(Root), Root);
  std::string All = List + "\n|" + Node + "\n|root list|";
  EXPECT_EQ(types(Root), All);
  EXPECT_EQ(Program.root(Root), Root);
  EXPECT_EQ(types(Root), All);
  reopenStore();
  Root = root("l");
  EXPECT_EQ(types(Root), All);
  EXPECT_EQ(Program.root(Root), Root);
  EXPECT_EQ(types(Root), All);
  // Who does not know them must not give their pages away.
  EXPECT_TRUE(header("l").Copy[0].NeededToWrite & perdure::FeatureTypes);
  EXPECT_FALSE(header("l").Copy[0].NeededFeatures & perdure::FeatureTypes);
}

TEST_F(TypesTest, NothingButRoots) {
  Section Program({{List, ""}});
  uint64_t Local;
  EXPECT_EQ(Program.root(nullptr), nullptr);
  EXPECT_EQ(Program.root(&Local), &Local);
}

// Each layout that differs, in any of the types, is told field by field.
TEST_F(TypesTest, AnotherLayout) {
  {
    Section Old({{List, ""}, {Node, ""}});
    Old.root(create("l"));
  }
  reopenStore();
  void *Root;
  {
    Section New({{List, ""}, {OtherNode, ""}});
    EXPECT_EQ(New.root(root("l")), nullptr);
    EXPECT_EQ(errno, EPROTO);
    std::string Why = perdure_errormsg();
    for (const char *Part :
         {"'l' (", "the type 'node'", "'next' was at 0 and is at 8",
          "'value' was i64 and is i32", "'value' was at 8 and is at 0",
          "'owner' (*object(owner) at 16) is new", "it had 16 bytes and has 24",
          "docs/Types.md"})
      EXPECT_NE(Why.find(Part), std::string::npos) << Why << "\n" << Part;
    // It was closed again.
    Root = root("l");
    perdure_close(Root);
    errno = 0;
    perdure_close(Root);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(types(Root), List + "\n|" + Node + "\n|root list|");
  }
  // The other way round.
  {
    Section Gone(
        {{List, ""}, {"struct 8 8 node\nrefer node\nfield 0 *object(#0) next", ""}});
    EXPECT_EQ(Gone.root(root("l")), nullptr);
    EXPECT_NE(std::string(perdure_errormsg()).find("'value' (i64 at 8) is gone"),
              std::string::npos)
        << perdure_errormsg();
  }
  // And as before.
  Section Same({{List, ""}, {Node, "arrays\n"}});
  EXPECT_EQ(Same.root(root("l")), Root);
  EXPECT_EQ(types(Root), List + "\n|" + Node + "\n|root list|arrays node|");
}

TEST_F(TypesTest, AnotherRoot) {
  {
    Section Old({{List, ""}, {Node, ""}});
    Old.root(create("l"));
  }
  reopenStore();
  Section New({{Node, ""}, {List, ""}});
  EXPECT_EQ(New.root(root("l")), nullptr);
  EXPECT_EQ(errno, EPROTO);
  EXPECT_NE(std::string(perdure_errormsg())
                .find("its root is a 'list' and this program takes it for a 'node'"),
            std::string::npos)
      << perdure_errormsg();
  EXPECT_NE(New.root(root("l"), 1), nullptr);
}

// A message that is longer than there is room for ends in a number.
TEST_F(TypesTest, ManyDifferences) {
  std::string Old = "struct 800 8 wide", New = Old;
  for (int I = 0; I < 100; ++I) {
    Old += "\nfield " + std::to_string(8 * I) + " i64 old_" + std::to_string(I);
    New += "\nfield " + std::to_string(8 * I) + " i64 new_" + std::to_string(I);
  }
  {
    Section Program({{Old, ""}});
    Program.root(create("w"));
  }
  Section Program({{New, ""}});
  EXPECT_EQ(Program.root(root("w")), nullptr);
  std::string Why = perdure_errormsg();
  EXPECT_NE(Why.find("; and "), std::string::npos) << Why;
  EXPECT_NE(Why.find(" more; docs/Types.md"), std::string::npos) << Why;
}

// Two files of a C program may each have a `node` of their own.
TEST_F(TypesTest, TwoOfOneName) {
  auto Hash = [](const std::string &Layout) {
    char Digits[17];
    snprintf(Digits, sizeof(Digits), "%016llx",
             (unsigned long long)XXH3_64bits(Layout.data(), Layout.size()));
    return std::string(Digits);
  };
  std::string Both = "struct 16 8 both\nrefer node\nrefer more\nfield 0 *object(#0) a\n"
                     "field 8 *object(#1) b",
              More = "struct 8 8 more\nrefer node\nfield 0 *object(#0) x";
  Section Program({{Both, "layout 0 " + Hash(Node) + "\n"},
                   {More, "layout 0 " + Hash(OtherNode) + "\n"},
                   {Node, ""},
                   {OtherNode, ""}});
  void *Root = create("b");
  EXPECT_EQ(Program.root(Root), Root);
  std::string All = types(Root);
  EXPECT_NE(All.find(Node), std::string::npos) << All;
  EXPECT_NE(All.find(OtherNode), std::string::npos) << All;
  reopenStore();
  EXPECT_NE(Program.root(root("b")), nullptr) << perdure_errormsg();
  // Which of both is not told: neither is taken.
  Section Unclear({{More, ""}, {Node, ""}, {OtherNode, ""}});
  Root = create("u");
  EXPECT_EQ(Unclear.root(Root), Root);
  EXPECT_EQ(types(Root), More + "\n|root more|");
}

TEST_F(TypesTest, WhoMayOnlyRead) {
  {
    Section Program({{List, ""}, {Node, ""}});
    create("l");
    closeStore();
    std::string Was = readFile(fileOf("l"));
    S = openStore(Dir, PERDURE_RDONLY);
    void *Root = root("l");
    EXPECT_EQ(Program.root(Root), Root);
    EXPECT_EQ(types(Root), "");
    EXPECT_EQ(readFile(fileOf("l")), Was);
    reopenStore();
    Program.root(root("l"));
  }
  reopenStore(PERDURE_RDONLY);
  Section New({{List, ""}, {OtherNode, ""}});
  EXPECT_EQ(New.root(root("l")), nullptr);
  EXPECT_EQ(errno, EPROTO);
}

CHILD(typesOff) {
  perdure_store *S = openStore(Args[0], 0);
  Section New({{List, ""}, {OtherNode, ""}});
  void *Root = S ? perdure_open(S, "l", 0) : nullptr;
  REQUIRE(Root);
  void *Typed = New.root(Root);
  printf("%s\n", Typed ? "opened" : perdure_errormsg());
  perdure_store_close(S);
  return 0;
}

TEST_F(TypesTest, Off) {
  {
    Section Old({{List, ""}, {Node, ""}});
    Old.root(create("l"));
  }
  closeStore();
  EXPECT_EQ(runChild("typesOff", {Dir}, "types=0").Output, "opened\n");
  EXPECT_NE(runChild("typesOff", {Dir}).Output.find("'node'"), std::string::npos);
}

// Extents are filled one after the other; what does not fit is not recorded, and the
// object opens all the same.
TEST_F(TypesTest, Many) {
  std::vector<std::pair<std::string, std::string>> Types;
  std::vector<size_t> Sizes = {100, 3800, 5000, 30000, 60000, 600000, 600000, 200};
  for (size_t I = 0; I < Sizes.size(); ++I)
    Types.push_back({"struct 8 8 t" + std::to_string(I) + "\nfield 0 i64 " +
                         std::string(Sizes[I], 'x'),
                     ""});
  Section Program(Types);
  void *Root = create("m");
  for (size_t I = 0; I < Types.size(); ++I) {
    // Another root each time: that is an error, and nothing is recorded.
    void *Own = create(("m" + std::to_string(I)).c_str());
    EXPECT_EQ(Program.root(Own, I), Own);
    EXPECT_EQ(types(Own), Types[I].first + "\n|root t" + std::to_string(I) + "|");
  }
  std::string All = "struct 64 8 all";
  for (size_t I = 0; I < Types.size(); ++I)
    All += "\nrefer t" + std::to_string(I);
  for (size_t I = 0; I < Types.size(); ++I)
    All += "\nfield " + std::to_string(8 * I) + " *object(#" + std::to_string(I) + ")";
  Section More({{All, ""}});
  EXPECT_EQ(More.root(Root), Root); // 1.3 MB are too many
  EXPECT_EQ(types(Root), "");
  reopenStore();
  EXPECT_NE(More.root(root("m")), nullptr);
}

// Programs that know more of what a pointer leads to add that, in further extents.
TEST_F(TypesTest, MoreLater) {
  void *Root = create("s");
  std::string Expected;
  std::string Layout = "struct 320 8 all";
  for (int I = 0; I < 40; ++I)
    Layout += "\nrefer t" + std::to_string(I);
  for (int I = 0; I < 40; ++I)
    Layout += "\nfield " + std::to_string(8 * I) + " *object(#" + std::to_string(I) + ")";
  for (int I = 0; I < 40; ++I) {
    std::string One =
        "struct 8 8 t" + std::to_string(I) + "\nfield 0 i64 " + std::string(300, 'x');
    Section Program({{Layout, ""}, {One, ""}});
    EXPECT_EQ(Program.root(root("s")), Root);
    Expected += (I ? "" : Layout + "\n|") + One + "\n|" + (I ? "" : "root all|");
    EXPECT_EQ(types(Root), Expected);
  }
  EXPECT_NE(header("s").Copy[0].TypeExtent[1], 0u);
  EXPECT_EQ(header("s").Copy[0].TypeExtent[2], 0u);
  reopenStore();
  EXPECT_EQ(types(root("s")), Expected);
}

// Blocks that are allocated, and pages of later extents, never overlap the types.
TEST_F(TypesTest, BesideBlocks) {
  Section Program({{List, ""}, {Node, ""}});
  void *Root = create("l", 64);
  Program.root(Root);
  std::string All = types(Root);
  for (int I = 0; I < 2000; ++I) {
    size_t Bytes = size_t(16) << I % 10;
    void *P = perdure_alloc(Root, Bytes);
    ASSERT_NE(P, nullptr);
    memset(P, 0xff, Bytes);
  }
  EXPECT_EQ(types(Root), All);
  reopenStore();
  Root = root("l");
  EXPECT_EQ(types(Root), All);
  for (int I = 0; I < 500; ++I)
    memset(perdure_alloc(Root, 3000), 0xff, 3000);
  EXPECT_EQ(types(Root), All);
  // A copy has them, too.
  EXPECT_EQ(perdure_copy(S, "l", S, "copy", 0), 0) << perdure_errormsg();
  EXPECT_EQ(types(root("copy")), All);
}

// Whatever a process leaves that dies while it records is written over; what was
// damaged is the end.
TEST_F(TypesTest, TornEntries) {
  Section Program({{List, ""}, {Node, ""}});
  void *Root = create("l");
  Program.root(Root);
  std::string All = types(Root);
  closeStore();
  std::string Whole = readFile(fileOf("l"));
  uint64_t Extent = header("l").Copy[0].TypeExtent[0];
  size_t Bytes = 16 * 3 + (List.size() + 8) / 8 * 8 + (Node.size() + 8) / 8 * 8 + 16;
  for (size_t At = 0; At < Bytes; ++At) {
    std::string Torn = Whole;
    Torn[Extent + At] ^= 0x40;
    writeFile(fileOf("l"), Torn);
    S = openStore(Dir, 0);
    Root = root("l");
    void *Typed = Program.root(Root);
    EXPECT_EQ(Typed, Root) << At << perdure_errormsg();
    std::string Now = types(Root);
    // In the padding behind a text nothing changes.
    for (const std::string &Part : {List, Node, std::string("root list|")})
      EXPECT_NE(Now.find(Part), std::string::npos) << At << ": " << Now;
    closeStore();
  }
  S = openStore(Dir, 0);
}

TEST_F(TypesTest, Check) {
  Section Program({{List, ""}, {Node, ""}});
  Program.root(create("l"));
  closeStore();
  S = openStore(Dir, 0);
  perdure_id Id;
  sscanf(readFile(Dir + "/names/l").c_str(), "%16lx%16lx", &Id.hi, &Id.lo);
  auto Check = [&](unsigned Flags) {
    std::string Text;
    EXPECT_GE(perdure_check(
                  S, Id, Flags,
                  [](void *Text, const perdure_finding *F) {
                    ((std::string *)Text)->append(F->what) += '\n';
                  },
                  &Text),
              0)
        << perdure_errormsg();
    return Text;
  };
  EXPECT_EQ(Check(0), "");
  std::string File = readFile(fileOf("l"));
  uint64_t Extent = header("l").Copy[0].TypeExtent[0];
  size_t Second = Extent + 16 + (List.size() + 8) / 8 * 8;
  std::string Bad = File;
  Bad[Second + 20] ^= 1;
  writeFile(fileOf("l"), Bad);
  EXPECT_NE(Check(0).find("the table of types was damaged"), std::string::npos);
  EXPECT_NE(Check(PERDURE_REPAIR).find("the table of types was damaged"),
            std::string::npos);
  // What stood behind the end is still seen, and no damage.
  EXPECT_NE(Check(0).find("a process died while it recorded"), std::string::npos);
  EXPECT_EQ(types(root("l")), List + "\n|");
  EXPECT_NE(Program.root(root("l")), nullptr);
  closeStore();
  S = openStore(Dir, 0);
  EXPECT_EQ(Check(0), "");
}

CHILD(recordTypes) {
  perdure_store *S = openStore(Args[0], PERDURE_SHARED);
  std::string Own = "struct 8 8 own\nrefer t" + Args[1] + "\nfield 0 *object(void) p";
  Section Program({{List, ""}, {Node, ""}});
  REQUIRE(S);
  for (int I = 0; I < 20; ++I) {
    void *Root = perdure_open(S, ("l" + std::to_string(I)).c_str(), 0);
    REQUIRE(Root && Program.root(Root) == Root);
  }
  perdure_store_close(S);
  return 0;
}

// By processes that share the object, at the same time: each type once.
TEST_F(TypesTest, Shared) {
  for (int I = 0; I < 20; ++I)
    create(("l" + std::to_string(I)).c_str(), 64);
  closeStore();
  std::vector<pid_t> Children;
  for (int I = 0; I < 3; ++I)
    if (pid_t Child = fork())
      Children.push_back(Child);
    else
      _exit(runChild("recordTypes", {Dir, std::to_string(I)}).Exit);
  for (pid_t Child : Children) {
    int Status;
    waitpid(Child, &Status, 0);
    EXPECT_EQ(Status, 0);
  }
  S = openStore(Dir, 0);
  for (int I = 0; I < 20; ++I)
    EXPECT_EQ(types(root(("l" + std::to_string(I)).c_str())),
              List + "\n|" + Node + "\n|root list|");
}

// In an object whose file is written by commits the table is in the file at once, and
// a transaction that aborts takes nothing of it back.
TEST_F(TypesTest, Durable) {
  Section Program({{List, ""}, {Node, ""}});
  void *Root = create("l", 64, PERDURE_DURABLE);
  EXPECT_EQ(perdure_tx_begin(Root), 0);
  set((uint64_t *)Root, 1);
  EXPECT_EQ(Program.root(Root), Root);
  perdure_tx_abort();
  std::string All = List + "\n|" + Node + "\n|root list|";
  EXPECT_EQ(types(Root), All);
  EXPECT_EQ(*(uint64_t *)Root, 0u);
  std::string Copy = Temporary + "/copy";
  copyTree(Dir, Copy);
  perdure_store *T = openStore(Copy, 0);
  ASSERT_NE(T, nullptr);
  EXPECT_EQ(types(perdure_open(T, "l", 0)), All);
  perdure_store_close(T);
}

// Descriptors of a file are anybody's text.
TEST_F(TypesTest, AnyText) {
  using namespace perdure;
  char Out[200];
  const char *Texts[] = {"", "\n", "struct", "struct 1", "struct 1 1 ", "struct x y z",
                         "struct 18446744073709551616 1 a",
                         "struct 8 8 a\nfield\nfield 0\nfield 0 \nfield 0 #9 a\nrefer",
                         "struct 8 8 a\nfield 0 *object(#18446744073709551616) a",
                         "struct 8 8 a\nfield 0 #0 \nfield 0 # \nfield 99999999999 i8 "};
  for (const char *Old : Texts)
    for (const char *New : Texts) {
      explainDifference(Piece(Old), Piece(New), Out, sizeof(Out));
      EXPECT_LT(strlen(Out), sizeof(Out));
      layoutHash(Piece(Old));
      referredLayout(Piece(Old), 0);
      referredName(Piece(Old), 0);
    }
  TypeHead H;
  EXPECT_TRUE(readHead(Piece("union 4 2 my name<int, 3>\nfield 0 i8 x"), H));
  EXPECT_EQ(std::string(H.Name.Begin, H.Name.Bytes), "my name<int, 3>");
  EXPECT_EQ(H.Size, 4u);
  EXPECT_EQ(H.Align, 2u);
  EXPECT_FALSE(readHead(Piece("struct 18446744073709551616 1 a"), H));
}

// Fields in the same order, in the opposite one, and so many that nobody waits for it.
TEST_F(TypesTest, OrderOfFields) {
  using namespace perdure;
  char Out[200];
  auto text = [](unsigned Count, bool Backwards) {
    std::string Text = "struct 8 8 a";
    for (unsigned I = 0; I != Count; ++I)
      Text += "\nfield 0 i8 f" + std::to_string(Backwards ? Count - 1 - I : I);
    return Text;
  };
  std::string Forwards = text(300, false), Backwards = text(300, true);
  explainDifference(Piece(Forwards.c_str()), Piece(Backwards.c_str()), Out, sizeof(Out));
  EXPECT_STREQ(Out, "its fields are in another order");
  std::string Other = Forwards;
  Other.replace(Other.find("i8 f299"), 2, "u8");
  explainDifference(Piece(Other.c_str()), Piece(Backwards.c_str()), Out, sizeof(Out));
  EXPECT_STREQ(Out, "'f299' was u8 and is i8");
  Forwards = text(300000, false), Backwards = text(300000, true);
  explainDifference(Piece(Forwards.c_str()), Piece(Backwards.c_str()), Out, sizeof(Out));
  EXPECT_STREQ(Out, "it has too many fields to say which");
}

} // namespace

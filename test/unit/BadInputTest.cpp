//===- BadInputTest.cpp - What is no store, no object, or out of reach ----===//
//
// Each message says what failed, where, and what to do; each failure leaves
// files as they were and nothing of its own behind.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

using perdure::Header;
namespace fs = std::filesystem;

namespace {

// The errno of a failed call whose message has all of these parts.
#define EXPECT_SAYS(Error, Expression, ...)                                    \
  do {                                                                         \
    errno = 0;                                                                 \
    EXPECT_TRUE(Expression);                                                   \
    EXPECT_EQ(errno, Error) << perdure_errormsg();                             \
    for (const std::string &Part : std::vector<std::string>{__VA_ARGS__})      \
      EXPECT_NE(std::string(perdure_errormsg()).find(Part), std::string::npos) \
          << perdure_errormsg() << "\nlacks: " << Part;                        \
  } while (0)

// Files and folders below a folder.
std::vector<std::string> filesIn(const std::string &Folder) {
  std::vector<std::string> All;
  for (const auto &Entry : fs::recursive_directory_iterator(Folder))
    All.push_back(Entry.path());
  std::sort(All.begin(), All.end());
  return All;
}

std::string idOf(void *Root) {
  perdure_id Id = perdure_object_id(Root);
  char Text[40];
  snprintf(Text, sizeof(Text), "%016llx%016llx", (unsigned long long)Id.hi,
           (unsigned long long)Id.lo);
  return Text;
}

class BadInput : public StoreTest {
protected:
  // Puts something else where a file or folder is, and that back at the end.
  void inPlaceOf(const std::string &Path,
                 const std::function<void(const char *)> &Put,
                 const std::function<void()> &Then) {
    std::string Aside = Temporary + "/aside";
    fs::rename(Path, Aside);
    Put(Path.c_str());
    Then();
    fs::remove_all(Path);
    fs::rename(Aside, Path);
  }

  void putSocket(const char *Path) {
    struct sockaddr_un Name = {};
    Name.sun_family = AF_UNIX;
    ASSERT_LT(strlen(Path), sizeof(Name.sun_path));
    strcpy(Name.sun_path, Path);
    int Socket = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(Socket, (struct sockaddr *)&Name, sizeof(Name)), 0);
    close(Socket);
  }
};

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

TEST_F(BadInput, NoStore) {
  closeStore();
  std::string Missing = Temporary + "/missing", Plain = Temporary + "/plain";
  EXPECT_SAYS(ENOENT, !perdure_store_open(Missing.c_str(), 0),
              "cannot open the directory", Missing, "PERDURE_CREATE");
  EXPECT_NE(access(Missing.c_str(), F_OK), 0);
  fs::create_directory(Plain);
  EXPECT_SAYS(ENOENT, !perdure_store_open(Plain.c_str(), 0), Plain,
              "is no store", "perdure.store", "PERDURE_CREATE");
  EXPECT_TRUE(fs::is_empty(Plain));
  std::string File = Dir + "/perdure.store";
  EXPECT_SAYS(ENOTDIR, !perdure_store_open(File.c_str(), 0), File,
              "restore it");
  EXPECT_SAYS(EINVAL, !perdure_store_open(nullptr, 0), "no directory");
}

TEST_F(BadInput, MarkerIsNoMarker) {
  create("a");
  closeStore();
  std::string Path = Dir + "/perdure.store", Good = readFile(Path);
  std::string Zero = Good;
  Zero[20] = 0;
  for (const std::string &Text :
       {std::string(), Good.substr(0, 20), Good + "x", Good + '\0', Zero,
        std::string("perdure store 2") + Good.substr(15),
        std::string(100000, 'x')}) {
    writeFile(Path, Text);
    EXPECT_SAYS(EPROTO, !perdure_store_open(Dir.c_str(), 0), Dir,
                "perdure.store", "format 1", "restore it from a copy");
    EXPECT_SAYS(EPROTO, !perdure_store_open(Dir.c_str(), PERDURE_CREATE),
                "restore it from a copy");
    EXPECT_EQ(readFile(Path), Text);
  }
  writeFile(Path, Good);
  S = perdure_store_open(Dir.c_str(), 0);
  EXPECT_NE(S, nullptr) << perdure_errormsg();
}

// What a crash left: half a store, and small files that never got their names.
TEST_F(BadInput, HalfAStore) {
  create("a")[0] = 7;
  closeStore();
  std::string Rubbish = ".new.0123456789abcdef0123456789abcdef";
  for (const char *Folder : {"/", "/names/", "/objects/"})
    writeFile(Dir + Folder + Rubbish, "half");
  S = perdure_store_open(Dir.c_str(), 0);
  ASSERT_NE(S, nullptr) << perdure_errormsg();
  EXPECT_EQ(open("a")[0], 7u);
  create("b");
  EXPECT_SAYS(EINVAL, !perdure_open(S, Rubbish.c_str(), 0), Rubbish,
              "is no name");
  closeStore();
  unlink((Dir + "/perdure.store").c_str());
  EXPECT_SAYS(ENOENT, !perdure_store_open(Dir.c_str(), 0), "PERDURE_CREATE");
  S = perdure_store_open(Dir.c_str(), PERDURE_CREATE);
  ASSERT_NE(S, nullptr) << perdure_errormsg();
  EXPECT_EQ(open("a")[0], 7u);
}

TEST_F(BadInput, LinksOutOfTheStore) {
  create("a");
  std::string Elsewhere = Temporary + "/elsewhere", Object = fileOf("a");
  closeStore();
  auto Link = [&](const std::string &Path) {
    fs::rename(Path, Elsewhere);
    ASSERT_EQ(symlink(Elsewhere.c_str(), Path.c_str()), 0);
  };
  auto Back = [&](const std::string &Path) {
    unlink(Path.c_str());
    fs::rename(Elsewhere, Path);
  };
  Link(Dir + "/perdure.store");
  EXPECT_SAYS(ELOOP, !perdure_store_open(Dir.c_str(), 0), Dir, "perdure.store",
              "symbolic link", "put what it leads to in its place");
  EXPECT_SAYS(ELOOP, !perdure_store_open(Dir.c_str(), PERDURE_CREATE),
              "symbolic link");
  Back(Dir + "/perdure.store");
  for (const char *Folder : {"/objects", "/names"}) {
    Link(Dir + Folder);
    EXPECT_SAYS(ENOTDIR, !perdure_store_open(Dir.c_str(), 0), Dir, "restore");
    Back(Dir + Folder);
  }
  S = perdure_store_open(Dir.c_str(), 0);
  ASSERT_NE(S, nullptr);
  Link(Dir + "/names/a");
  EXPECT_SAYS(ELOOP, !perdure_open(S, "a", 0), Dir, "names/a", "symbolic link");
  EXPECT_SAYS(ELOOP, !perdure_create(S, "a", 8, 0), "symbolic link");
  Back(Dir + "/names/a");
  for (unsigned Flags : {0u, (unsigned)PERDURE_RDONLY}) {
    Link(Object);
    EXPECT_SAYS(ELOOP, !perdure_open(S, "a", Flags), "'a'", Dir, "objects/",
                "symbolic link");
    Back(Object);
  }
  // A name that a link takes: nothing is written through it.
  ASSERT_EQ(symlink(Elsewhere.c_str(), (Dir + "/names/b").c_str()), 0);
  EXPECT_SAYS(ELOOP, !perdure_create(S, "b", 8, 0), "names/b");
  EXPECT_NE(access(Elsewhere.c_str(), F_OK), 0);
}

// None of these may be waited for.
TEST_F(BadInput, SomethingElseInPlaceOfAFile) {
  uint64_t *A = create("a");
  std::string Object = Dir + "/objects/" + idOf(A);
  reopenStore();
  std::vector<std::function<void(const char *)>> Kinds = {
      [](const char *P) { mkfifo(P, 0600); },
      [](const char *P) { mkdir(P, 0700); },
      [this](const char *P) { putSocket(P); }};
  if (!geteuid())
    Kinds.push_back(
        [](const char *P) { mknod(P, S_IFCHR | 0600, makedev(1, 5)); });
  for (const auto &Put : Kinds) {
    inPlaceOf(Object, Put, [&] {
      for (unsigned Flags : {0u, (unsigned)PERDURE_RDONLY}) {
        errno = 0;
        EXPECT_EQ(perdure_open(S, "a", Flags), nullptr);
        EXPECT_TRUE(errno == EPROTO || errno == EISDIR || errno == ENXIO)
            << perdure_errormsg();
        EXPECT_NE(strstr(perdure_errormsg(), "restore it from a copy"), nullptr)
            << perdure_errormsg();
        EXPECT_NE(strstr(perdure_errormsg(), "objects/"), nullptr);
      }
    });
    inPlaceOf(Dir + "/names/a", Put, [&] {
      errno = 0;
      EXPECT_EQ(perdure_open(S, "a", 0), nullptr);
      EXPECT_TRUE(errno == EPROTO || errno == ENXIO) << perdure_errormsg();
      EXPECT_NE(strstr(perdure_errormsg(), "names/a"), nullptr);
      EXPECT_NE(strstr(perdure_errormsg(), "restore it from a copy"), nullptr)
          << perdure_errormsg();
    });
    inPlaceOf(Dir + "/perdure.store", Put, [&] {
      perdure_store *Again = perdure_store_open(Dir.c_str(), 0);
      EXPECT_EQ(Again, nullptr);
      EXPECT_NE(strstr(perdure_errormsg(), "restore it from a copy"), nullptr)
          << perdure_errormsg();
      perdure_store_close(Again);
    });
  }
  EXPECT_NE(perdure_open(S, "a", 0), nullptr) << perdure_errormsg();
  closeStore();
  for (const char *Folder : {"/objects", "/names"}) {
    inPlaceOf(
        Dir + Folder, [](const char *P) { writeFile(P, "x"); },
        [&] {
          EXPECT_SAYS(ENOTDIR, !perdure_store_open(Dir.c_str(), 0), Dir,
                      "restore it from a copy");
        });
    inPlaceOf(
        Dir + Folder, [](const char *) {},
        [&] {
          EXPECT_SAYS(ENOENT, !perdure_store_open(Dir.c_str(), 0), Dir,
                      "restore them from a copy");
        });
  }
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

TEST_F(BadInput, NamesThatAreNone) {
  std::vector<std::string> Before = filesIn(Dir);
  std::string TooLong(256, 'n');
  for (const char *Name :
       {"", ".", "..", "/", "a/", "/a", "a/b", "../names/a", "../../x", ".new.",
        ".new.0123456789abcdef0123456789abcdef", TooLong.c_str()}) {
    EXPECT_SAYS(EINVAL, !perdure_create(S, Name, 8, 0), "is no name", "'/'",
                "choose one");
    EXPECT_SAYS(EINVAL, !perdure_open(S, Name, 0), "is no name");
    EXPECT_SAYS(EINVAL, perdure_remove(S, Name), "is no name");
  }
  EXPECT_EQ(filesIn(Dir), Before);
}

// Any other bytes name an object; no message sends them to a terminal.
TEST_F(BadInput, NamesAreBytes) {
  std::string Longest(255, '\xff');
  for (const std::string &Name :
       {std::string("two\nlines"), std::string("\x1b[2J"), std::string("\x7f"),
        std::string("\xff\xfe"), std::string("\xc0\xaf"), std::string("\x9b"),
        std::string("\xc2\x9b"), std::string("\xed\xa0\x80"), Longest}) {
    create(Name.c_str())[0] = 5;
    EXPECT_EQ(open(Name.c_str())[0], 5u);
    EXPECT_SAYS(EEXIST, !perdure_create(S, Name.c_str(), 8, 0), "?");
    std::string Said = perdure_errormsg();
    for (char C : Said)
      EXPECT_TRUE((unsigned char)C >= ' ' && (unsigned char)C < 0x7f) << Said;
    EXPECT_EQ(perdure_remove(S, Name.c_str()), 0) << perdure_errormsg();
  }
  create("\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xbe");
  EXPECT_SAYS(EEXIST,
              !perdure_create(S, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xbe", 8, 0),
              "'\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xbe'");
}

TEST_F(BadInput, NameFiles) {
  create("a");
  std::string Good = readFile(Dir + "/names/a");
  std::string Upper = Good;
  std::transform(Upper.begin(), Upper.end(), Upper.begin(), ::toupper);
  for (const std::string &Text :
       {std::string(), Good.substr(0, 32), Good + "\n", " " + Good,
        Good.substr(0, 31) + "g\n", Good.substr(0, 31) + "\n",
        Good.substr(0, 16) + '\0' + Good.substr(17), Good + '\0',
        std::string(5000, '0')}) {
    writeFile(Dir + "/names/x", Text);
    EXPECT_SAYS(EPROTO, !perdure_open(S, "x", 0), Dir, "names/x",
                "no object ID", "restore it from a copy");
    EXPECT_SAYS(EPROTO, !perdure_create(S, "x", 8, 0), "names/x");
    EXPECT_EQ(readFile(Dir + "/names/x"), Text);
  }
  writeFile(Dir + "/names/x", std::string(32, '1') + "\n");
  EXPECT_SAYS(ENOENT, !perdure_open(S, "x", 0), "'x'", Dir,
              "objects/" + std::string(32, '1'));
}

TEST_F(BadInput, TwoNamesOneObject) {
  uint64_t *A = create("a");
  writeFile(Dir + "/names/b", readFile(Dir + "/names/a"));
  EXPECT_EQ(perdure_open(S, "b", 0), A);
  reopenStore();
  uint64_t *B = open("b");
  EXPECT_EQ(open("a"), B);
}

TEST_F(BadInput, FileUnderAnotherId) {
  create("a")[0] = 1;
  create("b")[0] = 2;
  std::string A = fileOf("a"), B = fileOf("b");
  closeStore();
  std::string Good = readFile(B), Other = readFile(A);
  writeFile(B, Other);
  S = perdure_store_open(Dir.c_str(), 0);
  ASSERT_NE(S, nullptr);
  EXPECT_SAYS(EPROTO, !perdure_open(S, "b", 0), "cannot open 'b'", Dir,
              "header field 'id'", "restore it from a copy");
  EXPECT_EQ(readFile(B), Other);
  EXPECT_EQ(open("a")[0], 1u);
  writeFile(B, Good);
  EXPECT_EQ(open("b")[0], 2u);
}

//===----------------------------------------------------------------------===//
// Object files
//===----------------------------------------------------------------------===//

class BadFile : public BadInput {
protected:
  void SetUp() override {
    BadInput::SetUp();
    uint64_t *Root = create("a");
    Root[0] = 0x1234567;
    Path = fileOf("a");
    closeStore();
    Good = readFile(Path);
    memcpy(&H, Good.data(), sizeof(H));
  }

  void seal() {
    auto Sum = [](void *P, size_t Bytes) {
      return (uint32_t)crc32(0, (const Bytef *)P, (uInt)Bytes - 4);
    };
    H.Ident.Checksum = Sum(&H.Ident, sizeof(H.Ident));
    for (perdure::State &Copy : H.Copy)
      Copy.Checksum = Sum(&Copy, sizeof(Copy));
  }

  // Opens with page 0 as H has it.
  void expectRefused(const char *Field) {
    seal();
    std::string Bytes = Good;
    memcpy(&Bytes[0], &H, sizeof(H));
    writeFile(Path, Bytes);
    S = perdure_store_open(Dir.c_str(), 0);
    for (unsigned Flags : {0u, (unsigned)PERDURE_RDONLY})
      EXPECT_SAYS(EPROTO, !perdure_open(S, "a", Flags), "cannot open 'a'", Dir,
                  "header field '" + std::string(Field) + "'");
    closeStore();
    EXPECT_EQ(readFile(Path), Bytes) << "the file was touched";
    memcpy(&H, Good.data(), sizeof(H));
  }

  std::string Path, Good;
  Header H;
};

// Each bit of page 0 in turn: what is refused is refused for a field by name,
// and the file stays; all else opens, with the data there.
TEST_F(BadFile, EveryBitOfPageZero) {
  int File = ::open(Path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(File, 0);
  char Now[4096];
  // The sanitizers see the same code for each: a few bits of each byte then.
  int Step = PERDURE_SANITIZED ? 7 : 1;
  for (int Bit = 0; Bit < 4096 * 8; Bit += Bit < 1536 * 8 ? Step : 61) {
    std::string Page = Good.substr(0, 4096);
    Page[(size_t)Bit / 8] = (char)(Page[(size_t)Bit / 8] ^ 1 << Bit % 8);
    ASSERT_EQ(pwrite(File, Page.data(), 4096, 0), 4096);
    S = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
    errno = 0;
    auto *Root = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
    bool Identity = Bit < 512 * 8;
    ASSERT_EQ(!Root, Identity) << Bit << perdure_errormsg();
    if (Root)
      ASSERT_EQ(Root[0], 0x1234567u);
    else
      ASSERT_TRUE(errno == EPROTO &&
                  strstr(perdure_errormsg(), "header field '") &&
                  (strstr(perdure_errormsg(), "restore it from a copy") ||
                   strstr(perdure_errormsg(), "use a runtime")))
          << perdure_errormsg();
    closeStore();
    ASSERT_EQ(pread(File, Now, 4096, 0), 4096);
    ASSERT_EQ(memcmp(Now, Page.data(), 4096), 0) << "touched at bit " << Bit;
  }
  close(File);
}

TEST_F(BadFile, OlderAndNewerVersions) {
  for (uint32_t Version : {0u, 2u, 0x80000001u, ~0u}) {
    H.Ident.Version = Version;
    expectRefused("version");
    EXPECT_NE(strstr(perdure_errormsg(), "use a runtime that reads it"),
              nullptr);
  }
}

TEST_F(BadFile, CutOffAtEveryPage) {
  for (size_t Page = 0; Page < Good.size(); Page += 4096)
    for (size_t Size : {Page, Page + 1, Page + 4095}) {
      std::string Cut = Good.substr(0, Size);
      writeFile(Path, Cut);
      S = perdure_store_open(Dir.c_str(), 0);
      for (unsigned Flags : {0u, (unsigned)PERDURE_RDONLY})
        EXPECT_SAYS(EPROTO, !perdure_open(S, "a", Flags), "cannot open 'a'",
                    Dir, "cut off", "restore it from a copy");
      closeStore();
      EXPECT_EQ(readFile(Path), Cut);
    }
}

TEST_F(BadFile, ExtentsThatOverlap) {
  ASSERT_EQ(H.Copy[0].FotExtent[0], 0u);
  uint64_t Map = H.Copy[0].MapExtent[0];
  for (perdure::State &Copy : H.Copy)
    Copy.FotExtent[0] = Map;
  expectRefused("map_extent");
  for (perdure::State &Copy : H.Copy)
    Copy.FotExtent[0] = H.Ident.RootOffset / 4096 * 4096;
  expectRefused("fot_extent");
  for (perdure::State &Copy : H.Copy) {
    Copy.MapExtent[1] = Map < 8192 ? Map : Map - 4096;
    ASSERT_LE(Copy.MapExtent[1] + 8192, Copy.FileBytes);
  }
  expectRefused("map_extent");
}

TEST_F(BadFile, RootThatIsNoBlock) {
  H.Ident.RootOffset += 8;
  expectRefused("root");
  H.Ident.RootOffset = H.Copy[0].MapExtent[0];
  expectRefused("map_extent");
  // A page that nobody allocated can be read, but nothing comes of it.
  H.Ident.RootOffset = H.Copy[0].FileBytes - 4096;
  seal();
  std::string Bytes = Good;
  memcpy(&Bytes[0], &H, sizeof(H));
  writeFile(Path, Bytes);
  S = perdure_store_open(Dir.c_str(), 0);
  uint64_t *Root = open("a");
  EXPECT_SAYS(EPROTO, !perdure_alloc(Root, 16), "'a'", "page map",
              "restore it from a copy");
}

// Files change under a program that somebody else lets write them.
TEST_F(BadFile, RootStaysWhereItWas) {
  S = perdure_store_open(Dir.c_str(), 0);
  uint64_t *Root = open("a");
  H.Ident.RootOffset = (uint64_t)1 << 50;
  int File = ::open(Path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(pwrite(File, &H, sizeof(H.Ident), 0), (ssize_t)sizeof(H.Ident));
  close(File);
  EXPECT_EQ(perdure_root(Root), Root);
  EXPECT_EQ(perdure_open(S, "a", 0), Root);
}

// Nor where the file is looked at again, since more rights are asked for.
TEST_F(BadFile, RootStaysWhereItWasForWhoWillWrite) {
  S = perdure_store_open(Dir.c_str(), 0);
  auto *Root = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  ASSERT_NE(Root, nullptr) << perdure_errormsg();
  H.Ident.RootOffset += 16;
  seal();
  std::string Bytes = Good;
  memcpy(&Bytes[0], &H, sizeof(H));
  writeFile(Path, Bytes);
  EXPECT_SAYS(EPROTO, !perdure_open(S, "a", 0), "'a'",
              "changed while it was open", "the root moved");
  EXPECT_EQ(perdure_root(Root), Root);
  EXPECT_EQ(perdure_open(S, "a", PERDURE_RDONLY), Root);
  EXPECT_EQ(Root[0], 0x1234567u);
}

// Before anything is done to the file: a header that says it is shorter would have what
// the reader has mapped cut off.
TEST_F(BadFile, FileIsNotCutUnderItsReader) {
  S = perdure_store_open(Dir.c_str(), 0);
  auto *Root = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  ASSERT_NE(Root, nullptr) << perdure_errormsg();
  for (perdure::State &Copy : H.Copy) {
    Copy.FileBytes -= perdure::FilePage;
    Copy.Sequence += 1;
  }
  seal();
  int File = ::open(Path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(pwrite(File, &H, sizeof(H), 0), (ssize_t)sizeof(H));
  close(File);
  std::string Before = readFile(Path);
  for (unsigned Flags : {0u, (unsigned)PERDURE_SHARED})
    EXPECT_SAYS(EPROTO, !perdure_open(S, "a", Flags), "'a'", "restore it");
  EXPECT_TRUE(readFile(Path) == Before);
  EXPECT_EQ(Root[0], 0x1234567u);
}

// A reader asks the file again when an index is past what it knows.
TEST_F(BadFile, TablesStayWhereTheyWere) {
  S = perdure_store_open(Dir.c_str(), 0);
  create("b");
  uint64_t *Root = open("a");
  uint64_t Bits = perdure_encode(open("b"), &Root[1]);
  reopenStore(PERDURE_RDONLY);
  Root = open("a");
  uint64_t *B = open("b");
  EXPECT_EQ(perdure_encode(B, &Root[1]), Bits);
  Good = readFile(Path);
  memcpy(&H, Good.data(), sizeof(H));
  for (perdure::State &Copy : H.Copy) {
    ASSERT_NE(Copy.FotExtent[0], 0u);
    Copy.FotExtent[0] = 0;
    Copy.Sequence += 1;
  }
  seal();
  int File = ::open(Path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(pwrite(File, &H, sizeof(H), 0), (ssize_t)sizeof(H));
  close(File);
  void *Nowhere = perdure_decode(perdureMakeForeign(1000, 8), Root);
  EXPECT_GE((uint64_t)Nowhere & (Slot - 1), Limit);
  EXPECT_EQ(perdure_encode(B, &Root[1]), Bits);
  EXPECT_EQ(perdure_decode(Bits, &Root[1]), B);
}

// Args: store. Somebody cuts the file off under a reader.
CHILD(cutoff) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), PERDURE_RDONLY);
  REQUIRE(S);
  auto *Root = (volatile uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  REQUIRE(Root);
  for (const auto &Entry : fs::directory_iterator(Args[0] + "/objects"))
    REQUIRE(!truncate(Entry.path().c_str(), 4096));
  printf("%d\n", (int)Root[0]);
  return 0;
}

TEST_F(BadFile, CutOffUnderAReader) {
  ChildResult R = runChild("cutoff", {Dir});
  if (PERDURE_SANITIZED)
    EXPECT_NE(R.Exit, 0) << R.Output; // the sanitizer's own report follows
  else
    EXPECT_EQ(R.Signal, SIGBUS) << R.Output;
  EXPECT_NE(R.Output.find("perdure: fault at"), std::string::npos) << R.Output;
  EXPECT_NE(R.Output.find("'a'"), std::string::npos) << R.Output;
  EXPECT_NE(R.Output.find("cut the file off"), std::string::npos) << R.Output;
}

//===----------------------------------------------------------------------===//
// Rights
//===----------------------------------------------------------------------===//

TEST_F(BadInput, OwnerOnlyWhateverTheUmask) {
  closeStore();
  for (mode_t Mask : {0, 022, 0277, 0777}) {
    std::string Mine = Temporary + "/umask" + std::to_string(Mask);
    mode_t Old = umask(Mask);
    S = perdure_store_open(Mine.c_str(), PERDURE_CREATE);
    EXPECT_NE(S, nullptr) << perdure_errormsg();
    if (S)
      EXPECT_NE(perdure_create(S, "a", 8, 0), nullptr) << perdure_errormsg();
    closeStore();
    umask(Old);
    struct stat Status;
    ASSERT_EQ(stat(Mine.c_str(), &Status), 0);
    EXPECT_EQ(Status.st_mode & 07777, 0700u);
    std::vector<std::string> All = filesIn(Mine);
    EXPECT_EQ(All.size(), 5u);
    for (const std::string &Path : All) {
      ASSERT_EQ(stat(Path.c_str(), &Status), 0);
      EXPECT_EQ(Status.st_mode & 07777, S_ISDIR(Status.st_mode) ? 0700u : 0600u)
          << Path;
    }
  }
}

// Args: store, what to try. As somebody who is not root.
CHILD(unprivileged) {
  if (!geteuid())
    REQUIRE(!setresgid(65534, 65534, 65534) && !setresuid(65534, 65534, 65534));
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  if (S && Args[1] == "create")
    perdure_create(S, "new", 8, 0);
  else if (S && Args[1] == "read")
    perdure_open(S, "a", PERDURE_RDONLY);
  else if (S && Args[1] == "remove")
    perdure_remove(S, "a");
  printf("%s: %s\n", strerrorname_np(errno), perdure_errormsg());
  return 0;
}

TEST_F(BadInput, ModesThatForbid) {
  create("a");
  std::string Object = fileOf("a");
  closeStore();
  chmod(Temporary.c_str(), 0755);
  auto Own = [](const std::string &Path) {
    return geteuid() ? 0 : lchown(Path.c_str(), 65534, 65534);
  };
  ASSERT_EQ(Own(Dir), 0);
  for (const std::string &Path : filesIn(Dir))
    ASSERT_EQ(Own(Path), 0);
  std::vector<std::string> Before = filesIn(Dir);
  struct {
    std::string Path;
    mode_t Mode;
    const char *What, *Says;
  } Cases[] = {
      {Object, 0, "read", "objects/"},
      {Dir + "/names/a", 0, "read", "names/a"},
      {Dir + "/perdure.store", 0, "read", "perdure.store"},
      {Dir, 0, "read", "cannot open the directory"},
      {Dir + "/objects", 0, "read", "directories"},
      {Dir + "/names", 0, "read", "directories"},
      {Dir + "/objects", 0500, "create", "cannot create 'new'"},
      {Dir + "/names", 0500, "create", "cannot create 'new'"},
      {Dir + "/names", 0500, "remove", "cannot remove the name 'a'"},
  };
  for (const auto &Case : Cases) {
    struct stat Status;
    ASSERT_EQ(stat(Case.Path.c_str(), &Status), 0);
    chmod(Case.Path.c_str(), Case.Mode);
    ChildResult R = runChild("unprivileged", {Dir, Case.What});
    chmod(Case.Path.c_str(), Status.st_mode & 07777);
    EXPECT_EQ(R.Exit, 0) << R.Output;
    for (const char *Part : {"EACCES: ", Dir.c_str(), Case.Says,
                             "ask its owner for the right to it"})
      EXPECT_NE(R.Output.find(Part), std::string::npos)
          << Case.Path << ": " << R.Output << "lacks: " << Part;
    EXPECT_EQ(filesIn(Dir), Before);
  }
  // The right to read is enough to read.
  chmod(Object.c_str(), 0400);
  ChildResult R = runChild("unprivileged", {Dir, "read"});
  EXPECT_EQ(R.Output.find("EACCES"), std::string::npos) << R.Output;
}

TEST_F(BadInput, OptionsOfSetUserIdProgramsAreNotTheirUsers) {
  if (geteuid())
    GTEST_SKIP() << "only root can make a program that runs as another user";
  std::string Program = Temporary + "/program";
  chmod(Temporary.c_str(), 0755);
  fs::copy_file("/proc/self/exe", Program);
  auto Run = [&] {
    std::string Command =
        "PERDURE_OPTIONS=help=1 " + Program + " --child none 2>&1";
    FILE *Pipe = popen(Command.c_str(), "r");
    char Buffer[4096];
    std::string Output;
    while (size_t Read = fread(Buffer, 1, sizeof(Buffer), Pipe))
      Output.append(Buffer, Read);
    pclose(Pipe);
    return Output;
  };
  if (Run().find("print these options") == std::string::npos)
    GTEST_SKIP() << "the program does not run from " << Temporary;
  ASSERT_EQ(chown(Program.c_str(), 65534, 65534), 0);
  ASSERT_EQ(chmod(Program.c_str(), 04755), 0);
  std::string Said = Run();
  EXPECT_EQ(Said.find("print these options"), std::string::npos) << Said;
}

// /dev/shm is everybody's: what lies there under the name of the store's shared
// memory is neither believed nor waited for.
TEST_F(BadInput, SharedMemoryOfAStranger) {
  closeStore();
  struct stat Status;
  ASSERT_EQ(stat(Dir.c_str(), &Status), 0);
  std::string Name = sidecarOf(Dir);
  const char *Path = Name.c_str();
  auto Use = [&] {
    S = perdure_store_open(Dir.c_str(), 0);
    ASSERT_NE(S, nullptr) << perdure_errormsg();
    void *Root = perdure_open(S, "a", PERDURE_SHARED);
    if (!Root)
      Root = create("a");
    ASSERT_NE(Root, nullptr);
    EXPECT_EQ(perdure_lock(Root, 0), 0) << perdure_errormsg();
    EXPECT_EQ(perdure_unlock(Root), 0) << perdure_errormsg();
    struct perdure_holder Holder;
    EXPECT_EQ(perdure_holder(S, "a", &Holder), 0) << perdure_errormsg();
    closeStore();
  };
  if (mkfifo(Path, 0666))
    GTEST_SKIP() << "there is no /dev/shm to write to";
  Use();
  unlink(Path);
  std::string Elsewhere = Temporary + "/elsewhere";
  writeFile(Elsewhere, "precious");
  ASSERT_EQ(symlink(Elsewhere.c_str(), Path), 0);
  Use();
  EXPECT_EQ(readFile(Elsewhere), "precious");
  unlink(Path);
  if (geteuid())
    return;
  // A file of a user who has no say in the store, who holds all its locks.
  int File = ::open(Path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  ASSERT_GE(File, 0);
  ASSERT_EQ(fchown(File, 65534, 65534), 0);
  ASSERT_EQ(fchmod(File, 0666), 0);
  struct flock All = {};
  All.l_type = F_WRLCK;
  All.l_whence = SEEK_SET;
  ASSERT_EQ(fcntl(File, F_OFD_SETLK, &All), 0);
  Use();
  ASSERT_EQ(fstat(File, &Status), 0);
  EXPECT_EQ(Status.st_size, 0);
  close(File);
  unlink(Path);
}

//===----------------------------------------------------------------------===//
// Resources
//===----------------------------------------------------------------------===//

// Args: resource, limit, child, its arguments. Starts it with the limit.
CHILD(limited) {
  rlim_t Limit = std::stoull(Args[1]);
  struct rlimit Both = {Limit, Limit};
  REQUIRE(!setrlimit(std::stoi(Args[0]), &Both));
  std::vector<char *> Argv{(char *)"perdure_unit", (char *)"--child"};
  for (size_t I = 2; I < Args.size(); ++I)
    Argv.push_back((char *)Args[I].c_str());
  Argv.push_back(nullptr);
  execSelf(Argv);
  return 127;
}

// Args: store. Creates objects until that fails.
CHILD(many) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), PERDURE_CREATE);
  if (!S) {
    printf("%s: %s\n", strerrorname_np(errno), perdure_errormsg());
    return 0;
  }
  int Count = 0;
  while (Count < 5000 &&
         perdure_create(S, ("o" + std::to_string(Count)).c_str(), 8, 0))
    ++Count;
  printf("%d %s: %s\n", Count, strerrorname_np(errno), perdure_errormsg());
  // What there is can be used.
  if (Count) {
    void *Root = perdure_open(S, "o0", 0);
    REQUIRE(Root && perdure_alloc(Root, 100));
  }
  return 0;
}

#define SKIP_WITH_SANITIZER()                                                  \
  if (PERDURE_SANITIZED)                                                       \
  GTEST_SKIP() << "the sanitizer needs the addresses itself"

ChildResult runLimited(int Resource, uint64_t Limit, const char *Child,
                       std::vector<std::string> Args) {
  Args.insert(Args.begin(),
              {std::to_string(Resource), std::to_string(Limit), Child});
  return runChild("limited", Args);
}

TEST_F(BadInput, NoAddressesForTheWindow) {
  SKIP_WITH_SANITIZER();
  closeStore();
  ChildResult R = runLimited(RLIMIT_AS, (uint64_t)8 << 30, "many", {Dir});
  EXPECT_EQ(R.Signal, SIGABRT) << R.Output;
  for (const char *Part : {"addresses", "the window", "raise 'ulimit -v'"})
    EXPECT_NE(R.Output.find(Part), std::string::npos) << R.Output;
  // With less than all, there are fewer slots, and they say when they are out.
  R = runLimited(RLIMIT_AS, (uint64_t)300 << 30, "many", {Dir});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  for (const char *Part : {"ENOSPC", "slots of the window", "close a store"})
    EXPECT_NE(R.Output.find(Part), std::string::npos) << R.Output;
  int Count = std::atoi(R.Output.c_str());
  EXPECT_GE(Count, 2);
  EXPECT_LE(Count, 9);
  EXPECT_EQ((size_t)Count, filesIn(Dir + "/objects").size());
  EXPECT_EQ((size_t)Count, filesIn(Dir + "/names").size());
}

TEST_F(BadInput, NoDescriptorsLeft) {
  closeStore();
  ChildResult R = runLimited(RLIMIT_NOFILE, 24, "many", {Dir});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  for (const char *Part : {"EMFILE", "cannot create", "'ulimit -n'"})
    EXPECT_NE(R.Output.find(Part), std::string::npos) << R.Output;
  EXPECT_EQ((size_t)std::atoi(R.Output.c_str()),
            filesIn(Dir + "/objects").size());
  EXPECT_EQ(filesIn(Dir + "/names").size(), filesIn(Dir + "/objects").size());
}

// The kernel's signal for a file that is too long ends the process; an error
// does not.
TEST_F(BadInput, NoStoreWithoutFiles) {
  if (PERDURE_SANITIZED)
    GTEST_SKIP() << "ThreadSanitizer makes a file of its own at its start";
  closeStore();
  std::string New = Temporary + "/new";
  ChildResult R = runLimited(RLIMIT_FSIZE, 0, "many", {New});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  for (const char *Part : {"EFBIG", "raise 'ulimit -f'"})
    EXPECT_NE(R.Output.find(Part), std::string::npos) << R.Output;
}

// Args: store. Fills an object until an allocation fails with the errno that is
// named, frees, and goes on; objects that cannot be created leave nothing.
CHILD(fillup) {
  std::string Objects = Args[0] + "/objects", Names = Args[0] + "/names";
  perdure_store *S = perdure_store_open(Args[0].c_str(), PERDURE_CREATE);
  REQUIRE(S);
  auto *Root = (char **)perdure_create(S, "a", 4096, 0);
  REQUIRE(Root);
  std::vector<char *> Blocks;
  while (char *P = (char *)perdure_alloc(Root, 20000)) {
    memset(P, (int)Blocks.size() + 1, 20000);
    Blocks.push_back(P);
    REQUIRE(Blocks.size() < 1000);
  }
  printf("%s: %s\n", strerrorname_np(errno), perdure_errormsg());
  REQUIRE(Blocks.size() > 5);
  while (perdure_alloc(Root, 16)) // to the last byte
    ;
  struct perdure_stat Stat;
  REQUIRE(!perdure_stat(Root, &Stat));
  REQUIRE(!perdure_create(S, "b", 3000000, 0));
  printf("%s\n", perdure_errormsg());
  REQUIRE(filesIn(Objects).size() == 1 && filesIn(Names).size() == 1);
  REQUIRE(!perdure_open(S, "b", 0) && errno == ENOENT);
  for (size_t I = 0; I < Blocks.size(); ++I)
    for (size_t J = 0; J < 20000; ++J)
      REQUIRE(Blocks[I][J] == (char)(I + 1));
  perdure_free(Blocks.back());
  REQUIRE(perdure_alloc(Root, 20000));
  Root[0] = Blocks[0];
  uint64_t Offset = perdure_offset(Blocks[0]);
  perdure_store_close(S);
  S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  Root = (char **)perdure_open(S, "a", 0);
  REQUIRE(Root && !perdure_stat(Root, &Stat) && Stat.blocks > 5);
  char *First = (char *)perdure_decode(Offset, Root);
  REQUIRE(First[0] == 1 && First[19999] == 1);
  perdure_store_close(S);
  printf("whole\n");
  return 0;
}

TEST_F(BadInput, FilesMayNotGrow) {
  closeStore();
  ChildResult R = runLimited(RLIMIT_FSIZE, 1 << 20, "fillup", {Dir});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  for (const char *Part : {"EFBIG", "'a'", "cannot grow", "raise 'ulimit -f'",
                           "cannot create 'b'", "whole\n"})
    EXPECT_NE(R.Output.find(Part), std::string::npos) << R.Output;
}

// Args: a folder. On a file system of its own that has one MiB.
CHILD(fulldisk) {
  if (unshare(CLONE_NEWNS) ||
      mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) ||
      mount("tmpfs", Args[0].c_str(), "tmpfs", 0, "size=1m")) {
    printf("no mount: %s\n", strerror(errno));
    return 0;
  }
  return child_fillup({Args[0] + "/store"});
}

TEST_F(BadInput, DiskIsFull) {
  closeStore();
  std::string Place = Temporary + "/disk";
  fs::create_directory(Place);
  ChildResult R = runChild("fulldisk", {Place});
  if (R.Output.find("no mount") == 0)
    GTEST_SKIP() << "a file system of its own cannot be had: " << R.Output;
  EXPECT_EQ(R.Exit, 0) << R.Output;
  for (const char *Part : {"ENOSPC", "'a'", "cannot grow", "free disk space",
                           "cannot create 'b'", "whole\n"})
    EXPECT_NE(R.Output.find(Part), std::string::npos) << R.Output;
}

} // namespace

//===- HeaderTest.cpp - What opening checks -------------------------------===//

#include "Support.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

using perdure::Header;

namespace {

class HeaderTest : public StoreTest {
protected:
  void SetUp() override {
    StoreTest::SetUp();
    create("b");
    uint64_t *Root = create("a");
    Root[0] = 0x1234567;
    Root[1] = perdure_encode(perdure_alloc(Root, 100), &Root[1]);
    Root[2] = perdure_encode(open("b"), &Root[2]);
    *(uint64_t *)perdure_decode(Root[1], &Root[1]) = 42;
    closeStore();
    Path = fileOf("a");
    Good = readFile(Path);
    memcpy(&H, Good.data(), sizeof(H));
  }

  static void seal(void *Record, size_t Bytes) {
    uint32_t Sum = (uint32_t)crc32(0, (const Bytef *)Record, (uInt)Bytes - 4);
    memcpy((char *)Record + Bytes - 4, &Sum, 4);
  }
  void sealAll() {
    seal(&H.Ident, sizeof(H.Ident));
    seal(&H.Copy[0], sizeof(H.Copy[0]));
    seal(&H.Copy[1], sizeof(H.Copy[1]));
  }
  // Writes the file with the header as H has it.
  void writeHeader() {
    std::string Bytes = Good;
    memcpy(&Bytes[0], &H, sizeof(H));
    writeFile(Path, Bytes);
  }

  // The errno of opening, 0 when it opened; Message says what it said.
  int tryOpen(unsigned Flags = 0) {
    S = perdure_store_open(Dir.c_str(), 0);
    EXPECT_NE(S, nullptr);
    errno = 0;
    auto *Root = (uint64_t *)perdure_open(S, "a", Flags);
    int Error = Root ? 0 : errno;
    Message = Root ? "" : perdure_errormsg();
    if (Root)
      Intact = Root[0] == 0x1234567 &&
               *(uint64_t *)perdure_decode(Root[1], &Root[1]) == 42 &&
               perdure_decode(Root[2], &Root[2]) == open("b");
    closeStore();
    return Error;
  }

  void expectRefused(int Error, const char *Field) {
    std::string Before = readFile(Path);
    EXPECT_EQ(tryOpen(), Error) << Field;
    EXPECT_NE(Message.find(Field), std::string::npos) << Message;
    EXPECT_EQ(readFile(Path), Before) << "the file was touched";
  }

  std::string Path, Good, Message;
  Header H;
  bool Intact = false;
};

TEST_F(HeaderTest, OpensUnchanged) {
  EXPECT_EQ(tryOpen(), 0) << Message;
  EXPECT_TRUE(Intact);
}

TEST_F(HeaderTest, EveryByteOfPageZeroIsCheckedOrHarmless) {
  unsigned Refused = 0;
  for (size_t I = 0; I < 4096; ++I) {
    std::string Bytes = Good;
    Bytes[I] = (char)~Bytes[I];
    writeFile(Path, Bytes);
    Intact = false;
    int Error = tryOpen();
    if (Error) {
      ++Refused;
      EXPECT_EQ(Error, EPROTO) << I << Message;
      EXPECT_NE(Message.find("header field"), std::string::npos) << Message;
      EXPECT_EQ(readFile(Path), Bytes) << "touched at " << I;
    } else {
      EXPECT_TRUE(Intact) << "byte " << I;
      // One bad copy of the state is repaired.
      if (I >= 512 && I < 1536) {
        Header After;
        memcpy(&After, readFile(Path).data(), sizeof(After));
        EXPECT_EQ(memcmp(&After.Copy[0], &After.Copy[1], 512), 0) << I;
      }
    }
  }
  EXPECT_EQ(Refused, sizeof(perdure::Identity));
}

TEST_F(HeaderTest, EveryBitOfTheIdentityIsChecked) {
  for (size_t I = 0; I < 512 * 8; I += 7) {
    std::string Bytes = Good;
    Bytes[I / 8] = (char)(Bytes[I / 8] ^ 1 << I % 8);
    writeFile(Path, Bytes);
    EXPECT_EQ(tryOpen(), EPROTO) << I;
  }
}

TEST_F(HeaderTest, BothStatesBad) {
  H.Copy[0].FileBytes ^= 1;
  H.Copy[1].FileBytes ^= 1;
  writeHeader();
  expectRefused(EPROTO, "'state'");
}

TEST_F(HeaderTest, NewerStateWins) {
  // As a writer that died between the copies left it: copy 1 is newer.
  H.Copy[0] = H.Copy[1];
  H.Copy[0].Sequence -= 1;
  H.Copy[0].FileBytes = 4096;
  sealAll();
  writeHeader();
  EXPECT_EQ(tryOpen(), 0) << Message;
  EXPECT_TRUE(Intact);
}

TEST_F(HeaderTest, WrongMagic) {
  H.Ident.Magic[0] = 'X';
  sealAll();
  writeHeader();
  expectRefused(EPROTO, "'magic'");
}

TEST_F(HeaderTest, OtherVersion) {
  H.Ident.Version = 2;
  sealAll();
  writeHeader();
  expectRefused(EPROTO, "'version'");
}

TEST_F(HeaderTest, OtherId) {
  H.Ident.IdLo ^= 1;
  sealAll();
  writeHeader();
  expectRefused(EPROTO, "'id'");
}

TEST_F(HeaderTest, UnknownEncoding) {
  H.Ident.Encoding = 5;
  sealAll();
  writeHeader();
  expectRefused(EPROTO, "'encoding'");
}

TEST_F(HeaderTest, RootOutside) {
  for (uint64_t Offset :
       {uint64_t(0), uint64_t(4095), uint64_t(1) << 63, H.Copy[0].FileBytes}) {
    H.Ident.RootOffset = Offset;
    sealAll();
    writeHeader();
    expectRefused(EPROTO, "'root'");
  }
}

TEST_F(HeaderTest, ExtentsOutside) {
  uint64_t Old = H.Copy[0].MapExtent[0];
  for (uint64_t Offset : {uint64_t(1), uint64_t(2048), Old + 8,
                          H.Copy[0].FileBytes, ~uint64_t(4095)}) {
    H.Copy[0].MapExtent[0] = H.Copy[1].MapExtent[0] = Offset;
    sealAll();
    writeHeader();
    expectRefused(EPROTO, "'map_extent'");
  }
  H.Copy[0].MapExtent[0] = H.Copy[1].MapExtent[0] = Old;
  // An extent after one that is missing.
  H.Copy[0].FotExtent[2] = H.Copy[1].FotExtent[2] = 4096;
  sealAll();
  writeHeader();
  expectRefused(EPROTO, "'fot_extent'");
}

TEST_F(HeaderTest, FileBytesTooLargeOrOdd) {
  for (uint64_t Bytes :
       {uint64_t(0), uint64_t(4097), (uint64_t)Good.size() + 4096}) {
    H.Copy[0].FileBytes = H.Copy[1].FileBytes = Bytes;
    H.Ident.RootOffset = 4096; // what is tested is not the root's place
    H.Ident.RootBytes = 0;
    sealAll();
    writeHeader();
    expectRefused(EPROTO, Bytes ? "'file_bytes'" : "");
  }
}

TEST_F(HeaderTest, CutOffAnywhere) {
  for (size_t Size :
       {size_t(0), size_t(1), size_t(511), size_t(4095), size_t(4096),
        size_t(8192), Good.size() - 4096, Good.size() - 1}) {
    writeFile(Path, Good.substr(0, Size));
    expectRefused(EPROTO, "cut off");
  }
}

TEST_F(HeaderTest, LongerFileIsAnInterruptedGrowth) {
  writeFile(Path, Good + std::string(12345, 'x'));
  EXPECT_EQ(tryOpen(), 0) << Message;
  EXPECT_TRUE(Intact);
  EXPECT_EQ(readFile(Path).size(), Good.size()); // cut: growth gives zeroes
}

// A power failure may keep a header and lose the file's new size.
TEST_F(HeaderTest, TheCopyBeforeACutGrowthHolds) {
  perdure::State &Newer = H.Copy[1];
  ++Newer.Sequence;
  Newer.FileBytes += 1 << 20;
  sealAll();
  writeHeader();
  EXPECT_EQ(tryOpen(), 0) << Message;
  EXPECT_TRUE(Intact);
  // Without such a copy the file has been cut off.
  H.Copy[0] = Newer;
  sealAll();
  writeHeader();
  expectRefused(EPROTO, "'file_bytes'");
}

TEST_F(HeaderTest, LaterFeatures) {
  H.Copy[0].NeededToWrite = H.Copy[1].NeededToWrite = 2;
  sealAll();
  writeHeader();
  // Rights bind late: as a file that may only be read.
  std::string Before = readFile(Path);
  EXPECT_EQ(tryOpen(), 0) << Message;
  EXPECT_TRUE(Intact);
  EXPECT_EQ(tryOpen(PERDURE_RDONLY), 0) << Message;
  EXPECT_EQ(readFile(Path), Before) << "the file was touched";
  H.Copy[0].NeededFeatures = H.Copy[1].NeededFeatures = 2;
  sealAll();
  writeHeader();
  expectRefused(EPROTO, "'needed_features'");
}

// Rights do not go away under who has them: whoever shares an object is told what of
// its header is another one now, changes nothing, and goes on when it is right again.
TEST_F(HeaderTest, ChangedWhileItIsOpen) {
  S = perdure_store_open(Dir.c_str(), 0);
  uint64_t *Root = open("a", PERDURE_SHARED);
  ASSERT_GE(perdure_lock(Root, 0), 0) << perdure_errormsg();
  ASSERT_EQ(perdure_unlock(Root), 0);
  int File = ::open(Path.c_str(), O_RDWR | O_CLOEXEC);
  auto Write = [&](const Header &New) {
    // The states alone: whose turn it was lies behind them.
    size_t At = offsetof(Header, Copy);
    ASSERT_EQ(pwrite(File, (const char *)&New + At, sizeof(New.Copy), (off_t)At),
              (ssize_t)sizeof(New.Copy));
    ((Header *)baseOf(Root))->Turn.LastWriter = 1; // nobody that is alive
  };
  auto Expect = [&](int Error, const char *Field) {
    std::string Before = readFile(Path);
    for (unsigned Times = 2; Times; --Times) {
      errno = 0;
      EXPECT_EQ(perdure_lock(Root, 0), -1);
      EXPECT_EQ(errno, Error);
      std::string Said = perdure_errormsg();
      EXPECT_NE(Said.find("object 'a' ("), std::string::npos) << Said;
      EXPECT_NE(Said.find("while it was open"), std::string::npos) << Said;
      EXPECT_NE(Said.find(Field), std::string::npos) << Said;
    }
    EXPECT_EQ(readFile(Path), Before) << "the file was touched";
    *(volatile uint64_t *)Root = Root[0]; // it may be written still
  };
  memcpy(&H, readFile(Path).data(), sizeof(H));
  const Header Right = H;
  H.Copy[0].NeededToWrite = H.Copy[1].NeededToWrite = 1 << 20;
  sealAll();
  Write(H);
  Expect(EROFS, "'needed_to_write'");
  H = Right;
  H.Copy[0].Checksum ^= 1;
  H.Copy[1].Checksum ^= 1;
  Write(H);
  Expect(EPROTO, "'state'");
  H = Right;
  H.Copy[0].FotExtent[0] = H.Copy[1].FotExtent[0] = 0;
  sealAll();
  Write(H);
  Expect(EPROTO, "became smaller");
  Write(Right);
  ASSERT_GE(perdure_lock(Root, 0), 0) << perdure_errormsg();
  EXPECT_NE(perdure_alloc(Root, 100), nullptr) << perdure_errormsg();
  ASSERT_EQ(perdure_unlock(Root), 0);
  close(File);
}

TEST_F(HeaderTest, LinksAndOddFilesAreRefused) {
  std::string Moved = Path + ".moved";
  rename(Path.c_str(), Moved.c_str());
  ASSERT_EQ(symlink(Moved.c_str(), Path.c_str()), 0);
  EXPECT_EQ(tryOpen(), ELOOP) << Message;
  unlink(Path.c_str());
  ASSERT_EQ(mkfifo(Path.c_str(), 0600), 0);
  EXPECT_NE(tryOpen(), 0);
  unlink(Path.c_str());
  ASSERT_EQ(mkdir(Path.c_str(), 0700), 0);
  EXPECT_NE(tryOpen(), 0);
  EXPECT_NE(tryOpen(PERDURE_RDONLY), 0);
}

TEST_F(HeaderTest, EverythingIsOwnerOnly) {
  struct stat Status;
  for (const std::string &P :
       {Path, Dir + "/names/a", Dir + "/perdure.store"}) {
    ASSERT_EQ(stat(P.c_str(), &Status), 0);
    EXPECT_EQ(Status.st_mode & 0777, 0600u) << P;
  }
  for (const std::string &P : {Dir, Dir + "/names", Dir + "/objects"}) {
    ASSERT_EQ(stat(P.c_str(), &Status), 0);
    EXPECT_EQ(Status.st_mode & 0777, 0700u) << P;
  }
}

TEST_F(HeaderTest, LayoutIsFixed) {
  EXPECT_EQ(memcmp(Good.data(), "PERDURE\n", 8), 0);
  EXPECT_EQ((unsigned char)Good[8], 1);
  EXPECT_EQ(offsetof(Header, Copy), 0x200u);
  EXPECT_EQ(H.Copy[0].FileBytes, Good.size());
  EXPECT_EQ(H.Ident.RootBytes, 4096u);
}

} // namespace

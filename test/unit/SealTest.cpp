//===- SealTest.cpp - Sealed objects and PERDURE_VERIFY -------------------===//

#include "Hooks.h"
#include "Support.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <zlib.h>

namespace {

using perdure::Header;
using perdure::Seal;

struct KeyPair {
  unsigned char Public[32], Secret[64];

  KeyPair() {
    EXPECT_GE(sodium_init(), 0);
    crypto_sign_keypair(Public, Secret);
  }
};

class SealTest : public StoreTest {
protected:
  // An object "a" of three pages with something in each.
  void SetUp() override {
    StoreTest::SetUp();
    uint64_t *Root = create("a", 8192);
    for (unsigned I = 0; I < 1024; ++I)
      Root[I] = I * 0x9e3779b97f4a7c15;
    closeStore();
    reopenStore();
  }
  bool holds(const char *Name = "a") { return !perdure_verify(S, Name, &Info); }
  void seal(const char *Name = "a") {
    ASSERT_EQ(perdure_seal(S, Name, Keys.Secret), 0) << perdure_errormsg();
  }
  void trust() { ASSERT_EQ(perdure_trust(Keys.Public), 0); }

  KeyPair Keys;
  struct perdure_seal_info Info;
};

TEST_F(SealTest, TellsWhoSealedIt) {
  EXPECT_FALSE(holds());
  EXPECT_EQ(errno, ENODATA);
  seal();
  EXPECT_TRUE(holds()) << perdure_errormsg();
  EXPECT_EQ(memcmp(Info.key, Keys.Public, 32), 0);
  EXPECT_GT(Info.sealed, 1700000000000000000u);
  ASSERT_EQ(perdure_unseal(S, "a"), 0) << perdure_errormsg();
  EXPECT_FALSE(holds());
  EXPECT_EQ(errno, ENODATA);
  open("a")[0] = 1; // as any other object
}

// Who seals writes alone, and recovers nothing: readers do not take it for a writer that
// has, but wait (runtime/object/object.cpp, takeLocks).
TEST_F(SealTest, ReadersWait) {
  std::string Path = fileOf("a");
  int Held = 0;
  hooks::SyncInstead = [&](int) {
    int File = ::open(Path.c_str(), O_RDONLY | O_CLOEXEC);
    struct flock Request = {};
    Request.l_type = F_RDLCK;
    Request.l_start = ((off_t)1 << 62) + 3; // Structure
    Request.l_len = 1;
    EXPECT_EQ(fcntl(File, F_OFD_GETLK, &Request), 0);
    Held += Request.l_type == F_WRLCK;
    close(File);
    return false;
  };
  seal();
  hooks::forgetAll();
  EXPECT_GT(Held, 0);
}

// Whatever byte changes, of header or seal, or of the data.
TEST_F(SealTest, EveryByteCounts) {
  seal();
  std::string File = fileOf("a"), Good = readFile(File);
  for (size_t I = 0; I < Good.size(); I += I < 4096 ? 1 : 13) {
    std::string Bad = Good;
    Bad[I] = (char)(Bad[I] ^ (1 << I % 8));
    writeFile(File, Bad);
    ASSERT_FALSE(holds()) << "byte " << I;
  }
  writeFile(File, Good + '\0');
  EXPECT_FALSE(holds());
  EXPECT_EQ(errno, EBADMSG);
  writeFile(File, Good.substr(0, Good.size() - 4096));
  EXPECT_FALSE(holds());
  writeFile(File, Good);
  EXPECT_TRUE(holds()) << perdure_errormsg();
}

// A seal is of one object: not of another with the same bytes, nor of what the
// same key signs elsewhere.
TEST_F(SealTest, OfAnotherObjectOrKey) {
  create("b", 8192);
  closeStore();
  reopenStore();
  seal("a");
  seal("b");
  std::string A = readFile(fileOf("a")), B = readFile(fileOf("b"));
  B.replace(offsetof(Header, Sealed), sizeof(Seal), A, offsetof(Header, Sealed),
            sizeof(Seal));
  writeFile(fileOf("b"), B);
  EXPECT_FALSE(holds("b"));
  EXPECT_EQ(errno, EBADMSG);
  // Another's key under the signature.
  KeyPair Other;
  std::string Changed = A;
  Seal Record;
  memcpy(&Record, &Changed[offsetof(Header, Sealed)], sizeof(Record));
  memcpy(Record.Key, Other.Public, sizeof(Record.Key));
  Record.Checksum = (uint32_t)crc32(0, (const Bytef *)&Record, 252);
  memcpy(&Changed[offsetof(Header, Sealed)], &Record, sizeof(Record));
  writeFile(fileOf("a"), Changed);
  EXPECT_FALSE(holds("a"));
  EXPECT_EQ(errno, EBADMSG);
}

TEST_F(SealTest, VerifyOpensOnlyWhatIsTrusted) {
  EXPECT_EQ(perdure_open(S, "a", PERDURE_VERIFY), nullptr);
  EXPECT_EQ(errno, ENODATA) << perdure_errormsg();
  closeStore();
  reopenStore();
  seal();
  EXPECT_EQ(perdure_open(S, "a", PERDURE_VERIFY), nullptr);
  EXPECT_EQ(errno, ENOKEY);
  EXPECT_NE(strstr(perdure_errormsg(), "does not trust"), nullptr);
  trust();
  uint64_t *Root = open("a", PERDURE_VERIFY | PERDURE_RDONLY);
  ASSERT_NE(Root, nullptr);
  EXPECT_EQ(Root[1], 0x9e3779b97f4a7c15);
  // Also what is open already.
  std::string Bytes = readFile(fileOf("a"));
  Bytes[Bytes.size() - 1] ^= 1;
  writeFile(fileOf("a"), Bytes);
  EXPECT_EQ(perdure_open(S, "a", PERDURE_VERIFY), nullptr);
  EXPECT_EQ(errno, EBADMSG);
  EXPECT_NE(perdure_open(S, "a", 0), nullptr); // who does not ask
}

TEST_F(SealTest, StoresThatVerify) {
  uint64_t *A = open("a"), *B = create("b");
  A[0] = perdure_encode(B, &A[0]);
  closeStore();
  reopenStore();
  seal();
  trust();
  closeStore();
  reopenStore(PERDURE_VERIFY);
  uint64_t *Root = open("a");
  ASSERT_NE(Root, nullptr);
  // What it leads to is not sealed, and so not there.
  EXPECT_EQ(perdure_open(S, "b", 0), nullptr);
  EXPECT_EQ(errno, ENODATA);
  void *Target = perdure_decode(Root[0], &Root[0]);
  EXPECT_FALSE(perdure_root(Target));
  closeStore();
  reopenStore();
  seal("b");
  closeStore();
  reopenStore(PERDURE_VERIFY);
  Root = open("a");
  Target = perdure_decode(Root[0], &Root[0]);
  EXPECT_EQ(perdure_root(Target), Target);
}

// Args: store. Writes into a sealed object.
CHILD(writeSealed) {
  perdure_store *T = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(T);
  auto *Root = (volatile uint64_t *)perdure_open(T, "a", 0);
  REQUIRE(Root);
  REQUIRE(!perdure_alloc((void *)Root, 8) && errno == EROFS);
  REQUIRE(perdure_lock((void *)Root, 0) < 0 && errno == EROFS);
  Root[0] = 1;
  return 0;
}

TEST_F(SealTest, IsNotWritten) {
  seal();
  std::string Before = readFile(fileOf("a"));
  ChildResult R = runChild("writeSealed", {Dir});
  // A sanitizer's handler, which ours goes on to, exits instead.
  EXPECT_TRUE(R.Signal || (PERDURE_SANITIZED && R.Exit > 0)) << R.Output;
  EXPECT_NE(R.Output.find("the object is sealed"), std::string::npos)
      << R.Output;
  EXPECT_NE(R.Output.find("perdure seal --remove"), std::string::npos);
  EXPECT_EQ(readFile(fileOf("a")), Before);
  EXPECT_TRUE(holds());
}

TEST_F(SealTest, NotWhileSomebodyWrites) {
  open("a");
  EXPECT_EQ(perdure_seal(S, "a", Keys.Secret), -1);
  EXPECT_EQ(errno, EBUSY);
  EXPECT_EQ(perdure_unseal(S, "a"), -1);
  EXPECT_EQ(errno, EBUSY);
  closeStore();
  reopenStore();
  open("a", PERDURE_RDONLY); // readers do not matter
  seal();
  EXPECT_EQ(perdure_seal(S, "nobody", Keys.Secret), -1);
  EXPECT_EQ(errno, ENOENT);
}

// A process that died between the bit and the signature.
TEST_F(SealTest, Interrupted) {
  seal();
  std::string Bytes = readFile(fileOf("a"));
  Bytes.replace(offsetof(Header, Sealed), sizeof(Seal), sizeof(Seal), '\0');
  writeFile(fileOf("a"), Bytes);
  EXPECT_FALSE(holds());
  EXPECT_EQ(errno, EBADMSG);
  open("a", PERDURE_RDONLY);
  closeStore();
  reopenStore();
  seal();
  EXPECT_TRUE(holds());
}

TEST_F(SealTest, Copies) {
  seal();
  std::string Other = Dir + "-other";
  perdure_store *T = perdure_store_open(Other.c_str(), PERDURE_CREATE);
  ASSERT_NE(T, nullptr);
  ASSERT_EQ(perdure_copy(S, "a", T, nullptr, 0), 0) << perdure_errormsg();
  EXPECT_EQ(perdure_verify(T, "a", &Info), 0) << perdure_errormsg();
  perdure_store_close(T);
  // Another object, which may be written.
  ASSERT_EQ(perdure_copy(S, "a", S, "again", 0), 0) << perdure_errormsg();
  EXPECT_FALSE(holds("again"));
  EXPECT_EQ(errno, ENODATA);
  open("again")[0] = 1;
}

} // namespace

//===- PointerTest.cpp - Every corner of the persistent pointer -----------===//
//
// Each case goes through the twin and through the public function: both must
// say the same.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <signal.h>
#include <string.h>

namespace {

constexpr uint64_t ForeignBit = uint64_t(1) << 63;
constexpr uint64_t TaggedBit = uint64_t(1) << 62;

uint64_t encode(const void *P, const void *Container) {
  uint64_t Twin = __perdure_encode_object(P, Container, nullptr);
  EXPECT_EQ(Twin, perdure_encode(P, Container)) << P;
  return Twin;
}
uint64_t encode(uint64_t P, const void *Container) {
  return encode((const void *)P, Container);
}

uint64_t decode(uint64_t Bits, const void *Container) {
  void *Twin = __perdure_decode_object(Bits, Container);
  EXPECT_EQ(Twin, perdure_decode(Bits, Container)) << std::hex << Bits;
  return (uint64_t)Twin;
}

bool inGuard(uint64_t P, const void *Object) {
  return P - baseOf(Object) >= Limit && P - baseOf(Object) < Slot;
}

class PointerTest : public StoreTest {
protected:
  void SetUp() override {
    StoreTest::SetUp();
    A = create("a");
    B = create("b");
  }
  uint64_t *A, *B;
  uint64_t Local = 0; // volatile: this object is on the heap
};

TEST_F(PointerTest, NullIsZeroEverywhere) {
  EXPECT_EQ(encode(nullptr, A), 0u);
  EXPECT_EQ(encode(nullptr, &Local), 0u);
  EXPECT_EQ(decode(0, A), 0u);
  EXPECT_EQ(decode(0, &Local), 0u);
}

TEST_F(PointerTest, OwnObjectIsOffset) {
  uint64_t Base = baseOf(A);
  for (uint64_t Offset : {uint64_t(1), uint64_t(2), (uint64_t)A - Base,
                          (uint64_t)A - Base + 1, Limit - 1}) {
    EXPECT_EQ(encode(Base + Offset, A), Offset);
    EXPECT_EQ(encode(Base + Offset, A + 7), Offset);
    EXPECT_EQ(decode(Offset, A), Base + Offset);
  }
}

TEST_F(PointerTest, OffsetZeroGoesThroughIndexZero) {
  uint64_t Base = baseOf(A);
  EXPECT_EQ(encode(Base, A), ForeignBit);
  EXPECT_EQ(decode(ForeignBit, A), Base);
}

TEST_F(PointerTest, OtherObjectIsForeign) {
  uint64_t Bits = encode(B, A);
  EXPECT_EQ(Bits >> 63, 1u);
  EXPECT_EQ(Bits >> 40 & 0x7fffff, 1u);
  EXPECT_EQ(Bits & ((uint64_t(1) << 40) - 1), (uint64_t)B - baseOf(B));
  EXPECT_EQ(decode(Bits, A), (uint64_t)B);
  // Canonical: the same entry, whatever the offset; offset 0 as well.
  EXPECT_EQ(encode(B + 1, A), Bits + 8);
  EXPECT_EQ(encode(baseOf(B), A), Bits - ((uint64_t)B - baseOf(B)));
  EXPECT_EQ(decode(encode(baseOf(B), A), A), baseOf(B));
  EXPECT_EQ(encode(baseOf(B) + Limit - 1, A) - Bits,
            Limit - 1 - ((uint64_t)B - baseOf(B)));
  EXPECT_EQ(encode(B, A + 9), Bits);
}

TEST_F(PointerTest, LowBitTagsSurvive) {
  for (uint64_t Tag = 0; Tag < 8; ++Tag) {
    EXPECT_EQ(decode(encode((uint64_t)A + Tag, A), A), (uint64_t)A + Tag);
    EXPECT_EQ(decode(encode((uint64_t)B + Tag, A), A), (uint64_t)B + Tag);
    EXPECT_EQ(decode(encode((uint64_t)A + Tag, &Local), &Local),
              (uint64_t)A + Tag);
    EXPECT_EQ(decode(encode(baseOf(A) + Tag, A), A), baseOf(A) + Tag);
  }
}

TEST_F(PointerTest, ConstantsAreTaggedOnBothSidesOfZero) {
  for (int64_t Value : {1, 2, 4096, 65535, -1, -2, -65535}) {
    uint64_t V = (uint64_t)Value;
    EXPECT_EQ(encode(V, A) >> 62, 1u) << Value;
    EXPECT_EQ(encode(V, A), encode(V, &Local)) << Value;
    EXPECT_EQ(decode(encode(V, A), A), V);
    EXPECT_EQ(decode(encode(V, &Local), &Local), V);
  }
  EXPECT_EQ(encode(1, A), TaggedBit | 1);
  EXPECT_EQ(encode(~uint64_t(0), A), 0x7fffffffffffffffu);
}

TEST_F(PointerTest, VolatileHoldsTheAddressItself) {
  EXPECT_EQ(encode(&Local, &Local), (uint64_t)&Local);
  EXPECT_EQ(encode(A, &Local), (uint64_t)A);
  for (uint64_t P : {Slot, Slot + 1, (uint64_t(1) << 47), TaggedBit - 1}) {
    EXPECT_EQ(encode(P, &Local), P);
    EXPECT_EQ(decode(P, &Local), P);
  }
}

TEST_F(PointerTest, VolatileTagsWhatItCannotHoldPlainly) {
  // Below SLOT, and negative down to where the sign extension ends.
  for (uint64_t P : {uint64_t(1), Slot - 1, Limit, uint64_t(0x401000),
                     ~uint64_t(0) << 61, uint64_t(0xffffffff80000000)}) {
    EXPECT_EQ(encode(P, &Local), TaggedBit | (P & (TaggedBit - 1)));
    EXPECT_EQ(decode(encode(P, &Local), &Local), P);
  }
}

TEST_F(PointerTest, VolatileNativeBitsBelowSlotAreThemselves) {
  EXPECT_EQ(decode(Limit, &Local), Limit);
  EXPECT_EQ(decode(Slot - 1, &Local), Slot - 1);
}

TEST_F(PointerTest, ForeignBitsInVolatileMemoryFault) {
  uint64_t P = decode(encode(B, A), &Local);
  EXPECT_EQ(P - __perdure_window.base >= Limit, true);
  EXPECT_LT(P - __perdure_window.base, Slot);
  EXPECT_FALSE(perdure_in_object((void *)P));
}

TEST_F(PointerTest, DamageStaysInTheOwnGuard) {
  uint64_t Bits = encode(B, A);
  EXPECT_TRUE(inGuard(decode((uint64_t)&Local, A), A));  // native
  EXPECT_TRUE(inGuard(decode(TaggedBit | 65536, A), A)); // no constant
  EXPECT_TRUE(inGuard(decode(Limit, A), A));             // no offset
  EXPECT_TRUE(inGuard(decode(Slot - 1, A), A));
  EXPECT_TRUE(inGuard(decode((Bits & ~((uint64_t(1) << 40) - 1)) | Limit, A),
                      A)); // offset
  EXPECT_TRUE(inGuard(decode(ForeignBit | uint64_t(2) << 40 | 64, A), A));
  EXPECT_TRUE(inGuard(decode(ForeignBit | uint64_t(8388095) << 40, A), A));
  EXPECT_TRUE(inGuard(decode(ForeignBit | uint64_t(8388096) << 40, A), A));
  EXPECT_TRUE(inGuard(decode(ForeignBit | uint64_t(8388607) << 40, A), A));
  EXPECT_TRUE(inGuard(decode(~uint64_t(0), A), A));
}

TEST_F(PointerTest, ReencodeKeepsBitsInPlace) {
  uint64_t Other = 0;
  for (uint64_t Bits : {uint64_t(0), uint64_t(77), encode(B, A), TaggedBit | 1,
                        ForeignBit | uint64_t(99) << 40, (uint64_t)&Local}) {
    EXPECT_EQ(__perdure_reencode_object(Bits, A, A + 5, nullptr), Bits);
    EXPECT_EQ(__perdure_reencode_object(Bits, &Local, &Other, nullptr), Bits);
  }
}

TEST_F(PointerTest, ReencodeAcrossPlaces) {
  uint64_t *C = create("c");
  const void *Places[] = {A, B, &Local};
  uint64_t Targets[] = {0,           (uint64_t)A, (uint64_t)A + 1,
                        (uint64_t)B, (uint64_t)C, baseOf(A),
                        baseOf(B),   1,           ~uint64_t(0)};
  for (const void *From : Places)
    for (const void *To : Places)
      for (uint64_t P : Targets) {
        uint64_t Bits =
            __perdure_reencode_object(encode(P, From), From, To, nullptr);
        EXPECT_EQ(Bits, encode(P, To)) << From << " " << To << " " << P;
        EXPECT_EQ(decode(Bits, To), P);
      }
}

TEST_F(PointerTest, RandomAddressesRoundTrip) {
  uint64_t Seed = 1;
  for (int I = 0; I < 100000; ++I) {
    Seed = Seed * 6364136223846793005u + 1442695040888963407u;
    uint64_t Offset = Seed % Limit;
    EXPECT_EQ(decode(encode(baseOf(A) + Offset, A), A), baseOf(A) + Offset);
    EXPECT_EQ(decode(encode(baseOf(B) + Offset, A), A), baseOf(B) + Offset);
    uint64_t Any = Seed >> (Seed >> 58);
    if (Any >> 61 == 0 || Any >> 61 == 7) {
      EXPECT_EQ(decode(encode(Any, &Local), &Local), Any);
    }
  }
}

TEST_F(PointerTest, MemmoveReencodesInEitherDirection) {
  uint64_t Volatile[8];
  const void *Targets[] = {A,         B,     nullptr,           A + 3,
                           (void *)1, B + 1, (void *)baseOf(A), A + 9};
  for (int I = 0; I < 8; ++I)
    A[I] = encode(Targets[I], &A[I]);
  EXPECT_EQ(perdure_memmove(B + 8, A, 64), B + 8);
  EXPECT_EQ(perdure_memmove(Volatile, A, 64), Volatile);
  for (int I = 0; I < 8; ++I) {
    EXPECT_EQ((const void *)decode(B[8 + I], &B[8 + I]), Targets[I]);
    EXPECT_EQ((const void *)Volatile[I],
              I == 4 ? (void *)(TaggedBit | 1) : Targets[I]);
  }
  // Overlap.
  uint64_t Before[8];
  memcpy(Before, A, 64);
  EXPECT_EQ(perdure_memmove(A + 2, A, 64), A + 2);
  EXPECT_EQ(memcmp(A + 2, Before, 64), 0);
  EXPECT_EQ(perdure_memmove(A + 1, A + 2, 64), A + 1);
  EXPECT_EQ(memcmp(A + 1, Before, 64), 0);
  EXPECT_EQ(perdure_memmove(A, A, 0), A);
}

TEST_F(PointerTest, MemmoveRefusesWhatIsNoArrayOfPointers) {
  uint64_t Volatile[4] = {1, 2, 3, 4};
  auto Refused = [&](void *To, const void *From, size_t Bytes) {
    errno = 0;
    return !perdure_memmove(To, From, Bytes) && errno == EINVAL &&
           strstr(perdure_errormsg(), "perdure_memmove");
  };
  EXPECT_TRUE(Refused((char *)Volatile + 4, Volatile, 8));
  EXPECT_TRUE(Refused(Volatile, (char *)A + 1, 8));
  EXPECT_TRUE(Refused(Volatile, A, 12));
  EXPECT_TRUE(Refused((void *)(baseOf(A) + Slot - 8), Volatile, 16));
  EXPECT_EQ(Volatile[0], 1u);
}

TEST_F(PointerTest, OffsetsAndMembership) {
  EXPECT_EQ(perdure_offset(A), (uint64_t)A - baseOf(A));
  EXPECT_EQ(perdure_offset(&Local), (uint64_t)&Local);
  EXPECT_EQ(perdure_offset(nullptr), 0u);
  EXPECT_EQ(perdure_in_object(A), 1);
  EXPECT_EQ(perdure_in_object(&Local), 0);
  EXPECT_EQ(perdure_in_object(nullptr), 0);
  EXPECT_EQ(perdure_in_object((void *)(baseOf(A) + Limit)), 0);
  EXPECT_EQ(perdure_root(A + 100), A);
  errno = 0;
  EXPECT_EQ(perdure_root(&Local), nullptr);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(perdure_object_id(&Local).hi, 0u);
}

TEST_F(PointerTest, TranslationKeepsErrno) {
  uint64_t Bits = encode(B, A);
  errno = 4711;
  perdure_decode(Bits, A);
  perdure_decode(ForeignBit | uint64_t(77) << 40, A);
  perdure_encode(B, A);
  EXPECT_EQ(errno, 4711);
}

//===----------------------------------------------------------------------===//
// Escapes: each in a process of its own, for it dies
//===----------------------------------------------------------------------===//

// Args: store, what. Stores that into object a.
CHILD(escape) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *A = (uint64_t *)perdure_open(S, "a", 0);
  auto *B = (uint64_t *)perdure_open(S, "b", 0);
  REQUIRE(A && B);
  static uint64_t Global;
  uint64_t P = 0;
  if (Args[1] == "native")
    P = (uint64_t)&Global;
  else if (Args[1] == "low")
    P = 65536;
  else if (Args[1] == "guard")
    P = baseOf(A) + Limit;
  else if (Args[1] == "otherguard")
    P = baseOf(B) + Limit;
  else if (Args[1] == "damage")
    P = (uint64_t)perdure_decode((uint64_t)&Global, A + 1);
  else if (Args[1] == "unopened")
    P = __perdure_window.base + __perdure_window.bytes - 64;
  else if (Args[1] == "otherstore") {
    perdure_store *Other = perdure_store_open((Args[0] + "2").c_str(), 0);
    REQUIRE(Other);
    P = (uint64_t)perdure_open(Other, "b", 0);
    REQUIRE(P);
  } else if (Args[1] == "unrepresentable") {
    P = uint64_t(5) << 61;
    static uint64_t Volatile;
    Volatile = __perdure_encode_object((void *)P, &Volatile, "here.c:42");
    printf("stored\n");
    return 0;
  } else if (Args[1] == "readonly") {
    perdure_store_close(S);
    S = perdure_store_open(Args[0].c_str(), PERDURE_RDONLY);
    REQUIRE(S);
    A = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
    B = (uint64_t *)perdure_open(S, "b", PERDURE_RDONLY);
    REQUIRE(A && B);
    P = (uint64_t)B;
  }
  uint64_t Bits = __perdure_encode_object((void *)P, A, "here.c:42");
  A[0] = Bits;
  struct perdure_stat Stat;
  REQUIRE(!perdure_stat(A, &Stat));
  printf("stored %d escapes %d back %d\n", Bits != 0, (int)Stat.escapes,
         __perdure_decode_object(A[0], A) == (void *)P);
  return 0;
}

TEST_F(PointerTest, EscapesStopBeforeTheStore) {
  closeStore();
  copyTree(Dir, Dir + "2");
  struct {
    const char *What, *Says;
  } Cases[] = {
      {"native", "a native address"},
      {"low", "a native address"},
      {"guard", "inaccessible address of a damaged pointer"},
      {"otherguard", "inaccessible address of a damaged pointer"},
      {"damage", "inaccessible address of a damaged pointer"},
      {"unopened", "closed store"},
      {"otherstore", "an address in another store"},
  };
  for (auto &C : Cases) {
    ChildResult R = runChild("escape", {Dir, C.What});
    EXPECT_EQ(R.Signal, SIGABRT) << C.What << R.Output;
    EXPECT_NE(R.Output.find(C.Says), std::string::npos) << R.Output;
    EXPECT_NE(R.Output.find("escape at here.c:42"), std::string::npos)
        << R.Output;
    EXPECT_NE(R.Output.find("object 'a' ("), std::string::npos) << R.Output;
    EXPECT_EQ(R.Output.find("escapes 1"), std::string::npos) << R.Output;
  }
}

TEST_F(PointerTest, WhatNoBitsCanSayStops) {
  closeStore();
  ChildResult R = runChild("escape", {Dir, "unrepresentable"});
  EXPECT_EQ(R.Signal, SIGABRT) << R.Output;
  EXPECT_NE(R.Output.find("here.c:42"), std::string::npos) << R.Output;
}

TEST_F(PointerTest, FotOfReadOnlyObjectStops) {
  closeStore();
  ChildResult R = runChild("escape", {Dir, "readonly"});
  EXPECT_EQ(R.Signal, SIGABRT) << R.Output;
  EXPECT_NE(R.Output.find("read-only"), std::string::npos) << R.Output;
}

TEST_F(PointerTest, LenientPoliciesStoreTheAddress) {
  closeStore();
  for (const char *What : {"native", "low"}) {
    ChildResult R = runChild("escape", {Dir, What}, "escape=allow");
    EXPECT_EQ(R.Exit, 0);
    EXPECT_EQ(R.Output, "stored 1 escapes 1 back 1\n");
    R = runChild("escape", {Dir, What}, "escape=report");
    EXPECT_EQ(R.Exit, 0);
    EXPECT_NE(R.Output.find("escape at here.c:42"), std::string::npos);
    EXPECT_NE(R.Output.find("stored 1 escapes 1 back 1\n"), std::string::npos);
  }
  // What stayed is damage for the next process.
  reopenStore();
  uint64_t *Root = open("a");
  EXPECT_TRUE(inGuard(decode(Root[0], Root), Root));
}

} // namespace

//===- Harness.cpp - Hostile files for the real runtime -------------------===//

#include "Harness.h"

#include "object/header.h"

#include <atomic>
#include <errno.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace fuzz;
using perdure::FilePage;
using perdure::FotEntry;
using perdure::Header;
namespace fs = std::filesystem;

// The entry archive's: where the window lies, and the twins.
extern "C" {
struct WindowPlace {
  uintptr_t base, bytes, fot_rows, index_rows;
};
extern WindowPlace __perdure_window;
void *__perdure_decode_object(uint64_t, const void *);
}

void fuzz::violated(const char *File, int Line, const char *Condition) {
  fprintf(stderr, "%s:%d: violated: %s (last error: %s)\n", File, Line,
          Condition, perdure_errormsg());
  __builtin_trap();
}

uint64_t Input::number() {
  uint8_t Form = byte();
  uint64_t Value = take(Form % 9);
  switch (Form / 9 % 6) {
  case 1:
    return Value * FilePage;
  case 2:
    return Value + perdureLimit(SlotBits);
  case 3:
    return 0 - Value;
  case 4:
    return Value + FilePage;
  case 5:
    return Value << 32;
  }
  return Value;
}

//===----------------------------------------------------------------------===//
// Misuse
//===----------------------------------------------------------------------===//

namespace {
struct Stopped {};
thread_local bool StopExpected;
} // namespace

extern "C" [[noreturn]] void __real_abort();

// The linker sends every abort here; the fuzz targets' copy of the runtime can
// be unwound, so its locks are given up on the way.
extern "C" [[noreturn]] void __wrap_abort() noexcept(false) {
  if (StopExpected)
    throw Stopped();
  __real_abort();
}

// What is free by a hostile file's tables is what the programs here store to and what
// the file's roots and names lie in: AddressSanitizer is told nothing of it.
extern "C" const char *__asan_default_options() { return "allow_user_poisoning=0"; }

// Waiting for another process, of which there is none.
extern "C" int __wrap_usleep(unsigned) { return 0; }

bool fuzz::mayStop(void (*F)(void *), void *Context) {
  bool Went = true;
  StopExpected = true;
  try {
    F(Context);
  } catch (const Stopped &) {
    Went = false;
  }
  StopExpected = false;
  return Went;
}

//===----------------------------------------------------------------------===//
// The scene
//===----------------------------------------------------------------------===//

static std::vector<uint8_t> readBytes(const std::string &Path) {
  std::ifstream In(Path, std::ios::binary);
  std::stringstream Text;
  Text << In.rdbuf();
  std::string S = Text.str();
  return std::vector<uint8_t>(S.begin(), S.end());
}

static void writeBytes(const std::string &Path, const void *P, size_t Bytes) {
  std::ofstream Out(Path, std::ios::binary | std::ios::trunc);
  Out.write((const char *)P, (std::streamsize)Bytes);
  CHECK(Out.good());
}

static void seal(void *Record, size_t Bytes) {
  uint32_t Sum = perdure::checksumOf(Record, Bytes);
  memcpy((char *)Record + Bytes - 4, &Sum, 4);
}

void fuzz::sealHeader(Header &H) {
  seal(&H.Ident, sizeof(H.Ident));
  seal(&H.Copy[0], sizeof(H.Copy[0]));
  seal(&H.Copy[1], sizeof(H.Copy[1]));
}

void fuzz::sealEntry(FotEntry &E) { E.Checksum = perdure::checksumOf(E); }

namespace {
/// A file that must not change, seen through a mapping of our own.
struct Victim {
  std::string Path;
  std::vector<uint8_t> Bytes;
  const void *Map;
};

struct Everything {
  Scene S;
  std::string Folder;
  std::vector<Victim> Victims;
  int File = -1; // the hostile object's
  perdure_store *Other = nullptr;
  ~Everything() {
    perdure_store_close(Other);
    std::error_code Ignored;
    fs::remove_all(Folder, Ignored);
  }
};
} // namespace

// An object under an ID of ours, so that an input means the same in every
// process.
static std::string renameObject(const std::string &Dir, const char *Name,
                                uint64_t Id) {
  std::string NameFile = Dir + "/names/" + Name;
  std::vector<uint8_t> Old = readBytes(NameFile);
  CHECK(Old.size() == 33);
  std::string OldFile =
      Dir + "/objects/" + std::string(Old.begin(), Old.end() - 1);
  std::vector<uint8_t> Bytes = readBytes(OldFile);
  Header H;
  memcpy(&H, Bytes.data(), sizeof(H));
  H.Ident.IdHi = H.Ident.IdLo = Id;
  H.Ident.Created = 0;
  seal(&H.Ident, sizeof(H.Ident));
  memcpy(Bytes.data(), &H, sizeof(H));
  char Text[40];
  snprintf(Text, sizeof(Text), "%016llx%016llx\n", (unsigned long long)Id,
           (unsigned long long)Id);
  writeBytes(NameFile, Text, 33);
  std::string File = Dir + "/objects/" + std::string(Text, 32);
  writeBytes(File, Bytes.data(), Bytes.size());
  fs::remove(OldFile);
  return File;
}

static uint64_t *createObject(perdure_store *S, const char *Name) {
  auto *Root = (uint64_t *)perdure_create(S, Name, 4096, 0);
  CHECK(Root);
  return Root;
}

static void fillHostile(perdure_store *S) {
  uint64_t *Root = createObject(S, "a");
  for (const char *Name : {"b", "c"}) {
    void *Target = perdure_open(S, Name, PERDURE_RDONLY);
    CHECK(Target);
    Root[Name[0] - 'a'] = perdure_encode(Target, &Root[Name[0] - 'a']);
  }
  CHECK(!perdure_bind(&Root[3], "b") && !perdure_bind(&Root[4], "nobody"));
  unsigned Next = 8;
  for (size_t Bytes : {16, 16, 48, 100, 512, 1000, 3584, 5000, 20000}) {
    void *Block = perdure_alloc(Root, Bytes);
    CHECK(Block);
    memset(Block, (int)Next, Bytes);
    Root[Next] = perdure_encode(Block, &Root[Next]);
    ++Next;
  }
  // Holes between what is allocated.
  perdure_free(perdure_decode(Root[9], &Root[9]));
  perdure_free(perdure_decode(Root[15], &Root[15]));
}

static std::string makeFolder() {
  if (const char *Given = getenv("PERDURE_FUZZ_DIR")) {
    std::string Folder = std::string(Given) + "/" + std::to_string(getpid());
    CHECK(!mkdir(Folder.c_str(), 0700));
    return Folder;
  }
  const char *Temporary = getenv("TMPDIR");
  std::string Place = !access("/dev/shm", W_OK) ? "/dev/shm"
                      : Temporary               ? Temporary
                                                : "/tmp";
  Place += "/perdure-fuzz-XXXXXX";
  CHECK(mkdtemp(Place.data()));
  return Place;
}

static void addVictim(Everything &E, const std::string &Path) {
  Victim V;
  V.Path = Path;
  V.Bytes = readBytes(Path);
  int File = open(Path.c_str(), O_RDONLY | O_CLOEXEC);
  CHECK(File >= 0 && !V.Bytes.empty());
  V.Map = mmap(nullptr, V.Bytes.size(), PROT_READ, MAP_SHARED, File, 0);
  CHECK(V.Map != MAP_FAILED);
  close(File);
  E.Victims.push_back(V);
}

static void findPages(Scene &S) {
  const uint64_t Extent = S.GoodHeader.Copy[0].MapExtent[0];
  CHECK(Extent);
  for (uint64_t Page = 0; Page < S.Good.size() / FilePage; ++Page) {
    perdure::PageDescriptor D;
    memcpy(&D, &S.Good[Extent + Page * 8], 8);
    if (D.kind() == perdure::PageKind::Slab)
      S.Slabs.push_back(Page);
    else if (D.kind() == perdure::PageKind::Large)
      S.Large.push_back(Page);
  }
  CHECK(!S.Slabs.empty() && !S.Large.empty());
}

static Everything &everything() {
  static Everything E;
  if (!E.Folder.empty())
    return E;
  E.Folder = makeFolder();
  E.S.Dir = E.Folder + "/store";
  const char *Dir = E.S.Dir.c_str();
  perdure_store *S = perdure_store_open(Dir, PERDURE_CREATE);
  CHECK(S);
  for (const char *Name : {"b", "c"}) {
    uint64_t *Root = createObject(S, Name);
    for (int I = 0; I < 512; ++I)
      Root[I] = 0x0123456789abcdef * (unsigned)(I + Name[0]);
  }
  perdure_store_close(S);
  std::string B = renameObject(E.S.Dir, "b", 0xbbbb);
  std::string C = renameObject(E.S.Dir, "c", 0xcccc);
  S = perdure_store_open(Dir, 0);
  fillHostile(S);
  perdure_store_close(S);
  E.S.File = renameObject(E.S.Dir, "a", 0xaaaa);
  E.S.Good = readBytes(E.S.File);
  memcpy(&E.S.GoodHeader, E.S.Good.data(), sizeof(Header));
  findPages(E.S);
  E.File = open(E.S.File.c_str(), O_RDWR | O_CLOEXEC);
  CHECK(E.File >= 0);
  // Another store, whose object stays mapped for writing all the time.
  std::string Far = E.Folder + "/other";
  E.Other = perdure_store_open(Far.c_str(), PERDURE_CREATE);
  CHECK(E.Other);
  createObject(E.Other, "v")[1] = 42;
  for (const auto &Entry : fs::directory_iterator(Far + "/objects"))
    addVictim(E, Entry.path());
  addVictim(E, B);
  addVictim(E, C);
  return E;
}

const Scene &fuzz::scene() { return everything().S; }

void fuzz::writeHostile(const std::vector<uint8_t> &Bytes) {
  int File = everything().File;
  CHECK(!ftruncate(File, (off_t)Bytes.size()));
  CHECK(pwrite(File, Bytes.data(), Bytes.size(), 0) == (ssize_t)Bytes.size());
}

bool fuzz::hostileIs(const std::vector<uint8_t> &Bytes) {
  static std::vector<uint8_t> Now;
  Now.resize(Bytes.size() + 1);
  return pread(everything().File, Now.data(), Now.size(), 0) ==
             (ssize_t)Bytes.size() &&
         !memcmp(Now.data(), Bytes.data(), Bytes.size());
}

void fuzz::checkVictims() {
  for (const Victim &V : everything().Victims) {
    struct stat Status;
    CHECK(!stat(V.Path.c_str(), &Status));
    CHECK((uint64_t)Status.st_size == V.Bytes.size());
    CHECK(!memcmp(V.Map, V.Bytes.data(), V.Bytes.size()));
  }
}

void fuzz::checkDecoded(const void *Pointer) {
  uint64_t P = (uint64_t)Pointer;
  if (!P || perdureIsConstant(P))
    return;
  CHECK(P - __perdure_window.base < __perdure_window.bytes);
  uint64_t Offset = P & (Slot - 1);
  if (Offset < perdureLimit(SlotBits))
    CHECK(perdure_in_object(Pointer));
  else
    CHECK(Offset < Slot - PerdureAbiFotCacheBytes);
}

//===----------------------------------------------------------------------===//
// Somebody who changes the file meanwhile
//===----------------------------------------------------------------------===//

namespace {
/// Writes words of the input all over the file, through the file system: the
/// runtime may cut the file off under a mapping.
class OtherWriter {
public:
  OtherWriter(uint64_t Seed, Writer W) : Seed(Seed) {
    if (W == Writer::Meanwhile)
      Thread = std::thread([this] {
        while (!Stop.load(std::memory_order_relaxed))
          store(next(), next());
      });
  }
  ~OtherWriter() {
    Stop = true;
    if (Thread.joinable())
      Thread.join();
  }
  // What is damaged is what the runtime reads, mostly: the states, the FOT, the
  // page map, and the first lines of pages. The checksums are fitted, or
  // nothing would come through.
  void store(uint64_t Where, uint64_t What) {
    const perdure::State &S = scene().GoodHeader.Copy[0];
    uint64_t Place = Where >> 3;
    switch (Where & 7) {
    case 0:
      Place = offsetof(Header, Copy) + Place % 1024;
      break;
    case 1:
    case 2:
      Place = S.MapExtent[0] + Place % 512;
      break;
    case 3:
      Place = S.FotExtent[0] + Place % 256;
      break;
    case 4:
    case 5:
      Place = Place / 64 * FilePage + Place % 64;
      break;
    case 6:
      Place %= 512;
      break;
    }
    // Inside what is always there: growth is the runtime's.
    Place = Place % scene().Good.size() / 8 * 8;
    if (Place < sizeof(Header)) {
      Header H;
      if (pread(File, &H, sizeof(H), 0) != (ssize_t)sizeof(H))
        return;
      memcpy((char *)&H + Place, &What, sizeof(What));
      sealHeader(H);
      put(&H, sizeof(H), 0);
    } else if (Place - S.FotExtent[0] < FilePage) {
      FotEntry E;
      uint64_t Start = Place / sizeof(E) * sizeof(E);
      if (pread(File, &E, sizeof(E), (off_t)Start) != (ssize_t)sizeof(E))
        return;
      memcpy((char *)&E + (Place - Start), &What, sizeof(What));
      sealEntry(E);
      put(&E, sizeof(E), Start);
    } else {
      put(&What, sizeof(What), Place);
    }
  }

private:
  void put(const void *P, size_t Bytes, uint64_t Place) {
    CHECK(pwrite(File, P, Bytes, (off_t)Place) == (ssize_t)Bytes);
  }
  uint64_t next() {
    Seed ^= Seed << 13;
    Seed ^= Seed >> 7;
    Seed ^= Seed << 17;
    return Seed;
  }
  uint64_t Seed;
  int File = everything().File;
  std::atomic<bool> Stop{false};
  std::thread Thread;
};

//===----------------------------------------------------------------------===//
// A program that works with the object
//===----------------------------------------------------------------------===//

// Whether a store there would fault: the kernel says so, and changes nothing.
bool isWritable(const void *P, size_t Bytes) {
  uint64_t Begin = (uint64_t)P / FilePage * FilePage;
  uint64_t End = (uint64_t)P + Bytes;
  return !madvise((void *)Begin, End - Begin, MADV_POPULATE_WRITE);
}

class Program {
public:
  Program(Input &In, Writer W, perdure_store *S, char *Root, bool Shared,
          OtherWriter &Other)
      : In(In), W(W), S(S), Root(Root), Other(Other), Shared(Shared) {}

  void run() {
    MayFree = !Shared || !perdure_lock(Root, 0);
    MayWrite = isWritable(Root, 1);
    for (int Steps = 0; !In.empty() && Steps < 200; ++Steps)
      step();
    stat();
    if (Shared)
      perdure_unlock(Root);
  }

private:
  struct Block {
    char *P;
    size_t Bytes;
  };

  char *base() const { return (char *)((uint64_t)Root & ~(Slot - 1)); }

  void step() {
    switch (In.byte() % 17) {
    case 0:
      return allocate(In.take(2) % 5000);
    case 1:
      return allocate(In.take(3) % (1 << 20));
    case 2:
      return allocate(In.number());
    case 3:
      return freeOwn();
    case 4:
      return freeAny();
    case 5:
      return decode(In.take(8), container());
    case 6:
      return decodeStored();
    case 7:
      return encode();
    case 8:
      return move();
    case 9:
      return stat();
    case 10:
      perdure_persist(container(), In.take(2));
      return;
    case 11:
      return openAgain();
    case 12:
      return ask();
    case 14:
      return bind();
    case 15:
      return setRights();
    case 16:
      return section();
    default:
      if (W != Writer::None) {
        uint64_t Where = In.take(4);
        Other.store(Where, In.number());
      }
    }
  }

  // A place in the file for a pointer; the file's end is the runtime's word.
  void *container() {
    struct perdure_stat Stat;
    uint64_t Bytes = FilePage;
    if (!perdure_stat(Root, &Stat))
      Bytes = Stat.file_bytes;
    return base() + In.take(3) * 8 % Bytes;
  }

  void allocate(size_t Bytes) {
    // Memory is what the targets share with everybody.
    if (Total + Bytes > (8 << 20) && Bytes < perdureLimit(SlotBits))
      return;
    errno = 0;
    char *P = (char *)perdure_alloc(Root, Bytes);
    if (!P) {
      CHECK(errno && *perdure_errormsg());
      return;
    }
    uint64_t Offset = (uint64_t)(P - base());
    CHECK(Offset >= FilePage && Offset < perdureLimit(SlotBits));
    CHECK(Bytes <= perdureLimit(SlotBits) - Offset);
    if (W == Writer::None && !Misused) {
      for (const Block &B : Own)
        CHECK(P + Bytes <= B.P || B.P + B.Bytes <= P);
      for (size_t I = 0; I < Bytes; I += I < 64 ? 1 : 509)
        CHECK(!P[I]);
    }
    memset(P, 0x5a, Bytes);
    Own.push_back({P, Bytes});
    Total += Bytes;
  }

  void freeOwn() {
    if (Own.empty())
      return;
    size_t I = In.byte() % Own.size();
    char *P = Own[I].P;
    Own[I] = Own.back();
    Own.pop_back();
    if (W == Writer::None && !Misused && MayFree)
      perdure_free(P); // whatever else the file says, this is a block
    else
      mayStop([&] { perdure_free(P); });
  }

  // A pointer that the file gave: nothing may come of it but an end in words.
  void freeAny() {
    void *P = base() + In.number();
    if (In.byte() & 1)
      P = perdure_decode(*(uint64_t *)container(), container());
    // What a program frees that is no block it may be given twice.
    if (mayStop([&] { perdure_free(P); }) && P)
      Misused = true;
  }

  void decode(uint64_t Bits, void *Container) {
    int Before = errno = 77;
    void *P = perdure_decode(Bits, Container);
    CHECK(errno == Before);
    checkDecoded(P);
    if (W != Writer::Meanwhile)
      CHECK(__perdure_decode_object(Bits, Container) == P);
  }

  void decodeStored() {
    auto *Container = (uint64_t *)container();
    decode(*Container, Container);
  }

  void encode() {
    void *Container = container();
    static char Volatile;
    void *Targets[] = {Root,
                       base() + In.number(),
                       perdure_decode(In.take(8), Container),
                       perdure_open(S, "b", PERDURE_RDONLY),
                       perdure_open(S, "c", PERDURE_RDONLY),
                       nullptr,
                       &Volatile};
    void *P = Targets[In.byte() % 7];
    mayStop([&] {
      uint64_t Bits = perdure_encode(P, Container);
      if (W == Writer::None)
        CHECK(perdure_decode(Bits, Container) == P);
      checkDecoded(perdure_decode(Bits, Container));
    });
  }

  void move() {
    uint64_t Local[4];
    auto *From = (uint64_t *)container(), *To = (uint64_t *)container();
    uint64_t End = (uint64_t)base() + perdureLimit(SlotBits);
    struct perdure_stat Stat;
    if (!perdure_stat(Root, &Stat))
      End = (uint64_t)base() + Stat.file_bytes;
    if ((uint64_t)(From + 4) > End || (uint64_t)(To + 4) > End)
      return;
    mayStop([&] {
      perdure_memmove(Local, From, sizeof(Local));
      // Into the header would be this program's own damage.
      if (W != Writer::None && MayWrite)
        perdure_memmove(To, Local, sizeof(Local));
    });
  }

  void stat() {
    struct perdure_stat Stat;
    errno = 0;
    if (perdure_stat(Root, &Stat)) {
      CHECK(errno && *perdure_errormsg());
      return;
    }
    CHECK(Stat.file_bytes % FilePage == 0);
    CHECK(Stat.file_bytes <= perdureLimit(SlotBits));
    if (W == Writer::None && !Misused)
      CHECK(Stat.used_bytes + Stat.free_bytes <= Stat.file_bytes);
  }

  void openAgain() {
    unsigned Flags = In.byte() & 1 ? PERDURE_RDONLY : 0;
    errno = 0;
    char *Again = (char *)perdure_open(S, "a", Flags);
    if (!Again) {
      CHECK(errno && *perdure_errormsg());
      return;
    }
    CHECK(Again == Root);
    keepsRights();
    perdure_close(Again);
  }

  void bind() {
    const char *Names[] = {"b", "nobody", "../x", "c"};
    // The root has room for two pointers wherever the file says that it is.
    void *Container = Root + In.byte() % 2 * sizeof(uint64_t);
    const char *Name = Names[In.byte() % 4];
    auto Bind = [&] {
      errno = 0;
      if (perdure_bind(Container, Name))
        CHECK(errno && *perdure_errormsg());
    };
    // It may have to free what it has just allocated.
    if (W == Writer::None && !Misused && MayFree)
      Bind();
    else
      mayStop(Bind);
  }

  void setRights() {
    void *Target = perdure_open(S, In.byte() & 1 ? "b" : "c", PERDURE_RDONLY);
    errno = 0;
    if (perdure_set_rights(Root, Target, In.byte() & 1 ? PERDURE_RDONLY : 0))
      CHECK(errno && *perdure_errormsg());
  }

  // The allocator learns again what the file says.
  void section() {
    errno = 0;
    unsigned Flags = In.byte() & PERDURE_RDONLY;
    bool Entered = !perdure_unlock(Root) && !perdure_lock(Root, Flags);
    CHECK(Entered || (errno && *perdure_errormsg()));
    // To free in an object open with PERDURE_SHARED, one must be in a section
    // that may write.
    MayFree = !Shared || (Entered && !Flags);
    keepsRights();
  }

  // Whatever somebody does to the file: who could write can.
  void keepsRights() {
    bool Now = isWritable(Root, 1);
    CHECK(Now || !MayWrite);
    MayWrite = Now;
  }

  void ask() {
    void *P = base() + In.number();
    perdure_offset(P);
    perdure_object_id(P);
    char *Known = (char *)perdure_root(P);
    CHECK(!Known || Known == Root ||
          !((uint64_t)(P) - (uint64_t)base() < Slot));
  }

  Input &In;
  Writer W;
  perdure_store *S;
  char *Root;
  OtherWriter &Other;
  // As asked for, unless the header said otherwise just then.
  bool MayWrite = false;
  std::vector<Block> Own;
  size_t Total = 0;
  bool Misused = false;
  bool Shared, MayFree = false;
};
} // namespace

int fuzz::work(Input &In, Writer W, unsigned Flags) {
  perdure_store *S = perdure_store_open(scene().Dir.c_str(), 0);
  CHECK(S);
  int Refused = 0;
  {
    OtherWriter Other(In.take(W == Writer::Meanwhile ? 4 : 0) | 1, W);
    errno = 0;
    auto *Root = (char *)perdure_open(S, "a", Flags);
    if (Root) {
      uint64_t Offset = (uint64_t)Root & (Slot - 1);
      CHECK(perdure_in_object(Root) && Offset >= FilePage);
      Program(In, W, S, Root, Flags & PERDURE_SHARED, Other).run();
    } else {
      Refused = errno;
      CHECK(Refused && *perdure_errormsg());
    }
  }
  perdure_store_close(S);
  checkVictims();
  return Refused;
}

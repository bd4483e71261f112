//===- Support.h - Stores to test on, and child processes -------*- C++ -*-===//

#ifndef PERDURE_TEST_UNIT_SUPPORT_H
#define PERDURE_TEST_UNIT_SUPPORT_H

#include "object/format.h"
#include "perdure/runtime.h"
#include "platform/pointer_format.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <string>
#include <type_traits>
#include <vector>

constexpr uint64_t Slot = uint64_t(1) << SLOT_BITS;
constexpr uint64_t Limit = Slot - PerdureAbiTopBytes;

// What the entry archive gives this program.
extern "C" {
struct WindowPlace {
  uintptr_t base, bytes, fot_rows, index_rows;
};
extern WindowPlace __perdure_window;
void *__perdure_decode_object(uint64_t, const void *);
uint64_t __perdure_encode_object(const void *, const void *, const char *);
uint64_t __perdure_reencode_object(uint64_t, const void *, const void *,
                                   const char *);
}

inline uint64_t baseOf(const void *P) { return (uint64_t)P & ~(Slot - 1); }

/// perdure_store_open, with PERDURE_DURABLE as well when the environment has
/// PERDURE_TEST_DURABLE and the store may be written.
bool isDurable();
perdure_store *openStore(const char *Dir, unsigned Flags);
inline perdure_store *openStore(const std::string &Dir, unsigned Flags) {
  return openStore(Dir.c_str(), Flags);
}

/// A store as compiled code makes it in a transaction: what is there is logged before.
extern "C" void __perdure_tx_log(const void *P, uint64_t Bytes);
template <typename T> void set(T *Place, std::common_type_t<T> Value) {
  __perdure_tx_log(Place, sizeof(T));
  *(volatile T *)Place = Value;
}

/// That are allocated in the object.
uint64_t blocksOf(const void *InObject);

/// A directory that goes away, and a store in it.
class StoreTest : public ::testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  uint64_t *create(const char *Name, size_t Bytes = 4096, unsigned Flags = 0) {
    auto *Root = (uint64_t *)perdure_create(S, Name, Bytes, Flags);
    EXPECT_NE(Root, nullptr) << perdure_errormsg();
    return Root;
  }
  uint64_t *open(const char *Name, unsigned Flags = 0) {
    auto *Root = (uint64_t *)perdure_open(S, Name, Flags);
    EXPECT_NE(Root, nullptr) << perdure_errormsg();
    return Root;
  }
  void closeStore();
  void reopenStore(unsigned Flags = 0);

  /// The file of the object called Name in the store at Dir.
  std::string fileOf(const char *Name) const;

  /// The object as whoever opens a copy of the store, made now, finds it.
  std::vector<uint64_t> afterDeath(const char *Name, size_t Words);
  uint64_t blocksAfterDeath(const char *Name);

  std::string Temporary, Dir, Sidecar;
  perdure_store *S = nullptr;

private:
  template <typename Visitor> void visitCopy(const char *Name, Visitor Visit);
};

std::string readFile(const std::string &Path);
void writeFile(const std::string &Path, const std::string &Bytes);
/// How many blocks a table leads to, each of which begins with its number of words
/// and has its own offset in all others: none is lost, and no two overlap.
size_t wholeBlocks(const uint64_t *Table, unsigned Entries);
/// Whether a thread of this process sleeps in the kernel.
bool sleeps(pid_t Thread);
/// Where processes that write the store at Dir tell who they are.
std::string sidecarOf(const std::string &Dir);

void copyTree(const std::string &From, const std::string &To);

using ChildBody = int (*)(const std::vector<std::string> &Args);
struct ChildEntry {
  ChildEntry(const char *Name, ChildBody Body);
};
#define CHILD(Name)                                                            \
  static int child_##Name(const std::vector<std::string> &Args);               \
  static ChildEntry entry_##Name(#Name, child_##Name);                         \
  static int child_##Name([[maybe_unused]] const std::vector<std::string> &Args)

struct ChildResult {
  int Exit;           // status, or -1
  int Signal;         // that ended it, or 0
  std::string Output; // stdout and stderr
};

/// This program anew with these arguments, null at their end: by the emulator
/// that runs it, if there is one. Returns where that fails.
void execSelf(std::vector<char *> Argv);

/// Runs CHILD(Name) in a fresh process with these PERDURE_OPTIONS. KillAfter:
/// microseconds until SIGKILL, or 0.
ChildResult runChild(const char *Name, const std::vector<std::string> &Args,
                     const std::string &Options = "", unsigned KillAfter = 0);

/// In a child: leaves with the source line when the condition is false.
#define REQUIRE(Condition)                                                     \
  do {                                                                         \
    if (!(Condition)) {                                                        \
      fprintf(stderr, "%s:%d: %s: %s (%s)\n", __FILE__, __LINE__, #Condition,  \
              perdure_errormsg(), strerror(errno));                            \
      return 1;                                                                \
    }                                                                          \
  } while (0)

#endif // PERDURE_TEST_UNIT_SUPPORT_H

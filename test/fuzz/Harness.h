//===- Harness.h - Hostile files for the real runtime -----------*- C++ -*-===//
//
// A fuzz target makes one object of a store say what the input says, opens it
// through the public functions, and works with it. Beside it lie victims, which
// must not change.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_TEST_FUZZ_HARNESS_H
#define PERDURE_TEST_FUZZ_HARNESS_H

#include "alloc/format.h"
#include "object/format.h"
#include "perdure/runtime.h"
#include "platform/pointer_format.h"

#include <stdint.h>
#include <string>
#include <vector>

namespace fuzz {

constexpr unsigned SlotBits = PerdureAbiSanitizerSlotBits;
constexpr uint64_t Slot = (uint64_t)1 << SlotBits;

/// Ends the run with what was violated: libFuzzer keeps the input.
#define CHECK(Condition)                                                       \
  do {                                                                         \
    if (!(Condition))                                                          \
      ::fuzz::violated(__FILE__, __LINE__, #Condition);                        \
  } while (0)
[[noreturn]] void violated(const char *File, int Line, const char *Condition);

/// The input from front to back; zeroes after its end.
class Input {
public:
  Input(const uint8_t *Data, size_t Size) : Data(Data), Size(Size) {}
  bool empty() const { return !Size; }
  uint64_t take(unsigned Bytes) {
    uint64_t Value = 0;
    for (unsigned I = 0; I < Bytes && Size; ++I, ++Data, --Size)
      Value |= (uint64_t)*Data << 8 * I;
    return Value;
  }
  uint8_t byte() { return (uint8_t)take(1); }
  /// A value whose first byte says how many more there are: small inputs give
  /// the numbers at which things break.
  uint64_t number();

private:
  const uint8_t *Data;
  size_t Size;
};

/// Fits the checksums of both state copies and the identity in page 0.
void sealHeader(perdure::Header &H);
/// The same for an entry of a FOT.
void sealEntry(perdure::FotEntry &E);

/// What is the same in all runs: the folder, the store, the valid object.
struct Scene {
  std::string Dir;             // of the store
  std::string File;            // of the hostile object, which is called "a"
  std::vector<uint8_t> Good;   // its bytes when it is whole
  perdure::Header GoodHeader;  // the first page of them
  std::vector<uint64_t> Slabs; // first pages of its slabs
  std::vector<uint64_t> Large; // of its blocks of whole pages
};
const Scene &scene();

/// Makes the hostile object's file say this.
void writeHostile(const std::vector<uint8_t> &Bytes);
/// Whether it still does, byte for byte.
bool hostileIs(const std::vector<uint8_t> &Bytes);

/// The victims, in the hostile object's store and in another, are as they were.
void checkVictims();

/// The bounds that hold for every pointer that decode gives.
void checkDecoded(const void *P);

/// What else happens to the file while the object is open.
enum class Writer {
  None,     // the bytes are hostile, nobody changes them
  Between,  // the program's operations, and somebody's stores between them
  Meanwhile // another thread stores at any time
};

/// Opens the hostile object, does what the input says, closes. Returns the
/// errno of the refusal, or 0.
int work(Input &In, Writer W, unsigned Flags = 0);

/// Runs F; false when it ended in the runtime's own abort, which is how misuse
/// ends. An abort anywhere else is a violation.
bool mayStop(void (*F)(void *), void *Context);
template <typename Function> bool mayStop(Function F) {
  return mayStop([](void *P) { (*(Function *)P)(); }, &F);
}

} // namespace fuzz

#endif // PERDURE_TEST_FUZZ_HARNESS_H

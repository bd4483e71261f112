//===- HeaderFuzzer.cpp - Page 0 of an object's file ----------------------===//
//
// Input: what page 0 says, from its first byte. Opened as it is, and once more
// with checksums that fit, or hardly any input would get past them.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"

#include <string.h>

using namespace fuzz;

// A little of everything.
static const uint8_t Routine[] = {9, 0, 100, 0, 1,  0, 80,  0, 0,  200, 1, 3,
                                  0, 7, 0,   0, 8,  0, 5,   0, 0,  0,   0, 0,
                                  0, 0, 128, 1, 12, 3, 255, 4, 10, 6,   2};

static void tryOpen(const std::vector<uint8_t> &Bytes, unsigned Flags) {
  writeHostile(Bytes);
  Input In(Routine, sizeof(Routine));
  if (work(In, Writer::None, Flags))
    CHECK(hostileIs(Bytes));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size) {
  static std::vector<uint8_t> Bytes; // one piece of memory for all runs
  Bytes = scene().Good;
  if (Size > sizeof(perdure::Header))
    Size = sizeof(perdure::Header);
  memcpy(Bytes.data(), Data, Size);
  tryOpen(Bytes, 0);
  perdure::Header H;
  memcpy(&H, Bytes.data(), sizeof(H));
  sealHeader(H);
  memcpy(Bytes.data(), &H, sizeof(H));
  tryOpen(Bytes, 0);
  tryOpen(Bytes, PERDURE_RDONLY);
  return 0;
}

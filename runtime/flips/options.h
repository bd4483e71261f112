//===- options.h - How a run is measured ------------------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_FLIPS_OPTIONS_H
#define PERDURE_RUNTIME_FLIPS_OPTIONS_H

#include <stdint.h>

namespace perdure {
namespace flips {

/// Of a cache: Bytes / (Ways * 64) sets, a power of two.
struct CacheShape {
  uint64_t Bytes;
  unsigned Ways;
};

/// What PERDURE_FLIPS says, with the values of FAST'19 for what it does not.
struct Options {
  char File[4096] = ""; // "%p" in it is the process's number
  CacheShape L1 = {64 << 10, 2};
  CacheShape L2 = {2 << 20, 8};
  bool Model = true;        // of caches and medium
  char Controller[16] = ""; // "dcw", or "fnw:8" with words of so many bits
  unsigned FnwBits = 0;     // 0: dcw
  bool Advise = false;      // what other policies would have flipped
};

/// "file=PATH,l1=65536:2,l2=2097152:8,controller=fnw:8,model=0,advise=1", with a
/// backslash before commas and backslashes of PATH. False, and a message in Why: some
/// of it makes no sense.
bool parseOptions(const char *Text, Options &O, char (&Why)[256]);

} // namespace flips
} // namespace perdure

#endif // PERDURE_RUNTIME_FLIPS_OPTIONS_H

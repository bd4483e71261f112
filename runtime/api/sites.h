//===- sites.h - Which source line an instruction is of ---------*- C++ -*-===//
//
// Binaries compiled with -g bring a table of the accesses that may touch an
// object (abi.def). The functions that look things up are async-signal-safe.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_API_SITES_H
#define PERDURE_RUNTIME_API_SITES_H

#include <stddef.h>
#include <stdint.h>

namespace perdure {

struct Site {
  char File[256]; // its end, when it is longer
  uint64_t Line;
  char What[200]; // "struct node.next", or ""
};

/// The access whose instruction stands at PC.
bool findAccess(uint64_t PC, Site &S);

/// The call that returns to this address.
bool findCall(uint64_t ReturnAddress, Site &S);

/// Whether the binary that begins here brought a table.
bool hasSites(uint64_t Base);

/// A loaded file.
struct LoadedFile {
  char Name[128]; // without its folder
  uint64_t Base;  // where it begins
  uint64_t Place; // of the address in question, as addr2line takes it
};

/// The file that was loaded around Address. Reads /proc/self/maps.
bool findFile(uint64_t Address, LoadedFile &F);

} // namespace perdure

#endif // PERDURE_RUNTIME_API_SITES_H

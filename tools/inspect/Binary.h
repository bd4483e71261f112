//===- Binary.h - Types of programs -----------------------------*- C++ -*-===//

#ifndef PERDURE_TOOLS_INSPECT_BINARY_H
#define PERDURE_TOOLS_INSPECT_BINARY_H

#include <cstdint>
#include <string>
#include <vector>

namespace inspect {

/// A descriptor's text, and the hash of its layout.
struct Described {
  std::string Text;
  uint64_t Layout;
};

/// What the section of descriptors in a program or library says (abi.def). False: Why.
bool readBinary(const std::string &Path, std::vector<Described> &Found, std::string &Why);

/// Makes the object whose root it is hold these types, that of the root called so, as if
/// a program that knows them had opened it. False, and perdure_errormsg: it could not.
bool recordTypes(void *Root, const std::vector<Described> &Known, const std::string &Name);

} // namespace inspect

#endif // PERDURE_TOOLS_INSPECT_BINARY_H

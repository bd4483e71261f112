//===- Encodings.h - Which encodings there are ------------------*- C++ -*-===//
//
// `#perdure.encoding` names one that PerdurePasses.so knows; what is true of it
// is told there (passes/EncodingFacts.h), and nowhere else.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_MLIR_ENCODINGS_H
#define PERDURE_MLIR_ENCODINGS_H

#include "EncodingFacts.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace mlir::perdure {

using ::perdure::EncodingFacts;

/// Loads PerdurePasses.so. Once, before anything is parsed; not thread-safe.
/// False, with the reason in \p Error, where it cannot be loaded.
bool loadEncodings(llvm::StringRef PathOfPasses, std::string &Error);

/// Loads a plugin with further encodings, as -fperdure-load does. After
/// loadEncodings.
bool loadMoreEncodings(llvm::StringRef Path, std::string &Error);

/// For tools, before they read their arguments: loads the PerdurePasses.so that
/// lies where the tool's own tree has it, and what `--load-encodings=FILE` names,
/// which it takes out of the arguments. False, after a message, where that fails.
bool prepareTool(int &Argc, char **Argv);

/// The encoding of that name, or null. Facts live as long as the process.
const EncodingFacts *findEncoding(llvm::StringRef Name);
const EncodingFacts *findEncoding(unsigned Number);

/// All names, for messages.
std::string encodingNames();

} // namespace mlir::perdure

#endif

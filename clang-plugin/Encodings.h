//===- Encodings.h - Which encodings the passes know ------------*- C++ -*-===//
#ifndef PERDURE_CLANG_ENCODINGS_H
#define PERDURE_CLANG_ENCODINGS_H

#include "../passes/EncodingFacts.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace perdure {

/// The encoding of this name or number. None without the passes.
std::optional<EncodingFacts> findEncoding(llvm::StringRef Name);
std::optional<EncodingFacts> findEncoding(unsigned Number);

/// What it is called.
std::string encodingName(unsigned Number);

/// "'x' is no encoding; there are ...".
std::string noSuchEncoding(llvm::StringRef Name);

} // namespace perdure

#endif // PERDURE_CLANG_ENCODINGS_H

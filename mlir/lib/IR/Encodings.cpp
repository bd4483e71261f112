//===- Encodings.cpp - Which encodings there are --------------------------===//

#include "perdure-mlir/Encodings.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <map>
#include <mutex>

using namespace llvm;
using ::perdure::EncodingNames;
using ::perdure::FindEncoding;

namespace mlir::perdure {

namespace {
struct Passes {
  FindEncoding *Find = nullptr;
  EncodingNames *Names = nullptr;
};
} // namespace

static Passes &passes() {
  static Passes P;
  return P;
}

bool loadEncodings(StringRef Path, std::string &Error) {
  auto Library = sys::DynamicLibrary::getPermanentLibrary(Path.str().c_str(),
                                                          &Error);
  if (!Library.isValid())
    return false;
  Passes P;
  P.Find = reinterpret_cast<FindEncoding *>(
      Library.getAddressOfSymbol("perdure_find_encoding"));
  P.Names = reinterpret_cast<EncodingNames *>(
      Library.getAddressOfSymbol("perdure_encoding_names"));
  if (!P.Find || !P.Names) {
    Error = (Path + ": no PerdurePasses.so of this version").str();
    return false;
  }
  passes() = P;
  return true;
}

bool loadMoreEncodings(StringRef Path, std::string &Error) {
  return sys::DynamicLibrary::getPermanentLibrary(Path.str().c_str(), &Error)
      .isValid();
}

bool prepareTool(int &Argc, char **Argv) {
  StringRef Name = sys::path::filename(Argv[0]);
  std::string Self = sys::fs::getMainExecutable(
      Argv[0], reinterpret_cast<void *>(&prepareTool));
  std::string Error;
  auto Fails = [&] {
    errs() << Name << ": error: " << Error << '\n';
    return false;
  };
  SmallString<256> Path(sys::path::parent_path(Self));
  sys::path::append(Path, PERDURE_LIB_FROM_BIN, "PerdurePasses.so");
  if (!sys::fs::exists(Path)) { // the build tree
    Path = sys::path::parent_path(Self);
    sys::path::append(Path, "../lib/PerdurePasses.so");
  }
  if (!loadEncodings(Path, Error))
    return Fails();
  int Kept = 1;
  for (int I = 1; I < Argc; ++I) {
    StringRef Argument = Argv[I];
    if (!Argument.consume_front("--load-encodings="))
      Argv[Kept++] = Argv[I];
    else if (!loadMoreEncodings(Argument, Error))
      return Fails();
  }
  Argv[Kept] = nullptr;
  Argc = Kept;
  return true;
}

/// One copy for each number, for pointers that stay.
static const EncodingFacts *keep(const EncodingFacts &Facts) {
  static std::mutex Lock; // verifiers of several functions run at once
  static std::map<unsigned, EncodingFacts> Kept;
  std::lock_guard<std::mutex> Hold(Lock);
  return &Kept.emplace(Facts.Number, Facts).first->second;
}

const EncodingFacts *findEncoding(StringRef Name) {
  EncodingFacts Facts;
  if (!passes().Find || !passes().Find(Name.str().c_str(), 0, &Facts))
    return nullptr;
  return keep(Facts);
}

const EncodingFacts *findEncoding(unsigned Number) {
  EncodingFacts Facts;
  if (!passes().Find || !passes().Find(nullptr, Number, &Facts))
    return nullptr;
  return keep(Facts);
}

std::string encodingNames() {
  return passes().Names ? passes().Names() : "none: PerdurePasses.so is not loaded";
}

} // namespace mlir::perdure

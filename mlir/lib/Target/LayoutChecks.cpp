//===- LayoutChecks.cpp - Records as assertions in C ----------------------===//
//
// What a record says of a struct, for Clang to check it where both are known.
//
//===----------------------------------------------------------------------===//

#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include <map>

using namespace mlir;
using namespace mlir::perdure;

/// The records of a module by name, each once: with another encoding it lies in
/// memory as it does without. Where it does not, Clang is to say which is wrong.
static std::multimap<std::string, RecordType> recordsOf(Operation *Module) {
  std::multimap<std::string, RecordType> Found;
  forEachRecord(Module, [&](RecordType R) {
    if (!R.isComplete())
      return;
    auto [Begin, End] = Found.equal_range(R.getName().str());
    if (std::none_of(Begin, End, [&](const auto &Other) {
          return hasSameLayout(Other.second, R);
        }))
      Found.emplace(R.getName().str(), R);
  });
  return Found;
}

static LogicalResult writeChecks(Operation *Module, raw_ostream &OS) {
  OS << "/* Written by perdure-translate --perdure-to-layout-checks. Include it "
        "behind\n   the headers with the structs. */\n"
        "#include <assert.h>\n#include <stddef.h>\n";
  for (auto &[Name, R] : recordsOf(Module)) {
    std::string Struct = "struct " + Name;
    OS << "\nstatic_assert(sizeof(" << Struct << ") == " << R.getSize()
       << ", \"size of " << Name << "\");\n"
       << "static_assert(__alignof__(" << Struct << ") == " << R.getAlignment()
       << ", \"alignment of " << Name << "\");\n";
    for (const RecordField &F : R.getFields()) {
      StringRef Field = F.Name.getValue();
      OS << "static_assert(offsetof(" << Struct << ", " << Field
         << ") == " << F.Offset << ", \"" << Name << "." << Field << "\");\n";
      if (std::optional<Layout> L = getLayout(F.Of))
        OS << "static_assert(sizeof(((" << Struct << " *)0)->" << Field
           << ") == " << L->Size << ", \"size of " << Name << "." << Field
           << "\");\n";
    }
  }
  return success();
}

void perdure::registerLayoutChecks() {
  static TranslateFromMLIRRegistration Registration(
      "perdure-to-layout-checks", "C that checks the layouts of records",
      writeChecks, [](DialectRegistry &Registry) {
        registerAllDialects(Registry);
        registerDialect(Registry);
      });
}

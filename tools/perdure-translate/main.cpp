//===- main.cpp - perdure-translate ---------------------------------------===//
//
// mlir-translate with the dialect `perdure`: to and from LLVM IR, and to C that
// checks the layouts of records.
//
//===----------------------------------------------------------------------===//

#include "perdure-mlir/Encodings.h"
#include "perdure-mlir/Passes.h"
#include "mlir/InitAllTranslations.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"

int main(int Argc, char **Argv) {
  if (!mlir::perdure::prepareTool(Argc, Argv))
    return 1;
  mlir::registerAllTranslations();
  mlir::perdure::registerLayoutChecks();
  return mlir::failed(mlir::mlirTranslateMain(
      Argc, Argv,
      "perdure-translate: mlir-translate with the dialect 'perdure'\n"
      "--load-encodings=FILE, first: a plugin with further encodings\n"));
}

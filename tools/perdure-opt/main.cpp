//===- main.cpp - perdure-opt ---------------------------------------------===//
//
// mlir-opt with the dialect `perdure`, beside all that is upstream.
//
//===----------------------------------------------------------------------===//

#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Encodings.h"
#include "perdure-mlir/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int Argc, char **Argv) {
  if (!mlir::perdure::prepareTool(Argc, Argv))
    return 1;
  mlir::DialectRegistry Registry;
  mlir::registerAllDialects(Registry);
  mlir::registerAllExtensions(Registry);
  mlir::perdure::registerDialect(Registry);
  mlir::registerAllPasses();
  mlir::perdure::registerPerdurePasses();
  mlir::perdure::registerPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      Argc, Argv,
      "perdure-opt: mlir-opt with the dialect 'perdure'\n"
      "--load-encodings=FILE, first: a plugin with further encodings\n",
      Registry));
}

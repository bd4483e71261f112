//===- EncodingsTest.cpp - Encodings of other dialects --------------------===//
//
// An attribute that Perdure knows nothing of says what is true of an encoding: types
// take it, folds and hoisting ask it, the early contract gets its number.
//
//===----------------------------------------------------------------------===//

#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Encodings.h"
#include "perdure-mlir/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace {

/// An integer stands for an encoding: odd ones mean the same all over an object.
struct Numbered : mlir::perdure::EncodingInterface::ExternalModel<Numbered, IntegerAttr> {
  static int64_t value(Attribute A) { return cast<IntegerAttr>(A).getInt(); }
  unsigned getNumber(Attribute A) const { return 200 + unsigned(value(A)); }
  StringRef getEncodingName(Attribute) const { return "numbered"; }
  bool isCanonical(Attribute) const { return true; }
  bool isMovable(Attribute A) const { return value(A) % 2; }
  bool isMovableInVolatile(Attribute A) const { return value(A) % 2; }
  bool isZeroNull(Attribute) const { return true; }
  bool needsOldBits(Attribute) const { return false; }
  bool usesBase(Attribute A) const { return value(A) % 2; }
};

class EncodingsTest : public testing::Test {
protected:
  DialectRegistry Registry;
  std::unique_ptr<MLIRContext> Ctx;

  void SetUp() override {
    std::string Error;
    ASSERT_TRUE(mlir::perdure::loadEncodings(PERDURE_PASSES, Error)) << Error;
    mlir::perdure::registerDialect(Registry);
    registerAllExtensions(Registry);
    Registry.insert<func::FuncDialect, arith::ArithDialect, LLVM::LLVMDialect>();
    Ctx = std::make_unique<MLIRContext>(Registry);
    Ctx->loadAllAvailableDialects();
    IntegerAttr::attachInterface<Numbered>(*Ctx);
  }

  OwningOpRef<ModuleOp> parse(StringRef Text) {
    return parseSourceString<ModuleOp>(Text, Ctx.get());
  }

  static std::string print(ModuleOp M) {
    std::string Text;
    llvm::raw_string_ostream(Text) << M;
    return Text;
  }

  /// Of two fields of one record: encode at the first, decode at the second.
  std::string twoFields(int Number) {
    std::string P = "!perdure.ptr<i64, " + std::to_string(Number) + " : i32>";
    return "!r = !perdure.record<\"r\", " + std::to_string(Number) +
           " : i32, body {a: !perdure.ptr<i64>, b: !perdure.ptr<i64>}>\n"
           "func.func @f(%p: !perdure.native<i64>, %r: !perdure.native<!r>) -> "
           "!perdure.native<i64> {\n"
           "%a = perdure.field %r[\"a\"] : !perdure.native<!r>\n"
           "%b = perdure.field %r[\"b\"] : !perdure.native<!r>\n"
           "%bits = perdure.encode %p at %a : " + P + "\n"
           "%q = perdure.decode %bits at %b : " + P + "\n"
           "return %q : !perdure.native<i64>\n}\n";
  }
};

TEST_F(EncodingsTest, AnAttributeOfAnotherDialectIsAsked) {
  for (int Number : {5, 6}) {
    OwningOpRef<ModuleOp> M = parse(twoFields(Number));
    ASSERT_TRUE(M);
    PassManager Fold(Ctx.get());
    Fold.addPass(createCanonicalizerPass());
    ASSERT_TRUE(succeeded(Fold.run(*M)));
    bool Folds = print(*M).find("perdure.decode") == std::string::npos;
    EXPECT_EQ(Folds, Number % 2 == 1) << print(*M);
    PassManager Hoist(Ctx.get());
    Hoist.addPass(mlir::perdure::createHoistBases());
    ASSERT_TRUE(succeeded(Hoist.run(*M)));
    bool Hoists = print(*M).find("perdure.base") != std::string::npos;
    EXPECT_EQ(Hoists, Number % 2 == 1) << print(*M);
  }
}

TEST_F(EncodingsTest, ItsNumberGoesIntoTheContract) {
  OwningOpRef<ModuleOp> M = parse(twoFields(6));
  ASSERT_TRUE(M);
  PassManager Lower(Ctx.get());
  Lower.addPass(mlir::perdure::createConvertPerdureToLLVM());
  ASSERT_TRUE(succeeded(Lower.run(*M)));
  EXPECT_NE(print(*M).find("llvm.mlir.constant(206 : i32)"), std::string::npos)
      << print(*M);
}

TEST_F(EncodingsTest, ItIsPrintedAndRead) {
  OwningOpRef<ModuleOp> M = parse(twoFields(5));
  ASSERT_TRUE(M);
  std::string Once = print(*M);
  EXPECT_NE(Once.find("!perdure.ptr<i64, 5 : i32>"), std::string::npos) << Once;
  OwningOpRef<ModuleOp> Again = parse(Once);
  ASSERT_TRUE(Again);
  EXPECT_EQ(print(*Again), Once);
}

TEST_F(EncodingsTest, KnownOnesAreAsThePassesSay) {
  using mlir::perdure::EncodingAttr;
  auto Xor = EncodingAttr::get(Ctx.get(), "xor");
  EXPECT_EQ(Xor.getNumber(), 4u);
  EXPECT_TRUE(Xor.isCanonical() && Xor.isZeroNull());
  EXPECT_FALSE(Xor.isMovable() || Xor.needsOldBits());
  auto Lazy = EncodingAttr::get(Ctx.get(), "lazy-null");
  EXPECT_FALSE(Lazy.isCanonical() || Lazy.isZeroNull());
  EXPECT_TRUE(Lazy.needsOldBits() && Lazy.isMovable());
  auto Object = EncodingAttr::get(Ctx.get(), "object");
  EXPECT_TRUE(Object.isMovable() && Object.isMovableInVolatile() && Object.usesBase());
  EXPECT_FALSE(mlir::perdure::findEncoding("rot13"));
  EXPECT_FALSE(mlir::perdure::findEncoding(199));
}

TEST_F(EncodingsTest, PassesThatAreNoneAreRefused) {
  std::string Error;
  EXPECT_FALSE(mlir::perdure::loadEncodings("/nonexistent.so", Error));
  EXPECT_NE(Error.find("nonexistent"), std::string::npos) << Error;
}

} // namespace

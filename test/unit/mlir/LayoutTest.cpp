//===- LayoutTest.cpp - Where C puts what lies in memory ------------------===//

#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Encodings.h"

#include "mlir/IR/Builders.h"

#include <cstddef>
#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::perdure;

namespace {

class LayoutTest : public testing::Test {
protected:
  MLIRContext Ctx;
  OpBuilder B{&Ctx};

  void SetUp() override {
    std::string Error;
    ASSERT_TRUE(loadEncodings(PERDURE_PASSES, Error)) << Error;
    Ctx.loadDialect<PerdureDialect>();
  }
  RecordField field(StringRef Name, Type Of) {
    return {B.getStringAttr(Name), Of, RecordField::Natural};
  }
  RecordType record(StringRef Name, ArrayRef<RecordField> Fields) {
    RecordType R = RecordType::get(B.getStringAttr(Name));
    EXPECT_TRUE(succeeded(R.setBody(Fields)));
    return R;
  }
};

// The compiler that compiles this one is asked for the same.
struct Inner {
  char a;
  double *b;
};
struct Outer {
  short a;
  Inner b[3];
  char c[5];
  float d;
  __int128 e;
  long double f;
};

TEST_F(LayoutTest, IsThatOfTheStruct) {
  Type Pointer = PtrType::get(B.getF64Type());
  RecordType In =
      record("Inner", {field("a", B.getI8Type()), field("b", Pointer)});
  EXPECT_EQ(In.getSize(), sizeof(Inner));
  EXPECT_EQ(In.getAlignment(), alignof(Inner));
  RecordType Out = record(
      "Outer", {field("a", B.getI16Type()), field("b", ArrayType::get(3, In)),
                field("c", ArrayType::get(5, B.getI8Type())),
                field("d", B.getF32Type()), field("e", B.getIntegerType(128)),
                field("f", Float80Type::get(&Ctx))});
  EXPECT_EQ(Out.getSize(), sizeof(Outer));
  EXPECT_EQ(Out.getAlignment(), alignof(Outer));
  EXPECT_EQ(Out.find("b")->Offset, offsetof(Outer, b));
  EXPECT_EQ(Out.find("c")->Offset, offsetof(Outer, c));
  EXPECT_EQ(Out.find("d")->Offset, offsetof(Outer, d));
  EXPECT_EQ(Out.find("e")->Offset, offsetof(Outer, e));
  EXPECT_EQ(Out.find("f")->Offset, offsetof(Outer, f));
  EXPECT_FALSE(Out.find("g"));
}

TEST_F(LayoutTest, ABodyIsGivenOnce) {
  RecordType R = record("once", {field("a", B.getI64Type())});
  EXPECT_TRUE(succeeded(R.setBody({field("a", B.getI64Type())})));
  EXPECT_TRUE(failed(R.setBody({field("a", B.getI32Type())})));
  EXPECT_EQ(R.getSize(), 8u);
}

// A record's encoding is its fields', where they name none, at every level.
TEST_F(LayoutTest, FieldsHaveTheRecordsEncoding) {
  Attribute Xor = EncodingAttr::get(&Ctx, "xor"), Lazy = EncodingAttr::get(&Ctx, "lazy-null");
  Type Plain = PtrType::get(B.getI64Type());
  RecordType R = RecordType::get(B.getStringAttr("encoded"), Xor);
  ASSERT_TRUE(succeeded(R.setBody({field("a", PtrType::get(Plain)),
                                   field("b", ArrayType::get(2, Plain)),
                                   field("c", PtrType::get(Plain, Lazy))})));
  Type X = PtrType::get(B.getI64Type(), Xor);
  EXPECT_EQ(R.getTypeOf(*R.find("a")), PtrType::get(X, Xor));
  EXPECT_EQ(R.getTypeOf(*R.find("b")), ArrayType::get(2, X));
  EXPECT_EQ(R.getTypeOf(*R.find("c")), PtrType::get(X, Lazy));
  EXPECT_NE(R, RecordType::get(B.getStringAttr("encoded")));
}

TEST_F(LayoutTest, SomeTypesHaveNone) {
  EXPECT_FALSE(getLayout(B.getNoneType()));
  EXPECT_FALSE(getLayout(B.getIntegerType(24)));
  EXPECT_FALSE(getLayout(RecordType::get(B.getStringAttr("nobody"))));
  EXPECT_FALSE(getLayout(ArrayType::get(-1, B.getI8Type())));
  EXPECT_FALSE(getLayout(VectorType::get({3, 3}, B.getF32Type())));
  EXPECT_FALSE(getLayout(ArrayType::get(int64_t(1) << 61, B.getI64Type())));
  EXPECT_EQ(getLayout(VectorType::get({3}, B.getF32Type()))->Size, 16u);
  EXPECT_EQ(getLayout(B.getI1Type())->Size, 1u);
}

} // namespace

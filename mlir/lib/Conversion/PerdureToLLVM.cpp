//===- PerdureToLLVM.cpp - The dialect to the LLVM dialect ----------------===//
//
// Translations become calls of the early contract, whose functions abi.def
// names; PerdurePasses.so knows how they are expanded.
//
//===----------------------------------------------------------------------===//

#include "FlipPolicies.h"
#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/EarlyContract.h"
#include "perdure-mlir/Passes.h"
#include "perdure-mlir/Transactions.h"
#include "perdure-mlir/TypeEncodings.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::perdure {
#define GEN_PASS_DEF_CONVERTPERDURETOLLVM
#include "perdure-mlir/Passes.h.inc"
} // namespace mlir::perdure

using namespace mlir;
using namespace mlir::perdure;

namespace {

constexpr llvm::StringLiteral Alloc("perdure_alloc"), Free("perdure_free");

/// Everything that patterns have in common.
template <class Op> struct Pattern : ConvertOpToLLVMPattern<Op> {
  using ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;
  using Adaptor = typename Op::Adaptor;

  static Value constant(OpBuilder &B, Location Loc, Type T, uint64_t N) {
    return LLVM::ConstantOp::create(B, Loc, T, B.getIntegerAttr(T, N));
  }

  /// Calls \p Name, which is declared as these operands and this result say.
  static LLVM::CallOp call(ConversionPatternRewriter &R, Operation *At,
                           StringRef Name, Type Result, ValueRange Operands) {
    auto Module = At->getParentOfType<ModuleOp>();
    // A declaration of `func`, which is converted by itself.
    if (auto Declared = Module.lookupSymbol<func::FuncOp>(Name)) {
      SmallVector<Type, 1> Results;
      if (!isa<LLVM::LLVMVoidType>(Result))
        Results.push_back(Result);
      return LLVM::CallOp::create(R, At->getLoc(), Results,
                                  SymbolRefAttr::get(Declared), Operands);
    }
    FailureOr<LLVM::LLVMFuncOp> Callee = LLVM::lookupOrCreateFn(
        R, Module, Name, llvm::to_vector(Operands.getTypes()), Result);
    if (failed(Callee)) {
      At->emitError("there is another function '")
          << Name << "' in the module, of another type";
      return {};
    }
    return LLVM::CallOp::create(R, At->getLoc(), *Callee, Operands);
  }

  /// Replaces \p At by a call of the early contract.
  static LogicalResult contract(ConversionPatternRewriter &R, Operation *At,
                                StringRef Name, Type Result,
                                SmallVector<Value> Operands,
                                EncodingInterface E) {
    Operands.push_back(
        constant(R, At->getLoc(), R.getI32Type(), E.getNumber()));
    LLVM::CallOp Call = call(R, At, Name, Result, Operands);
    if (!Call)
      return failure();
    R.replaceOp(At, Call.getResult());
    return success();
  }

  /// What the container held, or 0.
  static Value held(OpBuilder &B, Location Loc, Value Old) {
    return Old ? Old : constant(B, Loc, B.getI64Type(), 0);
  }
};

struct DecodePattern : Pattern<DecodeOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(DecodeOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    return contract(R, Op, abi::Decode,
                    LLVM::LLVMPointerType::get(Op.getContext()),
                    {In.getBits(), In.getContainer()},
                    Op.getBits().getType().getEncoding());
  }
};

struct EncodePattern : Pattern<EncodeOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(EncodeOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    return contract(R, Op, abi::Encode, R.getI64Type(),
                    {In.getPointer(), In.getContainer(),
                     held(R, Op.getLoc(), In.getOld())},
                    Op.getResult().getType().getEncoding());
  }
};

struct ReencodePattern : Pattern<ReencodeOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(ReencodeOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    return contract(R, Op, abi::Reencode, R.getI64Type(),
                    {In.getBits(), In.getFrom(), In.getTo(),
                     held(R, Op.getLoc(), In.getOld())},
                    Op.getBits().getType().getEncoding());
  }
};

struct BasePattern : Pattern<BaseOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(BaseOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    if (isa<MemRefType>(Op.getOf().getType())) {
      // to_memref has put it there.
      R.replaceOp(Op, MemRefDescriptor(In.getOf())
                          .allocatedPtr(R, Op.getLoc()));
      return success();
    }
    LLVM::CallOp Call =
        call(R, Op, abi::Base, LLVM::LLVMPointerType::get(Op.getContext()),
             In.getOf());
    if (!Call)
      return failure();
    R.replaceOp(Op, Call.getResult());
    return success();
  }
};

struct FieldPattern : Pattern<FieldOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(FieldOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    auto Record = cast<RecordType>(Op.getRecord().getType().getTarget());
    uint64_t Offset = Record.find(Op.getField())->Offset;
    // A constant index of GEP has 32 bits.
    LLVM::GEPArg Index = int32_t(Offset);
    if (!llvm::isInt<32>(Offset))
      Index = constant(R, Op.getLoc(), R.getI64Type(), Offset);
    R.replaceOpWithNewOp<LLVM::GEPOp>(
        Op, In.getRecord().getType(), R.getI8Type(), In.getRecord(),
        ArrayRef<LLVM::GEPArg>{Index}, LLVM::GEPNoWrapFlags::inbounds);
    return success();
  }
};

struct ElementPattern : Pattern<ElementOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(ElementOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    Type Element = Op.getResult().getType().getTarget();
    uint64_t Size = getLayout(Element)->Size;
    Type Stride = isa<RecordType, ArrayType>(Element)
                      ? LLVM::LLVMArrayType::get(R.getI8Type(), Size)
                      : getTypeConverter()->convertType(Element);
    if (!Stride)
      return R.notifyMatchFailure(Op, "element without an LLVM type");
    R.replaceOpWithNewOp<LLVM::GEPOp>(
        Op, In.getArray().getType(), Stride, In.getArray(),
        ArrayRef<LLVM::GEPArg>{In.getIndex()}, LLVM::GEPNoWrapFlags::inbounds);
    return success();
  }
};

struct CastPattern : Pattern<CastOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(CastOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    if (getTypeConverter()->convertType(Op.getOut().getType()) !=
        In.getIn().getType())
      return R.notifyMatchFailure(Op, "not the same type of LLVM's");
    R.replaceOp(Op, In.getIn());
    return success();
  }
};

struct NullPattern : Pattern<NullOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(NullOp Op, Adaptor,
                                ConversionPatternRewriter &R) const override {
    R.replaceOpWithNewOp<LLVM::ZeroOp>(
        Op, getTypeConverter()->convertType(Op.getResult().getType()));
    return success();
  }
};

struct IsNullPattern : Pattern<IsNullOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(IsNullOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    Value Zero =
        LLVM::ZeroOp::create(R, Op.getLoc(), In.getPointer().getType());
    R.replaceOpWithNewOp<LLVM::ICmpOp>(Op, LLVM::ICmpPredicate::eq,
                                       In.getPointer(), Zero);
    return success();
  }
};

struct EqualPattern : Pattern<EqualOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(EqualOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    R.replaceOpWithNewOp<LLVM::ICmpOp>(Op, LLVM::ICmpPredicate::eq, In.getLhs(),
                                       In.getRhs());
    return success();
  }
};

/// Clang's own tree of types has a root of another name: what is of different
/// roots may alias. In it an i64 could be long or long long, which may not.
LLVM::TBAATagAttr tagOf(Type T) {
  MLIRContext *Ctx = T.getContext();
  auto Name = TypeSwitch<Type, std::string>(T)
                  .Case<IndexType>([](Type) { return "i64"; })
                  .Case([](IntegerType I) {
                    return "i" + std::to_string(I.getWidth());
                  })
                  .Case([](FloatType F) {
                    return "f" + std::to_string(F.getWidth());
                  })
                  .Case<PtrType>([](Type) { return "persistent pointer"; })
                  .Case<NativeType>([](Type) { return "native pointer"; })
                  .Default([](Type) { return ""; });
  if (Name.empty())
    return {};
  auto Root = LLVM::TBAARootAttr::get(Ctx, StringAttr::get(Ctx, "perdure"));
  LLVM::TBAANodeAttr Byte = LLVM::TBAATypeDescriptorAttr::get(
      Ctx, "i8", LLVM::TBAAMemberAttr::get(Root, 0));
  auto Node = Name == "i8" ? cast<LLVM::TBAATypeDescriptorAttr>(Byte)
                           : LLVM::TBAATypeDescriptorAttr::get(
                                 Ctx, Name, LLVM::TBAAMemberAttr::get(Byte, 0));
  return LLVM::TBAATagAttr::get(Node, Node, 0);
}

/// What an access says of aliases.
template <class From, class To> void setAliases(From Op, To New, Type T) {
  if (ArrayAttr Known = Op.getTbaaAttr())
    New.setTbaaAttr(Known);
  else if (LLVM::TBAATagAttr Tag = tagOf(T); Tag && !Op.getMayAlias())
    New.setTbaaAttr(ArrayAttr::get(Op.getContext(), Tag));
}

struct LoadPattern : Pattern<LoadOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(LoadOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    Type T = Op.getResult().getType();
    Type As = getTypeConverter()->convertType(T);
    if (!As)
      return R.notifyMatchFailure(Op, "type without an LLVM type");
    auto New = LLVM::LoadOp::create(R, Op.getLoc(), As, In.getAddress(),
                                    getLayout(T)->Alignment);
    setAliases(Op, New, T);
    if (!isa<PtrType>(T)) {
      R.replaceOp(Op, New);
      return success();
    }
    // Tests and translations of what nobody has initialised have to agree on it.
    R.replaceOpWithNewOp<LLVM::FreezeOp>(Op, New);
    return success();
  }
};

struct StorePattern : Pattern<StoreOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(StoreOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    Location Loc = Op.getLoc();
    Type T = Op.getValue().getType();
    uint64_t Alignment = getLayout(T)->Alignment;
    Value Stored = In.getValue();
    if (Op.getSilent()) {
      Type Bits = R.getIntegerType(8 * getLayout(T)->Size);
      if (Op->getParentOp()->hasTrait<OpTrait::SingleBlock>())
        return Op.emitError("a silent store branches: run convert-scf-to-cf "
                            "before");
      // What nobody has initialised may not decide a branch; nor may a value that
      // is not one.
      Stored = LLVM::FreezeOp::create(R, Loc, Stored);
      // Bits are compared: -0.0 is another value than 0.0, and a NaN itself.
      Value Value = Stored;
      if (isa<FloatType>(T))
        Value = LLVM::BitcastOp::create(R, Loc, Bits, Value);
      Bits = Value.getType();
      auto Loaded =
          LLVM::LoadOp::create(R, Loc, Bits, In.getAddress(), Alignment);
      setAliases(Op, Loaded, T);
      auto Held = LLVM::FreezeOp::create(R, Loc, Loaded);
      Block *Before = Op->getBlock();
      Block *After = R.splitBlock(Before, std::next(Op->getIterator()));
      Block *Differs = R.splitBlock(Before, Op->getIterator());
      R.setInsertionPointToEnd(Before);
      auto Ne = LLVM::ICmpOp::create(R, Loc, LLVM::ICmpPredicate::ne, Held,
                                     Value);
      LLVM::CondBrOp::create(R, Loc, Ne, Differs, After);
      R.setInsertionPointToEnd(Differs);
      LLVM::BrOp::create(R, Loc, ValueRange(), After);
      R.setInsertionPoint(Op);
    }
    auto New = LLVM::StoreOp::create(R, Loc, Stored, In.getAddress(),
                                     Alignment);
    setAliases(Op, New, T);
    R.replaceOp(Op, New);
    return success();
  }
};

struct AllocPattern : Pattern<AllocOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(AllocOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    Location Loc = Op.getLoc();
    Type I64 = R.getI64Type();
    Value Bytes = constant(R, Loc, I64,
                           getLayout(Op.getResult().getType().getTarget())->Size);
    if (Value Count = In.getCount()) {
      // What does not fit into 64 bits is not there, either.
      auto Pair = LLVM::LLVMStructType::getLiteral(R.getContext(),
                                                   {I64, R.getI1Type()});
      Value Product =
          LLVM::UMulWithOverflowOp::create(R, Loc, Pair, Count, Bytes);
      Value Whole = LLVM::ExtractValueOp::create(R, Loc, Product, 0);
      Value TooMany = LLVM::ExtractValueOp::create(R, Loc, Product, 1);
      Bytes = LLVM::SelectOp::create(R, Loc, TooMany,
                                     constant(R, Loc, I64, ~uint64_t(0)), Whole);
    }
    LLVM::CallOp Call =
        call(R, Op, Alloc, LLVM::LLVMPointerType::get(Op.getContext()),
             {In.getNear(), Bytes});
    if (!Call)
      return failure();
    R.replaceOp(Op, Call.getResult());
    return success();
  }
};

struct FreePattern : Pattern<FreeOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(FreeOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    if (!call(R, Op, Free, LLVM::LLVMVoidType::get(Op.getContext()),
              In.getBlock()))
      return failure();
    R.eraseOp(Op);
    return success();
  }
};

/// The allocated pointer, which nobody frees, is the slot base.
struct ToMemRefPattern : Pattern<ToMemRefOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(ToMemRefOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    Location Loc = Op.getLoc();
    auto M = cast<MemRefType>(Op.getResult().getType());
    Type As = getTypeConverter()->convertType(M);
    if (!As)
      return R.notifyMatchFailure(Op, "memref without an LLVM type");
    Value Allocated = In.getArray();
    if (isa_and_nonnull<SpaceAttr>(M.getMemorySpace())) {
      LLVM::CallOp Call =
          call(R, Op, abi::Base, LLVM::LLVMPointerType::get(Op.getContext()),
               In.getArray());
      if (!Call)
        return failure();
      Allocated = Call.getResult();
    }
    auto D = MemRefDescriptor::poison(R, Loc, As);
    D.setAllocatedPtr(R, Loc, Allocated);
    D.setAlignedPtr(R, Loc, In.getArray());
    D.setConstantOffset(R, Loc, 0);
    Type Index = getIndexType();
    Value Stride = constant(R, Loc, Index, 1);
    auto Sizes = In.getSizes();
    unsigned Dynamic = Sizes.size();
    for (int64_t Dim = M.getRank() - 1; Dim >= 0; --Dim) {
      Value Size = M.isDynamicDim(Dim)
                       ? Sizes[--Dynamic]
                       : constant(R, Loc, Index, M.getDimSize(Dim));
      D.setSize(R, Loc, Dim, Size);
      D.setStride(R, Loc, Dim, Stride);
      if (Dim)
        Stride = LLVM::MulOp::create(R, Loc, Stride, Size);
    }
    R.replaceOp(Op, Value(D));
    return success();
  }
};

struct AtPattern : Pattern<AtOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(AtOp Op, Adaptor In,
                                ConversionPatternRewriter &R) const override {
    R.replaceOp(Op, getStridedElementPtr(
                        R, Op.getLoc(), cast<MemRefType>(Op.getMemref().getType()),
                        In.getMemref(), In.getIndices(),
                        LLVM::GEPNoWrapFlags::inbounds));
    return success();
  }
};

struct ToLLVMInterface : ConvertToLLVMPatternInterface {
  using ConvertToLLVMPatternInterface::ConvertToLLVMPatternInterface;

  void loadDependentDialects(MLIRContext *Ctx) const final {
    Ctx->loadDialect<LLVM::LLVMDialect>();
  }
  void populateConvertToLLVMConversionPatterns(
      ConversionTarget &Target, LLVMTypeConverter &Types,
      RewritePatternSet &Patterns) const final {
    Types.addConversion(
        [](PtrType T) { return IntegerType::get(T.getContext(), 64); });
    Types.addConversion([](NativeType T) {
      return LLVM::LLVMPointerType::get(T.getContext());
    });
    Types.addConversion([](BaseType T) {
      return LLVM::LLVMPointerType::get(T.getContext());
    });
    // In LLVM objects lie where everything does.
    Types.addTypeAttributeConversion([](BaseMemRefType T, SpaceAttr) {
      return IntegerAttr::get(IntegerType::get(T.getContext(), 64), 0);
    });
    Target.addIllegalDialect<PerdureDialect>();
    Patterns.add<AllocPattern, AtPattern, BasePattern, CastPattern,
                 DecodePattern, ElementPattern, EncodePattern, EqualPattern,
                 FieldPattern, FreePattern, IsNullPattern, LoadPattern,
                 NullPattern, ReencodePattern, StorePattern, ToMemRefPattern>(
        Types);
  }
};

/// What PerdurePasses.so is to know of a module.
class ModuleFlags {
  ModuleOp Module;
  OpBuilder B;
  SmallVector<Attribute> Flags;

public:
  explicit ModuleFlags(ModuleOp Module)
      : Module(Module), B(Module.getContext()) {}

  void add(LLVM::ModFlagBehavior Behavior, StringRef Name, unsigned Value) {
    Flags.push_back(LLVM::ModuleFlagAttr::get(B.getContext(), Behavior,
                                              B.getStringAttr(Name),
                                              B.getI32IntegerAttr(Value)));
  }

  void addPolicies() {
    auto Policies = Module->getAttrOfType<ReduceFlipsAttr>(
        PerdureDialect::getReduceFlipsAttrName());
    if (!Policies)
      return;
    Module->removeAttr(PerdureDialect::getReduceFlipsAttrName());
    for (StringAttr Policy : Policies.getPolicies())
      for (auto [N, Name] : llvm::enumerate(::perdure::flipPolicyNames()))
        if (Name == Policy.getValue())
          add(LLVM::ModFlagBehavior::Max,
              ::perdure::flipPolicyFlag(::perdure::FlipPolicy(N)), 1);
  }

  void write() {
    // Imported ones may be there, and a flag is there once.
    for (auto Op : Module.getOps<LLVM::ModuleFlagsOp>())
      for (Attribute There : Op.getFlags())
        llvm::erase_if(Flags, [&](Attribute F) {
          return cast<LLVM::ModuleFlagAttr>(F).getKey() ==
                 cast<LLVM::ModuleFlagAttr>(There).getKey();
        });
    if (Flags.empty())
      return;
    B.setInsertionPointToEnd(Module.getBody());
    LLVM::ModuleFlagsOp::create(B, Module.getLoc(), B.getArrayAttr(Flags));
  }
};

struct ConvertPass
    : mlir::perdure::impl::ConvertPerdureToLLVMBase<ConvertPass> {
  using ConvertPerdureToLLVMBase::ConvertPerdureToLLVMBase;

  void runOnOperation() override {
    ModuleOp Module = getOperation();
    outlineTransactions(Module);
    if (failed(addTypeEncodings(Module)))
      return signalPassFailure();
    ModuleFlags Flags(Module);
    Flags.addPolicies();
    if (slotBits)
      Flags.add(LLVM::ModFlagBehavior::Error, "perdure.slot.bits", slotBits);
    if (!carryBases)
      Flags.add(LLVM::ModFlagBehavior::Max, "perdure.no.bases", 1);
    Flags.write();
    MLIRContext &Ctx = getContext();
    LLVMTypeConverter Types(&Ctx);
    LLVMConversionTarget Target(Ctx);
    RewritePatternSet Patterns(&Ctx);
    // Of all that is loaded, since there may be types of a dialect without
    // operations of it.
    for (Dialect *D : Ctx.getLoadedDialects())
      if (auto *Interface =
              D->getRegisteredInterface<ConvertToLLVMPatternInterface>())
        Interface->populateConvertToLLVMConversionPatterns(Target, Types,
                                                           Patterns);
    if (failed(applyPartialConversion(Module, Target, std::move(Patterns))))
      signalPassFailure();
  }
};

} // namespace

void mlir::perdure::registerDialect(DialectRegistry &Registry) {
  Registry.insert<PerdureDialect>();
  Registry.addExtension(+[](MLIRContext *, PerdureDialect *Dialect) {
    Dialect->addInterfaces<ToLLVMInterface>();
  });
}

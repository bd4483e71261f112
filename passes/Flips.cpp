//===- Flips.cpp - Counts the bits that stores flip -----------------------===//
//
// docs/BitFlips.md says what is counted. Last of all passes, over the stores
// that are left: those are what the machine makes. A store that compiled code
// counts itself becomes, in front of it:
//
//   old = load p; changed = old ^ new
//   site.stores += 1
//   changed ? (site.set += |changed & new|, site.cleared += |changed & old|)
//           : site.silent += 1
//   if (__perdure_flips_model) __perdure_flips_touch(site, p, bytes, new)
//
// All else is left to functions of libperdure-flips.so. Reading p in front of a
// store is no new fault: the store touches the same bytes.
//
//===----------------------------------------------------------------------===//

#include "Flips.h"
#include "Config.h"
#include "Emitter.h"
#include "Passes.h"
#include "Sites.h"
#include "Writers.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/LowerAtomic.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

#include <map>

using namespace llvm;

namespace perdure {

namespace {

constexpr StringLiteral DoneNode("perdure.flips.done");

using flips::Scope;
/// Added to it in the module flag: reads go through the model, too.
constexpr unsigned LoadsFlag = 4;

/// How much a call writes at most whose writes nobody can tell.
constexpr uint64_t UnknownBytes = 4096;

class Flips {
  Module &M;
  const DataLayout &DL;
  LLVMContext &Ctx;
  Scope Counted;
  bool Loads;
  Records Types;
  Notes Noted;
  IntegerType *I64;
  PointerType *Ptr;
  GlobalVariable *Sites; // a stand-in, until their number is known
  std::map<std::string, uint64_t> Known;
  SmallVector<Constant *, 64> Made;
  DenseMap<Type *, AllocaInst *> Copies; // of the function, by type
  StringMap<Constant *> Texts;

public:
  Flips(Module &M, Scope Counted, bool Loads)
      : M(M), DL(M.getDataLayout()), Ctx(M.getContext()), Counted(Counted),
        Loads(Loads), Types(M), Noted(M), I64(Type::getInt64Ty(Ctx)),
        Ptr(PointerType::getUnqual(Ctx)),
        Sites(new GlobalVariable(M, Type::getInt8Ty(Ctx), false,
                                 GlobalValue::ExternalLinkage, nullptr,
                                 "perdure.flips.sites")) {}

  void run() {
    for (Function &F : M)
      if (!F.isDeclaration() && !F.hasAvailableExternallyLinkage() &&
          !F.hasFnAttribute(Attribute::Naked))
        instrument(F);
    finish();
  }

private:
  //===--- Sites ----------------------------------------------------------===//

  Constant *text(StringRef Words) {
    Constant *&C = Texts[Words];
    if (!C)
      C = IRBuilder<>(Ctx).CreateGlobalString(Words, "perdure.flips.text", 0,
                                              &M);
    return C;
  }

  /// The place of \p I, which writes \p Bytes at \p P, 0 if not known. Inline:
  /// compiled code counts it.
  Constant *site(const Instruction &I, const Value *P, uint64_t Bytes,
                 bool Inline) {
    const DILocation *Loc = placeOf(I);
    StringRef File = Loc ? Loc->getFilename() : StringRef();
    unsigned Line = Loc ? Loc->getLine() : 0;
    const DISubprogram *SP = Loc ? Loc->getScope()->getSubprogram()
                                 : I.getFunction()->getSubprogram();
    StringRef Name = SP ? SP->getName() : I.getFunction()->getName();
    std::string Field;
    if (Loc)
      Field = Noted.lookup(*Loc, Bytes, true).str();
    if (Field.empty())
      Field = Types.field(P, I.getMetadata(LLVMContext::MD_tbaa), Bytes);
    uint64_t Size = Inline ? Bytes : 0;
    std::string Key = (File + "\n" + Twine(Line) + "\n" + Name + "\n" + Field +
                       "\n" + Twine(Size))
                          .str();
    auto [At, New] = Known.try_emplace(Key, Made.size());
    if (New) {
      SmallVector<Constant *, 16> Words{text(File), text(Name), text(Field),
                                        ConstantInt::get(I64, Line),
                                        ConstantInt::get(I64, Size)};
      Words.resize(flips::HeaderWords + flips::Counters,
                   ConstantInt::get(I64, 0));
      Made.push_back(ConstantStruct::getAnon(Words));
    }
    return ConstantExpr::getInBoundsGetElementPtr(
        Type::getInt8Ty(Ctx), Sites,
        ConstantInt::get(I64, At->second * flips::SiteBytes));
  }

  void finish() {
    M.getOrInsertNamedMetadata(DoneNode);
    if (Made.empty()) {
      Sites->eraseFromParent();
      return;
    }
    auto *T = ArrayType::get(Made[0]->getType(), Made.size());
    auto *All = new GlobalVariable(M, T, false, GlobalValue::InternalLinkage,
                                   ConstantArray::get(T, Made));
    All->setAlignment(Align(64));
    Sites->replaceAllUsesWith(All);
    All->takeName(Sites);
    Sites->eraseFromParent();

    // Before the program's own constructors, which may store, and after its
    // destructors.
    constexpr int Priority = 98;
    Value *Count = ConstantInt::get(I64, Made.size());
    appendToGlobalCtors(
        M,
        function("register", {I64, Ptr, I64},
                 {ConstantInt::get(I64, flips::Version), All, Count}),
        Priority);
    appendToGlobalDtors(M, function("unregister", {Ptr}, {All}), Priority);
    describeFields();
  }

  enum class Content { Other, Number, Pointer };

  /// What the fields of such a type hold, as policies can change it.
  static Content contentOf(const DIType *T) {
    for (; auto *D = dyn_cast_or_null<DIDerivedType>(T); T = D->getBaseType()) {
      // DebugTypes.cpp; other encodings are policies already.
      if (D->getName().starts_with("perdure_"))
        return D->getName().starts_with("perdure_ptr(") ? Content::Pointer
                                                        : Content::Other;
      if (D->getTag() == dwarf::DW_TAG_pointer_type)
        return Content::Other;
    }
    auto *Basic = dyn_cast_or_null<DIBasicType>(T);
    return Basic && (Basic->getEncoding() == dwarf::DW_ATE_signed ||
                     Basic->getEncoding() == dwarf::DW_ATE_unsigned)
               ? Content::Number
               : Content::Other;
  }

  /// For advice: which of the fields that are written hold pointers, and which
  /// numbers.
  void describeFields() {
    std::map<StringRef, Content> Fields;
    Types.visitFields([&](StringRef Field, const DIType *T) {
      auto Text = Texts.find(Field);
      if (Text == Texts.end())
        return;
      Content What = contentOf(T);
      auto [At, New] = Fields.try_emplace(Text->first(), What);
      if (!New && At->second != What) // two types of one name
        At->second = Content::Other;
    });
    for (Content What : {Content::Pointer, Content::Number}) {
      SmallVector<Constant *, 16> Names;
      for (auto &[Field, Holds] : Fields)
        if (Holds == What)
          Names.push_back(Texts[Field]);
      if (Names.empty())
        continue;
      auto *T = ArrayType::get(Ptr, Names.size());
      auto *List = new GlobalVariable(
          M, T, /*isConstant=*/true, GlobalValue::InternalLinkage,
          ConstantArray::get(T, Names), "perdure.flips.fields");
      uint64_t SlotBits =
          What == Content::Pointer ? Config::get(M).SlotBits : 0;
      appendToGlobalCtors(M,
                          function("fields", {I64, Ptr, I64},
                                   {ConstantInt::get(I64, SlotBits), List,
                                    ConstantInt::get(I64, Names.size())}),
                          98);
    }
  }

  /// One of the module's own that calls that of the runtime.
  Function *function(StringRef Name, ArrayRef<Type *> Types,
                     ArrayRef<Value *> Arguments) {
    Function *F = Function::createWithDefaultAttr(
        FunctionType::get(Type::getVoidTy(Ctx), false),
        GlobalValue::InternalLinkage, 0, "perdure.flips." + Name, &M);
    F->setDoesNotThrow();
    IRBuilder<> B(BasicBlock::Create(Ctx, "", F));
    B.CreateCall(runtime(Name, Types), Arguments);
    B.CreateRetVoid();
    return F;
  }

  FunctionCallee runtime(StringRef Name, ArrayRef<Type *> Args) {
    FunctionCallee C = M.getOrInsertFunction(
        ("__perdure_flips_" + Name).str(),
        FunctionType::get(Type::getVoidTy(Ctx), Args, false));
    if (auto *F = dyn_cast<Function>(C.getCallee()))
      F->setDoesNotThrow();
    return C;
  }

  //===--- Which writes ---------------------------------------------------===//

  static bool mayCount(const Value *P) {
    return P->getType()->getPointerAddressSpace() == 0 && mayBeInObject(P);
  }

  void place(IRBuilder<> &B, const Instruction &I) {
    DebugLoc At = I.getDebugLoc();
    const DISubprogram *SP = I.getFunction()->getSubprogram();
    if (!At && SP)
      At = DILocation::get(Ctx, 0, 0, const_cast<DISubprogram *>(SP));
    B.SetCurrentDebugLocation(At);
  }

  /// Positions \p B in front of \p I, or in a block that runs only where what
  /// is at \p P counts.
  void enter(IRBuilder<> &B, Instruction *I, Value *P, const Instruction &For) {
    B.SetInsertPoint(I);
    place(B, For);
    Value *Address = B.CreatePtrToInt(P, I64);
    Value *Counts;
    if (Counted == Scope::Objects) {
      Counts = emitInWindow(B, Address);
    } else {
      // Locals of callers: what lies above this frame, as far as stacks reach.
      Value *Frame = B.CreatePtrToInt(
          B.CreateIntrinsic(Intrinsic::stacksave, {Ptr}, {}), I64);
      Counts =
          B.CreateICmpUGE(B.CreateSub(Address, Frame), B.getInt64(8 << 20));
    }
    Instruction *Then = SplitBlockAndInsertIfThen(Counts, I, false);
    B.SetInsertPoint(Then);
    place(B, For);
  }

  //===--- Writes ---------------------------------------------------------===//

  void instrument(Function &F) {
    Copies.clear();
    SmallVector<Instruction *, 64> Work;
    for (Instruction &I : instructions(F))
      if (I.mayReadOrWriteMemory())
        Work.push_back(&I);
    for (Instruction *I : Work) {
      if (auto *S = dyn_cast<StoreInst>(I)) {
        BasicBlock::iterator After = std::next(S->getIterator());
        store(*S);
        // These do not stay in caches.
        if (S->hasMetadata(LLVMContext::MD_nontemporal))
          flush(After, S->getPointerOperand(),
                ConstantInt::get(
                    I64, DL.getTypeStoreSize(S->getValueOperand()->getType())),
                *S);
      } else if (auto *L = dyn_cast<LoadInst>(I))
        load(*L, L->getPointerOperand(), L->getType());
      else if (auto *R = dyn_cast<AtomicRMWInst>(I))
        atomic(*R);
      else if (auto *X = dyn_cast<AtomicCmpXchgInst>(I))
        atomic(*X);
      else if (auto *CB = dyn_cast<CallBase>(I))
        call(*CB);
    }
  }

  /// As an integer of as many bits, or null where there is none of at most 64.
  Type *asInteger(Type *T) const {
    TypeSize Bits = DL.getTypeSizeInBits(T);
    if (!T->isSingleValueType() || Bits.isScalable() || Bits > 64 ||
        Bits != DL.getTypeStoreSizeInBits(T))
      return nullptr;
    if (auto *P = dyn_cast<PointerType>(T); P && DL.isNonIntegralPointerType(P))
      return nullptr;
    return Type::getIntNTy(Ctx, Bits);
  }

  static Value *toInteger(IRBuilder<> &B, Value *V, Type *Int) {
    return V->getType()->isPointerTy() ? B.CreatePtrToInt(V, Int)
                                       : B.CreateBitCast(V, Int);
  }

  void add(IRBuilder<> &B, Constant *Site, flips::Counter C, Value *N) {
    Constant *At = ConstantExpr::getInBoundsGetElementPtr(
        Type::getInt8Ty(Ctx), Site,
        ConstantInt::get(I64, 8 * (flips::HeaderWords + C)));
    B.CreateAtomicRMW(AtomicRMWInst::Add, At, B.CreateZExtOrTrunc(N, I64),
                      Align(8), AtomicOrdering::Monotonic);
  }

  void touch(IRBuilder<> &B, Constant *Site, Value *P, Value *New) {
    Constant *On =
        M.getOrInsertGlobal("__perdure_flips_model", Type::getInt8Ty(Ctx));
    Value *Models = B.CreateIsNotNull(B.CreateLoad(B.getInt8Ty(), On));
    Instruction *Then = SplitBlockAndInsertIfThen(Models, B.GetInsertPoint(),
                                                  /*Unreachable=*/false);
    IRBuilder<> In(Then);
    In.SetCurrentDebugLocation(B.getCurrentDebugLocation());
    uint64_t Bytes = DL.getTypeStoreSize(New->getType());
    In.CreateCall(runtime("touch", {Ptr, Ptr, I64, I64}),
                  {Site, P, In.getInt64(Bytes), In.CreateZExt(New, I64)});
  }

  void store(StoreInst &S) {
    Value *P = S.getPointerOperand(), *V = S.getValueOperand();
    if (!mayCount(P))
      return;
    Type *Int = asInteger(V->getType());
    if (!Int)
      return storeCopy(S, &S, P, V);
    TypeSize Bytes = DL.getTypeStoreSize(V->getType());
    Constant *Site = site(S, P, Bytes, /*Inline=*/true);
    IRBuilder<> B(Ctx);
    enter(B, &S, P, S);
    LoadInst *Old = B.CreateAlignedLoad(Int, P, S.getAlign());
    if (S.isAtomic())
      Old->setAtomic(AtomicOrdering::Monotonic, S.getSyncScopeID());
    // Twice the same, if it is undefined.
    Value *New = B.CreateFreeze(toInteger(B, V, Int));
    Value *Changed = B.CreateXor(B.CreateFreeze(Old), New);
    add(B, Site, flips::Stores, B.getInt64(1));
    Instruction *Same, *Differs;
    SplitBlockAndInsertIfThenElse(B.CreateIsNotNull(Changed),
                                  B.GetInsertPoint(), &Differs, &Same);
    IRBuilder<> In(Differs);
    In.SetCurrentDebugLocation(B.getCurrentDebugLocation());
    Value *Set =
        In.CreateUnaryIntrinsic(Intrinsic::ctpop, In.CreateAnd(Changed, New));
    Value *All = In.CreateUnaryIntrinsic(Intrinsic::ctpop, Changed);
    add(In, Site, flips::Set, Set);
    add(In, Site, flips::Cleared, In.CreateSub(All, Set));
    In.SetInsertPoint(Same);
    add(In, Site, flips::Silent, In.getInt64(1));
    touch(B, Site, P, New);
  }

  /// \p I stores \p V, of any type, at \p P: in front of \p Before a copy of it
  /// on the stack is compared.
  void storeCopy(Instruction &I, Instruction *Before, Value *P, Value *V) {
    Type *T = V->getType();
    AllocaInst *&Copy = Copies[T];
    if (!Copy) {
      BasicBlock &Entry = I.getFunction()->getEntryBlock();
      Copy = IRBuilder<>(&Entry, Entry.begin()).CreateAlloca(T);
    }
    TypeSize Size = DL.getTypeStoreSize(T);
    Constant *Site = site(I, P, Size.isScalable() ? 0 : Size.getFixedValue(),
                          /*Inline=*/false);
    IRBuilder<> B(Ctx);
    enter(B, Before, P, I);
    Value *Bytes = B.CreateTypeSize(I64, Size);
    // What lies between the parts of an aggregate stays what it is.
    if (T->isAggregateType())
      B.CreateMemCpy(Copy, Copy->getAlign(), P, MaybeAlign(), Bytes);
    B.CreateStore(V, Copy);
    B.CreateCall(runtime("store", {Ptr, Ptr, Ptr, I64}),
                 {Site, P, Copy, Bytes});
  }

  void atomic(AtomicRMWInst &R) {
    Value *P = R.getPointerOperand();
    if (!mayCount(P))
      return;
    Type *Int = asInteger(R.getType());
    if (!Int)
      return around(R, P,
                    ConstantInt::get(I64, DL.getTypeStoreSize(R.getType())));
    IRBuilder<> B(R.getNextNode());
    place(B, R);
    Value *New =
        buildAtomicRMWValue(R.getOperation(), B, &R, R.getValOperand());
    exchange(R, P, toInteger(B, &R, Int), toInteger(B, New, Int),
             B.GetInsertPoint());
  }

  void atomic(AtomicCmpXchgInst &X) {
    Value *P = X.getPointerOperand();
    if (!mayCount(P))
      return;
    Type *T = X.getNewValOperand()->getType(), *Int = asInteger(T);
    if (!Int)
      return around(X, P, ConstantInt::get(I64, DL.getTypeStoreSize(T)));
    IRBuilder<> B(X.getNextNode());
    place(B, X);
    Value *Old = toInteger(B, B.CreateExtractValue(&X, 0), Int);
    Value *New = toInteger(B, X.getNewValOperand(), Int);
    Instruction *Then = SplitBlockAndInsertIfThen(B.CreateExtractValue(&X, 1),
                                                  B.GetInsertPoint(), false);
    exchange(X, P, Old, New, Then->getIterator());
  }

  void exchange(Instruction &I, Value *P, Value *Old, Value *New,
                BasicBlock::iterator Before) {
    uint64_t Bytes = DL.getTypeStoreSize(Old->getType());
    Constant *Site = site(I, P, Bytes, /*Inline=*/false);
    IRBuilder<> B(Ctx);
    enter(B, &*Before, P, I);
    B.CreateCall(runtime("exchange", {Ptr, Ptr, I64, I64, I64}),
                 {Site, P, B.CreateZExt(Old, I64), B.CreateZExt(New, I64),
                  B.getInt64(Bytes)});
  }

  /// Where \p I has been done, and nothing else: none in front of what must
  /// follow it.
  static std::optional<BasicBlock::iterator> behind(Instruction &I) {
    if (auto *Invoke = dyn_cast<InvokeInst>(&I)) {
      BasicBlock *Next = Invoke->getNormalDest();
      if (!Next->getSinglePredecessor())
        Next = SplitEdge(Invoke->getParent(), Next);
      return Next->getFirstInsertionPt();
    }
    auto *Call = dyn_cast<CallInst>(&I);
    if (I.isTerminator() || (Call && Call->isMustTailCall()))
      return std::nullopt;
    return std::next(I.getIterator());
  }

  /// Makes how many bytes were written, where that is known then.
  using Amount = function_ref<Value *(IRBuilder<> &)>;

  /// \p I writes at most \p Bytes at \p P; as many as \p Written says.
  void around(
      Instruction &I, Value *P, Value *Bytes,
      Amount Written = [](IRBuilder<> &) -> Value * { return nullptr; }) {
    std::optional<BasicBlock::iterator> After = behind(I);
    if (!After)
      return;
    auto *Fixed = dyn_cast<ConstantInt>(Bytes);
    Constant *Site = site(I, P, Fixed ? Fixed->getLimitedValue() : 0, false);
    Instruction *Next = &**After;
    IRBuilder<> B(Ctx);
    enter(B, &I, P, I);
    B.CreateCall(runtime("before", {Ptr, I64}), {P, Bytes});
    enter(B, Next, P, I);
    Value *Known = Written(B);
    B.CreateCall(runtime(Known ? "wrote" : "after", {Ptr, Ptr, I64}),
                 {Site, P, Known ? Known : Bytes});
  }

  void load(Instruction &L, Value *P, Type *T) {
    if (!Loads || !mayCount(P))
      return;
    IRBuilder<> B(Ctx);
    enter(B, &L, P, L);
    B.CreateCall(runtime("load", {Ptr, I64}),
                 {P, B.getInt64(DL.getTypeStoreSize(T).getKnownMinValue())});
  }

  void copy(CallBase &CB, Value *To, Value *From, Value *Bytes) {
    IRBuilder<> B(Ctx);
    if (Loads && mayCount(From)) {
      enter(B, &CB, From, CB);
      B.CreateCall(runtime("load", {Ptr, I64}),
                   {From, B.CreateZExtOrTrunc(Bytes, I64)});
    }
    if (!mayCount(To))
      return;
    auto *Fixed = dyn_cast<ConstantInt>(Bytes);
    Constant *Site =
        site(CB, To, Fixed ? Fixed->getLimitedValue() : 0, /*Inline=*/false);
    enter(B, &CB, To, CB);
    B.CreateCall(runtime("store", {Ptr, Ptr, Ptr, I64}),
                 {Site, To, From, B.CreateZExtOrTrunc(Bytes, I64)});
  }

  void fill(CallBase &CB, Value *To, Value *Byte, Value *Bytes) {
    if (!mayCount(To))
      return;
    auto *Fixed = dyn_cast<ConstantInt>(Bytes);
    Constant *Site =
        site(CB, To, Fixed ? Fixed->getLimitedValue() : 0, /*Inline=*/false);
    IRBuilder<> B(Ctx);
    enter(B, &CB, To, CB);
    B.CreateCall(runtime("fill", {Ptr, Ptr, B.getInt32Ty(), I64}),
                 {Site, To, B.CreateZExtOrTrunc(Byte, B.getInt32Ty()),
                  B.CreateZExtOrTrunc(Bytes, I64)});
  }

  void flush(BasicBlock::iterator Before, Value *P, Value *Bytes,
             Instruction &For) {
    IRBuilder<> B(Before->getParent(), Before);
    place(B, For);
    B.CreateCall(runtime("flush", {Ptr, I64}),
                 {P, B.CreateZExtOrTrunc(Bytes, I64)});
  }

  void close(CallBase &CB) {
    IRBuilder<> B(&CB);
    place(B, CB);
    B.CreateCall(runtime("close", {Ptr}), {CB.getArgOperand(0)});
  }

  void call(CallBase &CB) {
    if (auto *MT = dyn_cast<AnyMemTransferInst>(&CB))
      return copy(CB, MT->getRawDest(), MT->getRawSource(), MT->getLength());
    if (auto *MS = dyn_cast<AnyMemSetInst>(&CB))
      return fill(CB, MS->getRawDest(), MS->getValue(), MS->getLength());
    if (auto *II = dyn_cast<IntrinsicInst>(&CB))
      return intrinsic(*II);
    if (CB.isInlineAsm())
      return assembly(CB);
    // The program's own function of such a name counts what it does.
    const Function *To = CB.getCalledFunction();
    if (!To || !To->isDeclarationForLinker())
      return;
    StringRef Name = To->getName();
    auto Has = [&](unsigned Arguments) { return CB.arg_size() >= Arguments; };
    if ((Name == "perdure_close" || Name == "perdure_store_close") && Has(1))
      return close(CB);
    if ((Name == "perdure_persist" || Name == "msync") && Has(2))
      return flush(CB.getIterator(), CB.getArgOperand(0), CB.getArgOperand(1),
                   CB);
    if (Has(3) && StringSwitch<bool>(Name)
                      .Cases({"memcpy", "memmove", "mempcpy"}, true)
                      .Cases({"__memcpy_chk", "__memmove_chk"}, true)
                      .Default(false))
      return copy(CB, CB.getArgOperand(0), CB.getArgOperand(1),
                  CB.getArgOperand(2));
    if (Has(3) && (Name == "memset" || Name == "__memset_chk"))
      return fill(CB, CB.getArgOperand(0), CB.getArgOperand(1),
                  CB.getArgOperand(2));
    std::optional<CallWrites> Writes = writesOf(CB, Name);
    if (!Writes)
      return;
    for (const WrittenRange &R : Writes->Ranges)
      if (R.Kind == Write::Vectors)
        Writes->Unseen |= !vectors(CB, R);
      else if (mayCount(R.P))
        around(CB, R);
    if (Writes->Unseen)
      warn(CB, "what '" + Writes->Name +
                   "' stores is not counted: how much it is, or "
                   "where, is no constant");
  }

  /// What \p CB writes at one place.
  void around(CallBase &CB, const WrittenRange &R) {
    IRBuilder<> B(&CB);
    place(B, CB);
    Value *P = R.P, *Most = nullptr;
    if (R.hasMost())
      std::tie(P, Most) = R.most(CB, B);
    around(CB, P, Most ? Most : B.getInt64(UnknownBytes),
           [&](IRBuilder<> &Behind) -> Value * {
             return R.Kind == Write::Unknown ? nullptr
                                             : R.written(CB, P, Most, Behind);
           });
  }

  /// Buffers that the system fills one behind the other. False where nobody
  /// knows now how many there are, or they are many.
  bool vectors(CallBase &CB, const WrittenRange &R) {
    constexpr unsigned MostVectors = 8;
    auto *N = dyn_cast<ConstantInt>(CB.getArgOperand(R.Count));
    if (!N || N->getValue().ugt(MostVectors) || !CB.getType()->isIntegerTy())
      return false;
    IRBuilder<> B(&CB);
    place(B, CB);
    Value *Before = B.getInt64(0); // in the buffers in front
    for (unsigned I = 0; I != N->getZExtValue(); ++I) {
      B.SetInsertPoint(&CB);
      auto Field = [&](unsigned Offset, Type *T) {
        return B.CreateLoad(
            T, B.CreatePtrAdd(R.P, B.getInt64(uint64_t(I) * 16 + Offset)));
      };
      Value *P = Field(0, Ptr), *Bytes = Field(8, I64), *First = Before;
      Before = B.CreateAdd(Before, Bytes);
      around(CB, P, Bytes, [&](IRBuilder<> &Behind) {
        Value *All = R.written(CB, P, Bytes, Behind);
        Value *Rest =
            Behind.CreateBinaryIntrinsic(Intrinsic::usub_sat, All, First);
        return Behind.CreateBinaryIntrinsic(Intrinsic::umin, Rest, Bytes);
      });
    }
    return true;
  }

  void warn(const Instruction &I, const Twine &What) {
    const Function &F = *I.getFunction();
    Ctx.diagnose(DiagnosticInfoGenericWithLoc("-fperdure-flips: " + What, F,
                                              I.getDebugLoc(), DS_Warning));
  }

  /// What operands of inline assembly in memory (`=m`) have after it.
  void assembly(CallBase &CB) {
    auto *Code = cast<InlineAsm>(CB.getCalledOperand());
    unsigned Argument = 0;
    for (const InlineAsm::ConstraintInfo &C : Code->ParseConstraints()) {
      if (!C.hasArg())
        continue;
      unsigned I = Argument++;
      Type *T = CB.getParamElementType(I);
      if (C.Type == InlineAsm::isOutput && C.isIndirect && T &&
          mayCount(CB.getArgOperand(I)))
        around(CB, CB.getArgOperand(I),
               ConstantInt::get(I64, DL.getTypeStoreSize(T)));
    }
  }

  /// Each element for itself.
  void scatter(IntrinsicInst &II, Value *Values, Value *Pointers, Value *Mask) {
    auto *T = dyn_cast<FixedVectorType>(Values->getType());
    if (!T)
      return;
    for (unsigned I = 0; I != T->getNumElements(); ++I) {
      IRBuilder<> B(&II);
      place(B, II);
      Instruction *Then = SplitBlockAndInsertIfThen(
          B.CreateExtractElement(Mask, I), &II, /*Unreachable=*/false);
      B.SetInsertPoint(Then);
      Value *P = B.CreateExtractElement(Pointers, I);
      Value *V = B.CreateExtractElement(Values, I);
      if (mayCount(P))
        storeCopy(II, Then, P, V);
    }
  }

  /// As much as the values take that an intrinsic is given, but a line at
  /// least.
  Value *mostWrittenBy(IntrinsicInst &II) const {
    uint64_t Bytes = 0;
    for (Value *V : II.args())
      if (V->getType()->isSized() && !V->getType()->isPointerTy())
        Bytes += DL.getTypeStoreSize(V->getType()).getKnownMinValue();
    return ConstantInt::get(I64, std::max(Bytes, flips::LineBytes));
  }

  void intrinsic(IntrinsicInst &II) {
    switch (II.getIntrinsicID()) {
    case Intrinsic::masked_scatter:
      return scatter(II, II.getArgOperand(0), II.getArgOperand(1),
                     II.getArgOperand(2));
    case Intrinsic::vastart:
    case Intrinsic::vacopy:
      if (Value *P = II.getArgOperand(0); mayCount(P))
        around(II, P, mostWrittenBy(II));
      return;
    case Intrinsic::masked_load:
      return load(II, II.getArgOperand(0), II.getType());
    case Intrinsic::x86_clwb:
    case Intrinsic::x86_clflushopt:
    case Intrinsic::x86_sse2_clflush:
      return flush(II.getIterator(), II.getArgOperand(0),
                   ConstantInt::get(I64, 1), II);
    default:
      // Stores of vectors, under a mask, packed, interleaved, of one target.
      if (II.mayWriteToMemory() && II.onlyAccessesArgMemory() &&
          !II.isAssumeLikeIntrinsic())
        for (Value *P : II.args())
          if (P->getType()->isPointerTy() && mayCount(P))
            around(II, P, mostWrittenBy(II));
      return;
    }
  }
};

} // namespace

flips::Request flips::requestOf(const Module &M) {
  auto *Flag =
      mdconst::extract_or_null<ConstantInt>(M.getModuleFlag("perdure.flips"));
  uint64_t Value = Flag ? Flag->getZExtValue() : 0;
  return {Scope(Value & 3), (Value & LoadsFlag) != 0};
}

//===----------------------------------------------------------------------===//
// For the machine pass
//===----------------------------------------------------------------------===//

/// In each module, as long as the machine pass has not seen it; what it points
/// to does not exist, and says why.
static constexpr StringLiteral AskName("perdure.flips.ask");
static constexpr StringLiteral
    AskedName("__perdure_flips_all_needs_PerdurePasses_where_code_is_made");

static void askForMachinePass(Module &M) {
  LLVMContext &Ctx = M.getContext();
  const Triple &T = M.getTargetTriple();
  std::optional<CodeModel::Model> CM = M.getCodeModel();
  if (T.getArch() != Triple::x86_64 || T.isX32() || !T.isOSLinux() ||
      (CM && *CM != CodeModel::Small)) {
    Ctx.emitError("-fperdure-flips=all counts machine code of x86-64 Linux in "
                  "the small code model; take objects or heap");
    return;
  }
  auto *Ptr = PointerType::getUnqual(Ctx);
  Type *I64 = Type::getInt64Ty(Ctx);
  auto *Asked = M.getOrInsertGlobal(AskedName, Type::getInt8Ty(Ctx));
  auto *Ask = new GlobalVariable(M, Ptr, false, GlobalValue::InternalLinkage,
                                 Asked, AskName);
  // A thread that nobody prepared begins on a stack that all share.
  auto *Shared = M.getOrInsertGlobal(
      "__perdure_flips_bootstrap", ArrayType::get(Type::getInt8Ty(Ctx), 65536));
  auto *End = ConstantExpr::getInBoundsGetElementPtr(
      Type::getInt8Ty(Ctx), Shared, ConstantInt::get(I64, 65536));
  auto *Stack = new GlobalVariable(
      M, Ptr, false, GlobalValue::LinkOnceODRLinkage, End, flips::StackSymbol,
      nullptr, GlobalValue::LocalExecTLSModel);
  Stack->setVisibility(GlobalValue::HiddenVisibility);
  Stack->setDSOLocal(true);
  Stack->setComdat(M.getOrInsertComdat(flips::StackSymbol));
  appendToUsed(M, {Ask, Stack});

  Function *F = Function::createWithDefaultAttr(
      FunctionType::get(Type::getVoidTy(Ctx), false),
      GlobalValue::InternalLinkage, 0, "perdure.flips.start", &M);
  F->setDoesNotThrow();
  IRBuilder<> B(BasicBlock::Create(Ctx, "", F));
  FunctionCallee Start = M.getOrInsertFunction(
      "__perdure_flips_start",
      FunctionType::get(Type::getVoidTy(Ctx), {I64, Ptr}, false));
  B.CreateCall(Start,
               {B.getInt64(flips::Version), B.CreateThreadLocalAddress(Stack)});
  B.CreateRetVoid();
  appendToGlobalCtors(M, F, 98);
}

void flips::tellMachineCodeIsCounted(Module &M) {
  for (GlobalVariable &G : M.globals())
    if (G.getName().starts_with(AskName))
      G.setInitializer(Constant::getNullValue(G.getValueType()));
}

PreservedAnalyses FlipsPass::run(Module &M, ModuleAnalysisManager &) {
  flips::Request Wanted = flips::requestOf(M);
  if (Wanted.Counted == Scope::None || M.getNamedMetadata(DoneNode))
    return PreservedAnalyses::all();
  if (Wanted.Counted == Scope::All) {
    M.getOrInsertNamedMetadata(DoneNode);
    askForMachinePass(M);
    return PreservedAnalyses::none();
  }
  Flips(M, Wanted.Counted, Wanted.Loads).run();
  addAbiReference(M);
  return PreservedAnalyses::none();
}

} // namespace perdure

//===- Transactions.cpp - Functions that are or run in transactions -------===//
//
// The plugin's attributes arrive as annotations. At PipelineStart, before any
// inlining, so that the three kinds of functions are still told apart:
//
//   transaction     the body moves to a function of its own; what keeps the
//   name
//                   begins a transaction, calls the body, ends it
//   in_transaction  is instrumented as it stands
//   tx_safe         is called as it is
//
// Bodies log what they overwrite, and call copies of the functions that they
// call (`NAME.perdure_tx`), which do the same. A store to memory that is
// provably outside every object (allocas, globals, byval arguments) is left.
// Anything whose writes cannot be seen is an error.
//
// A log entry is made right before the store. Nothing may come between that
// ends the transaction, since nothing at all comes between; and no later pass
// parts them: the runtime's function reads the memory that it is given (argmem:
// read), so a write to it cannot move up over the call, and is not known to
// return, so nothing that has an effect is speculated over it.
//
//===----------------------------------------------------------------------===//

#include "Config.h"
#include "Contract.h"
#include "Passes.h"
#include "TransactionCallees.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace perdure {

namespace {

// Function attributes: they outlive the annotations, in bitcode too.
constexpr StringLiteral RoleAttr("perdure-tx");
constexpr StringLiteral ThrowArm("__perdure_tx_arm"),
    ThrowAborted("__perdure_tx_throw_aborted");
constexpr uint64_t FrameJump = 16; // what jump is behind in a frame

/// Annotations of ours to attributes of functions.
bool readAnnotations(Module &M) {
  GlobalVariable *All = M.getGlobalVariable("llvm.global.annotations");
  auto *Entries = All && All->hasInitializer()
                      ? dyn_cast<ConstantArray>(All->getInitializer())
                      : nullptr;
  if (!Entries)
    return false;
  SmallVector<Constant *, 16> Others;
  for (Use &U : Entries->operands()) {
    auto *Entry = cast<ConstantStruct>(U.get());
    auto *F = dyn_cast<Function>(Entry->getOperand(0)->stripPointerCasts());
    auto *Text =
        dyn_cast<GlobalVariable>(Entry->getOperand(1)->stripPointerCasts());
    auto *Data = Text && Text->hasInitializer()
                     ? dyn_cast<ConstantDataArray>(Text->getInitializer())
                     : nullptr;
    StringRef Role = Data && Data->isCString() ? Data->getAsCString() : "";
    if (F && Role.consume_front("perdure.") &&
        (Role.starts_with("transaction.") || Role == "in_transaction" ||
         Role == "tx_safe"))
      F->addFnAttr(RoleAttr, Role);
    else
      Others.push_back(cast<Constant>(U.get()));
  }
  if (Others.size() == Entries->getNumOperands())
    return false;
  if (Others.empty()) {
    All->eraseFromParent();
    return true;
  }
  auto *T = ArrayType::get(Others[0]->getType(), Others.size());
  auto *New = new GlobalVariable(M, T, All->isConstant(), All->getLinkage(),
                                 ConstantArray::get(T, Others), "", All);
  New->setSection(All->getSection());
  New->takeName(All);
  All->eraseFromParent();
  return true;
}

StringRef roleOf(const Function &F) {
  return F.getFnAttribute(RoleAttr).getValueAsString();
}

bool isVolatile(const Value *P) {
  SmallVector<const Value *, 4> Objects;
  getUnderlyingObjects(P, Objects, nullptr, /*MaxLookup=*/0);
  return all_of(Objects, [](const Value *O) {
    if (isa<AllocaInst, GlobalVariable>(O))
      return true;
    auto *A = dyn_cast<Argument>(O);
    return A && A->hasByValAttr();
  });
}

class Transactions {
  Module &M;
  LLVMContext &Ctx;
  FunctionCallee Log;
  DenseMap<Function *, Function *> Clones;
  SmallVector<Function *, 16> Work;

public:
  explicit Transactions(Module &M) : M(M), Ctx(M.getContext()) {}

  bool run() {
    SmallVector<Function *, 8> Whole, In;
    for (Function &F : M) {
      if (F.isDeclaration())
        continue;
      StringRef Role = roleOf(F);
      if (Role.starts_with("transaction."))
        Whole.push_back(&F);
      else if (Role == "in_transaction")
        In.push_back(&F);
    }
    for (Function *F : Whole)
      if (Function *Body = split(*F))
        Work.push_back(Body);
    for (Function *F : In) {
      Work.push_back(F);
      F->addFnAttr(RoleAttr, "in_transaction.done");
    }
    if (Function *Transact = M.getFunction("perdure_transact"))
      for (User *U : make_early_inc_range(Transact->users()))
        if (auto *CB = dyn_cast<CallBase>(U);
            CB && CB->getCalledFunction() == Transact && CB->arg_size() == 3)
          handOver(*CB, 1);
    // Grows as clones are made.
    for (unsigned I = 0; I != Work.size(); ++I)
      instrument(*Work[I]);
    return !Work.empty();
  }

private:
  void error(const Function &F, const DebugLoc &Loc, const Twine &Message) {
    Ctx.diagnose(DiagnosticInfoUnsupported(F, "perdure: " + Message, Loc));
  }

  FunctionCallee runtime(StringRef Name, Type *Result, ArrayRef<Type *> Args) {
    FunctionCallee C =
        M.getOrInsertFunction(Name, FunctionType::get(Result, Args, false));
    if (auto *F = dyn_cast<Function>(C.getCallee()))
      F->setDoesNotThrow();
    return C;
  }

  FunctionCallee log() {
    if (!Log) {
      Log = runtime(abi::TxLogSymbol, Type::getVoidTy(Ctx),
                    {PointerType::getUnqual(Ctx), Type::getInt64Ty(Ctx)});
      auto *F = cast<Function>(Log.getCallee());
      F->setMemoryEffects(MemoryEffects::inaccessibleMemOnly() |
                          MemoryEffects::argMemOnly(ModRefInfo::Ref));
      F->addParamAttr(0,
                      Attribute::getWithCaptureInfo(Ctx, CaptureInfo::none()));
    }
    return Log;
  }

  /// Moves the body of \p F to a function of its own, and has \p F call it in a
  /// transaction.
  Function *split(Function &F) {
    bool Throws = roleOf(F) == "transaction.throws";
    // In a second run, there is nothing left to do.
    F.addFnAttr(RoleAttr, "transaction.done");
    if (F.isPresplitCoroutine() || F.hasFnAttribute(Attribute::Naked)) {
      error(F, DebugLoc(),
            "'transaction' cannot be on a " +
                Twine(F.isPresplitCoroutine() ? "coroutine, which leaves and "
                                                "comes back"
                                              : "naked function") +
                "; call a plain function that has it");
      return nullptr;
    }
    if (!Throws && !F.getReturnType()->isVoidTy()) {
      error(F, DebugLoc(),
            "'transaction' needs a function that returns void where there are "
            "no C++ exceptions: an abort has no value to return; call "
            "perdure_transact(object, body, arg), which tells");
      return nullptr;
    }
    for (BasicBlock &BB : F)
      if (BB.hasAddressTaken()) {
        error(F, DebugLoc(),
              "'transaction' cannot be on a function that takes addresses of "
              "labels; call a plain function that has it");
        return nullptr;
      }
    Function *Arm = Throws ? M.getFunction(ThrowArm) : nullptr,
             *Throw = Throws ? M.getFunction(ThrowAborted) : nullptr;
    if (Throws && (!Arm || !Throw)) {
      error(F, DebugLoc(),
            "include <perdure/transaction.h> in a C++ file that uses "
            "'transaction': it has the exception that aborts throw");
      return nullptr;
    }

    Function *Body = Function::Create(
        F.getFunctionType(), GlobalValue::InternalLinkage, F.getAddressSpace(),
        F.getName() + ".perdure_body", &M);
    Body->copyAttributesFrom(&F);
    Body->setComdat(nullptr);
    Body->setVisibility(GlobalValue::DefaultVisibility);
    Body->setDLLStorageClass(GlobalValue::DefaultStorageClass);
    Body->setDSOLocal(true);
    Body->removeFnAttr(RoleAttr);
    Body->splice(Body->begin(), &F);
    Body->setSubprogram(F.getSubprogram());
    F.setSubprogram(nullptr);
    for (auto [From, To] : zip(F.args(), Body->args())) {
      From.replaceAllUsesWith(&To);
      To.takeName(&From);
    }
    // What Clang says of the body does not hold of what begins a transaction.
    F.removeFnAttr(Attribute::Memory);
    F.removeFnAttr(Attribute::WillReturn);
    F.removeFnAttr(Attribute::NoReturn);
    F.removeFnAttr(Attribute::NoSync);
    F.removeFnAttr(Attribute::NoFree);
    F.removeFnAttr(Attribute::NoRecurse);
    F.removeFnAttr(Attribute::MustProgress);
    if (Throws)
      F.removeFnAttr(Attribute::NoUnwind);

    IRBuilder<> B(BasicBlock::Create(Ctx, "entry", &F));
    Type *Void = B.getVoidTy(), *Ptr = B.getPtrTy(), *Int = B.getInt32Ty();
    AllocaInst *Frame = B.CreateAlloca(
        ArrayType::get(B.getInt8Ty(), abi::TxFrameBytes), nullptr, "frame");
    Frame->setAlignment(Align(16));
    FunctionCallee Enter = runtime(abi::TxEnterSymbol, Void, {Ptr, Int}),
                   Leave = runtime(abi::TxLeaveSymbol, Int, {Ptr});
    SmallVector<Value *, 8> Args;
    for (Argument &A : F.args())
      Args.push_back(&A);
    // Attributes of parameters that say how they are passed.
    AttributeList Passed = Body->getAttributes().removeFnAttributes(Ctx);
    auto Return = [&](Value *Result) {
      if (F.getReturnType()->isVoidTy())
        B.CreateRetVoid();
      else
        B.CreateRet(Result);
    };

    if (!Throws) {
      FunctionCallee Setjmp = M.getOrInsertFunction(
          "_setjmp", FunctionType::get(Int, {Ptr}, false));
      cast<Function>(Setjmp.getCallee())->addFnAttr(Attribute::ReturnsTwice);
      CallInst *Came =
          B.CreateCall(Setjmp, {B.CreatePtrAdd(Frame, B.getInt64(FrameJump))});
      Came->addFnAttr(Attribute::ReturnsTwice);
      auto *Run = BasicBlock::Create(Ctx, "run", &F),
           *Aborted = BasicBlock::Create(Ctx, "aborted", &F);
      B.CreateCondBr(B.CreateIsNull(Came), Run, Aborted);
      B.SetInsertPoint(Aborted);
      B.CreateRetVoid();
      B.SetInsertPoint(Run);
      B.CreateCall(Enter, {Frame, B.getInt32(abi::TxFrameJumps)});
      CallInst *Call = B.CreateCall(Body, Args);
      Call->setCallingConv(Body->getCallingConv());
      Call->setAttributes(Passed);
      B.CreateCall(Leave, {Frame});
      Return(Call);
      // The call of _setjmp must stay in this frame.
      F.addFnAttr(Attribute::NoInline);
      F.removeFnAttr(Attribute::AlwaysInline);
      return Body;
    }

    B.CreateCall(Arm);
    B.CreateCall(Enter, {Frame, B.getInt32(abi::TxFrameThrows)});
    auto *Done = BasicBlock::Create(Ctx, "done", &F),
         *Pad = BasicBlock::Create(Ctx, "unwind", &F),
         *Doomed = BasicBlock::Create(Ctx, "doomed", &F),
         *Good = BasicBlock::Create(Ctx, "good", &F);
    InvokeInst *Call = B.CreateInvoke(Body, Done, Pad, Args);
    Call->setCallingConv(Body->getCallingConv());
    Call->setAttributes(Passed);
    B.SetInsertPoint(Pad);
    LandingPadInst *LP =
        B.CreateLandingPad(StructType::get(Ptr, Int), 0, "exception");
    LP->setCleanup(true);
    B.CreateCall(runtime(abi::TxUnwindSymbol, Void, {Ptr}), {Frame});
    B.CreateResume(LP);
    B.SetInsertPoint(Done);
    B.CreateCondBr(B.CreateIsNull(B.CreateCall(Leave, {Frame})), Good, Doomed);
    B.SetInsertPoint(Doomed);
    B.CreateCall(Throw);
    B.CreateUnreachable();
    B.SetInsertPoint(Good);
    Return(Call);
    if (!F.hasPersonalityFn())
      F.setPersonalityFn(
          cast<Constant>(M.getOrInsertFunction("__gxx_personality_v0",
                                               FunctionType::get(Int, true))
                             .getCallee()));
    return Body;
  }

  /// The copy of \p F that logs.
  Function *cloneOf(Function &F) {
    Function *&Clone = Clones[&F];
    if (Clone)
      return Clone;
    ValueToValueMapTy Map;
    Function *New = CloneFunction(&F, Map);
    New->setName(F.getName() + ".perdure_tx");
    New->setLinkage(GlobalValue::InternalLinkage);
    New->setComdat(nullptr);
    New->setVisibility(GlobalValue::DefaultVisibility);
    New->setDSOLocal(true);
    // A second run leaves it as it is.
    New->addFnAttr(RoleAttr, "in_transaction.done");
    // It writes to the log, and may stop the program.
    New->removeFnAttr(Attribute::Memory);
    New->removeFnAttr(Attribute::WillReturn);
    Clone = New;
    Work.push_back(New);
    return New;
  }

  void logRange(Instruction &Before, Value *P, Value *Bytes) {
    if (isVolatile(P))
      return;
    IRBuilder<> B(&Before);
    logRange(B, P, Bytes);
  }
  void logRange(IRBuilder<> &B, Value *P, Value *Bytes) {
    if (P->getType() != B.getPtrTy())
      P = B.CreateAddrSpaceCast(P, B.getPtrTy());
    B.CreateCall(log(), {P, B.CreateZExtOrTrunc(Bytes, B.getInt64Ty())});
  }

  void instrument(Function &F) {
    if (F.isPresplitCoroutine()) {
      error(F, DebugLoc(),
            "a coroutine cannot run in a transaction: it leaves and comes "
            "back; call a plain function");
      return;
    }
    SmallVector<Instruction *, 32> Writes;
    for (Instruction &I : instructions(F))
      if (I.mayWriteToMemory() || isa<CallBase>(I))
        Writes.push_back(&I);
    for (Instruction *I : Writes) {
      if (auto *S = dyn_cast<StoreInst>(I))
        instrumentStore(*S);
      else if (auto *CB = dyn_cast<CallBase>(I))
        instrumentCall(*CB);
      else if (isa<AtomicCmpXchgInst, AtomicRMWInst>(I))
        refuseAtomic(*I);
      else if (isa<LoadInst, FenceInst, VAArgInst>(I))
        continue; // ordered accesses that write no object
      else
        error(F, I->getDebugLoc(),
              "an instruction whose writes cannot be logged");
    }
  }

  void refuseAtomic(Instruction &I) {
    Value *P = nullptr;
    if (auto *S = dyn_cast<StoreInst>(&I))
      P = S->getPointerOperand();
    else if (auto *X = dyn_cast<AtomicCmpXchgInst>(&I))
      P = X->getPointerOperand();
    else
      P = cast<AtomicRMWInst>(&I)->getPointerOperand();
    if (isVolatile(P))
      return;
    error(*I.getFunction(), I.getDebugLoc(),
          "an atomic write in a transaction: other threads may have seen what "
          "an abort would take back; put it in a function marked tx_safe, or "
          "before or after the transaction");
  }

  void instrumentStore(StoreInst &S) {
    if (S.isAtomic())
      return refuseAtomic(S);
    IRBuilder<> B(&S);
    TypeSize Size =
        M.getDataLayout().getTypeStoreSize(S.getValueOperand()->getType());
    logRange(S, S.getPointerOperand(), B.CreateTypeSize(B.getInt64Ty(), Size));
  }

  void instrumentCall(CallBase &CB) {
    Function &F = *CB.getFunction();
    if (CB.isInlineAsm()) {
      auto *Asm = cast<InlineAsm>(CB.getCalledOperand());
      // Nothing is executed, or nothing written but registers.
      if (Asm->getAsmString().empty() || !CB.mayWriteToMemory())
        return;
      error(F, CB.getDebugLoc(),
            "inline assembly in a transaction, whose writes cannot be seen; "
            "put it in a function marked tx_safe, which logs by "
            "__perdure_tx_log what it writes");
      return;
    }
    if (auto *II = dyn_cast<IntrinsicInst>(&CB))
      return instrumentIntrinsic(*II);

    Value *Callee = CB.getCalledOperand()->stripPointerCasts();
    if (auto *Alias = dyn_cast<GlobalAlias>(Callee);
        Alias && !Alias->isInterposable())
      Callee = Alias->getAliaseeObject();
    auto *To = dyn_cast_or_null<Function>(Callee);
    if (!To) {
      if (!CB.onlyReadsMemory())
        error(F, CB.getDebugLoc(),
              "a call in a transaction through a pointer, whose writes cannot "
              "be seen; call the function by its name, or put the call in a "
              "function marked tx_safe");
      return;
    }
    StringRef Role = roleOf(*To), Name = To->getName();
    if (!Role.empty() || getVerb(&CB))
      return;
    // The body that the runtime calls is ours.
    if (Name == "perdure_transact")
      return; // its body has been seen to
    if (const WriterCallee *W = findWriter(Name);
        W && To->isDeclaration() && CB.arg_size() >= 2) {
      if (isVolatile(CB.getArgOperand(0)))
        return;
      IRBuilder<> B(&CB);
      auto [P, Bytes] = writtenBy(*W, CB, B);
      logRange(B, P, Bytes);
      return;
    }
    if (CB.onlyReadsMemory() || CB.onlyAccessesInaccessibleMemory() ||
        isSafeCallee(Name))
      return;
    if (!To->isDeclaration() && !To->isInterposable()) {
      Function *Clone = cloneOf(*To);
      CB.setCalledOperand(Clone);
      // What the call says of its effects, it says of the other function.
      CB.removeFnAttr(Attribute::Memory);
      CB.removeFnAttr(Attribute::WillReturn);
      return;
    }
    error(F, CB.getDebugLoc(),
          "'" + Name +
              "', called in a transaction, is not defined in this file, so its "
              "writes cannot be seen; define it here, mark its declaration "
              "in_transaction where its definition is marked so, or mark it "
              "tx_safe if it writes to no object");
  }

  /// Argument \p N of \p CB is a function that will run in a transaction: its
  /// clone does instead, which logs. One that nobody can see would not.
  void handOver(CallBase &CB, unsigned N) {
    Value *Given = CB.getArgOperand(N)->stripPointerCasts();
    auto *Body = dyn_cast<Function>(Given);
    if (isa<ConstantPointerNull>(Given) || (Body && !roleOf(*Body).empty()))
      return;
    if (Body && !Body->isDeclaration() && !Body->isInterposable()) {
      CB.setArgOperand(N, cloneOf(*Body));
      return;
    }
    error(
        *CB.getFunction(), CB.getDebugLoc(),
        "the body that perdure_transact is given cannot be seen, so its writes "
        "would not be logged; give a function by its name that is defined in "
        "this file, or whose declaration is marked in_transaction");
  }

  void instrumentIntrinsic(IntrinsicInst &II) {
    if (auto *Mem = dyn_cast<MemIntrinsic>(&II)) {
      logRange(II, Mem->getRawDest(), Mem->getLength());
      return;
    }
    switch (II.getIntrinsicID()) {
    case Intrinsic::vastart:
    case Intrinsic::vaend:
    case Intrinsic::vacopy:
    case Intrinsic::stacksave:
    case Intrinsic::stackrestore:
    case Intrinsic::eh_typeid_for:
    case Intrinsic::prefetch:
    case Intrinsic::trap:
    case Intrinsic::debugtrap:
      return;
    default:
      break;
    }
    if (II.isAssumeLikeIntrinsic() || II.isLifetimeStartOrEnd() ||
        !II.mayWriteToMemory() || II.onlyAccessesInaccessibleMemory())
      return;
    error(*II.getFunction(), II.getDebugLoc(),
          "'" + II.getCalledFunction()->getName() +
              "' in a transaction, whose writes cannot be logged; put it in a "
              "function marked tx_safe");
  }
};

/// A longjmp that leaves transactions behind lands here: they are aborted
/// before the function goes on.
bool tellLandings(Module &M) {
  bool Changed = false;
  LLVMContext &Ctx = M.getContext();
  for (Function &F : M) {
    if (F.isDeclaration() || !F.callsFunctionThatReturnsTwice())
      continue;
    SmallVector<CallInst *, 2> Calls;
    for (Instruction &I : instructions(F))
      if (auto *CI = dyn_cast<CallInst>(&I))
        if (CI->hasFnAttr(Attribute::ReturnsTwice) && CI->getCalledFunction() &&
            CI->getCalledFunction()->getName().contains("setjmp") &&
            CI->getType()->isIntegerTy(32) && !CI->isMustTailCall() &&
            !CI->hasMetadata("perdure.landed"))
          Calls.push_back(CI);
    for (CallInst *CI : Calls) {
      CI->setMetadata("perdure.landed", MDNode::get(Ctx, {}));
      BasicBlock *Head = CI->getParent();
      BasicBlock *Tail =
          Head->splitBasicBlock(std::next(CI->getIterator()), "setjmp.done");
      auto *Test = BasicBlock::Create(Ctx, "setjmp.landed", &F, Tail),
           *Tell = BasicBlock::Create(Ctx, "setjmp.tell", &F, Tail);
      Head->getTerminator()->eraseFromParent();
      IRBuilder<> B(Head);
      B.SetCurrentDebugLocation(CI->getDebugLoc());
      // Weak: a program without the runtime has no transactions.
      FunctionCallee Landed = M.getOrInsertFunction(
          abi::TxLandedSymbol,
          FunctionType::get(B.getVoidTy(), {B.getPtrTy()}, false));
      auto *L = cast<Function>(Landed.getCallee());
      L->setDoesNotThrow();
      L->setLinkage(GlobalValue::ExternalWeakLinkage);
      B.CreateCondBr(B.CreateIsNull(CI), Tail, Test);
      B.SetInsertPoint(Test);
      B.CreateCondBr(B.CreateIsNull(L), Tail, Tell);
      B.SetInsertPoint(Tell);
      B.CreateCall(Landed, {B.CreateIntrinsic(Intrinsic::stacksave,
                                              {B.getPtrTy()}, {})});
      B.CreateBr(Tail);
      Changed = true;
    }
  }
  return Changed;
}

/// <perdure/transaction.h> has these for the wrappers alone.
bool dropThrowers(Module &M) {
  bool Changed = false;
  removeFromUsedLists(M, [&](Constant *C) {
    StringRef Name = C->stripPointerCasts()->getName();
    bool Ours = Name == ThrowArm || Name == ThrowAborted;
    Changed |= Ours;
    return Ours;
  });
  for (StringRef Name : {ThrowArm, ThrowAborted})
    if (Function *F = M.getFunction(Name); F && F->use_empty()) {
      F->eraseFromParent();
      Changed = true;
    }
  return Changed;
}

} // namespace

PreservedAnalyses TransactionsPass::run(Module &M, ModuleAnalysisManager &) {
  bool Changed = tellLandings(M);
  Changed |= readAnnotations(M);
  Changed |= Transactions(M).run();
  Changed |= dropThrowers(M);
  return Changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace perdure

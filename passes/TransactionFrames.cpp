//===- TransactionFrames.cpp - Where transactions begin and end -----------===//
#include "Config.h"
#include "Transactions.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace perdure {

static constexpr StringLiteral ThrowArm("__perdure_tx_arm"),
    ThrowAborted("__perdure_tx_throw_aborted");
static constexpr uint64_t FrameJump = 16; // what jump is behind in a frame

Function *wrapTransaction(Function &F) {
  Module &M = *F.getParent();
  LLVMContext &Ctx = M.getContext();
  bool Throws = txRoleOf(F) == "transaction.throws";
  // In a second run, there is nothing left to do.
  F.addFnAttr(TxRoleAttr, "transaction.done");
  if (F.isPresplitCoroutine() || F.hasFnAttribute(Attribute::Naked)) {
    txError(F, DebugLoc(),
            "'transaction' cannot be on a " +
                Twine(F.isPresplitCoroutine() ? "coroutine, which leaves and "
                                                "comes back"
                                              : "naked function") +
                "; call a plain function that has it");
    return nullptr;
  }
  if (!Throws && !F.getReturnType()->isVoidTy()) {
    txError(F, DebugLoc(),
            "'transaction' needs a function that returns void where there are "
            "no C++ exceptions: an abort has no value to return; call "
            "perdure_transact(object, body, arg), which tells");
    return nullptr;
  }
  for (BasicBlock &BB : F)
    if (BB.hasAddressTaken()) {
      txError(F, DebugLoc(),
              "'transaction' cannot be on a function that takes addresses of "
              "labels; call a plain function that has it");
      return nullptr;
    }
  Function *Arm = Throws ? M.getFunction(ThrowArm) : nullptr,
           *Throw = Throws ? M.getFunction(ThrowAborted) : nullptr;
  if (Throws && (!Arm || !Throw)) {
    txError(F, DebugLoc(),
            "include <perdure/transaction.h> in a C++ file that uses "
            "'transaction': it has the exception that aborts throw");
    return nullptr;
  }

  Function *Body =
      Function::Create(F.getFunctionType(), GlobalValue::InternalLinkage,
                       F.getAddressSpace(), F.getName() + ".perdure_body", &M);
  Body->copyAttributesFrom(&F);
  Body->setComdat(nullptr);
  Body->setVisibility(GlobalValue::DefaultVisibility);
  Body->setDLLStorageClass(GlobalValue::DefaultStorageClass);
  Body->setDSOLocal(true);
  Body->removeFnAttr(TxRoleAttr);
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
  // The call of _setjmp must stay in this frame; and a function that calls
  // setjmp itself tells what a longjmp has left by its own stack pointer.
  F.addFnAttr(Attribute::NoInline);
  F.removeFnAttr(Attribute::AlwaysInline);

  IRBuilder<> B(BasicBlock::Create(Ctx, "entry", &F));
  Type *Void = B.getVoidTy(), *Ptr = B.getPtrTy(), *Int = B.getInt32Ty();
  AllocaInst *Frame = B.CreateAlloca(
      ArrayType::get(B.getInt8Ty(), abi::TxFrameBytes), nullptr, "frame");
  Frame->setAlignment(Align(16));
  FunctionCallee Enter = txRuntime(M, abi::TxEnterSymbol, Void, {Ptr, Int}),
                 Leave = txRuntime(M, abi::TxLeaveSymbol, Int, {Ptr});
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
    FunctionCallee Setjmp =
        M.getOrInsertFunction("_setjmp", FunctionType::get(Int, {Ptr}, false));
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
  B.CreateCall(txRuntime(M, abi::TxUnwindSymbol, Void, {Ptr}), {Frame});
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

} // namespace perdure

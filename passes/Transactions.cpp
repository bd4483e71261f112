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

#include "Transactions.h"
#include "Config.h"
#include "Contract.h"
#include "Passes.h"
#include "Sites.h"
#include "TransactionCallees.h"
#include "TransactionClones.h"
#include "Writers.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/Demangle/Demangle.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

FunctionCallee txRuntime(Module &M, StringRef Name, Type *Result,
                         ArrayRef<Type *> Args) {
  FunctionCallee C =
      M.getOrInsertFunction(Name, FunctionType::get(Result, Args, false));
  if (auto *F = dyn_cast<Function>(C.getCallee()))
    F->setDoesNotThrow();
  return C;
}

FunctionCallee txLog(Module &M) {
  LLVMContext &Ctx = M.getContext();
  FunctionCallee Log =
      txRuntime(M, abi::TxLogSymbol, Type::getVoidTy(Ctx),
                {PointerType::getUnqual(Ctx), Type::getInt64Ty(Ctx)});
  auto *F = cast<Function>(Log.getCallee());
  F->setMemoryEffects(MemoryEffects::inaccessibleMemOnly() |
                      MemoryEffects::argMemOnly(ModRefInfo::Ref));
  F->addParamAttr(0, Attribute::getWithCaptureInfo(Ctx, CaptureInfo::none()));
  return Log;
}

FunctionCallee txLogRanges(Module &M) {
  LLVMContext &Ctx = M.getContext();
  FunctionCallee Log =
      txRuntime(M, abi::TxLogRangesSymbol, Type::getVoidTy(Ctx),
                {PointerType::getUnqual(Ctx), Type::getInt64Ty(Ctx)});
  auto *F = cast<Function>(Log.getCallee());
  // It reads what its ranges lead to: no store moves over it.
  F->setMemoryEffects(MemoryEffects::inaccessibleMemOnly() |
                      MemoryEffects::readOnly());
  F->addParamAttr(0, Attribute::getWithCaptureInfo(Ctx, CaptureInfo::none()));
  return Log;
}

void txError(const Function &F, const DebugLoc &Loc, const Twine &Message) {
  F.getContext().diagnose(
      DiagnosticInfoUnsupported(F, "perdure: " + Message, Loc));
}

void txRemark(OptimizationRemarkEmitter &ORE, StringRef Name,
              const Instruction &At, const Twine &What, StringRef Field) {
  ORE.emit([&] {
    OptimizationRemark R("perdure-tx", Name, &At);
    R << What.str();
    if (MDNode *N = At.getMetadata(TxFieldNode))
      Field = cast<MDString>(N->getOperand(0))->getString();
    if (!Field.empty())
      R << " (" << ore::NV("Field", Field) << ")";
    return R;
  });
}

/// What \p P may lead to.
static SmallVector<const Value *, 4> objectsUnder(const Value *P) {
  SmallVector<const Value *, 4> Objects, Work{P};
  SmallPtrSet<const Value *, 8> Seen;
  while (!Work.empty()) {
    SmallVector<const Value *, 4> Found;
    getUnderlyingObjects(Work.pop_back_val(), Found, /*LI=*/nullptr,
                         /*MaxLookup=*/0);
    for (const Value *V : Found)
      if (Seen.insert(V).second) {
        auto *Same = dyn_cast<FreezeInst>(V);
        (Same ? Work : Objects).push_back(Same ? Same->getOperand(0) : V);
      }
  }
  return Objects;
}

bool isOutsideObjects(const Value *P) {
  return all_of(objectsUnder(P), [](const Value *O) {
    if (isa<AllocaInst, GlobalVariable, ConstantPointerNull>(O))
      return true;
    if (auto *CB = dyn_cast<CallBase>(O))
      if (const Function *F = CB->getCalledFunction(); F && F->isDeclaration())
        return givesVolatileMemory(F->getName());
    auto *A = dyn_cast<Argument>(O);
    return A && A->hasByValAttr();
  });
}

namespace {

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
      F->addFnAttr(TxRoleAttr, Role);
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

class Transactions {
  Module &M;
  TransactionClones Clones;
  StringMap<Constant *> Texts;
  bool Certain = true; // of the function that is being instrumented
  bool Optimises;
  std::optional<OptimizationRemarkEmitter> ORE; // of that function
  std::optional<Records> Fields;                // where somebody wants to know

public:
  Transactions(Module &M, bool Optimises)
      : M(M), Clones(M), Optimises(Optimises) {}

  bool run() {
    bool Changed = false;
    SmallVector<Function *, 8> Whole, In;
    for (Function &F : M) {
      if (F.isDeclaration())
        continue;
      StringRef Role = txRoleOf(F);
      if (Role == "transaction.throws" || Role == "transaction.jumps")
        Whole.push_back(&F);
      else if (Role == "in_transaction")
        In.push_back(&F);
    }
    Changed |= Clones.checkDeclarations();
    for (Function *F : Whole)
      if (Function *Body = wrapTransaction(*F))
        Clones.add(*Body);
    for (Function *F : In) {
      F->addFnAttr(TxRoleAttr, "in_transaction.done");
      Clones.add(*F);
    }
    if (Function *Transact = M.getFunction("perdure_transact"))
      for (User *U : make_early_inc_range(Transact->users()))
        if (auto *CB = dyn_cast<CallBase>(U);
            CB && CB->getCalledFunction() == Transact && CB->arg_size() == 3)
          handOver(*CB, 1, /*Begins=*/true);
    while (std::optional<TransactionClones::Body> Next = Clones.next()) {
      Certain = Next->Certain;
      ORE.emplace(Next->F);
      instrument(*Next->F);
      Changed = true;
    }
    return Clones.finish() || Changed || !Whole.empty();
  }

private:
  Constant *text(const Twine &Words) {
    std::string Text = Words.str();
    Constant *&C = Texts[Text];
    if (!C)
      C = IRBuilder<>(M.getContext())
              .CreateGlobalString(Text, "perdure.tx.text", 0, &M);
    return C;
  }

  /// \p I cannot be done in a transaction. Where nothing says that it ever is,
  /// the runtime says so when it comes to that. \p Written: only if this lies
  /// in an object.
  void refuse(Instruction &I, const Twine &What, const Twine &WayOut,
              Value *Written = nullptr) {
    Function &F = *I.getFunction();
    if (Certain) {
      txError(F, I.getDebugLoc(), What + WayOut);
      return;
    }
    IRBuilder<> B(&I);
    Constant *Null = ConstantPointerNull::get(B.getPtrTy()), *Where = Null;
    if (const DebugLoc &At = I.getDebugLoc(); At && At.getLine())
      Where = text(At->getFilename() + ":" + Twine(At.getLine()));
    if (Written && Written->getType() != B.getPtrTy())
      Written = B.CreateAddrSpaceCast(Written, B.getPtrTy());
    B.CreateCall(txRuntime(M, abi::TxRefuseSymbol, B.getVoidTy(),
                           {B.getPtrTy(), B.getPtrTy(), B.getPtrTy()}),
                 {Written ? Written : Null, text(What), Where});
  }

  /// The field that \p I writes at \p P, where remarks are wanted.
  std::string fieldOf(const Instruction &I, const Value *P, uint64_t Bytes) {
    if (!ORE->allowExtraAnalysis("perdure-tx"))
      return "";
    if (!Fields)
      Fields.emplace(M);
    return Fields->field(P, I.getMetadata(LLVMContext::MD_tbaa), Bytes);
  }

  void logRange(Instruction &Before, Value *P, Value *Bytes) {
    auto *Size = dyn_cast<ConstantInt>(Bytes);
    std::string Field = fieldOf(Before, P, Size ? Size->getLimitedValue() : 0);
    if (isOutsideObjects(P)) {
      // Locals are nobody's question.
      if (!isa<AllocaInst>(getUnderlyingObject(P)))
        txRemark(*ORE, "SkippedVolatile", Before,
                 "not logged: it is in no object", Field);
      return;
    }
    IRBuilder<> B(&Before);
    if (P->getType() != B.getPtrTy())
      P = B.CreateAddrSpaceCast(P, B.getPtrTy());
    CallInst *Log =
        B.CreateCall(txLog(M), {P, B.CreateZExtOrTrunc(Bytes, B.getInt64Ty())});
    if (!Field.empty())
      Log->setMetadata(
          TxFieldNode,
          MDNode::get(M.getContext(), MDString::get(M.getContext(), Field)));
    if (!Optimises)
      txRemark(*ORE, "Logged", *Log, "logged");
  }

  void instrument(Function &F) {
    if (F.isPresplitCoroutine()) {
      txError(F, DebugLoc(),
              "a coroutine cannot run in a transaction: it leaves and comes "
              "back; call a plain function");
      return;
    }
    SmallVector<Instruction *, 32> Writes;
    for (Instruction &I : instructions(F))
      if (I.mayWriteToMemory() || isa<CallBase>(I))
        Writes.push_back(&I);
    bool MayRollBack = false;
    for (Instruction *I : Writes) {
      if (auto *S = dyn_cast<StoreInst>(I)) {
        instrumentStore(*S);
      } else if (auto *CB = dyn_cast<CallBase>(I)) {
        MayRollBack |= mayRollBack(*CB);
        instrumentCall(*CB);
      } else if (isa<AtomicCmpXchgInst, AtomicRMWInst>(I)) {
        refuseAtomic(*I);
      } else if (isa<LoadInst, FenceInst, VAArgInst>(I)) {
        continue; // ordered accesses that write no object
      } else {
        refuse(*I, "an instruction whose writes cannot be logged", "");
      }
    }
    // Of 'restrict': the log writes back what it was told of, by no pointer of
    // the program.
    if (MayRollBack)
      for (Argument &A : F.args())
        A.removeAttr(Attribute::NoAlias);
  }

  /// Whether memory that is logged may be what it was before, after \p CB.
  static bool mayRollBack(const CallBase &CB) {
    if (isa<IntrinsicInst>(CB) || getVerb(&CB))
      return false;
    const Function *To = CB.getCalledFunction();
    return !To || !To->isDeclarationForLinker() || !txRoleOf(*To).empty() ||
           !isCalmCallee(To->getName());
  }

  /// The same of what \p CB of \p To gives, by the attribute 'malloc'.
  static void forgetNoAlias(CallBase &CB, Function *To) {
    CB.removeRetAttr(Attribute::NoAlias);
    if (To)
      To->removeRetAttr(Attribute::NoAlias);
  }

  void refuseAtomic(Instruction &I) {
    Value *P = nullptr;
    if (auto *S = dyn_cast<StoreInst>(&I))
      P = S->getPointerOperand();
    else if (auto *X = dyn_cast<AtomicCmpXchgInst>(&I))
      P = X->getPointerOperand();
    else
      P = cast<AtomicRMWInst>(&I)->getPointerOperand();
    if (!isOutsideObjects(P))
      refuse(I, "an atomic write",
             " in a transaction: other threads may have seen what an abort "
             "would take back; put it in a function marked tx_safe, or before "
             "or after the transaction",
             P);
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
    if (CB.isInlineAsm()) {
      auto *Asm = cast<InlineAsm>(CB.getCalledOperand());
      // Nothing is executed, or nothing written but registers.
      if (!Asm->getAsmString().empty() && CB.mayWriteToMemory())
        refuse(CB, "inline assembly",
               " in a transaction, whose writes cannot be seen; put it in a "
               "function marked tx_safe, which logs by __perdure_tx_log what "
               "it writes");
      return;
    }
    if (auto *II = dyn_cast<IntrinsicInst>(&CB))
      return instrumentIntrinsic(*II);

    Value *Callee = CB.getCalledOperand()->stripPointerCasts();
    if (auto *Alias = dyn_cast<GlobalAlias>(Callee);
        Alias && !Alias->isInterposable())
      Callee = Alias->getAliaseeObject();
    auto *To = dyn_cast_or_null<Function>(Callee);
    if (!To || !To->isDeclarationForLinker() || !isSafeCallee(To->getName()))
      forgetNoAlias(CB, To);
    if (!To) {
      if (!CB.onlyReadsMemory())
        redirect(CB, Clones.insteadOf(CB.getCalledOperand(), CB));
      return;
    }
    StringRef Name = To->getName();
    if (getVerb(&CB) || txRoleOf(*To).ends_with(".done"))
      return;
    if (Name == "__cxa_throw" || Name == "__cxa_init_primary_exception")
      handOverDestructor(CB);
    // The body that the runtime calls is ours, and has been seen to.
    if (Name == "perdure_transact")
      return;
    if (To->isDeclarationForLinker() && txRoleOf(*To).empty()) {
      for (Value *Place : storedByFormat(CB))
        if (!isOutsideObjects(Place))
          refuse(CB, "'%n' in a format of '" + To->getName() + "'",
                 " in a transaction, which stores unlogged to what may be an "
                 "object: have it store to a local, and copy that",
                 Place);
      if (instrumentKnown(CB, Name))
        return;
      if (isSafeCallee(Name))
        return;
    }
    if (CB.onlyReadsMemory() || CB.onlyAccessesInaccessibleMemory())
      return;
    if (Value *Instead = Clones.insteadOf(*To, CB, Certain))
      return redirect(CB, Instead);
    if (!To->isDeclaration()) {
      refuse(CB, "a call of '" + demangle(To->getName()) + "'",
             " in a transaction, of which no copy can be made that logs: it is "
             "a coroutine, naked, or takes the addresses of labels");
      return;
    }
    txError(*CB.getFunction(), CB.getDebugLoc(),
            "'" + demangle(Name) +
                "', called in a transaction, is not defined in this file, so "
                "its writes cannot be seen; define it here, compile both files "
                "with -fperdure-tx-clones, mark it in_transaction where it is "
                "declared and defined, or mark it tx_safe if it writes to no "
                "object");
  }

  /// Of what Writers.def lists; false where \p CB calls something else.
  bool instrumentKnown(CallBase &CB, StringRef Name) {
    std::optional<CallWrites> Writes = writesOf(CB, Name);
    int Callback = callbackOf(Name);
    bool CallsBack = Callback >= 0 && unsigned(Callback) < CB.arg_size();
    if (!Writes && !CallsBack)
      return false;
    if (CallsBack)
      handOver(CB, Callback, /*Begins=*/false);
    if (!Writes)
      return true;
    for (const WrittenRange &R : Writes->Ranges)
      logWritten(CB, Writes->Name, R);
    if (!Writes->Unseen)
      return true;
    // Whatever it gets may be where it writes.
    unsigned Named = CB.getFunctionType()->getNumParams();
    for (Value *V : drop_begin(CB.args(), Named))
      if (V->getType()->isPointerTy() && !isOutsideObjects(V)) {
        refuse(CB, "a format of '" + Writes->Name + "' that is no constant",
               " in a transaction: nobody knows what it stores to what may be "
               "an object; have it store to locals, and copy those",
               V);
        break;
      }
    return true;
  }

  void logWritten(CallBase &CB, StringRef Name, const WrittenRange &R) {
    IRBuilder<> B(&CB);
    // The array itself may lie anywhere, what it leads to as well.
    if (R.Kind == Write::Vectors) {
      B.CreateCall(txLogRanges(M), {R.P, R.vectors(CB, B)});
      return;
    }
    if (isOutsideObjects(R.P))
      return;
    if (!R.hasMost()) {
      refuse(CB, "a call of '" + Name + "'",
             " in a transaction that may write to an object, nobody knows how "
             "much: have it write to a local, and copy that",
             R.P);
      return;
    }
    auto [P, Bytes] = R.most(CB, B);
    logRange(CB, P, Bytes);
  }

  static void redirect(CallBase &CB, Value *Instead) {
    if (CB.getCalledOperand() == Instead)
      return;
    CB.setCalledOperand(Instead);
    // What the call says of its effects, it says of the other function.
    CB.removeFnAttr(Attribute::Memory);
    CB.removeFnAttr(Attribute::WillReturn);
  }

  /// Argument \p N of \p CB is a function that will run in a transaction: its
  /// clone does instead, which logs. \p Begins: in one that \p CB begins.
  void handOver(CallBase &CB, unsigned N, bool Begins) {
    Value *Given = CB.getArgOperand(N)->stripPointerCasts();
    if (isa<ConstantPointerNull>(Given))
      return;
    Value *Instead = nullptr;
    if (auto *Body = dyn_cast<Function>(Given); Body && !Body->isInterposable())
      Instead = Clones.insteadOf(*Body, CB, Certain);
    CB.setArgOperand(N,
                     Instead ? Instead : Clones.insteadOf(Given, CB, Begins));
  }

  /// The runtime of C++ destroys an exception when the last handler is left, in
  /// the transaction or behind it: outside, the clone logs nothing.
  void handOverDestructor(CallBase &CB) {
    auto *D = CB.arg_size() == 3
                  ? dyn_cast<Function>(CB.getArgOperand(2)->stripPointerCasts())
                  : nullptr;
    // The library's exceptions lie in memory of that runtime.
    if (!D ||
        (D->isDeclarationForLinker() && D->getName().starts_with("_ZNSt")))
      return;
    if (Value *Instead = Clones.insteadOf(*D, CB, Certain))
      return CB.setArgOperand(2, Instead);
    txError(*CB.getFunction(), CB.getDebugLoc(),
            "'" + D->getName() +
                "', which destroys an exception that is thrown in a "
                "transaction, has no copy that logs; define it here, compile "
                "both files with -fperdure-tx-clones, or mark it tx_safe if it "
                "writes to no object");
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
    refuse(II, "'" + II.getCalledFunction()->getName() + "'",
           " in a transaction, whose writes cannot be logged; put it in a "
           "function marked tx_safe");
  }
};

bool hasTransactions(const Module &M) {
  return M.getModuleFlag("perdure.tx.clones") ||
         M.getFunction("perdure_transact") || any_of(M, [](const Function &F) {
           return F.hasFnAttribute(TxRoleAttr);
         });
}

} // namespace

PreservedAnalyses TransactionsPass::run(Module &M, ModuleAnalysisManager &) {
  bool Changed = tellLandings(M);
  Changed |= readAnnotations(M);
  // A second run would take the table for uses of addresses.
  constexpr StringLiteral Done("perdure.transactions");
  if (!M.getNamedMetadata(Done) && hasTransactions(M) &&
      Transactions(M, Optimises).run()) {
    M.getOrInsertNamedMetadata(Done);
    Changed = true;
  }
  Changed |= dropThrowers(M);
  return Changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace perdure

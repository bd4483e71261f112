//===- TransactionClones.cpp - What runs in transactions instead ----------===//
//
// docs/passes/Transactions.md, "Clones".
//
//===----------------------------------------------------------------------===//
#include "TransactionClones.h"

#include "Config.h"
#include "Passes.h"
#include "TransactionCallees.h"
#include "Transactions.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace perdure {

static constexpr StringLiteral Suffix(".perdure_tx");

/// Files other than this one may call \p F, and it is defined here...
static bool isVisible(const GlobalValue &F) {
  return !F.isDeclarationForLinker() && !F.hasLocalLinkage() &&
         !F.isDiscardableIfUnused();
}
/// ... and nowhere else.
static bool isExported(const GlobalValue &F) {
  return isVisible(F) && !F.isInterposable();
}
static bool isMarked(const Function &F) {
  return !txRoleOf(F).empty() && !isTxSafe(F);
}

bool canClone(const Function &F) {
  if (F.isDeclaration() || F.isPresplitCoroutine() ||
      F.hasFnAttribute(Attribute::Naked) ||
      F.getName().starts_with("__perdure_tx_"))
    return false;
  // A table of labels leads into the function itself.
  return none_of(F, [](const BasicBlock &BB) { return BB.hasAddressTaken(); });
}

TransactionClones::TransactionClones(Module &M) : M(M) {
  auto *Flag = mdconst::extract_or_null<ConstantInt>(
      M.getModuleFlag("perdure.tx.clones"));
  Everything = Flag && !Flag->isZero();
  SmallPtrSet<const Function *, 8> StartUp;
  for (StringRef List : {"llvm.global_ctors", "llvm.global_dtors"})
    if (auto *GV = M.getNamedGlobal(List); GV && GV->hasInitializer())
      if (auto *Rows = dyn_cast<ConstantArray>(GV->getInitializer()))
        for (Value *Row : Rows->operands())
          if (auto *F = dyn_cast<Function>(cast<Constant>(Row)
                                               ->getAggregateElement(1)
                                               ->stripPointerCasts()))
            StartUp.insert(F);
  for (Function &F : M) {
    F.removeDeadConstantUsers(); // of the annotations
    if (!F.isIntrinsic() && !StartUp.contains(&F) &&
        F.hasAddressTaken(nullptr, /*IgnoreCallbackUses=*/false,
                          /*IgnoreAssumeLikeCalls=*/true,
                          /*IgnoreLLVMUsed=*/true))
      AddressTaken.insert(&F);
  }
  // Called by address, the runtime looks for the body's copy.
  if (Function *Transact = M.getFunction("perdure_transact"))
    LooksUp = AddressTaken.contains(Transact);
}

std::optional<TransactionClones::Body> TransactionClones::next() {
  if (!CertainBodies.empty())
    return Body{CertainBodies.pop_back_val(), true};
  if (!Speculated)
    speculate();
  Speculated = true;
  if (!SpeculativeBodies.empty())
    return Body{SpeculativeBodies.pop_back_val(), false};
  return std::nullopt;
}

/// Who calls by address may call whatever has one; who calls by name from
/// another file, whatever has a name there.
void TransactionClones::speculate() {
  if (!Everything && !LooksUp)
    return;
  SmallVector<Function *, 16> Originals;
  for (Function &F : M)
    if (!F.isDeclarationForLinker() && txRoleOf(F).empty() && canClone(F) &&
        F.getName() != "main" &&
        (AddressTaken.contains(&F) || (Everything && isVisible(F))))
      Originals.push_back(&F);
  for (Function *F : Originals)
    cloneOf(*F, false);
}

Function *TransactionClones::cloneOf(Function &F, bool Certain) {
  Function *&Clone = Clones[&F];
  if (Clone)
    return Clone;
  ValueToValueMapTy Map;
  Function *New = CloneFunction(&F, Map);
  std::string Name = (F.getName() + Suffix).str();
  if (F.isInterposable())
    Name += ".own"; // the other name leads to whatever the linker takes
  // Calls of it that were made before its definition was found to be one.
  if (GlobalValue *Declared = M.getNamedValue(Name)) {
    Declared->replaceAllUsesWith(New);
    Declared->eraseFromParent();
  }
  New->setName(Name);
  New->setComdat(nullptr);
  // An inline function's copies are one, too. What has a name in other files
  // has one for its copy where those are told to ask for it.
  if (F.hasLinkOnceODRLinkage() ||
      (Everything && (isExported(F) || F.hasWeakODRLinkage()))) {
    New->setLinkage(F.getLinkage());
    if (F.hasLinkOnceODRLinkage() && M.getTargetTriple().supportsCOMDAT())
      New->setComdat(M.getOrInsertComdat(Name));
  } else {
    New->setLinkage(GlobalValue::InternalLinkage);
    New->setVisibility(GlobalValue::DefaultVisibility);
    New->setDSOLocal(true);
  }
  // A second run leaves it as it is.
  New->addFnAttr(TxRoleAttr, "in_transaction.done");
  // It writes to the log, and may stop the program.
  New->removeFnAttr(Attribute::Memory);
  New->removeFnAttr(Attribute::WillReturn);
  // A rollback writes there, too.
  New->removeRetAttr(Attribute::NoAlias);
  Clone = New;
  Cloned.push_back(&F);
  (Certain ? CertainBodies : SpeculativeBodies).push_back(New);
  return New;
}

Function *TransactionClones::declareClone(Function &F, bool Weak) {
  std::string Name = (F.getName() + Suffix).str();
  auto *D = dyn_cast_or_null<Function>(M.getNamedValue(Name));
  if (!D) {
    D = Function::Create(F.getFunctionType(), GlobalValue::ExternalWeakLinkage,
                         F.getAddressSpace(), Name, &M);
    D->copyAttributesFrom(&F);
    D->setLinkage(GlobalValue::ExternalWeakLinkage);
    D->setDSOLocal(false);
    D->removeFnAttr(Attribute::Memory);
    D->removeFnAttr(Attribute::WillReturn);
    D->removeRetAttr(Attribute::NoAlias);
    D->addFnAttr(TxRoleAttr, "in_transaction.done");
  }
  if (!Weak && D->hasExternalWeakLinkage())
    D->setLinkage(GlobalValue::ExternalLinkage);
  return D;
}

Value *TransactionClones::insteadOf(Value *Address, Instruction &Call,
                                    bool Begins) {
  LooksUp = true;
  IRBuilder<> B(&Call);
  FunctionCallee LookUp =
      txRuntime(M, Begins ? abi::TxBodySymbol : abi::TxCloneSymbol,
                B.getPtrTy(), {B.getPtrTy()});
  auto *F = cast<Function>(LookUp.getCallee());
  // One answer for one address, while nothing else is called.
  F->setMemoryEffects(MemoryEffects::inaccessibleMemOnly(ModRefInfo::Ref));
  return B.CreateCall(LookUp, {Address}, "instead");
}

Value *TransactionClones::insteadOf(Function &To, Instruction &Call,
                                    bool Certain) {
  if (isTxSafe(To) || (To.isDeclarationForLinker() && txRoleOf(To).empty() &&
                       isSafeCallee(To.getName())))
    return &To;
  // Whichever definition the linker takes: its address tells.
  if (To.isInterposable()) {
    if (txRoleOf(To).empty() && canClone(To)) {
      cloneOf(To, /*Certain=*/false);
      AddressTaken.insert(&To);
    }
    return insteadOf(cast<Value>(&To), Call);
  }
  if (!txRoleOf(To).empty())
    return To.isDeclaration() ? declareClone(To, /*Weak=*/false) : &To;
  if (!To.isDeclaration())
    return canClone(To) ? cloneOf(To, Certain) : nullptr;
  if (Certain)
    return Everything ? declareClone(To, /*Weak=*/false) : nullptr;
  // It may never be called.
  Function *Clone = declareClone(To, /*Weak=*/true);
  if (!Clone->hasExternalWeakLinkage())
    return Clone;
  BasicBlock *Head = Call.getParent();
  IRBuilder<> B(&Call);
  Instruction *Then = SplitBlockAndInsertIfThen(
      B.CreateIsNull(Clone), &Call, /*Unreachable=*/false,
      MDBuilder(M.getContext()).createUnlikelyBranchWeights());
  Value *Found = insteadOf(cast<Value>(&To), *Then);
  B.SetInsertPoint(&Call);
  PHINode *Either = B.CreatePHI(Clone->getType(), 2, "instead");
  Either->addIncoming(Clone, Head);
  Either->addIncoming(Found, Then->getParent());
  return Either;
}

bool TransactionClones::checkDeclarations() {
  bool Changed = false;
  for (Function &F : make_early_inc_range(M)) {
    StringRef Role = txRoleOf(F);
    if (!F.isDeclaration() || F.hasExternalWeakLinkage() || Role.empty() ||
        Role == "tx_safe" || Role.ends_with(".done"))
      continue;
    for (Use &U : make_early_inc_range(F.uses()))
      if (auto *CB = dyn_cast<CallBase>(U.getUser()); CB && CB->isCallee(&U)) {
        U.set(declareClone(F, /*Weak=*/false));
        CB->removeFnAttr(Attribute::Memory);
        CB->removeFnAttr(Attribute::WillReturn);
        Changed = true;
      }
  }
  return Changed;
}

/// Calls whatever runs instead of the definition of \p F that the linker takes.
static void makeThunk(Function &F, const std::string &Name) {
  Module &M = *F.getParent();
  Function *Thunk = Function::Create(F.getFunctionType(), F.getLinkage(),
                                     F.getAddressSpace(), Name, &M);
  Thunk->copyAttributesFrom(&F);
  Thunk->setPersonalityFn(nullptr);
  Thunk->removeFnAttr(Attribute::Memory);
  Thunk->removeFnAttr(Attribute::WillReturn);
  Thunk->addFnAttr(TxRoleAttr, "in_transaction.done");
  IRBuilder<> B(BasicBlock::Create(M.getContext(), "", Thunk));
  Value *Instead = B.CreateCall(
      txRuntime(M, abi::TxCloneSymbol, B.getPtrTy(), {B.getPtrTy()}), {&F});
  SmallVector<Value *, 8> Args;
  for (Argument &A : Thunk->args())
    Args.push_back(&A);
  CallInst *Call = B.CreateCall(F.getFunctionType(), Instead, Args);
  Call->setCallingConv(F.getCallingConv());
  Call->setAttributes(F.getAttributes().removeFnAttributes(M.getContext()));
  Call->setTailCallKind(CallInst::TCK_MustTail); // hands on "...", too
  if (F.getReturnType()->isVoidTy())
    B.CreateRetVoid();
  else
    B.CreateRet(Call);
}

/// What is marked is its own copy; constructors and destructors have several
/// names.
void TransactionClones::exportAliases() {
  for (Function &F : make_early_inc_range(M)) {
    std::string Name = (F.getName() + Suffix).str();
    if (!isVisible(F) || F.getName().contains(Suffix) || M.getNamedValue(Name))
      continue;
    if (F.isInterposable() && (isMarked(F) || (Everything && Clones.count(&F))))
      makeThunk(F, Name);
    else if (isExported(F) && isMarked(F))
      GlobalAlias::create(F.getLinkage(), Name, &F)
          ->setVisibility(F.getVisibility());
  }
  SmallVector<GlobalAlias *, 8> Aliases;
  for (GlobalAlias &A : M.aliases())
    Aliases.push_back(&A);
  for (GlobalAlias *A : Aliases) {
    auto *F = dyn_cast_or_null<Function>(A->getAliaseeObject());
    std::string Name = (A->getName() + Suffix).str();
    if (!F || !isExported(*A) || A->getName().contains(Suffix) ||
        A->getAliasee()->stripPointerCasts() != F || M.getNamedValue(Name))
      continue;
    Function *Clone = Clones.lookup(F);
    if (!isMarked(*F) && !(Everything && Clone))
      continue;
    GlobalAlias::create(A->getLinkage(), Name, isMarked(*F) ? F : Clone)
        ->setVisibility(A->getVisibility());
  }
}

bool TransactionClones::finish() {
  exportAliases();
  Type *Ptr = PointerType::getUnqual(M.getContext());
  auto *RowType = StructType::get(Ptr, Ptr);
  SmallVector<Constant *, 16> Rows;
  SmallVector<GlobalValue *, 4> Tables;
  auto MakeTable = [&](Constant *Content, Comdat *C) {
    auto *T = new GlobalVariable(M, Content->getType(), /*isConstant=*/true,
                                 GlobalValue::InternalLinkage, Content,
                                 "perdure.tx.clones");
    T->setSection(abi::TxClonesSection);
    T->setAlignment(Align(8));
    T->setComdat(C);
    Tables.push_back(T);
  };
  auto AddRow = [&](Constant *Original, Constant *Clone, Comdat *C = nullptr) {
    Constant *Row = ConstantStruct::get(RowType, {Original, Clone});
    if (C)
      MakeTable(Row, C);
    else
      Rows.push_back(Row);
  };
  // The address of this definition, while the linker may take another.
  auto AddressOf = [](Function &F) -> Constant * {
    if (F.isDeclaration() || !F.isInterposable())
      return &F;
    return GlobalAlias::create(GlobalValue::InternalLinkage,
                               F.getName() + Suffix + ".original", &F);
  };
  bool Concerned = Everything || !Cloned.empty();
  for (Function *F : Cloned)
    if (AddressTaken.contains(F) || (Everything && isVisible(*F)))
      AddRow(AddressOf(*F), Clones[F], Clones[F]->getComdat());
  for (Function &F : make_early_inc_range(M)) {
    if (txRoleOf(F).empty() || F.getName().contains(Suffix) ||
        F.getName().ends_with(".perdure_body"))
      continue;
    Concerned = true;
    if (!AddressTaken.contains(&F) && !isVisible(F))
      continue;
    if (F.isDeclaration() && isMarked(F))
      AddRow(&F, declareClone(F, /*Weak=*/false));
    else
      AddRow(AddressOf(F), &F);
  }
  // Given by name to who calls it by address.
  if (Concerned)
    for (Function *F : AddressTaken)
      if (F->isDeclaration() && txRoleOf(*F).empty() &&
          isSafeCallee(F->getName()) && !F->hasExternalWeakLinkage())
        AddRow(F, F);
  if (!Rows.empty())
    MakeTable(ConstantArray::get(ArrayType::get(RowType, Rows.size()), Rows),
              nullptr);
  if (Tables.empty())
    return false;
  appendToUsed(M, Tables);
  return addAbiReference(M);
}

/// What the rows of this file say of \p Address.
static Constant *findRow(Module &M, const Value *Address) {
  for (GlobalVariable &T : M.globals()) {
    if (T.getSection() != abi::TxClonesSection || !T.hasInitializer())
      continue;
    Constant *Content = T.getInitializer();
    auto Is = [&](Constant *Row) {
      return Row->getAggregateElement(0u)->stripPointerCasts() == Address;
    };
    if (isa<StructType>(Content->getType())) {
      if (Is(Content))
        return Content->getAggregateElement(1);
      continue;
    }
    for (unsigned I = 0; Constant *Row = Content->getAggregateElement(I); ++I)
      if (Is(Row))
        return Row->getAggregateElement(1);
  }
  return nullptr;
}

bool foldClones(Module &M) {
  bool Changed = false;
  for (StringRef Name : {abi::TxCloneSymbol, abi::TxBodySymbol}) {
    Function *LookUp = M.getFunction(Name);
    if (!LookUp)
      continue;
    for (User *U : make_early_inc_range(LookUp->users())) {
      auto *Call = dyn_cast<CallInst>(U);
      if (!Call || Call->getCalledFunction() != LookUp)
        continue;
      auto *F = dyn_cast<Function>(Call->getArgOperand(0)->stripPointerCasts());
      // Which definition the linker takes decides, and that one's row.
      Constant *Found = F && !F->isInterposable() ? findRow(M, F) : nullptr;
      if (!Found)
        continue;
      Call->replaceAllUsesWith(Found);
      Call->eraseFromParent();
      Changed = true;
    }
  }
  return Changed;
}

} // namespace perdure

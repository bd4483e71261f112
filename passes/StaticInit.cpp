//===- StaticInit.cpp - Static initialisers to bits -----------------------===//
//
// A `ptrauth` constant stands for the bits that a global variable holds: the
// encoding says which they are. Where only start-up code can tell, the variable
// starts zeroed there and a constructor stores them.
//
//===----------------------------------------------------------------------===//

#include "Contract.h"
#include "Encoding.h"
#include "Passes.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace perdure {

namespace {

/// After the entry archive's 99, which places the window.
constexpr int ConstructorPriority = 100;

class StaticInit {
  Module &M;
  Config C;
  DenseMap<Constant *, Constant *> Map;
  bool Changed = false;
  /// Some initialiser is a plain address, which must not lie below SLOT.
  bool Plain = false;

  /// What one global leaves to its constructor.
  struct Late {
    Constant *Container, *Target;
    const Encoding *E;
  };
  SmallVector<Late, 4> Lates;

public:
  explicit StaticInit(Module &M) : M(M), C(Config::get(M)) {}

  bool run() {
    // Constructors replace llvm.global_ctors behind an iterator.
    SmallVector<GlobalVariable *, 32> Globals;
    for (GlobalVariable &GV : M.globals())
      if (GV.hasInitializer() && !GV.getName().starts_with("llvm."))
        Globals.push_back(&GV);
    for (GlobalVariable *GV : Globals)
      raiseGlobal(*GV);
    for (GlobalAlias &GA : M.aliases())
      raiseUse(GA, 0);
    for (Function &F : M) {
      for (unsigned I = 0; I != F.getNumOperands(); ++I)
        raiseUse(F, I);
      for (Instruction &I : instructions(F))
        for (unsigned N = 0; N != I.getNumOperands(); ++N)
          raiseUse(I, N);
    }
    if (Plain)
      refuseLowAddresses();
    if (auto *GV = M.getGlobalVariable(abi::AbsoluteSymbol)) {
      GV->removeDeadConstantUsers();
      if (GV->use_empty())
        GV->eraseFromParent();
    }
    return Changed;
  }

private:
  const Encoding *match(ConstantPtrAuth *P) {
    if (!P->hasAddressDiscriminator())
      return nullptr;
    return matchSchema(P->getKey()->getZExtValue(),
                       P->getDiscriminator()->getZExtValue());
  }

  void error(const Twine &Message) {
    M.getContext().diagnose(DiagnosticInfoGeneric(Message, DS_Error));
  }

  /// Position-independent code may still be linked into a program without PIE,
  /// whose data lies below SLOT: the plain addresses in the initialisers would
  /// then read as offsets in an object. Such a link must fail. The first byte of
  /// anything position-independent has the link-time address 0, that of a
  /// program without PIE has not: 16 bits hold the one and not the other. The
  /// section is not loaded, and its name is what the linker's message shows.
  void refuseLowAddresses() {
    if (!M.getTargetTriple().isOSBinFormatELF())
      return;
    constexpr StringLiteral Asm(
        ".pushsection .perdure.compile_with_fno_pie_for_no_pie,\"\",@progbits\n"
        ".2byte __ehdr_start\n"
        ".popsection\n");
    if (!StringRef(M.getModuleInlineAsm()).contains(Asm))
      M.appendModuleInlineAsm(Asm);
  }

  void raiseGlobal(GlobalVariable &GV) {
    Constant *Init = GV.getInitializer();
    Lates.clear();
    // Memoised results must not hide that a second global needs a constructor.
    Map.clear();
    Constant *New = translate(Init);
    if (New == Init)
      return;
    Changed = true;
    if (Lates.empty()) {
      GV.setInitializer(New);
      return;
    }
    if (GV.hasAvailableExternallyLinkage()) {
      // The real definition has the constructor.
      GV.setLinkage(GlobalValue::ExternalLinkage);
      GV.setInitializer(nullptr);
      GV.setComdat(nullptr);
      return;
    }
    // An error too leaves nothing that a back end would stumble over.
    GV.setInitializer(New);
    if (GV.isThreadLocal())
      return error("perdure: thread-local variable '" + GV.getName() +
                   "' needs a persistent pointer that only start-up code can "
                   "make (encoding '" +
                   Lates.front().E->Name +
                   "'); initialise it in a function instead");
    GV.setConstant(false);
    // Its initial value is no longer its value.
    GV.setExternallyInitialized(true);
    emitConstructor(GV);
  }

  void emitConstructor(GlobalVariable &GV) {
    LLVMContext &Ctx = M.getContext();
    auto *F = Function::createWithDefaultAttr(
        FunctionType::get(Type::getVoidTy(Ctx), false),
        GlobalValue::InternalLinkage, 0, "perdure.init." + GV.getName(), &M);
    F->setDoesNotThrow();
    // With the variable it stays or goes.
    Constant *Key = nullptr;
    if (Comdat *Group = GV.getComdat()) {
      F->setComdat(Group);
      Key = &GV;
    }
    IRBuilder<> B(BasicBlock::Create(Ctx, "", F));
    for (Late &L : Lates) {
      CallInst *Bits =
          createEncode(B, L.Target, L.Container, B.getInt64(0), *L.E);
      B.CreateAlignedStore(Bits, L.Container, Align(8));
    }
    B.CreateRetVoid();
    appendToGlobalCtors(M, F, ConstructorPriority, Key);
  }

  void raiseUse(User &U, unsigned N) {
    auto *Op = dyn_cast_or_null<Constant>(U.getOperand(N));
    if (!Op || isa<GlobalValue>(Op) || isa<ConstantData>(Op))
      return;
    Lates.clear();
    Constant *New = translate(Op);
    if (New == Op)
      return;
    Changed = true;
    U.setOperand(N, New);
    if (!Lates.empty())
      error("perdure: a persistent pointer of encoding '" +
            Lates.front().E->Name +
            "' is used as a constant in code; its value is known at "
            "start-up only");
  }

  /// \p Old with our constants replaced; \p Old itself if it has none.
  Constant *translate(Constant *Old) {
    if (isa<GlobalValue>(Old) || isa<ConstantData>(Old) ||
        isa<BlockAddress>(Old))
      return Old;
    if (auto It = Map.find(Old); It != Map.end())
      return It->second;
    Constant *New = translateUncached(Old);
    // One that a constructor writes counts each time it appears.
    if (Lates.empty())
      Map[Old] = New;
    return New;
  }

  Constant *translateUncached(Constant *Old) {
    if (auto *P = dyn_cast<ConstantPtrAuth>(Old))
      if (const Encoding *E = match(P))
        return translatePointer(P, *E);

    SmallVector<Constant *, 8> Ops;
    bool Same = true;
    for (Use &U : Old->operands()) {
      auto *Op = cast<Constant>(U.get());
      Ops.push_back(translate(Op));
      Same &= Ops.back() == Op;
    }
    if (Same)
      return Old;
    if (auto *CE = dyn_cast<ConstantExpr>(Old))
      return CE->getWithOperands(Ops);
    if (auto *A = dyn_cast<ConstantArray>(Old))
      return ConstantArray::get(A->getType(), Ops);
    if (auto *S = dyn_cast<ConstantStruct>(Old))
      return ConstantStruct::get(S->getType(), Ops);
    if (isa<ConstantVector>(Old))
      return ConstantVector::get(Ops);
    if (auto *P = dyn_cast<ConstantPtrAuth>(Old))
      return ConstantPtrAuth::get(
          Ops[0], cast<ConstantInt>(Ops[1]), cast<ConstantInt>(Ops[2]), Ops[3],
          P->getDeactivationSymbol());
    error("perdure: a static initialiser holds a persistent pointer in a "
          "constant expression that cannot be rebuilt");
    return Old;
  }

  /// The plugin's stand-in for address 0 has done its work: Clang has seen an
  /// address where it would have left a number raw.
  Constant *withoutAbsolute(Constant *Target) {
    APInt Offset(64, 0);
    const Value *Root = Target->stripAndAccumulateConstantOffsets(
        M.getDataLayout(), Offset, /*AllowNonInbounds=*/true);
    if (Root->getName() != abi::AbsoluteSymbol)
      return Target;
    return ConstantExpr::getIntToPtr(ConstantInt::get(M.getContext(), Offset),
                                     Target->getType());
  }

  Constant *translatePointer(ConstantPtrAuth *P, const Encoding &E) {
    Constant *Target = withoutAbsolute(translate(P->getPointer()));
    if (Target->isNullValue() && E.T.ZeroIsNull)
      return Target;
    if (Constant *Bits = E.constant(Target, M, C)) {
      Plain |= isa<GlobalValue>(
          Bits->stripInBoundsConstantOffsets()) && !C.LowAddresses;
      return Bits;
    }
    Lates.push_back({P->getAddrDiscriminator(), Target, &E});
    return Constant::getNullValue(P->getType());
  }
};

} // namespace

bool raiseStaticInitialisers(Module &M) { return StaticInit(M).run(); }

} // namespace perdure

//===- GrayRaise.cpp - Accesses to Gray-coded fields ----------------------===//
//
// Clang leads every access to a marked field through llvm.ptr.annotation
// (GrayMarks.h). What is loaded through such an address, or through one that is
// computed from it (elements of arrays, either arm of a conditional), is
// decoded; what is stored there is encoded. Copies and fills of whole fields
// move stored bits, which mean the same everywhere. The plugin has refused
// whatever else reaches the field by its address, other than as bytes; an
// access that cannot be translated after all is an error, not a wrong number.
//
//===----------------------------------------------------------------------===//

#include "Gray.h"
#include "GrayCalls.h"
#include "GrayMarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"

using namespace llvm;

namespace perdure {

namespace {

/// The text of an annotation's second operand.
StringRef textOf(const Value *V) {
  const auto *GV = dyn_cast<GlobalVariable>(V->stripPointerCasts());
  const auto *Data = GV && GV->hasInitializer()
                         ? dyn_cast<ConstantDataArray>(GV->getInitializer())
                         : nullptr;
  return Data && Data->isCString() ? Data->getAsCString() : "";
}

void error(const Instruction &I, const Twine &Message) {
  I.getContext().diagnose(
      DiagnosticInfoUnsupported(*I.getFunction(), "perdure: " + Message,
                                DiagnosticLocation(I.getDebugLoc()), DS_Error));
}

/// A width that has a Gray code of its own in memory.
bool isWhole(Type *T, const DataLayout &DL) {
  return T->isIntegerTy() && DL.typeSizeEqualsStoreSize(T);
}

class FunctionRaiser {
  Function &F;
  const DataLayout &DL;
  /// Addresses of Gray-coded fields.
  SetVector<Value *> Addresses;
  SmallVector<LoadInst *, 8> Loads;
  SmallVector<StoreInst *, 8> Stores;

public:
  explicit FunctionRaiser(Function &F) : F(F), DL(F.getDataLayout()) {}

  bool run() {
    SmallVector<IntrinsicInst *, 8> Marks;
    SmallVector<CallInst *, 4> Opaque, Bytes;
    for (Instruction &I : instructions(F)) {
      auto *II = dyn_cast<IntrinsicInst>(&I);
      if (II && II->getIntrinsicID() == Intrinsic::ptr_annotation &&
          textOf(II->getArgOperand(1)) == GrayText)
        Marks.push_back(II);
      if (auto *CI = dyn_cast<CallInst>(&I))
        if (const Function *Callee = CI->getCalledFunction()) {
          if (Callee->getName() == GrayOpaqueSymbol)
            Opaque.push_back(CI);
          else if (Callee->getName() == GrayBytesSymbol)
            Bytes.push_back(CI);
        }
    }
    for (CallInst *CI : Opaque)
      CI->eraseFromParent();
    for (IntrinsicInst *II : Marks)
      Addresses.insert(II);
    for (unsigned I = 0; I != Addresses.size(); ++I)
      visitUsers(*Addresses[I]);
    for (Value *A : Addresses)
      checkMeeting(*A);
    for (LoadInst *L : Loads)
      decode(*L);
    for (StoreInst *S : Stores)
      encode(*S);
    for (IntrinsicInst *II : Marks) {
      II->replaceAllUsesWith(II->getArgOperand(0));
      II->eraseFromParent();
    }
    for (CallInst *CI : Bytes) {
      CI->replaceAllUsesWith(CI->getArgOperand(0));
      CI->eraseFromParent();
    }
    return !Marks.empty() || !Opaque.empty() || !Bytes.empty();
  }

private:
  void visitUsers(Value &Address) {
    for (Use &U : Address.uses()) {
      auto *I = cast<Instruction>(U.getUser());
      if (auto *L = dyn_cast<LoadInst>(I)) {
        if (isPlain(*L, L->getType(), L->isAtomic()))
          Loads.push_back(L);
      } else if (auto *S = dyn_cast<StoreInst>(I)) {
        // The address itself may be stored, as one of bytes.
        if (U.getOperandNo() == StoreInst::getPointerOperandIndex() &&
            isPlain(*S, S->getValueOperand()->getType(), S->isAtomic()))
          Stores.push_back(S);
      } else if (isa<AtomicRMWInst, AtomicCmpXchgInst>(I)) {
        if (U.getOperandNo() == 0)
          error(*I, "an atomic access cannot be to a Gray-coded field");
      } else if (isa<GetElementPtrInst, PHINode, SelectInst, FreezeInst>(I)) {
        Addresses.insert(I);
      } else if (auto *II = dyn_cast<IntrinsicInst>(I);
                 II && II->getIntrinsicID() == Intrinsic::ptr_annotation) {
        Addresses.insert(II);
      }
    }
  }

  bool isPlain(Instruction &I, Type *T, bool IsAtomic) {
    if (isWhole(T, DL) && !IsAtomic)
      return true;
    error(I, "an access to a Gray-coded field is neither a load nor a store of "
             "an integer");
    return false;
  }

  /// Where addresses meet, all must be of such fields.
  void checkMeeting(Value &Address) {
    auto *I = cast<Instruction>(&Address);
    if (!isa<PHINode, SelectInst>(I))
      return;
    for (unsigned N = isa<SelectInst>(I) ? 1 : 0; N != I->getNumOperands(); ++N)
      if (Value *V = I->getOperand(N);
          !Addresses.contains(V) && !isa<UndefValue, ConstantPointerNull>(V)) {
        error(*I, "an address may be that of a Gray-coded field or of another");
        return;
      }
  }

  static void decode(LoadInst &L) {
    // What it says of the number is not true of the code.
    L.setMetadata(LLVMContext::MD_range, nullptr);
    IRBuilder<> B(L.getNextNode());
    B.SetCurrentDebugLocation(L.getDebugLoc());
    CallInst *Number = createGray(B, GrayVerb::Decode, &L);
    L.replaceUsesWithIf(Number, [&](Use &U) { return U.getUser() != Number; });
  }

  static void encode(StoreInst &S) {
    IRBuilder<> B(&S);
    S.setOperand(0, createGray(B, GrayVerb::Encode, S.getValueOperand()));
  }
};

/// Where in a variable Gray-coded fields lie.
class Fields {
  struct Item {
    uint64_t Offset, Bytes; ///< of a field
    uint64_t Count, Stride; ///< of an array, Stride not 0
    std::vector<Item> Inside;
  };
  std::vector<Item> Items;

  static bool parse(StringRef &Text, std::vector<Item> &To) {
    auto Number = [&](uint64_t &N, StringRef Behind) {
      return !Text.consumeInteger(10, N) && Text.consume_front(Behind);
    };
    for (;;) {
      Item I = {};
      if (Text.consume_front("g")) {
        if (!Number(I.Offset, ":") || !Number(I.Bytes, ";"))
          return false;
      } else if (Text.consume_front("a")) {
        if (!Number(I.Offset, ":") || !Number(I.Count, ":") ||
            !Number(I.Stride, "[") || !I.Stride || !parse(Text, I.Inside) ||
            !Text.consume_front("]"))
          return false;
      } else {
        return true;
      }
      To.push_back(std::move(I));
    }
  }

  static bool overlap(const std::vector<Item> &In, uint64_t Begin, uint64_t End,
                      bool Exactly) {
    for (const Item &I : In) {
      if (!I.Stride) {
        if (Exactly ? Begin == I.Offset && End == I.Offset + I.Bytes
                    : Begin < I.Offset + I.Bytes && I.Offset < End)
          return true;
        continue;
      }
      if (End <= I.Offset)
        continue;
      uint64_t First = Begin > I.Offset ? (Begin - I.Offset) / I.Stride : 0;
      uint64_t Last = (End - 1 - I.Offset) / I.Stride;
      if (I.Count)
        Last = std::min(Last, I.Count - 1);
      for (uint64_t N = First; N <= Last; ++N) {
        uint64_t At = I.Offset + N * I.Stride;
        if (overlap(I.Inside, std::max(Begin, At) - At, End - At,
                    Exactly && Begin >= At))
          return true;
      }
    }
    return false;
  }

public:
  bool parse(StringRef Text) { return parse(Text, Items) && Text.empty(); }
  bool contains(uint64_t Begin, uint64_t End) const {
    return overlap(Items, Begin, End, true);
  }
  bool touches(uint64_t Begin, uint64_t End) const {
    return overlap(Items, Begin, End, false);
  }
};

/// The constant with what lies in fields encoded; null where that cannot be
/// known before the program is linked.
Constant *encodeConstant(Constant *C, uint64_t At, const Fields &Where,
                         const DataLayout &DL) {
  if (C->isNullValue() || isa<UndefValue>(C))
    return C;
  uint64_t End = At + DL.getTypeStoreSize(C->getType());
  if (!Where.touches(At, End))
    return C;
  if (auto *N = dyn_cast<ConstantInt>(C))
    return Where.contains(At, End) && isWhole(N->getType(), DL)
               ? ConstantInt::get(N->getContext(), grayOf(N->getValue()))
               : nullptr;
  Type *T = C->getType();
  uint64_t Count;
  const StructLayout *Layout = nullptr;
  uint64_t Stride = 0;
  if (auto *S = dyn_cast<StructType>(T)) {
    Count = S->getNumElements();
    Layout = DL.getStructLayout(S);
  } else if (auto *A = dyn_cast<ArrayType>(T)) {
    Count = A->getNumElements();
    Stride = DL.getTypeAllocSize(A->getElementType());
  } else {
    return nullptr;
  }
  SmallVector<Constant *, 16> Elements;
  for (uint64_t I = 0; I != Count; ++I) {
    Constant *Old = C->getAggregateElement(unsigned(I));
    uint64_t Offset =
        Layout ? Layout->getElementOffset(I).getFixedValue() : I * Stride;
    Constant *New = Old ? encodeConstant(Old, At + Offset, Where, DL) : nullptr;
    if (!New)
      return nullptr;
    Elements.push_back(New);
  }
  if (auto *S = dyn_cast<StructType>(T))
    return ConstantStruct::get(S, Elements);
  return ConstantArray::get(cast<ArrayType>(T), Elements);
}

bool raiseVariables(Module &M) {
  GlobalVariable *List = M.getGlobalVariable("llvm.global.annotations");
  auto *Entries = List && List->hasInitializer()
                      ? dyn_cast<ConstantArray>(List->getInitializer())
                      : nullptr;
  if (!Entries)
    return false;
  SmallVector<Constant *, 8> Kept;
  // An entry may be there twice: a variable is encoded once.
  MapVector<GlobalVariable *, StringRef> Variables;
  for (Use &U : Entries->operands()) {
    auto *Entry = cast<Constant>(U.get());
    StringRef Text = textOf(Entry->getAggregateElement(1u));
    auto *GV = dyn_cast<GlobalVariable>(
        Entry->getAggregateElement(0u)->stripPointerCasts());
    if (GV && Text.consume_front(GrayStaticText))
      Variables[GV] = Text;
    else
      Kept.push_back(Entry);
  }
  if (Variables.empty())
    return false;
  for (auto [GV, Text] : Variables) {
    Fields Where;
    if (!GV->hasInitializer())
      continue;
    Constant *New = Where.parse(Text) ? encodeConstant(GV->getInitializer(), 0,
                                                       Where, M.getDataLayout())
                                      : nullptr;
    if (New)
      GV->setInitializer(New);
    else
      M.getContext().diagnose(DiagnosticInfoGeneric(
          "perdure: the initialiser of '" + GV->getName() +
          "' gives a Gray-coded field a value that is not known before the "
          "program is linked; store it in a function"));
  }
  // Ours keep no variable alive.
  if (Kept.size() != Entries->getNumOperands()) {
    auto *T = ArrayType::get(Entries->getType()->getElementType(), Kept.size());
    GlobalVariable *New = nullptr;
    if (!Kept.empty()) {
      New = new GlobalVariable(M, T, List->isConstant(), List->getLinkage(),
                               ConstantArray::get(T, Kept));
      New->copyAttributesFrom(List);
      New->takeName(List);
    }
    List->eraseFromParent();
  }
  return true;
}

} // namespace

bool raiseGrayFields(Module &M) {
  bool Changed = raiseVariables(M);
  for (Function &F : M)
    if (!F.isDeclaration())
      Changed |= FunctionRaiser(F).run();
  for (const char *Symbol : {GrayOpaqueSymbol, GrayBytesSymbol})
    if (Function *F = M.getFunction(Symbol); F && F->use_empty())
      F->eraseFromParent();
  // The texts, which only the annotations used.
  if (Changed)
    for (GlobalVariable &GV : make_early_inc_range(M.globals())) {
      GV.removeDeadConstantUsers();
      if (GV.hasPrivateLinkage() && GV.use_empty() &&
          textOf(&GV).starts_with(GrayText))
        GV.eraseFromParent();
    }
  return Changed;
}

} // namespace perdure

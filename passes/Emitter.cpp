//===- Emitter.cpp - What encodings expand with ---------------------------===//

#include "Emitter.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace perdure {

Emitter::Emitter(Instruction &At, const Config &C, WhereTable &Where,
                 bool Compact)
    : B(At.getContext()), C(C), Compact(Compact), M(*At.getModule()),
      Wheres(Where), Loc(At.getDebugLoc()) {
  if (auto *CB = dyn_cast<CallBase>(&At))
    CB->getOperandBundlesAsDefs(Bundles);
  BasicBlock *Head = At.getParent();
  Tail = Head->splitBasicBlock(&At, Head->hasName()
                                        ? Head->getName() + ".perdure"
                                        : Twine());
  Head->getTerminator()->eraseFromParent();
  B.SetInsertPoint(Head);
  B.SetCurrentDebugLocation(Loc);
}

void Emitter::finish() {
  B.CreateBr(Tail);
  MergeBlockIntoPredecessor(Tail);
}

BasicBlock *Emitter::block(const Twine &Name) {
  return BasicBlock::Create(M.getContext(), "perdure." + Name,
                            Tail->getParent(), Tail);
}

void Emitter::at(BasicBlock *BB) {
  // Blocks stand in the order in which they are filled.
  if (BB->empty() && BB->getNextNode() != Tail)
    BB->moveBefore(Tail);
  B.SetInsertPoint(BB);
  B.SetCurrentDebugLocation(Loc);
}

void Emitter::jump(BasicBlock *To) { B.CreateBr(To); }

void Emitter::branch(Value *Cond, BasicBlock *Then, BasicBlock *Else) {
  B.CreateCondBr(Cond, Then, Else);
}

void Emitter::branchLikely(Value *Cond, BasicBlock *Then, BasicBlock *Else) {
  B.CreateCondBr(Cond, Then, Else,
                 MDBuilder(M.getContext()).createLikelyBranchWeights());
}

void Emitter::branchUnlikely(Value *Cond, BasicBlock *Then, BasicBlock *Else) {
  B.CreateCondBr(Cond, Then, Else,
                 MDBuilder(M.getContext()).createUnlikelyBranchWeights());
}

Value *Emitter::address(Value *Pointer) {
  return B.CreatePtrToInt(Pointer, B.getInt64Ty());
}

Value *Emitter::slotBase(Value *Address) {
  return B.CreateAnd(Address, word(~(C.slotBytes() - 1)));
}

Value *Emitter::inWindow(Value *Address) {
  Type *I64 = B.getInt64Ty();
  auto *T = StructType::get(I64, I64);
  auto *W = cast<GlobalVariable>(M.getOrInsertGlobal(abi::WindowSymbol, T));
  if (W->isDeclaration()) {
    W->setVisibility(GlobalValue::HiddenVisibility);
    W->setDSOLocal(true);
  }
  // Constructor 99 writes the window once, before any code that translates
  // runs: invariant, so that loops keep it in registers.
  auto Load = [&](unsigned Field) {
    LoadInst *L = B.CreateAlignedLoad(
        I64, B.CreateConstInBoundsGEP2_32(T, W, 0, Field), Align(8));
    MDNode *Empty = MDNode::get(M.getContext(), {});
    L->setMetadata(LLVMContext::MD_invariant_load, Empty);
    L->setMetadata(LLVMContext::MD_noundef, Empty);
    L->setMetadata(LLVMContext::MD_nosanitize, Empty);
    return L;
  };
  return B.CreateICmpULT(B.CreateSub(Address, Load(0)), Load(1));
}

Constant *Emitter::where() {
  Type *Ptr = B.getPtrTy();
  DILocation *L = Loc.get();
  // An inlined store is reported where the programmer wrote it.
  if (!L || !L->getLine())
    return Constant::getNullValue(Ptr);
  std::string Text =
      (L->getFilename() + ":" + Twine(L->getLine())).str();
  Constant *&Entry = Wheres[Text];
  if (!Entry)
    Entry = B.CreateGlobalString(Text, "perdure.where", 0, &M);
  return Entry;
}

Value *Emitter::call(StringRef Symbol, bool Cold, Type *Result,
                     ArrayRef<Value *> Args, MemoryEffects Effects) {
  SmallVector<Type *, 4> Types;
  for (Value *A : Args)
    Types.push_back(A->getType());
  FunctionCallee Callee =
      M.getOrInsertFunction(Symbol, FunctionType::get(Result, Types, false));
  // The entry archive compiles the cold entries with preserve_most on these
  // two and with the ordinary convention elsewhere.
  Triple TT(M.getTargetTriple());
  CallingConv::ID CC = Cold && (TT.isX86_64() || TT.isAArch64(64))
                           ? CallingConv::PreserveMost
                           : CallingConv::C;
  auto *F = dyn_cast<Function>(Callee.getCallee());
  if (F && F->isDeclaration()) {
    F->setVisibility(GlobalValue::HiddenVisibility);
    F->setDSOLocal(true);
    F->setCallingConv(CC);
    F->setDoesNotThrow();
    if (Cold)
      F->addFnAttr(Attribute::Cold);
  }
  CallInst *CI = B.CreateCall(Callee, Args, Bundles);
  CI->setCallingConv(CC);
  CI->setDoesNotThrow();
  // On the call rather than on the declaration, which belongs to whoever else
  // names the symbol.
  CI->setMemoryEffects(Effects);
  if (Effects.doesNotAccessMemory())
    CI->addFnAttr(Attribute::WillReturn);
  if (Cold)
    CI->addFnAttr(Attribute::Cold);
  return CI;
}

// `__perdure_VERB_cold` or `__perdure_VERB_object`; of other encodings
// `__perdure_VERB_NAME_cold` or `__perdure_VERB_NAME`.
static std::string entry(StringRef OfObject, StringRef Verb, StringRef Of,
                         bool Cold) {
  if (Of.empty())
    return OfObject.str();
  return ("__perdure_" + Verb + "_" + Of + (Cold ? "_cold" : "")).str();
}

Value *Emitter::callDecode(bool Cold, Value *Bits, Value *Container,
                           StringRef Of, Value *Cache) {
  StringRef OfObject = Cold ? abi::DecodeColdSymbol : abi::DecodeObjectSymbol;
  std::string Symbol = entry(OfObject, "decode", Of, Cold);
  if (Cache) {
    auto *CI = cast<CallInst>(call(Symbol, Cold, B.getPtrTy(),
                                   {Bits, Container, Cache},
                                   MemoryEffects::argMemOnly(ModRefInfo::Mod)));
    CI->addParamAttr(1, Attribute::ReadNone);
    CI->addFnAttr(Attribute::WillReturn);
    return CI;
  }
  // What decode touches (FOT and its cache) no program sees, so the lowered
  // call keeps the contract's memory(none). Without it every decode would
  // clobber the loads around it.
  return call(Symbol, Cold, B.getPtrTy(), {Bits, Container},
              MemoryEffects::none());
}

Value *Emitter::callEncode(bool Cold, Value *Pointer, Value *Container,
                           StringRef Of) {
  return call(entry(Cold ? abi::EncodeColdSymbol : abi::EncodeObjectSymbol,
                    "encode", Of, Cold),
              Cold, B.getInt64Ty(), {Pointer, Container, where()},
              MemoryEffects::inaccessibleMemOnly());
}

Value *Emitter::callReencode(bool Cold, Value *Bits, Value *From, Value *To,
                             StringRef Of) {
  return call(entry(Cold ? abi::ReencodeColdSymbol : abi::ReencodeObjectSymbol,
                    "reencode", Of, Cold),
              Cold, B.getInt64Ty(), {Bits, From, To, where()},
              MemoryEffects::inaccessibleMemOnly());
}

} // namespace perdure

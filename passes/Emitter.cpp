//===- Emitter.cpp - What encodings expand with ---------------------------===//

#include "Emitter.h"
#include "BaseCalls.h"
#include "Bases.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace perdure {

Emitter::Emitter(Instruction &At, const Config &C, WhereTable &Where,
                 const Bases &Carried, KeptWords &Kept, Shape Inline)
    : B(At.getContext()), C(C), Inline(Inline), M(*At.getModule()),
      Wheres(Where), Carried(Carried), Kept(Kept), Loc(At.getDebugLoc()) {
  if (auto *CB = dyn_cast<CallBase>(&At))
    CB->getOperandBundlesAsDefs(Bundles);
  BasicBlock *Head = At.getParent();
  Tail = Head->splitBasicBlock(
      &At, Head->hasName() ? Head->getName() + ".perdure" : Twine());
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

void Emitter::branchMostly(Value *Cond, BasicBlock *Then, BasicBlock *Else) {
  B.CreateCondBr(Cond, Then, Else,
                 MDBuilder(M.getContext()).createBranchWeights(8, 1));
}

Value *Emitter::address(Value *Pointer) {
  return B.CreatePtrToInt(Pointer, B.getInt64Ty());
}

Value *Emitter::slotBase(Value *Container) {
  if (Value *Base = Carried.find(Container))
    return Base;
  if (isBase(Container))
    return address(Container);
  return emitSlotBase(B, C, address(Container));
}

Value *Emitter::inWindow(Value *Container) {
  if (Value *Base = Carried.find(Container))
    return emitInWindow(B, Base);
  return emitInWindow(B, address(Container));
}

Value *Emitter::anywhereNear(Value *Container) {
  if (Value *Base = Carried.find(Container))
    return B.CreateIntToPtr(Base, Container->getType());
  return Container;
}

Value *Emitter::keptWord() {
  BasicBlock &Entry = Tail->getParent()->getEntryBlock();
  IRBuilder<> First(&Entry, Entry.getFirstInsertionPt());
  AllocaInst *Word = First.CreateAlloca(B.getInt64Ty());
  First.CreateStore(word(0), Word);
  Kept.push_back(Word);
  return Word;
}

Value *emitWindowField(IRBuilderBase &B, WindowField Field) {
  Module &M = *B.GetInsertBlock()->getModule();
  Type *I64 = B.getInt64Ty();
  auto *T = ArrayType::get(I64, 4);
  auto *W = cast<GlobalVariable>(M.getOrInsertGlobal(abi::WindowSymbol, T));
  if (W->isDeclaration()) {
    W->setVisibility(GlobalValue::HiddenVisibility);
    W->setDSOLocal(true);
  }
  // Constructor 99 writes the window once, before any code that translates
  // runs: invariant, so that loops keep it in registers.
  LoadInst *L = B.CreateAlignedLoad(
      I64, B.CreateConstInBoundsGEP2_32(T, W, 0, unsigned(Field)), Align(8));
  MDNode *Empty = MDNode::get(M.getContext(), {});
  L->setMetadata(LLVMContext::MD_invariant_load, Empty);
  L->setMetadata(LLVMContext::MD_noundef, Empty);
  L->setMetadata(LLVMContext::MD_nosanitize, Empty);
  return L;
}

Value *emitInWindow(IRBuilderBase &B, Value *Address) {
  Value *Above = B.CreateSub(Address, emitWindowField(B, WindowField::Base));
  return B.CreateICmpULT(Above, emitWindowField(B, WindowField::Bytes));
}

Value *emitSlotBase(IRBuilderBase &B, const Config &C, Value *Address) {
  return B.CreateAnd(Address, B.getInt64(~(C.slotBytes() - 1)));
}

Constant *Emitter::where() {
  Type *Ptr = B.getPtrTy();
  DILocation *L = Loc.get();
  // An inlined store is reported where the programmer wrote it.
  if (!L || !L->getLine())
    return Constant::getNullValue(Ptr);
  std::string Text = (L->getFilename() + ":" + Twine(L->getLine())).str();
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

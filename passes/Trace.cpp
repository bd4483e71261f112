//===- Trace.cpp - Writes down each store that may reach an object --------===//
//
// A module of its own, PerdureTrace.so, which -fperdure-trace loads: whoever
// does not ask for it pays nothing. docs/CrashExplorer.md says what for.
//
// It runs last, over what is left of the stores after optimisation, since the
// order in which the machine makes them is what power failure is about. The
// callee reads the memory, so it is called after the store.
//
//===----------------------------------------------------------------------===//

#include "Writers.h"

#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace {

constexpr StringLiteral StoreSymbol("__perdure_trace_store");
constexpr StringLiteral StringSymbol("__perdure_trace_string");
constexpr StringLiteral VectorsSymbol("__perdure_trace_vectors");

/// What an instruction writes: Bytes from Pointer on.
struct Written {
  Value *Pointer = nullptr;
  Value *Bytes = nullptr;
};

class Tracer {
public:
  explicit Tracer(Module &M)
      : M(M), DL(M.getDataLayout()), Int64(Type::getInt64Ty(M.getContext())),
        Pointer(PointerType::getUnqual(M.getContext())) {}

  bool run(Function &F) {
    SmallVector<Instruction *> Stores;
    SmallVector<CallBase *> Calls;
    for (Instruction &I : instructions(F)) {
      if (!I.mayWriteToMemory())
        continue;
      if (written(I, nullptr).Pointer)
        Stores.push_back(&I);
      else if (auto *Call = dyn_cast<CallBase>(&I); Call && mayWrite(*Call))
        Calls.push_back(Call);
    }
    for (Instruction *I : Stores)
      trace(*I);
    for (CallBase *Call : Calls)
      traceCall(*Call);
    return !Stores.empty() || !Calls.empty();
  }

private:
  Module &M;
  const DataLayout &DL;
  Type *Int64;
  PointerType *Pointer;
  StringMap<Constant *> Places;

  Value *bytesOf(Type *T) const {
    return ConstantInt::get(Int64, DL.getTypeStoreSize(T).getKnownMinValue());
  }

  /// Locals and globals are in no object; other address spaces neither.
  static bool mayReachObject(const Value *P) {
    const Value *Object = getUnderlyingObject(P, 0);
    return P->getType()->getPointerAddressSpace() == 0 &&
           !isa<AllocaInst, GlobalVariable>(Object);
  }

  /// Without a builder no instruction is made, and Bytes is not filled in.
  Written written(Instruction &I, IRBuilder<> *B) const {
    Written W;
    if (auto *S = dyn_cast<StoreInst>(&I)) {
      W = {S->getPointerOperand(), bytesOf(S->getValueOperand()->getType())};
    } else if (auto *R = dyn_cast<AtomicRMWInst>(&I)) {
      W = {R->getPointerOperand(), bytesOf(R->getValOperand()->getType())};
    } else if (auto *C = dyn_cast<AtomicCmpXchgInst>(&I)) {
      W = {C->getPointerOperand(), bytesOf(C->getNewValOperand()->getType())};
    } else if (auto *Mem = dyn_cast<AnyMemIntrinsic>(&I)) {
      W.Pointer = Mem->getRawDest();
      if (B)
        W.Bytes = B->CreateZExtOrTrunc(Mem->getLength(), Int64);
    } else if (auto *Call = dyn_cast<CallBase>(&I)) {
      if (Call->getIntrinsicID() == Intrinsic::masked_store)
        W = writtenUnderMask(*Call, B);
    }
    return W.Pointer && mayReachObject(W.Pointer) ? W : Written();
  }

  /// From the first lane that is stored to the last one: what lies beside may
  /// be mapped nowhere. Lanes between them that are not stored hold what they
  /// held, which is a store of nothing new.
  Written writtenUnderMask(CallBase &Call, IRBuilder<> *B) const {
    Value *P = Call.getArgOperand(1), *Mask = Call.getArgOperand(2);
    auto *T = dyn_cast<FixedVectorType>(Call.getArgOperand(0)->getType());
    if (!T || T->getNumElements() > 64)
      return {};
    if (!B)
      return {P, nullptr};
    auto Number = [&](uint64_t N) { return ConstantInt::get(Int64, N); };
    Value *Lanes = B->CreateZExt(
        B->CreateBitCast(Mask, B->getIntNTy(T->getNumElements())), Int64);
    auto Count = [&](Intrinsic::ID ID) {
      return B->CreateBinaryIntrinsic(ID, Lanes, B->getFalse());
    };
    Value *First = Count(Intrinsic::cttz);
    Value *End = B->CreateSub(Number(64), Count(Intrinsic::ctlz));
    // Without any lane the first is 64, the end 0.
    Value *Stored = B->CreateSelect(B->CreateICmpEQ(Lanes, Number(0)),
                                    Number(0), B->CreateSub(End, First));
    Value *Each = bytesOf(T->getElementType());
    return {B->CreatePtrAdd(P, B->CreateMul(First, Each)),
            B->CreateMul(Stored, Each)};
  }

  /// Whether it is a function of the C library that writes where an argument
  /// says.
  static bool mayWrite(const CallBase &Call) {
    const Function *Callee = Call.getCalledFunction();
    return Callee && Callee->isDeclarationForLinker() &&
           !Callee->isIntrinsic() &&
           !perdure::writesOf(Callee->getName()).empty();
  }

  /// "file:line" of the source, or the function where there is no debug info.
  Constant *place(const Instruction &I) {
    std::string Text = I.getFunction()->getName().str();
    if (const DebugLoc &At = I.getDebugLoc(); At && At.getLine())
      Text = (At->getFilename() + ":" + Twine(At.getLine())).str();
    Constant *&Place = Places[Text];
    if (!Place)
      Place = IRBuilder<>(M.getContext())
                  .CreateGlobalString(Text, "perdure.place", 0, &M);
    return Place;
  }

  /// Where what \p I has written can be traced.
  static std::optional<BasicBlock::iterator> behind(Instruction &I) {
    // A musttail call writes after all that we could insert.
    auto *Call = dyn_cast<CallInst>(&I);
    auto *Invoke = dyn_cast<InvokeInst>(&I);
    if ((Call && Call->isMustTailCall()) || (I.isTerminator() && !Invoke))
      return std::nullopt;
    if (!Invoke)
      return std::next(I.getIterator());
    // What else leads there has written nothing.
    BasicBlock *Next = Invoke->getNormalDest();
    if (!Next->getSinglePredecessor())
      Next = SplitEdge(I.getParent(), Next);
    return Next->getFirstInsertionPt();
  }

  /// Calls of functions with debug info need a location.
  DebugLoc locationOf(const Instruction &I) const {
    DebugLoc At = I.getDebugLoc();
    if (!At && I.getFunction()->getSubprogram())
      At = DILocation::get(M.getContext(), 0, 0,
                           I.getFunction()->getSubprogram());
    return At;
  }

  FunctionCallee runtime(StringRef Name, ArrayRef<Type *> Types) {
    AttributeList Quiet = AttributeList::get(
        M.getContext(), AttributeList::FunctionIndex, {Attribute::NoUnwind});
    return M.getOrInsertFunction(
        Name, FunctionType::get(Type::getVoidTy(M.getContext()), Types, false),
        Quiet);
  }

  void traceStore(IRBuilder<> &B, Value *P, Value *Bytes, Constant *Place) {
    B.CreateCall(runtime(StoreSymbol, {Pointer, Int64, Pointer}),
                 {P, Bytes, Place});
  }

  void trace(Instruction &I) {
    std::optional<BasicBlock::iterator> After = behind(I);
    if (!After)
      return;
    IRBuilder<> B((*After)->getParent(), *After);
    B.SetCurrentDebugLocation(locationOf(I));
    Written W = written(I, &B);
    traceStore(B, W.Pointer, W.Bytes, place(I));
  }

  void traceCall(CallBase &Call) {
    StringRef Name = Call.getCalledFunction()->getName();
    std::optional<perdure::CallWrites> Writes = perdure::writesOf(Call, Name);
    if (!Writes)
      return;
    if (Writes->Unseen)
      warn(Call, "what '" + Writes->Name +
                     "' stores is not traced: its format is no constant");
    std::optional<BasicBlock::iterator> After = behind(Call);
    if (!After) {
      warn(Call, "what '" + Writes->Name +
                     "' stores is not traced: nothing comes "
                     "behind the call");
      return;
    }
    IRBuilder<> Behind((*After)->getParent(), *After);
    Behind.SetCurrentDebugLocation(locationOf(Call));
    for (const perdure::WrittenRange &R : Writes->Ranges)
      traceRange(Call, R, Behind);
  }

  void traceRange(CallBase &Call, const perdure::WrittenRange &R,
                  IRBuilder<> &B) {
    using perdure::Write;
    Constant *Place = place(Call);
    if (R.Kind == Write::Vectors) {
      Value *Written = R.written(Call, R.P, nullptr, B);
      if (Written)
        B.CreateCall(runtime(VectorsSymbol, {Pointer, Int64, Int64, Pointer}),
                     {R.P, R.vectors(Call, B), Written, Place});
      return;
    }
    if (!mayReachObject(R.P))
      return;
    // All of the string; what was there before is no new content.
    bool IsString = R.Kind == Write::String || R.Kind == Write::Appended ||
                    R.Kind == Write::AppendedMost || R.Kind == Write::Ended;
    if (IsString && R.Unit == 1 && !R.MoreThan) {
      B.CreateCall(runtime(StringSymbol, {Pointer, Pointer}), {R.P, Place});
      return;
    }
    Value *P = R.P, *Most = nullptr;
    if (R.hasMost()) {
      IRBuilder<> Before(&Call);
      Before.SetCurrentDebugLocation(locationOf(Call));
      std::tie(P, Most) = R.most(Call, Before);
    }
    // Of the runtime, which traces what it does itself.
    if (R.Kind == Write::Unknown)
      return;
    Value *Written = R.written(Call, P, Most, B);
    traceStore(B, P, Written ? Written : Most, Place);
  }

  void warn(const Instruction &I, const Twine &What) {
    const Function &F = *I.getFunction();
    M.getContext().diagnose(DiagnosticInfoGenericWithLoc(
        "-fperdure-trace: " + What, F, I.getDebugLoc(), DS_Warning));
  }
};

/// `perdure-trace`.
struct TracePass : PassInfoMixin<TracePass> {
  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    // Loaded twice it would write down each store twice.
    if (M.getNamedMetadata("perdure.traced"))
      return PreservedAnalyses::all();
    M.getOrInsertNamedMetadata("perdure.traced");
    Tracer T(M);
    bool Changed = false;
    for (Function &F : M)
      if (!F.isDeclaration())
        Changed |= T.run(F);
    return Changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
  }
  static bool isRequired() { return true; }
};

} // namespace

extern "C" __attribute__((visibility("default"))) PassPluginLibraryInfo
llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "perdure-trace", "0.1",
          [](PassBuilder &PB) {
            PB.registerOptimizerLastEPCallback(
                [](ModulePassManager &MPM, OptimizationLevel,
                   ThinOrFullLTOPhase) { MPM.addPass(TracePass()); });
            PB.registerPipelineParsingCallback(
                [](StringRef Name, ModulePassManager &MPM,
                   ArrayRef<PassBuilder::PipelineElement>) {
                  if (Name != "perdure-trace")
                    return false;
                  MPM.addPass(TracePass());
                  return true;
                });
          },
          nullptr};
}

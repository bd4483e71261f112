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

#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"

using namespace llvm;

namespace {

constexpr StringLiteral StoreSymbol("__perdure_trace_store");
constexpr StringLiteral StringSymbol("__perdure_trace_string");

/// What an instruction writes: Bytes from Pointer on; without Bytes a string,
/// as long as it turns out to be.
struct Written {
  Value *Pointer = nullptr;
  Value *Bytes = nullptr;
};

/// libc's functions that write where an argument says.
struct Writer {
  StringLiteral Name;
  unsigned Pointer;
  int Bytes; // the argument that bounds them; -1: a string
  int Times; // the argument by which they are multiplied; -1: none
};
constexpr Writer Writers[] = {
    {"memcpy", 0, 2, -1},       {"memmove", 0, 2, -1},
    {"memset", 0, 2, -1},       {"mempcpy", 0, 2, -1},
    {"bcopy", 1, 2, -1},        {"bzero", 0, 1, -1},
    {"strncpy", 0, 2, -1},      {"stpncpy", 0, 2, -1},
    {"strcpy", 0, -1, -1},      {"stpcpy", 0, -1, -1},
    {"strcat", 0, -1, -1},      {"strncat", 0, -1, -1},
    {"strlcpy", 0, -1, -1},     {"strlcat", 0, -1, -1},
    {"sprintf", 0, -1, -1},     {"snprintf", 0, -1, -1},
    {"vsprintf", 0, -1, -1},    {"vsnprintf", 0, -1, -1},
    {"fgets", 0, -1, -1},       {"read", 1, 2, -1},
    {"pread", 1, 2, -1},        {"recv", 1, 2, -1},
    {"fread", 0, 1, 2},         {"swab", 1, 2, -1},
    {"getrandom", 0, 1, -1},    {"qsort", 0, 1, 2},
    {"perdure_qsort", 0, 1, 2}, {"strxfrm", 0, -1, -1},
    {"__fread_chk", 0, 2, 3},   {"explicit_bzero", 0, 1, -1},
};

class Tracer {
public:
  explicit Tracer(Module &M)
      : M(M), DL(M.getDataLayout()), Int64(Type::getInt64Ty(M.getContext())),
        Pointer(PointerType::getUnqual(M.getContext())) {}

  bool run(Function &F) {
    SmallVector<Instruction *> Stores;
    for (Instruction &I : instructions(F))
      if (I.mayWriteToMemory() && written(I, nullptr).Pointer)
        Stores.push_back(&I);
    for (Instruction *I : Stores)
      trace(*I);
    return !Stores.empty();
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
      W = writtenByCall(*Call, B);
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

  Written writtenByCall(CallBase &Call, IRBuilder<> *B) const {
    if (auto *Intrinsic = dyn_cast<IntrinsicInst>(&Call)) {
      if (Intrinsic->getIntrinsicID() == Intrinsic::masked_store)
        return writtenUnderMask(Call, B);
      return {};
    }
    const Function *Callee = Call.getCalledFunction();
    if (!Callee || Callee->hasInternalLinkage())
      return {};
    // What _FORTIFY_SOURCE calls: the same arguments come first, but for those
    // of the printf family, whose destination does as well, and of fread.
    StringRef Name = Callee->getName();
    if (Name != "__fread_chk" && Name.consume_front("__") &&
        !Name.consume_back("_chk"))
      return {};
    for (const Writer &W : Writers) {
      if (Name != W.Name || Call.arg_size() <= W.Pointer ||
          !Call.getArgOperand(W.Pointer)->getType()->isPointerTy())
        continue;
      Written Result{Call.getArgOperand(W.Pointer), nullptr};
      if (B && W.Bytes >= 0)
        Result.Bytes = B->CreateZExtOrTrunc(Call.getArgOperand(W.Bytes), Int64);
      if (B && W.Times >= 0)
        Result.Bytes = B->CreateMul(
            Result.Bytes,
            B->CreateZExtOrTrunc(Call.getArgOperand(W.Times), Int64));
      return Result;
    }
    return {};
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

  void trace(Instruction &I) {
    std::optional<BasicBlock::iterator> After = I.getInsertionPointAfterDef();
    // A musttail call writes after all that we could insert.
    auto *Call = dyn_cast<CallInst>(&I);
    if (!I.getType()->isVoidTy() ? !After : I.isTerminator())
      return;
    if (Call && Call->isMustTailCall())
      return;
    IRBuilder<> B(I.getParent(), I.getType()->isVoidTy()
                                     ? std::next(I.getIterator())
                                     : *After);
    // Calls of functions with debug info need a location.
    DebugLoc At = I.getDebugLoc();
    if (!At && I.getFunction()->getSubprogram())
      At = DILocation::get(M.getContext(), 0, 0,
                           I.getFunction()->getSubprogram());
    B.SetCurrentDebugLocation(At);
    Written W = written(I, &B);
    Constant *Place = place(I);
    AttributeList Quiet = AttributeList::get(
        M.getContext(), AttributeList::FunctionIndex, {Attribute::NoUnwind});
    if (!W.Bytes && isa<CallBase>(I)) {
      B.CreateCall(M.getOrInsertFunction(StringSymbol, Quiet, B.getVoidTy(),
                                         Pointer, Pointer),
                   {W.Pointer, Place});
      return;
    }
    B.CreateCall(M.getOrInsertFunction(StoreSymbol, Quiet, B.getVoidTy(),
                                       Pointer, Int64, Pointer),
                 {W.Pointer, W.Bytes, Place});
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

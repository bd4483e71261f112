//===- PaddingCopies.cpp - Copies of records leave padding alone ----------===//
//
// Under -fperdure-reduce-flips=padding. Clang copies a record, or the fields
// between two persistent pointers, by one memcpy, with the padding that lies in
// it. Such a copy becomes one for each run of fields, where it may go to an
// object. Which bytes are fields is told
//
//   - by `!tbaa.struct`, on copies of whole records without persistent
//   pointers;
//   - by `!perdure.copied`, from our Clang plugin, in the functions that Clang
//     makes for records with persistent pointers
//     (clang-plugin/FieldRanges.cpp).
//
// A memcpy that the program itself calls has neither, and copies every byte.
//
//===----------------------------------------------------------------------===//

#include "FlipPolicies.h"
#include "Sites.h"
#include "StorePolicies.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"

#include <set>

using namespace llvm;

namespace perdure {

namespace {

/// More pieces than this would cost more than they spare.
constexpr unsigned PieceLimit = 8;

/// Bytes [first, second), in order, with gaps between them.
using Ranges = SmallVector<std::pair<uint64_t, uint64_t>, 8>;

Ranges inOrder(Ranges R) {
  llvm::sort(R);
  Ranges Result;
  for (auto [From, To] : R) {
    if (From >= To)
      continue;
    if (!Result.empty() && From <= Result.back().second)
      Result.back().second = std::max(Result.back().second, To);
    else
      Result.push_back({From, To});
  }
  return Result;
}

/// What of \p R lies in the \p Bytes behind \p At, as offsets from there.
Ranges partOf(const Ranges &R, uint64_t At, uint64_t Bytes) {
  Ranges Result;
  for (auto [From, To] : R)
    Result.push_back(
        {std::max(From, At) - At, std::min(std::max(To, At), At + Bytes) - At});
  return inOrder(Result);
}

/// A record, as `!perdure.copied` describes it: its fields' bytes, where fields
/// begin and end, and the functions that copy it, none in C.
struct Record {
  Ranges Fields;
  std::set<uint64_t> Begins, Ends;
};

class PaddingCopies {
  Module &M;
  StringMap<Record> ByFunction;  // C++
  SmallVector<Record, 8> Shared; // C: who uses a helper is not known

public:
  explicit PaddingCopies(Module &M) : M(M) {
    if (const NamedMDNode *All = M.getNamedMetadata("perdure.copied"))
      for (const MDNode *N : All->operands())
        read(*N);
  }

  void run() {
    SmallVector<std::pair<MemCpyInst *, Ranges>, 8> Work;
    for (Function &F : M)
      for (Instruction &I : instructions(F))
        if (auto *Copy = dyn_cast<MemCpyInst>(&I))
          if (Ranges R = fieldsOf(*Copy); !R.empty())
            Work.push_back({Copy, R});
    for (auto &[Copy, R] : Work)
      split(*Copy, R);
  }

private:
  /// !{!"function", ..., i64 begin, i64 end, i64 whole, ...}: the numbers for
  /// each field at each level; not whole where only its parts are copied.
  void read(const MDNode &N) {
    Record R;
    SmallVector<StringRef, 4> Functions;
    SmallVector<uint64_t, 32> Numbers;
    for (const MDOperand &Op : N.operands()) {
      if (auto *Name = dyn_cast<MDString>(Op))
        Functions.push_back(Name->getString());
      else
        Numbers.push_back(mdconst::extract<ConstantInt>(Op)->getZExtValue());
    }
    for (unsigned I = 0; I + 2 < Numbers.size(); I += 3) {
      R.Begins.insert(Numbers[I]);
      R.Ends.insert(Numbers[I + 1]);
      if (Numbers[I + 2])
        R.Fields.push_back({Numbers[I], Numbers[I + 1]});
    }
    R.Fields = inOrder(R.Fields);
    for (StringRef Name : Functions)
      ByFunction[Name] = R;
    if (Functions.empty())
      Shared.push_back(R);
  }

  /// The runs of fields that \p Copy has to copy; empty where it is to stay.
  Ranges fieldsOf(const MemCpyInst &Copy) const {
    auto *Length = dyn_cast<ConstantInt>(Copy.getLength());
    if (!Length || Length->getValue().ugt(1u << 20) || Copy.isVolatile() ||
        Copy.getDestAddressSpace() != 0 || !mayBeInObject(Copy.getRawDest()))
      return {};
    uint64_t Bytes = Length->getZExtValue();
    Ranges R;
    if (const MDNode *Tags = Copy.getMetadata(LLVMContext::MD_tbaa_struct))
      R = taggedFields(*Tags, Bytes);
    else
      R = helpersFields(Copy, Bytes);
    bool IsWhole = R.size() == 1 && R[0].first == 0 && R[0].second == Bytes;
    if (IsWhole || R.size() > PieceLimit)
      return {};
    return R;
  }

  static Ranges taggedFields(const MDNode &Tags, uint64_t Bytes) {
    Ranges R;
    for (unsigned I = 0; I + 2 < Tags.getNumOperands(); I += 3) {
      uint64_t At =
          mdconst::extract<ConstantInt>(Tags.getOperand(I))->getZExtValue();
      R.push_back(
          {At, At + mdconst::extract<ConstantInt>(Tags.getOperand(I + 1))
                        ->getZExtValue()});
    }
    return partOf(inOrder(R), 0, Bytes);
  }

  /// Of a copy inside a function that Clang made to copy a record.
  Ranges helpersFields(const MemCpyInst &Copy, uint64_t Bytes) const {
    const Function &F = *Copy.getFunction();
    auto Found = ByFunction.find(F.getName());
    bool IsHelper = isCopyHelper(F);
    if (Found == ByFunction.end() && !IsHelper)
      return {};
    APInt Offset(64, 0);
    const Value *Base = Copy.getRawDest()->stripAndAccumulateConstantOffsets(
        M.getDataLayout(), Offset, /*AllowNonInbounds=*/true);
    if (F.arg_empty() || !isArgument(Base, *F.getArg(0)) || Offset.isNegative())
      return {};
    uint64_t At = Offset.getZExtValue();
    if (Found != ByFunction.end())
      return partOf(Found->second.Fields, At, Bytes);
    // A helper serves all records whose pointers lie alike. One whose fields
    // neither begin nor end where the copy does is none of them.
    std::optional<Ranges> All;
    for (const Record &R : Shared) {
      if (!R.Begins.count(At) || !R.Ends.count(At + Bytes))
        continue;
      Ranges Its = partOf(R.Fields, At, Bytes);
      if (All)
        Its.append(All->begin(), All->end());
      All = inOrder(Its);
    }
    return All.value_or(Ranges());
  }

  /// Internal: of this file alone, whose records we know (CopyHelpers.cpp).
  static bool isCopyHelper(const Function &F) {
    StringRef Name = F.getName();
    return F.hasInternalLinkage() && (Name.starts_with("__copy_constructor_") ||
                                      Name.starts_with("__move_constructor_") ||
                                      Name.starts_with("__copy_assignment_") ||
                                      Name.starts_with("__move_assignment_"));
  }

  /// Also where it has been put on the stack, and nothing else has.
  static bool isArgument(const Value *V, const Argument &A) {
    if (V == &A)
      return true;
    auto *Load = dyn_cast<LoadInst>(V);
    auto *Slot =
        Load ? dyn_cast<AllocaInst>(Load->getPointerOperand()) : nullptr;
    if (!Slot)
      return false;
    bool Stored = false;
    for (const User *U : Slot->users()) {
      if (auto *S = dyn_cast<StoreInst>(U);
          S && S->getPointerOperand() == Slot) {
        if (S->getValueOperand() != &A)
          return false;
        Stored = true;
      } else if (!isa<LoadInst>(U) && !U->isDroppable()) {
        auto *II = dyn_cast<IntrinsicInst>(U);
        if (!II || !II->isLifetimeStartOrEnd())
          return false;
      }
    }
    return Stored;
  }

  static void split(MemCpyInst &Copy, const Ranges &R) {
    IRBuilder<> B(&Copy);
    Value *To = Copy.getRawDest(), *From = Copy.getRawSource();
    Align ToAlign = Copy.getDestAlign().valueOrOne(),
          FromAlign = Copy.getSourceAlign().valueOrOne();
    auto At = [&](Value *P, uint64_t Offset) {
      return Offset ? B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), P, Offset)
                    : P;
    };
    for (auto [Begin, End] : R)
      B.CreateMemCpy(At(To, Begin), commonAlignment(ToAlign, Begin),
                     At(From, Begin), commonAlignment(FromAlign, Begin),
                     End - Begin);
    Copy.eraseFromParent();
  }
};

} // namespace

PreservedAnalyses PaddingCopiesPass::run(Module &M, ModuleAnalysisManager &) {
  if (!reducesFlips(M, FlipPolicy::Padding))
    return PreservedAnalyses::all();
  PaddingCopies(M).run();
  // What it says holds for this file alone; LTO would put all files' together.
  if (NamedMDNode *All = M.getNamedMetadata("perdure.copied"))
    M.eraseNamedMetadata(All);
  return PreservedAnalyses::none();
}

} // namespace perdure

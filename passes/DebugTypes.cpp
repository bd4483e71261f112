//===- DebugTypes.cpp - Types that gdb knows ------------------------------===//
//
// Clang describes a translated pointer by DW_TAG_LLVM_ptrauth_type, which gdb
// prints as <unknown type>. A typedef over the plain pointer takes its place:
//
//   perdure_ptr(struct node *)              encoding object
//   perdure_ptr[strict](struct node *)      any other
//
// so that a debugger shows the stored bits as a pointer, and a pretty-printer
// recognises the name and decodes.
//
//===----------------------------------------------------------------------===//

#include "Encoding.h"
#include "Passes.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/DebugProgramInstruction.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

namespace {

class DebugTypes {
  Module &M;
  SmallVector<MDNode *, 64> Work;
  SmallPtrSet<MDNode *, 32> Seen;
  struct Change {
    MDNode *N;
    unsigned Operand;
    DIDerivedType *Old;
  };
  SmallVector<Change, 16> Changes;
  bool IsC = true;

public:
  explicit DebugTypes(Module &M) : M(M) {}

  bool run() {
    if (M.debug_compile_units().empty())
      return false;
    IsC = dwarf::isC(dwarf::SourceLanguage(
        (*M.debug_compile_units_begin())->getSourceLanguage().getUnversionedName()));
    visitRoots();
    while (!Work.empty()) {
      MDNode *N = Work.pop_back_val();
      for (unsigned I = 0; I != N->getNumOperands(); ++I)
        if (auto *Op = dyn_cast_or_null<MDNode>(N->getOperand(I).get())) {
          if (match(Op))
            Changes.push_back({N, I, cast<DIDerivedType>(Op)});
          visit(Op);
        }
    }
    // Names first: they are read from the types that the changes replace.
    DenseMap<DIDerivedType *, DIType *> New;
    for (Change &C : Changes)
      if (!New.count(C.Old))
        New[C.Old] = makeTypedef(C.Old);
    for (Change &C : Changes)
      C.N->replaceOperandWith(C.Operand, New[C.Old]);
    return !Changes.empty();
  }

private:
  void visit(MDNode *N) {
    if (N && Seen.insert(N).second)
      Work.push_back(N);
  }

  void visitRoots() {
    for (NamedMDNode &N : M.named_metadata())
      for (MDNode *Op : N.operands())
        visit(Op);
    SmallVector<std::pair<unsigned, MDNode *>, 8> MDs;
    auto VisitAttached = [&](auto &Holder) {
      MDs.clear();
      Holder.getAllMetadata(MDs);
      for (auto &[Kind, N] : MDs)
        visit(N);
    };
    for (GlobalObject &GO : M.global_objects())
      VisitAttached(GO);
    for (Function &F : M)
      for (Instruction &I : instructions(F)) {
        VisitAttached(I);
        for (DbgRecord &R : I.getDbgRecordRange()) {
          visit(R.getDebugLoc().getAsMDNode());
          if (auto *V = dyn_cast<DbgVariableRecord>(&R))
            visit(V->getRawVariable());
        }
      }
  }

  static const Encoding *match(MDNode *N) {
    auto *T = dyn_cast<DIDerivedType>(N);
    if (!T || T->getTag() != dwarf::DW_TAG_LLVM_ptrauth_type)
      return nullptr;
    std::optional<DIDerivedType::PtrAuthData> P = T->getPtrAuthData();
    if (!P || !P->isAddressDiscriminated())
      return nullptr;
    return matchSchema(P->key(), P->extraDiscriminator());
  }

  /// The type as its language writes it, as far as a reader needs.
  std::string write(DIType *T, unsigned Depth = 0) {
    if (!T)
      return "void";
    if (Depth > 8)
      return "...";
    if (auto *C = dyn_cast<DICompositeType>(T)) {
      StringRef Name = C->getName().empty() ? "<anonymous>" : C->getName();
      if (!IsC)
        return Name.str();
      switch (C->getTag()) {
      case dwarf::DW_TAG_structure_type:
        return ("struct " + Name).str();
      case dwarf::DW_TAG_union_type:
        return ("union " + Name).str();
      case dwarf::DW_TAG_enumeration_type:
        return ("enum " + Name).str();
      default:
        return Name.str();
      }
    }
    auto *D = dyn_cast<DIDerivedType>(T);
    if (!D)
      return T->getName().empty() ? "<type>" : T->getName().str();
    std::string Base;
    switch (D->getTag()) {
    case dwarf::DW_TAG_pointer_type:
      Base = write(D->getBaseType(), Depth + 1);
      return Base + (Base.back() == '*' ? "*" : " *");
    case dwarf::DW_TAG_const_type:
      return "const " + write(D->getBaseType(), Depth + 1);
    case dwarf::DW_TAG_volatile_type:
      return "volatile " + write(D->getBaseType(), Depth + 1);
    case dwarf::DW_TAG_LLVM_ptrauth_type:
      if (const Encoding *E = match(D))
        return name(D, *E, Depth + 1);
      return write(D->getBaseType(), Depth + 1);
    default:
      return D->getName().empty() ? write(D->getBaseType(), Depth + 1)
                                  : D->getName().str();
    }
  }

  std::string name(DIDerivedType *T, const Encoding &E, unsigned Depth = 0) {
    std::string Which =
        E.Number == 0 ? std::string() : ("[" + E.Name + "]").str();
    return "perdure_ptr" + Which + "(" + write(T->getBaseType(), Depth) + ")";
  }

  DIType *makeTypedef(DIDerivedType *T) {
    return DIDerivedType::get(
        M.getContext(), dwarf::DW_TAG_typedef, name(T, *match(T)),
        /*File=*/nullptr, /*Line=*/0, /*Scope=*/nullptr, T->getBaseType(),
        /*SizeInBits=*/uint64_t(0), /*AlignInBits=*/0,
        /*OffsetInBits=*/uint64_t(0), std::nullopt, std::nullopt,
        DINode::FlagZero);
  }
};

} // namespace

bool rewriteDebugTypes(Module &M) { return DebugTypes(M).run(); }

} // namespace perdure

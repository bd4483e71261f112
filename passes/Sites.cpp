//===- Sites.cpp - Sites in IR --------------------------------------------===//
//
// docs/passes/Sites.md says how a site gets from Clang's GEPs into the binary.
//
//===----------------------------------------------------------------------===//

#include "Sites.h"
#include "Config.h"
#include "Contract.h"
#include "Passes.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/Demangle/Demangle.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/GetElementPtrTypeIterator.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

#include <map>
#include <set>

using namespace llvm;

namespace perdure {

static constexpr StringLiteral Flag("perdure.sites");
static constexpr StringLiteral FieldsNode("perdure.fields");
static constexpr StringLiteral NamesSymbol("perdure.names");
static const StringRef NoLines("no file");

bool wantsSites(const Module &M) {
  auto *On = mdconst::extract_or_null<ConstantInt>(M.getModuleFlag(Flag));
  return On && On->isOne();
}

bool requestSites(Module &M) {
  // The plugin sets it to 0 where the user wants none.
  if (M.getModuleFlag(Flag))
    return false;
  if (!M.getTargetTriple().isOSBinFormatELF() ||
      (!hasContractCalls(M) && !M.getNamedMetadata("perdure.types")))
    return false;
  // Other code models use 64-bit references, which the table does not have.
  std::optional<CodeModel::Model> CM = M.getCodeModel();
  if (CM && *CM != CodeModel::Small && *CM != CodeModel::Kernel)
    return false;
  if (llvm::none_of(M.debug_compile_units(), [](DICompileUnit *CU) {
        return CU->getEmissionKind() != DICompileUnit::NoDebug;
      }))
    return false;
  M.addModuleFlag(Module::Max, Flag, 1);
  return true;
}

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

/// "a<b>::c<d>" without what the angle brackets hold: IR names have none.
static std::string withoutArguments(StringRef Name) {
  std::string Result;
  unsigned Depth = 0;
  for (char C : Name) {
    Depth += C == '<';
    if (!Depth)
      Result += C;
    Depth -= C == '>' && Depth;
  }
  return Result;
}

static std::string qualifiedName(const DIType &T, StringRef Name) {
  std::string Result = Name.str();
  for (const DIScope *S = T.getScope(); S; S = S->getScope()) {
    if (auto *N = dyn_cast<DINamespace>(S))
      Result = (N->getName().empty() ? "(anonymous namespace)" : N->getName())
                   .str() +
               "::" + Result;
    else if (auto *C = dyn_cast<DICompositeType>(S))
      Result = (C->getName() + "::" + Result).str();
    else
      break;
  }
  return Result;
}

static const DIType *stripTypedefs(const DIType *T) {
  while (auto *D = dyn_cast_or_null<DIDerivedType>(T)) {
    switch (D->getTag()) {
    case dwarf::DW_TAG_typedef:
    case dwarf::DW_TAG_const_type:
    case dwarf::DW_TAG_volatile_type:
    case dwarf::DW_TAG_restrict_type:
    case dwarf::DW_TAG_atomic_type:
      T = D->getBaseType();
      continue;
    default:
      return T;
    }
  }
  return T;
}

static bool isRecord(const DIType *T) {
  return T && (T->getTag() == dwarf::DW_TAG_structure_type ||
               T->getTag() == dwarf::DW_TAG_class_type ||
               T->getTag() == dwarf::DW_TAG_union_type);
}

Records::Records(const Module &M) : DL(M.getDataLayout()) {
  DebugInfoFinder Finder;
  Finder.processModule(M);
  bool IsC = true;
  for (DICompileUnit *CU : Finder.compile_units())
    IsC &= dwarf::isC(
        dwarf::SourceLanguage(CU->getSourceLanguage().getUnversionedName()));
  for (const DIType *T : Finder.types()) {
    // A record without a name of its own goes by its typedef's.
    const auto *D = dyn_cast<DIDerivedType>(T);
    bool IsTypedef = D && D->getTag() == dwarf::DW_TAG_typedef;
    const auto *R =
        dyn_cast_or_null<DICompositeType>(IsTypedef ? D->getBaseType() : T);
    if (!isRecord(R) || R->isForwardDecl() || T->getName().empty() ||
        (IsTypedef && !R->getName().empty()))
      continue;
    std::string Qualified = qualifiedName(*T, T->getName());
    std::string Shown = Qualified;
    if (IsC && !IsTypedef)
      Shown = (R->getTag() == dwarf::DW_TAG_union_type ? "union " : "struct ") +
              Shown;
    add(Qualified, R, Shown);
    std::string Bare = withoutArguments(Qualified);
    if (Bare != Qualified)
      add(Bare, R, Shown);
    if (!R->getIdentifier().empty())
      add(R->getIdentifier(), R, Shown);
  }
}

void Records::add(StringRef Key, Record *T, std::string Name) {
  auto &Entries = ByName[Key];
  if (llvm::none_of(Entries, [&](const Entry &E) { return E.Type == T; }))
    Entries.push_back({T, std::move(Name)});
}

/// Appends the path to what lies \p Offset bytes into \p T.
static void appendPath(const DIType *T, uint64_t Offset, uint64_t Bytes,
                       std::string &Path) {
  T = stripTypedefs(T);
  auto *C = dyn_cast_or_null<DICompositeType>(T);
  if (!C)
    return;
  if (C->getTag() == dwarf::DW_TAG_array_type) {
    const DIType *Element = stripTypedefs(C->getBaseType());
    uint64_t Size = Element ? Element->getSizeInBits() / 8 : 0;
    Path += "[]";
    if (Size && isRecord(Element))
      appendPath(Element, Offset % Size, Bytes, Path);
    return;
  }
  // Which member of a union is meant, the offset does not say; a copy of the
  // whole record is of no one field.
  if (!isRecord(C) || C->getTag() == dwarf::DW_TAG_union_type ||
      (Offset == 0 && (!Bytes || Bytes == C->getSizeInBits() / 8) &&
       C->getElements().size() > 1))
    return;
  for (const DINode *N : C->getElements()) {
    auto *Member = dyn_cast<DIDerivedType>(N);
    if (!Member || Member->isStaticMember() ||
        (Member->getTag() != dwarf::DW_TAG_member &&
         Member->getTag() != dwarf::DW_TAG_inheritance))
      continue;
    const DIType *Base = stripTypedefs(Member->getBaseType());
    uint64_t Begin = Member->getOffsetInBits() / 8;
    uint64_t Size = (Member->getSizeInBits() + 7) / 8;
    if (!Size && Base)
      Size = (Base->getSizeInBits() + 7) / 8;
    // A flexible array has no size: it is all that follows.
    bool Flexible = !Size && Base && Base->getTag() == dwarf::DW_TAG_array_type;
    if (Offset < Begin || (!Flexible && Offset >= Begin + Size))
      continue;
    if (Member->isBitField()) {
      // Several share these bytes.
      return;
    }
    if (Member->getTag() == dwarf::DW_TAG_member && !Member->getName().empty())
      Path += ("." + Member->getName()).str();
    appendPath(Base, Offset - Begin, Bytes, Path);
    return;
  }
}

using VisitField = function_ref<void(StringRef, const DIType *)>;

/// What appendPath says of each place in \p T.
static void visitPaths(const DIType *T, const std::string &Path,
                       VisitField Visit) {
  const DIType *Plain = stripTypedefs(T);
  auto *C = dyn_cast_or_null<DICompositeType>(Plain);
  if (!C) {
    if (Plain)
      Visit(Path, T);
    return;
  }
  if (C->getTag() == dwarf::DW_TAG_array_type)
    return visitPaths(C->getBaseType(), Path + "[]", Visit);
  if (!isRecord(C) || C->getTag() == dwarf::DW_TAG_union_type)
    return;
  for (const DINode *N : C->getElements()) {
    auto *Member = dyn_cast<DIDerivedType>(N);
    if (!Member || Member->isStaticMember() || Member->isBitField() ||
        (Member->getTag() != dwarf::DW_TAG_member &&
         Member->getTag() != dwarf::DW_TAG_inheritance))
      continue;
    bool Named = Member->getTag() == dwarf::DW_TAG_member &&
                 !Member->getName().empty();
    visitPaths(Member->getBaseType(),
               Named ? Path + ("." + Member->getName()).str() : Path, Visit);
  }
}

void Records::visitFields(VisitField Visit) const {
  for (const auto &Key : ByName)
    for (const Entry &E : Key.second)
      visitPaths(E.Type, E.Name, Visit);
}

std::string Records::describe(StringRef Key, uint64_t RecordBytes,
                              uint64_t Offset, uint64_t Bytes) const {
  auto It = ByName.find(Key);
  if (It == ByName.end())
    return "";
  std::string Result;
  for (const Entry &E : It->second) {
    uint64_t Size = E.Type->getSizeInBits() / 8;
    if (RecordBytes && Size != RecordBytes)
      continue;
    std::string Path;
    appendPath(E.Type, Offset, Bytes, Path);
    std::string Text = E.Name + Path;
    if (Result.empty())
      Result = Text;
    else if (Result != Text)
      // Instances of one template that IR does not tell apart.
      return withoutArguments(E.Name) +
             (StringRef(Result).ends_with(Path) ? Path : std::string());
  }
  return Result;
}

std::string Records::fieldFromGEPs(const Value *Pointer, uint64_t Bytes) const {
  // The outermost record on the way, and how far into it the address lies:
  // in element 0 of arrays, since the field's name is the same for all.
  StructType *Outermost = nullptr;
  int64_t Offset = 0, Within = 0;
  for (auto *GEP = dyn_cast<GEPOperator>(Pointer); GEP && Offset >= 0;
       GEP = dyn_cast<GEPOperator>(GEP->getPointerOperand())) {
    if (auto *T = dyn_cast<StructType>(GEP->getSourceElementType())) {
      SmallVector<Value *, 4> Indices(GEP->indices());
      Indices[0] = ConstantInt::get(Indices[0]->getType(), 0);
      if (T->isLiteral() ||
          llvm::any_of(Indices, [](Value *V) { return !isa<ConstantInt>(V); }))
        break;
      Offset += DL.getIndexedOffsetInType(T, Indices);
      if (Offset >= static_cast<int64_t>(DL.getTypeAllocSize(T)))
        break;
      Outermost = T;
      Within = Offset;
      continue;
    }
    APInt Constant(DL.getIndexTypeSizeInBits(GEP->getType()), 0);
    if (!Outermost && GEP->accumulateConstantOffset(DL, Constant))
      Offset += Constant.getSExtValue();
  }
  if (!Outermost || !Outermost->hasName())
    return "";
  StringRef Name = Outermost->getName();
  Name = Name.substr(Name.find('.') + 1);
  uint64_t Size = DL.getTypeAllocSize(Outermost);
  std::string Text = describe(Name, Size, Within, Bytes);
  if (!Text.empty())
    return Text;
  // LLVM numbers records of one name apart.
  auto [Bare, Number] = Name.rsplit('.');
  unsigned Ignored;
  if (!Number.getAsInteger(10, Ignored))
    return describe(Bare, Size, Within, Bytes);
  return "";
}

std::string Records::fieldFromTBAA(const MDNode *Tag, uint64_t Bytes) const {
  // !{base type, access type, offset}; a scalar's two types are the same.
  if (!Tag || Tag->getNumOperands() < 3 ||
      Tag->getOperand(0) == Tag->getOperand(1))
    return "";
  auto *Base = dyn_cast<MDNode>(Tag->getOperand(0));
  auto *Offset = mdconst::dyn_extract<ConstantInt>(Tag->getOperand(2));
  auto *Name = Base && Base->getNumOperands()
                   ? dyn_cast<MDString>(Base->getOperand(0))
                   : nullptr;
  if (!Name || !Offset)
    return "";
  uint64_t At = Offset->getZExtValue();
  std::string Text = describe(Name->getString(), 0, At, Bytes);
  if (!Text.empty() || !Name->getString().starts_with("_ZTS"))
    return Text;
  std::string Plain = demangle(Name->getString());
  StringRef Rest(Plain);
  Rest.consume_front("typeinfo name for ");
  return describe(Rest, 0, At, Bytes);
}

std::string Records::field(const Value *Pointer, const MDNode *TBAA,
                           uint64_t Bytes) const {
  std::string Text;
  if (Pointer)
    Text = fieldFromGEPs(Pointer, Bytes);
  return Text.empty() ? fieldFromTBAA(TBAA, Bytes) : Text;
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

Access Access::get(const Instruction &I, const DataLayout &DL) {
  auto Of = [&](const Value *P, Type *T) {
    TypeSize Size = DL.getTypeStoreSize(T);
    return Access{P, Size.isScalable() ? 0 : Size.getFixedValue()};
  };
  if (auto *L = dyn_cast<LoadInst>(&I))
    return Of(L->getPointerOperand(), L->getType());
  if (auto *S = dyn_cast<StoreInst>(&I))
    return Of(S->getPointerOperand(), S->getValueOperand()->getType());
  if (auto *R = dyn_cast<AtomicRMWInst>(&I))
    return Of(R->getPointerOperand(), R->getType());
  if (auto *X = dyn_cast<AtomicCmpXchgInst>(&I))
    return Of(X->getPointerOperand(), X->getNewValOperand()->getType());
  return {};
}

bool mayBeInObject(const Value *Pointer) {
  const Value *Object = getUnderlyingObject(Pointer);
  if (auto *A = dyn_cast<Argument>(Object))
    return !A->hasByValAttr(); // `new (p) T(make())` has make write at p
  return !isa<AllocaInst, Constant>(Object);
}

/// What a source position is called in the notes.
static std::string noteKey(const DILocation &Loc, uint64_t Bytes,
                           bool IsStore) {
  // Copies have 0 bytes: they become accesses of whatever size.
  return (Loc.getFilename() + ":" + Twine(Loc.getLine()) + ":" +
          Twine(Loc.getColumn()) + ":" + Twine(Bytes) + (IsStore ? ":w" : ":r"))
      .str();
}

/// Clang gives the calls of copy helpers line 0: that of what leads to them, in
/// the same statement as a rule. Inlining hands it on.
static void locateHelperCalls(Function &F) {
  for (BasicBlock &BB : F) {
    DebugLoc Last;
    for (Instruction &I : BB) {
      auto *CB = dyn_cast<CallBase>(&I);
      Function *Callee = CB ? CB->getCalledFunction() : nullptr;
      bool Placed = I.getDebugLoc() && I.getDebugLoc().getLine();
      if (Placed)
        Last = I.getDebugLoc();
      else if (Callee && Last && hasNoLines(*Callee))
        I.setDebugLoc(Last);
    }
  }
}

bool noteFields(Module &M) {
  if (!wantsSites(M) || M.getNamedMetadata(FieldsNode) ||
      M.getNamedValue(NamesSymbol))
    return false;
  for (Function &F : M)
    if (F.getSubprogram())
      locateHelperCalls(F);
  Records R(M);
  const DataLayout &DL = M.getDataLayout();
  std::map<std::string, std::string> Notes;
  for (Function &F : M)
    for (Instruction &I : instructions(F)) {
      const DILocation *Loc = placeOf(I);
      if (!Loc)
        continue;
      auto Note = [&](const Value *Pointer, uint64_t Bytes, uint64_t KeyBytes,
                      bool IsStore) {
        if (!mayBeInObject(Pointer))
          return;
        std::string Field =
            R.field(Pointer, I.getMetadata(LLVMContext::MD_tbaa), Bytes);
        auto [It, New] =
            Notes.insert({noteKey(*Loc, KeyBytes, IsStore), Field});
        // A macro's expansion has one position for all that it touches.
        if (!New && It->second != Field)
          It->second = "";
      };
      if (auto *MI = dyn_cast<MemIntrinsic>(&I)) {
        auto *Length = dyn_cast<ConstantInt>(MI->getLength());
        uint64_t Bytes = Length ? Length->getZExtValue() : 0;
        Note(MI->getRawDest(), Bytes, 0, /*IsStore=*/true);
        if (auto *MT = dyn_cast<MemTransferInst>(MI))
          Note(MT->getRawSource(), Bytes, 0, /*IsStore=*/false);
      } else if (Access A = Access::get(I, DL); A.Pointer) {
        Note(A.Pointer, A.Bytes, A.Bytes, isa<StoreInst>(I));
      }
    }
  if (Notes.empty())
    return false;
  LLVMContext &C = M.getContext();
  NamedMDNode *Node = M.getOrInsertNamedMetadata(FieldsNode);
  for (auto &[Key, Field] : Notes)
    if (!Field.empty())
      Node->addOperand(
          MDNode::get(C, {MDString::get(C, Key), MDString::get(C, Field)}));
  return true;
}

//===----------------------------------------------------------------------===//
// Sites
//===----------------------------------------------------------------------===//

uint32_t hashName(StringRef Name) {
  // FNV-1a; 0 stands for no name.
  uint32_t Hash = 2166136261u;
  for (char C : Name)
    Hash = (Hash ^ static_cast<unsigned char>(C)) * 16777619u;
  return Hash ? Hash : 1;
}

bool hasNoLines(const Function &F) {
  const DISubprogram *SP = F.getSubprogram();
  return !F.isDeclaration() && F.hasLocalLinkage() && (!SP || !SP->getLine());
}

const DILocation *placeOf(const DILocation *Loc) {
  while (Loc && !Loc->getLine())
    Loc = Loc->getInlinedAt();
  return Loc;
}

const DILocation *placeOf(const Instruction &I) {
  return placeOf(I.getDebugLoc().get());
}

bool tellsSite(const MDNode *PCSections) {
  if (PCSections)
    for (const MDOperand &Op : PCSections->operands())
      if (auto *S = dyn_cast<MDString>(Op))
        if (S->getString() == abi::SitesSection)
          return true;
  return false;
}

MDNode *makeSite(LLVMContext &C, const DILocation *Loc, StringRef Field,
                 bool IsCall, MDNode *Other) {
  auto Word = [&](uint32_t V) {
    return ConstantAsMetadata::get(ConstantInt::get(Type::getInt32Ty(C), V));
  };
  uint32_t Line =
      Loc ? std::min<uint32_t>(Loc->getLine(), abi::SiteLineMax) : 0;
  uint32_t Head = abi::SiteMark | (IsCall ? abi::SiteCall : 0) | Line;
  SmallVector<Metadata *, 4> Ops;
  if (Other)
    Ops.append(Other->op_begin(), Other->op_end());
  Ops.push_back(MDString::get(C, abi::SitesSection));
  Ops.push_back(MDNode::get(
      C, {Word(Head), Word(hashName(Loc ? Loc->getFilename() : NoLines)),
          Word(Field.empty() ? 0 : hashName(Field))}));
  return MDNode::get(C, Ops);
}

Notes::Notes(const Module &M) {
  if (const NamedMDNode *Node = M.getNamedMetadata(FieldsNode))
    for (const MDNode *N : Node->operands())
      Fields[cast<MDString>(N->getOperand(0))->getString()] =
          cast<MDString>(N->getOperand(1))->getString();
}

StringRef Notes::lookup(const DILocation &Loc, uint64_t Bytes,
                        bool IsStore) const {
  if (Fields.empty())
    return "";
  auto It = Fields.find(noteKey(Loc, Bytes, IsStore));
  if (It == Fields.end())
    It = Fields.find(noteKey(Loc, 0, IsStore));
  return It == Fields.end() ? StringRef() : It->second;
}

PreservedAnalyses SitesPass::run(Module &M, ModuleAnalysisManager &) {
  std::set<std::string> Names;
  if (wantsSites(M) && !M.getNamedValue(NamesSymbol)) {
    Records R(M);
    Notes N(M);
    for (const auto &Note : N.all())
      Names.insert(Note.second.str());
    const DataLayout &DL = M.getDataLayout();
    for (Function &F : M) {
      bool Bare = hasNoLines(F);
      for (Instruction &I : instructions(F)) {
        const DILocation *Loc = placeOf(I);
        if (!Loc && !Bare)
          continue;
        StringRef File = Loc ? Loc->getFilename() : NoLines;
        Access A = Access::get(I, DL);
        // The back end has no instruction to attach a call's metadata to: that
        // is the machine pass's. Its file's name is needed all the same.
        if (!A.Pointer) {
          if (I.mayReadOrWriteMemory())
            Names.insert(File.str());
          continue;
        }
        MDNode *Old = I.getMetadata(LLVMContext::MD_pcsections);
        if (tellsSite(Old) || !mayBeInObject(A.Pointer))
          continue;
        // The note was made from the whole way to the field; TBAA knows the
        // innermost record of an array's element, but tells the accesses of
        // one macro apart.
        std::string Field;
        if (Loc)
          Field = N.lookup(*Loc, A.Bytes, isa<StoreInst>(I)).str();
        if (Field.empty())
          Field =
              R.field(A.Pointer, I.getMetadata(LLVMContext::MD_tbaa), A.Bytes);
        Names.insert(File.str());
        if (!Field.empty())
          Names.insert(Field);
        I.setMetadata(LLVMContext::MD_pcsections,
                      makeSite(M.getContext(), Loc, Field, false, Old));
      }
    }
  }
  if (Names.empty())
    return PreservedAnalyses::all();

  std::string Text;
  for (const std::string &Name : Names) {
    uint32_t Hash = hashName(Name);
    for (unsigned Byte = 0; Byte != 4; ++Byte)
      Text += static_cast<char>(Hash >> (8 * Byte));
    Text += Name;
    Text += '\0';
  }
  Constant *Data =
      ConstantDataArray::getString(M.getContext(), Text, /*AddNull=*/false);
  auto *G = new GlobalVariable(M, Data->getType(), /*isConstant=*/true,
                               GlobalValue::PrivateLinkage, Data, NamesSymbol);
  G->setSection(abi::NamesSection);
  G->setAlignment(Align(1));
  appendToUsed(M, {G});
  return PreservedAnalyses::none();
}

} // namespace perdure

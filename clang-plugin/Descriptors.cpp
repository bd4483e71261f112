//===- Descriptors.cpp - What the binary says of the TU's types -----------===//
//
// Each annotated record, what a program takes the root of an object for, and what
// these lead to by persistent pointers and parts, as lines of text: names, places and
// types of all fields. The passes put the texts into a section of the binary, the
// runtime into objects. docs/Types.md has the grammar.
//
// The layout's hash does not depend on what a pointer leads to, but for its name: so
// types may lead to each other, and a file in which such a type is incomplete says the
// same as one in which it is not.
//
//===----------------------------------------------------------------------===//
#include "Descriptors.h"

#include "Annotations.h"
#include "Encodings.h"
#include "Qualifier.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/Attr.h"
#include "clang/AST/DeclCXX.h"
#include "clang/AST/RecordLayout.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

using namespace clang;

namespace perdure {

namespace {

#define PERDURE_ABI_EARLY(Name, Symbol, Doc)                                   \
  [[maybe_unused]] constexpr StringRef Abi##Name = Symbol;
#include "perdure/abi.def"

/// The symbols that code refers to, in the order in which it asked.
llvm::MapVector<const RecordDecl *, VarDecl *> &asked() {
  static llvm::MapVector<const RecordDecl *, VarDecl *> Asked;
  return Asked;
}

/// More than that are no help to who reads them.
constexpr unsigned EnumeratorLimit = 256;

/// Whether \p Record can be described.
bool isWhole(const RecordDecl *Record) {
  return Record && Record->isCompleteDefinition() && !Record->isInvalidDecl() &&
         !Record->isDependentContext();
}

class Describer {
public:
  explicit Describer(ASTContext &Context)
      : Context(Context), Policy(Context.getPrintingPolicy()) {
    Policy.SuppressTagKeyword = true;
    Policy.FullyQualifiedName = true;
    Policy.UsePreferredNames = false;
    Policy.AnonymousTagLocations = false; // the same wherever the sources lie
    Policy.SuppressInlineNamespace =
        llvm::to_underlying(PrintingPolicy::SuppressInlineNamespaceMode::None);
  }

  /// \p Record and what it leads to.
  void add(const RecordDecl *Record) {
    Record = Record->getDefinition();
    if (isWhole(Record))
      Wanted.insert(Record);
    while (Done != Wanted.size())
      describe(Wanted[Done++]);
  }

  std::vector<Descriptor> finish() {
    std::vector<Descriptor> Result;
    for (const RecordDecl *Record : Wanted) {
      Description &D = Told[Record];
      std::string Text = D.Layout;
      for (unsigned I = 0; I != D.Refers.size(); ++I)
        if (auto It = Told.find(D.Refers[I]->getDefinition()); It != Told.end())
          Text += "layout " + std::to_string(I) + " " +
                  llvm::utohexstr(It->second.Hash, /*LowerCase=*/true, 16) + "\n";
      auto It = asked().find(Record);
      if (hasArithmetic(Record))
        D.Notes += "arrays\n";
      Result.push_back({Text + D.Notes, D.Hash,
                        It == asked().end()
                            ? ""
                            : It->second->getAttr<AsmLabelAttr>()->getLabel().str()});
    }
    return Result;
  }

private:
  struct Description {
    std::string Layout, Notes;
    uint64_t Hash = 0;
    SmallVector<const RecordDecl *, 8> Refers;
  };

  void describe(const RecordDecl *Record) {
    const ASTRecordLayout &Layout = Context.getASTRecordLayout(Record);
    Description D;
    std::string Fields;
    unsigned Index = 0;
    auto Add = [&](CharUnits Offset, const std::string &Type, StringRef Name) {
      Fields += "field " + std::to_string(Offset.getQuantity()) + " " + Type + " " +
                Name.str() + "\n";
      ++Index;
    };
    if (const auto *Class = dyn_cast<CXXRecordDecl>(Record))
      for (const CXXBaseSpecifier &Base : Class->bases())
        if (const CXXRecordDecl *B = Base.getType()->getAsCXXRecordDecl();
            B && !B->isEmpty() && !Base.isVirtual())
          Add(Layout.getBaseClassOffset(B), record(D, B), "");
    for (const FieldDecl *Field : Record->fields()) {
      CharUnits Offset = Context.toCharUnitsFromBits(
          static_cast<int64_t>(Layout.getFieldOffset(Field->getFieldIndex())));
      if (Field->isUnnamedBitField() ||
          (Field->getType()->isIncompleteType() &&
           !Field->getType()->isIncompleteArrayType()))
        continue;
      if (const EnumDecl *Enum = enumOf(Field->getType()))
        note(D, Index, Enum);
      Add(Offset, field(D, *Field, Layout), Field->getName());
    }
    std::string Head = (Record->isUnion() ? "union " : "struct ") +
                       std::to_string(Layout.getSize().getQuantity()) + " " +
                       std::to_string(Layout.getAlignment().getQuantity()) + " " +
                       nameOf(Record) + "\n";
    for (const RecordDecl *Other : D.Refers)
      Head += "refer " + nameOf(Other) + "\n";
    D.Layout = Head + Fields;
    // Without the end of its last line: the runtime's layoutHash.
    D.Hash = llvm::xxh3_64bits(StringRef(D.Layout).drop_back());
    Told[Record] = std::move(D);
  }

  std::string field(Description &D, const FieldDecl &Field,
                    const ASTRecordLayout &Layout) {
    std::string Type = type(D, Field.getType());
    if (isGray(&Field))
      Type = "gray(" + Type + ")";
    if (!Field.isBitField())
      return Type;
    uint64_t Bits = Layout.getFieldOffset(Field.getFieldIndex());
    return "bits(" + std::to_string(Bits % 8) + "," +
           std::to_string(Field.getBitWidthValue()) + "," + Type + ")";
  }

  std::string record(Description &D, const RecordDecl *Record) {
    const RecordDecl *Canonical =
        cast<RecordDecl>(Record->getCanonicalDecl());
    if (const RecordDecl *Whole = Record->getDefinition();
        isWhole(Whole))
      Wanted.insert(Whole);
    auto *It = llvm::find(D.Refers, Canonical);
    size_t Index = size_t(It - D.Refers.begin());
    if (It == D.Refers.end())
      D.Refers.push_back(Canonical);
    return "#" + std::to_string(Index);
  }

  std::string type(Description &D, QualType T) {
    // An array has the qualifiers of its elements.
    if (const ArrayType *A = Context.getAsArrayType(T)) {
      const auto *C = dyn_cast<ConstantArrayType>(A);
      return "[" + (C ? std::to_string(C->getZExtSize()) : "") + "]" +
             type(D, A->getElementType());
    }
    if (const auto *Atomic = T->getAs<AtomicType>();
        Atomic && Context.getTypeSize(T) ==
                      Context.getTypeSize(Atomic->getValueType()))
      return type(D, Atomic->getValueType());
    if (const auto *Pointer = T->getAs<PointerType>())
      return isPersistent(T) ? "*" + encodingName(encodingOf(T)) + "(" +
                                   pointee(D, Pointer->getPointeeType()) + ")"
                             : "*native()";
    if (const RecordDecl *Record = T->getAsRecordDecl())
      return record(D, Record);
    if (const EnumDecl *Enum = enumOf(T))
      return "enum(" + type(D, Enum->getIntegerType()) + ")";
    if (const auto *Basic = T->getAs<BuiltinType>())
      if (std::string Name = basic(Basic->getKind(), Context.getTypeSize(T));
          !Name.empty())
        return Name;
    if (T->isReferenceType())
      return "*native()";
    return "bytes(" +
           std::to_string(Context.getTypeSizeInChars(T).getQuantity()) + ")";
  }

  std::string pointee(Description &D, QualType T) {
    if (T->isVoidType())
      return "void";
    if (T->isFunctionType() || (T->isIncompleteType() && !T->isRecordType() &&
                                !T->isIncompleteArrayType()))
      return "unknown";
    return type(D, T);
  }

  static std::string basic(BuiltinType::Kind Kind, uint64_t Bits) {
    switch (Kind) {
    case BuiltinType::Bool:
      return "bool";
    case BuiltinType::Char_S:
    case BuiltinType::Char_U:
      return "char";
    case BuiltinType::WChar_S:
    case BuiltinType::WChar_U:
    case BuiltinType::Char8:
    case BuiltinType::Char16:
    case BuiltinType::Char32:
      return "c" + std::to_string(Bits);
    case BuiltinType::SChar:
    case BuiltinType::Short:
    case BuiltinType::Int:
    case BuiltinType::Long:
    case BuiltinType::LongLong:
    case BuiltinType::Int128:
      return "i" + std::to_string(Bits);
    case BuiltinType::UChar:
    case BuiltinType::UShort:
    case BuiltinType::UInt:
    case BuiltinType::ULong:
    case BuiltinType::ULongLong:
    case BuiltinType::UInt128:
      return "u" + std::to_string(Bits);
    case BuiltinType::Float:
    case BuiltinType::Double:
    case BuiltinType::Float16:
      return "f" + std::to_string(Bits);
    default:
      return "";
    }
  }

  const EnumDecl *enumOf(QualType T) const {
    const auto *Type = elementType(Context, T)->getAs<EnumType>();
    const EnumDecl *Enum = Type ? Type->getDecl() : nullptr;
    // One with a fixed type may be without its enumerators.
    Enum = Enum && Enum->getDefinition() ? Enum->getDefinition() : Enum;
    return Enum && Enum->isComplete() && !Enum->getIntegerType().isNull()
               ? Enum
               : nullptr;
  }

  static void note(Description &D, unsigned Index, const EnumDecl *Enum) {
    std::string Line = "enum " + std::to_string(Index);
    unsigned Count = 0;
    for (const EnumConstantDecl *E : Enum->enumerators()) {
      if (++Count > EnumeratorLimit)
        break;
      Line += " " + E->getName().str() + "=" +
              llvm::toString(E->getInitVal(), 10);
    }
    if (Count)
      D.Notes += Line + "\n";
  }

  /// A name of one line, the same in every file, and in C as in C++.
  std::string nameOf(const RecordDecl *Record) const {
    std::string Name;
    if (!Record->getIdentifier() && !Record->getTypedefNameForAnonDecl()) {
      // By the field, or by the place among its like, of the record around it.
      const auto *Outer = dyn_cast<RecordDecl>(Record->getDeclContext());
      if (!Outer)
        return "(unnamed)";
      unsigned Place = 0;
      for (const Decl *D : Outer->decls()) {
        const auto *Other = dyn_cast<RecordDecl>(D);
        if (!Other || Other->getIdentifier())
          continue;
        if (Other->getCanonicalDecl() == Record->getCanonicalDecl())
          break;
        ++Place;
      }
      return nameOf(Outer) + "::(unnamed " + std::to_string(Place) + ")";
    }
    if (!Record->getIdentifier())
      return Record->getTypedefNameForAnonDecl()->getName().str();
    if (!Context.getLangOpts().CPlusPlus)
      return Record->getName().str();
    llvm::raw_string_ostream Out(Name);
    QualType(Context.getCanonicalTagType(Record)).print(Out, Policy);
    // Nothing else ends a line.
    for (char &C : Name)
      if (C == '\n')
        C = ' ';
    return Name;
  }

  ASTContext &Context;
  PrintingPolicy Policy;
  llvm::SetVector<const RecordDecl *> Wanted;
  size_t Done = 0;
  llvm::DenseMap<const RecordDecl *, Description> Told;
};

} // namespace

VarDecl *descriptorOf(ASTContext &Context, const RecordDecl *Record) {
  VarDecl *&V = asked()[Record->getDefinition()];
  if (V)
    return V;
  std::string Number = std::to_string(asked().size() - 1);
  QualType T = Context.CharTy.withConst();
  V = VarDecl::Create(Context, Context.getTranslationUnitDecl(), SourceLocation(),
                      SourceLocation(),
                      &Context.Idents.get("__perdure_type_" + Number), T,
                      Context.getTrivialTypeSourceInfo(T), SC_Extern);
  V->setImplicit();
  V->addAttr(AsmLabelAttr::CreateImplicit(
      Context, Context.backupStr(AbiType.str() + Number)));
  return V;
}

void forgetDescriptors() { asked().clear(); }

std::vector<Descriptor> describeTypes(ASTContext &Context,
                                      llvm::ArrayRef<const RecordDecl *> Records) {
  Describer D(Context);
  for (auto &[Record, Symbol] : asked())
    D.add(Record);
  for (const RecordDecl *Record : Records)
    if (isAnnotated(Record))
      D.add(Record);
  return D.finish();
}

} // namespace perdure

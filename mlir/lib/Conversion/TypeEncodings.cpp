//===- TypeEncodings.cpp - Kernels agree with C++ on encodings ------------===//
//
// The symbols of passes/TypeEncodings.cpp, for the records of a module: files that
// take a type for one of another encoding, or a field for a Gray code where another
// takes it for a number, do not link.
//
//===----------------------------------------------------------------------===//

#include "perdure-mlir/TypeEncodings.h"
#include "perdure-mlir/Dialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::perdure;

/// As C++ mangles a struct of that name, which C's plugin does, too; empty for
/// what is no plain name.
static std::string mangle(StringRef Name) {
  SmallVector<StringRef, 4> Parts;
  Name.split(Parts, "::");
  std::string Mangled;
  for (StringRef Part : Parts) {
    if (Part.empty() || !llvm::all_of(Part, [](char C) {
          return llvm::isAlnum(C) || C == '_';
        }))
      return "";
    Mangled += std::to_string(Part.size()) + Part.str();
  }
  return Parts.size() == 1 ? Mangled : "N" + Mangled + "E";
}

/// The encodings of the pointers that a record itself holds, in the order of its
/// fields, each once in a row; empty where it holds none.
static std::string encodingsIn(RecordType R) {
  std::string Names;
  StringRef Last;
  for (const RecordField &F : R.getFields()) {
    Type T = R.getTypeOf(F);
    while (auto A = dyn_cast<ArrayType>(T))
      T = A.getElement();
    auto Bits = dyn_cast<PtrType>(T);
    if (!Bits || Bits.getEncoding().getEncodingName() == Last)
      continue;
    Last = Bits.getEncoding().getEncodingName();
    Names += "_" + Last.str();
  }
  return Names;
}

namespace {
class Facts {
  ModuleOp Module;
  OpBuilder B;
  LLVM::ComdatOp Groups;

public:
  explicit Facts(ModuleOp Module) : Module(Module), B(Module.getContext()) {}

  /// Defines \p Symbol in a group that names \p Fact too.
  void add(std::string Symbol, std::string Fact) {
    if (Module.lookupSymbol(Symbol))
      return;
    for (char &C : Fact)
      if (!llvm::isAlnum(C))
        C = '_';
    Location Loc = Module.getLoc();
    if (!Groups)
      Groups = Module.lookupSymbol<LLVM::ComdatOp>(Name);
    if (!Groups) {
      B.setInsertionPointToEnd(Module.getBody());
      Groups = LLVM::ComdatOp::create(B, Loc, Name);
    }
    B.setInsertionPointToEnd(&Groups.getBody().front());
    auto Group = LLVM::ComdatSelectorOp::create(B, Loc, Symbol + "_" + Fact,
                                                LLVM::comdat::Comdat::Any);
    B.setInsertionPointToEnd(Module.getBody());
    auto Global = LLVM::GlobalOp::create(
        B, Loc, B.getI8Type(), /*isConstant=*/true, LLVM::Linkage::External,
        Symbol, B.getI8IntegerAttr(0));
    Global.setVisibility_(LLVM::Visibility::Hidden);
    Global.setDsoLocal(true);
    Global.setComdatAttr(
        SymbolRefAttr::get(Groups.getSymNameAttr(),
                           FlatSymbolRefAttr::get(Group.getSymNameAttr())));
  }

private:
  /// What upstream's import calls it.
  static constexpr llvm::StringLiteral Name{"__llvm_global_comdat"};
};
} // namespace

LogicalResult perdure::addTypeEncodings(ModuleOp Module) {
  // Clang knows all of a struct, what was raised of it only what is used.
  if (Module->removeAttr(PerdureDialect::getRaisedAttrName()))
    return success();
  bool Ok = true;
  llvm::MapVector<StringRef, RecordType> Records;
  forEachRecord(Module, [&](RecordType R) {
    if (!R.isComplete())
      return;
    auto [It, New] = Records.insert({R.getName(), R});
    if (New)
      return;
    if (encodingsIn(It->second) != encodingsIn(R)) {
      Ok = false;
      Module.emitError("record ")
          << R.getName() << " has pointers of one encoding here and another there";
    } else if (!hasSameLayout(It->second, R)) {
      Ok = false;
      Module.emitError("record ")
          << R.getName()
          << " has one layout here and another there: in another encoding it has "
             "the same fields, so give one of them another name";
    }
  });
  Facts All(Module);
  for (auto &[Name, R] : Records) {
    std::string Mangled = mangle(Name), Encodings = encodingsIn(R);
    if (Mangled.empty() || Encodings.empty())
      continue;
    All.add("__perdure_one_encoding_for_" + Mangled, Encodings);
    All.add("__perdure_one_gray_for_" + Mangled, "");
  }
  return success(Ok);
}

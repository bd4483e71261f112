//===- Sites.h - What a fault report can say of an access -------*- C++ -*-===//
//
// A site is one memory access with its source line and, where known, the field
// that it touches. docs/passes/Sites.md.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_SITES_H
#define PERDURE_PASSES_SITES_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Instruction.h"
#include <string>

namespace perdure {

/// The records of one module, as debug info describes them.
class Records {
public:
  explicit Records(const llvm::Module &M);

  /// "struct node.next" for the access of \p Bytes through \p Pointer, as far
  /// as the GEPs that lead there or the TBAA tag tell, else "".
  std::string field(const llvm::Value *Pointer, const llvm::MDNode *TBAA,
                    uint64_t Bytes) const;

  /// Calls \p Visit with the texts that field() has for what is no record and no
  /// array, and the type of that.
  void visitFields(
      llvm::function_ref<void(llvm::StringRef, const llvm::DIType *)> Visit)
      const;

private:
  using Record = const llvm::DICompositeType;
  struct Entry {
    Record *Type;
    std::string Name; // as the source writes it
  };
  llvm::StringMap<llvm::SmallVector<Entry, 1>> ByName;
  const llvm::DataLayout &DL;

  void add(llvm::StringRef Key, Record *T, std::string Name);
  std::string fieldFromGEPs(const llvm::Value *Pointer, uint64_t Bytes) const;
  std::string fieldFromTBAA(const llvm::MDNode *Tag, uint64_t Bytes) const;
  std::string describe(llvm::StringRef Key, uint64_t RecordBytes,
                       uint64_t Offset, uint64_t Bytes) const;
};

/// Whether the module wants its sites described.
bool wantsSites(const llvm::Module &M);
/// Sets the module flag that wantsSites reads, where there is debug info and
/// anything that may lie in an object.
bool requestSites(llvm::Module &M);

/// While GEPs still have record types: notes for each source position which
/// field it touches, for accesses that later lose every other trace of it.
bool noteFields(llvm::Module &M);

/// Those notes.
class Notes {
public:
  explicit Notes(const llvm::Module &M);
  /// The field, or "". A copy is noted for accesses of whatever size.
  llvm::StringRef lookup(const llvm::DILocation &Loc, uint64_t Bytes,
                         bool IsStore) const;
  const llvm::StringMap<llvm::StringRef> &all() const { return Fields; }

private:
  llvm::StringMap<llvm::StringRef> Fields; // the text is the module's
};

/// The address and size of an access that the handler can explain, by an
/// instruction that the back end can attach metadata to.
struct Access {
  const llvm::Value *Pointer = nullptr;
  uint64_t Bytes = 0; // 0: unknown
  static Access get(const llvm::Instruction &I, const llvm::DataLayout &DL);
};

/// Whether this address may lie in an object: not on the stack, in a global.
bool mayBeInObject(const llvm::Value *Pointer);

/// The !pcsections of a site. \p Other is what the instruction has already.
/// Without \p Loc: in code that Clang makes without lines.
llvm::MDNode *makeSite(llvm::LLVMContext &Context, const llvm::DILocation *Loc,
                       llvm::StringRef Field, bool IsCall, llvm::MDNode *Other);
/// Where the source has this: code that Clang makes without a line counts to
/// the place where it is inlined. Null: nowhere.
const llvm::DILocation *placeOf(const llvm::Instruction &I);
const llvm::DILocation *placeOf(const llvm::DILocation *Loc);
/// Whether Clang made the function without lines: a copy helper.
bool hasNoLines(const llvm::Function &F);
/// Whether \p PCSections tells a site.
bool tellsSite(const llvm::MDNode *PCSections);

/// The hash by which a site names a file and a field.
uint32_t hashName(llvm::StringRef Name);

} // namespace perdure

#endif

//===- Writers.h - What functions elsewhere write ---------------*- C++ -*-===//
//
// Writers.def, as the passes read it: which ranges a call writes, how long they
// are at most, before the call, and how much of them was written, behind it.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_WRITERS_H
#define PERDURE_PASSES_WRITERS_H

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstrTypes.h"

namespace perdure {

/// A row of the table.
struct Write {
  enum Extent {
    Bytes,        ///< as many units as argument Count says
    Items,        ///< as many bytes as argument Count times the one before it
    String,       ///< as long as the string in argument Count
    Appended,     ///< behind the string that is there, as long as that in 1
    AppendedMost, ///< the same, at most as many units as argument Count says
    Fixed,        ///< Count bytes
    Through,      ///< as many bytes as the int says to which Count points
    Ended,        ///< a string, as long as it turns out to be
    Vectors,      ///< the buffers of an array of as many iovecs as Count says
    Scanned,      ///< what the conversions of the format in Count say
    Unknown       ///< nobody knows
  };
  enum Amount {
#define PERDURE_FLIPS_AMOUNT(Name, Value, Doc) Name = Value,
#include "perdure/flips.def"
  };
  llvm::StringLiteral Name;
  unsigned Where;
  Extent Kind;
  unsigned Count;
  Amount Written;
  unsigned Unit;
};

/// The rows of that function; none for one that is not in the table.
llvm::ArrayRef<Write> writesOf(llvm::StringRef Name);
/// The argument that the function calls back meanwhile; negative: none.
int callbackOf(llvm::StringRef Name);

/// What one call writes in one place. Scanned is none of the kinds any more:
/// each conversion is a range.
struct WrittenRange {
  Write::Extent Kind;
  llvm::Value *P; ///< the argument; of Vectors, the array
  unsigned Count;
  Write::Amount Written;
  unsigned Unit;
  /// Of conversions: it is written if the result is more.
  std::optional<int> MoreThan;

  /// Whether most() knows.
  bool hasMost() const {
    return Kind != Write::Ended && Kind != Write::Vectors &&
           Kind != Write::Unknown;
  }
  /// Before the call: where it writes, and how many bytes at most.
  std::pair<llvm::Value *, llvm::Value *> most(llvm::CallBase &Call,
                                               llvm::IRBuilderBase &B) const;
  /// Behind the call: how many bytes it has written there; null: nobody knows.
  /// \p Most: what most() has said, or null.
  llvm::Value *written(llvm::CallBase &Call, llvm::Value *Place,
                       llvm::Value *Most, llvm::IRBuilderBase &B) const;
  /// Of Vectors: how many there are; none if there are too many.
  llvm::Value *vectors(llvm::CallBase &Call, llvm::IRBuilderBase &B) const;
};

struct CallWrites {
  llvm::StringRef Name; ///< as the table has it
  llvm::SmallVector<WrittenRange, 4> Ranges;
  /// It writes more: what a format says that is no constant.
  bool Unseen = false;
};
/// What \p Call writes, of a function of that name; nothing where that is not
/// in the table, or the arguments are not those of the function that it means.
std::optional<CallWrites> writesOf(llvm::CallBase &Call, llvm::StringRef Name);

/// Where a call of the printf family stores by %n, as far as its format is a
/// constant.
llvm::SmallVector<llvm::Value *, 2> storedByFormat(const llvm::CallBase &Call);

} // namespace perdure

#endif

//===- Encoding.h - What the 64 stored bits mean ----------------*- C++ -*-===//
//
// One encoding, one file in encodings/, one row in abi.def; or a file of
// another project's, compiled to a plugin that calls Encoding::add. An encoding
// says what may be assumed of it (its traits) and how its three verbs are
// expanded. docs/AddingAnEncoding.md leads through one.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_ENCODING_H
#define PERDURE_PASSES_ENCODING_H

#include "Bases.h"
#include "Config.h"
#include "EncodingFacts.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/ErrorHandling.h"
#include <string>

/// What plugins with further encodings link to.
#define PERDURE_EXPORT __attribute__((visibility("default")))

namespace llvm {
class Constant;
class IRBuilderBase;
class Module;
class Value;
} // namespace llvm

namespace perdure {

class Emitter;

namespace abi {
#define PERDURE_ENCODING_NUMBER(Name, Value, Doc)                              \
  constexpr uint64_t Name = Value;
#include "perdure/encodings.def"
} // namespace abi

/// Whether the headers take the encoding \p Number of this tree for canonical.
constexpr bool isCanonical(unsigned Number) {
  switch (Number) {
#define PERDURE_ENCODING_CANONICAL(Num, Name, Canonical)                       \
  case Num:                                                                    \
    return Canonical;
#include "perdure/encodings.def"
  }
  return false;
}

class PERDURE_EXPORT Encoding {
public:
  struct Traits {
    /// One target and container, one value that encode gives: comparing bits
    /// at one container compares pointers, but for emitAmbiguous.
    bool Canonical;
    /// Bits keep their meaning anywhere in the same object; so the container
    /// may be replaced by any other address in that object.
    bool Movable;
    /// Bits keep their meaning anywhere in volatile memory, and there null is
    /// exactly 0, whatever it is in objects, and encode does not look at what
    /// the container held; so a volatile container may be replaced by null.
    bool MovableInVolatile;
    /// decode(b) is null exactly where b is 0, and encode(null) is 0.
    bool ZeroIsNull;
    /// Encode looks at what the container held before, and gives bits that are
    /// right whatever that was: it may be anything where the program has not
    /// initialised the container, or another thread writes it.
    bool NeedsOldBits;
    /// constant() gives the bits of most link-time addresses; otherwise
    /// initialisers become constructors, and TLS initialisers errors.
    bool StaticInit;
  };

  const unsigned Number;
  const llvm::StringRef Name;
  const Traits T;

  Encoding(unsigned Number, llvm::StringRef Name, Traits T)
      : Number(Number), Name(Name), T(T) {}
  virtual ~Encoding() = default;

  /// Expand at \p E. Bits are i64 and never undef; containers are pointers;
  /// decode returns a pointer, the others return i64.
  virtual llvm::Value *emitDecode(Emitter &E, llvm::Value *Bits,
                                  llvm::Value *Container) const = 0;
  virtual llvm::Value *emitEncode(Emitter &E, llvm::Value *Pointer,
                                  llvm::Value *Container,
                                  llvm::Value *Old) const = 0;
  virtual llvm::Value *emitReencode(Emitter &E, llvm::Value *Bits,
                                    llvm::Value *From, llvm::Value *To,
                                    llvm::Value *Old) const = 0;

  /// Whether a decode adds to its container's slot base, so that carrying the
  /// base beside the pointer saves the next one a mask. If so, emitDecodeParts
  /// gives what is wanted of it; of others no base and no offset is wanted.
  virtual bool tracksBases() const { return false; }
  virtual Decoded emitDecodeParts(Emitter &E, llvm::Value *Bits,
                                  llvm::Value *Container,
                                  DecodeParts /*Wanted*/) const {
    return {emitDecode(E, Bits, Container)};
  }

  /// Whether two values of bits that differ, \p X and \p Y at one container,
  /// may lead to one target after all; null where they never do. For encodings
  /// that are canonical.
  virtual llvm::Value *emitAmbiguous(llvm::IRBuilderBase &, llvm::Value * /*X*/,
                                     llvm::Value * /*Y*/) const {
    return nullptr;
  }

  /// The bits, of pointer type, that lead to a target from a global variable,
  /// or null where only code at start-up can tell.
  virtual llvm::Constant *constant(llvm::Constant * /*Target*/,
                                   const llvm::Module &, const Config &) const {
    return nullptr;
  }

  /// The encoding with this number or name, or null.
  static const Encoding *get(uint64_t Number);
  static const Encoding *get(llvm::StringRef Name);
  /// All names, for messages.
  static std::string names();
  /// One more encoding, which lives as long as the process. False when its
  /// number or name is taken.
  static bool add(const Encoding &E);
};

// One function per file of encodings/.
#define PERDURE_ABI_ENCODING(Number, Name, Text, Doc)                          \
  const Encoding &get##Name##Encoding();
#include "perdure/abi.def"

} // namespace perdure

#endif

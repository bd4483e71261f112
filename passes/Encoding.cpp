//===- Encoding.cpp - The table of encodings ------------------------------===//

#include "Encoding.h"
#include "llvm/ADT/SmallVector.h"

using namespace llvm;

namespace perdure {

// What plugins of other projects have brought; they stay loaded.
static SmallVectorImpl<const Encoding *> &others() {
  static SmallVector<const Encoding *, 2> Others;
  return Others;
}

// Each of abi.def's rows says whether it is canonical, under its own name.
#define PERDURE_ABI_ENCODING(Num, Name, Text, Doc)                             \
  constexpr unsigned Name##Number = Num;
#include "perdure/abi.def"
#define PERDURE_ENCODING_CANONICAL(Num, Name, Canonical)                       \
  static_assert(Name##Number == Num, "encodings.def: " #Name);
#include "perdure/encodings.def"
constexpr unsigned HowMany = 0
#define PERDURE_ABI_ENCODING(Num, Name, Text, Doc) +1
#include "perdure/abi.def"
    ;
constexpr unsigned HowManyKnown = 0
#define PERDURE_ENCODING_CANONICAL(Num, Name, Canonical) +1
#include "perdure/encodings.def"
    ;
static_assert(HowMany == HowManyKnown, "a row is missing in encodings.def");

const Encoding *Encoding::get(uint64_t Number) {
  // The getters are named after abi.def's rows, so that a row without an
  // implementation fails to compile.
  switch (Number) {
#define PERDURE_ABI_ENCODING(Num, Name, Text, Doc)                             \
  case Num:                                                                    \
    return &get##Name##Encoding();
#include "perdure/abi.def"
  default:
    for (const Encoding *E : others())
      if (E->Number == Number)
        return E;
    return nullptr;
  }
}

const Encoding *Encoding::get(StringRef Name) {
#define PERDURE_ABI_ENCODING(Num, Ident, Text, Doc)                            \
  if (Name == Text)                                                            \
    return &get##Ident##Encoding();
#include "perdure/abi.def"
  for (const Encoding *E : others())
    if (E->Name == Name)
      return E;
  return nullptr;
}

std::string Encoding::names() {
  std::string All;
  auto Add = [&All](StringRef Name) {
    All += (All.empty() ? "" : ", ") + Name.str();
  };
#define PERDURE_ABI_ENCODING(Num, Ident, Text, Doc) Add(Text);
#include "perdure/abi.def"
  for (const Encoding *E : others())
    Add(E->Name);
  return All;
}

bool Encoding::add(const Encoding &E) {
  if (E.Number > 0xFF || get(E.Number) || get(E.Name))
    return false;
  others().push_back(&E);
  return true;
}

} // namespace perdure

// For the Clang plugin, which knows the passes by their file alone.
extern "C" PERDURE_EXPORT bool
perdure_find_encoding(const char *Name, unsigned Number,
                      perdure::EncodingFacts *F) {
  const perdure::Encoding *E = Name ? perdure::Encoding::get(StringRef(Name))
                                    : perdure::Encoding::get(uint64_t(Number));
  if (!E)
    return false;
  *F = {E->Number, E->Name.data(), E->T.Canonical, E->T.Movable,
        E->T.MovableInVolatile, E->T.ZeroIsNull, E->T.NeedsOldBits,
        E->tracksBases()};
  return true;
}

extern "C" PERDURE_EXPORT const char *perdure_encoding_names() {
  static std::string Names;
  Names = perdure::Encoding::names();
  return Names.c_str();
}

//===- Encoding.cpp - The table of encodings ------------------------------===//

#include "Encoding.h"

using namespace llvm;

namespace perdure {

const Encoding *Encoding::get(uint64_t Number) {
  // The getters are named after abi.def's rows, so that a row without an
  // implementation fails to compile.
#define PERDURE_ENCODING_GETTER_object getObjectEncoding
#define PERDURE_ENCODING_GETTER_native getNativeEncoding
#define PERDURE_ENCODING_GETTER_strict getStrictEncoding
#define PERDURE_ABI_ENCODING(Num, Name, Doc)                                   \
  case Num:                                                                    \
    return &PERDURE_ENCODING_GETTER_##Name();
  switch (Number) {
#include "perdure/abi.def"
  default:
    return nullptr;
  }
}

} // namespace perdure

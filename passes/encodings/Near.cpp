//===- Near.cpp - Encodings with one test for near pointers ---------------===//

#include "Near.h"

using namespace llvm;

namespace perdure {

// Everything but near pointers hangs off the one predicted branch.
Decoded NearEncoding::emitDecodeParts(Emitter &E, Value *Bits, Value *Container,
                                      DecodeParts Wanted) const {
  IRBuilder<> &B = E.B;
  if (E.C.Callbacks || isVolatile(Container)) {
    Decoded D{E.C.Callbacks ? emitDecodeCall(E, Bits, Container)
                            : emitVolatileDecode(E, Bits)};
    if (Wanted.Base) {
      Value *P = E.address(D.Pointer);
      D.Base = emitSlotBase(B, E.C, P);
      D.Offset = B.CreateSub(P, D.Base);
    }
    return D;
  }
  DecodedJoin Cont(E, Wanted);
  BasicBlock *Slow = E.block("slow");
  emitNear(E, emitNearBits(E, Bits), Container, Cont, Slow);
  E.at(Slow);
  emitRest(E, Bits, Container, Cont);
  return Cont.finish();
}

} // namespace perdure

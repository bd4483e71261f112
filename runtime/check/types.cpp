//===- types.cpp - Checks the table of types ------------------------------===//
//
// What it says was recorded by a program that opened the object, and can be so again:
// what does not hold is dropped, with what stands behind it.
//
//===----------------------------------------------------------------------===//

#include "types/table.h"
#include "check/check.h"

using namespace perdure;

static bool isKnownKind(Piece Text) {
  TypeHead H;
  const char *Others[] = {"root ", "arrays "};
  for (const char *Kind : Others) {
    Piece Rest = Text;
    if (Rest.consume(Kind))
      return Rest.Bytes;
  }
  return readHead(Text, H);
}

static bool saysWhatItHashes(Piece Text, uint64_t Layout) {
  TypeHead H;
  return !readHead(Text, H) || layoutHash(Text) == Layout;
}

static void checkExtent(Object &O, unsigned K, Findings &Found) {
  uint64_t Extent = extentOf(O, Table::Types, K), At = 0, Layout, Next;
  uint64_t Bytes = extentBytes(Table::Types, K);
  Piece Text;
  for (; readEntry((const void *)(O.Base + Extent + At), Bytes - At, Text, Layout, Next);
       At += Next)
    if (!isKnownKind(Text) || !saysWhatItHashes(Text, Layout))
      Found.add(Severity::Note, Extent + At,
                "an entry of the table of types says nothing that this version knows");
  auto *Word = (uint64_t *)(O.Base + Extent + At);
  if (Bytes - At < sizeof(TypeEntry))
    return;
  if (*Word) {
    Found.add(Severity::Mended, Extent + At,
              "the table of types was damaged; it ends here now, and who opens the "
              "object to write it records what is missing");
    *Word = 0;
    return;
  }
  for (uint64_t I = 1; I < (Bytes - At) / sizeof(uint64_t); ++I)
    if (Word[I]) {
      Found.add(Severity::Note, Extent + At + I * sizeof(uint64_t),
                "a process died while it recorded a type; it is written over by who "
                "records the next");
      return;
    }
}

void perdure::checkTypes(Object &O, Findings &Found) {
  for (unsigned K = 0; extentOf(O, Table::Types, K); ++K)
    checkExtent(O, K, Found);
}

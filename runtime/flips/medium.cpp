//===- medium.cpp - What the cells of the medium hold ---------------------===//

#include "flips/medium.h"
#include "perdure/runtime.h"

#include <algorithm>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace perdure::flips;

// Programs without objects do not link the library.
#pragma weak perdure_in_object
#pragma weak perdure_object_id
#pragma weak perdure_offset

static perdure_id objectAt(uint64_t Address) {
  auto *In = (const void *)Address;
  return perdure_in_object && perdure_in_object(In) ? perdure_object_id(In)
                                                    : perdure_id{0, 0};
}

Page &Medium::pageOf(uint64_t Address) {
  uint64_t Number = Address / PageBytes;
  if (Number == LastNumber)
    return *LastPage;
  Page *P = Pages.get(Number);
  if (!P || P->Seen != Closes) {
    perdure_id Id = objectAt(Address);
    if (!P || P->Object[0] != Id.hi || P->Object[1] != Id.lo) {
      Page *Former = P;
      P = static_cast<Page *>(takeMemory(sizeof(Page)));
      P->Former = Former;
      P->Object[0] = Id.hi;
      P->Object[1] = Id.lo;
      P->Number = Id.hi | Id.lo
                      ? perdure_offset((const void *)Address) / PageBytes
                      : Number;
      Pages.set(Number, P);
    }
    P->Seen = Closes;
  }
  LastNumber = Number;
  LastPage = P;
  return *P;
}

void Medium::prepare(uint64_t Address, uint64_t Bytes, uint32_t Writer,
                     const void *Before) {
  Page &P = pageOf(Address);
  uint64_t Line = Address / LineBytes % 64;
  if (!(P.Known >> Line & 1)) {
    P.Known |= uint64_t(1) << Line;
    uint64_t Content[8];
    memcpy(Content, (const void *)(Address & ~(LineBytes - 1)), LineBytes);
    if (Before)
      memcpy((char *)Content + Address % LineBytes, Before, Bytes);
    for (unsigned I = 0; I != 8; ++I)
      P.Words[Line * 8 + I] = freshWord(Content[I]);
  }
  uint64_t First = Address % PageBytes / 8;
  uint64_t Last = (Address % PageBytes + Bytes - 1) / 8;
  for (uint64_t I = First; I <= Last; ++I)
    P.Writers[I] = Writer;
}

void Medium::count(Page &P, unsigned Index, const Change &C) {
  auto Set = (uint64_t)__builtin_popcountll(C.Set) + C.FlagsSet;
  auto Cleared = (uint64_t)__builtin_popcountll(C.Cleared) + C.FlagsCleared;
  perdure_flips_site *Site =
      P.Writers[Index] ? SiteOf(P.Writers[Index]) : &Nobody;
  Site->CellsSet += Set;
  Site->CellsCleared += Cleared;
  P.Set += Set;
  P.Cleared += Cleared;
  Flags.Set += C.FlagsSet;
  Flags.Cleared += C.FlagsCleared;
  for (uint64_t Left = C.Set; Left; Left &= Left - 1)
    ++Bits[__builtin_ctzll(Left)].Set;
  for (uint64_t Left = C.Cleared; Left; Left &= Left - 1)
    ++Bits[__builtin_ctzll(Left)].Cleared;
}

void Medium::read(uint64_t) { ++LinesRead; }

// By the kernel, which tells that memory is gone instead of faulting: the
// program may have unmapped it since.
void Medium::write(uint64_t Line) {
  uint64_t Now[8];
  iovec Here = {Now, LineBytes}, There = {(void *)Line, LineBytes};
  if (process_vm_readv(getpid(), &Here, 1, &There, 1, 0) !=
      (ssize_t)LineBytes) {
    ++LinesLost;
    return;
  }
  // The caches may be too small for all of a write: its first lines leave them
  // before it is made.
  uint64_t At = std::max(Line, Next.At);
  for (; At < std::min(Line + LineBytes, Next.At + Next.Bytes); ++At)
    ((char *)Now)[At - Line] = Next.What ? Next.What[At - Next.At] : Next.Byte;
  Page &P = pageOf(Line);
  ++P.Writes;
  ++LinesWritten;
  auto First = unsigned(Line / LineBytes % 64 * 8);
  for (unsigned I = First; I != First + 8; ++I) {
    Change C = Write(P.Words[I], Now[I - First], ControllerBits);
    if (C.Set | C.Cleared || C.FlagsSet || C.FlagsCleared)
      count(P, I, C);
    P.Writers[I] = 0;
  }
}

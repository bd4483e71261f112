//===- differences.cpp - What is stored that the file does not have -------===//

#include "tx/differences.h"
#include "alloc/page_map.h"
#include "object/system_pages.h"
#include "platform/descriptor.h"
#include "platform/error.h"
#include "platform/shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

using namespace perdure;

//===----------------------------------------------------------------------===//
// What is on its way
//===----------------------------------------------------------------------===//

Underway::~Underway() { free(Items); }

bool Underway::add(const Batch &B, Span Within) {
  bool Ok = true;
  visitBatch(B, [&](const LogRecord &R) {
    uint64_t Begin = R.offset(), End = Begin + bytesWritten(R);
    Begin = Begin < Within.Begin ? Within.Begin : Begin;
    End = End > Within.End ? Within.End : End;
    for (uint64_t At = Begin; Ok && At < End; At = (At / Piece + 1) * Piece) {
      if (Count == Room) {
        size_t More = Room ? 2 * Room : 64;
        auto *Bigger = (Item *)realloc((void *)Items, More * sizeof(Item));
        Ok = Bigger || fail(ENOMEM, "no memory to compare pages with the file");
        if (!Ok)
          return;
        Items = Bigger;
        Room = More;
      }
      Items[Count] = {At / Piece, Count, &R};
      ++Count;
    }
  });
  return Ok;
}

int Underway::compare(const void *A, const void *B) {
  const auto *X = (const Item *)A, *Y = (const Item *)B;
  if (X->Piece != Y->Piece)
    return X->Piece < Y->Piece ? -1 : 1;
  return X->Order < Y->Order ? -1 : X->Order > Y->Order;
}

void Underway::sort() {
  if (Count)
    qsort((void *)Items, Count, sizeof(Item), compare);
}

void Underway::apply(uint64_t At, char *Bytes, uint64_t Size) const {
  size_t First = 0, Last = Count;
  while (First < Last) {
    size_t Middle = (First + Last) / 2;
    if (Items[Middle].Piece < At / Piece)
      First = Middle + 1;
    else
      Last = Middle;
  }
  for (; First < Count && Items[First].Piece == At / Piece; ++First) {
    const LogRecord &R = *Items[First].R;
    uint64_t Begin = R.offset(), End = Begin + bytesWritten(R);
    uint64_t From = Begin < At ? At : Begin;
    uint64_t To = End > At + Size ? At + Size : End;
    if (From < To)
      redoBytes(R, From - Begin, Bytes + (From - At), To - From);
  }
}

//===----------------------------------------------------------------------===//
// Comparing
//===----------------------------------------------------------------------===//

bool Differences::outsideExcept(uint64_t Begin, uint64_t End) {
  // Those that lie before have been passed by: spans come in order.
  while (Count && Except->End <= Begin) {
    ++Except;
    --Count;
  }
  size_t I = 0;
  for (; I < Count && Except[I].Begin < End; ++I) {
    if (Except[I].Begin > Begin && !differs(Begin, Except[I].Begin - Begin))
      return false;
    if (Except[I].End > Begin)
      Begin = Except[I].End;
  }
  return Begin >= End || differs(Begin, End - Begin);
}

bool Differences::visitRun(void *Self, uint64_t Begin, uint64_t End) {
  auto &D = *(Differences *)Self;
  return D.visitPages(Begin - D.O.Base, End - D.O.Base);
}

// From Begin to End, of the piece at At. What lies in the same pages and was not asked
// for may be another thread's.
bool Differences::visitPart(uint64_t At, const char *Old, uint64_t Begin,
                            uint64_t End) {
  constexpr uint64_t Step = sizeof(uint64_t);
  // Bytes that are the same between two that differ, written all the same
  // rather than by another record.
  constexpr uint64_t Near = 32;
  const char *New = (const char *)(O.Base + At);
  uint64_t From = End, To = 0; // of what differs and was not given yet
  for (uint64_t I = Begin / Step * Step; I < End; I += Step) {
    uint64_t First = I < Begin ? Begin : I;
    uint64_t Last = I + Step < End ? I + Step : End;
    char Word[Step];
    copyUnseen(Word, New + First, Last - First);
    if (!memcmp(Word, Old + First, Last - First))
      continue;
    if (To && I - To > Near) {
      if (!outsideExcept(At + From, At + To))
        return false;
      From = End;
    }
    From = From < First ? From : First;
    To = Last;
  }
  return !To || outsideExcept(At + From, At + To);
}

bool Differences::visitPages(uint64_t Begin, uint64_t End) {
  alignas(8) char Old[Underway::Piece];
  for (uint64_t At = Begin, Now; At < End; At += Now) {
    Now = Underway::Piece - At % Underway::Piece;
    Now = End - At < Now ? End - At : Now;
    if (!readAll(O.File, Old, Now, At))
      return false;
    Coming.apply(At, Old, Now);
    uint64_t Last = Wanted.End < At + Now ? Wanted.End - At : Now;
    uint64_t First = Wanted.Begin > At ? Wanted.Begin - At : 0;
    for (uint64_t Page = 0; Page < Now; Page += FilePage) {
      PageDescriptor D = readDescriptor(O, (At + Page) / FilePage);
      if (D.kind() != PageKind::Slab)
        continue;
      // A head.
      uint64_t Stop = Last < Page ? Last : Page, Behind = Page + sizeof(SlabHeader);
      if (First < Stop && !visitPart(At, Old, First, Stop))
        return false;
      First = First < Behind ? Behind : First;
    }
    if (First < Last && !visitPart(At, Old, First, Last))
      return false;
  }
  return true;
}

bool Differences::visit(Span S) {
  uint64_t End = __atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE);
  Wanted = {S.Begin, S.End < End ? S.End : End};
  return Wanted.Begin >= Wanted.End ||
         SystemPages(O).visitGaps(
             End / FilePage, [&](uint64_t From, uint64_t To) {
               uint64_t First = S.Begin / FilePage;
               uint64_t Last = (Wanted.End + FilePage - 1) / FilePage;
               From = From < First ? First : From;
               To = To > Last ? Last : To;
               return From >= To ||
                      visitOwnPages((const void *)(O.Base + From * FilePage),
                                    (To - From) * FilePage, visitRun, this);
             });
}

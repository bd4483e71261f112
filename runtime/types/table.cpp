//===- table.cpp - The types that an object holds -------------------------===//

#include "types/table.h"
#include "platform/error.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

using namespace perdure;

static uint32_t checksumOf(const TypeEntry *E, uint64_t Bytes) {
  return (uint32_t)crc32(0, (const Bytef *)&E->Layout,
                         (uInt)(sizeof(E->Layout) + Bytes));
}

// The head's first word, read and written as one.
static uint64_t *firstWord(TypeEntry *E) { return (uint64_t *)E; }

static uint64_t makeWord(uint32_t Bytes, uint32_t Checksum) {
  return Bytes | (uint64_t)Checksum << 32;
}

static uint64_t roomOf(uint64_t Bytes) {
  return (sizeof(TypeEntry) + Bytes + 7) / 8 * 8;
}

bool perdure::readEntry(const void *At, uint64_t Room, Piece &Text,
                        uint64_t &Layout, uint64_t &Next) {
  if (Room < sizeof(TypeEntry))
    return false;
  auto *E = (TypeEntry *)At;
  uint64_t Word = __atomic_load_n(firstWord(E), __ATOMIC_ACQUIRE);
  uint32_t Bytes = (uint32_t)Word;
  if (!Bytes || roomOf(Bytes) > Room ||
      (uint32_t)(Word >> 32) != checksumOf(E, Bytes))
    return false;
  Text = {(const char *)(E + 1), Bytes};
  Layout = E->Layout;
  Next = roomOf(Bytes);
  return true;
}

TypeBatch::~TypeBatch() { free(Entries); }

void TypeBatch::add(const char *Keyword, Piece Rest, uint64_t Layout) {
  size_t Head = strlen(Keyword), Blank = Head ? 1 : 0;
  size_t Bytes = Head + Blank + Rest.Bytes;
  size_t Needed = Size + roomOf(Bytes);
  if (Needed > Room) {
    size_t Now = Needed * 2;
    auto *Larger = (char *)realloc(Entries, Now);
    if (!Larger || Bytes > UINT32_MAX) {
      free(Larger ? Larger : Entries);
      Entries = nullptr;
      Size = Room = 0;
      Failed = true;
      return;
    }
    Entries = Larger;
    Room = Now;
  }
  auto *E = (TypeEntry *)(Entries + Size);
  memset(E, 0, roomOf(Bytes));
  auto *Text = (char *)(E + 1);
  memcpy(Text, Keyword, Head);
  if (Blank)
    Text[Head] = ' ';
  memcpy(Text + Head + Blank, Rest.Begin, Rest.Bytes);
  E->Layout = Layout;
  E->Bytes = (uint32_t)Bytes;
  E->Checksum = checksumOf(E, Bytes);
  Size = Needed;
}

// Where the entries of extent K end.
static uint64_t endOf(const Object &O, unsigned K) {
  uint64_t Extent = extentOf(O, Table::Types, K), At = 0, Layout, Next;
  Piece Text;
  while (readEntry((const void *)(O.Base + Extent + At),
                   extentBytes(Table::Types, K) - At, Text, Layout, Next))
    At += Next;
  return At;
}

// Where Size bytes of entries go, or 0: behind the last one that there is, or in a
// new extent.
static uint64_t makeRoom(Object &O, uint64_t Size) {
  unsigned K = 0;
  while (extentOf(O, Table::Types, K))
    ++K;
  if (K) {
    uint64_t End = endOf(O, K - 1);
    if (extentBytes(Table::Types, K - 1) - End >= Size)
      return extentOf(O, Table::Types, K - 1) + End;
  }
  // One that is too small for them would be empty for ever.
  for (; K < MaxTypeExtents; ++K) {
    if (!appendExtentLocked(O, Table::Types, K))
      return 0;
    if (extentBytes(Table::Types, K) >= Size)
      return extentOf(O, Table::Types, K);
  }
  fail(ENOSPC, "object %s: its table of types is full", labelOf(O).Text);
  return 0;
}

bool perdure::appendTypes(Object &O, const TypeBatch &B) {
  if (B.Failed)
    return fail(ENOMEM, "no memory for a table of types");
  if (isPoisoned(O))
    return failPoisoned(O);
  if (!B.Size)
    return true;
  uint64_t At = makeRoom(O, B.Size);
  if (!At)
    return false;
  // The first head makes all of them visible.
  auto *First = (TypeEntry *)(O.Base + At);
  const auto *New = (const TypeEntry *)B.Entries;
  __atomic_store_n(firstWord(First), 0, __ATOMIC_RELAXED);
  // On DAX line by line: what a power failure could leave of them is then one of as
  // many states as there are lines, and not of all that so many lines could be in.
  size_t Step = O.Map.Page ? FilePage : 64;
  for (size_t From = sizeof(uint64_t), To; From < B.Size; From = To) {
    To = From + Step - (At + From) % Step;
    To = To < B.Size ? To : B.Size;
    memcpy((char *)First + From, B.Entries + From, To - From);
    flushHeader(O, (char *)First + From, To - From);
  }
  __atomic_store_n(firstWord(First), makeWord(New->Bytes, New->Checksum),
                   __ATOMIC_RELEASE);
  flushHeader(O, First, sizeof(*First));
  return true;
}

//===- filter.h - What a transaction need not log again ---------*- C++ -*-===//
//
// Bytes that were logged since the last savepoint, or allocated: a hash table
// of lines of 64 bytes, each with a bit per byte, and of pages, whose bytes all
// count. Bytes, not words: what lies beside may be another thread's to change,
// and an abort must not bring back what that one has overwritten. It may
// forget: logging twice is right, only slower.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TX_FILTER_H
#define PERDURE_RUNTIME_TX_FILTER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

namespace perdure {

class Filter {
public:
  /// Whether all of the bytes are there, asked of the first place only at which
  /// their line may be: false says nothing. What a store costs whose
  /// bytes have been logged is little more than this.
  bool hasAtOnce(uint64_t Address, uint64_t Bytes) const {
    uint64_t Line = Address / 64;
    if ((Address + Bytes - 1) / 64 != Line || !Capacity)
      return false;
    uint64_t Key = lineKey(Line), Mask = maskOf(Address % 64, Bytes);
    const Entry &E = Entries[placeOf(Key)];
    return E.Key == Key && !(Mask & ~E.Mask);
  }

  /// Adds the bytes; false: all of them were there.
  bool add(uint64_t Address, uint64_t Bytes) {
    uint64_t First = Address / 64, Last = (Address + Bytes - 1) / 64;
    if (First == Last)
      return addToLine(First, maskOf(Address % 64, Bytes));
    bool New = false;
    // A loop over all of what is large costs no more than logging it.
    for (uint64_t Line = First; Line <= Last; ++Line) {
      if (Line % 64 == 0 && Last - Line >= 63 && Address <= Line * 64 &&
          Address + Bytes >= (Line + 64) * 64) {
        New |= addPage(Line / 64);
        Line += 63;
      } else {
        New |= addToLine(Line, maskIn(Line, Address, Bytes));
      }
    }
    return New;
  }

  /// Forgets all. What a large transaction has grown is given back: small ones
  /// find theirs in the first level of the cache.
  void clear() {
    constexpr size_t Kept = 1024;
    if (Capacity > Kept) {
      free(Entries);
      Entries = nullptr;
      Capacity = 0;
    }
    forget();
  }

  void release() {
    free(Entries);
    *this = Filter();
  }

private:
  void forget() {
    Count = 0;
    Pages = false;
    if (++Epoch <= MaxEpoch)
      return;
    Epoch = 1;
    if (Entries)
      memset(Entries, 0, Capacity * sizeof(Entry));
  }

  // Key: 2 bits of kind and 42 of the line or page, over 20 of the epoch: those
  // of other epochs are empty places.
  struct Entry {
    uint64_t Key, Mask;
  };
  static constexpr uint64_t MaxEpoch = (1 << 20) - 1;

  Entry *Entries = nullptr;
  size_t Capacity = 0, Count = 0;
  uint64_t Epoch = 1;
  bool Pages = false; // some are in it

  static uint64_t maskOf(uint64_t From, uint64_t Bytes) {
    return Bytes >= 64 ? ~(uint64_t)0 : (((uint64_t)1 << Bytes) - 1) << From;
  }
  static uint64_t maskIn(uint64_t Line, uint64_t Address, uint64_t Bytes) {
    uint64_t Begin = Line * 64 > Address ? Line * 64 : Address;
    uint64_t End =
        Address + Bytes < Line * 64 + 64 ? Address + Bytes : Line * 64 + 64;
    return maskOf(Begin % 64, End - Begin);
  }
  uint64_t lineKey(uint64_t Line) const { return Line << 22 | 1 << 20 | Epoch; }
  uint64_t pageKey(uint64_t Page) const { return Page << 22 | 2 << 20 | Epoch; }

  size_t placeOf(uint64_t Key) const {
    return (size_t)((Key >> 20) * 0x9e3779b97f4a7c15 >> 32) & (Capacity - 1);
  }
  // Where it is, or would be put. Capacity is not 0.
  Entry *placeFor(uint64_t Key) const {
    for (size_t I = placeOf(Key);; I = (I + 1) & (Capacity - 1))
      if (Entries[I].Key == Key || (Entries[I].Key & MaxEpoch) != Epoch)
        return &Entries[I];
  }
  bool hasPage(uint64_t Page) const {
    uint64_t Key = pageKey(Page);
    return Pages && placeFor(Key)->Key == Key;
  }

  // False: they were there. Without memory they are new each time.
  bool addToLine(uint64_t Line, uint64_t Mask) {
    uint64_t Key = lineKey(Line);
    Entry *E = Capacity ? placeFor(Key) : nullptr;
    if (!E || E->Key != Key) {
      if (hasPage(Line / 64))
        return false;
      E = make(Key, E);
      if (!E)
        return true;
    }
    bool New = Mask & ~E->Mask;
    E->Mask |= Mask;
    return New && !hasPage(Line / 64);
  }
  bool addPage(uint64_t Page) {
    if (hasPage(Page))
      return false;
    uint64_t Key = pageKey(Page);
    if (Entry *E = make(Key, Capacity ? placeFor(Key) : nullptr)) {
      E->Mask = ~(uint64_t)0;
      Pages = true;
    }
    return true;
  }

  // An entry, which there is none of; E is where it would be, if there is room.
  // Null without memory.
  Entry *make(uint64_t Key, Entry *E) {
    if (Count * 2 >= Capacity) {
      if (!widen())
        return nullptr;
      E = placeFor(Key);
    }
    ++Count;
    *E = {Key, 0};
    return E;
  }
  // A table that has grown very large forgets instead.
  bool widen() {
    if (Capacity >= (size_t)1 << 20) {
      forget();
      return true;
    }
    Filter New;
    New.Capacity = Capacity ? Capacity * 2 : 256;
    New.Entries = (Entry *)calloc(New.Capacity, sizeof(Entry));
    if (!New.Entries)
      return false;
    New.Epoch = Epoch;
    New.Count = Count;
    New.Pages = Pages;
    for (size_t I = 0; I < Capacity; ++I)
      if ((Entries[I].Key & MaxEpoch) == Epoch)
        *New.placeFor(Entries[I].Key) = Entries[I];
    free(Entries);
    *this = New;
    return true;
  }
};

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_FILTER_H

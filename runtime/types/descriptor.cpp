//===- descriptor.cpp - What a type's descriptor says ---------------------===//

#include "types/descriptor.h"

#include <stdarg.h>
#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace perdure;

Piece Piece::upTo(char Stop) {
  const auto *At =
      Bytes ? (const char *)memchr(Begin, Stop, Bytes) : nullptr;
  Piece Head(Begin, At ? (size_t)(At - Begin) : Bytes);
  size_t Taken = At ? Head.Bytes + 1 : Bytes;
  *this = {Begin + Taken, Bytes - Taken};
  return Head;
}

bool Piece::consume(const char *Head) {
  size_t Length = strlen(Head);
  if (Bytes < Length || memcmp(Begin, Head, Length))
    return false;
  *this = {Begin + Length, Bytes - Length};
  return true;
}

bool TypeLines::next(TypeLine &L) {
  if (!Left.Bytes)
    return false;
  L.Rest = Left.upTo('\n');
  L.Keyword = L.Rest.upTo(' ');
  return true;
}

bool perdure::readNumber(Piece Digits, uint64_t &Value, unsigned Base) {
  Value = 0;
  for (size_t I = 0; I < Digits.Bytes; ++I) {
    char C = Digits.Begin[I];
    unsigned Digit = C >= '0' && C <= '9'   ? (unsigned)(C - '0')
                     : C >= 'a' && C <= 'f' ? (unsigned)(C - 'a') + 10
                                            : Base;
    if (Digit >= Base || __builtin_mul_overflow(Value, Base, &Value) ||
        __builtin_add_overflow(Value, Digit, &Value))
      return false;
  }
  return Digits.Bytes != 0;
}

bool perdure::readHead(Piece Text, TypeHead &H) {
  TypeLine L;
  if (!TypeLines(Text).next(L) ||
      (L.Keyword != Piece("struct") && L.Keyword != Piece("union")))
    return false;
  H.Keyword = L.Keyword;
  bool Ok = readNumber(L.Rest.upTo(' '), H.Size) &&
            readNumber(L.Rest.upTo(' '), H.Align);
  H.Name = L.Rest;
  return Ok && H.Name.Bytes;
}

bool perdure::readField(const TypeLine &L, TypeField &F) {
  Piece Rest = L.Rest;
  if (L.Keyword != Piece("field") || !readNumber(Rest.upTo(' '), F.Offset))
    return false;
  F.Type = Rest.upTo(' ');
  F.Name = Rest;
  return F.Type.Bytes != 0;
}

Piece perdure::referredName(Piece Text, uint64_t Index) {
  TypeLines Lines(Text);
  for (TypeLine L; Lines.next(L);)
    if (L.Keyword == Piece("refer") && !Index--)
      return L.Rest;
  return {};
}

uint64_t perdure::referredLayout(Piece Text, uint64_t Index) {
  TypeLines Lines(Text);
  uint64_t Of, Layout;
  for (TypeLine L; Lines.next(L);)
    if (L.Keyword == Piece("layout") && readNumber(L.Rest.upTo(' '), Of) &&
        Of == Index)
      return readNumber(L.Rest, Layout, 16) ? Layout : 0;
  return 0;
}

bool perdure::hasLine(Piece Text, const char *Word) {
  TypeLines Lines(Text);
  for (TypeLine L; Lines.next(L);)
    if (L.Keyword == Piece(Word) && !L.Rest.Bytes)
      return true;
  return false;
}

static bool isLayout(Piece Keyword) {
  return Keyword == Piece("struct") || Keyword == Piece("union") ||
         Keyword == Piece("refer") || Keyword == Piece("field");
}

uint64_t perdure::layoutHash(Piece Text) {
  TypeLines Lines(Text);
  size_t Bytes = 0;
  for (TypeLine L; Lines.next(L) && isLayout(L.Keyword);)
    Bytes = (size_t)(L.Rest.Begin + L.Rest.Bytes - Text.Begin);
  return XXH3_64bits(Text.Begin, Bytes);
}

//===----------------------------------------------------------------------===//
// Differences
//===----------------------------------------------------------------------===//

namespace {
/// A sentence that ends where there is no more room.
class Sentence {
public:
  Sentence(char *Out, size_t Room) : Out(Out), Room(Room) { *Out = 0; }

  __attribute__((format(printf, 2, 3))) void add(const char *Format, ...) {
    char Part[256];
    va_list Args;
    va_start(Args, Format);
    int Length = vsnprintf(Part, sizeof(Part), Format, Args);
    va_end(Args);
    const char *Before = Used ? "; " : "";
    // Room for what is said of the rest.
    constexpr size_t Rest = 32;
    if (Length < 0 || (size_t)Length >= sizeof(Part) || Left ||
        Used + strlen(Before) + (size_t)Length + Rest > Room) {
      ++Left;
      return;
    }
    Used += (size_t)snprintf(Out + Used, Room - Used, "%s%s", Before, Part);
  }
  void end() {
    if (Left)
      snprintf(Out + Used, Room - Used, "%sand %u more",
               Used ? "; " : "", Left);
  }

private:
  char *Out;
  size_t Room, Used = 0;
  unsigned Left = 0;
};

/// A type as people read it: the records by name.
struct ShownType {
  char Text[128];

  ShownType(Piece Of, Piece Type) {
    size_t Used = 0;
    auto Put = [&](Piece P) {
      size_t Length = P.Bytes < sizeof(Text) - 1 - Used
                          ? P.Bytes
                          : sizeof(Text) - 1 - Used;
      if (Length)
        memcpy(Text + Used, P.Begin, Length);
      Used += Length;
    };
    for (size_t I = 0; I < Type.Bytes && Used < sizeof(Text) - 1; ++I) {
      uint64_t Index;
      size_t End = I + 1;
      while (End < Type.Bytes && Type.Begin[End] >= '0' && Type.Begin[End] <= '9')
        ++End;
      if (Type.Begin[I] == '#' &&
          readNumber({Type.Begin + I + 1, End - I - 1}, Index)) {
        Put(referredName(Of, Index));
        I = End - 1;
      } else {
        Put({Type.Begin + I, 1});
      }
    }
    Text[Used] = 0;
  }
};
} // namespace

namespace {
/// Finds the field of that name, and of these the one at that place: bases and anonymous
/// records have none. It looks from where the last one was on, since fields mostly stand
/// in the same order, and reads so many lines in all: a hostile file has 100,000 fields
/// in an order that costs 10^10.
class Fields {
public:
  explicit Fields(Piece Text) : Text(Text), Lines(Text) {}

  bool find(const TypeField &Like, TypeField &F) {
    for (int Turn = 0; Turn < 2; ++Turn) {
      for (TypeLine L; Lines.next(L);) {
        if (!Left)
          return false;
        --Left;
        if (readField(L, F) && F.Name == Like.Name &&
            (F.Name.Bytes || F.Offset == Like.Offset))
          return true;
      }
      Lines = TypeLines(Text);
    }
    return false;
  }
  bool hasGivenUp() const { return !Left; }

private:
  Piece Text;
  TypeLines Lines;
  unsigned Left = 1 << 20;
};
} // namespace

static const char *shownName(const TypeField &F, char (&Buffer)[80]) {
  if (F.Name.Bytes)
    snprintf(Buffer, sizeof(Buffer), "'%.*s'",
             (int)(F.Name.Bytes < 70 ? F.Name.Bytes : 70), F.Name.Begin);
  else
    snprintf(Buffer, sizeof(Buffer), "what is at %llu",
             (unsigned long long)F.Offset);
  return Buffer;
}

void perdure::explainDifference(Piece Old, Piece New, char *Out, size_t Room) {
  Sentence S(Out, Room);
  TypeHead Before = {}, Now = {};
  char Name[80];
  readHead(Old, Before);
  readHead(New, Now);
  if (Before.Keyword != Now.Keyword)
    S.add("it was a %.*s", (int)Before.Keyword.Bytes, Before.Keyword.Begin);
  TypeField F, Other;
  TypeLines OldLines(Old);
  Fields OfNew(New), OfOld(Old);
  for (TypeLine L; OldLines.next(L);) {
    if (!readField(L, F))
      continue;
    ShownType Was(Old, F.Type);
    bool IsThere = OfNew.find(F, Other);
    if (OfNew.hasGivenUp())
      break;
    if (!IsThere) {
      S.add("%s (%s at %llu) is gone", shownName(F, Name), Was.Text,
            (unsigned long long)F.Offset);
      continue;
    }
    ShownType Is(New, Other.Type);
    if (strcmp(Was.Text, Is.Text))
      S.add("%s was %s and is %s", shownName(F, Name), Was.Text, Is.Text);
    if (F.Offset != Other.Offset)
      S.add("%s was at %llu and is at %llu", shownName(F, Name),
            (unsigned long long)F.Offset, (unsigned long long)Other.Offset);
  }
  TypeLines NewLines(New);
  for (TypeLine L; NewLines.next(L);)
    if (readField(L, F) && !OfOld.find(F, Other) && !OfOld.hasGivenUp())
      S.add("%s (%s at %llu) is new", shownName(F, Name),
            ShownType(New, F.Type).Text, (unsigned long long)F.Offset);
  if (Before.Size != Now.Size)
    S.add("it had %llu bytes and has %llu", (unsigned long long)Before.Size,
          (unsigned long long)Now.Size);
  if (Before.Align != Now.Align)
    S.add("it was aligned to %llu and is to %llu",
          (unsigned long long)Before.Align, (unsigned long long)Now.Align);
  S.end();
  if (!*Out)
    snprintf(Out, Room, OfNew.hasGivenUp() || OfOld.hasGivenUp()
                            ? "it has too many fields to say which"
                            : "its fields are in another order");
}

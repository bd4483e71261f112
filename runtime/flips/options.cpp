//===- options.cpp - How a run is measured --------------------------------===//

#include "flips/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using namespace perdure::flips;

static bool isPowerOfTwo(uint64_t N) { return N && !(N & (N - 1)); }

// "BYTES:WAYS".
static bool parseShape(const char *Text, CacheShape &Shape) {
  char *End;
  Shape.Bytes = strtoull(Text, &End, 10);
  if (*End != ':')
    return false;
  Shape.Ways = (unsigned)strtoul(End + 1, &End, 10);
  return !*End && Shape.Ways && Shape.Ways <= 64 &&
         Shape.Bytes % (64 * Shape.Ways) == 0 &&
         isPowerOfTwo(Shape.Bytes / (64 * Shape.Ways));
}

static bool parseController(const char *Text, Options &O) {
  if (strlen(Text) >= sizeof(O.Controller))
    return false;
  strcpy(O.Controller, Text);
  if (!strcmp(Text, "dcw")) {
    O.FnwBits = 0;
    return true;
  }
  char *End;
  if (strncmp(Text, "fnw:", 4))
    return false;
  O.FnwBits = (unsigned)strtoul(Text + 4, &End, 10);
  return !*End && (O.FnwBits == 8 || O.FnwBits == 16 || O.FnwBits == 32 ||
                   O.FnwBits == 64);
}

// The next of the words that commas part, with \, for a comma and \\ for a
// backslash in it. Null: there is none.
static char *nextWord(char *&Rest) {
  char *Word = Rest, *To = Rest;
  if (!Word)
    return nullptr;
  for (; *Rest && *Rest != ','; ++Rest) {
    Rest += *Rest == '\\' && (Rest[1] == ',' || Rest[1] == '\\');
    *To++ = *Rest;
  }
  Rest = *Rest ? Rest + 1 : nullptr;
  *To = 0;
  return Word;
}

bool perdure::flips::parseOptions(const char *Text, Options &O,
                                  char (&Why)[256]) {
  strcpy(O.File, "perdure.%p.flips");
  strcpy(O.Controller, "dcw");
  char Words[sizeof(O.File) + 256];
  if (strlen(Text) >= sizeof(Words)) {
    snprintf(Why, sizeof(Why), "it is too long");
    return false;
  }
  strcpy(Words, Text);
  char *Rest = Words;
  while (char *Word = nextWord(Rest)) {
    if (!*Word)
      continue;
    char *Value = strchr(Word, '=');
    if (Value)
      *Value++ = 0;
    bool Ok = Value != nullptr;
    if (Ok && !strcmp(Word, "file")) {
      Ok = *Value && strlen(Value) < sizeof(O.File);
      if (Ok)
        strcpy(O.File, Value);
    } else if (Ok && !strcmp(Word, "l1")) {
      Ok = parseShape(Value, O.L1);
    } else if (Ok && !strcmp(Word, "l2")) {
      Ok = parseShape(Value, O.L2);
    } else if (Ok && !strcmp(Word, "controller")) {
      Ok = parseController(Value, O);
    } else if (Ok && !strcmp(Word, "model")) {
      Ok = !strcmp(Value, "0") || !strcmp(Value, "1");
      O.Model = *Value == '1';
    } else if (Ok && !strcmp(Word, "advise")) {
      Ok = !strcmp(Value, "0") || !strcmp(Value, "1");
      O.Advise = *Value == '1';
    } else {
      Ok = false;
    }
    if (!Ok) {
      snprintf(Why, sizeof(Why),
               "'%s%s%.40s' is not one of file=PATH, l1=BYTES:WAYS, "
               "l2=BYTES:WAYS (a power of two of sets of 64-byte lines), "
               "controller=dcw or fnw:8, 16, 32, 64, model=0 or 1, advise=0 or 1",
               Word, Value ? "=" : "", Value ? Value : "");
      return false;
    }
  }
  return true;
}

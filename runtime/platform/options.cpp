//===- options.cpp - Reads PERDURE_OPTIONS --------------------------------===//

#include "platform/options.h"
#include "platform/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using namespace perdure;

static Options Values = {
#define PERDURE_FLAG(Type, Name, Default, Description) Default,
#include "platform/flags.def"
};
const Options &perdure::TheOptions = Values;

static bool parse(BoolOption &Value, const char *Text) {
  if (strcmp(Text, "0") && strcmp(Text, "1"))
    return false;
  Value = *Text == '1';
  return true;
}

static bool parse(AddressOption &Value, const char *Text) {
  char *End;
  Value = strtoull(Text, &End, 0);
  return *Text && !*End;
}

static bool parse(EscapeOption &Value, const char *Text) {
  if (!strcmp(Text, "trap"))
    Value = EscapePolicy::Trap;
  else if (!strcmp(Text, "report"))
    Value = EscapePolicy::Report;
  else if (!strcmp(Text, "allow"))
    Value = EscapePolicy::Allow;
  else
    return false;
  return true;
}

static void set(const char *Name, const char *Value) {
#define PERDURE_FLAG(Type, FlagName, Default, Description)                     \
  if (!strcmp(Name, #FlagName)) {                                              \
    Type##Option Parsed;                                                       \
    if (parse(Parsed, Value))                                                  \
      Values.FlagName = Parsed;                                                \
    else                                                                       \
      report("PERDURE_OPTIONS: '%s' is no value of option '%s' (%s); it "      \
             "keeps its default",                                              \
             Value, Name, Description);                                        \
    return;                                                                    \
  }
#include "platform/flags.def"
  report("PERDURE_OPTIONS: there is no option '%s'; help=1 lists them", Name);
}

__attribute__((constructor(101))) static void readEnvironment() {
  // A set-user-ID program does not obey the user who starts it.
  const char *Env = secure_getenv("PERDURE_OPTIONS");
  if (!Env)
    return;
  char *Text = strdup(Env), *Rest = Text;
  while (char *Item = strsep(&Rest, ":")) {
    if (!*Item)
      continue;
    char *Equals = strchr(Item, '=');
    if (Equals)
      *Equals = 0;
    set(Item, Equals ? Equals + 1 : "");
  }
  free(Text);
  if (!Values.help)
    return;
#define PERDURE_FLAG(Type, Name, Default, Description)                         \
  fprintf(stderr, "%-8s %s\n", #Name, Description);
#include "platform/flags.def"
}

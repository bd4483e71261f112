//===- Output.cpp - Tables for people, lines for programs, JSON -----------===//

#include "Output.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <unistd.h>

bool isForPeople() {
  static const bool Terminal = isatty(STDOUT_FILENO);
  return Terminal;
}

// https://no-color.org: set and not empty.
bool mayColour() {
  const char *No = getenv("NO_COLOR"), *Term = getenv("TERM");
  return isForPeople() && !(No && *No) &&
         !(Term && std::string(Term) == "dumb");
}

std::string paint(Colour C, const std::string &Text) {
  static const char *const Codes[] = {"1", "2", "32", "36", "33", "31"};
  return mayColour() ? std::string("\033[") + Codes[(int)C] + "m" + Text + "\033[0m"
                     : Text;
}

static uint64_t milliseconds() {
  struct timespec Now;
  clock_gettime(CLOCK_MONOTONIC, &Now);
  return (uint64_t)Now.tv_sec * 1000 + (uint64_t)Now.tv_nsec / 1000000;
}

void Progress::at(uint64_t Done) {
  static const bool Watched = isatty(STDERR_FILENO);
  uint64_t Now = Watched ? milliseconds() : 0;
  if (!Watched || (Last && Now - Last < 100))
    return;
  // What is over at once need not be told.
  Shown = Shown || Last;
  Last = Now;
  if (Shown)
    fprintf(stderr, "\r%s %llu%%\033[K", What.c_str(),
            (unsigned long long)(Of ? (uint64_t)((double)Done * 100 / (double)Of) : 0));
}

Progress::~Progress() {
  if (Shown)
    fprintf(stderr, "\r\033[K");
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

// How many bytes the character at At has; 0 when it is no UTF-8.
static size_t characterBytes(const std::string &Text, size_t At) {
  auto Byte = [&](size_t I) {
    return I < Text.size() ? (unsigned char)Text[I] : 0u;
  };
  unsigned First = Byte(At);
  size_t Bytes = First < 0x80   ? 1
                 : First < 0xc2 ? 0
                 : First < 0xe0 ? 2
                 : First < 0xf0 ? 3
                 : First < 0xf5 ? 4
                                : 0;
  for (size_t I = 1; I < Bytes; ++I)
    if ((Byte(At + I) & 0xc0) != 0x80)
      return 0;
  unsigned Second = Byte(At + 1);
  bool Wrong = (First == 0xe0 && Second < 0xa0) ||  // longer than needed
               (First == 0xed && Second >= 0xa0) || // surrogates
               (First == 0xf0 && Second < 0x90) ||
               (First == 0xf4 && Second >= 0x90); // past U+10FFFF
  return Wrong ? 0 : Bytes;
}

bool isUtf8(const std::string &Text) {
  for (size_t I = 0; I < Text.size();) {
    size_t Bytes = characterBytes(Text, I);
    if (!Bytes)
      return false;
    I += Bytes;
  }
  return true;
}

std::string escape(const std::string &Text) {
  std::string Result;
  for (size_t I = 0; I < Text.size();) {
    unsigned char C = (unsigned char)Text[I];
    size_t Bytes = characterBytes(Text, I);
    // The C1 controls are two bytes.
    bool Control = C < 0x20 || C == 0x7f || C == '\\' ||
                   (C == 0xc2 && (unsigned char)Text[I + 1] < 0xa0);
    if (Bytes && !Control) {
      Result += Text.substr(I, Bytes);
      I += Bytes;
      continue;
    }
    char Hex[8];
    snprintf(Hex, sizeof(Hex), "\\x%02x", C);
    Result += Hex;
    ++I;
  }
  return Result;
}

std::string quoteForShell(const std::string &Text) {
  static const char Plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                              "WXYZ0123456789_-+=./:@%,";
  if (!Text.empty() && Text.find_first_not_of(Plain) == std::string::npos)
    return Text;
  std::string Result = "'";
  for (char C : Text)
    Result += C == '\'' ? "'\\''" : std::string(1, C);
  return Result + "'";
}

std::string formatOffset(uint64_t Offset) {
  char Text[32];
  snprintf(Text, sizeof(Text), "0x%llx", (unsigned long long)Offset);
  return Text;
}

std::string formatSize(uint64_t Bytes) {
  static const char *const Units[] = {"B",   "KiB", "MiB", "GiB",
                                      "TiB", "PiB", "EiB"};
  double Value = (double)Bytes;
  unsigned Unit = 0;
  for (; Value >= 1024 && Unit < 6; ++Unit)
    Value /= 1024;
  char Text[32];
  snprintf(Text, sizeof(Text), Unit ? "%.1f %s" : "%.0f %s", Value,
           Units[Unit]);
  return Text;
}

std::string formatTime(uint64_t Nanoseconds) {
  time_t Seconds = (time_t)(Nanoseconds / 1000000000);
  struct tm Parts;
  char Day[32], Text[64];
  gmtime_r(&Seconds, &Parts);
  strftime(Day, sizeof(Day), "%Y-%m-%dT%H:%M:%S", &Parts);
  snprintf(Text, sizeof(Text), "%s.%09lluZ", Day,
           (unsigned long long)(Nanoseconds % 1000000000));
  return Text;
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

// Of a character each, whatever it is as wide as.
static size_t widthOf(const std::string &Text) {
  return (size_t)std::count_if(Text.begin(), Text.end(),
                               [](char C) { return (C & 0xc0) != 0x80; });
}

void Table::print(const char *Indent) const {
  if (!isForPeople()) {
    for (const auto &Row : Rows)
      for (size_t I = 0; I < Row.size(); ++I)
        printf("%s%s", Row[I].c_str(), I + 1 < Row.size() ? "\t" : "\n");
    return;
  }
  std::vector<size_t> Widths;
  for (size_t I = 0; I < Titles.size(); ++I) {
    Widths.push_back(widthOf(Titles[I]));
    for (const auto &Row : Rows)
      Widths[I] = std::max(Widths[I], widthOf(Row[I]));
  }
  auto PrintRow = [&](const std::vector<std::string> &Cells) {
    for (size_t I = 0; I < Cells.size(); ++I) {
      printf("%s%s", I ? "  " : Indent, Cells[I].c_str());
      if (I + 1 < Cells.size())
        printf("%*s", (int)(Widths[I] - widthOf(Cells[I])), "");
    }
  };
  printf("%s", mayColour() ? "\033[1m" : "");
  PrintRow(Titles);
  printf("%s\n", mayColour() ? "\033[0m" : "");
  for (const auto &Row : Rows) {
    PrintRow(Row);
    printf("\n");
  }
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static std::string quote(const std::string &Text) {
  std::string Result = "\"";
  char Hex[8];
  for (size_t I = 0; I < Text.size();) {
    unsigned char C = (unsigned char)Text[I];
    size_t Bytes = characterBytes(Text, I);
    if (Bytes && C >= 0x20 && C != 0x7f && C != '"' && C != '\\') {
      Result += Text.substr(I, Bytes);
      I += Bytes;
      continue;
    }
    if (C == '"' || C == '\\')
      snprintf(Hex, sizeof(Hex), "\\%c", C);
    else if (C == '\n' || C == '\t')
      snprintf(Hex, sizeof(Hex), "\\%c", C == '\n' ? 'n' : 't');
    else
      snprintf(Hex, sizeof(Hex), "\\u%04x", Bytes ? C : 0xdc00u + C);
    Result += Hex;
    ++I;
  }
  return Result + "\"";
}

void Json::startItem(const char *Key) {
  if (!First)
    printf(",");
  if (Depth)
    printf("\n%*s", (int)Depth * 2, "");
  First = false;
  if (Key)
    printf("%s: ", quote(Key).c_str());
}

void Json::begin(const char *Key, char Bracket) {
  startItem(Key);
  printf("%c", Bracket);
  ++Depth;
  First = true;
}

void Json::end(char Bracket) {
  --Depth;
  if (!First)
    printf("\n%*s", (int)Depth * 2, "");
  printf("%c%s", Bracket, Depth ? "" : "\n");
  First = false;
}

void Json::add(const char *Key, const std::string &Value) {
  startItem(Key);
  printf("%s", quote(Value).c_str());
}

void Json::add(const char *Key, uint64_t Value) {
  startItem(Key);
  printf("%llu", (unsigned long long)Value);
}

void Json::add(const char *Key, bool Value) {
  startItem(Key);
  printf("%s", Value ? "true" : "false");
}

void Json::addNumber(const char *Key, const std::string &Digits) {
  startItem(Key);
  printf("%s", Digits.c_str());
}

void Json::addNull(const char *Key) {
  startItem(Key);
  printf("null");
}

//===- Output.h - Tables for people, lines for programs, JSON ---*- C++ -*-===//

#ifndef PERDURE_TOOLS_PERDURE_OUTPUT_H
#define PERDURE_TOOLS_PERDURE_OUTPUT_H

#include <cstdint>
#include <string>
#include <vector>

/// Whether stdout is a terminal, so that a person reads it.
bool isForPeople();

/// Whether what is printed may be coloured: a terminal that has not been told not to.
bool mayColour();

/// The text in a colour, if it may be.
enum class Colour { Bold, Dim, Green, Cyan, Yellow, Red };
std::string paint(Colour C, const std::string &Text);

/// "0x1040".
std::string formatOffset(uint64_t Offset);

/// Tells people who wait how far it is, on stderr where that is a terminal: at most
/// ten times a second, and nothing of it stays.
class Progress {
public:
  Progress(std::string What, uint64_t Of) : What(std::move(What)), Of(Of) {}
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;
  void at(uint64_t Done);

private:
  std::string What;
  uint64_t Of, Last = 0;
  bool Shown = false;
};

/// Text as it is printed: what is not printable UTF-8, and the backslash, as
/// \xNN, so that no name can break a line or command the terminal.
std::string escape(const std::string &Text);

bool isUtf8(const std::string &Text);

/// As a word of a shell's command line.
std::string quoteForShell(const std::string &Text);

/// "4.2 KiB".
std::string formatSize(uint64_t Bytes);

/// Nanoseconds since 1970 in UTC: "2026-11-22T20:25:16.123456789Z".
std::string formatTime(uint64_t Nanoseconds);

/// Rows of columns; on a terminal they are aligned, under bold titles, else one
/// tab parts them and there are no titles.
class Table {
public:
  explicit Table(std::vector<std::string> Titles) : Titles(std::move(Titles)) {}
  void addRow(std::vector<std::string> Cells) {
    Rows.push_back(std::move(Cells));
  }
  void print(const char *Indent = "") const;

private:
  std::vector<std::string> Titles;
  std::vector<std::vector<std::string>> Rows;
};

/// Writes JSON to stdout. A byte that is not UTF-8 becomes the lone surrogate
/// U+DC00 + byte, as Python's surrogateescape has it.
class Json {
public:
  void beginArray(const char *Key = nullptr) { begin(Key, '['); }
  void beginObject(const char *Key = nullptr) { begin(Key, '{'); }
  void endArray() { end(']'); }
  void endObject() { end('}'); }
  void add(const char *Key, const std::string &Value);
  void add(const char *Key, const char *Value) { add(Key, std::string(Value)); }
  void add(const char *Key, uint64_t Value);
  void add(const char *Key, bool Value);
  /// Digits, as they are.
  void addNumber(const char *Key, const std::string &Digits);
  void addNull(const char *Key);

private:
  void begin(const char *Key, char Bracket);
  void end(char Bracket);
  void startItem(const char *Key);
  unsigned Depth = 0;
  bool First = true;
};

#endif // PERDURE_TOOLS_PERDURE_OUTPUT_H

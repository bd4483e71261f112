//===- Output.h - Tables for people, lines for programs, JSON ---*- C++ -*-===//

#ifndef PERDURE_TOOLS_PERDURE_OUTPUT_H
#define PERDURE_TOOLS_PERDURE_OUTPUT_H

#include <cstdint>
#include <string>
#include <vector>

/// Whether stdout is a terminal, so that a person reads it.
bool isForPeople();

/// Text as it is printed: what is not printable UTF-8, and the backslash, as
/// \xNN, so that no name can break a line or command the terminal.
std::string escape(const std::string &Text);

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
  void addNull(const char *Key);

private:
  void begin(const char *Key, char Bracket);
  void end(char Bracket);
  void startItem(const char *Key);
  unsigned Depth = 0;
  bool First = true;
};

#endif // PERDURE_TOOLS_PERDURE_OUTPUT_H

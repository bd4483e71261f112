//===- Print.h - Values for people and for programs -------------*- C++ -*-===//

#ifndef PERDURE_TOOLS_PERDURE_PRINT_H
#define PERDURE_TOOLS_PERDURE_PRINT_H

#include "Output.h"
#include "Path.h"
#include "Value.h"

#include <functional>

/// A value as people write it down:
///
///   node 0x2060 {
///     next = *node 0x2040
///     value = 3
///   }
class TextPrinter : public inspect::Visitor {
public:
  /// Most: elements of an array that are printed. Depth: pointers that are followed
  /// one after the other.
  TextPrinter(uint64_t Most, unsigned Depth) : Most(Most), Depth(Depth) {}

  /// The value at a place, and where it lies.
  void place(const inspect::Place &P);
  const std::string &result() const { return Out; }

  void number(const std::string &Digits, const std::string &Name) override;
  void boolean(bool Value) override;
  void text(const std::string &Bytes) override;
  void bytes(const unsigned char *Bytes, uint64_t Count) override;
  void pointer(const inspect::Type &T, const inspect::Target &To) override;
  void beginRecord(const inspect::Record &R) override;
  void beginField(const std::string &Key) override;
  void endRecord() override;
  void beginArray(const inspect::Type &Element, uint64_t Count) override;
  void beginElement(uint64_t Index) override;
  void endArray() override;

private:
  struct Array {
    uint64_t Count;
    bool Inline;
    size_t Full; // length of Out when Most had been printed; 0: not yet
  };
  void newLine();
  void block(const inspect::Place &P);
  inspect::Object *In = nullptr; // whose value is printed
  std::string Out;
  unsigned Indent = 0;
  uint64_t Most;
  unsigned Depth;
  std::vector<Array> Arrays;
};

/// The same as JSON. Pointers are null or objects; docs/Inspecting.md has their keys.
class JsonPrinter : public inspect::Visitor {
public:
  /// Follow is called with each pointer and says what it leads to, into J; or empty.
  using Follower = std::function<void(const inspect::Type &, const inspect::Target &)>;
  JsonPrinter(Json &J, inspect::Object &In, Follower Follow = {})
      : J(J), In(In), Follow(std::move(Follow)) {}
  /// For who reads it back: unions as bytes, of which every bit counts.
  void setExact() { Exact = true; }
  bool wantsUnionsAsBytes() const override { return Exact; }

  /// The value at a place, under a key.
  void place(const char *Key, const inspect::Place &P);

  void number(const std::string &Digits, const std::string &Name) override;
  void boolean(bool Value) override;
  void text(const std::string &Bytes) override;
  void bytes(const unsigned char *Bytes, uint64_t Count) override;
  void pointer(const inspect::Type &T, const inspect::Target &To) override;
  void beginRecord(const inspect::Record &R) override;
  void beginField(const std::string &Key) override;
  void endRecord() override;
  void beginArray(const inspect::Type &Element, uint64_t Count) override;
  void beginElement(uint64_t Index) override;
  void endArray() override;

private:
  const char *key();
  Json &J;
  inspect::Object &In;
  Follower Follow;
  std::string Key;
  bool HasKey = false, Exact = false;
};

/// Lines of sixteen bytes, in hexadecimal and as characters.
std::string hexLines(const inspect::Object &O, uint64_t Offset, uint64_t Count);

/// "*node 0x2060", "*node customers:0x40", "null".
std::string describe(const inspect::Type &T, const inspect::Target &To,
                     inspect::Object *In);

/// The string that a pointer to characters leads to, as far as it is one.
bool readString(const inspect::Place &P, std::string &Text);

#endif // PERDURE_TOOLS_PERDURE_PRINT_H

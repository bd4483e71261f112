//===- line.h - One line of a report, without stdio -------------*- C++ -*-===//
//
// Async-signal-safe. What does not fit is cut off.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_API_LINE_H
#define PERDURE_RUNTIME_API_LINE_H

#include "platform/error.h"

#include <stddef.h>
#include <stdint.h>

namespace perdure {

class Line {
public:
  struct Decimal {
    uint64_t Value;
  };

  Line &operator<<(const char *S) {
    while (*S && Length < sizeof(Text) - 1)
      Text[Length++] = *S++;
    return *this;
  }
  Line &operator<<(uint64_t Value) {
    *this << "0x";
    number(Value, 16);
    return *this;
  }
  Line &operator<<(Decimal D) {
    number(D.Value, 10);
    return *this;
  }
  /// errno stays.
  void print() {
    Text[Length++] = '\n';
    writeReport(Text, Length);
  }

private:
  void number(uint64_t Value, unsigned Radix) {
    char Digits[21];
    char *D = Digits + sizeof(Digits) - 1;
    *D = 0;
    do
      *--D = "0123456789abcdef"[Value % Radix];
    while (Value /= Radix);
    *this << D;
  }

  char Text[1536];
  size_t Length = 0;
};

} // namespace perdure

#endif // PERDURE_RUNTIME_API_LINE_H

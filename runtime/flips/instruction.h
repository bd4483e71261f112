//===- instruction.h - What one machine instruction writes ------*- C++ -*-===//
//
// Of the bytes that the processor is about to execute, by the Zydis decoder:
// neither compiler nor assembler can have meant another instruction.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FLIPS_INSTRUCTION_H
#define PERDURE_RUNTIME_FLIPS_INSTRUCTION_H

#include <stdint.h>

namespace perdure {
namespace flips {

/// The program's registers, as machine_entry.cpp saves them.
struct Registers {
  uint64_t General[16]; // in the order of their encodings; 4 is the stack's
  uint64_t Flags;
  uint64_t *Sequence; // the return address, the place, the stack pointer
};
enum : unsigned { Rax = 0, Rcx = 1, Rdx = 2, Rsp = 4, Rsi = 6, Rdi = 7 };

/// Memory that an instruction names.
struct Operand {
  int8_t Base = -1, Index = -1; // of General; -1: none
  uint8_t Scale = 0;
  bool InThread = false; // relative to the thread pointer
  bool Narrow = false;   // the address has 32 bits
  int64_t Displacement = 0;
  uint32_t Bytes = 0;

  char *address(const Registers &R) const;
};

struct Instruction {
  enum WriteKind : uint8_t {
    Nothing,
    Unknown,    ///< the decoder does not tell which bytes
    Register,   ///< the bytes of General[Value] from bit Shift on
    Immediate,  ///< the bytes of Value
    Any,        ///< whatever is there afterwards
    IfZero,     ///< the same, if the zero flag is set then
    Some,       ///< the same, but not all bytes need be written
    Call,       ///< the address of the next instruction
    RepeatMove, ///< rcx elements from [rsi] to [rdi]
    RepeatFill  ///< rcx times rax to [rdi]
  } Writes = Nothing;
  uint8_t Length = 0;
  bool Locked = false;      ///< other processors see it as one
  bool NonTemporal = false; ///< it passes the caches by
  bool Flushes = false;     ///< the line at Write goes to the medium
  uint8_t Shift = 0;
  int64_t Value = 0;
  Operand Write;
  Operand Reads[2];
  unsigned ReadCount = 0;
  /// Conditional jumps: their condition, as the instruction set numbers them.
  int8_t Condition = -1;
};

/// The instruction at \p At, or one of length 0.
Instruction decode(const void *At);

/// Whether the conditional jump would be taken.
bool holds(int8_t Condition, uint64_t Flags);

} // namespace flips
} // namespace perdure

#endif // PERDURE_RUNTIME_FLIPS_INSTRUCTION_H

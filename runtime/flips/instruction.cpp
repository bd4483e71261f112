//===- instruction.cpp - What one machine instruction writes --------------===//

#include "flips/instruction.h"

#include <Zydis/Zydis.h>
#include <cpuid.h>
#include <initializer_list>

using namespace perdure::flips;

char *Operand::address(const Registers &R) const {
  auto At = (uint64_t)Displacement;
  if (Base >= 0)
    At += R.General[Base];
  if (Index >= 0)
    At += R.General[Index] * Scale;
  if (Narrow)
    At = (uint32_t)At;
  if (InThread)
    At += (uint64_t)__builtin_thread_pointer();
  return (char *)At;
}

bool perdure::flips::holds(int8_t Condition, uint64_t Flags) {
  bool Carry = Flags & 1, Parity = Flags >> 2 & 1, Zero = Flags >> 6 & 1,
       Sign = Flags >> 7 & 1, Overflow = Flags >> 11 & 1;
  bool Holds;
  switch (Condition >> 1) {
  case 0:
    Holds = Overflow;
    break;
  case 1:
    Holds = Carry;
    break;
  case 2:
    Holds = Zero;
    break;
  case 3:
    Holds = Carry || Zero;
    break;
  case 4:
    Holds = Sign;
    break;
  case 5:
    Holds = Parity;
    break;
  case 6:
    Holds = Sign != Overflow;
    break;
  default:
    Holds = Zero || Sign != Overflow;
    break;
  }
  return Holds != (Condition & 1);
}

// False for what is no register of ours.
static bool number(ZydisRegister R, int8_t &Number) {
  if (R == ZYDIS_REGISTER_NONE || R == ZYDIS_REGISTER_RIP ||
      R == ZYDIS_REGISTER_EIP)
    return true;
  ZydisRegister Large =
      ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, R);
  if (ZydisRegisterGetClass(Large) != ZYDIS_REGCLASS_GPR64)
    return false;
  Number = ZydisRegisterGetId(Large);
  return true;
}

static bool translate(const ZydisDecodedInstruction &I,
                      const ZydisDecodedOperand &From, const void *At,
                      Operand &To) {
  const ZydisDecodedOperandMem &M = From.mem;
  if (!number(M.base, To.Base) || !number(M.index, To.Index) ||
      M.segment == ZYDIS_REGISTER_GS)
    return false;
  To.Scale = M.scale;
  To.InThread = M.segment == ZYDIS_REGISTER_FS;
  To.Narrow = I.address_width == 32;
  To.Displacement = M.disp.has_displacement ? M.disp.value : 0;
  if (M.base == ZYDIS_REGISTER_RIP || M.base == ZYDIS_REGISTER_EIP)
    To.Displacement += (int64_t)At + I.length;
  To.Bytes = From.size / 8;
  return To.Bytes != 0;
}

// How much an instruction of the xsave family may write here.
static uint32_t statesBytes() {
  unsigned A, B = 0, C, D;
  return __get_cpuid_count(13, 0, &A, &B, &C, &D) ? B : 0;
}

static bool isOneOf(ZydisMnemonic M, std::initializer_list<ZydisMnemonic> L) {
  for (ZydisMnemonic One : L)
    if (M == One)
      return true;
  return false;
}

// Under a mask. The decoder says so of some.
static bool writesSome(const ZydisDecodedInstruction &I,
                       const ZydisDecodedOperand &W) {
  return W.actions & ZYDIS_OPERAND_ACTION_CONDWRITE ||
         (I.avx.mask.reg != ZYDIS_REGISTER_NONE &&
          I.avx.mask.reg != ZYDIS_REGISTER_K0) ||
         isOneOf(I.mnemonic,
                 {ZYDIS_MNEMONIC_MASKMOVQ, ZYDIS_MNEMONIC_MASKMOVDQU,
                  ZYDIS_MNEMONIC_VMASKMOVDQU, ZYDIS_MNEMONIC_VMASKMOVPS,
                  ZYDIS_MNEMONIC_VMASKMOVPD, ZYDIS_MNEMONIC_VPMASKMOVD,
                  ZYDIS_MNEMONIC_VPMASKMOVQ});
}

// The value that a move or a push stores, where it is in sight.
static bool seeValue(const ZydisDecodedOperand &From, Instruction &To) {
  if (From.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    To.Writes = Instruction::Immediate;
    To.Value = From.imm.value.s;
    return true;
  }
  int8_t Number = -1;
  if (From.type != ZYDIS_OPERAND_TYPE_REGISTER ||
      !number(From.reg.value, Number) || Number < 0)
    return false;
  To.Writes = Instruction::Register;
  To.Value = Number;
  To.Shift =
      From.reg.value >= ZYDIS_REGISTER_AH && From.reg.value <= ZYDIS_REGISTER_BH
          ? 8
          : 0;
  return true;
}

static void decodeWrite(const ZydisDecodedInstruction &I,
                        const ZydisDecodedOperand (&Ops)[10],
                        const ZydisDecodedOperand &W, const void *At,
                        Instruction &To) {
  if (To.Writes != Instruction::Nothing ||
      W.mem.type == ZYDIS_MEMOP_TYPE_VSIB || !translate(I, W, At, To.Write)) {
    To.Writes = Instruction::Unknown;
    return;
  }
  To.Writes = writesSome(I, W) ? Instruction::Some : Instruction::Any;
  bool Pushes = I.meta.category == ZYDIS_CATEGORY_PUSH ||
                I.meta.category == ZYDIS_CATEGORY_CALL;
  if (Pushes) {
    To.Write = Operand();
    To.Write.Base = Rsp;
    To.Write.Bytes = W.size / 8;
    To.Write.Displacement = -(int64_t)To.Write.Bytes;
  }
  if (I.meta.category == ZYDIS_CATEGORY_CALL) {
    To.Writes = Instruction::Call;
    To.Value = (int64_t)At + I.length;
  } else if (I.mnemonic == ZYDIS_MNEMONIC_PUSH) {
    seeValue(Ops[0], To);
  } else if (I.mnemonic == ZYDIS_MNEMONIC_MOV) {
    seeValue(Ops[1], To);
  } else if (I.mnemonic == ZYDIS_MNEMONIC_ENTER) {
    To.Writes = Instruction::Unknown;
  } else if (isOneOf(I.mnemonic,
                     {ZYDIS_MNEMONIC_CMPXCHG, ZYDIS_MNEMONIC_CMPXCHG8B,
                      ZYDIS_MNEMONIC_CMPXCHG16B})) {
    To.Writes = Instruction::IfZero;
  } else if (isOneOf(I.mnemonic,
                     {ZYDIS_MNEMONIC_XSAVE, ZYDIS_MNEMONIC_XSAVE64,
                      ZYDIS_MNEMONIC_XSAVEC, ZYDIS_MNEMONIC_XSAVEC64,
                      ZYDIS_MNEMONIC_XSAVEOPT, ZYDIS_MNEMONIC_XSAVEOPT64})) {
    To.Writes = Instruction::Some;
    To.Write.Bytes = statesBytes();
  } else if (I.meta.category == ZYDIS_CATEGORY_STRINGOP &&
             I.attributes & ZYDIS_ATTRIB_HAS_REP) {
    To.Writes =
        I.mnemonic >= ZYDIS_MNEMONIC_STOSB && I.mnemonic <= ZYDIS_MNEMONIC_STOSW
            ? Instruction::RepeatFill
            : Instruction::RepeatMove;
  }
}

Instruction perdure::flips::decode(const void *At) {
  Instruction To;
  ZydisDecoder Decoder;
  ZydisDecodedInstruction I;
  ZydisDecodedOperand Ops[ZYDIS_MAX_OPERAND_COUNT];
  static_assert(ZYDIS_MAX_OPERAND_COUNT == 10, "as decodeWrite has it");
  ZydisDecoderInit(&Decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(
          &Decoder, At, ZYDIS_MAX_INSTRUCTION_LENGTH, &I, Ops)))
    return To;
  To.Length = I.length;
  To.Locked =
      I.attributes & ZYDIS_ATTRIB_HAS_LOCK || I.mnemonic == ZYDIS_MNEMONIC_XCHG;
  To.Flushes = isOneOf(I.mnemonic, {ZYDIS_MNEMONIC_CLWB, ZYDIS_MNEMONIC_CLFLUSH,
                                    ZYDIS_MNEMONIC_CLFLUSHOPT});
  To.NonTemporal = isOneOf(
      I.mnemonic,
      {ZYDIS_MNEMONIC_MOVNTDQ, ZYDIS_MNEMONIC_MOVNTI, ZYDIS_MNEMONIC_MOVNTPD,
       ZYDIS_MNEMONIC_MOVNTPS, ZYDIS_MNEMONIC_MOVNTQ, ZYDIS_MNEMONIC_MOVNTSD,
       ZYDIS_MNEMONIC_MOVNTSS, ZYDIS_MNEMONIC_VMOVNTDQ, ZYDIS_MNEMONIC_VMOVNTPD,
       ZYDIS_MNEMONIC_VMOVNTPS, ZYDIS_MNEMONIC_MASKMOVDQU,
       ZYDIS_MNEMONIC_VMASKMOVDQU, ZYDIS_MNEMONIC_MASKMOVQ,
       ZYDIS_MNEMONIC_MOVDIRI, ZYDIS_MNEMONIC_MOVDIR64B});
  if (I.meta.category == ZYDIS_CATEGORY_COND_BR && I.meta.branch_type)
    To.Condition = I.opcode & 15;
  for (unsigned N = 0; N != I.operand_count; ++N) {
    const ZydisDecodedOperand &Op = Ops[N];
    if (Op.type != ZYDIS_OPERAND_TYPE_MEMORY)
      continue;
    if (To.Flushes) {
      translate(I, Op, At, To.Write);
      To.Write.Bytes = 1;
      continue;
    }
    if (Op.mem.type == ZYDIS_MEMOP_TYPE_AGEN ||
        Op.mem.type == ZYDIS_MEMOP_TYPE_MIB)
      continue;
    if (Op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
      decodeWrite(I, Ops, Op, At, To);
    Operand R;
    if (Op.actions & ZYDIS_OPERAND_ACTION_MASK_READ && To.ReadCount != 2 &&
        translate(I, Op, At, R))
      To.Reads[To.ReadCount++] = R;
  }
  return To;
}

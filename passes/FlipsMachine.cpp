//===- FlipsMachine.cpp - Counts what machine code stores -----------------===//
//
// Scope `all`, x86-64. Last of all machine passes, so that nothing spills for
// it: registers and frames are those of the program without it. In front of
// each instruction that may write, and behind some, comes:
//
//   xchgq %rsp, %fs:__perdure_flips_stack     to the profiler's stack
//   leaq -128(%rsp), %rsp                     (runtime/flips/machine.h)
//   pushq %fs:__perdure_flips_stack           the program's stack pointer
//   pushq PLACE(%rip)
//   callq *__perdure_flips_event_v1(%rip)     which takes PLACE off
//   leaq 136(%rsp), %rsp
//   xchgq %rsp, %fs:__perdure_flips_stack
//
// which changes no register, no flag, and nothing below the stack pointer. What
// the instruction writes and where, the profiler decodes from its bytes; here
// it matters only which instructions may write, and where they stand in the
// source. Between the two exchanges the CFI finds the program's frame by the
// pushed stack pointer. Where that is not pushed yet, or not any more, what is
// above the end of the profiler's stack leads to the variable that holds it.
//
//===----------------------------------------------------------------------===//

#include "Flips.h"
#include "Sites.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/CodeGen/MachineFrameInfo.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/MachineInstrBuilder.h"
#include "llvm/CodeGen/MachineMemOperand.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/PseudoSourceValue.h"
#include "llvm/CodeGen/TargetInstrInfo.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCDwarf.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Target/RegisterTargetPassConfigCallback.h"

using namespace llvm;

namespace perdure {
namespace {

/// Where the CFA is, as the directives so far say.
struct Cfa {
  bool FromStackPointer = true;
  int64_t Offset = 8;
};
/// DWARF's number.
constexpr unsigned StackPointer = 7;

class CfaReader {
  Cfa Now;
  SmallVector<Cfa, 4> Remembered;

public:
  const Cfa &now() const { return Now; }

  void read(const MachineFunction &MF, const MachineInstr &MI) {
    const MCCFIInstruction &I =
        MF.getFrameInstructions()[MI.getOperand(0).getCFIIndex()];
    switch (I.getOperation()) {
    case MCCFIInstruction::OpDefCfa:
      Now = {I.getRegister() == StackPointer, I.getOffset()};
      break;
    case MCCFIInstruction::OpDefCfaRegister:
      Now.FromStackPointer = I.getRegister() == StackPointer;
      break;
    case MCCFIInstruction::OpDefCfaOffset:
      Now.Offset = I.getOffset();
      break;
    case MCCFIInstruction::OpAdjustCfaOffset:
      Now.Offset += I.getOffset();
      break;
    case MCCFIInstruction::OpRememberState:
      Remembered.push_back(Now);
      break;
    case MCCFIInstruction::OpRestoreState:
      if (!Remembered.empty())
        Now = Remembered.pop_back_val();
      break;
    case MCCFIInstruction::OpEscape:
      // An expression: of frames that realign their stack, from %rbp.
      if (!I.getValues().empty() &&
          uint8_t(I.getValues()[0]) == dwarf::DW_CFA_def_cfa_expression)
        Now.FromStackPointer = false;
      break;
    default:
      break;
    }
  }
};

class FlipsMachine : public MachineFunctionPass {
  flips::Request Wanted;
  std::unique_ptr<Records> Types;
  std::unique_ptr<Notes> Noted;
  StringMap<unsigned> Texts; // to labels, in this module's assembly
  unsigned Labels = 0;
  SmallPtrSet<const Function *, 4> Resolvers; // not counted

public:
  static char ID;
  FlipsMachine() : MachineFunctionPass(ID) {}

  StringRef getPassName() const override {
    return "Perdure's count of flips in machine code";
  }

  void getAnalysisUsage(AnalysisUsage &AU) const override {
    AU.setPreservesAll();
    MachineFunctionPass::getAnalysisUsage(AU);
  }

  bool doInitialization(Module &M) override {
    Wanted = flips::requestOf(M);
    Types = nullptr;
    Noted = nullptr;
    Texts.clear();
    Labels = 0;
    Resolvers.clear();
    if (Wanted.Counted != flips::Scope::All)
      return false;
    Types = std::make_unique<Records>(M);
    Noted = std::make_unique<Notes>(M);
    findResolvers(M);
    flips::tellMachineCodeIsCounted(M);
    return true;
  }

  bool runOnMachineFunction(MachineFunction &MF) override {
    const Function &F = MF.getFunction();
    if (!Types || F.getName().starts_with("perdure.flips.") ||
        Resolvers.contains(&F))
      return false;
    // First all that is the program's, then the calls.
    SmallVector<std::pair<MachineInstr *, CfaReader>, 64> Work;
    CfaReader Frame;
    for (MachineBasicBlock &MBB : MF) {
      // A section of its own has a frame description of its own.
      if (MBB.isBeginSection() && &MBB != &MF.front())
        Frame = CfaReader();
      for (MachineInstr &MI : MBB.instrs())
        if (MI.isCFIInstruction())
          Frame.read(MF, MI);
        else if (!MI.isMetaInstruction() && !MI.isBundle())
          Work.push_back({&MI, Frame});
    }
    for (auto &[MI, At] : Work)
      count(MF, *MI, At);
    return true;
  }

private:
  //===--- Which instructions ---------------------------------------------===//

  /// Those of ifuncs, and what they call in this module: they run while the
  /// program is being linked, before its threads have anything of their own.
  void findResolvers(const Module &M) {
    SmallVector<const Function *, 4> Work;
    auto Add = [&](const Function *F) {
      if (F && !F->isDeclaration() && Resolvers.insert(F).second)
        Work.push_back(F);
    };
    for (const GlobalIFunc &I : M.ifuncs())
      Add(I.getResolverFunction());
    while (!Work.empty())
      for (const Instruction &I : instructions(Work.pop_back_val()))
        if (auto *CB = dyn_cast<CallBase>(&I))
          Add(CB->getCalledFunction());
  }

  void count(MachineFunction &MF, MachineInstr &MI, CfaReader Frame) {
    if (MI.isInlineAsm())
      return complain(MF, MI);
    bool Returns = MI.isReturn() && !MI.isCall();
    bool Writes = !Returns && (MI.isCall() || MI.mayStore() ||
                               MI.hasUnmodeledSideEffects());
    if (!Writes && !(Wanted.Loads && (MI.mayLoad() || Returns)))
      return;
    StringRef Name = MF.getSubtarget().getInstrInfo()->getName(MI.getOpcode());
    // Code that somebody patches, or that the assembler makes several
    // instructions of.
    if (Name.starts_with("PATCH") || Name.starts_with("STATEPOINT") ||
        Name.starts_with("FENTRY"))
      return report(MF, MI, "what is patched in is not counted");
    // What has no bytes of its own, or stands in front of all others.
    if (Name.starts_with("EH_") || Name.starts_with("ENDBR"))
      return;
    flips::Event Kind = kindOf(MI, Name);
    uint64_t Callee = MI.isCall() ? calleeOf(MF, MI) : 0;
    // It stores nothing: who is jumped to may.
    if (Kind == flips::Event::Jump && !Callee && !Wanted.Loads)
      return;
    unsigned Place = ++Labels;
    std::string Data = placeText(MF, MI, Place, Kind, Callee);
    insert(MF, MI, MI.getIterator(), Place, /*Behind=*/false, Frame.now(),
           Data);
    if (Kind != flips::Event::Around &&
        !(Kind == flips::Event::Call && flips::isCompared(Callee)))
      return;
    if (MI.isTerminator())
      return report(MF, MI, "a branch that may store is not counted");
    // Directives that belong to it first: it may move the stack pointer.
    MachineBasicBlock::instr_iterator Next = std::next(MI.getIterator());
    for (; Next != MI.getParent()->instr_end() && Next->isCFIInstruction();
         ++Next)
      Frame.read(MF, *Next);
    insert(MF, MI, Next, Place, /*Behind=*/true, Frame.now(), "");
  }

  static flips::Event kindOf(const MachineInstr &MI, StringRef Name) {
    if (MI.isCall() && (MI.isReturn() || Name.starts_with("TAILJMP")))
      return flips::Event::Jump;
    if (Name.starts_with("TLS_"))
      return flips::Event::ThreadLocal;
    if (MI.isCall())
      return flips::Event::Call;
    if (MI.isReturn() || (!MI.mayStore() && !MI.hasUnmodeledSideEffects()))
      return flips::Event::Load;
    bool Whole =
        StringSwitch<bool>(Name)
            .Cases({"MOV8mr", "MOV16mr", "MOV32mr", "MOV64mr"}, true)
            .Cases({"MOV8mi", "MOV16mi", "MOV32mi", "MOV64mi32"}, true)
            .Cases({"MOV8mr_NOREX", "PUSH64r", "PUSH64i8", "PUSH64i32"}, true)
            .Default(false);
    return Whole || Name.starts_with("REP_MOVS") || Name.starts_with("REP_STOS")
               ? flips::Event::Whole
               : flips::Event::Around;
  }

  static uint64_t calleeOf(MachineFunction &MF, const MachineInstr &MI) {
    const Module &M = *MF.getFunction().getParent();
    for (const MachineOperand &Op : MI.operands()) {
      const Function *F = nullptr;
      StringRef Name;
      if (Op.isGlobal()) {
        F = dyn_cast<Function>(Op.getGlobal());
        if (F && !F->hasLocalLinkage())
          Name = F->getName();
      } else if (Op.isSymbol()) {
        Name = Op.getSymbolName();
        F = M.getFunction(Name);
      }
      if (!Name.empty())
        return flips::calleeWord(Name, F);
    }
    return 0;
  }

  //===--- What cannot be counted -----------------------------------------===//

  static void report(MachineFunction &MF, const MachineInstr &MI,
                     const Twine &What) {
    const Function &F = MF.getFunction();
    F.getContext().diagnose(DiagnosticInfoGenericWithLoc(
        "-fperdure-flips=all: " + What + " in '" + F.getName() + "'", F,
        MI.getDebugLoc(), DS_Warning));
  }

  static void complain(MachineFunction &MF, const MachineInstr &MI) {
    StringRef Text = MI.getOperand(InlineAsm::MIOp_AsmString).getSymbolName();
    unsigned Extra = MI.getOperand(InlineAsm::MIOp_ExtraInfo).getImm();
    bool MayStore =
        Extra & (InlineAsm::Extra_MayStore | InlineAsm::Extra_HasSideEffects);
    if (!Text.trim().empty() && MayStore)
      report(MF, MI, "what inline assembly stores is not counted");
  }

  //===--- Places ---------------------------------------------------------===//

  /// Text in quotes, all but letters and digits by number: the assembler's
  /// string within LLVM's inline assembly.
  static std::string quoted(StringRef Text) {
    std::string Result = "\"";
    for (unsigned char C : Text) {
      if (isAlnum(C) || C == '_' || C == '.' || C == '/' || C == '-') {
        Result += static_cast<char>(C);
      } else {
        Result += '\\';
        for (int Shift : {6, 3, 0})
          Result += static_cast<char>('0' + (C >> Shift & 7));
      }
    }
    return Result + "\"";
  }

  /// The label of a string; adds it to \p Data where it is new.
  std::string text(StringRef Words, std::string &Data) {
    auto [At, New] = Texts.try_emplace(Words, Texts.size());
    std::string Label = (".Lperdure_flips_text" + Twine(At->second)).str();
    if (New)
      Data += ".pushsection .rodata.perdure_flips,\"aMS\",@progbits,1\n" +
              Label + ":\n.asciz " + quoted(Words) + "\n.popsection\n";
    return Label;
  }

  /// What machine code alone stores is told apart, where the source has a
  /// field.
  std::string fieldOf(MachineFunction &MF, const MachineInstr &MI,
                      const DILocation *Loc, uint64_t Callee) {
    if (MI.isCall())
      return Callee ? "" : "(return address)";
    if (MI.getFlag(MachineInstr::FrameSetup) && MI.mayStore())
      return "(saved register)";
    std::string Field;
    for (const MachineMemOperand *MMO : MI.memoperands()) {
      if (!MMO->isStore())
        continue;
      if (const PseudoSourceValue *PSV = MMO->getPseudoValue()) {
        if (PSV->isStack())
          return "(stack argument)";
        auto *Fixed = dyn_cast<FixedStackPseudoSourceValue>(PSV);
        if (Fixed &&
            MF.getFrameInfo().isSpillSlotObjectIndex(Fixed->getFrameIndex()))
          return "(spill)";
        continue;
      }
      uint64_t Bytes = MMO->getSize().hasValue()
                           ? MMO->getSize().getValue().getKnownMinValue()
                           : 0;
      if (Loc && Field.empty())
        Field = Noted->lookup(*Loc, Bytes, true).str();
      if (Field.empty() && MMO->getValue())
        Field = Types->field(MMO->getValue(), MMO->getAAInfo().TBAA, Bytes);
    }
    return Field;
  }

  std::string placeText(MachineFunction &MF, const MachineInstr &MI,
                        unsigned Number, flips::Event Kind, uint64_t Callee) {
    const DILocation *Loc = placeOf(MI.getDebugLoc().get());
    const DISubprogram *SP = Loc ? Loc->getScope()->getSubprogram()
                                 : MF.getFunction().getSubprogram();
    StringRef File = Loc ? Loc->getFilename() : SP ? SP->getFilename() : "";
    unsigned Line = Loc ? Loc->getLine() : SP ? SP->getLine() : 0;
    StringRef Name = SP ? SP->getName() : MF.getName();
    std::string Data;
    std::string FileLabel = text(File, Data), NameLabel = text(Name, Data),
                FieldLabel = text(fieldOf(MF, MI, Loc, Callee), Data);
    std::string Label = placeLabel(Number);
    uint64_t Event = uint64_t(Kind) | (Wanted.Loads ? 256 : 0);
    Data += ".pushsection .data.perdure_flips,\"aw\",@progbits\n.p2align 3\n" +
            Label + ":\n.quad " + Label + ", " + Label + "+1, " +
            utostr(Event) + ", " + utostr(Callee) + ", 0, 0\n.quad " +
            FileLabel + ", " + NameLabel + ", " + FieldLabel + ", " +
            utostr(Line) + "\n.zero " + utostr(flips::SiteBytes - 32) +
            "\n.popsection\n";
    return Data;
  }

  static std::string placeLabel(unsigned Number) {
    return (".Lperdure_flips_place" + Twine(Number)).str();
  }

  //===--- The sequence ---------------------------------------------------===//

  /// What leads from the profiler's stack to the program's stack pointer.
  enum class Lead {
    Pushed,   ///< that itself
    Variable, ///< the address of the variable that holds it: Stack::Variable
              ///< (runtime/flips/stacks.cpp)
  };

  /// The CFA by the lead that lies \p Above the profiler's stack pointer.
  static std::string cfaDirective(const Cfa &Frame, Lead By, unsigned Above) {
    uint8_t Buffer[16];
    std::string Bytes{char(dwarf::DW_OP_breg7)};
    Bytes.append((char *)Buffer, encodeSLEB128(Above, Buffer));
    Bytes.append(By == Lead::Variable ? 2 : 1, char(dwarf::DW_OP_deref));
    Bytes += char(dwarf::DW_OP_plus_uconst);
    Bytes.append((char *)Buffer, encodeULEB128(Frame.Offset, Buffer));
    std::string Text = ".cfi_escape " +
                       utostr(unsigned(dwarf::DW_CFA_def_cfa_expression)) +
                       ", " + utostr(Bytes.size());
    for (unsigned char C : Bytes)
      Text += ", " + utostr(unsigned(C));
    return Text + "\n";
  }

  void insert(MachineFunction &MF, MachineInstr &For,
              MachineBasicBlock::instr_iterator Before, unsigned Place,
              bool Behind, const Cfa &Frame, const std::string &Data) {
    bool Directives = MF.needsFrameMoves() && Frame.FromStackPointer;
    auto At = [&](Lead By, unsigned Above) {
      return Directives ? cfaDirective(Frame, By, Above) : std::string();
    };
    std::string Stack = std::string("%fs:") + flips::StackSymbol + "@TPOFF";
    std::string Text =
        Data + "xchgq %rsp, " + Stack + "\n" +
        (Directives ? ".cfi_remember_state\n" : "") + At(Lead::Variable, 0) +
        "leaq -128(%rsp), %rsp\n" + At(Lead::Variable, 128) + "pushq " + Stack +
        "\n" + At(Lead::Pushed, 0) + "pushq " + placeLabel(Place) +
        (Behind ? "+8" : "") + "(%rip)\n" + At(Lead::Pushed, 8) + "callq *" +
        flips::EventSymbol + "@GOTPCREL(%rip)\n" + At(Lead::Pushed, 0) +
        "leaq 136(%rsp), %rsp\n" + At(Lead::Variable, 0) + "xchgq %rsp, " +
        Stack + "\n" + (Directives ? ".cfi_restore_state\n" : "");
    BuildMI(*For.getParent(), Before, For.getDebugLoc(),
            MF.getSubtarget().getInstrInfo()->get(TargetOpcode::INLINEASM))
        .addExternalSymbol(MF.createExternalSymbolName(Text))
        .addImm(InlineAsm::Extra_HasSideEffects);
  }
};

char FlipsMachine::ID;

// Behind all that makes or moves instructions and directives.
RegisterTargetPassConfigCallback Register([](TargetMachine &TM,
                                             PassManagerBase &,
                                             TargetPassConfig *Config) {
  if (TM.getTargetTriple().getArch() == Triple::x86_64)
    Config->insertPass(&UnpackMachineBundlesID, new FlipsMachine());
});

} // namespace
} // namespace perdure

//===- Frames.cpp - Stack frames that flip few bits -----------------------===//
//
// With `perdure.reduce.frames` each callee-saved register has one slot, at the
// same distance from the frame's top in every function, so that a call writes
// over what the call before it left there the same register's value, which has
// mostly not changed. x86-64 ELF, functions that save what C functions save.
//
//   without a frame pointer   with one, always   with one here
//   CFA-16  rbx               rbp                rbp
//   CFA-24  r14               rbx                r14
//   CFA-32  r15               r14                r15
//   CFA-40  r12               r15                r12
//   CFA-48  r13               r12                r13
//   CFA-56  rbp               r13                rbx
//
// The slots are in the order in which registers are allocated: what a function
// saves is nearly always the top of its column, by the pushes that it has
// anyway. Where one is left out, FramesLayout, in front of the prologue
// inserter, has it saved, and FramesGaps, behind, makes adjustments of rsp of
// the saves: so that the inserter computes all offsets and all CFI, and what is
// left out takes its own CFI with it.
//
// Everything else of a frame that has locals or calls lies below the six slots:
// no local and no callee's frame lies over another function's saved registers,
// and callees of functions without locals have their frames' tops in one place.
//
//===----------------------------------------------------------------------===//

#include "FlipPolicies.h"

#include "llvm/CodeGen/MachineFrameInfo.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/MachineInstrBuilder.h"
#include "llvm/CodeGen/MachineRegisterInfo.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/TargetFrameLowering.h"
#include "llvm/CodeGen/TargetInstrInfo.h"
#include "llvm/CodeGen/TargetLowering.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/CodeGen/TargetRegisterInfo.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"
#include "llvm/MC/MCDwarf.h"
#include "llvm/Target/RegisterTargetPassConfigCallback.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

namespace perdure {
namespace {

constexpr int SlotBytes = 8;
constexpr unsigned Slots = 6;
/// From the frame's top, below the return address.
using Layout = StringLiteral[Slots];
constexpr Layout NoPointer = {"RBX", "R14", "R15", "R12", "R13", "RBP"};
constexpr Layout PointerAlways = {"RBP", "RBX", "R14", "R15", "R12", "R13"};
constexpr Layout PointerHere = {"RBP", "R14", "R15", "R12", "R13", "RBX"};

/// Of each function that is laid out here: the registers that only keep a place
/// in its frame.
using Gaps = DenseMap<const MachineFunction *, SmallVector<MCRegister, Slots>>;

bool isFor(const MachineFunction &MF) {
  const Function &F = MF.getFunction();
  const Triple &T = F.getParent()->getTargetTriple();
  if (!reducesFlips(*F.getParent(), FlipPolicy::Frames) ||
      T.getArch() != Triple::x86_64 || T.isX32() || !T.isOSBinFormatELF())
    return false;
  CallingConv::ID Convention = F.getCallingConv();
  // Those that move their return address, or whose prologue others than
  // pushes and one subtraction make.
  return Convention != CallingConv::Tail &&
         Convention != CallingConv::SwiftTail &&
         Convention != CallingConv::HiPE &&
         !MF.getTarget().Options.GuaranteedTailCallOpt &&
         !F.getAttributes().hasAttrSomewhere(Attribute::SwiftAsync) &&
         !F.hasFnAttribute(Attribute::Naked) && !F.hasMinSize() &&
         !F.hasFnAttribute("split-stack") && !MF.hasEHFunclets() &&
         MF.getSubtarget().checkFeatures("-push2pop2,-ppx");
}

class FramesLayout : public MachineFunctionPass {
  std::shared_ptr<Gaps> Found;

public:
  static char ID;
  explicit FramesLayout(std::shared_ptr<Gaps> Found)
      : MachineFunctionPass(ID), Found(std::move(Found)) {}

  StringRef getPassName() const override { return "Perdure's frames: layout"; }

  void getAnalysisUsage(AnalysisUsage &AU) const override {
    AU.setPreservesAll();
    MachineFunctionPass::getAnalysisUsage(AU);
  }

  bool runOnMachineFunction(MachineFunction &MF) override {
    Found->erase(&MF);
    MachineRegisterInfo &MRI = MF.getRegInfo();
    MachineFrameInfo &MFI = MF.getFrameInfo();
    const TargetFrameLowering &TFL = *MF.getSubtarget().getFrameLowering();
    if (!isFor(MF))
      return false;
    bool HasPointer = TFL.hasFP(MF);
    const Layout &L =
        !HasPointer ? NoPointer
        : MF.getFunction().getFnAttribute("frame-pointer").getValueAsString() ==
                "all"
            ? PointerAlways
            : PointerHere;
    MCPhysReg InSlot[Slots];
    if (!findRegisters(MF, L, InSlot))
      return false;
    SmallVector<MCRegister, Slots> &Left = (*Found)[&MF];

    // The inserter gives slots from the end of this list on.
    MRI.setCalleeSavedRegs(SmallVector<MCPhysReg, Slots>(
        std::reverse_iterator(std::end(InSlot)),
        std::reverse_iterator(std::begin(InSlot))));
    BitVector Saved;
    TFL.determineCalleeSaves(MF, Saved, nullptr);
    unsigned End = Slots;
    while (End && !Saved.test(InSlot[End - 1]))
      --End;
    // It saves a frame pointer itself, in the first slot.
    uint32_t *Kept = MF.allocateRegMask();
    std::fill_n(Kept,
                MachineOperand::getRegMaskSize(
                    MF.getSubtarget().getRegisterInfo()->getNumRegs()),
                ~uint32_t(0));
    for (unsigned I = HasPointer; I < End; ++I)
      if (MCPhysReg R = InSlot[I]; !Saved.test(R)) {
        Kept[R / 32] &= ~(uint32_t(1) << R % 32);
        Left.push_back(R);
      }
    MRI.addPhysRegsUsedFromRegMask(Kept);
    if (End < Slots && (MFI.hasCalls() || hasLocals(MFI)))
      MFI.CreateFixedSpillStackObject(SlotBytes, -SlotBytes * int(Slots + 1));
    return true;
  }

private:
  /// The registers of \p L; false where others than these are to be saved.
  static bool findRegisters(const MachineFunction &MF, const Layout &L,
                            MCPhysReg (&InSlot)[Slots]) {
    const TargetRegisterInfo &TRI = *MF.getSubtarget().getRegisterInfo();
    unsigned Known = 0, All = 0;
    for (const MCPhysReg *R = MF.getRegInfo().getCalleeSavedRegs(); *R; ++R) {
      ++All;
      for (unsigned I = 0; I != Slots; ++I)
        if (L[I] == TRI.getName(*R)) {
          InSlot[I] = *R;
          ++Known;
        }
    }
    return Known == Slots && All == Slots;
  }

  static bool hasLocals(const MachineFrameInfo &MFI) {
    for (int I = 0; I != MFI.getObjectIndexEnd(); ++I)
      if (!MFI.isDeadObjectIndex(I))
        return true;
    return false;
  }
};

class FramesGaps : public MachineFunctionPass {
  std::shared_ptr<Gaps> Found;
  unsigned Push = 0, Pop = 0, Lea = 0;

public:
  static char ID;
  explicit FramesGaps(std::shared_ptr<Gaps> Found)
      : MachineFunctionPass(ID), Found(std::move(Found)) {}

  StringRef getPassName() const override { return "Perdure's frames: gaps"; }

  void getAnalysisUsage(AnalysisUsage &AU) const override {
    AU.setPreservesCFG();
    MachineFunctionPass::getAnalysisUsage(AU);
  }

  bool runOnMachineFunction(MachineFunction &MF) override {
    auto It = Found->find(&MF);
    if (It == Found->end())
      return false;
    SmallVector<MCRegister, Slots> Gone = It->second;
    Found->erase(It);
    findOpcodes(*MF.getSubtarget().getInstrInfo());
    MachineFrameInfo &MFI = MF.getFrameInfo();
    std::vector<CalleeSavedInfo> Left = MFI.getCalleeSavedInfo();
    erase_if(Left, [&](const CalleeSavedInfo &I) {
      return is_contained(Gone, I.getReg());
    });
    MFI.setCalleeSavedInfo(std::move(Left));
    for (MachineBasicBlock &MBB : MF) {
      // Nothing in the function touches them.
      for (MCRegister R : Gone)
        MBB.removeLiveIn(R);
      rewrite(MF, MBB, Gone);
    }
    return true;
  }

private:
  // The target's own header is not installed: its names are.
  void findOpcodes(const TargetInstrInfo &TII) {
    if (Lea)
      return;
    for (unsigned I = 0; I != TII.getNumOpcodes(); ++I) {
      StringRef Name = TII.getName(I);
      if (Name == "PUSH64r")
        Push = I;
      else if (Name == "POP64r")
        Pop = I;
      else if (Name == "LEA64r")
        Lea = I;
    }
  }

  void rewrite(MachineFunction &MF, MachineBasicBlock &MBB,
               ArrayRef<MCRegister> Gone) {
    // The adjustment in front, and its CFI, while nothing else is behind it.
    MachineInstr *Before = nullptr, *BeforeCfa = nullptr;
    for (MachineInstr &MI : make_early_inc_range(MBB)) {
      if (MI.isCFIInstruction()) {
        const MCCFIInstruction &C =
            MF.getFrameInstructions()[MI.getOperand(0).getCFIIndex()];
        if (isOf(MF, C, Gone))
          MI.eraseFromParent();
        else if (Before && !BeforeCfa &&
                 C.getOperation() == MCCFIInstruction::OpDefCfaOffset)
          BeforeCfa = &MI;
        else
          Before = nullptr;
        continue;
      }
      int64_t Bytes = gap(MI, Gone);
      if (!Bytes) {
        Before = nullptr;
        continue;
      }
      if (Before) {
        Bytes += Before->getOperand(4).getImm();
        Before->eraseFromParent();
        if (BeforeCfa)
          BeforeCfa->eraseFromParent();
      }
      BeforeCfa = nullptr;
      // Leaves the flags alone, which may be live where prologues are moved.
      Register SP = MF.getSubtarget()
                        .getTargetLowering()
                        ->getStackPointerRegisterToSaveRestore();
      Before = BuildMI(MBB, MI, MI.getDebugLoc(),
                       MF.getSubtarget().getInstrInfo()->get(Lea), SP)
                   .addReg(SP)
                   .addImm(1)
                   .addReg(0)
                   .addImm(Bytes)
                   .addReg(0)
                   .setMIFlags(MI.getFlags());
      MI.eraseFromParent();
    }
  }

  /// By how much \p MI moves rsp, if that is all it is for: a save or restore
  /// of what need not be saved, or a push of anything at all, which writes it.
  int64_t gap(const MachineInstr &MI, ArrayRef<MCRegister> Gone) const {
    bool Saves = MI.getOpcode() == Push && MI.getFlag(MachineInstr::FrameSetup);
    bool Restores =
        MI.getOpcode() == Pop && MI.getFlag(MachineInstr::FrameDestroy);
    if (!Saves && !Restores)
      return 0;
    const MachineOperand &R = MI.getOperand(0);
    if (!is_contained(Gone, R.getReg().asMCReg()) && !(Saves && R.isUndef()))
      return 0;
    return Saves ? -SlotBytes : SlotBytes;
  }

  static bool isOf(const MachineFunction &MF, const MCCFIInstruction &C,
                   ArrayRef<MCRegister> Gone) {
    if (C.getOperation() != MCCFIInstruction::OpOffset &&
        C.getOperation() != MCCFIInstruction::OpRestore)
      return false;
    const TargetRegisterInfo &TRI = *MF.getSubtarget().getRegisterInfo();
    return any_of(Gone, [&](MCRegister R) {
      return TRI.getDwarfRegNum(R, /*isEH=*/true) == int(C.getRegister());
    });
  }
};

char FramesLayout::ID;
char FramesGaps::ID;

// Behind shrink-wrapping, which is to see what needs saving and nothing else.
RegisterTargetPassConfigCallback Register([](TargetMachine &, PassManagerBase &,
                                             TargetPassConfig *Config) {
  auto Found = std::make_shared<Gaps>();
  Config->insertPass(Config->getOptLevel() == CodeGenOptLevel::None
                         ? &FixupStatepointCallerSavedID
                         : &ShrinkWrapID,
                     new FramesLayout(Found));
  Config->insertPass(&PrologEpilogCodeInserterID, new FramesGaps(Found));
});

} // namespace
} // namespace perdure

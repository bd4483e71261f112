//===- ColdConstants.cpp - Constants of cold paths leave loops' registers -===//
//
// A translation's cold paths need constants of 64 bits: masks, limits, the
// window. Machine LICM takes them out of the loop, each into a register that is
// saved and restored around it, and short loops then spend longer on those than
// on their work. So what can be computed anew anywhere, and is used in blocks
// alone that together run more rarely than the one it stands in, goes to them.
//
// Right, because such instructions give the same value wherever they run
// (TargetInstrInfo::isReMaterializable), and the registers that they read are
// in SSA form here: what defines them dominates the old place, and that the
// uses.
//
// Takes part where the plugin takes part in code generation, as SitesMachine.
// docs/passes/ColdConstants.md has what it saves.
//
//===----------------------------------------------------------------------===//

#include "Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/CodeGen/MachineBlockFrequencyInfo.h"
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/MachineRegisterInfo.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/TargetInstrInfo.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"
#include "llvm/Target/RegisterTargetPassConfigCallback.h"

using namespace llvm;

namespace perdure {
namespace {

class ColdConstants : public MachineFunctionPass {
  const MachineBlockFrequencyInfo *MBFI = nullptr;
  const TargetInstrInfo *TII = nullptr;
  MachineRegisterInfo *MRI = nullptr;

public:
  static char ID;
  ColdConstants() : MachineFunctionPass(ID) {}

  StringRef getPassName() const override { return "Perdure's cold constants"; }

  void getAnalysisUsage(AnalysisUsage &AU) const override {
    AU.setPreservesCFG();
    AU.addRequired<MachineBlockFrequencyInfoWrapperPass>();
    MachineFunctionPass::getAnalysisUsage(AU);
  }

  bool runOnMachineFunction(MachineFunction &MF) override {
    if (!MF.getFunction().hasFnAttribute(LoweredAttribute))
      return false;
    MBFI = &getAnalysis<MachineBlockFrequencyInfoWrapperPass>().getMBFI();
    TII = MF.getSubtarget().getInstrInfo();
    MRI = &MF.getRegInfo();
    bool Changed = false;
    // Users first: what they read may follow them.
    for (MachineBasicBlock *MBB : post_order(&MF))
      for (MachineInstr &MI : make_early_inc_range(reverse(*MBB)))
        Changed |= sink(MI);
    return Changed;
  }

private:
  /// The register that \p MI defines, if that is all it does.
  Register definitionOf(const MachineInstr &MI) const {
    if (MI.isPHI() || MI.isCopy() || MI.isMetaInstruction() ||
        !TII->isReMaterializable(MI) || MI.getNumExplicitDefs() != 1)
      return Register();
    const MachineOperand &Def = MI.getOperand(0);
    // An implicit definition, even a dead one, is of the flags, which the new
    // place may need.
    if (MI.getNumOperands() != MI.getNumExplicitOperands() || !Def.isReg() ||
        !Def.getReg().isVirtual() || Def.getSubReg())
      return Register();
    return Def.getReg();
  }

  static MachineBasicBlock *blockOf(const MachineOperand &Use) {
    const MachineInstr &User = *Use.getParent();
    if (!User.isPHI())
      return const_cast<MachineBasicBlock *>(User.getParent());
    return User.getOperand(Use.getOperandNo() + 1).getMBB();
  }

  /// Whether the edge to \p Use begins amid its block: at the call that throws,
  /// or at the asm that jumps. What stands at the block's end comes too late.
  static bool isOnEarlyEdge(const MachineOperand &Use) {
    const MachineInstr &User = *Use.getParent();
    return User.isPHI() && (User.getParent()->isEHPad() ||
                            User.getParent()->isInlineAsmBrIndirectTarget());
  }

  bool sink(MachineInstr &MI) {
    Register Reg = definitionOf(MI);
    if (!Reg)
      return false;
    MapVector<MachineBasicBlock *, SmallVector<MachineOperand *, 2>> Uses;
    for (MachineOperand &Use : MRI->use_nodbg_operands(Reg)) {
      if (isOnEarlyEdge(Use))
        return false;
      Uses[blockOf(Use)].push_back(&Use);
    }
    BlockFrequency All(0), Here = MBFI->getBlockFreq(MI.getParent());
    for (auto &[MBB, Operands] : Uses) {
      if (MBB == MI.getParent())
        return false;
      All += MBFI->getBlockFreq(MBB);
    }
    // Half, so that estimates that are a little off do no harm.
    if (Uses.empty() || All > Here * BranchProbability(1, 2))
      return false;

    for (auto &[MBB, Operands] : Uses) {
      Register New = MRI->cloneVirtualRegister(Reg);
      TII->reMaterialize(*MBB, findPlace(*MBB, Operands), New, 0, MI);
      for (MachineOperand *Use : Operands) {
        Use->setReg(New);
        Use->setIsKill(false);
      }
    }
    for (MachineOperand &Use :
         make_early_inc_range(MRI->use_operands(Reg))) // debug values
      Use.setReg(Register());
    for (MachineOperand &Op : MI.all_uses())
      if (Op.getReg().isVirtual())
        MRI->clearKillFlags(Op.getReg());
    MI.eraseFromParent();
    return true;
  }

  /// Before the first use in \p MBB; for a phi behind it, at the end.
  static MachineBasicBlock::iterator
  findPlace(MachineBasicBlock &MBB, ArrayRef<MachineOperand *> Uses) {
    SmallPtrSet<const MachineInstr *, 4> Users;
    for (const MachineOperand *Use : Uses)
      Users.insert(Use->getParent());
    for (auto I = MBB.getFirstNonPHI(); I != MBB.getFirstTerminator(); ++I)
      if (Users.count(&*I))
        return I;
    return MBB.getFirstTerminator();
  }
};

char ColdConstants::ID;

// Behind everything that takes constants out of loops before registers are
// allocated.
RegisterTargetPassConfigCallback Callback([](TargetMachine &, PassManagerBase &,
                                             TargetPassConfig *Config) {
  Config->insertPass(&PeepholeOptimizerLegacyID, new ColdConstants());
});

} // namespace
} // namespace perdure

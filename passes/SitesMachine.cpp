//===- SitesMachine.cpp - Sites that instruction selection lost -----------===//
//
// A load that is folded into a comparison, a copy that becomes moves, a call:
// their machine instructions get a site here, from what their memory operands
// and debug locations still tell. Runs last, so that nothing merges or splits
// instructions afterwards. Where the plugin does not take part in code
// generation (a link with LTO), what SitesPass attached has to do.
//
//===----------------------------------------------------------------------===//

#include "Sites.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/MachineInstr.h"
#include "llvm/CodeGen/MachineMemOperand.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/RegisterTargetPassConfigCallback.h"

using namespace llvm;

namespace perdure {
namespace {

class SitesMachine : public MachineFunctionPass {
  std::unique_ptr<Records> R;
  std::unique_ptr<Notes> N;

public:
  static char ID;
  SitesMachine() : MachineFunctionPass(ID) {}

  StringRef getPassName() const override { return "Perdure's sites"; }

  void getAnalysisUsage(AnalysisUsage &AU) const override {
    AU.setPreservesAll();
    MachineFunctionPass::getAnalysisUsage(AU);
  }

  bool doInitialization(Module &M) override {
    bool Wanted = wantsSites(M);
    R = Wanted ? std::make_unique<Records>(M) : nullptr;
    N = Wanted ? std::make_unique<Notes>(M) : nullptr;
    return false;
  }

  bool runOnMachineFunction(MachineFunction &MF) override {
    if (!R)
      return false;
    bool Changed = false;
    for (MachineBasicBlock &MBB : MF)
      for (MachineInstr &MI : MBB.instrs())
        if (MDNode *Site = describe(MF, MI)) {
          MI.setPCSections(MF, Site);
          Changed = true;
        }
    return Changed;
  }

private:
  MDNode *describe(MachineFunction &MF, MachineInstr &MI) {
    if (MI.isMetaInstruction() || MI.isBundle() ||
        !(MI.isCall() || MI.mayLoadOrStore()))
      return nullptr;
    MDNode *Old = MI.getPCSections();
    const DILocation *Loc = placeOf(MI.getDebugLoc().get());
    if (tellsSite(Old))
      return nullptr;
    LLVMContext &C = MF.getFunction().getContext();
    if (MI.isCall()) {
      // Only for faults inside code without sites, such as memcpy.
      return Loc && !MI.isReturn() && callsOut(MI)
                 ? makeSite(C, Loc, "", /*IsCall=*/true, Old)
                 : nullptr;
    }
    // What has no memory operand may be anything but the frame's own.
    bool Relevant = MI.memoperands_empty() &&
                    !MI.getFlag(MachineInstr::FrameSetup) &&
                    !MI.getFlag(MachineInstr::FrameDestroy);
    std::string Field;
    for (const MachineMemOperand *MMO : MI.memoperands()) {
      const Value *Pointer = MMO->getValue();
      if (MMO->getPseudoValue() || (Pointer && !mayBeInObject(Pointer)))
        continue;
      Relevant = true;
      if (!Pointer)
        continue;
      if (MDNode *Site = siteOf(*MMO, Loc); Site && !Old)
        return Site;
      uint64_t Bytes = MMO->getSize().hasValue()
                           ? MMO->getSize().getValue().getKnownMinValue()
                           : 0;
      if (Loc && Field.empty())
        Field = N->lookup(*Loc, Bytes, MMO->isStore()).str();
      if (Field.empty())
        Field = R->field(Pointer, MMO->getAAInfo().TBAA, Bytes);
    }
    if (!Relevant || (!Loc && !hasNoLines(MF.getFunction())))
      return nullptr;
    if (Loc && Field.empty())
      Field = N->lookup(*Loc, 0, MI.mayStore()).str();
    return makeSite(C, Loc, Field, /*IsCall=*/false, Old);
  }

  /// The site of the IR instruction that the operand comes from: a folded load
  /// carries its user's position and not its own.
  static MDNode *siteOf(const MachineMemOperand &MMO, const DILocation *Loc) {
    MDNode *Found = nullptr;
    for (const User *U : MMO.getValue()->users()) {
      auto *I = dyn_cast<Instruction>(U);
      if (!I || !(MMO.isStore() ? I->mayWriteToMemory() : isa<LoadInst>(I)))
        continue;
      MDNode *Site = I->getMetadata(LLVMContext::MD_pcsections);
      if (!tellsSite(Site) || getPointer(*I) != MMO.getValue())
        continue;
      if (placeOf(*I) == Loc)
        return Site;
      if (!Found ||
          (Loc && placeOf(*I) && placeOf(*I)->getLine() == Loc->getLine()))
        Found = Site;
    }
    return Found;
  }

  static const Value *getPointer(const Instruction &I) {
    return Access::get(I, I.getDataLayout()).Pointer;
  }

  static bool callsOut(const MachineInstr &MI) {
    for (const MachineOperand &Op : MI.operands()) {
      if (Op.isSymbol())
        return true;
      if (Op.isGlobal()) {
        // Declared here, or made by Clang without a line: copy helpers.
        auto *F = dyn_cast<Function>(Op.getGlobal());
        return F && (F->isDeclaration() || hasNoLines(*F)) &&
               !F->getName().starts_with("__perdure_");
      }
    }
    return false;
  }
};

char SitesMachine::ID;

// After this no target pass makes memory accesses any more.
RegisterTargetPassConfigCallback Register([](TargetMachine &, PassManagerBase &,
                                             TargetPassConfig *Config) {
  Config->insertPass(&FuncletLayoutID, new SitesMachine());
});

} // namespace
} // namespace perdure

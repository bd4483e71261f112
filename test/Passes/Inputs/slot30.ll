
!llvm.module.flags = !{!1000}
!1000 = !{i32 1, !"perdure.slot.bits", i32 30}


!llvm.module.flags = !{!1000}
!1000 = !{i32 1, !"perdure.callbacks", i32 1}

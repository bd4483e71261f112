
!llvm.module.flags = !{!1000, !1001}
!1000 = !{i32 8, !"PIC Level", i32 2}
!1001 = !{i32 7, !"PIE Level", i32 2}

// RUN: not %clang -fsyntax-only -fplugin-arg-perdure-encoding=none %s 2>&1 | FileCheck %s --check-prefix=ENCODING
// RUN: not %clang -fsyntax-only -fplugin-arg-perdure-slot-bits=20 %s 2>&1 | FileCheck %s --check-prefix=SLOT
// RUN: not %clang -fsyntax-only -fplugin-arg-perdure-other %s 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not %clang -c -o %t.o -fplugin-arg-perdure-passes=/nowhere.so %s 2>&1 | FileCheck %s --check-prefix=PASSES
// RUN: %clang -fplugin-arg-perdure-slot-bits=30 -fplugin-arg-perdure-encoding=native -fsyntax-only -Werror -DMACROS %s
// RUN: %clang -fplugin-arg-perdure-slot-bits=30 -S -emit-llvm -o - %s | FileCheck %s --check-prefix=FLAGS

// RUN: %clang -fplugin-arg-perdure-no-sites -S -emit-llvm -o - %s | FileCheck %s --check-prefix=SITES

// RUN: %clang -fplugin-arg-perdure-reduce-flips -S -emit-llvm -o - %s | FileCheck %s --check-prefix=ALL
// RUN: %clang -fplugin-arg-perdure-reduce-flips=padding,frames -fplugin-arg-perdure-reduce-flips=silent -S -emit-llvm -o - %s | FileCheck %s --check-prefix=SOME
// RUN: not %clang -fplugin-arg-perdure-reduce-flips=silent,nothing -fsyntax-only %s 2>&1 | FileCheck %s --check-prefix=POLICY
// RUN: not %clang -fplugin-arg-perdure-reduce-flips= -fsyntax-only %s 2>&1 | FileCheck %s --check-prefix=NOPOLICY

// 7 is Max: files with and without a policy link.
// ALL: !{i32 7, !"perdure.reduce.silent", i32 1}
// ALL: !{i32 7, !"perdure.reduce.padding", i32 1}
// ALL: !{i32 7, !"perdure.reduce.merge", i32 1}
// ALL: !{i32 7, !"perdure.reduce.zeroing", i32 1}
// ALL: !{i32 7, !"perdure.reduce.frames", i32 1}
// ALL: !{i32 7, !"perdure.reduce.placement", i32 1}
// SOME-NOT: perdure.reduce.{{merge|zeroing|placement}}
// SOME: !{i32 7, !"perdure.reduce.silent", i32 1}
// SOME: !{i32 7, !"perdure.reduce.padding", i32 1}
// SOME: !{i32 7, !"perdure.reduce.frames", i32 1}
// SOME-NOT: perdure.reduce.{{merge|zeroing|placement}}
// POLICY: error: -fperdure-reduce-flips takes silent, padding, merge, zeroing, frames, placement, or with no '=' all of them, not 'nothing'
// NOPOLICY: error: -fperdure-reduce-flips takes {{.*}}, not ''
// SITES: !{i32 7, !"perdure.sites", i32 0}
// ENCODING: error: Perdure knows no such encoding: 'none'
// SLOT: error: Perdure's slot size is 28 to 40 bits, not '20'
// OTHER: error: Perdure's plugin has no option 'other'
// PASSES: error: cannot load Perdure's passes:
// FLAGS-NOT: perdure.reduce
// FLAGS: !{i32 1, !"perdure.slot.bits", i32 30}
#ifdef MACROS
_Static_assert(__PERDURE__ && __PERDURE_SLOT_BITS__ == 30 && __PERDURE_ENCODING__ == 1, "");
#endif
int nothing;

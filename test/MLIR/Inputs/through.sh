#!/bin/sh
# through.sh FILE.c OUT.o FLAGS...: compiles a C file by way of the dialect: Clang, the
# early contract, the LLVM dialect, raised, and all the way back. OUT.o.mlir is what was
# raised. CC1, OPT and CC are commands: Clang with the plugin, opt with the passes,
# perdure-cc.
set -e
source=$1 out=$2
shift 2
$CC1 "$@" -O1 -Xclang -disable-llvm-passes -emit-llvm -S "$source" -o "$out.ll"
$OPT -passes='perdure-raise,function(sroa,simplifycfg)' -S "$out.ll" -o "$out.early.ll"
perdure-translate --import-llvm "$out.early.ll" -o "$out.llvm.mlir"
perdure-opt --perdure-raise --canonicalize --cse "$out.llvm.mlir" -o "$out.mlir"
# Every translation has been raised.
grep -q 'perdure.decode ' "$out.mlir"
! grep -q 'llvm.call @perdure\.' "$out.mlir"
perdure-opt --perdure-to-llvm "$out.mlir" | perdure-translate --mlir-to-llvmir -o "$out.back.ll"
$CC -O2 -c "$out.back.ll" -o "$out"

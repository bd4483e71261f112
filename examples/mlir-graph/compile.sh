#!/bin/sh
# Compiles both programs; perdure-opt and perdure-c++ have to be on PATH.
set -e
here=$(dirname "$0")
perdure-opt --perdure-to-llvm "$here/kernels.mlir" | perdure-translate --mlir-to-llvmir -o kernels.ll
# What kernels.mlir says of the structs, checked by Clang.
perdure-translate --perdure-to-layout-checks "$here/kernels.mlir" -o layout.h
perdure-c++ -O2 -include "$here/graph.h" -include layout.h -c "$here/build.cpp" -o build.o
perdure-c++ -O2 build.o -o build
perdure-c++ -O2 -c kernels.ll -o kernels.o
perdure-c++ -O2 "$here/rank.cpp" kernels.o -o rank

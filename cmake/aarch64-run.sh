#!/bin/sh
# aarch64-run.sh PROGRAM ARGUMENTS...: runs what was compiled for AArch64, with
# qemu-user. Three things that Debian 12's qemu (7.2) does otherwise than Linux:
# - It keeps a record of each reserved page, so a window is as large as the memory
#   that it takes. 64 GiB of addresses leave room for some slots of 1 GiB
#   (-fperdure-slot-bits=30); QEMU_RESERVED_VA=0x4000000000 for four of 32 GiB.
# - It takes MAP_SYNC for granted, which would make every file persistent memory.
# - It says that there is DC CVAP, and does not know the instruction: a processor
#   without.
PERDURE_EMULATOR=$(readlink -f "$0") # for tests that start themselves once more
: "${QEMU_RESERVED_VA=0x1000000000}" "${PMEM2_FORCE_GRANULARITY=PAGE}"
export PERDURE_EMULATOR QEMU_RESERVED_VA PMEM2_FORCE_GRANULARITY
exec qemu-aarch64 -cpu cortex-a72 -L "${PERDURE_EMULATOR%/*}/../build/aarch64-sysroot" "$@"

//===- syncs.h - Waits for the disk, counted --------------------*- C++ -*-===//

#ifndef PERDURE_BENCH_YCSB_SYNCS_H
#define PERDURE_BENCH_YCSB_SYNCS_H

#include <stdint.h>

namespace ycsb {

/// Calls of fdatasync, fsync, msync and sync_file_range, and writes to files
/// that were opened with O_DSYNC, by the program and all its libraries.
uint64_t syncs();

/// Until `false` nothing is synced: how long that takes while a store is loaded
/// is not the matter.
void holdSyncs(bool Hold);

} // namespace ycsb

#endif // PERDURE_BENCH_YCSB_SYNCS_H

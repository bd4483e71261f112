//===- syncs.h - Waits for the disk, counted --------------------*- C++ -*-===//

#ifndef PERDURE_BENCH_YCSB_SYNCS_H
#define PERDURE_BENCH_YCSB_SYNCS_H

#include <stdint.h>

namespace ycsb {

/// Calls of fdatasync, fsync, msync and sync_file_range, and writes to files
/// that were opened with O_DSYNC, by the program and all its libraries. Calls
/// that are held do not count.
uint64_t syncs();

/// Until `false` these calls do nothing: how long that takes while a store is
/// loaded, or where nothing is durable, is not the matter. Not so writes with
/// O_DSYNC, which happen and count: a store has to do without them then.
void holdSyncs(bool Hold);

} // namespace ycsb

#endif // PERDURE_BENCH_YCSB_SYNCS_H

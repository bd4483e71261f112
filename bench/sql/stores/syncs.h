//===- syncs.h - Where a store has to be told -------------------*- C++ -*-===//

#ifndef PERDURE_BENCH_SQL_STORES_SYNCS_H
#define PERDURE_BENCH_SQL_STORES_SYNCS_H

namespace sql {

/// From now on what is committed to any store is durable, where it was opened
/// with PKV_DURABLE.
void syncs();

} // namespace sql

#endif // PERDURE_BENCH_SQL_STORES_SYNCS_H

//===- header.h - Checks and writes page 0 ----------------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_OBJECT_HEADER_H
#define PERDURE_RUNTIME_OBJECT_HEADER_H

#include "object/format.h"
#include "perdure/runtime.h"

#include <sys/stat.h>

namespace perdure {

/// Checks a header that was read from a file of FileSize bytes and finds the
/// state that holds. Constant time. The message names the bad field.
bool checkHeader(const Header &H, uint64_t FileSize, perdure_id Id,
                 uint64_t Limit, bool ToWrite, State &Found);

/// Reads a header and what fstat says of its file, in this order, since a
/// writer makes the file longer first and says so then. EPROTO for what is no
/// file, or too short; more is not checked.
bool readHeader(int File, const char *Hex, Header &H, struct stat &Status);

/// The newer of the state copies whose checksum holds, or null.
const State *newestState(const Header &H);

/// The checksum of a record whose last four bytes hold it.
uint32_t checksumOf(const void *Record, size_t Bytes);

/// The checksum of an entry's first 24 bytes, whatever its rights.
uint32_t checksumOf(const FotEntry &E);

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_HEADER_H

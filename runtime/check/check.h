//===- check.h - Finding and mending damage in an object's file -*- C++ -*-===//
//
// The file is mapped privately and looked at from page 0 on: each part is
// believed only when what describes it has been. What can be mended is mended
// in that private image, so that the rest can be looked at; a repair then
// writes the pages that differ.
//
// What may be mended, and how sure that is:
//
//   records with a checksum   constants that format 1 fixes, or one byte, if
//   the
//                             checksum holds then; a state copy from the other
//   records without one       only so that nothing that may be in use is given
//                             away: in doubt pages and blocks count as
//                             allocated
//
// User data is never written, but for what the log says was committed: the only
// bytes of blocks that a repair could touch are none. So what was reachable stays
// reachable, and what leaks is gc's.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_CHECK_CHECK_H
#define PERDURE_RUNTIME_CHECK_CHECK_H

#include "object/store.h"

namespace perdure {

enum class Severity {
  Note,   // what a crash leaves, or nobody's harm
  Mended, // damage; as it should be in the image
  Damage  // that nothing in the file tells how to mend
};

/// Where findings go. Offset is of the file.
class Findings {
public:
  using Callback = void (*)(void *Context, Severity S, uint64_t Offset,
                            const char *Text);
  Findings(Callback Tell, void *Context) : Tell(Tell), Context(Context) {}
  __attribute__((format(printf, 4, 5))) void add(Severity S, uint64_t Offset,
                                                 const char *Format, ...);
  unsigned count(Severity S) const { return Counts[(int)S]; }
  bool Unfinished = false; // the log has a transaction that is

private:
  Callback Tell;
  void *Context;
  unsigned Counts[3] = {};
};

enum class CheckMode {
  Look,  // nobody may have the object open for writing: EBUSY
  Owned, // the caller has seen to that
  Repair // and what was mended is written, durably
};

/// Checks the object. False, and a message, when it could not be read, locked
/// or written.
bool checkObject(Store &S, perdure_id Id, CheckMode Mode, Findings &Found);

// The parts, of a file whose first bytes are at O.Base. O.Current is the state
// from checkPageZero on; false: nothing that follows can be believed.
bool checkPageZero(Object &O, uint64_t FileSize, Findings &Found);
void checkFot(Object &O, Findings &Found);
void checkTypes(Object &O, Findings &Found);
void checkPages(Object &O, Findings &Found);
void checkLog(Object &O, Findings &Found);

/// Changes one byte of the record so that Holds, if that can be done. With a
/// 32-bit checksum a random record holds after one of 255 * Bytes changes with
/// a probability of 3 in 100,000 for 512 bytes: what is mended is checked
/// further.
bool mendByte(void *Record, size_t Bytes, bool (*Holds)(const void *Record));

} // namespace perdure

#endif // PERDURE_RUNTIME_CHECK_CHECK_H

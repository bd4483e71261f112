//===- fot.h - The foreign object table of one object -----------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_FOT_FOT_H
#define PERDURE_RUNTIME_FOT_FOT_H

#include "object/object.h"

namespace perdure {

/// What an entry leads to: an object by its ID, or whichever has a name.
struct FotTarget {
  perdure_id Id;   // {0, 0}: by name
  uint64_t NameAt; // offset of the name in the object that has the entry
  char Name[256];  // "" for an ID
  bool ToWrite;    // asked for
};

/// What index leads to; false when there is no such valid entry.
bool fotTarget(Object &O, uint64_t Index, FotTarget &Target);

/// Whether index was never used: none that follows is.
bool fotEnds(Object &O, uint64_t Index);

/// Calls Visit with what each valid entry in a file leads to, which need not be
/// mapped, until it gives false, and gives that; S is its state. False and a
/// message when it cannot be read.
bool visitTargets(int File, const State &S,
                  bool (*Visit)(void *, const FotTarget &), void *Context);

/// The lowest index that leads to Id, inserted when there is none: atomic
/// across threads and processes. 0 on failure: EROFS, ENOSPC (FOT or disk
/// full), ENOMEM.
uint64_t fotIndex(Object &O, perdure_id Id);

/// The same for the name at offset NameAt of O; 0 there only looks for it
/// (ENOENT).
uint64_t fotIndexOfName(Object &O, const char *Name, uint64_t NameAt);

/// Changes the rights asked for by the entry of Id. ENOENT when it has none.
bool fotSetRights(Object &O, perdure_id Id, bool ToWrite);

/// Valid entries.
uint64_t fotCount(const Object &O);

/// Frees the volatile side.
void fotRelease(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_FOT_FOT_H

//===- shadow.h - What sanitizers and valgrind are told ---------*- C++ -*-===//
//
// Which bytes of objects are free; for ThreadSanitizer, that what was done to a
// block before it was freed comes before what its next owner does. Their functions
// are found at run time, in programs that are built with -fsanitize=address or
// thread, also where this library is not; valgrind is asked whether it is there.
// Without them each of these costs a load and a branch that is not taken.
//
// What is marked as free must not be touched by what they look at: all code
// under valgrind; code that is built with the sanitizer, and the functions of
// libc that it has taken over, memcpy and pwrite among them, whoever calls them.
// Nor may it be anybody's but this process's to give and take: what is known of
// memory that others allocate goes stale.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_PLATFORM_SHADOW_H
#define PERDURE_RUNTIME_PLATFORM_SHADOW_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

namespace perdure {

/// Written once, before main.
extern __attribute__((visibility("hidden"))) bool Shadowed;

/// Whether there is somebody to be told.
inline bool isShadowed() { return __builtin_expect(Shadowed, 0); }

bool underValgrind();

void tellFree(const void *P, uint64_t Bytes);
void tellUsed(const void *P, uint64_t Bytes);
void tellBeyond(const void *P, uint64_t Bytes);
void tellBefore(const void *Place);
void tellAfter(const void *Place);
void tellUnseen(bool Begin);
void copyUnseenSlow(void *To, const void *From, size_t Bytes);

/// From now on an access is reported.
inline void markFree(const void *P, uint64_t Bytes) {
  if (isShadowed())
    tellFree(P, Bytes);
}

/// It is not any more.
inline void markUsed(const void *P, uint64_t Bytes) {
  if (isShadowed())
    tellUsed(P, Bytes);
}

/// Addresses that a file may grow into: valgrind would look for lost pointers there,
/// for minutes. AddressSanitizer has no shadow for them yet, and needs none.
inline void markBeyond(const void *P, uint64_t Bytes) {
  if (isShadowed())
    tellBeyond(P, Bytes);
}

/// What this thread has done so far comes before what those do who call
/// happensAfter with the same place later.
inline void happensBefore(const void *Place) {
  if (isShadowed())
    tellBefore(Place);
}
inline void happensAfter(const void *Place) {
  if (isShadowed())
    tellAfter(Place);
}

/// What libc's functions do in between is no race: a lock that ThreadSanitizer does
/// not know guards it. Before that is released.
inline void beginUnseen() {
  if (isShadowed())
    tellUnseen(true);
}
inline void endUnseen() {
  if (isShadowed())
    tellUnseen(false);
}

/// calloc(1, Bytes) of what other threads find by a load that ThreadSanitizer does not
/// see, and which holds locks that it does.
inline void *makeFound(size_t Bytes) {
  beginUnseen();
  void *P = calloc(1, Bytes);
  endUnseen();
  return P;
}

/// memcpy from what may be free, or another thread's.
inline void copyUnseen(void *To, const void *From, size_t Bytes) {
  if (isShadowed())
    copyUnseenSlow(To, From, Bytes);
  else
    memcpy(To, From, Bytes);
}

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_SHADOW_H

//===- shadow.cpp - What sanitizers and valgrind are told -----------------===//

#include "platform/shadow.h"

// Without Debian's package valgrind at build time, valgrind is told nothing.
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_MAKE_MEM_NOACCESS(P, Bytes) ((void)(P), (void)(Bytes))
#define VALGRIND_MAKE_MEM_DEFINED(P, Bytes) ((void)(P), (void)(Bytes))
#define VALGRIND_DISABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING ((void)0)
#endif

using namespace perdure;

extern "C" {
__attribute__((weak)) void __asan_poison_memory_region(const volatile void *P,
                                                       size_t Bytes);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void *P,
                                                         size_t Bytes);
__attribute__((weak)) void __tsan_acquire(void *Place);
__attribute__((weak)) void __tsan_release(void *Place);
__attribute__((weak)) void AnnotateIgnoreWritesBegin(const char *File, int Line);
__attribute__((weak)) void AnnotateIgnoreWritesEnd(const char *File, int Line);
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
// Then ThreadSanitizer sees the locks themselves.
#if defined(__SANITIZE_THREAD__)
static constexpr bool SeesLocks = true;
#else
static constexpr bool SeesLocks = false;
#endif

bool perdure::Shadowed;

static bool Valgrind;

__attribute__((constructor(101))) static void findShadow() {
  Valgrind = RUNNING_ON_VALGRIND != 0;
  Shadowed = Valgrind || __asan_poison_memory_region || (__tsan_release && !SeesLocks);
}

bool perdure::underValgrind() { return Valgrind; }

void perdure::tellFree(const void *P, uint64_t Bytes) {
  if (__asan_poison_memory_region)
    __asan_poison_memory_region(P, Bytes);
  if (Valgrind)
    VALGRIND_MAKE_MEM_NOACCESS(P, Bytes);
}

// Defined: blocks are given zeroed, and what was allocated before has been stored.
void perdure::tellUsed(const void *P, uint64_t Bytes) {
  if (__asan_unpoison_memory_region)
    __asan_unpoison_memory_region(P, Bytes);
  if (Valgrind)
    VALGRIND_MAKE_MEM_DEFINED(P, Bytes);
}

void perdure::tellBeyond(const void *P, uint64_t Bytes) {
  if (Valgrind)
    VALGRIND_MAKE_MEM_NOACCESS(P, Bytes);
}

void perdure::tellBefore(const void *Place) {
  if (__tsan_release)
    __tsan_release((void *)Place);
}

void perdure::tellAfter(const void *Place) {
  if (__tsan_acquire)
    __tsan_acquire((void *)Place);
}

void perdure::tellUnseen(bool Begin) {
  auto *Tell = Begin ? AnnotateIgnoreWritesBegin : AnnotateIgnoreWritesEnd;
  if (Tell) // it ignores reads, too
    Tell(__FILE__, __LINE__);
}

// Volatile: or the compiler would call memcpy.
__attribute__((no_sanitize("address", "thread"))) void
perdure::copyUnseenSlow(void *To, const void *From, size_t Bytes) {
  if (Valgrind)
    VALGRIND_DISABLE_ERROR_REPORTING;
  for (size_t I = 0; I < Bytes; ++I)
    ((volatile char *)To)[I] = ((const volatile char *)From)[I];
  // Of what was free nothing is known to be defined.
  if (Valgrind) {
    VALGRIND_MAKE_MEM_DEFINED(To, Bytes);
    VALGRIND_ENABLE_ERROR_REPORTING;
  }
}

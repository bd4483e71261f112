/*===- perdure/libc.h - C's functions on arrays of persistent pointers -----===*\
|*
|* With this header memcpy, memmove, memset, memcmp, free, realloc, qsort and
|* __builtin_prefetch take a `T *persistent *` without a cast to void *, as
|* they take any other pointer. Clang refuses that conversion, and a plugin
|* cannot allow it, so they become macros here; hence a header of its own, for
|* C only, to be included after all others. What is unsafe warns as it does for
|* annotated records (docs/LanguageReference.md).
|*
|* Each argument is evaluated once. An argument with commas outside parentheses,
|* such as a compound literal's, needs parentheses around it. (memcpy)(d, s, n)
|* calls the function itself.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_LIBC_H
#define PERDURE_LIBC_H

#if defined(__cplusplus)
#error "perdure/libc.h is for C; C++ has perdure_memmove, perdure_qsort and perdure_free"
#endif

#include <perdure/perdure.h>
#include <stdlib.h>
#include <string.h>

#if defined(__PERDURE__)

#define memcpy(dst, src, bytes)                                                \
  memcpy(PERDURE__BYTES(dst), PERDURE__BYTES(src), bytes)
#define memmove(dst, src, bytes)                                               \
  memmove(PERDURE__BYTES(dst), PERDURE__BYTES(src), bytes)
#define memset(dst, value, bytes) memset(PERDURE__BYTES(dst), value, bytes)
#define memcmp(a, b, bytes) memcmp(PERDURE__BYTES(a), PERDURE__BYTES(b), bytes)
#define free(block) free(PERDURE__BYTES(block))
#define realloc(block, bytes) realloc(PERDURE__BYTES(block), bytes)
#define qsort(base, count, size, cmp)                                          \
  qsort(PERDURE__BYTES(base), count, size, cmp)
#define __builtin_prefetch(address, ...)                                       \
  __builtin_prefetch(PERDURE__BYTES(address), ##__VA_ARGS__)

#endif

#endif /* PERDURE_LIBC_H */

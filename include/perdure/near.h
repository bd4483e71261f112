/*===- perdure/near.h - Memory where its owner lies ------------------------===*\
|*
|* For code that works on records wherever they lie, as perdure-migrate leaves it:
|*
|*   perdure_near_alloc(owner, bytes)          in the object that holds owner, as
|*   perdure_near_calloc(owner, count, size)   perdure_alloc; if none does, on the heap
|*   perdure_near_strdup(owner, text)          a copy of text, as strdup
|*   perdure_near_strndup(owner, text, bytes)  of at most so many bytes, as strndup
|*   perdure_near_realloc(owner, block, bytes) as realloc: where the block lies; near
|*                                             the owner if there is none
|*   perdure_near_free(block)                  what one of these gave, or malloc
|*
|* Blocks are zeroed first. NULL as the owner is the heap, NULL as the block is
|* ignored. Errors are those of perdure_alloc and calloc: NULL and errno. Any thread may call them.
|* Nothing is persisted before the object's next commit or perdure_persist.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_NEAR_H
#define PERDURE_NEAR_H

#include <perdure/contract.h>
#include <perdure/runtime.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__cplusplus)
extern "C" {
#endif

PERDURE__INLINE void *perdure_near_alloc(const void *owner, size_t bytes) {
  if (perdure_in_object(owner))
    return (perdure_alloc)((void *)(uintptr_t)owner, bytes);
  return calloc(1, bytes ? bytes : 1);
}

PERDURE__INLINE void *perdure_near_calloc(const void *owner, size_t count,
                                          size_t size) {
  if (!perdure_in_object(owner))
    return calloc(count, size);
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes))
    bytes = SIZE_MAX; /* more than any object has */
  return (perdure_alloc)((void *)(uintptr_t)owner, bytes);
}

/* Copies bits, which persistent pointers keep within an object; not for encodings
   whose bits hold at one place alone. */
PERDURE__INLINE void *perdure_near_realloc(const void *owner, void *block,
                                           size_t bytes) {
  if (!block)
    return perdure_near_alloc(owner, bytes);
  if (!perdure_in_object(block))
    return realloc(block, bytes);
  size_t has = perdure_usable_size(block);
  if (bytes <= has && bytes > has / 2)
    return block;
  void *moved = (perdure_alloc)(block, bytes);
  if (moved) {
    memcpy(moved, block, bytes < has ? bytes : has);
    (perdure_free)(block);
  }
  return moved;
}

PERDURE__INLINE char *perdure_near_strndup(const void *owner, const char *text,
                                           size_t bytes) {
  const void *end = memchr(text, 0, bytes);
  if (end)
    bytes = (size_t)((const char *)end - text);
  char *copy = (char *)perdure_near_alloc(owner, bytes + 1);
  if (copy)
    memcpy(copy, text, bytes); /* the byte behind is zero already */
  return copy;
}

PERDURE__INLINE char *perdure_near_strdup(const void *owner, const char *text) {
  return perdure_near_strndup(owner, text, strlen(text));
}

PERDURE__INLINE void perdure_near_free(void *block) {
  if (perdure_in_object(block))
    (perdure_free)(block);
  else
    free(block);
}

#if defined(__cplusplus)
}
#endif

#endif /* PERDURE_NEAR_H */

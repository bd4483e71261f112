/* The allocator behind place.h. The store is named by PLACE. Sizes are kept beside:
 * realloc needs them, and what the program frees is a block of the object's own. */
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 22 };
static struct {
  void *block;
  size_t bytes;
} *sizes;
static void *home;
static unsigned long blocks;
static perdure_store *store;

static void finish(void) {
  fprintf(stderr, "%lu blocks\n", blocks);
}
__attribute__((constructor)) static void start(void) {
  store = perdure_store_open(getenv("PLACE"), PERDURE_CREATE);
  home = perdure_create(store, "place", 64, 0);
  sizes = calloc(SLOTS, sizeof *sizes);
  if (!home || !sizes) {
    fprintf(stderr, "place: %s\n", perdure_errormsg());
    exit(2);
  }
  atexit(finish);
}
static size_t *size_of(void *block) {
  size_t i = perdure_offset(block) / 16 * 0x9E3779B97F4A7C15u >> 42;
  while (sizes[i].block && sizes[i].block != block)
    i = (i + 1) % SLOTS;
  sizes[i].block = block;
  return &sizes[i].bytes;
}
void *place_malloc(size_t bytes) {
  void *block = perdure_alloc(home, bytes ? bytes : 1);
  if (block) {
    *size_of(block) = bytes;
    blocks++;
  }
  return block;
}
void *place_calloc(size_t count, size_t bytes) {
  size_t all;
  return __builtin_mul_overflow(count, bytes, &all) ? NULL : place_malloc(all);
}
void *place_realloc(void *block, size_t bytes) {
  void *made = place_malloc(bytes);
  if (block && made) {
    size_t old = *size_of(block);
    memcpy(made, block, old < bytes ? old : bytes); /* bits of the same object */
    (perdure_free)(block);
  }
  return made;
}
char *place_strdup(const char *text) {
  size_t bytes = strlen(text) + 1;
  char *made = place_malloc(bytes);
  return made ? memcpy(made, text, bytes) : NULL;
}
extern char __data_start, _end;
/* An owner is a variable of the test, or lies in the object. Anything else on the heap
 * is a wrong owner: what is allocated near it would not lie in the object. */
const void *place_owner(const void *owner) {
  const char *at = owner, *here = __builtin_frame_address(0);
  blocks++;
  if (perdure_in_object(owner))
    return owner;
  if ((at < &__data_start || at >= &_end) && (at < here || at > here + (8 << 20))) {
    fprintf(stderr, "place: %p, which owns a block, lies in no object\n", owner);
    abort();
  }
  return home;
}
void place_free(void *block) {
  perdure_near_free(block);
}

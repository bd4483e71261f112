/* What the programs in this folder share: one source, built natively (NATIVE,
 * any compiler) or annotated, does the same random operations and prints the
 * same lines.
 *
 *   prog STORE build SEED OPS    operate on a new object, then print it
 *   prog STORE print             print what the object holds
 *
 * Natively, STORE is ignored and everything lies on the heap. FORBID=ADDRESS in
 * the environment makes 1 TiB from there inaccessible first: where the window
 * lay in an earlier run, so that a pointer that was not translated faults. */
#ifndef PERDURE_TEST_HARNESS_H
#define PERDURE_TEST_HARNESS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef NATIVE
#define PERDURE
#define PERDURE_TRANSIENT
#else
#include <perdure/perdure.h>
#include <sys/mman.h>

static inline void forbid_old_addresses(void) {
  const char *at = getenv("FORBID");
  void *want = at ? (void *)strtoull(at, 0, 0) : 0;
  if (want && mmap(want, 1ull << 40, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                       MAP_FIXED_NOREPLACE,
                   -1, 0) != want) {
    perror("harness: cannot forbid the old addresses");
    exit(2);
  }
}
#endif

/* The object in which new_block allocates. */
static void *home;

static inline void *new_block(size_t bytes) {
#ifdef NATIVE
  void *p = calloc(1, bytes);
#else
  void *p = perdure_alloc(home, bytes);
  if (!p)
    fprintf(stderr, "harness: %s\n", perdure_errormsg());
#endif
  if (!p)
    exit(2);
  return p;
}

static inline void delete_block(void *p) {
#ifdef NATIVE
  free(p);
#else
  perdure_free(p);
#endif
}

/* xorshift64*: the same numbers everywhere. */
static uint64_t random_state;
static inline uint64_t next_random(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 2685821657736338717u;
}

/* The program's own part. */
static void build(void *root, unsigned long operations);
static void print(void *root);

static int run_harness(int argc, char **argv, size_t root_bytes) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s STORE build SEED OPS | STORE print\n", argv[0]);
    return 2;
  }
  int building = !strcmp(argv[2], "build");
  void *root;
#ifdef NATIVE
  root = calloc(1, root_bytes);
#else
  forbid_old_addresses();
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  if (!store) {
    fprintf(stderr, "harness: %s\n", perdure_errormsg());
    return 2;
  }
  root = building ? perdure_create(store, "test", root_bytes, 0)
                  : perdure_open(store, "test", 0);
  if (!root) {
    fprintf(stderr, "harness: %s\n", perdure_errormsg());
    return 2;
  }
#endif
  home = root;
  if (building) {
    random_state = strtoull(argv[3], 0, 10) * 2 + 1;
    build(root, strtoul(argv[4], 0, 10));
  }
  print(root);
#ifdef NATIVE
  free(root);
#else
  fprintf(stderr, "at %p\n", root);
  perdure_close(root);
  perdure_store_close(store);
#endif
  return 0;
}

#endif

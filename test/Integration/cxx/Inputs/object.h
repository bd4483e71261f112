/* What the programs of cxx/ and c/ share: each defines a record `root`,
 *
 *   void build(struct root *)     fills it, in a new object
 *   void check(struct root *)     looks at what build left; may run again
 *   void anywhere(void)           checks that need no object
 *
 * and ends with RUN_IN_OBJECT. Inputs/relocated.py says how they run. */
#ifndef PERDURE_TEST_OBJECT_H
#define PERDURE_TEST_OBJECT_H

#include <perdure/perdure.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHECK(...)                                                             \
  do {                                                                         \
    if (!(__VA_ARGS__)) {                                                      \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__,               \
              #__VA_ARGS__);                                                   \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

/* Nothing may still lie where the object lay when it was built. */
static inline void forbid_old_addresses(void) {
  const char *at = getenv("FORBID");
  void *want = at ? (void *)strtoull(at, 0, 0) : 0;
  CHECK(!want ||
        mmap(want, 1ull << 40, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
             -1, 0) == want);
}

static inline void *given(void *p) {
  if (!p) {
    fprintf(stderr, "%s\n", perdure_errormsg());
    exit(1);
  }
  return p;
}

#ifdef __cplusplus
#include <new>
#define MAKE_ROOT(Block) (::new (Block) struct root)
#else
#define MAKE_ROOT(Block) ((struct root *)(Block))
#endif

#define RUN_IN_OBJECT                                                          \
  int main(int argc, char **argv) {                                            \
    CHECK(argc == 3);                                                          \
    forbid_old_addresses();                                                    \
    anywhere();                                                                \
    perdure_store *store =                                                     \
        (perdure_store *)given(perdure_store_open(argv[1], PERDURE_CREATE));   \
    struct root *root;                                                         \
    if (!strcmp(argv[2], "build")) {                                           \
      root = MAKE_ROOT(                                                        \
          given(perdure_create(store, "test", sizeof(struct root), 0)));       \
      build(root);                                                             \
    } else {                                                                   \
      root = (struct root *)given(perdure_open(store, "test", 0));             \
    }                                                                          \
    check(root);                                                               \
    perdure_close(root);                                                       \
    perdure_store_close(store);                                                \
    return 0;                                                                  \
  }

#endif

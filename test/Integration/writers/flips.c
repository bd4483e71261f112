// Each function counts as many bytes as it writes; under scope `all` those whose one
// range registers tell, where the return address counts as well.
// UNSUPPORTED: sanitized
// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: %perdure_cc -O1 -fno-builtin -fperdure-flips=heap %s -o heap
// RUN: perdure flips run --no-model -o heap.flips -- ./heap more > heap.rows
// RUN: %python %S/Inputs/bytes.py heap.flips 0 < heap.rows | FileCheck %s --check-prefix=HEAP
// HEAP: 44 functions, 0 wrong
// RUN: %perdure_cc -O1 -fno-builtin -fno-optimize-sibling-calls -fperdure-flips=all %s -o all
// RUN: perdure flips run --no-model -o all.flips -- ./all > all.rows
// RUN: %python %S/Inputs/bytes.py all.flips 8 < all.rows | FileCheck %s --check-prefix=ALL
// ALL: 36 functions, 0 wrong
//
// What cannot be told is warned of.
// RUN: %perdure_cc -O1 -Wno-everything -Wbackend-plugin -DUNSEEN -c -fperdure-flips=heap %s -o unseen.o 2>&1 | FileCheck %s --check-prefix=UNSEEN
// UNSEEN-DAG: what 'sscanf' stores is not counted
// UNSEEN-DAG: what 'readv' stores is not counted
// UNSEEN-DAG: 2 warnings generated
#include "Inputs/writers.h"

#ifdef UNSEEN
int unseen(const char *format, struct area *a, struct iovec *v, int n) {
  return sscanf(a->line, format, a->text) + (int)readv(File, v, n);
}
#endif

static void run(struct area *a, const struct row *r, size_t count) {
  for (; count--; ++r) {
    reset(a);
    r->call(a);
    printf("%s %ld\n", r->name, r->bytes);
  }
}

int main(int argc, char **argv) {
  struct area *a = calloc(1, sizeof *a);
  if (!a || !open_all() || !argv[0])
    return 1;
  run(a, whole, COUNT(whole));
  if (argc > 1) {
    run(a, parts, COUNT(parts));
    run(a, any, COUNT(any));
  }
  return 0;
}

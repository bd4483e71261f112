// Reports for code that has no line of its own: in libc, in a copy helper, in a
// binary compiled without -g; for several binaries in one process; and for one
// that has been unloaded.
//
// RUN: rm -rf %t.store && %perdure_cc -g -O2 -fno-builtin %s -o %t && %t %t.store build
// RUN: not --crash %t %t.store length 2>&1 | FileCheck %s --check-prefix=LENGTH
// RUN: not --crash %t %t.store helper 2>&1 | FileCheck %s --check-prefix=INLINED
// RUN: %perdure_cc -g -O0 %s -o %t.apart && not --crash %t.apart %t.store helper 2>&1 | FileCheck %s --check-prefix=HELPER
// RUN: %perdure_cc -g -O2 -fno-inline %s -o %t.apart && not --crash %t.apart %t.store helper 2>&1 | FileCheck %s --check-prefix=HELPER
// INLINED: perdure: fault at {{.*}}elsewhere.c:[[# @LINE + 55]]: read{{.*}} at 0x{{.*}} a damaged pointer was followed
// LENGTH: perdure: fault at libc.so.6+0x{{[0-9a-f]+}}, called from {{.*}}elsewhere.c:[[# @LINE + 46]]: read at 0x{{.*}} a damaged pointer was followed
// HELPER: perdure: fault at {{.*}}elsewhere.c.tmp.apart+0x{{[0-9a-f]+}}, called from {{.*}}elsewhere.c:[[# @LINE + 53]]: read{{.*}} at 0x{{.*}} a damaged pointer was followed
//
// Without -g the place is what addr2line takes, in a position-independent
// program and in another.
// RUN: %perdure_cc -O1 %s -o %t.bare
// RUN: not --crash %t.bare %t.store field 2>&1 | FileCheck %s --check-prefix=BARE
// BARE: perdure: fault at elsewhere.c.tmp.bare+0x{{[0-9a-f]+}} (compile with -g for the source line): read at 0x{{.*}} a damaged pointer was followed
// RUN: %perdure_cc -g -O1 -fperdure-no-sites %s -o %t.line
// RUN: not --crash %t.line %t.store field 2>&1 | sed -e 's/.*tmp.line+\(0x[0-9a-f]*\).*/\1/' | xargs llvm-addr2line -e %t.line | FileCheck %s --check-prefix=LINE
// RUN: %perdure_cc -g -O1 -no-pie -fperdure-no-sites %s -o %t.line
// RUN: not --crash %t.line %t.store field 2>&1 | sed -e 's/.*tmp.line+\(0x[0-9a-f]*\).*/\1/' | xargs llvm-addr2line -e %t.line | FileCheck %s --check-prefix=LINE
// RUN: %perdure_cc -g -O1 -no-pie %s -o %t.fixed
// RUN: not --crash %t.fixed %t.store field 2>&1 | FileCheck %s --check-prefix=LINE
// LINE: elsewhere.c:[[# @LINE + 36]]
//
// A library's sites are its own and go with it.
// RUN: %perdure_cc -g -O2 -fPIC -shared -DLIBRARY %s -o %t.so
// RUN: not --crash %t %t.store loaded %t.so 2>&1 | FileCheck %s --check-prefix=LOADED
// RUN: not --crash %t %t.store unloaded %t.so 2>&1 | FileCheck %s --check-prefix=UNLOADED
// LOADED: perdure: fault at {{.*}}elsewhere.c:[[# @LINE + 20]]: read of struct node.value at 0x
// UNLOADED: perdure: fault at {{.*}}elsewhere.c:[[# @LINE + 29]]: read of struct node.value at 0x

#include <dlfcn.h>
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct PERDURE node {
  struct node *bad;
  long value;
  char text[64];
  struct node *more[16];
};

#ifdef LIBRARY
long inLibrary(struct node *n);
long inLibrary(struct node *n) {
  /* Found by the table of the library. */
  return n->bad->value; /* LOADED */
}
#else

__attribute__((noinline)) static long length(struct node *n) {
  /* Not a tail call: the frame stays. */
  return (long)strlen(n->bad->text) + 1; /* LENGTH */
}

__attribute__((noinline)) static long field(struct node *n) {
  return n->bad->value; /* LINE, UNLOADED */
}

static void copy(struct node *n, struct node *to) {
  *to = *n->bad; /* HELPER */
  to->value = 0; /* not a tail call */
}

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  if (!strcmp(argv[2], "build")) {
    struct node *n = perdure_create(store, "a", sizeof *n, 0);
    long stale = 0x123456789abc;
    memcpy((void *)&n->bad, &stale, sizeof stale);
    perdure_store_close(store);
    return 0;
  }
  struct node *n = perdure_open(store, "a", PERDURE_RDONLY);
  if (!strcmp(argv[2], "length"))
    return (int)length(n);
  if (!strcmp(argv[2], "helper"))
    copy(n, malloc(sizeof *n));
  if (argc > 3) {
    void *library = dlopen(argv[3], RTLD_NOW);
    long (*call)(struct node *) =
        (long (*)(struct node *))dlsym(library, "inLibrary");
    if (!strcmp(argv[2], "loaded"))
      return (int)call(n);
    if (dlclose(library) || dlopen(argv[3], RTLD_NOW | RTLD_NOLOAD))
      return 1;
  }
  return (int)field(n);
}
#endif

/* Region numbers: the registry, its file and its limits; under both encodings that
 * use it.
 *
 * RUN: %perdure_cc -O2 -fperdure-encoding=region-id -pthread %s -o %t.region
 * RUN: %perdure_cc -O2 -fperdure-encoding=fat-lookup -pthread %s -o %t.fat
 * RUN: %perdure_cc -O2 -DNO_POINTERS -pthread %s -o %t.object
 * RUN: rm -rf %t.s && mkdir %t.s && %t.region again %t.s/1 && %t.fat again %t.s/2
 *
 * One file for both, in its format; made when first needed.
 * RUN: %t.region make %t.s/a && %t.fat read %t.s/a && %t.region read %t.s/a
 * RUN: FileCheck --check-prefix=FILE %s < %t.s/a/perdure.regions
 * FILE: {{^perdure regions 1 [0-9a-f]{3}$}}
 * FILE-NEXT: {{^[0-9a-f]{32}$}}
 * FILE-NEXT: {{^[0-9a-f]{32}$}}
 * FILE-NOT: {{.}}
 *
 * What a writer that died left of a line counts for nothing, and goes.
 * RUN: printf 0123456789 >> %t.s/a/perdure.regions && %t.region read %t.s/a && %t.fat more %t.s/a && %t.region read %t.s/a
 * RUN: FileCheck --check-prefix=MORE %s < %t.s/a/perdure.regions
 * MORE: perdure regions 1
 * MORE-COUNT-3: {{^[0-9a-f]{32}$}}
 * MORE-NOT: {{.}}
 *
 * Two stores at once, and two copies of one, which are refused: at the second, or
 * where its registry comes later than that, at the first pointer.
 * RUN: mkdir %t.s/c && printf 'perdure regions 1 001\n' > %t.s/c/perdure.regions
 * RUN: mkdir %t.s/d && printf 'perdure regions 1 002\n' > %t.s/d/perdure.regions
 * RUN: chmod 600 %t.s/c/perdure.regions %t.s/d/perdure.regions
 * RUN: %t.region make %t.s/c && %t.fat make %t.s/d && %t.region both %t.s/c %t.s/d && %t.fat both %t.s/c %t.s/d
 * RUN: not --crash %t.fat escape %t.s/c %t.s/d 2>&1 | FileCheck --check-prefix=ESCAPE %s
 * ESCAPE: escape{{.*}}an address in another store
 * RUN: cp -r %t.s/c %t.s/e && %t.fat read %t.s/e
 * RUN: not %t.region both %t.s/c %t.s/e 2>&1 | FileCheck --check-prefix=SAME %s
 * RUN: not %t.fat both %t.s/e %t.s/c 2>&1 | FileCheck --check-prefix=SAME %s
 * SAME: stores {{.*}} and {{.*}} have the same number in pointers of the encodings region-id and fat-lookup, as copies of one store have; open one at a time
 * RUN: %t.object both %t.s/c %t.s/e
 * RUN: mv %t.s/e/perdure.regions %t.s/e/late
 * RUN: not --crash %t.region late %t.s/c %t.s/e 2>&1 | FileCheck --check-prefix=LATE %s
 * LATE: two open stores have the same number in their files perdure.regions
 * RUN: mv %t.s/e/perdure.regions %t.s/e/late
 * RUN: not --crash %t.fat late-write %t.s/c %t.s/e 2>&1 | FileCheck --check-prefix=WRITE %s
 * WRITE: gets no region number: stores {{.*}}/c and {{.*}}/e have the same number
 *
 * Objects alone cannot leave their store.
 * RUN: not %build/bin/perdure cp --create %t.s/c a %t.s/f 2>&1 | FileCheck --check-prefix=CP %s
 * CP: its objects hold pointers by region number
 *
 * A registry that is lost, cut or no registry at all.
 * RUN: mv %t.s/d/perdure.regions %t.s/kept
 * RUN: not --crash %t.region read %t.s/d 2>&1 | FileCheck --check-prefix=LOST %s
 * LOST: no open store has the pointer's region number in its file perdure.regions
 * RUN: head -c 25 %t.s/kept > %t.s/d/perdure.regions
 * RUN: not --crash %t.fat read %t.s/d 2>&1 | FileCheck --check-prefix=LOST %s
 * RUN: printf 'perdure regions 1 000\n' > %t.s/d/perdure.regions
 * RUN: not --crash %t.region read %t.s/d 2>&1 | FileCheck --check-prefix=LOST %s
 * RUN: cp %t.s/kept %t.s/d/perdure.regions && %t.region read %t.s/d
 */
#include <perdure/perdure.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(x)                                                               \
  do {                                                                         \
    if (!(x))                                                                  \
      fprintf(stderr, "%d: not so: %s\n", __LINE__, #x), exit(1);              \
  } while (0)

struct PERDURE node { struct node *self, *other; long value; };

static void *given(void *p) {
  if (!p)
    fprintf(stderr, "%s\n", perdure_errormsg()), exit(1);
  return p;
}
static perdure_store *open_store(const char *path) {
  return given(perdure_store_open(path, PERDURE_CREATE));
}
static struct node *open_node(perdure_store *s, const char *name) {
  return given(perdure_open(s, name, 0));
}
static struct node *make_node(perdure_store *s, const char *name, long value) {
  struct node *n = given(perdure_create(s, name, sizeof *n, 0));
  n->value = value;
  n->self = n;
  return n;
}
static void make(perdure_store *s) {
  struct node *a = make_node(s, "a", 1), *b = make_node(s, "b", 2);
  a->other = b;
  b->other = a;
}
static __attribute__((noinline)) void verify(struct node *a) {
#ifdef NO_POINTERS /* a program of another encoding may look at the values */
  CHECK(a->value == 1);
  return;
#endif
  CHECK(*(volatile long *)&a->self->value == 1 && a->self == a);
  struct node *b = a->other;
  CHECK(b->value == 2 && b->self == b && b->other == a);
}

/* A thread that keeps what it has cached while stores come and go. */
static pthread_barrier_t Turn;
static struct node *volatile Shown;
static void *look(void *unused) {
  for (int i = 0; i != 4; ++i) {
    pthread_barrier_wait(&Turn);
    verify(Shown);
    pthread_barrier_wait(&Turn);
  }
  return unused;
}

int main(int argc, char **argv) {
  CHECK(argc >= 3 && argc <= 4);
  const char *verb = argv[1];
  perdure_store *s = open_store(argv[2]);
  perdure_store *t = argc > 3 ? open_store(argv[3]) : 0;
  if (!strcmp(verb, "make")) {
    make(s);
  } else if (!strcmp(verb, "read")) {
    verify(open_node(s, "a"));
  } else if (!strcmp(verb, "more")) {
    struct node *c = make_node(s, "c", 3);
    c->other = open_node(s, "a");
    verify(c->other);
    CHECK(c->self == c);
  } else if (!strcmp(verb, "both")) {
    struct node *a = open_node(s, "a"), *b = open_node(t, "a");
    verify(a);
    verify(b);
    verify(a);
  } else if (!strcmp(verb, "escape")) {
    /* Both have their numbers by then: inline code has to tell. */
    struct node *a = open_node(s, "a"), *b = open_node(t, "a");
    verify(a);
    verify(b);
    b->other = a;
  } else if (!strncmp(verb, "late", 4)) {
    char from[4096], to[4096];
    snprintf(from, sizeof from, "%s/late", argv[3]);
    snprintf(to, sizeof to, "%s/perdure.regions", argv[3]);
    CHECK(!rename(from, to));
    struct node *a = open_node(s, "a"), *b = open_node(t, "a");
    if (verb[4]) {
      a->self = a;
      b->self = b;
    }
    verify(b);
  } else if (!strcmp(verb, "again")) {
    /* The store is closed and opened: its objects lie elsewhere, and nobody may
       remember where they lay. */
    make(s);
    pthread_t thread;
    CHECK(!pthread_barrier_init(&Turn, 0, 2) &&
          !pthread_create(&thread, 0, look, 0));
    struct node *old = 0;
    for (int i = 0; i != 4; ++i) {
      struct node *a = open_node(s, "a");
      CHECK(a != old);
      old = a;
      Shown = a;
      pthread_barrier_wait(&Turn);
      verify(a);
      pthread_barrier_wait(&Turn);
      perdure_store_close(s);
      s = open_store(argv[2]);
    }
    CHECK(!pthread_join(thread, 0));
  }
  perdure_store_close(s);
  if (t)
    perdure_store_close(t);
}

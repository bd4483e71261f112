// A program whose structures have changed does not open what it made before, and says
// how they differ; with the option it does.
// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: %perdure_cc -O2 %s -o one && ./one s | FileCheck %s --check-prefix=ONE
// RUN: %perdure_cc -O0 %s -o same && ./same s | FileCheck %s --check-prefix=ONE
// RUN: %perdure_cc -O2 -flto=thin -DTWO %s -o two && not ./two s | FileCheck %s --check-prefix=TWO
// RUN: env PERDURE_OPTIONS=types=0 ./two s | FileCheck %s --check-prefix=OFF
// RUN: ./one s | FileCheck %s --check-prefix=ONE
// What is only read is compared, too.
// RUN: chmod -R a-w s && not ./two s | FileCheck %s --check-prefix=TWO; chmod -R u+w s
// Two files of one program, and a shared library.
// RUN: %perdure_cc -O1 -DPART -fPIC -shared %s -o libpart.so
// RUN: %perdure_cc -O1 -DUSES_PART %s -o whole -L. -lpart -Wl,-rpath,%t && ./whole p | FileCheck %s --check-prefix=PART
// RUN: %perdure_cc -O1 -DPART -DTWO -fPIC -shared %s -o libpart.so && not ./whole p | FileCheck %s --check-prefix=PARTS
// -z nostart-stop-gc and its opposite: descriptors stay.
// RUN: %perdure_cc -O2 -ffunction-sections -fdata-sections -fuse-ld=lld -Wl,--gc-sections %s -o gc && ./gc s | FileCheck %s --check-prefix=ONE
// RUN: llvm-readelf -p perdure_types gc | FileCheck %s --check-prefix=KEPT
// KEPT-DAG: struct {{[0-9]+}} 8 node
// KEPT-DAG: struct {{[0-9]+}} 8 list

// ONE: list of 1
// TWO: the type 'node' is laid out in another way than when it was stored: 'value' was i64 and is i32; 'value' was at 8 and is at 12; 'tag' (i32 at 8) is new; docs/Types.md says how to migrate
// OFF: list of
// PART: part of 1
// PARTS: the type 'node' is laid out in another way

#include <errno.h>
#include <perdure/perdure.h>
#include <stdio.h>

#if !defined USES_PART
struct PERDURE node {
  struct node *next;
#ifdef TWO
  int tag, value;
#else
  long value;
#endif
};
#endif

struct PERDURE list {
  struct node *first;
};

#ifdef PART
struct node *make(struct list *l) {
  struct node *n = perdure_alloc(l, sizeof *n);
  n->value = 1;
  return n;
}
int value(struct list *l) { return (int)l->first->value; }
#else

#ifdef USES_PART
// `struct node` is another file's to know.
struct node *make(struct list *l);
int value(struct list *l);
#define NAME "part"
#else
static struct node *make(struct list *l) {
  struct node *n = perdure_alloc(l, sizeof *n);
  n->value = 1;
  return n;
}
static int value(struct list *l) { return (int)l->first->value; }
#define NAME "list"
#endif

int main(int argc, char **argv) {
  perdure_store *s = perdure_store_open(argv[argc - 1], PERDURE_CREATE);
  if (!s)
    s = perdure_store_open(argv[argc - 1], PERDURE_RDONLY);
  void *root = perdure_open(s, "l", 0);
  if (!root && errno == ENOENT)
    root = perdure_create(s, "l", sizeof(struct list), 0);
  if (!root)
    return printf("%s\n", perdure_errormsg()), 1;
  struct list *l = root;
  if (!l->first)
    l->first = make(l);
  printf("%s of %d\n", NAME, value(l));
}
#endif

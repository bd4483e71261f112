// Where the runtime is told what a program takes a root for.
// RUN: %clang -O0 -S -emit-llvm %s -o - | FileCheck %s
// RUN: %clangxx -x c++ -O0 -S -emit-llvm %s -o - | FileCheck %s
// Not in `giver`, which does not know.
// RUN: %clang -O0 -S -emit-llvm %s -o - | grep -c 'call.*@__perdure_type_root(' | grep -x 7

#include <perdure/perdure.h>

#ifdef __cplusplus
extern "C" {
#define TO(T) (T *)
#else
#define TO(T)
#endif

struct PERDURE list {
  struct list *next;
};
struct PERDURE tree {
  struct tree *up;
};
void take(void *);
void take_address(void **);

// CHECK-LABEL: define {{.*}} @direct
struct list *direct(perdure_store *s) {
  // CHECK: [[R:%.*]] = call ptr @perdure_open
  // CHECK-NEXT: call{{.*}} ptr @__perdure_type_root(ptr {{.*}}[[R]], ptr {{.*}}@__perdure_type_[[LIST:[0-9a-f]+]])
  struct list *l = TO(struct list)(void *)(perdure_open(s, "l", 0));
  // CHECK: call ptr @perdure_create
  // CHECK-NEXT: call{{.*}} ptr @__perdure_type_root({{.*}}@__perdure_type_[[LIST]])
  if (!l)
    l = TO(struct list) perdure_create(s, "l", sizeof *l, 0);
  return l;
}

// CHECK-LABEL: define {{.*}} @choice
struct tree *choice(perdure_store *s, int make) {
  // CHECK: phi ptr
  // CHECK-NEXT: call{{.*}} ptr @__perdure_type_root
  return TO(struct tree)(make ? perdure_create(s, "t", 8, 0)
                              : perdure_open(s, "t", 0));
}

// Where the variable gets it, so that `!root` sees what the runtime says.
// CHECK-LABEL: define {{.*}} @variable
struct list *variable(perdure_store *s) {
  // CHECK: call ptr @perdure_open
  // CHECK-NEXT: call{{.*}} ptr @__perdure_type_root
  void *root = perdure_open(s, "l", 0);
  // CHECK: call ptr @perdure_create
  // CHECK-NEXT: call{{.*}} ptr @__perdure_type_root
  if (!root)
    root = perdure_create(s, "l", sizeof(struct list), 0);
  // CHECK-NOT: __perdure_type_root
  if (!root)
    return NULL;
  // CHECK: ret ptr
  return TO(struct list) root;
}

static void *giver(perdure_store *s, const char *name) {
  void *root = perdure_open(s, name, 0);
  void *other = root;
  if (!root)
    return 0;
  return other;
}
// CHECK-LABEL: define {{.*}} @takers
void takers(perdure_store *s) {
  // CHECK: call{{.*}} ptr @{{.*}}giver
  // CHECK-NEXT: call{{.*}} ptr @__perdure_type_root({{.*}}@__perdure_type_[[LIST]])
  struct list *l = TO(struct list) giver(s, "l");
  // CHECK: call{{.*}} ptr @{{.*}}giver
  // CHECK-NEXT: call{{.*}} ptr @__perdure_type_root
  struct tree *t = TO(struct tree) giver(s, "t");
  take(l);
  take(t);
}

// What may hold something else, or is taken for several things, is left alone.
// CHECK-LABEL: define {{.*}} @others
void others(perdure_store *s, void *p) {
  // CHECK-NOT: __perdure_type_root
  void *two = perdure_open(s, "l", 0);
  take(TO(struct list) two);
  struct list *l = TO(struct list) two;
  struct tree *t = TO(struct tree) two;
  void *changed = perdure_open(s, "l", 0);
  take_address(&changed);
  struct list *m = TO(struct list) changed;
  void *mixed = perdure_open(s, "l", 0);
  if (!mixed)
    mixed = p;
  struct list *n = TO(struct list) mixed;
  void *none = perdure_open(s, "l", 0);
  take(none);
  long *number = TO(long) perdure_open(s, "n", 0);
  take(l), take(t), take(m), take(n), take(number);
  // CHECK: ret void
}

#ifdef __cplusplus
}
#endif

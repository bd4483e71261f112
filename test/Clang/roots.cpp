// Roots in C++: templates, lambdas, references, constructors.
// RUN: %clangxx -std=c++20 -O0 -S -emit-llvm %s -o - | FileCheck %s

#include <perdure/perdure.h>

#include <memory>

struct PERDURE list {
  list *next;
};
struct PERDURE tree {
  tree *up;
};
void take(void *&);

template <class T> T *open(perdure_store *s, const char *name) {
  void *root = perdure_open(s, name, 0);
  if (!root)
    root = perdure_create(s, name, sizeof(T), 0);
  return static_cast<T *>(root);
}
template <class T> struct opener {
  T *root;
  opener(perdure_store *s) : root(static_cast<T *>(perdure_open(s, "x", 0))) {}
  T *fixed() { return static_cast<T *>(perdure_open(nullptr, "fixed", 0)); }
  list *same() { return static_cast<list *>(perdure_open(nullptr, "same", 0)); }
};

// CHECK-LABEL: define {{.*}}@_Z3useP
void use(perdure_store *s) {
  // CHECK: call {{.*}}ptr @perdure_open
  // CHECK-NEXT: call {{.*}}ptr @__perdure_type_root({{.*}}@__perdure_type_[[LIST:[0-9a-f]+]])
  std::unique_ptr<list> p(static_cast<list *>(perdure_open(s, "u", 0)));
  open<list>(s, "l");
  open<tree>(s, "t");
  opener<list>{s}.fixed();
  opener<tree>{s}.fixed();
  opener<list>{s}.same();
  opener<tree>{s}.same();
}

// CHECK-LABEL: define {{.*}}@_Z5byRefP
void byRef(perdure_store *s) {
  // CHECK-NOT: __perdure_type_root
  void *root = perdure_open(s, "l", 0);
  take(root);
  auto *l = static_cast<list *>(root);
  void *other = perdure_open(s, "l", 0);
  auto change = [&other] { other = nullptr; };
  change();
  l = static_cast<list *>(other);
  // CHECK: ret void
}

// A lambda's own, and a function that throws.
// CHECK-LABEL: define {{.*}}@_Z7lambdasP
void lambdas(perdure_store *s) {
  auto get = [s] { return static_cast<tree *>(perdure_open(s, "t", 0)); };
  get();
}

// In whatever order they come: one call behind each perdure_open and
// perdure_create, but for the two above.
// RUN: %clangxx -std=c++20 -O0 -S -emit-llvm %s -o - | grep -c 'call.*@perdure_\(open\|create\)(' | grep -x 14
// RUN: %clangxx -std=c++20 -O0 -S -emit-llvm %s -o - | grep -c 'call.*@__perdure_type_root(' | grep -x 12

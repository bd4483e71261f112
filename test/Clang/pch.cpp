// RUN: rm -rf %t && mkdir %t
// RUN: %clangxx -std=c++20 -x c++-header %S/Inputs/annotated.h -o %t/annotated.pch
// RUN: %clangxx -std=c++20 -include-pch %t/annotated.pch -fsyntax-only -Xclang -verify %s

// A precompiled header brings the annotations of its records and templates, and
// the plugin's hook still sees what the main file declares.
void use(node *n, box<int> &b) {
  node **p = &n->next;
  // expected-error@-1 {{declare it as 'perdure::ptr<node> *'}}
  int **q = &b.value;
  // expected-error@-1 {{declare it as 'perdure::ptr<int> *'}}
  int **kept = &b.kept;
}
struct PERDURE own { own *p; };
own **use(own *o) {
  return &o->p;
  // expected-error@-1 {{declare it as 'perdure::ptr<own> *'}}
}
perdure::ptr<own> result(perdure::ptr<own> p) { return p; }
own *(*pointer)(own *) = result;

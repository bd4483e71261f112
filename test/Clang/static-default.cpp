// RUN: %clangxx -std=c++20 -fsyntax-only -Xclang -verify %s
// A number in a default member initialiser is encoded where code runs, and
// refused where Clang would leave it raw: in a static variable.
#include <perdure/perdure.h>

struct PERDURE part {
  int *address;
  void *mark;
};
struct PERDURE whole {
  int count;
  part inner{nullptr, (void *)15}; // expected-error {{a number as the default of a persistent pointer cannot initialise a static variable}}
  void *direct = nullptr;
};
static whole refused{1};
static whole named{1, {nullptr, (void *)15}};
whole *runs() { return new whole{2}; }

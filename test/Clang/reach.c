// RUN: %clang -std=c11 -fsyntax-only -fplugin-arg-perdure-reach -Xclang -verify %s
// RUN: %clang -std=c11 -fsyntax-only -Wno-unknown-warning-option -Wperdure-reach -Xclang -verify %s
// RUN: %clang -std=c11 -fsyntax-only -Werror %s

// Fields that lead to records with native pointers, when asked for.
#include <perdure/perdure.h>

struct native { int *p; };
struct numbers { long n; };
struct opaque;
struct later;
struct PERDURE node {
  struct node *next;
  struct numbers *numbers;
  char *text;
  void *any;
  struct native *native;
// expected-warning@-1 {{'native' leads to 'struct native', which holds native pointers; annotate it [-Wperdure-reach]}}
  struct native **table;
// expected-warning@-1 {{'table' leads to 'struct native', which holds native pointers; annotate it [-Wperdure-reach]}}
  struct opaque *opaque;
// expected-warning@-1 {{'opaque' leads to 'struct opaque', which is incomplete here: what it holds is not known [-Wperdure-reach]}}
  struct later *later;
// expected-warning@-1 {{'later' leads to 'struct later', which holds native pointers; annotate it [-Wperdure-reach]}}
  PERDURE_TRANSIENT struct native *kept;
};
struct later { struct native n; };

// RUN: %clang -std=gnu11 -fsyntax-only -Werror -Wno-deprecated-non-prototype %s
// RUN: %clang -std=gnu17 -fsyntax-only -Werror -Wno-deprecated-non-prototype %s
// RUN: %clang -std=gnu23 -fsyntax-only -Werror -DPROTOTYPES %s

// Parameters, results and the operators of types in C.
#include <perdure/perdure.h>

struct PERDURE node { struct node *next; unsigned flag : 1; struct node *more[]; };
typedef struct node *node_ref PERDURE;
#define IS(E, T) _Static_assert(_Generic((E), T: 1, default: 0), "")

node_ref id(node_ref);
node_ref id(node_ref x) { return x; }
struct node *id(struct node *);
node_ref other(node_ref x);
struct node *other(struct node *x) { return x; }
void array(node_ref a[]);
void array(node_ref *a) { a[0] = a[1]; }
#ifndef PROTOTYPES
node_ref old(x) node_ref x; { return x; }
#endif
node_ref (*pointer)(node_ref) = id;
node_ref (*table[2])(node_ref) = {id, other};
typedef node_ref (*callback)(node_ref);
struct calls { callback one; node_ref (*two)(node_ref); };
IS(id, struct node *(*)(struct node *));
IS(&table[0], struct node *(**)(struct node *));
IS((callback)0, struct node *(*)(struct node *));
extern node_ref variable;
node_ref variable;

void types(struct node *n, int count) {
  IS(n->next, struct node *);
  IS(&n->next, node_ref *);
  IS((node_ref)0, struct node *);
  __auto_type copy = n->next;
  IS(&copy, struct node **);
  __typeof__(n->next) stored = n;
  IS(&stored, node_ref *);
#if __STDC_VERSION__ >= 202311L
  typeof_unqual(n->next) plain = n;
  auto deduced = n->next;
  IS(&deduced, struct node **);
  plain = deduced;
  n->next = nullptr;
  n->next = plain;
#endif
  node_ref dynamic[count];
  dynamic[0] = n->next;
  struct node local = {.next = dynamic[0], .flag = 1};
  struct node *literal = &(struct node){.next = n};
  node_ref list[] = {[1] = n, [0] = literal};
  n->next = list[1] ? list[0] : n->more[0];
  *n = local;
  node_ref *at = &n->next;
  at = n->more;
  *at = id(stored);
}

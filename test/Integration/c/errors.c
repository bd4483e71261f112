/* What the typed macros refuse, and in which words.
 *
 * RUN: not %clang -std=c11 -fsyntax-only -ferror-limit=0 %s 2>&1 | FileCheck %s
 */
#include <perdure/perdure.h>

struct PERDURE node {
  struct node *next;
  const char *name;
  long value;
};

int compare(const struct node *a, const struct node *b);
int compare_longs(const long *a, const long *b);

void refused(struct node *n, const struct node *c, struct node **native,
             void *untyped, int *numbers) {
  struct node *e = 0;
  const char *s = 0;
  // CHECK: :[[@LINE+1]]:{{.*}}error:{{.*}}this is a pointer to a native pointer
  perdure_atomic_load(native);
  // CHECK: :[[@LINE+1]]:{{.*}}error:{{.*}}this is a pointer to a native pointer
  perdure_atomic_store(native, n);
  // CHECK: :[[@LINE+1]]:{{.*}}error:{{.*}}not assignable
  perdure_atomic_store(&c->next, n);
  // CHECK: :[[@LINE+1]]:{{.*}}error: incompatible pointer types
  perdure_atomic_store(&n->next, s);
  // CHECK: :[[@LINE+1]]:{{.*}}error: incompatible pointer types
  perdure_atomic_compare_exchange(&n->next, &s, e);

  // CHECK: :[[@LINE+1]]:{{.*}}error: the number of bytes is no multiple of the element's size
  perdure_memmove(n, c, sizeof(struct node) + 1);
  // CHECK: :[[@LINE+1]]:{{.*}}error:{{.*}}'void'
  perdure_memmove(untyped, n, sizeof *n);
  // CHECK: :[[@LINE+1]]:{{.*}}error: incompatible pointer types
  perdure_memmove(n, numbers, sizeof *n);

  // CHECK: :[[@LINE+1]]:{{.*}}error: the size given is not that of the element
  perdure_qsort(n, 3, 8, compare);
  // CHECK: :[[@LINE+1]]:{{.*}}error: incompatible pointer types
  perdure_qsort(n, 3, compare_longs);
}

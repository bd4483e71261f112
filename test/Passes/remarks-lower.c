// What became of each translation, by line and field.
// RUN: %clang -g -O2 -c %s -o /dev/null -Rpass=perdure 2>&1 | FileCheck --check-prefix=PASSED %s
// RUN: %clang -g -O2 -c %s -o /dev/null -Rpass-missed=perdure 2>&1 | FileCheck --check-prefix=MISSED %s
// Without debug info: by line.
// RUN: %clang -O2 -c %s -o /dev/null -Rpass-missed=perdure 2>&1 | FileCheck --check-prefix=BARE %s
#include <perdure/perdure.h>
struct PERDURE node { struct node *next, *other; long value; };

long sum(struct node *n) {
  long s = 0;
  for (; n; n = n->next) // PASSED: remarks-lower.c:[[#@LINE]]:{{.*}}decode of struct node.next: goes on as base and offset
    s += n->value;
  return s;
}
long second(struct node *n) {
  // MISSED: remarks-lower.c:[[#@LINE+3]]:{{.*}}decode of struct node.next: the base is masked out of the container
  // BARE: remarks-lower.c:[[#@LINE+2]]:{{.*}}decode: the base is masked out of the container
  // PASSED: remarks-lower.c:[[#@LINE+1]]:{{.*}}decode of struct node.other: takes the base of the one before
  return n->next->other->value;
}
void put(struct node *n, struct node *m) {
  n->next = m; // MISSED: remarks-lower.c:[[#@LINE]]:{{.*}}encode of struct node.next: window and slot are tested
}
void copy(struct node *n, struct node *m) {
  n->next = m->other; // PASSED: remarks-lower.c:[[#@LINE]]:{{.*}}re-encode{{.*}}: a copy of bits behind one test
}

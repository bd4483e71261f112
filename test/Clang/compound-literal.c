// A number as a pointer in a static compound literal of which only the address
// is in the initialiser.
//
// RUN: %perdure_cc -O0 %s -o %t && %t
// RUN: %perdure_cc -O1 -fperdure-encoding=strict %s -o %t && %t
#include <perdure/perdure.h>

struct PERDURE node {
  struct node *next;
  void *data;
};

static struct node *first = &(struct node){.data = (void *)9};

int main(void) { return first->data != (void *)9; }

/* Two objects and memory of no object are written, and one object is closed. */
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>

struct PERDURE cell {
  struct cell *next;
  unsigned long value;
};

int main(int Count, char **Words) {
  (void)Count;
  perdure_store *S = perdure_store_open(Words[1], PERDURE_CREATE);
  struct cell *Closed = perdure_create(S, "closed", sizeof *Closed, 0);
  struct cell *Open = perdure_create(S, "open", sizeof *Open, 0);
  unsigned long *Heap = calloc(8, 8);
  if (!Closed || !Open || !Heap)
    return 1;
  Closed->value = 0xFF;
  Open->value = 0xFF;
  *(volatile unsigned long *)Heap = 0xFF;
  perdure_close(Closed);
  /* What was not flushed changes back before it reaches the medium. */
  Open->value = 0;
  *(volatile unsigned long *)Heap = 0;
  perdure_store_close(S);
  return 0;
}

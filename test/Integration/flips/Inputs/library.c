/* Blocks that a library allocates which knows nothing of flips. */
#include <perdure/perdure.h>

#include <stdint.h>

void *make(void *Near);

int main(int Count, char **Words) {
  (void)Count;
  perdure_store *S = perdure_store_open(Words[1], PERDURE_CREATE);
  char *Root = perdure_create(S, "blocks", 64, 0);
  if (!Root)
    return 1;
  for (unsigned I = 0; I != 1000; ++I) {
    uint64_t *Block = make(Root);
    if (!Block || !perdure_in_object(Block))
      return 1;
    *Block = I * UINT64_C(0x9E3779B97F4A7C15);
  }
  perdure_close(Root);
  perdure_store_close(S);
  return 0;
}

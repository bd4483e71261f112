/*===- perdure_alloc.c - What allocation flips in an object ---------------===*\
|*
|* perdure_alloc DIRECTORY COUNT BYTES: as many blocks, in a store of its own.
|* The program stores nothing itself; what is counted is the runtime's.
|*
\*===----------------------------------------------------------------------===*/

#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>

int main(int Count, char **Words) {
  if (Count != 4) {
    fprintf(stderr, "perdure_alloc: DIRECTORY, COUNT and BYTES are missing\n");
    return 2;
  }
  size_t Calls = strtoull(Words[2], NULL, 10),
         Bytes = strtoull(Words[3], NULL, 10);
  perdure_store *Store = perdure_store_open(Words[1], PERDURE_CREATE);
  void *Object = Store ? perdure_create(Store, "blocks", 64, 0) : NULL;
  for (size_t I = 0; I != Calls && Object; ++I)
    if (!perdure_alloc(Object, Bytes))
      Object = NULL;
  if (!Object) {
    fprintf(stderr, "perdure_alloc: %s\n", perdure_errormsg());
    return 1;
  }
  perdure_store_close(Store);
  return 0;
}

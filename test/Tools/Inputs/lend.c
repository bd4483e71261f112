// lend STORE        two objects: what the one has lost only the other leads to; and one
//                   whose number looks like a pointer
// lend STORE NAME   opens it for writing until stdin ends
#include <perdure/perdure.h>
#include <stdio.h>

struct PERDURE box {
  struct box *next;
  long number;
};

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  if (argc > 2) {
    void *held = perdure_open(store, argv[2], 0);
    printf("%s\n", held ? "open" : perdure_errormsg());
    fflush(stdout);
    getchar();
    return 0;
  }
  struct box *keeper = perdure_create(store, "keeper", sizeof *keeper, 0);
  struct box *lender = perdure_create(store, "lender", sizeof *lender, 0);
  struct box *numbers = perdure_create(store, "numbers", sizeof *numbers, 0);
  if (!keeper || !lender || !numbers)
    return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  lender->next = perdure_alloc(keeper, sizeof *keeper);
  numbers->number = (long)perdure_offset(perdure_alloc(numbers, sizeof *numbers));
  perdure_store_close(store);
}

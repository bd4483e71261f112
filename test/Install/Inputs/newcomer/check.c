#include "words.h"

static int check(void) {
  char line[80];
  long promised = 0;
  while (fgets(line, sizeof line, stdin))
    sscanf(line, "words %ld", &promised);
  perdure_store *store = perdure_store_open("texts", PERDURE_DURABLE);
  struct words *words = store ? perdure_open(store, "words", 0) : 0;
  if (!words)
    return promised != 0;
  const char *before = 0;
  long all = sum(words->root, &before);
  int wrong = all != words->total || all < promised;
  if (wrong)
    printf("%ld words, %ld counted, %ld promised\n", all, words->total, promised);
  perdure_store_close(store);
  return wrong;
}

int main(void) { return perdure_crash_check(check); }

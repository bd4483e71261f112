#include "words.h"

typedef struct word *word_ref PERDURE;

PERDURE_TRANSACTION static void add(struct words *words, const char *text) {
  word_ref *at = &words->root;
  int order;
  while (*at && (order = strcmp(text, (*at)->text)))
    at = order < 0 ? &(*at)->left : &(*at)->right;
  if (!*at) {
    struct word *made = perdure_alloc(words, sizeof *made);
    char *copy = perdure_alloc(words, strlen(text) + 1);
    if (!made || !copy) {
      perdure_tx_abort();
      return;
    }
    memcpy(copy, text, strlen(text) + 1);
    made->text = copy;
    *at = made;
  }
  (*at)->count++;
  words->total++;
}

static void print(const struct word *w) {
  if (!w)
    return;
  print(w->left);
  printf("%ld %s\n", w->count, w->text);
  print(w->right);
}

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open("texts", PERDURE_CREATE | PERDURE_DURABLE);
  struct words *words = perdure_open(store, "words", 0);
  if (!words)
    words = perdure_create(store, "words", sizeof *words, 0);
  if (!words)
    return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  for (int i = 1; i < argc; i++) {
    add(words, argv[i]);
    char note[40];
    snprintf(note, sizeof note, "words %ld", words->total);
    perdure_crash_note(note);
  }
  print(words->root);
  perdure_store_close(store);
}

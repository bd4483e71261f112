/* A structure of one's own: how often words came, as a tree. */
#include <perdure/crash.h>
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct PERDURE word {
  struct word *left, *right;
  char *text;
  long count;
};
struct PERDURE words {
  struct word *root;
  long total; /* of all counts */
};

/* The sum of the counts; -1 where a word is not behind the one before. */
static inline long sum(const struct word *w, const char **before) {
  if (!w)
    return 0;
  long left = sum(w->left, before);
  if (left < 0 || (*before && strcmp(*before, w->text) >= 0))
    return -1;
  *before = w->text;
  long right = sum(w->right, before);
  return right < 0 ? -1 : left + w->count + right;
}

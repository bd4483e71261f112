// A tree of words that outlives the process.
#ifndef TREE_H
#define TREE_H
#include <cstring>
#include <perdure/perdure.h>

struct [[perdure::persistent]] word {
  word *left, *right;
  long count;
  char text[16];
};
struct [[perdure::persistent]] tree {
  word *root;
};

// The type of the address of a persistent pointer.
using word_ref = perdure::ptr<word>;

// How often the word, shorter than 16 letters, has now been added; 0 without memory.
inline long add(tree *t, const char *text) {
  word_ref *place = &t->root;
  while (word *w = *place) {
    int order = std::strcmp(text, w->text);
    if (!order)
      return ++w->count;
    place = order < 0 ? &w->left : &w->right;
  }
  auto *w = static_cast<word *>(perdure_alloc(t, sizeof(word)));
  if (!w)
    return 0;
  std::strcpy(w->text, text);
  *place = w;
  return w->count = 1;
}
#endif

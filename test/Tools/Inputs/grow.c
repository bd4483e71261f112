// grow STORE NAME N       puts N keys into a tree, and takes most out again
// grow STORE NAME check   looks whether it is one
// grow STORE NAME lend    makes an object 'other' that leads to the root's right child
// grow STORE NAME hold    keeps it open for writing until stdin ends
#include <errno.h>
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct PERDURE node {
  struct node *left, *right, *parent;
  unsigned long key;
  char *text; // of the key
  char *middle; // of that
};
struct PERDURE tree {
  struct node *root;
  unsigned long size, all;
};
struct PERDURE other {
  struct node *borrowed;
};

static struct node *make(struct tree *t, unsigned long key) {
  struct node *n = perdure_alloc(t, sizeof *n);
  n->key = key;
  n->text = perdure_alloc(t, 200 + key % 300);
  sprintf(n->text, "key %lu", key);
  n->middle = n->text + 4;
  return n;
}

static void insert(struct tree *t, unsigned long key) {
  struct node *at = t->root, *n = make(t, key);
  if (!at)
    t->root = n;
  while (at) {
    struct node *next = key < at->key ? at->left : at->right;
    if (!next) {
      n->parent = at;
      if (key < at->key)
        at->left = n;
      else
        at->right = n;
    }
    at = next;
  }
  t->size++;
}

static void drop(struct tree *t, struct node *n) {
  if (!n)
    return;
  drop(t, n->left);
  drop(t, n->right);
  perdure_free(n->text);
  perdure_free(n);
  t->size--;
}

// Takes out all that lies below the keys which are kept.
static void prune(struct tree *t, struct node *n, int depth) {
  if (!n)
    return;
  if (depth == 12) {
    drop(t, n->left);
    drop(t, n->right);
    n->left = n->right = NULL;
    return;
  }
  prune(t, n->left, depth + 1);
  prune(t, n->right, depth + 1);
}

static unsigned long check(const struct node *n, const struct node *parent) {
  char text[32];
  if (!n)
    return 0;
  sprintf(text, "key %lu", n->key);
  if (n->parent != parent || strcmp(n->text, text) || strcmp(n->middle, text + 4)) {
    fprintf(stderr, "wrong at key %lu\n", n->key);
    exit(1);
  }
  return 1 + check(n->left, n) + check(n->right, n);
}

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  struct tree *t = perdure_open(store, argv[2], 0);
  if (!t && errno == ENOENT)
    t = perdure_create(store, argv[2], sizeof *t, 0);
  if (!t)
    return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  if (!strcmp(argv[3], "check")) {
    unsigned long found = check(t->root, NULL);
    printf("%lu of %lu\n", found, t->all);
    return found != t->size;
  }
  if (!strcmp(argv[3], "hold")) {
    printf("open\n");
    fflush(stdout);
    getchar();
    return 0;
  }
  if (!strcmp(argv[3], "lend")) {
    struct other *o = perdure_create(store, "other", sizeof *o, 0);
    o->borrowed = t->root->right;
    perdure_store_close(store);
    return 0;
  }
  unsigned long seed = 1;
  for (long i = atol(argv[3]); i; --i) {
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    insert(t, seed >> 40);
    t->all++;
  }
  prune(t, t->root, 0);
  perdure_store_close(store);
}

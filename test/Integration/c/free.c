/* perdure_free takes whatever lies in an object, arrays of persistent pointers
 * included, without a cast and without a warning.
 *
 * RUN: rm -rf %t.store && %perdure_cc -O2 -Wall -Wextra -Werror %s -o %t && %t %t.store
 * RUN: rm -rf %t.store && %perdure_cxx -std=c++17 -O2 -Wall -Wextra -Werror -xc++ %s -o %t.cxx && %t.cxx %t.store
 */
#include <perdure/perdure.h>

struct PERDURE node {
  struct node **kids;
  char *name;
};
typedef struct node *node_ref PERDURE;

static unsigned long blocks(void *in_object) {
  struct perdure_stat stat;
  return perdure_stat(in_object, &stat) ? 0 : (unsigned long)stat.blocks;
}

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open(argv[argc - 1], PERDURE_CREATE);
  struct node *root =
      (struct node *)perdure_create(store, "root", sizeof *root, 0);
  if (!root)
    return 1;
  unsigned long before = blocks(root);
  struct node *other = (struct node *)perdure_alloc(root, sizeof *other);
  root->kids = (node_ref *)perdure_alloc(root, 4 * sizeof *root->kids);
  root->name = (char *)perdure_alloc(root, 10);
  root->kids[2] = other;
  if (blocks(root) != before + 3)
    return 2;
  const struct node *read_only = root->kids[2];
  perdure_free(root->kids[2]);
  perdure_free(root->kids);
  perdure_free(root->name);
  perdure_free(0);
  perdure_free(NULL);
  if (blocks(root) != before || !read_only)
    return 3;
  perdure_store_close(store);
  return 0;
}

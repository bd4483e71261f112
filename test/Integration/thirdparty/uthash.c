/* <uthash.h>, unchanged. Its records are annotated by declaring them before
 * the header defines them; its memory comes from the object through the two
 * macros that it offers for that.
 *
 * REQUIRES: uthash
 * RUN: %python %S/../Inputs/relocate.py "%perdure_cc" "%cc" "%window_low" "%window_high" %t %s
 */
#include "../Inputs/harness.h"

struct PERDURE UT_hash_bucket;
struct PERDURE UT_hash_table;
struct PERDURE UT_hash_handle;
#define uthash_malloc(bytes) new_block(bytes)
#define uthash_free(block, bytes) delete_block(block)
#include <uthash.h>

struct PERDURE user {
  int id;
  char name[24];
  UT_hash_handle hh, by_name;
};

struct PERDURE root {
  struct user *users;
  struct user *names;
};

static void build(void *where, unsigned long operations) {
  struct root *root = where;
  for (unsigned long i = 0; i < operations; ++i) {
    int id = next_random() % 5000;
    struct user *u;
    HASH_FIND_INT(root->users, &id, u);
    if (next_random() % 4) {
      if (u)
        continue;
      u = new_block(sizeof *u);
      u->id = id;
      snprintf(u->name, sizeof u->name, "user-%d", id * 7919 % 100003);
      HASH_ADD_INT(root->users, id, u);
      HASH_ADD_KEYPTR(by_name, root->names, u->name, strlen(u->name), u);
    } else if (u) {
      HASH_DEL(root->users, u);
      HASH_DELETE(by_name, root->names, u);
      delete_block(u);
    }
  }
}

static int compare(struct user *a, struct user *b) { return a->id - b->id; }

static void print(void *where) {
  struct root *root = where;
  struct user *u, *next, *found;
  printf("%u users, %u names\n", HASH_COUNT(root->users),
         HASH_CNT(by_name, root->names));
  for (u = root->names; u; u = u->by_name.next)
    printf("%s ", u->name);
  puts("");
  HASH_SORT(root->users, compare);
  HASH_ITER(hh, root->users, u, next) {
    HASH_FIND(by_name, root->names, u->name, strlen(u->name), found);
    if (found != u) {
      printf("%s is not found by its name\n", u->name);
      exit(1);
    }
    printf("%d %s\n", u->id, u->name);
  }
}

int main(int argc, char **argv) {
  return run_harness(argc, argv, sizeof(struct root));
}

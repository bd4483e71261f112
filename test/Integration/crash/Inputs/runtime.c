/* The runtime itself: objects, blocks, growth, names and pointers from one object
   to another, with no store of the program's that is in the wrong place. With
   "check" it checks an image: what was promised is there, and both objects can be
   used and written. */
#include <perdure/crash.h>
#include <perdure/perdure.h>
#include <stdio.h>
#include <string.h>

struct PERDURE item { struct item *next; struct item *other; long value; char room[40]; };
struct PERDURE root { struct item *first; long large; };

enum { Items = 5 };

static int bad(const char *what) { return fprintf(stderr, "%s\n", what), 1; }

static int promised(const char *notes, const char *what) {
  return strstr(notes, what) != NULL;
}

static int use(struct root *root, const char *why) {
  if (!root)
    return bad(why);
  long count = 0;
  for (struct item *i = root->first; i; i = i->next, ++count) {
    if (i->value < 1 || i->value > Items)
      return bad("an item without its value");
    if (i->other && i->other->value != 77)
      return bad("a pointer to the other object leads elsewhere");
  }
  void *small = perdure_alloc(root, 64), *large = perdure_alloc(root, 20000);
  if (!small || !large)
    return bad(perdure_errormsg());
  for (struct item *i = root->first; i; i = i->next)
    if ((void *)i == small)
      return bad("a block that is in use was given again");
  perdure_free(small);
  perdure_free(large);
  return 0;
}

static int check(void) {
  char notes[1024];
  notes[fread(notes, 1, sizeof notes - 1, stdin)] = 0;
  perdure_store *store = perdure_store_open("store", 0);
  if (!store)
    return *notes ? bad(perdure_errormsg()) : 0;
  struct root *a = perdure_open(store, "a", 0);
  if (!a && promised(notes, "a"))
    return bad(perdure_errormsg());
  if (a && use(a, "a"))
    return 1;
  struct root *b = perdure_open(store, "b", 0);
  if (!b && promised(notes, "b") && !promised(notes, "remove"))
    return bad(perdure_errormsg());
  if (b && use(b, "b"))
    return 1;
  long count = 0, foreign = 0;
  for (struct item *i = a ? a->first : NULL; i; i = i->next, ++count)
    foreign += i->other != NULL;
  if (promised(notes, "item") && !count)
    return bad("a promised item is missing");
  if (promised(notes, "foreign") && !foreign)
    return bad("a promised pointer to the other object is missing");
  return 0;
}

static struct item *add(struct root *root, long value) {
  struct item *i = perdure_alloc(root, sizeof *i);
  i->value = value;
  i->next = root->first;
  perdure_persist(i, sizeof *i);
  root->first = i;
  perdure_persist(root, sizeof *root);
  return i;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "check"))
    return perdure_crash_check(check);
  perdure_store *store =
      perdure_store_open("store", PERDURE_CREATE | PERDURE_DURABLE);
  struct root *a = store ? perdure_create(store, "a", sizeof *a, 0) : NULL;
  if (!a)
    return bad(perdure_errormsg());
  perdure_crash_note("a");
  for (int i = 1; i <= Items; ++i)
    add(a, i);
  perdure_crash_note("item");
  struct root *b = perdure_create(store, "b", sizeof *b, 0);
  if (!b)
    return bad(perdure_errormsg());
  perdure_crash_note("b");
  struct item *far = perdure_alloc(b, sizeof *far);
  far->value = 77;
  perdure_persist(far, sizeof *far);
  a->first->other = far;
  perdure_persist(a->first, sizeof *a->first);
  perdure_crash_note("foreign");
  /* Growth: more than the file has, freed and taken again. */
  void *large = perdure_alloc(a, 100000);
  if (!large)
    return bad(perdure_errormsg());
  perdure_free(large);
  if (!perdure_alloc(a, 30000))
    return bad(perdure_errormsg());
  perdure_close(b);
  perdure_close(a);
  perdure_store_close(store);
  return 0;
}

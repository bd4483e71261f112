/* The runtime itself: objects, blocks, growth, names, copies, removal, sharing, and
   pointers from one object to another by ID and by name, with no store of the
   program's that is in the wrong place. With "check" it checks an image: what was
   promised is there, and all objects can be used and written. With "open" it opens
   them after a power failure. */
#include <perdure/crash.h>
#include <perdure/perdure.h>
#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct PERDURE item { struct item *next; struct item *other; long value; char room[40]; };
struct PERDURE wide { long value; char room[240]; };
struct PERDURE root {
  struct item *first;
  char *large;
  long freed, freedLarge;
  struct wide *wide; /* of which the value is persistent, and the rest zero */
  char *pages;       /* the same, over several */
  long closed;       /* stored outside transactions, before the store is closed */
  char room[2040];
  long closedToo;    /* the same */
};

enum { Items = 5, PagesBytes = 20000 };

static int bad(const char *what) { return fprintf(stderr, "%s\n", what), 1; }

/* perdure_free ends the process when a block is not allocated. */
static int use(struct root *root, const char *notes) {
  long freed = root->freed;
  for (struct item *i = root->first; i; i = i->next) {
    if (i->value < 1 || i->value > Items)
      return bad("an item without its value");
    /* By ID to an item, by name to the root, which has 0 there. */
    if (i->value >= Items - 1 && i->other && i->other->value != (i->value == Items ? 77 : 0))
      return bad("a pointer to the other object leads elsewhere");
  }
  for (size_t i = 0; root->wide && i < sizeof root->wide->room; ++i)
    if (root->wide->room[i])
      return bad("a new block is not zero");
  for (size_t i = 8; root->pages && i < PagesBytes; ++i)
    if (root->pages[i])
      return bad("new pages are not zero");
  perdure_free(root->wide);
  /* A slab has room for 60 of them or so: what was freed is one of the next. */
  bool again = false;
  for (int i = 0; i < 200; ++i) {
    char *small = perdure_alloc(root, sizeof(struct item));
    if (!small)
      return bad(perdure_errormsg());
    again |= small - (char *)root == freed;
    for (struct item *i = root->first; i; i = i->next)
      if ((char *)i == small)
        return bad("a block that is in use was given again");
  }
  if (strstr(notes, "freed") && freed && !again)
    return bad("a block whose freeing was promised is still taken");
  /* The first run of pages that is long enough is taken. */
  bool pagesAgain = false;
  for (int i = 0; root->freedLarge && !pagesAgain && i < 20; ++i) {
    char *pages = perdure_alloc(root, PagesBytes);
    if (!pages)
      return bad(perdure_errormsg());
    long at = pages - (char *)root;
    pagesAgain = at <= root->freedLarge && root->freedLarge < at + PagesBytes;
  }
  if (strstr(notes, "freed pages") && root->freedLarge && !pagesAgain)
    return bad("pages whose freeing was promised are still taken");
  for (struct item *i = root->first, *next; i; i = next) {
    next = i->next;
    perdure_free(i);
  }
  perdure_free(root->large);
  perdure_free(root->pages);
  char *large = perdure_alloc(root, 200000);
  return large ? 0 : bad(perdure_errormsg());
}

static int files(const char *path) {
  DIR *folder = opendir(path);
  int count = 0;
  for (struct dirent *entry; folder && (entry = readdir(folder));)
    count += *entry->d_name != '.';
  if (folder)
    closedir(folder);
  return count;
}

static int check(void) {
  char notes[1024];
  notes[fread(notes, 1, sizeof notes - 1, stdin)] = 0;
  perdure_store *store = perdure_store_open("store", 0);
  if (!store)
    return *notes ? bad(perdure_errormsg()) : 0;
  long count = 0, foreign = 0, bound = 0;
  for (const char *name = "abcd"; *name; ++name) {
    char text[2] = {*name, 0}, made[] = "made ?", gone[] = "removing ?";
    made[5] = gone[9] = *name;
    struct root *root = perdure_open(store, text, 0);
    if (!root && strstr(notes, made) && !strstr(notes, gone))
      return bad(perdure_errormsg());
    if (root && strstr(notes, "removed d") && *name == 'd')
      return bad("an object is there whose removal was promised");
    if (!root)
      continue;
    for (struct item *i = root->first; *name == 'a' && i; i = i->next, ++count) {
      foreign += i->other && i->value == Items;
      bound += i->other && i->value == Items - 1;
    }
    if (*name == 'c')
      for (struct item *i = root->first; i; i = i->next)
        count += 100;
  }
  /* The close writes it where files are written; where stores go to the medium it is
     for perdure_persist to flush them. */
  struct root *b = perdure_open(store, "b", 0);
  if (b && !strcmp(getenv("PMEM2_FORCE_GRANULARITY"), "PAGE")) {
    if (strstr(notes, "closed") && b->closed != 7)
      return bad("what was stored before the close is missing");
    if (b->closed != b->closedToo)
      return bad("half of what was stored before the close");
  }
  if (strstr(notes, "removed d") && (!access("store/names/d", F_OK) || files("store/objects") != 3))
    return bad("a removal that was promised has left a file");
  if (strstr(notes, "items") && count % 100 != Items)
    return bad("a promised item is missing");
  if (strstr(notes, "made c") && count / 100 != Items)
    return bad("a promised copy is not whole");
  if (strstr(notes, "foreign") && !foreign)
    return bad("a promised pointer to the other object is missing");
  if (strstr(notes, "bound") && !bound)
    return bad("a promised pointer by name is missing");
  for (const char *name = "abcd"; *name; ++name) {
    char text[2] = {*name, 0};
    struct root *root = perdure_open(store, text, 0);
    if (root && use(root, notes))
      return 1;
  }
  return 0;
}

static struct root *make(perdure_store *store, const char *name) {
  struct root *root = store ? perdure_create(store, name, sizeof *root, 0) : NULL;
  char note[] = "made ?";
  if (!root)
    exit(bad(perdure_errormsg()));
  note[5] = *name;
  perdure_crash_note(note);
  return root;
}

/* A thread of its own allocates and frees: what the runtime has flushed there no
   fence of another thread takes with it. */
struct wanted { struct root *in; size_t bytes; void *block; };

static void *allocate(void *of) {
  struct wanted *w = of;
  w->block = perdure_alloc(w->in, w->bytes);
  return NULL;
}

static void *release(void *block) {
  perdure_free(block);
  return NULL;
}

static void inThread(void *(*what)(void *), void *with) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, what, with) || pthread_join(thread, NULL))
    exit(bad("no thread"));
}

static void *elsewhere(struct root *root, size_t bytes) {
  struct wanted w = {root, bytes, NULL};
  inThread(allocate, &w);
  return w.block;
}

/* A block that others have used before: only its first bytes are made persistent. */
static long *again(struct root *root, size_t bytes) {
  char *block = perdure_alloc(root, bytes);
  if (!block)
    exit(bad(perdure_errormsg()));
  memset(block, 'x', bytes);
  perdure_persist(block, bytes);
  perdure_free(block);
  long *value = perdure_alloc(root, bytes);
  *value = 1;
  perdure_persist(value, sizeof *value);
  return value;
}

static struct item *add(struct root *root, long value) {
  struct item *i = value % 2 ? elsewhere(root, sizeof *i)
                             : perdure_alloc(root, sizeof *i);
  if (!i)
    exit(bad(perdure_errormsg()));
  i->value = value;
  i->next = root->first;
  perdure_persist(i, sizeof *i);
  root->first = i;
  perdure_persist(root, sizeof *root);
  return i;
}

static void work(perdure_store *store) {
  struct root *a = make(store, "a");
  /* Taken, linked, and given back: in this order on the medium too. */
  struct item *i = add(a, 1);
  a->first = NULL;
  a->freed = (char *)i - (char *)a;
  perdure_persist(a, sizeof *a);
  inThread(release, i);
  perdure_persist(a, sizeof *a);
  perdure_crash_note("freed");
  a->freed = 0;
  perdure_persist(a, sizeof *a);
  for (int value = 1; value <= Items; ++value)
    add(a, value);
  perdure_crash_note("items");
  struct root *b = make(store, "b");
  struct item *far = perdure_alloc(b, sizeof *far);
  far->value = 77;
  perdure_persist(far, sizeof *far);
  a->first->other = far;
  perdure_persist(a->first, sizeof *a->first);
  perdure_crash_note("foreign");
  /* To an object that does not exist yet, by its name. */
  if (perdure_bind((void *)&a->first->next->other, "b"))
    exit(bad(perdure_errormsg()));
  perdure_persist(a->first->next, sizeof *a->first);
  perdure_crash_note("bound");
  /* Growth: more than the file has, freed and taken again. */
  char *large = perdure_alloc(a, 100000);
  if (!large)
    exit(bad(perdure_errormsg()));
  a->freedLarge = large - (char *)a;
  perdure_persist(a, sizeof *a);
  inThread(release, large);
  perdure_persist(a, sizeof *a);
  perdure_crash_note("freed pages");
  a->freedLarge = 0;
  perdure_persist(a, sizeof *a);
  a->wide = (struct wide *)again(a, sizeof *a->wide);
  a->pages = (char *)again(a, PagesBytes);
  perdure_persist(a, sizeof *a);
  large = elsewhere(a, 30000);
  memset(large, 1, 30000);
  perdure_persist(large, 30000);
  a->large = large;
  perdure_persist(a, sizeof *a);
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "check"))
    return perdure_crash_check(check);
  perdure_store *store = perdure_store_open(
      "store", argc > 1 ? PERDURE_DURABLE : PERDURE_CREATE | PERDURE_DURABLE);
  if (argc > 1) {
    for (const char *name = "abcd"; store && *name; ++name) {
      char text[2] = {*name, 0};
      struct root *root = perdure_open(store, text, 0);
      if (!root)
        continue;
      /* This may take the pages that were freed. */
      root->freedLarge = 0;
      perdure_persist(root, sizeof *root);
      /* The object's header is written twice, after it was repaired. */
      perdure_alloc(root, 300000);
    }
  } else {
    work(store);
    if (perdure_copy(store, "a", store, "c", 0) < 0)
      return bad(perdure_errormsg());
    perdure_crash_note("made c");
    add(make(store, "d"), 2);
    perdure_crash_note("removing d");
    if (perdure_remove(store, "d"))
      return bad(perdure_errormsg());
    perdure_crash_note("removed d");
    struct root *b = perdure_open(store, "b", 0);
    b->closed = b->closedToo = 7;
  }
  if (store)
    perdure_store_close(store);
  if (argc < 2)
    perdure_crash_note("closed");
  return 0;
}

/* kv_promise.c - Changes of a store of kv.h that are promised one by one.
 *
 * kv_promise STORE make | change [COUNT] | check
 *
 * `make` fills the store, `change` makes the changes, or the first of them, and
 * notes each after it was made. `check` reads the notes from its input: those
 * changes are there, perhaps one more, and nothing else.
 */
#include "kv.h"

#include <perdure/crash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct change {
  const char *key, *value; /* no value: it is deleted */
} changes[] = {
    {"12a", "splits a node, and becomes part of three objects"},
    {"30", "in place of what is there, and longer than that by some bytes"},
    {".17", "private"},
    {"10", NULL}, /* the first, to which inner nodes refer */
    {"09", "again the first"},
};
enum { CHANGES = sizeof changes / sizeof *changes, FIRST = 10, LAST = 41 };

static int bad(const char *what) { return fprintf(stderr, "%s\n", what), 1; }

static struct kv_text text(const char *string) {
  return (struct kv_text){string, strlen(string)};
}

static int make(struct kv *kv) {
  char key[8];
  if (kv_begin(kv, KV_WRITE))
    return bad(kv_error());
  for (int i = FIRST; i <= LAST; i++)
    if (snprintf(key, sizeof key, "%d", i),
        kv_put(kv, text(key), text("old")) != 1)
      return bad(kv_error());
  kv_end(kv);
  return 0;
}

static int change(struct kv *kv, int count) {
  char note[8];
  for (int i = 0; i < count; i++) {
    struct kv_text key = text(changes[i].key);
    if (kv_begin(kv, KV_WRITE))
      return bad(kv_error());
    if ((changes[i].value ? kv_put(kv, key, text(changes[i].value))
                          : kv_del(kv, key)) < 0)
      return bad(kv_error());
    snprintf(note, sizeof note, "%d", i + 1);
    perdure_crash_note(note);
    kv_end(kv);
  }
  return 0;
}

/* What the key has after the first `count` changes. */
static const char *expected(const char *key, int count) {
  for (int i = count; i--;)
    if (!strcmp(changes[i].key, key))
      return changes[i].value;
  int number = atoi(key);
  return number >= FIRST && number <= LAST && strlen(key) == 2 ? "old" : NULL;
}

static bool holds(struct kv *kv, const char *key, int count) {
  const char *right = expected(key, count);
  struct kv_text value;
  if (!kv_get(kv, text(key), &value))
    return !right;
  return right && value.length == strlen(right) &&
         !memcmp(value.bytes, right, value.length);
}

/* Is the store what it is after the first `count` changes? */
static bool is_after(struct kv *kv, int count) {
  size_t pairs = 0;
  char key[8];
  struct kv_stats stats;
  for (int i = FIRST; i <= LAST; i++) {
    snprintf(key, sizeof key, "%d", i);
    if (!holds(kv, key, count))
      return false;
    pairs += expected(key, count) != NULL;
  }
  for (int i = 0; i < CHANGES; i++) {
    if (!holds(kv, changes[i].key, count))
      return false;
    int number = atoi(changes[i].key); /* not counted above? */
    if (strlen(changes[i].key) != 2 || number < FIRST || number > LAST)
      pairs += expected(changes[i].key, count) != NULL;
  }
  kv_measure(kv, &stats);
  return stats.pairs == pairs;
}

static int check(struct kv *kv) {
  char line[64];
  int promised = 0;
  while (fgets(line, sizeof line, stdin))
    promised = atoi(line);
  if (kv_begin(kv, KV_READ))
    return bad(kv_error());
  const char *what = kv_check(kv);
  if (what)
    return bad(what);
  if (!is_after(kv, promised) &&
      (promised == CHANGES || !is_after(kv, promised + 1)))
    return bad("not what was promised");
  kv_end(kv);
  return 0;
}

static char **arguments;

static int run(void) {
  struct kv *kv = kv_open(arguments[1], KV_WRITE);
  if (!kv)
    return bad(kv_error());
  int count = arguments[3] ? atoi(arguments[3]) : CHANGES;
  int status = !strcmp(arguments[2], "make")     ? make(kv)
               : !strcmp(arguments[2], "change") ? change(kv, count)
                                                 : check(kv);
  kv_close(kv);
  return status;
}

int main(int argc, char **argv) {
  if (argc < 3)
    return bad("kv_promise STORE make|change|check");
  arguments = argv;
  return strcmp(argv[2], "check") ? run() : perdure_crash_check(run);
}

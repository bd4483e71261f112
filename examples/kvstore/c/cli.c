/* cli.c - The command line over kv.h: commands as arguments or from a file. */
#include "kv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "Usage: kvstore [--read] STORE COMMAND      runs one command\n"
    "       kvstore [--read] STORE < COMMANDS   runs one command a line\n"
    "\n"
    "  put KEY VALUE          gives the key this value\n"
    "  get KEY                prints its value\n"
    "  del KEY                removes it\n"
    "  scan FROM TO [LIMIT]   prints the pairs with FROM <= key < TO, sorted;\n"
    "                         '' as FROM or TO leaves that end open\n"
    "  find VALUE             prints the keys that have this value, in order\n"
    "  load FILE              puts every line KEY<TAB>VALUE of a file,\n"
    "    or FILE --dpkg       every record of a dpkg status file by its "
    "package,\n"
    "    or FILE --words      every word of a list with its line number\n"
    "  same OTHER             opens another store too and compares the two\n"
    "  check [TIMES]          looks at everything: is the structure sound, "
    "are\n"
    "                         the pairs in order, and as many as are counted?\n"
    "  stats                  counts pairs, bytes and changes\n"
    "\n"
    "--read opens the store for reading, whatever the commands. In a file of\n"
    "commands, blanks separate words, \"...\" keeps them, and \\ quotes a\n"
    "character. Exit status: 0, 1 when a key is not there or stores differ,\n"
    "2 on errors.\n";

enum { OK = 0, NO = 1, FAILED = 2 };

static struct kv *store;
static const char *store_path;
static enum kv_access store_access;

static int complain(const char *format, ...) {
  va_list arguments;
  fflush(stdout);
  fputs("kvstore: ", stderr);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return FAILED;
}

static struct kv_text text(const char *string) {
  return (struct kv_text){string, strlen(string)};
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*===- Commands -----------------------------------------------------------===*/

/* Around what reads or changes pairs. */
static int begin(struct kv *kv, enum kv_access access) {
  int got = kv_begin(kv, access);
  if (got < 0)
    return complain("%s", kv_error());
  if (got > 0)
    complain("warning: a process died in the middle of a change; see check");
  return OK;
}

static int put(char **argument) {
  if (kv_put(store, text(argument[0]), text(argument[1])) < 0)
    return complain("put: %s", kv_error());
  return OK;
}

static int get(char **argument) {
  struct kv_text value;
  if (!kv_get(store, text(argument[0]), &value)) {
    complain("no key '%s'", argument[0]);
    return NO;
  }
  if (!value.bytes)
    return complain("no right to read the value of '%s'", argument[0]);
  fwrite(value.bytes, 1, value.length, stdout);
  putchar('\n');
  return OK;
}

static int del(char **argument) {
  int found = kv_del(store, text(argument[0]));
  if (found < 0)
    return complain("del: %s", kv_error());
  if (found)
    return OK;
  complain("no key '%s'", argument[0]);
  return NO;
}

/* One line whatever the bytes. */
static void print_escaped(struct kv_text text) {
  for (size_t i = 0; i < text.length; i++)
    switch (text.bytes[i]) {
    case '\n':
      fputs("\\n", stdout);
      break;
    case '\t':
      fputs("\\t", stdout);
      break;
    case '\\':
      fputs("\\\\", stdout);
      break;
    default:
      putchar(text.bytes[i]);
    }
}

static int order_of(struct kv_text a, struct kv_text b) {
  int order =
      memcmp(a.bytes, b.bytes, a.length < b.length ? a.length : b.length);
  return order ? order : (a.length > b.length) - (a.length < b.length);
}

static bool number(const char *string, unsigned long *value) {
  char *end;
  errno = 0;
  *value = strtoul(string, &end, 10);
  return !errno && end != string && !*end && !strchr(string, '-');
}

static int scan(char **argument) {
  struct kv_text to = text(argument[1]), key, value;
  unsigned long limit = -1ul;
  if (argument[2] && !number(argument[2], &limit))
    return complain("scan: '%s' is not a number", argument[2]);
  struct kv_cursor cursor;
  kv_seek(store, text(argument[0]), &cursor);
  while (limit-- && kv_next(&cursor, &key, &value)) {
    if (to.length && order_of(key, to) >= 0)
      break;
    print_escaped(key);
    putchar('\t');
    if (value.bytes)
      print_escaped(value);
    else
      fputs("(no right to read it)", stdout);
    putchar('\n');
  }
  return OK;
}

static void print_key(struct kv_text key) {
  print_escaped(key);
  putchar('\n');
}

static int find(char **argument) {
  kv_find(store, text(argument[0]), print_key);
  return OK;
}

static int stats(char **argument) {
  (void)argument;
  struct kv_stats s;
  kv_measure(store, &s);
  printf("pairs        %zu\n", s.pairs);
  printf("key bytes    %zu\n", s.key_bytes);
  printf("value bytes  %zu\n", s.value_bytes);
  printf("nodes        %zu\n", s.nodes);
  printf("height       %d\n", s.height);
  printf("changes      %zu\n", s.changes);
  printf("this time at %p\n", s.at);
  return OK;
}

static int compare(struct kv *other, const char *other_path) {
  struct kv_cursor here, there;
  kv_seek(store, text(""), &here);
  kv_seek(other, text(""), &there);
  for (size_t pairs = 0;; pairs++) {
    struct kv_text key[2], value[2];
    bool more = kv_next(&here, &key[0], &value[0]);
    bool more_there = kv_next(&there, &key[1], &value[1]);
    if (!more && !more_there) {
      struct kv_stats s[2];
      kv_measure(store, &s[0]);
      kv_measure(other, &s[1]);
      printf("same: %zu pairs, %s at %p, %s at %p\n", pairs, store_path,
             s[0].at, other_path, s[1].at);
      return OK;
    }
    if (more && more_there && order_of(key[0], key[1]) == 0) {
      if (!value[0].bytes || !value[1].bytes) {
        fputs("no right to read the value of ", stdout);
        print_key(key[0]);
        return FAILED;
      }
      if (order_of(value[0], value[1]) == 0)
        continue;
    }
    bool first = !more_there || (more && order_of(key[0], key[1]) <= 0);
    printf("differ, first at key ");
    print_key(key[first ? 0 : 1]);
    return NO;
  }
}

static int same(char **argument) {
  struct kv *other = kv_open(argument[0], KV_READ);
  if (!other)
    return complain("%s: %s", argument[0], kv_error());
  int result = begin(other, KV_READ);
  if (result == OK) {
    result = compare(other, argument[0]);
    kv_end(other);
  }
  kv_close(other);
  return result;
}

/* What is wrong with the pairs: NULL when nothing is. */
static const char *wrong(size_t *changes) {
  struct kv_stats s;
  struct kv_cursor cursor;
  struct kv_text before = {0}, key, value;
  size_t pairs = 0, key_bytes = 0, value_bytes = 0;
  kv_measure(store, &s);
  *changes = s.changes;
  const char *what = kv_check(store);
  if (what)
    return what;
  kv_seek(store, text(""), &cursor);
  for (; kv_next(&cursor, &key, &value); before = key) {
    if (pairs++ && order_of(before, key) >= 0)
      return "keys are out of order";
    key_bytes += key.length;
    value_bytes += value.length;
  }
  if (pairs != s.pairs || key_bytes != s.key_bytes ||
      value_bytes != s.value_bytes)
    return "the counts are not those of the pairs";
  return NULL;
}

static int check(char **argument) {
  unsigned long times = 1;
  if (argument[0] && !number(argument[0], &times))
    return complain("check: '%s' is not a number", argument[0]);
  size_t states = 0, changes, changes_before = 0;
  for (unsigned long i = 0; i < times; i++, changes_before = changes) {
    if (begin(store, KV_READ) != OK)
      return FAILED;
    const char *what = wrong(&changes);
    kv_end(store);
    if (what)
      return complain("check %lu: %s", i + 1, what);
    states += i == 0 || changes != changes_before;
  }
  printf("whole: looked %lu times, saw %zu different states\n", times, states);
  return OK;
}

/*===- load ---------------------------------------------------------------===*/

struct load {
  const char *path;
  FILE *file;
  off_t bytes;
  size_t line, pairs, replaced;
  double start, shown;
};

static void show_progress(struct load *load) {
  double now = seconds();
  if (!isatty(STDERR_FILENO) || now - load->shown < 0.1)
    return;
  load->shown = now;
  double done = load->bytes
                    ? 100.0 * (double)ftello(load->file) / (double)load->bytes
                    : 0;
  fprintf(stderr, "\r%s: %zu pairs, %.0f%%", load->path, load->pairs, done);
}

static int load_pair(struct load *load, struct kv_text key,
                     struct kv_text value) {
  if (begin(store, KV_WRITE) != OK)
    return FAILED;
  int put = kv_put(store, key, value);
  kv_end(store);
  if (put < 0)
    return complain("%s, line %zu: %s", load->path, load->line, kv_error());
  load->pairs++;
  load->replaced += put == 0;
  if (load->pairs % 256 == 0)
    show_progress(load);
  return OK;
}

/* A line without its end; false at the end of the file. */
static bool read_line(struct load *load, char **line, size_t *capacity,
                      size_t *length) {
  ssize_t got = getline(line, capacity, load->file);
  if (got < 0)
    return false;
  load->line++;
  *length = (size_t)got;
  if (*length && (*line)[*length - 1] == '\n')
    (*line)[--*length] = 0;
  return true;
}

static int load_lines(struct load *load, bool words) {
  char *line = NULL;
  size_t capacity = 0, length;
  int result = OK;
  while (result == OK && read_line(load, &line, &capacity, &length)) {
    if (!length)
      continue;
    if (words) {
      char number[24];
      snprintf(number, sizeof number, "%zu", load->line);
      result = load_pair(load, (struct kv_text){line, length}, text(number));
      continue;
    }
    char *tab = memchr(line, '\t', length);
    if (!tab) {
      result = complain("%s, line %zu: no tab between key and value",
                        load->path, load->line);
      break;
    }
    size_t key = (size_t)(tab - line);
    result = load_pair(load, (struct kv_text){line, key},
                       (struct kv_text){tab + 1, length - key - 1});
  }
  free(line);
  return result;
}

/* Records are separated by empty lines; one line of each names its package. */
static int load_dpkg(struct load *load) {
  char *line = NULL, *record = NULL;
  size_t capacity = 0, length, room = 0, used = 0;
  struct kv_text name = {0};
  int result = OK;
  for (bool more = true; more && result == OK;) {
    more = read_line(load, &line, &capacity, &length);
    if (more && length) {
      if (used + length + 1 > room) {
        room = 2 * (used + length + 1);
        char *larger = realloc(record, room);
        if (!larger) {
          result =
              complain("%s, line %zu: out of memory", load->path, load->line);
          break;
        }
        record = larger;
      }
      memcpy(record + used, line, length);
      if (length > 9 && !strncasecmp(line, "Package: ", 9))
        name = (struct kv_text){NULL, used + 9}; /* its place, until record
                                                    no longer moves */
      used += length;
      record[used++] = '\n';
      continue;
    }
    if (!used)
      continue;
    if (!name.length) {
      result = complain("%s, line %zu: a record without 'Package:'", load->path,
                        load->line);
      break;
    }
    name.bytes = record + name.length;
    name.length = strcspn(name.bytes, "\n");
    result = load_pair(load, name, (struct kv_text){record, used - 1});
    used = 0;
    name = (struct kv_text){0};
  }
  free(line);
  free(record);
  return result;
}

static int load(char **argument) {
  bool dpkg = argument[1] && !strcmp(argument[1], "--dpkg");
  bool words = argument[1] && !strcmp(argument[1], "--words");
  if (argument[1] && !dpkg && !words)
    return complain("load: no format '%s'; there are --dpkg and --words",
                    argument[1]);
  struct load load = {.path = argument[0], .file = fopen(argument[0], "r")};
  if (!load.file)
    return complain("%s: %s", load.path, strerror(errno));
  if (fseeko(load.file, 0, SEEK_END) == 0) {
    load.bytes = ftello(load.file);
    rewind(load.file);
  }
  load.start = load.shown = seconds();
  int result = dpkg ? load_dpkg(&load) : load_lines(&load, words);
  if (result == OK && ferror(load.file))
    result = complain("%s: %s", load.path, strerror(errno));
  fclose(load.file);
  double took = seconds() - load.start;
  if (isatty(STDERR_FILENO))
    fputs("\r\033[K", stderr);
  if (result == OK)
    printf("%s: %zu pairs, %zu of them new, in %.3f s (%.0f a second)\n",
           load.path, load.pairs, load.pairs - load.replaced, took,
           took > 0 ? (double)load.pairs / took : 0);
  return result;
}

/*===- Which command ------------------------------------------------------===*/

enum { MAX_WORDS = 4 };

static const struct command {
  const char *name;
  int least, most;
  enum kv_access access;
  bool long_run; /* begins and ends by itself, again and again */
  int (*run)(char **argument);
} commands[] = {
    {"put", 2, 2, KV_WRITE, false, put},
    {"get", 1, 1, KV_READ, false, get},
    {"del", 1, 1, KV_WRITE, false, del},
    {"scan", 2, 3, KV_READ, false, scan},
    {"find", 1, 1, KV_READ, false, find},
    {"load", 1, 2, KV_WRITE, true, load},
    {"same", 1, 1, KV_READ, false, same},
    {"check", 0, 1, KV_READ, true, check},
    {"stats", 0, 0, KV_READ, false, stats},
};

static const struct command *find_command(const char *name, int words) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    const struct command *c = &commands[i];
    if (strcmp(c->name, name))
      continue;
    if (words >= c->least && words <= c->most)
      return c;
    complain("%s: %s; see kvstore --help", name,
             words < c->least ? "something is missing" : "too many words");
    return NULL;
  }
  complain("no command '%s'; see kvstore --help", name);
  return NULL;
}

/* Cuts the line into words, in place. -1: too many, or no closing quote. */
static int split_words(char *line, char **word) {
  int count = 0;
  for (char *in = line;;) {
    in += strspn(in, " \t\n");
    if (!*in || *in == '#')
      return count;
    if (count == MAX_WORDS)
      return -1;
    bool quoted = false;
    char *out = word[count++] = in;
    for (; *in && (quoted || !strchr(" \t\n", *in)); in++) {
      if (*in == '"')
        quoted = !quoted;
      else if (*in == '\\' && in[1])
        *out++ = *++in;
      else
        *out++ = *in;
    }
    if (quoted)
      return -1;
    if (*in)
      in++;
    *out = 0;
  }
}

static int run(const struct command *c, char **argument) {
  if (c->access == KV_WRITE && store_access == KV_READ)
    return complain("%s: the store is open for reading", c->name);
  if (c->long_run)
    return c->run(argument);
  int result = begin(store, c->access);
  if (result == OK) {
    result = c->run(argument);
    kv_end(store);
  }
  return result;
}

static int run_lines(FILE *file) {
  char *line = NULL;
  size_t capacity = 0, number = 0;
  int result = OK;
  bool asks = isatty(fileno(file));
  while ((!asks || printf("> ")) && getline(&line, &capacity, file) >= 0) {
    char *word[MAX_WORDS + 1] = {0};
    number++;
    int words = split_words(line, word);
    if (words == 0)
      continue;
    const struct command *c = NULL;
    if (words < 0)
      complain("line %zu: too many words, or no closing quote", number);
    else
      c = find_command(word[0], words - 1);
    int got = c ? run(c, word + 1) : FAILED;
    if (got > result)
      result = got;
  }
  free(line);
  return result;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "--help")) {
    fputs(usage, stdout);
    return OK;
  }
  bool reads = argc > 1 && !strcmp(argv[1], "--read");
  argc -= reads;
  argv += reads;
  if (argc < 2 || argc > 2 + MAX_WORDS) {
    fputs(usage, stderr);
    return FAILED;
  }
  const struct command *c = NULL;
  if (argc > 2 && !(c = find_command(argv[2], argc - 3)))
    return FAILED;
  store_path = argv[1];
  store_access = reads ? KV_READ : c ? c->access : KV_WRITE;
  if (!(store = kv_open(store_path, store_access)))
    return complain("%s: %s", store_path, kv_error());
  int result = c ? run(c, argv + 3) : run_lines(stdin);
  kv_close(store);
  if (fflush(stdout) || ferror(stdout))
    return complain("standard output: %s", strerror(errno));
  return result;
}

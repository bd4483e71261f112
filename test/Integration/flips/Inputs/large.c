/* Writes of more than the caches hold, each over what has the other bits. Argument: a
   file of as many zero bytes. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { Bytes = 300000 };

/* Nobody knows what they do. */
__attribute__((noinline)) static void fill(char *p) { memset(p, -1, Bytes); }
__attribute__((noinline)) static void copy(char *p, const char *q) { memcpy(p, q, Bytes); }
__attribute__((noinline)) static long fetch(char *p, int f) { return read(f, p, Bytes); }

int main(int count, char **words) {
  (void)count;
  char *p = calloc(1, Bytes), *q = calloc(1, Bytes);
  int f = open(words[1], O_RDONLY);
  fill(p);
  copy(q, p);
  return fetch(p, f) != Bytes || q[Bytes - 1] != -1;
}

/* Code that runs before the profiler does: the program's own malloc, which the loader
   calls, .preinit_array, and an ifunc's resolver with what it calls, which has no
   thread-locals yet. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static char Pool[1 << 20];
static size_t Used;

void *malloc(size_t Bytes) {
  size_t *Block = (size_t *)(Pool + Used);
  *Block = Bytes;
  Used += (Bytes + 31) & ~(size_t)15;
  return Block + 1;
}
void free(void *P) { (void)P; }
void *calloc(size_t Count, size_t Bytes) {
  return memset(malloc(Count * Bytes), 0, Count * Bytes);
}
void *realloc(void *P, size_t Bytes) {
  void *New = malloc(Bytes);
  if (P)
    memcpy(New, P, Bytes < ((size_t *)P)[-1] ? Bytes : ((size_t *)P)[-1]);
  return New;
}

static volatile long Begun;
static void begin(void) { Begun = 0xFF; }
__attribute__((section(".preinit_array"), used)) static void (*First)(void) = begin;

static int one(void) { return 1; }
static int two(void) { return 2; }
static int Level;
__attribute__((noinline)) static void find(volatile int *To) {
  *To = 3;
  Level = *To;
}
static int (*resolve(void))(void) {
  volatile int Found;
  find(&Found);
  return Found == 3 ? two : one;
}
int pick(void) __attribute__((ifunc("resolve")));

int main(void) {
  printf("%ld %d %d\n", Begun, pick(), Level);
  return 0;
}

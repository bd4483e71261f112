/* Stores of what no register of eight bytes holds, ten times each: the first changes
   a bit, the others none. */
#include <stdio.h>
#include <stdlib.h>

typedef long four __attribute__((vector_size(32)));
struct both {
  _Alignas(32) four vector;
  __int128 wide;
  long double extended;
  unsigned char byte;
};

#define APART __attribute__((noinline))
APART static void vector(struct both *p, four v) { p->vector = v; }
APART static void wide(struct both *p, __int128 v) { p->wide = v; }
APART static void extended(struct both *p, long double v) { p->extended = v; }
APART static void assembly(struct both *p) {
  __asm__ volatile("orb $1, %0" : "=m"(p->byte) : "m"(p->byte));
}

int main(void) {
  struct both *p = calloc(1, sizeof *p + 32);
  p = (struct both *)(((unsigned long)p + 31) & ~31ul);
  for (int i = 0; i != 10; ++i) {
    vector(p, (four){0, 0, 4, 0});
    wide(p, (__int128)1 << 100);
    extended(p, 0x1p-16445L); /* its last bit */
    assembly(p);
  }
  printf("%ld %d %d\n", p->vector[2], p->extended > 0, p->byte);
  return 0;
}

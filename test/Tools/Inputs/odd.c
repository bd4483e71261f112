// odd STORE NAME: makes an object of all that a field can be, or looks whether it is one.
#include <errno.h>
#include <math.h>
#include <perdure/perdure.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct PERDURE tail {
  struct tail *next;
  unsigned short used;
  char text[];
};
struct PERDURE odd {
  PERDURE_GRAY unsigned short hits[5];
  union {
    int64_t i;
    double d;
  } bits;
  union {
    float f;
    unsigned char raw[6];
  } more;
  double zero, many, none;
  float third;
  __int128 wide;
  unsigned __int128 wider;
  char high, text[6];
  unsigned char bytes[4];
  _Bool yes;
  signed a : 3;
  unsigned long long b : 61;
  struct tail *tail;
  struct odd *small;
  void *nothing;
  double nan8; /* NaNs that no operation gives */
  float nan4;
  _Float16 nan2;
};
static const uint64_t nan8 = 0x7ff0000000000123;
static const uint32_t nan4 = 0xffc00001;
static const uint16_t nan2 = 0xfc03;

static int check(struct odd *o) {
  unsigned short hits[5] = {1, 2, 3, 40000, 65535};
  return o->hits[0] != hits[0] || o->hits[3] != hits[3] ||
                 o->hits[4] != hits[4]                                  ? 1
         : o->bits.i != -1 || o->more.raw[5] != 0xfe                    ? 2
         : !signbit(o->zero) || o->many != 1e300 || !isnan(o->none)     ? 3
         : o->third != 1.0f / 3 || o->wide != -((__int128)1 << 100)     ? 4
         : o->wider != ~(unsigned __int128)0 || o->high != (char)0xe9   ? 5
         : memcmp(o->text, "a\xff\0b\n\"", 6) || o->bytes[3] != 255     ? 6
         : !o->yes || o->a != -3 || o->b != (1ull << 61) - 2            ? 7
         : !o->tail || strcmp(o->tail->text, "tail") || o->tail->next != o->tail ? 8
         : o->small != (struct odd *)-5 || o->nothing                   ? 9
         : memcmp(&o->nan8, &nan8, 8) || memcmp(&o->nan4, &nan4, 4) ||
                   memcmp(&o->nan2, &nan2, 2)                           ? 10
         : memset(o->tail->text + 40, 'x', 24) == NULL                  ? 11
                                                                        : 0;
}

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  struct odd *o = argc > 2 ? perdure_open(store, argv[2], 0) : NULL;
  if (!o && errno == ENOENT) {
    o = perdure_create(store, argv[2], sizeof *o, 0);
    o->hits[0] = 1, o->hits[1] = 2, o->hits[2] = 3, o->hits[3] = 40000, o->hits[4] = 65535;
    o->bits.i = -1;
    o->more.raw[5] = 0xfe;
    o->zero = -0.0, o->many = 1e300, o->none = NAN, o->third = 1.0f / 3;
    o->wide = -((__int128)1 << 100), o->wider = ~(unsigned __int128)0;
    o->high = (char)0xe9;
    memcpy(o->text, "a\xff\0b\n\"", 6);
    o->bytes[3] = 255, o->yes = 1, o->a = -3, o->b = (1ull << 61) - 2;
    o->tail = perdure_alloc(o, sizeof *o->tail + 64);
    strcpy(o->tail->text, "tail");
    o->tail->next = o->tail;
    o->small = (struct odd *)-5;
    memcpy(&o->nan8, &nan8, 8), memcpy(&o->nan4, &nan4, 4), memcpy(&o->nan2, &nan2, 2);
  }
  if (!o)
    return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  int wrong = check(o);
  printf("%s %d\n", wrong ? "wrong" : "right", wrong);
  perdure_store_close(store);
  return wrong;
}

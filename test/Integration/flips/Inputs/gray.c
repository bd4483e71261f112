/* Counters of several kinds, each pair the same but for how it is stored. */
#include <perdure/perdure.h>

#include <stdint.h>
#include <stdio.h>

enum { Steps = 100000, Pages = 4096 };

struct PERDURE root {
  uint64_t plain;
  char apart1[120];
  uint64_t gray PERDURE_GRAY;
  char apart2[120];
  uint32_t plain_down;
  char apart3[124];
  uint32_t gray_down PERDURE_GRAY;
  char apart4[124];
  uint64_t plain_hits[Pages];
  uint64_t gray_hits[Pages] PERDURE_GRAY;
};

__attribute__((noinline)) static void step(struct root *R, unsigned Page) {
  R->plain++;
  R->gray++;
  perdure_persist(&R->plain, 8);
  perdure_persist(&R->gray, 8);
  R->plain_down--;
  R->gray_down--;
  R->plain_hits[Page]++;
  R->gray_hits[Page]++;
}

int main(int Count, char **Words) {
  (void)Count;
  perdure_store *S = perdure_store_open(Words[1], PERDURE_CREATE);
  struct root *R = perdure_create(S, "root", sizeof *R, 0);
  if (!R) {
    fprintf(stderr, "%s\n", perdure_errormsg());
    return 1;
  }
  R->plain_down = R->gray_down = Steps;
  uint64_t Random = 1;
  for (unsigned I = 0; I != Steps; ++I) {
    Random = Random * UINT64_C(6364136223846793005) + 1442695040888963407;
    step(R, (Random >> 33) % Pages);
  }
  int Same = R->plain == Steps && R->gray == Steps && !R->gray_down;
  for (unsigned I = 0; I != Pages; ++I)
    Same &= R->gray_hits[I] == R->plain_hits[I];
  perdure_close(R);
  perdure_store_close(S);
  return !Same;
}

/* Functions of libc that write what is there already: each call is a store, of just the
   bytes that it wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWN __attribute__((noinline)) static void
OWN copies(char *To, const char *From) { strcpy(To, From); }
OWN appends(char *To, const char *From) { strcat(To, From); }
OWN appendsSome(char *To, const char *From) { strncat(To, From, 3); }
OWN fetches(int File, char *To) {
  if (pread(File, To, 100, 0) < 0)
    abort();
}
OWN fails(char *To) {
  if (pread(-1, To, 100, 0) >= 0)
    abort();
}

int main(int Count, char **Words) {
  FILE *File = tmpfile();
  if (Count > 1 || !File || fputs("twelve bytes", File) < 0 || fflush(File))
    return 1;
  char *To = calloc(1, 256);
  for (int Round = 0; Round != 3; ++Round) {
    copies(To, "a string");        /* 9 bytes */
    To[5] = 0;                     /* as it is when the call has ended */
    appends(To, "ing");            /* 4 bytes */
    To[5] = 0;
    appendsSome(To, "ingredient"); /* 4 bytes */
    fetches(fileno(File), To + 64);
    fails(To + 64);
  }
  printf("%s%s\n", Words[0] ? "" : "none", To);
  return 0;
}

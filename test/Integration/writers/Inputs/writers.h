/* A row for each function of the C library that writes where it is told: its name, how
 * many bytes it writes, and the call. Rows of WHOLE write one range, by what registers
 * pass; PARTS need more, so that scope `all` of -fperdure-flips does not see all of it.
 * Of ANY the bytes are not told: they depend on addresses, or on what was there. */
#ifndef WRITERS_H
#define WRITERS_H
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

struct area {
  char text[256];
  wchar_t wide[64];
  long number;
  struct timespec when;
  char *end;
  char *line;
  size_t room;
  struct sockaddr_storage from;
  socklen_t from_bytes;
  char sorted[8];
};

static int File, Socket, Other;
static FILE *Stream;

static int by_character(const void *a, const void *b) {
  return *(const char *)a - *(const char *)b;
}

#define WHOLE(ROW)                                                                       \
  ROW(memccpy, 3, memccpy(a->text, "ab:cd", ':', 5))                                     \
  ROW(explicit_bzero, 9, explicit_bzero(a->text, 9))                                     \
  ROW(bcopy, 5, bcopy("other", a->text, 5))                                              \
  ROW(strcpy, 4, strcpy(a->text, "abc"))                                                 \
  ROW(stpcpy, 4, stpcpy(a->text, "abc"))                                                 \
  ROW(strcat, 4, strcat(a->text, "abc"))                                                 \
  ROW(strncat, 3, strncat(a->text, "abcdef", 2))                                         \
  ROW(strncpy, 6, strncpy(a->text, "ab", 6))                                             \
  ROW(stpncpy, 6, stpncpy(a->text, "ab", 6))                                             \
  ROW(strxfrm, 4, strxfrm(a->text, "abc", 200))                                          \
  ROW(snprintf, 4, snprintf(a->text, 200, "%d", 123))                                    \
  ROW(snprintf_empty, 1, snprintf(a->text, 200, "%s", ""))                               \
  ROW(snprintf_cut, 3, snprintf(a->text, 3, "%d", 12345))                                \
  ROW(wmemcpy, 12, wmemcpy(a->wide, L"abcd", 3))                                         \
  ROW(wmemmove, 12, wmemmove(a->wide, L"abcd", 3))                                       \
  ROW(wmemset, 20, wmemset(a->wide, L'x', 5))                                            \
  ROW(wmempcpy, 12, wmempcpy(a->wide, L"abcd", 3))                                       \
  ROW(wcscpy, 16, wcscpy(a->wide, L"abc"))                                               \
  ROW(wcpcpy, 16, wcpcpy(a->wide, L"abc"))                                               \
  ROW(wcscat, 16, wcscat(a->wide, L"abc"))                                               \
  ROW(wcsncat, 12, wcsncat(a->wide, L"abcdef", 2))                                       \
  ROW(wcsncpy, 16, wcsncpy(a->wide, L"ab", 4))                                           \
  ROW(wcpncpy, 16, wcpncpy(a->wide, L"ab", 4))                                           \
  ROW(swprintf, 16, swprintf(a->wide, 64, L"%d", 123))                                   \
  ROW(mbstowcs, 16, mbstowcs(a->wide, "abc", 64))                                        \
  ROW(wcstombs, 4, wcstombs(a->text, L"abc", 200))                                       \
  ROW(read, 12, read(File, a->text, 100))                                                \
  ROW(pread, 7, pread(File, a->text, 100, 5))                                            \
  ROW(recv, 5, recv(Socket, a->text, 100, 0))                                            \
  ROW(getrandom, 20, getrandom(a->text, 20, 0))                                          \
  ROW(getentropy, 20, getentropy(a->text, 20))                                           \
  ROW(fread, 12, fread(a->text, 2, 50, Stream))                                          \
  ROW(fgets, 13, fgets(a->text, 100, Stream))                                            \
  ROW(strtol, 8, strtol("12", &a->end, 10))                                              \
  ROW(time, 8, time(&a->number))                                                         \
  ROW(clock_gettime, 16, clock_gettime(CLOCK_REALTIME, &a->when))

#define PARTS(ROW)                                                                       \
  ROW(readv, 12, readv(File, (struct iovec[]){{a->text, 4}, {a->text + 16, 100}}, 2))    \
  ROW(preadv, 7, preadv(File, (struct iovec[]){{a->text, 4}, {a->text + 16, 100}}, 2, 5))\
  ROW(sscanf, 11, sscanf("12 ab none", "%ld %7s %d", &a->number, a->text, a->text + 99)) \
  ROW(fscanf, 10, fscanf(Stream, "%6c%n", a->text, (int *)a->text + 9))

#define ANY(ROW)                                                                         \
  ROW(recvfrom, 0,                                                                       \
      recvfrom(Socket, a->text, 100, 0, (struct sockaddr *)&a->from, &a->from_bytes))    \
  ROW(getline, 0, getline(&a->line, &a->room, Stream))                                   \
  ROW(getdelim, 0, getdelim(&a->line, &a->room, ' ', Stream))                            \
  ROW(qsort, 0, qsort(a->sorted, 8, 1, by_character))

struct row {
  const char *name;
  long bytes;
  void (*call)(struct area *a);
};

#define DEFINE(Name, Bytes, Call)                                                        \
  __attribute__((noinline)) static void do_##Name(struct area *a) { (void)(Call); }
#define TABLE(Name, Bytes, Call) {"do_" #Name, Bytes, do_##Name},

WHOLE(DEFINE)
PARTS(DEFINE)
ANY(DEFINE)
static const struct row whole[] = {WHOLE(TABLE)};
static const struct row parts[] = {PARTS(TABLE)};
static const struct row any[] = {ANY(TABLE)};
#define COUNT(Rows) (sizeof(Rows) / sizeof *(Rows))

/* False where the system does not give what the rows need. */
static int open_all(void) {
  int both[2];
  Stream = tmpfile();
  if (!Stream || fputs("twelve bytes", Stream) < 0 || fflush(Stream) ||
      socketpair(AF_UNIX, SOCK_DGRAM, 0, both))
    return 0;
  File = fileno(Stream);
  Socket = both[0];
  Other = both[1];
  return 1;
}

/* Before each call: all that it reads is there. */
static void reset(struct area *a) {
  char rest[100];
  memset(a->text, '.', sizeof a->text);
  strcpy(a->text, "start");
  wmemset(a->wide, L'.', 64);
  wcscpy(a->wide, L"start");
  memcpy(a->sorted, "wriTERS", 8);
  a->from_bytes = sizeof a->from;
  free(a->line);
  a->line = NULL;
  a->room = 0;
  rewind(Stream);
  lseek(File, 0, SEEK_SET);
  while (recv(Socket, rest, sizeof rest, MSG_DONTWAIT) > 0)
    ;
  if (send(Other, "hello", 5, 0) != 5)
    abort();
}

#endif

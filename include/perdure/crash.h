/*===- perdure/crash.h - What programs tell the crash explorer --*- C -*-===*\
|*
|* perdure_crash_note(TEXT): from here on the program promises what TEXT says,
|* as "committed 17". `perdure crash` gives a check all notes that came before
|* the power failed, a line each. In programs that are not traced it does
|* nothing.
|*
|* perdure_crash_check(CHECK): the main of a check. It runs CHECK once, and
|* returns what that does; under `perdure crash --serve` once for each image, in
|* a child of this process, which costs much less than starting the program
|* again. CHECK runs in the image, reads the notes from its standard input, and
|* returns 0 when the image is good. Call it before any other function of the
|* runtime. The child ends by quick_exit() when CHECK returns, after what
|* stdio holds was written: C++ streams that buffer for themselves have to be
|* flushed.
|*
\*===---------------------------------------------------------------------===*/
#ifndef PERDURE_CRASH_H
#define PERDURE_CRASH_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#else /* before C11 as well */
void quick_exit(int) __attribute__((noreturn));
#endif

void __perdure_trace_note(const char *text) __attribute__((weak));

static inline void perdure_crash_note(const char *text) {
  if (__perdure_trace_note)
    __perdure_trace_note(text);
}

/* Between perdure crash and a check that serves: it writes PERDURE_CRASH_HELLO
   once; then, for each image, it reads the length of its path and the path, and
   writes the status that waitpid gives for the child. The notes are in PATH.notes,
   what the child prints goes to PATH.output.                                */
#define PERDURE_CRASH_SOCKET 3 /* descriptor */
#define PERDURE_CRASH_HELLO 0x50647572
#define PERDURE_CRASH_LONGEST 3000 /* path */

static inline int perdure_crash_serve_one(const char *image, char *name,
                                          int (*check)(void)) {
  const char *ends[] = {".notes", ".output"};
  int file, i, k, length = 0;
  while (image[length]) {
    name[length] = image[length];
    ++length;
  }
  for (i = 0; i < 2; ++i) {
    for (k = 0; ends[i][k]; ++k)
      name[length + k] = ends[i][k];
    name[length + k] = 0;
    file = open(name, i ? O_WRONLY | O_CREAT | O_TRUNC | O_APPEND : O_RDONLY,
                0600);
    if (file < 0 || dup2(file, i) < 0)
      return 127;
    close(file);
  }
  if (dup2(1, 2) < 0 || chdir(image))
    return 127;
  unsetenv("PERDURE_CRASH_SERVE");
  close(PERDURE_CRASH_SOCKET);
  return check();
}

static inline int perdure_crash_check(int (*check)(void)) {
  char image[PERDURE_CRASH_LONGEST + 1], name[PERDURE_CRASH_LONGEST + 16];
  int32_t word = PERDURE_CRASH_HELLO;
  if (!getenv("PERDURE_CRASH_SERVE"))
    return check();
  while (write(PERDURE_CRASH_SOCKET, &word, sizeof(word)) == sizeof(word)) {
    pid_t child;
    int status;
    if (read(PERDURE_CRASH_SOCKET, &word, sizeof(word)) != sizeof(word) ||
        word < 0 || word > PERDURE_CRASH_LONGEST ||
        read(PERDURE_CRASH_SOCKET, image, (size_t)word) != word)
      break;
    image[word] = 0;
    child = fork();
    if (!child) {
      status = perdure_crash_serve_one(image, name, check);
      fflush(0);
      quick_exit(status);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
      return 127;
    word = status;
  }
  return 0;
}

#ifdef __cplusplus
}
#endif

#endif /* PERDURE_CRASH_H */

//===- error.cpp - errno, a message in words, and reports -----------------===//

#include "platform/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

using namespace perdure;

static thread_local char Message[1024];

bool perdure::fail(int Errno, const char *Format, ...) {
  va_list Args;
  va_start(Args, Format);
  vsnprintf(Message, sizeof(Message), Format, Args);
  va_end(Args);
  errno = Errno;
  return false;
}

const char *perdure::errorMessage() { return Message; }

// One write(2), so that lines of several threads do not mix.
static void print(const char *Format, va_list Args) {
  int Saved = errno;
  char Line[1280] = "perdure: ";
  vsnprintf(Line + 9, sizeof(Line) - 10, Format, Args);
  size_t Length = 0;
  while (Line[Length])
    ++Length;
  Line[Length++] = '\n';
  ssize_t Ignored = write(STDERR_FILENO, Line, Length);
  (void)Ignored;
  errno = Saved;
}

void perdure::report(const char *Format, ...) {
  va_list Args;
  va_start(Args, Format);
  print(Format, Args);
  va_end(Args);
}

void perdure::die(const char *Format, ...) {
  va_list Args;
  va_start(Args, Format);
  print(Format, Args);
  va_end(Args);
  abort();
}

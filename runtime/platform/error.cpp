//===- error.cpp - errno, a message in words, and reports -----------------===//

#include "platform/error.h"
#include "platform/thread.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

using namespace perdure;

//===----------------------------------------------------------------------===//
// One line of text
//===----------------------------------------------------------------------===//

// Bytes of the valid UTF-8 character at Text that a terminal shows, or 0. What
// is encoded in more bytes than it needs is not valid.
static unsigned shown(const unsigned char *Text) {
  unsigned C = Text[0];
  if (C < 0x80)
    return C >= ' ' && C != 0x7f;
  unsigned Bytes = C >= 0xc2 && C < 0xe0   ? 2
                   : C >= 0xe0 && C < 0xf0 ? 3
                   : C >= 0xf0 && C < 0xf5 ? 4
                                           : 0;
  for (unsigned I = 1; I < Bytes; ++I)
    if ((Text[I] & 0xc0) != 0x80)
      return 0;
  unsigned Second = Bytes ? Text[1] : 0;
  bool Bad = (C == 0xc2 && Second < 0xa0) ||  // control characters
             (C == 0xe0 && Second < 0xa0) ||  // could be shorter
             (C == 0xed && Second >= 0xa0) || // surrogates
             (C == 0xf0 && Second < 0x90) ||  // could be shorter
             (C == 0xf4 && Second >= 0x90);   // past the last character
  return Bad ? 0 : Bytes;
}

// Names and files may say anything; a message stays one line, and none of it
// is an order to the terminal.
void perdure::makeShown(char *Text) {
  for (auto *C = (unsigned char *)Text; *C;) {
    unsigned Bytes = shown(C);
    if (!Bytes)
      *C = '?';
    C += Bytes ? Bytes : 1;
  }
}

bool perdure::fail(int Errno, const char *Format, ...) {
  if (Thread *T = thisThread()) {
    char Text[sizeof(T->Message)]; // what is said may quote the message before
    va_list Args;
    va_start(Args, Format);
    vsnprintf(Text, sizeof(Text), Format, Args);
    va_end(Args);
    makeShown(Text);
    strcpy(T->Message, Text);
  }
  errno = Errno;
  return false;
}

const char *perdure::errorMessage() {
  const Thread *T = thisThread();
  return T ? T->Message : "no memory is left for a message";
}

// One write(2) if it takes all, so that lines of several threads do not mix. A
// handler of the program's may cut it short, or interrupt it before a terminal
// that was stopped, or a full pipe, took anything. It interrupts every one when
// it handles the SIGTTOU of a background process and returns: so not for ever.
// A timer of a kilohertz takes ten seconds to interrupt this often, SIGTTOU less
// than a tenth of one.
void perdure::writeReport(const char *Line, size_t Length) {
  int Saved = errno;
  for (int Interrupted = 0; Length && Interrupted < 10000;) {
    ssize_t Written = write(STDERR_FILENO, Line, Length);
    if (Written > 0) {
      Line += Written;
      Length -= (size_t)Written;
    } else if (Written == 0 || errno != EINTR) {
      break;
    } else {
      ++Interrupted;
    }
  }
  errno = Saved;
}

static void print(const char *Format, va_list Args) {
  int Saved = errno;
  char Line[1280] = "perdure: ";
  vsnprintf(Line + 9, sizeof(Line) - 10, Format, Args);
  makeShown(Line);
  size_t Length = 0;
  while (Line[Length])
    ++Length;
  Line[Length++] = '\n';
  writeReport(Line, Length);
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

/*===- perdure/crash.h - What a program tells the crash explorer -*- C -*-===*\
|*
|* perdure_crash_note(TEXT): from here on the program promises what TEXT says,
|* as "committed 17". `perdure crash` gives a check all notes that came before
|* the power failed, a line each. In programs that are not traced it does
|* nothing.
|*
\*===---------------------------------------------------------------------===*/
#ifndef PERDURE_CRASH_H
#define PERDURE_CRASH_H

#ifdef __cplusplus
extern "C" {
#endif

void __perdure_trace_note(const char *text) __attribute__((weak));

static inline void perdure_crash_note(const char *text) {
  if (__perdure_trace_note)
    __perdure_trace_note(text);
}

#ifdef __cplusplus
}
#endif

#endif /* PERDURE_CRASH_H */

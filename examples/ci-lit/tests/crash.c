/* Whatever a power failure leaves of the files, the queue is whole, and no job that
 * was promised is missing.
 *
 * RUN: %perdure_cc -g -O1 -I%src %s %src/queue.c -DCHECK -o %t.check
 * RUN: %perdure_cc -g -O1 -I%src %s %src/queue.c -fperdure-trace -o %t
 * RUN: rm -rf %t.kept
 * RUN: perdure crash --budget 200 --keep %t.kept --serve --check %t.check -- %t | FileCheck %s
 * CHECK: images checked at {{[0-9]+}} points, {{.*}}0 failed
 */
#include "queue.h"
#include <perdure/crash.h>
#include <stdio.h>

#ifdef CHECK
/* In an image. The notes are those that the program had made when power failed. */
static int check(void) {
  long promised = 0;
  char line[32];
  while (fgets(line, sizeof line, stdin))
    sscanf(line, "added %ld", &promised);
  struct queue *queue = queue_open(PERDURE_DURABLE);
  const char *wrong = queue ? queue_check(queue) : 0;
  if (wrong)
    return printf("%s\n", wrong), 1;
  if (promised && (!queue || queue->added < promised))
    return printf("job %ld was promised\n", promised), 1;
  return 0;
}
int main(void) { return perdure_crash_check(check); }
#else
int main(void) {
  struct queue *queue = queue_open(PERDURE_DURABLE);
  for (long i = 1; i <= 3; i++) {
    if (!queue || queue_add(queue, i))
      return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
    char note[32];
    snprintf(note, sizeof note, "added %ld", i);
    perdure_crash_note(note);
  }
  return 0;
}
#endif

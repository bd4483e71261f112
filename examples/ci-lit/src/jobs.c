/* jobs NUMBER...: adds jobs, then prints what waits. jobs --take: takes one. */
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  struct queue *queue = queue_open(0);
  long number;
  if (!queue)
    return fprintf(stderr, "jobs: %s\n", perdure_errormsg()), 1;
  if (argc == 2 && !strcmp(argv[1], "--take")) {
    if (queue_take(queue, &number))
      return fprintf(stderr, "jobs: nothing waits\n"), 1;
    printf("took %ld\n", number);
    return 0;
  }
  for (int i = 1; i < argc; i++)
    if (queue_add(queue, atol(argv[i])))
      return fprintf(stderr, "jobs: %s\n", perdure_errormsg()), 1;
  for (struct job *job = queue->first; job; job = job->next)
    printf("%ld waits\n", job->number);
  return 0;
}

/* RUN: %perdure_cc -g -O2 -Wall -Werror -I%src %s %src/queue.c -o %t
 * RUN: %perdure_run --twice %t | FileCheck %s
 * CHECK: 2 added, took 1
 * CHECK-NEXT: 4 added, took 2
 */
#include "queue.h"
#include <stdio.h>

int main(void) {
  struct queue *queue = queue_open(0);
  long number = 0;
  if (!queue || queue_add(queue, queue->added + 1) ||
      queue_add(queue, queue->added + 1) || queue_take(queue, &number))
    return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  printf("%ld added, took %ld\n", queue->added, number);
  return queue_check(queue) != 0;
}

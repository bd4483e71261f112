/* A queue of jobs that outlives the process. */
#ifndef QUEUE_H
#define QUEUE_H
#include <perdure/perdure.h>

struct PERDURE job {
  struct job *next;
  long number;
};
struct PERDURE queue {
  struct job *first, *last;
  long added;
};

/* The queue in the store "jobs" of the current folder, new where there is none.
   NULL, and perdure_errormsg() says why. */
struct queue *queue_open(unsigned flags);

/* Each is there as a whole after a crash, or not at all: 0, or -1. */
int queue_add(struct queue *queue, long number);
int queue_take(struct queue *queue, long *number);

/* What is wrong with it, or NULL. */
const char *queue_check(const struct queue *queue);
#endif

#include "queue.h"

struct queue *queue_open(unsigned flags) {
  perdure_store *store = perdure_store_open("jobs", PERDURE_CREATE | flags);
  struct queue *queue = store ? perdure_open(store, "queue", 0) : 0;
  if (!queue && store)
    queue = perdure_create(store, "queue", sizeof *queue, 0);
  return queue;
}

PERDURE_IN_TRANSACTION static void append(struct queue *queue, struct job *job) {
  if (queue->last)
    queue->last->next = job;
  else
    queue->first = job;
  queue->last = job;
  queue->added++;
}

/* Bodies of transactions. No logging calls: the compiler writes them. */
struct change {
  struct queue *queue;
  long number;
};

PERDURE_IN_TRANSACTION static int add(void *argument) {
  struct change *change = argument;
  struct job *job = perdure_alloc(change->queue, sizeof *job);
  if (!job)
    return -1;
  job->number = change->number;
  append(change->queue, job);
  return 0;
}

PERDURE_IN_TRANSACTION static int take(void *argument) {
  struct change *change = argument;
  struct queue *queue = change->queue;
  struct job *job = queue->first;
  if (!job)
    return -1;
  change->number = job->number;
  queue->first = job->next;
  if (!queue->first)
    queue->last = 0;
  perdure_free(job);
  return 0;
}

int queue_add(struct queue *queue, long number) {
  struct change change = {queue, number};
  return perdure_transact(queue, add, &change);
}

int queue_take(struct queue *queue, long *number) {
  struct change change = {queue, 0};
  if (perdure_transact(queue, take, &change))
    return -1;
  *number = change.number;
  return 0;
}

const char *queue_check(const struct queue *queue) {
  const struct job *last = 0;
  for (const struct job *job = queue->first; job; job = job->next) {
    if (last && job->number != last->number + 1)
      return "a job is missing";
    last = job;
  }
  return last == queue->last ? 0 : "the last job is not the last";
}

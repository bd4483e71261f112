/* What the compiler refuses stays refused.
 * RUN: not %perdure_cc -I%src -fsyntax-only %s 2>&1 | FileCheck %s
 */
#include "queue.h"

struct job **link_of(struct queue *queue) {
  // CHECK: mistakes.c:[[@LINE+1]]:{{[0-9]+}}: error: {{.*}}; declare it as 'job_ref *'
  return &queue->first;
}

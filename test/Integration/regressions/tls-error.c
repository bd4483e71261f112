/* What cannot be initialised is an error, and not a crash in the back end too.
 *
 * RUN: not %perdure_cc -fperdure-encoding=strict -c %s -o %t.o 2>&1 | FileCheck %s
 * CHECK: error: perdure: thread-local variable 'late' needs
 * CHECK-NOT: {{fatal|PLEASE submit}}
 */
#include <perdure/perdure.h>
struct PERDURE node {
  struct node *next;
};
static struct node a;
_Thread_local struct node late = {&a};

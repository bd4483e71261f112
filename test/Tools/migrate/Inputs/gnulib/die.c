/* What xmalloc.c calls when memory is over. */
#include <stdlib.h>
int exit_failure = 1;
void xalloc_die(void);
void xalloc_die(void) { abort(); }

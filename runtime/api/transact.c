/*===- transact.c - perdure_transact ---------------------------------------===*\
|*
|* In C, for its cleanup: an exception that passes through ends the transaction,
|* without the personality of C++, which would need libstdc++. Whatever else could
|* be left undone by a longjmp that comes here is in transaction.cpp.
|*
\*===----------------------------------------------------------------------===*/

#include "perdure/runtime.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stddef.h>

#define PERDURE_ABI_NUMBER(Name, Value, Doc) enum { Abi##Name = Value };
#include "perdure/abi.def"

struct frame {
  void *outer;
  uint64_t flags;
  alignas(16) uint64_t jump[64];
};
_Static_assert(sizeof(struct frame) == AbiTxFrameBytes, "");

void __perdure_tx_enter(struct frame *f, uint32_t flags);
int __perdure_tx_leave(struct frame *f);
void __perdure_tx_unwind(struct frame *f);
int perdure__may_change(void *in_object);
int perdure__canceled(void);
void *perdure__body(void *function);

struct guard {
  struct frame *frame; /* null: nothing is left to be done */
};

static void end(struct guard *g) {
  if (g->frame)
    __perdure_tx_unwind(g->frame);
}

int perdure_transact(void *in_object, int (*body)(void *), void *arg) {
  struct frame f;
  if (!perdure__may_change(in_object))
    return -1;
  /* Where the compiler saw this call, it is the copy that logs; a call by
     address, or of a compiler that knows of none, has the function itself.   */
  body = (int (*)(void *))perdure__body((void *)body);
  if (_setjmp(*(jmp_buf *)(void *)f.jump))
    return perdure__canceled();
  __perdure_tx_enter(&f, AbiTxFrameJumps);
  int result;
  {
    struct guard g __attribute__((cleanup(end))) = {&f};
    result = body(arg);
    g.frame = NULL;
  }
  if (!result)
    return __perdure_tx_leave(&f);
  perdure_tx_abort();
  return perdure__canceled();
}

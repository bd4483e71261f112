// Stands for the runtime in tests of what the passes log: an arena plays the
// object. Each entry of the log is compared with the arena as it was when the
// transaction began, so a byte that changed before it was logged, or was never
// logged, is found at the transaction's end, whichever way it ends.
#ifndef TX_RECORDER_H
#define TX_RECORDER_H
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
extern unsigned char *const arena; // of ARENA_BYTES
enum { ARENA_BYTES = 4096 };
void perdure_tx_abort(void);
int perdure_in_object(const void *p);
int transactions_ended(void), transactions_aborted(void);
size_t logged_bytes(void); // each once
#define EXPECT(What)                                                           \
  do                                                                           \
    if (!(What))                                                               \
      fail_at(__LINE__, #What);                                                \
  while (0)
void fail_at(int line, const char *what);
#ifdef __cplusplus
}
#endif
#endif

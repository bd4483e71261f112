//===- thread.cpp - What a thread keeps -----------------------------------===//

#include "platform/thread.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

using namespace perdure;

void (*perdure::EndTransactions)(Thread &);

static pthread_key_t Key;
static bool HasKey;
static pthread_once_t Once = PTHREAD_ONCE_INIT;

// Destructors of the program's may still leave read sections: while there are
// any it is kept, for as many rounds of destructors as the system makes.
static void freeThread(void *P) {
  auto *T = (Thread *)P;
  // Before its sections are left, and while its messages have a place.
  if (T->Tx && !pthread_setspecific(Key, T)) {
    EndTransactions(*T);
    pthread_setspecific(Key, nullptr);
  }
  bool Reads = false;
  for (const Reading &R : T->Readings)
    Reads = Reads || R.In;
  if (Reads && ++T->Rounds < PTHREAD_DESTRUCTOR_ITERATIONS &&
      !pthread_setspecific(Key, T))
    return;
  free(T);
}

static void makeKey() { HasKey = !pthread_key_create(&Key, freeThread); }

Thread *perdure::thisThread() {
  int Saved = errno;
  pthread_once(&Once, makeKey);
  Thread *T = HasKey ? (Thread *)pthread_getspecific(Key) : nullptr;
  if (!T && HasKey && (T = (Thread *)calloc(1, sizeof(Thread))) &&
      pthread_setspecific(Key, T)) {
    free(T);
    T = nullptr;
  }
  errno = Saved;
  return T;
}

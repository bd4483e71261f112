//===- thread.cpp - What a thread keeps -----------------------------------===//

#include "platform/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

using namespace perdure;

static pthread_key_t Key;
static bool HasKey;
static pthread_once_t Once = PTHREAD_ONCE_INIT;

static void makeKey() { HasKey = !pthread_key_create(&Key, free); }

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

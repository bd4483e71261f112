/* Threads that meet the same places for the first time at once, and that fork while
   others are in the midst of atomic instructions: the child goes on alone. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

enum { Threads = 4, Rounds = 2000 };
static atomic_long Shared, Done;
static atomic_int Go, Over;
static long Own[Threads][64];
static _Thread_local long Mine;

#define PLACE(N) P[N & 63] += N
#define TEN(N) PLACE(N##0); PLACE(N##1); PLACE(N##2); PLACE(N##3); PLACE(N##4); \
               PLACE(N##5); PLACE(N##6); PLACE(N##7); PLACE(N##8); PLACE(N##9);
static void *run(void *Number) {
  volatile long *P = Own[(long)Number];
  while (!Go) {
  }
  TEN(1) TEN(2) TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) TEN(8) TEN(9)
  for (int I = 0; I < Rounds; ++I) {
    atomic_fetch_add(&Done, 1);
    Mine += I;
  }
  while (!Over)
    atomic_fetch_xor(&Shared, 6);
  return NULL;
}
static int run11(void *Number) { return run(Number) != NULL; }

int main(void) {
  pthread_t T[Threads - 1];
  thrd_t Last;
  for (long I = 0; I != Threads - 1; ++I)
    pthread_create(&T[I], NULL, run, (void *)I);
  thrd_create(&Last, run11, (void *)(Threads - 1L));
  Go = 1;
  int Failed = 0;
  for (int I = 0; I != 30; ++I) {
    pid_t Child = fork();
    if (!Child) {
      alarm(60);
      atomic_fetch_add(&Shared, 1);
      _exit(0);
    }
    int Status;
    waitpid(Child, &Status, 0);
    Failed += Status != 0;
  }
  Over = 1;
  for (int I = 0; I != Threads - 1; ++I)
    pthread_join(T[I], NULL);
  thrd_join(Last, NULL);
  printf("%ld, %d failed\n", (long)Done, Failed);
  return 0;
}

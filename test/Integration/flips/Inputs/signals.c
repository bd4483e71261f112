/* Signal handlers that interrupt the profiler or what it counts, and jump: within
   themselves, and out of faults. With an argument, on an alternate stack. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>

#define OWN __attribute__((noinline))

static sigjmp_buf Back;
static volatile sig_atomic_t Faults, Ticks;
static volatile long Sink;
static atomic_long Shared;

OWN static void jumpsWithin(int N) {
  jmp_buf Here;
  volatile int A = N;
  if (!setjmp(Here)) {
    A = A + 1;
    longjmp(Here, 1);
  }
  Sink = A;
}
static void onFault(int Signal) {
  (void)Signal;
  ++Faults;
  jumpsWithin(3);
  siglongjmp(Back, 1);
}
static void onTick(int Signal) {
  (void)Signal;
  volatile long A[20];
  for (int I = 0; I < 20; ++I)
    A[I] = I;
  jumpsWithin((int)A[++Ticks % 20]);
}

/* Frames that would be written over by a profiler whose stack is not its own. */
OWN static long deep(long N) {
  volatile long A[8];
  for (int I = 0; I < 8; ++I)
    A[I] = N + I;
  long Sum = N ? deep(N - 1) : 0;
  for (int I = 0; I < 8; ++I)
    if (A[I] != N + I) {
      printf("frame %ld was written over\n", N);
      exit(1);
    }
  return Sum + A[3];
}
OWN static void storesTo(char *P) { *(volatile char *)P = 1; }
OWN static void addsTo(char *P) { atomic_fetch_add((atomic_long *)P, 1); }
OWN static long faultsBelow(long N, char *P, int Atomic) {
  volatile long A[50];
  A[0] = N;
  if (N)
    return faultsBelow(N - 1, P, Atomic) + A[0];
  if (Atomic)
    addsTo(P);
  else
    storesTo(P);
  return 1;
}
static void *otherThread(void *P) {
  for (int I = 0; I < 100; ++I)
    atomic_fetch_add(&Shared, 1);
  return P;
}

int main(int Count, char **Words) {
  (void)Words;
  static char Alternate[1 << 16];
  int Flags = 0;
  if (Count > 1) {
    stack_t S = {.ss_sp = Alternate, .ss_size = sizeof Alternate};
    sigaltstack(&S, NULL);
    Flags = SA_ONSTACK;
  }
  struct sigaction A = {.sa_handler = onFault, .sa_flags = SA_NODEFER | Flags};
  sigaction(SIGSEGV, &A, NULL);
  char *Memory[2];
  for (int I = 0; I < 2; ++I)
    Memory[I] = mmap(NULL, 4096, I ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (volatile int I = 0; I < 200; ++I)
    if (!sigsetjmp(Back, 1))
      faultsBelow(20, Memory[I & 1], I >> 1 & 1);
    else
      deep(60);
  /* An addition that faulted holds nobody up. */
  pthread_t Other;
  pthread_create(&Other, NULL, otherThread, NULL);
  pthread_join(Other, NULL);
  struct sigaction T = {.sa_handler = onTick, .sa_flags = SA_RESTART | Flags};
  sigaction(SIGALRM, &T, NULL);
  struct itimerval Often = {{0, 300}, {0, 300}}, Never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &Often, NULL);
  for (int I = 0; I < 1000 || Ticks < 50; ++I)
    deep(50);
  setitimer(ITIMER_REAL, &Never, NULL);
  printf("%d faults, %ld\n", (int)Faults, (long)Shared);
  return 0;
}

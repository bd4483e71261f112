/*===- main.c - Runs a workload on a structure ----------------------------===*\
|*
|* PROGRAM --workload=W --operations=N ... prints the nanoseconds of processor
|* time that the operations took.
|*
|*   list         Inserts:Pops at random, values of 0 to Values - 1
|*   ring         the same, with room for Keys items; where that is used up a
|*                pop, and where it is empty an insert, so that each operation
|*                changes it
|*   hash         a key is toggled, its value drawn anew; both by Zipf's law
|*   sequential   keys 0, 1, ... are inserted
|*   random       the numbers below Keys in a random order
|*
|* With --check what is in the structure is compared, now and then, with what
|* should be, and its invariants are looked at. The workload is made before it
|* is timed.
|*
\*===----------------------------------------------------------------------===*/

#include "structure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct operation {
  enum { Insert, Pop, Toggle } What;
  struct item Item;
};

static struct arguments {
  const char *Workload, *Directory;
  uint64_t Operations, Keys, Values, Inserts, Pops, Seed, Memory;
  bool Check;
} A = {.Directory = "/tmp", .Keys = 1, .Values = 1};

static _Noreturn void fail(const char *Why, const char *What) {
  fprintf(stderr, "flips: %s%s\n", Why, What);
  exit(1);
}

static void *room(size_t Count, size_t Bytes) {
  void *P = calloc(Count ? Count : 1, Bytes);
  if (!P)
    fail("no memory for the workload", "");
  return P;
}

static bool is(const char *Workload) { return !strcmp(A.Workload, Workload); }

/* Are items taken out in the order in which they came? */
static bool isQueue(void) { return is("list") || is("ring"); }

/* splitmix64. */
static uint64_t any(void) {
  uint64_t Z = A.Seed += 0x9E3779B97F4A7C15;
  Z = (Z ^ Z >> 30) * 0xBF58476D1CE4E5B9;
  Z = (Z ^ Z >> 27) * 0x94D049BB133111EB;
  return Z ^ Z >> 31;
}

static uint64_t below(uint64_t N) { return any() % N; }

/* Ranks from 0, the first the most frequent: the chance of rank R is in
   proportion to 1 / (R + 1). */
static uint64_t zipf(void) {
  static double *Up;
  if (!Up) {
    Up = room(A.Keys, sizeof *Up);
    double Sum = 0;
    for (uint64_t I = 0; I != A.Keys; ++I)
      Up[I] = Sum += 1.0 / (double)(I + 1);
  }
  double At = ldexp((double)(any() >> 11), -53) * Up[A.Keys - 1];
  uint64_t Low = 0, High = A.Keys - 1;
  while (Low < High) {
    uint64_t Middle = (Low + High) / 2;
    if (Up[Middle] > At)
      High = Middle;
    else
      Low = Middle + 1;
  }
  return Low;
}

static struct operation *makeWorkload(void) {
  struct operation *Work = room(A.Operations, sizeof *Work);
  bool Random = is("random");
  uint64_t *Order = NULL, In = 0;
  if (Random) {
    Order = room(A.Keys, sizeof *Order);
    for (uint64_t I = 0; I != A.Keys; ++I) {
      uint64_t J = below(I + 1);
      Order[I] = Order[J];
      Order[J] = I;
    }
  }
  for (uint64_t I = 0; I != A.Operations; ++I) {
    struct operation *O = &Work[I];
    if (isQueue()) {
      O->What = below(A.Inserts + A.Pops) < A.Inserts ? Insert : Pop;
      O->Item.value = below(A.Values);
      if (is("ring")) {
        if (!In || In == A.Keys)
          O->What = In ? Pop : Insert;
        In += O->What == Insert ? 1 : -1;
      }
    } else if (is("hash")) {
      O->What = Toggle;
      O->Item.key = zipf();
      O->Item.value = zipf();
    } else if (Random || is("sequential")) {
      O->Item.key = Random ? Order[I] : I;
      O->Item.value = below(A.Values);
    } else {
      fail("no such workload: ", A.Workload);
    }
  }
  free(Order);
  return Work;
}

/*===----------------------------------------------------------------------===*\
|* What should be in the structure
\*===----------------------------------------------------------------------===*/

/* A list or ring: what came, and what of it is gone, from the oldest on. Else
   values by key, as far as they are there. */
static struct item *Came;
static uint64_t CameCount, GoneCount;
static uint64_t *ValueOf;
static bool *IsIn;

static void expect(const struct operation *O, bool Did, struct item Got) {
  if (O->What == Insert && !Did)
    fail("insert found no room", "");
  if (O->What == Pop) {
    if (Did != (GoneCount < CameCount))
      fail("pop found nothing, or something where nothing is", "");
    if (Did && Got.value != Came[GoneCount++].value)
      fail("pop gave another value than the oldest", "");
  } else if (isQueue()) {
    Came[CameCount++] = O->Item;
  } else {
    bool In = O->What == Insert || !IsIn[O->Item.key];
    if (O->What == Toggle && Did != In)
      fail("toggle found a key that is not there, or none", "");
    IsIn[O->Item.key] = In;
    ValueOf[O->Item.key] = O->Item.value;
  }
}

static int byKey(const void *P, const void *Q) {
  uint64_t X = ((const struct item *)P)->key, Y = ((const struct item *)Q)->key;
  return (X > Y) - (X < Y);
}

static void compare(void *Root) {
  const char *Wrong = Structure.Broken(Root);
  if (Wrong)
    fail("the structure is broken: ", Wrong);
  bool IsHash = is("hash");
  uint64_t Count = 0, Most = isQueue() ? CameCount - GoneCount : A.Keys;
  struct item *Should = room(Most, sizeof *Should),
              *Is = room(Most + 1, sizeof *Is);
  /* The ring's ends, which its workload does not pass. */
  if (is("ring")) {
    struct item Any = {0, A.Values};
    if (Most == A.Keys && Structure.Insert(Root, Any))
      fail("insert found room where none is", "");
    if (!Most && Structure.Pop(Root, &Any))
      fail("pop found something where nothing is", "");
  }
  if (isQueue())
    for (; Count != Most; ++Count)
      Should[Count] = Came[CameCount - 1 - Count];
  else
    for (uint64_t Key = 0; Key != A.Keys; ++Key)
      if (IsIn[Key])
        Should[Count++] = (struct item){Key, ValueOf[Key]};
  for (int Backwards = 0; Backwards != (IsHash ? 1 : 2); ++Backwards) {
    if (Structure.Walk(Root, Backwards, Is, Most + 1) != Count)
      fail("a walk finds more items or fewer", "");
    if (IsHash)
      qsort(Is, Count, sizeof *Is, byKey);
    for (uint64_t I = 0; I != Count; ++I) {
      struct item X = Should[Backwards ? Count - 1 - I : I];
      if (Is[I].key != X.key || Is[I].value != X.value)
        fail("a walk finds another item", "");
    }
  }
  free(Should);
  free(Is);
}

/*===----------------------------------------------------------------------===*/

static void run(void *Root, const struct operation *Work) {
  for (uint64_t I = 0; I != A.Operations; ++I) {
    const struct operation *O = &Work[I];
    struct item Got = {0, 0};
    bool Did = true;
    if (O->What == Insert)
      Did = Structure.Insert(Root, O->Item);
    else if (O->What == Pop)
      Did = Structure.Pop(Root, &Got);
    else
      Did = Structure.Toggle(Root, O->Item);
    if (A.Check) {
      expect(O, Did, Got);
      /* Often while it is small. */
      if ((I & (I + 1)) == 0 || I % (A.Operations / 50 + 1) == 0 ||
          I + 1 == A.Operations)
        compare(Root);
    }
  }
}

static uint64_t number(const char *Text) {
  char *End;
  uint64_t N = strtoull(Text, &End, 10);
  if (*End || !*Text)
    fail("no number: ", Text);
  return N;
}

int main(int Count, char **Words) {
  static const struct {
    const char *Name;
    uint64_t *To;
  } Numbers[] = {{"--operations=", &A.Operations},
                 {"--keys=", &A.Keys},
                 {"--values=", &A.Values},
                 {"--inserts=", &A.Inserts},
                 {"--pops=", &A.Pops},
                 {"--seed=", &A.Seed},
                 {"--memory=", &A.Memory}};
  for (int I = 1; I != Count; ++I) {
    const char *Word = Words[I];
    bool Known = true;
    if (!strncmp(Word, "--workload=", 11))
      A.Workload = Word + 11;
    else if (!strncmp(Word, "--directory=", 12))
      A.Directory = Word + 12;
    else if (!strcmp(Word, "--check"))
      A.Check = true;
    else
      Known = false;
    for (size_t N = 0; N != sizeof Numbers / sizeof *Numbers && !Known; ++N)
      if (!strncmp(Word, Numbers[N].Name, strlen(Numbers[N].Name))) {
        *Numbers[N].To = number(Word + strlen(Numbers[N].Name));
        Known = true;
      }
    if (!Known)
      fail("no such argument: ", Word);
  }
  if (!A.Workload || !A.Keys || !A.Values)
    fail("--workload, or one of --keys and --values above 0, is missing", "");
  if (!strcmp(A.Workload, "random") && A.Operations > A.Keys)
    fail("there are fewer keys than --operations", "");

  memoryOpen(A.Directory, A.Memory);
  struct operation *Work = makeWorkload();
  if (A.Check) {
    Came = room(A.Operations, sizeof *Came);
    ValueOf = room(A.Keys, sizeof *ValueOf);
    IsIn = room(A.Keys, sizeof *IsIn);
  }
  void *Root = Structure.Make(A.Keys);
  struct timespec Begin, Finish;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &Begin);
  run(Root, Work);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &Finish);
  printf("%.0f\n", (double)(Finish.tv_sec - Begin.tv_sec) * 1e9 +
                       (double)(Finish.tv_nsec - Begin.tv_nsec));
  return 0;
}

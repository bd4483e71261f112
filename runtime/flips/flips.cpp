//===- flips.cpp - Counts what compiled code reports ----------------------===//
//
// Compiled code counts stores itself, by atomic additions to its sites; what is
// here hands them to the model, one thread at a time. With one thread the same
// program gives the same profile, where addresses are the same (`perdure flips
// run` sees to that).
//
//===----------------------------------------------------------------------===//

#include "flips/flips.h"
#include "flips/count.h"
#include "flips/profile.h"
#include "perdure/runtime.h"

#include <errno.h>
#include <new>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace perdure::flips;

uint8_t __perdure_flips_model;

namespace {

struct Model {
  Medium Behind;
  Caches Front;
  explicit Model(const Options &O)
      : Behind(O), Front(O.L1, O.L2, Behind.behind()) {}
};

Options TheOptions;
Model *TheModel; // null: stores are counted as they are made, and that is all
Advisor *TheAdvisor; // null: nobody wants advice
KnownFields *FieldLists;
Totals TheTotals;
Module *Modules;
perdure_flips_site **SitesByNumber;
uint64_t SiteCount, SiteRoom;

// The model's, that of Modules, and of the totals.
pthread_mutex_t Lock = PTHREAD_MUTEX_INITIALIZER;

// A signal handler that stores while its thread is in the model stays out of
// it.
thread_local volatile bool Inside __attribute__((tls_model("initial-exec")));

// In the model, one thread at a time; whoever stores keeps errno.
class Entered {
  const int Saved = errno;

public:
  const bool Ok;
  Entered() : Ok(!Inside) {
    if (!Ok)
      return;
    Inside = true;
    pthread_mutex_lock(&Lock);
  }
  ~Entered() {
    if (Ok) {
      pthread_mutex_unlock(&Lock);
      Inside = false;
    }
    errno = Saved;
  }
  Entered(const Entered &) = delete;
  Entered &operator=(const Entered &) = delete;
};

} // namespace

// As much as there is, and how much: the bound may be more than the memory. By
// pages, of which the kernel reads all that it can.
static uint64_t readThere(char *To, const void *P, uint64_t Bytes) {
  constexpr unsigned Most = 64;
  uint64_t Done = 0;
  while (Done < Bytes) {
    iovec There[Most];
    unsigned long Parts = 0;
    uint64_t At = (uint64_t)P + Done, First = At, End = At + (Bytes - Done);
    while (At < End && Parts != Most) {
      uint64_t Next = (At | (PageBytes - 1)) + 1;
      Next = Next < End ? Next : End;
      There[Parts++] = {(void *)At, Next - At};
      At = Next;
    }
    iovec Here = {To + Done, At - First};
    ssize_t Read = process_vm_readv(getpid(), &Here, 1, There, Parts, 0);
    Done += Read < 0 ? 0 : (uint64_t)Read;
    if (Read < 0 || (uint64_t)Read != At - First)
      break;
  }
  return Done;
}

//===----------------------------------------------------------------------===//
// Start and end
//===----------------------------------------------------------------------===//

static Model *makeModel() {
  if (!TheOptions.Model)
    return nullptr;
  auto *M = new (takeMemory(sizeof(Model))) Model(TheOptions);
  M->Behind.SiteOf = [](uint32_t Number) { return SitesByNumber[Number]; };
  return M;
}

// Programs without objects do not link the library.
#pragma weak perdure_in_object
#pragma weak perdure_offset

static Advisor *makeAdvisor() {
  if (!TheOptions.Advise)
    return nullptr;
  auto *A = new (takeMemory(sizeof(Advisor))) Advisor;
  A->Fields = FieldLists;
  A->InObject = [](const void *P) {
    return perdure_in_object && perdure_in_object(P);
  };
  return A;
}

// A signal handler may fork while its thread is in the model.
static void beforeFork() {
  if (!Inside)
    pthread_mutex_lock(&Lock);
}
static void inParent() {
  if (!Inside)
    pthread_mutex_unlock(&Lock);
}

// The child's counts are its own; the parent's are the parent's.
static void inChild() {
  for (Module *M = Modules; M; M = M->Next)
    for (uint64_t I = 0; I != M->Count; ++I) {
#define PERDURE_FLIPS_COUNTER(Name, Text, Doc) M->Sites[I].Name = 0;
#include "perdure/flips.def"
    }
  TheTotals = {};
  TheModel = makeModel();
  TheAdvisor = makeAdvisor();
  inParent();
}

__attribute__((constructor(101))) static void start() {
  const char *Text = secure_getenv("PERDURE_FLIPS");
  char Why[256];
  if (!parseOptions(Text ? Text : "", TheOptions, Why)) {
    fprintf(stderr, "perdure: PERDURE_FLIPS: %s\n", Why);
    exit(2);
  }
  char Probe = 1, Seen = 0;
  if (readThere(&Seen, &Probe, 1) != 1) {
    fprintf(
        stderr,
        "perdure: flips: process_vm_readv is not allowed here (%s), by which "
        "the profiler reads memory that may be gone; run it where it is, not "
        "in a container that forbids it\n",
        strerror(errno));
    exit(2);
  }
  TheModel = makeModel();
  TheAdvisor = makeAdvisor();
  __perdure_flips_model = TheModel || TheAdvisor;
  pthread_atfork(beforeFork, inParent, inChild);
}

__attribute__((destructor(101))) static void finish() {
  Entered Now;
  if (!Now.Ok)
    return;
  __perdure_flips_model = 0;
  if (TheModel) {
    Medium &M = TheModel->Behind;
    uint64_t Written = M.LinesWritten;
    TheModel->Front.flushAll();
    TheTotals.LinesLeft = M.LinesWritten - Written;
    TheTotals.LinesEvicted = Written - TheTotals.LinesFlushed;
    TheTotals.LinesRead = M.LinesRead;
    TheTotals.LinesLost = M.LinesLost;
    TheTotals.FlagsSet = M.Flags.Set;
    TheTotals.FlagsCleared = M.Flags.Cleared;
  }
  writeProfile(TheOptions, Modules, TheModel ? &TheModel->Behind : nullptr,
               TheAdvisor, TheTotals);
}

void perdure::flips::requireVersion(uint64_t Version) {
  if (Version == PerdureFlipsVersion)
    return;
  fprintf(stderr,
          "perdure: flips: code was compiled for version %llu of the "
          "profiler, this is %llu; recompile it\n",
          (unsigned long long)Version, (unsigned long long)PerdureFlipsVersion);
  abort();
}

void __perdure_flips_register(uint64_t Version, perdure_flips_site *Sites,
                              uint64_t Count) {
  requireVersion(Version);
  Entered Now;
  if (SiteCount + Count + 1 > SiteRoom) {
    SiteRoom = (SiteCount + Count + 1) * 2;
    auto **More = static_cast<perdure_flips_site **>(
        mapMemory(SiteRoom * sizeof(*SitesByNumber)));
    if (SiteCount)
      memcpy(More + 1, SitesByNumber + 1, SiteCount * sizeof(*More));
    SitesByNumber = More;
  }
  for (uint64_t I = 0; I != Count; ++I) {
    Sites[I].number = ++SiteCount;
    SitesByNumber[SiteCount] = &Sites[I];
  }
  auto *M = static_cast<Module *>(takeMemory(sizeof(Module)));
  *M = {Sites, Count, Modules};
  Modules = M;
}

// Of sites of one binary, of which many have the same.
static const char *keepText(const char *Text, Map<const char> &Kept) {
  if (!Text)
    return nullptr;
  const char *Known = Kept.get((uint64_t)Text);
  if (!Known) {
    size_t Bytes = strlen(Text) + 1;
    Known = static_cast<const char *>(memcpy(takeMemory(Bytes), Text, Bytes));
    Kept.set((uint64_t)Text, Known);
  }
  return Known;
}

void __perdure_flips_unregister(perdure_flips_site *Sites) {
  Entered Now;
  Module *M = Modules;
  while (M && M->Sites != Sites)
    M = M->Next;
  if (!M)
    return;
  Map<const char> Texts;
  M->Sites = static_cast<perdure_flips_site *>(
      takeMemory(M->Count * sizeof(perdure_flips_site)));
  for (uint64_t I = 0; I != M->Count; ++I) {
    perdure_flips_site &S = M->Sites[I];
    S = Sites[I];
    S.file = keepText(S.file, Texts);
    S.function = keepText(S.function, Texts);
    S.field = keepText(S.field, Texts);
    SitesByNumber[S.number] = &S;
  }
}

//===----------------------------------------------------------------------===//
// At the store
//===----------------------------------------------------------------------===//

static void add(uint64_t &Counter, uint64_t N) {
  __atomic_fetch_add(&Counter, N, __ATOMIC_RELAXED);
}

static void count(perdure_flips_site &S, uint64_t Bytes, uint64_t Set,
                  uint64_t Cleared) {
  add(S.Stores, 1);
  add(S.Bytes, Bytes);
  if (!Set && !Cleared)
    add(S.Silent, 1);
  add(S.Set, Set);
  add(S.Cleared, Cleared);
}

static uint64_t ones(uint64_t Word) {
  return (uint64_t)__builtin_popcountll(Word);
}

// Of the bits that change when Was becomes Now.
template <typename F>
static void countChange(perdure_flips_site &S, const void *Was, uint64_t Bytes,
                        F NowAt) {
  uint64_t Set = 0, Cleared = 0;
  for (uint64_t At = 0; At < Bytes; At += 8) {
    size_t Some = Bytes - At < 8 ? Bytes - At : 8;
    uint64_t A = 0, B = 0;
    memcpy(&A, (const char *)Was + At, Some);
    NowAt(At, &B, Some);
    Set += ones(B & ~A);
    Cleared += ones(A & ~B);
  }
  count(S, Bytes, Set, Cleared);
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

// Visits the parts of a range that lie in one line each.
template <typename F>
static void forEachLine(const void *P, uint64_t Bytes, F Visit) {
  auto At = (uint64_t)P, End = At + Bytes;
  while (At < End) {
    uint64_t Next = (At | (LineBytes - 1)) + 1;
    if (Next > End)
      Next = End;
    Visit(At, Next - At);
    At = Next;
  }
}

// Before: what has been written over. Next: what is to come.
static void model(const perdure_flips_site &S, const void *P, uint64_t Bytes,
                  const void *Before = nullptr, const Coming &Next = {}) {
  Entered Now;
  if (!Now.Ok || !TheModel)
    return;
  auto Writer = (uint32_t)S.number;
  Medium &M = TheModel->Behind;
  M.Next = Next;
  forEachLine(P, Bytes, [&](uint64_t At, uint64_t Some) {
    M.Next.Bytes = Next.At ? At - Next.At : 0;
    // First: bringing the line may write another, and takes nothing from this
    // one.
    TheModel->Front.access(At & ~(LineBytes - 1), true);
    M.prepare(At, Some, Writer,
              Before ? (const char *)Before + (At - (uint64_t)P) : nullptr);
  });
  M.Next.Bytes = 0;
}

//===----------------------------------------------------------------------===//
// Advice
//===----------------------------------------------------------------------===//

static void advise(const perdure_flips_site &S, const Written &W) {
  Entered Now;
  if (Now.Ok && TheAdvisor)
    TheAdvisor->write(S, W);
}

void __perdure_flips_fields(uint64_t SlotBits, const char *const *Fields,
                            uint64_t Count) {
  Entered Now;
  // Kept, since dlclose may take the module away.
  auto **Names =
      static_cast<const char **>(takeMemory(Count * sizeof(const char *)));
  for (uint64_t I = 0; I != Count; ++I) {
    size_t Size = strlen(Fields[I]) + 1;
    Names[I] = static_cast<char *>(memcpy(takeMemory(Size), Fields[I], Size));
  }
  auto *F = static_cast<KnownFields *>(takeMemory(sizeof(KnownFields)));
  *F = {SlotBits, Names, Count, FieldLists};
  FieldLists = F;
  if (TheAdvisor)
    TheAdvisor->Fields = F;
}

//===----------------------------------------------------------------------===//
// Writes
//===----------------------------------------------------------------------===//

void __perdure_flips_touch(perdure_flips_site *S, const void *P, uint64_t Bytes,
                           uint64_t New) {
  if (TheAdvisor)
    advise(*S, {P, Bytes, P, &New, 0, true});
  model(*S, P, Bytes);
}

void __perdure_flips_store(perdure_flips_site *S, const void *P,
                           const void *What, uint64_t Bytes) {
  if (!Bytes)
    return;
  countChange(*S, P, Bytes, [&](uint64_t At, void *To, size_t Some) {
    memcpy(To, (const char *)What + At, Some);
  });
  if (TheAdvisor)
    advise(*S, {P, Bytes, P, What, 0, false});
  if (__perdure_flips_model)
    model(*S, P, Bytes, nullptr, {(uint64_t)P, 0, (const char *)What, 0});
}

void __perdure_flips_fill(perdure_flips_site *S, const void *P, int Value,
                          uint64_t Bytes) {
  if (!Bytes)
    return;
  countChange(*S, P, Bytes, [&](uint64_t, void *To, size_t Some) {
    memset(To, Value, Some);
  });
  if (TheAdvisor)
    advise(*S, {P, Bytes, P, nullptr, (char)Value, false});
  if (__perdure_flips_model)
    model(*S, P, Bytes, nullptr, {(uint64_t)P, 0, nullptr, (char)Value});
}

void perdure::flips::countWritten(perdure_flips_site &S, const void *P,
                                  const void *Before, uint64_t Bytes) {
  countChange(S, Before, Bytes, [&](uint64_t At, void *To, size_t Some) {
    memcpy(To, (const char *)P + At, Some);
  });
  if (__perdure_flips_model)
    model(S, P, Bytes, Before);
}

void perdure::flips::countPattern(perdure_flips_site &S, const void *P,
                                  uint64_t Pattern, uint64_t Bytes) {
  countChange(S, P, Bytes, [&](uint64_t, void *To, size_t Some) {
    memcpy(To, &Pattern, Some);
  });
  if (__perdure_flips_model)
    model(S, P, Bytes);
}

bool perdure::flips::isInModel() { return Inside; }

void *perdure::flips::takeShared(size_t Bytes) {
  Entered Now;
  return takeMemory(Bytes);
}

void __perdure_flips_exchange(perdure_flips_site *S, const void *P,
                              uint64_t Before, uint64_t Now, uint64_t Bytes) {
  uint64_t Changed = Before ^ Now;
  count(*S, Bytes, ones(Changed & Now), ones(Changed & Before));
  if (TheAdvisor)
    advise(*S, {P, Bytes, &Before, &Now, 0, true});
  if (__perdure_flips_model)
    model(*S, P, Bytes, &Before);
}

void __perdure_flips_load(const void *P, uint64_t Bytes) {
  if (!__perdure_flips_model)
    return;
  Entered Now;
  if (!Now.Ok || !TheModel)
    return;
  ++TheTotals.Loads;
  forEachLine(P, Bytes, [&](uint64_t At, uint64_t) {
    TheModel->Front.access(At & ~(LineBytes - 1), false);
  });
}

void __perdure_flips_flush(const void *P, uint64_t Bytes) {
  if (!__perdure_flips_model)
    return;
  Entered Now;
  if (!Now.Ok || !TheModel)
    return;
  uint64_t Written = TheModel->Behind.LinesWritten;
  forEachLine(P, Bytes, [&](uint64_t At, uint64_t) {
    TheModel->Front.flush(At & ~(LineBytes - 1));
  });
  TheTotals.LinesFlushed += TheModel->Behind.LinesWritten - Written;
}

// An object is closed: its lines go to the medium, and its addresses may be
// another's.
template <typename F> static void closeLines(F IsOfIt) {
  Entered Now;
  if (!Now.Ok || !TheModel)
    return;
  uint64_t Written = TheModel->Behind.LinesWritten;
  TheModel->Front.flushWhere(IsOfIt);
  TheModel->Behind.objectCloses();
  TheTotals.LinesFlushed += TheModel->Behind.LinesWritten - Written;
}

void __perdure_flips_close(const void *P) {
  if (!__perdure_flips_model || !perdure_in_object)
    return;
  // Where an object begins tells it from others; 0: no object.
  auto BaseOf = [](const void *In) {
    return perdure_in_object(In) ? (uint64_t)In - perdure_offset(In) : 0;
  };
  uint64_t Base = BaseOf(P);
  closeLines([&](uint64_t Line) {
    uint64_t At = BaseOf((const void *)Line);
    return At && (!Base || At == Base);
  });
}

void __perdure_flips_unmap(const void *P, uint64_t Bytes) {
  if (__perdure_flips_model)
    closeLines([&](uint64_t Line) { return Line - (uint64_t)P < Bytes; });
}

//===----------------------------------------------------------------------===//
// Calls of which only the most is known that they write
//===----------------------------------------------------------------------===//

// What memory held before the call. A callback of the function may make such
// calls, too, one within the other, and assembly has several operands.
constexpr uint64_t MostKept = 1 << 26;
constexpr uint64_t RoomKept = 1 << 16; // from one call to the next
constexpr unsigned MostNested = 16;
namespace {
struct KeptBytes {
  char *Content;
  uint64_t Room, Bytes;
};
} // namespace
static thread_local KeptBytes Kept[MostNested]
    __attribute__((tls_model("initial-exec")));
static thread_local unsigned Depth __attribute__((tls_model("initial-exec")));

void __perdure_flips_before(const void *P, uint64_t Bytes) {
  int Saved = errno;
  KeptBytes &K = Kept[Depth++ % MostNested];
  Bytes = Bytes < MostKept ? Bytes : MostKept;
  Bytes = Bytes < -(uint64_t)P ? Bytes : -(uint64_t)P;
  if (Bytes > K.Room || !K.Room) {
    if (K.Room)
      unmapMemory(K.Content, K.Room);
    K.Room = Bytes > RoomKept ? Bytes : RoomKept;
    K.Content = static_cast<char *>(mapMemory(K.Room));
  }
  K.Bytes = readThere(K.Content, P, Bytes);
  errno = Saved;
}

static void afterCall(perdure_flips_site *S, const void *P, uint64_t Bytes,
                      bool All) {
  KeptBytes &K = Kept[(Depth - 1) % MostNested];
  if (Bytes > K.Bytes)
    Bytes = K.Bytes;
  // What did not change may not have been written.
  while (!All && Bytes && K.Content[Bytes - 1] == ((const char *)P)[Bytes - 1])
    --Bytes;
  if (Bytes) {
    if (TheAdvisor)
      advise(*S, {P, Bytes, K.Content, P, 0, false});
    countWritten(*S, P, K.Content, Bytes);
  }
  if (K.Room > RoomKept) {
    unmapMemory(K.Content, K.Room);
    K.Room = 0;
  }
  // Not before: a signal handler would take the place.
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  --Depth;
}

void __perdure_flips_after(perdure_flips_site *S, const void *P,
                           uint64_t Bytes) {
  afterCall(S, P, Bytes, false);
}

void __perdure_flips_wrote(perdure_flips_site *S, const void *P,
                           uint64_t Bytes) {
  afterCall(S, P, Bytes, true);
}

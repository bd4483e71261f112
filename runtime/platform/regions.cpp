//===- regions.cpp - Which region has which base in this process ----------===//

#include "platform/regions.h"
#include "platform/error.h"
#include "platform/lock.h"
#include "platform/window.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

using namespace perdure;

// Guards all changes, and the list of threads.
static Mutex RegionsLock;

void perdure::regionsBeforeFork() { RegionsLock.lock(); }
void perdure::regionsAfterFork() { RegionsLock.unlock(); }

//===----------------------------------------------------------------------===//
// The tables that inline code reads
//===----------------------------------------------------------------------===//

// 2^24 words, of which most are never touched: bits that lead to no region find
// 0 in them.
static uint64_t *Bases;
static uint64_t Entries[MaxSlots];

static uint64_t bytesOfBases() {
  return (uint64_t)8 << (64 - PerdureAbiOffsetBits);
}

bool perdure::reserveRegions() {
  Locked Hold(RegionsLock);
  if (Bases)
    return true;
  void *P = mmap(nullptr, bytesOfBases(), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (P == MAP_FAILED)
    return fail(errno, "cannot reserve the table of regions: %s",
                strerror(errno));
  madvise(P, bytesOfBases(), MADV_DONTDUMP);
  __atomic_store_n(&Bases, (uint64_t *)P, __ATOMIC_RELEASE);
  return true;
}

const uint64_t *perdure::regionBases() {
  return __atomic_load_n(&Bases, __ATOMIC_ACQUIRE);
}

const uint64_t *perdure::regionEntries() {
  // As an integer: the result lies far outside the array.
  return (const uint64_t *)((uint64_t)Entries -
                            (TheWindow.Base >> TheWindow.SlotBits) * 8);
}

static uint64_t &entryOf(uint64_t Base) {
  return Entries[TheWindow.slotOf(Base)];
}

uint64_t perdure::keyOf(uint64_t Base) {
  return __atomic_load_n(&entryOf(Base), __ATOMIC_RELAXED) >>
         PerdureAbiOffsetBits;
}

void perdure::enterKey(uint64_t Key, uint64_t Base) {
  Locked Hold(RegionsLock);
  __atomic_store_n(&entryOf(Base), Key << PerdureAbiOffsetBits,
                   __ATOMIC_RELEASE);
}

//===----------------------------------------------------------------------===//
// The hash table: open addressing, twice as many places as there are slots
//===----------------------------------------------------------------------===//

constexpr uint64_t Gone = 1; // a key that was taken out; no region has it
static struct Place { uint64_t Key, Base; } Places[2 * MaxSlots];

static Place &placeFor(uint64_t Key, uint64_t Try) {
  uint64_t Hash = Key * 0x9E3779B97F4A7C15 >> 32;
  return Places[(Hash + Try) % (2 * MaxSlots)];
}

// Without a lock. A key's place changes only when its store has been closed,
// and then nobody may ask for it.
static uint64_t lookUp(uint64_t Key) {
  for (uint64_t Try = 0; Try < 2 * MaxSlots; ++Try) {
    Place &P = placeFor(Key, Try);
    uint64_t Found = __atomic_load_n(&P.Key, __ATOMIC_ACQUIRE);
    if (Found == Key)
      return __atomic_load_n(&P.Base, __ATOMIC_RELAXED);
    if (!Found)
      return 0;
  }
  return 0;
}

void perdure::enterBase(uint64_t Key, uint64_t Base) {
  Locked Hold(RegionsLock);
  if (__atomic_load_n(&Bases[Key], __ATOMIC_RELAXED))
    return;
  for (uint64_t Try = 0; Try < 2 * MaxSlots; ++Try) {
    Place &P = placeFor(Key, Try);
    if (P.Key > Gone)
      continue;
    __atomic_store_n(&P.Base, Base, __ATOMIC_RELAXED);
    __atomic_store_n(&P.Key, Key, __ATOMIC_RELEASE);
    break;
  }
  __atomic_store_n(&Bases[Key], Base, __ATOMIC_RELEASE);
}

//===----------------------------------------------------------------------===//
// Each thread's cache
//===----------------------------------------------------------------------===//

// No key is this.
constexpr uint64_t NoRegion = ((uint64_t)1 << PerdureAbiFatKeyBits) - 1;

#define SHARED_TLS                                                             \
  extern "C" __attribute__((visibility("default"), tls_model("initial-exec")))
SHARED_TLS __thread uint64_t __perdure_fat_cache;
__thread uint64_t __perdure_fat_cache = NoRegion;

// The threads whose caches hold something: what leaves is taken out of them.
namespace {
struct Cache {
  Cache *Next, **Link;
  uint64_t *Word;
  bool Ended; // the thread is about to end: it caches nothing more
};
} // namespace
static __thread Cache Mine;
static Cache *Caches;
static pthread_key_t AtEnd;
static bool HasAtEnd;
static pthread_once_t Once = PTHREAD_ONCE_INIT;

static void endCache(void *) {
  Locked Hold(RegionsLock);
  Mine.Ended = true;
  __perdure_fat_cache = NoRegion;
  *Mine.Link = Mine.Next;
  if (Mine.Next)
    Mine.Next->Link = Mine.Link;
  Mine.Link = nullptr;
}

static bool mayCache() {
  if (Mine.Link)
    return true;
  if (Mine.Ended)
    return false;
  pthread_once(&Once, [] { HasAtEnd = !pthread_key_create(&AtEnd, endCache); });
  if (!HasAtEnd || pthread_setspecific(AtEnd, &Mine))
    return false;
  Mine.Word = &__perdure_fat_cache;
  Mine.Next = Caches;
  Mine.Link = &Caches;
  if (Caches)
    Caches->Link = &Mine.Next;
  Caches = &Mine;
  return true;
}

uint64_t perdure::findRegion(uint64_t Key) {
  uint64_t Base = lookUp(Key);
  if (!Base)
    return 0;
  if (!Mine.Link) {
    int Saved = errno;
    Locked Hold(RegionsLock);
    bool May = mayCache();
    errno = Saved;
    if (!May)
      return Base;
  }
  __atomic_store_n(&__perdure_fat_cache, Base | Key, __ATOMIC_RELAXED);
  return Base;
}

//===----------------------------------------------------------------------===//
// The end of a region
//===----------------------------------------------------------------------===//

void perdure::leaveRegions(uint64_t Base) {
  Locked Hold(RegionsLock);
  uint64_t Key = keyOf(Base);
  if (!Key)
    return;
  __atomic_store_n(&entryOf(Base), (uint64_t)0, __ATOMIC_RELAXED);
  __atomic_store_n(&Bases[Key], (uint64_t)0, __ATOMIC_RELAXED);
  for (Place &P : Places)
    if (P.Key == Key)
      __atomic_store_n(&P.Key, Gone, __ATOMIC_RELEASE);
  for (Cache *C = Caches; C; C = C->Next)
    if (__atomic_load_n(C->Word, __ATOMIC_RELAXED) == (Base | Key))
      __atomic_store_n(C->Word, NoRegion, __ATOMIC_RELAXED);
}

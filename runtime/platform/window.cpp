//===- window.cpp - The reserved addresses and their slots ----------------===//

#include "platform/window.h"
#include "platform/error.h"
#include "platform/lock.h"
#include "platform/options.h"
#include "platform/shadow.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

using namespace perdure;

// Not static, since libperdure-counted.so calls it __perdure_window, too: by that
// name code that counts flips finds a binary's copy of the first two fields.
namespace perdure {
extern __attribute__((visibility("hidden"))) Window TheOne;
Window TheOne;
} // namespace perdure
static_assert(offsetof(Window, Base) == 0 && offsetof(Window, Bytes) == 8, "");
const Window &perdure::TheWindow = TheOne;

static Mutex WindowLock;
static bool Taken[MaxSlots];

void perdure::windowBeforeFork() { pthread_mutex_lock(&WindowLock.Handle); }
void perdure::windowAfterFork() { pthread_mutex_unlock(&WindowLock.Handle); }

extern "C" {
__attribute__((weak)) void __asan_init(void);
__attribute__((weak)) void __tsan_init(void);
__attribute__((weak)) void __msan_init(void);
}

static bool underAsan() { return __asan_init != nullptr; }
static bool underTsanOrMsan() {
  return __tsan_init != nullptr || __msan_init != nullptr;
}

unsigned perdure::defaultSlotBits() {
  return underAsan() || underTsanOrMsan() ? PerdureAbiSanitizerSlotBits
                                          : PerdureAbiSlotBits;
}

static const int ReserveFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

// Bytes of inaccessible addresses, slot-aligned; at Wanted when that is not 0.
static uint64_t reserve(uint64_t Wanted, uint64_t Bytes, uint64_t Slot) {
  if (Wanted) {
    void *P = mmap((void *)Wanted, Bytes, PROT_NONE,
                   ReserveFlags | MAP_FIXED_NOREPLACE, -1, 0);
    if (P == MAP_FAILED)
      return 0;
    if (P == (void *)Wanted)
      return Wanted;
    munmap(P, Bytes); // a kernel before 4.17 takes the flag for a hint
    return 0;
  }
  void *P = mmap(nullptr, Bytes + Slot, PROT_NONE, ReserveFlags, -1, 0);
  if (P == MAP_FAILED)
    return 0;
  uint64_t Start = (uint64_t)P, Base = (Start + Slot - 1) & ~(Slot - 1);
  if (Base != Start)
    munmap(P, Base - Start);
  if (uint64_t Rest = Start + Slot - Base)
    munmap((void *)(Base + Bytes), Rest);
  return Base;
}

// Of addresses above 64 GiB valgrind keeps a record for each 64 KiB: it would be at
// the window for longer than anybody waits. So there the window is what nobody else
// uses: valgrind gives nobody addresses above its own memory and the program's stack,
// which lie just above 64 GiB, and a page at the start of each slot is taken.
static const uint64_t ValgrindWindow = 0x100000000000;
static const uint64_t ValgrindSlots = 64;
static const uint64_t PageBytes = 4096;

static uint64_t claim(uint64_t Base, uint64_t Count, uint64_t Slot) {
  for (uint64_t I = 0; I < Count; ++I)
    if (!reserve(Base + I * Slot, PageBytes, Slot)) {
      while (I--)
        munmap((void *)(Base + I * Slot), PageBytes);
      return 0;
    }
  return Base;
}

// Rows and wide rows, with entries of EntryBytes, for the window at Base. Pages
// come as rows are used.
static bool reserveRows(uint64_t &Rows, uint64_t Base, unsigned SlotBits,
                        size_t EntryBytes) {
  size_t Bytes = ((size_t)MaxSlots << PerdureAbiFotRowBits) +
                 (size_t)MaxSlots * MaxSlots * EntryBytes;
  void *P = mmap(nullptr, Bytes, PROT_READ | PROT_WRITE, ReserveFlags, -1, 0);
  if (P == MAP_FAILED)
    return false;
  madvise(P, Bytes, MADV_DONTDUMP);
  // So that addresses find their row without the window's base.
  Rows = (uint64_t)P - perdureRow(0, Base, SlotBits);
  return true;
}

static uint64_t *fotEntry(uint64_t Base, uint64_t Index) {
  return perdureFotRowEntry(TheOne.FotRows, Base, Index, TheOne.SlotBits);
}
static uint64_t *indexEntry(uint64_t Base, uint64_t Target) {
  return perdureIndexRowEntry(TheOne.IndexRows, Base, Target, TheOne.SlotBits);
}
static uint16_t *wideFotEntry(uint64_t Base, uint64_t Index) {
  return perdureWideFotEntry(TheOne.FotRows, TheOne.Base, Base, Index,
                             TheOne.SlotBits);
}
static uint32_t *wideIndexEntry(uint64_t Base, uint64_t Target) {
  return perdureWideIndexEntry(TheOne.IndexRows, TheOne.Base, Base, Target,
                               TheOne.SlotBits);
}
static_assert(MaxSlots - 1 <= UINT16_MAX, "a wide FOT row has slot numbers");

static bool RowsUsed[MaxSlots];

template <typename T> static void clear(T *First, uint64_t Count) {
  for (uint64_t I = 0; I != Count; ++I)
    __atomic_store_n(&First[I], (T)0, __ATOMIC_RELAXED);
}

// Those of a slot that has led nowhere are not touched: most objects.
static void clearRows(uint64_t Base) {
  bool &Used = RowsUsed[TheOne.slotOf(Base)];
  if (!__atomic_load_n(&Used, __ATOMIC_ACQUIRE))
    return;
  clear(fotEntry(Base, 0), perdureRowEntries());
  clear(indexEntry(Base, 0), perdureRowEntries());
  clear(wideFotEntry(Base, 0), MaxSlots);
  clear(wideIndexEntry(Base, TheOne.Base), MaxSlots);
  __atomic_store_n(&Used, false, __ATOMIC_RELEASE);
}

template <typename T>
static void noteRow(uint64_t Base, T *Entry, uint64_t Value) {
  __atomic_store_n(&RowsUsed[TheOne.slotOf(Base)], true, __ATOMIC_RELEASE);
  __atomic_store_n(Entry, (T)Value, __ATOMIC_RELEASE);
}

void perdure::cacheTarget(uint64_t Base, uint64_t Index, uint64_t Target) {
  __atomic_store_n(
      (uint64_t *)perdureFotCacheEntry(Base, Index, TheOne.SlotBits), Target,
      __ATOMIC_RELEASE);
  if (Index < perdureRowEntries())
    noteRow(Base, fotEntry(Base, Index), Target);
  else if (Index < MaxSlots)
    noteRow(Base, wideFotEntry(Base, Index), TheOne.slotOf(Target));
}

void perdure::cacheIndex(uint64_t Base, uint64_t Index, uint64_t Target) {
  static_assert(PerdureAbiFotIndexBits <= PerdureAbiSanitizerSlotBits,
                "base and index share a word");
  noteRow(Base, indexEntry(Base, Target), Target | Index);
  noteRow(Base, wideIndexEntry(Base, Target), Index);
}

bool perdure::reserveWindow(unsigned SlotBits) {
  Locked Hold(WindowLock);
  if (TheOne.Base) {
    if (TheOne.SlotBits == SlotBits)
      return true;
    return fail(EINVAL,
                "the window has slots of 1 << %u bytes, but a program or "
                "library that was loaded later was compiled for 1 << %u; "
                "compile all parts of a process with the same -fsanitize",
                TheOne.SlotBits, SlotBits);
  }
  uint64_t Slot = perdureSlotBytes(SlotBits);
  uint64_t Wanted = TheOptions.window;
  if (Wanted & (Slot - 1)) {
    report("PERDURE_OPTIONS: window=0x%llx is no multiple of the slot size "
           "0x%llx; it is ignored",
           (unsigned long long)Wanted, (unsigned long long)Slot);
    Wanted = 0;
  }
  // Outside these ranges the sanitizers keep their shadow (measured).
  if (!Wanted && SlotBits == PerdureAbiSanitizerSlotBits) {
    if (underAsan())
      Wanted = 0x7a0000000000;
    else if (underTsanOrMsan())
      Wanted = 0x7c0000000000;
  }
  uint64_t Most = MaxSlots;
  if (underValgrind()) {
    Wanted = Wanted ? Wanted : ValgrindWindow;
    Most = ValgrindSlots;
  }
  // 2,048 slots or what the address space and its limits leave, down to a
  // handful.
  for (uint64_t Count = Most; Count >= 4; Count = Count * 3 / 4) {
    uint64_t Base = underValgrind() ? claim(Wanted, Count, Slot)
                                    : reserve(Wanted, Count * Slot, Slot);
    // The loader's random places may lie in ASan's range; where the kernel
    // finds room is application memory to ASan as well.
    if (!Base && underAsan() && !TheOptions.window)
      Base = reserve(0, Count * Slot, Slot);
    if (!Base)
      continue;
    madvise((void *)Base, Count * Slot, MADV_DONTDUMP);
    if (!reserveRows(TheOne.FotRows, Base, SlotBits, sizeof(uint16_t)) ||
        !reserveRows(TheOne.IndexRows, Base, SlotBits, sizeof(uint32_t))) {
      munmap((void *)Base, Count * Slot);
      return fail(ENOMEM, "no memory for the window's tables");
    }
    Taken[0] = true; // decode's address for what has no object
    // In this order: other threads may be asking whether it contains a thing.
    TheOne.SlotBits = SlotBits;
    __atomic_store_n(&TheOne.Base, Base, __ATOMIC_RELEASE);
    __atomic_store_n(&TheOne.Bytes, Count * Slot, __ATOMIC_RELEASE);
    return true;
  }
  return fail(ENOMEM,
              "no %llu bytes of addresses are left for the window%s; raise "
              "'ulimit -v'%s",
              (unsigned long long)(4 * Slot), Wanted ? " at that place" : "",
              TheOptions.window ? " or choose another PERDURE_OPTIONS=window="
                                : "");
}

uint64_t perdure::takeSlot() {
  Locked Hold(WindowLock);
  static uint64_t Next = 1; // round robin: a stale pointer meets nothing long
  uint64_t Count = TheOne.slots();
  for (uint64_t I = 0; I < Count; ++I) {
    uint64_t Slot = (Next + I) % Count;
    if (Taken[Slot])
      continue;
    Taken[Slot] = true;
    Next = Slot + 1;
    return TheOne.Base + (Slot << TheOne.SlotBits);
  }
  fail(ENOSPC,
       "all %llu slots of the window hold objects; close a store, whose "
       "objects then give theirs back",
       (unsigned long long)(Count - 1));
  return 0;
}

void perdure::forbid(uint64_t Address, uint64_t Bytes) {
  if (mmap((void *)Address, Bytes, PROT_NONE, ReserveFlags | MAP_FIXED, -1,
           0) == MAP_FAILED)
    die("cannot unmap an object at 0x%llx: %s", (unsigned long long)Address,
        strerror(errno));
  madvise((void *)Address, Bytes, MADV_DONTDUMP);
}

void perdure::dropSlot(uint64_t Base) {
  forbid(Base, TheOne.slotBytes());
  clearRows(Base);
  Locked Hold(WindowLock);
  Taken[TheOne.slotOf(Base)] = false;
}

bool perdure::mapFotCache(uint64_t Base) {
  uint64_t *Cache = (uint64_t *)perdureFotCacheEntry(Base, 0, TheOne.SlotBits);
  // The last page stays inaccessible: it guards the next slot's object.
  uint64_t Bytes = ((uint64_t)PerdureAbiFotIndexMax + 1) * 8;
  if (mmap(Cache, Bytes, PROT_READ | PROT_WRITE, ReserveFlags | MAP_FIXED, -1,
           0) == MAP_FAILED)
    return fail(errno, "cannot map the FOT cache: %s", strerror(errno));
  // For debuggers: core files have where the first indices lead, and no more.
  constexpr uint64_t Dumped = 65536;
  madvise((char *)Cache + Dumped, Bytes - Dumped, MADV_DONTDUMP);
  clearRows(Base);
  Cache[0] = Base;
  return true;
}

/*===- entry.c - What every compiled binary contains ----------------------===*\
|*
|* One member, so that a reference to the ABI symbol brings the constructor. The
|* other encodings' twins are members of their own.
|* Compiled by clang, for preserve_most, once per slot size: SLOT_BITS.
|*
|* The twins do what the inline sequences do, in plain C: the reference that
|* those are tested against, and the code of the `callbacks` mode.
|*
\*===----------------------------------------------------------------------===*/
#include "entry/twins.h"

#define UNLIKELY(X) __builtin_expect(!!(X), 0)
#define JOIN_(A, B, C) A##B##C
#define JOIN(A, B, C) JOIN_(A, B, C)
#define ABI_SYMBOL                                                             \
  JOIN(__perdure_abi_v1_slot, SLOT_BITS,                                       \
       __compile_and_link_every_file_with_one_Perdure_and_one_slot_size)
_Static_assert(PerdureAbiVersion == 1,
               "the number is in AbiSymbol's name too, here, in abi.def and in "
               "counted.cpp, and in exports.map");

/* A translation unit for another slot size or ABI version does not link. */
HIDDEN extern const char ABI_SYMBOL;
const char ABI_SYMBOL = 1;

struct perdure_window __perdure_window;

/* Where the names lie that a binary has when some of it was compiled with -g;
   the linker makes these symbols, or leaves them undefined: both equal.      */
#define PERDURE_ABI_SECTION(Name, Section, Doc)                                \
  extern HIDDEN __attribute__((weak))                                          \
  const char Name##Begin[] __asm__("__start_" Section);                        \
  extern HIDDEN __attribute__((weak))                                          \
  const char Name##End[] __asm__("__stop_" Section);
#include "perdure/abi.def"

extern HIDDEN __attribute__((weak)) const char __ehdr_start[];

static struct perdure_binary Binary;
static struct perdure_descriptors Types;

/* The functions that have copies for transactions: rows of two addresses. */
static uint64_t countClones(void) {
  return (uint64_t)(TxClonesEnd - TxClonesBegin) / (2 * sizeof(void *));
}

/* Before every constructor of the program, 101 and up: those may translate. The
   static initialisers that only start-up code can make come next, at 100. */
__attribute__((constructor(99))) static void registerBinary(void) {
  __perdure_register(PerdureAbiVersion, SLOT_BITS, &__perdure_window);
  if (TxClonesBegin != TxClonesEnd)
    __perdure_tx_register_clones(PerdureAbiVersion,
                                 (const struct perdure_tx_pair *)TxClonesBegin,
                                 countClones());
  if (TypesBegin != TypesEnd) {
    Types = (struct perdure_descriptors){TypesBegin, TypesEnd, NULL};
    __perdure_register_types(PerdureAbiVersion, &Types);
  }
  if (NamesBegin == NamesEnd || !__ehdr_start)
    return;
  Binary = (struct perdure_binary){__ehdr_start, NamesBegin, NamesEnd, NULL};
  __perdure_register_sites(PerdureAbiVersion, &Binary);
}

/* After every destructor of the program, and before dlclose unmaps it. */
__attribute__((destructor(99))) static void unregisterBinary(void) {
  if (Binary.base)
    __perdure_unregister_sites(&Binary);
  if (TxClonesBegin != TxClonesEnd)
    __perdure_tx_unregister_clones(
        (const struct perdure_tx_pair *)TxClonesBegin, countClones());
  if (TypesBegin != TypesEnd)
    __perdure_unregister_types(&Types);
}

/* The base of slot Number; of slot 0, which holds no object, 0. */
static uint64_t baseOfSlot(uint64_t Number) {
  return Number ? __perdure_window.base + (Number << SLOT_BITS) : 0;
}

/* Where a pointer through the FOT leads, once that is known; else 0. */
static uint64_t cachedBase(uint64_t Bits, const void *Container) {
  uint64_t Index = perdureForeignIndex(Bits), Base = baseOf(Container);
  if (!perdureIsForeign(Bits) ||
      perdureForeignOffset(Bits) >= perdureLimit(SLOT_BITS))
    return 0;
  if (Index - 1 < perdureRowEntries() - 1)
    return __atomic_load_n(
        perdureFotRowEntry(__perdure_window.fot_rows, Base, Index, SLOT_BITS),
        __ATOMIC_RELAXED);
  if (Index - 1 < PerdureAbiMaxSlots - 1)
    return baseOfSlot(__atomic_load_n(
        perdureWideFotEntry(__perdure_window.fot_rows, __perdure_window.base,
                            Base, Index, SLOT_BITS),
        __ATOMIC_RELAXED));
  if (Index > PerdureAbiFotIndexMax)
    return 0;
  return __atomic_load_n(
      (uint64_t *)perdureFotCacheEntry(Base, Index, SLOT_BITS),
      __ATOMIC_RELAXED);
}

/* By which pointer Container leads to P in another object, once that is known;
   else 0. Both lie in the window. A slot keeps its object, and an object its
   index in the other's FOT, until the store closes and clears its rows: so the
   row and the wide row, wherever both know an index, know the same.          */
static uint64_t cachedForeign(uint64_t P, const void *Container) {
  uint64_t Base = baseOf(Container), Target = baseOf((const void *)P);
  uint64_t Offset = P - Target;
  if (!perdureIsOffset(Offset, SLOT_BITS))
    return 0;
  uint64_t Known =
      __atomic_load_n(perdureIndexRowEntry(__perdure_window.index_rows, Base,
                                           Target, SLOT_BITS),
                      __ATOMIC_RELAXED);
  if (baseOf((const void *)Known) == Target)
    return perdureMakeForeign(Known - Target, Offset);
  /* Not written to the row: threads would take its line from one another. */
  uint64_t Index = __atomic_load_n(
      perdureWideIndexEntry(__perdure_window.index_rows, __perdure_window.base,
                            Base, Target, SLOT_BITS),
      __ATOMIC_RELAXED);
  return Index ? perdureMakeForeign(Index, Offset) : 0;
}

/*===----------------------------------------------------------------------===*\
|* Cold entries: no register but the result's and the vectors' changes. They
|* call through the PLT, whose resolver may clobber what it likes.
\*===----------------------------------------------------------------------===*/

/* Apart, so that the entries themselves save no register. */
static COLD void *decodeSlow(uint64_t Bits, const void *Container);
static void *decodeSlow(uint64_t Bits, const void *Container) {
  return __perdure_decode(Bits, Container);
}

static COLD uint64_t encodeSlow(const void *P, const void *Container,
                                const char *Where);
static uint64_t encodeSlow(const void *P, const void *Container,
                           const char *Where) {
  return __perdure_encode(P, Container, Where);
}

static COLD uint64_t reencodeSlow(uint64_t Bits, const void *From,
                                  const void *To, const char *Where);
static uint64_t reencodeSlow(uint64_t Bits, const void *From, const void *To,
                             const char *Where) {
  return __perdure_reencode(Bits, From, To, Where);
}

/* Where bits that are no offset lead, when that takes no call; else null. */
static inline void *decodeKnown(uint64_t Bits, const void *Container) {
  if (inWindow(Container)) {
    uint64_t Base = cachedBase(Bits, Container);
    return Base ? (void *)(Base + perdureForeignOffset(Bits)) : NULL;
  }
  return perdureIsPlainNative(Bits, SLOT_BITS) ? (void *)Bits : NULL;
}

/* Code outside loops leaves pointers through the FOT to this, and compact code
   native ones as well. */
void *__perdure_decode_cold(uint64_t Bits, const void *Container) {
  void *P = decodeKnown(Bits, Container);
  return P ? P : decodeSlow(Bits, Container);
}

uint64_t __perdure_encode_cold(const void *P, const void *Container,
                               const char *Where) {
  if (inWindow(Container) && inWindow(P)) {
    uint64_t B = cachedForeign((uint64_t)P, Container);
    if (B)
      return B;
  }
  return encodeSlow(P, Container, Where);
}

/* Copies from one object to another, and out of volatile memory. */
uint64_t __perdure_reencode_cold(uint64_t Bits, const void *From,
                                 const void *To, const char *Where) {
  if (inWindow(To)) {
    void *P = inWindow(From) && perdureIsOffset(Bits, SLOT_BITS)
                  ? (void *)(baseOf(From) + Bits)
                  : decodeKnown(Bits, From);
    uint64_t Offset = (uint64_t)P - baseOf(To);
    if (P && perdureIsOffset(Offset, SLOT_BITS))
      return Offset;
    uint64_t B = inWindow(P) ? cachedForeign((uint64_t)P, To) : 0;
    if (B)
      return B;
  }
  return reencodeSlow(Bits, From, To, Where);
}

/*===----------------------------------------------------------------------===*\
|* Twins
\*===----------------------------------------------------------------------===*/

void *__perdure_decode_object(uint64_t Bits, const void *Container) {
  /* One predicted branch. */
  if (perdureIsOffset(Bits, SLOT_BITS))
    return (void *)(baseOf(Container) + Bits);
  if (Bits == 0)
    return NULL;
  if (inWindow(Container)) {
    uint64_t Base = cachedBase(Bits, Container);
    if (Base)
      return (void *)(Base + perdureForeignOffset(Bits));
  } else if (Bits >> PerdureAbiTaggedBit == 0) {
    return (void *)Bits;
  }
  return __perdure_decode_cold(Bits, Container);
}

uint64_t __perdure_encode_object(const void *P, const void *Container,
                                 const char *Where) {
  if (P == NULL)
    return 0;
  if (inWindow(Container)) {
    uint64_t Offset = (uint64_t)P - baseOf(Container);
    if (perdureIsOffset(Offset, SLOT_BITS))
      return Offset;
  } else if (perdureIsPlainNative((uint64_t)P, SLOT_BITS)) {
    return (uint64_t)P;
  }
  return __perdure_encode_cold(P, Container, Where);
}

uint64_t __perdure_reencode_object(uint64_t Bits, const void *From,
                                   const void *To, const char *Where) {
  int FromIn = inWindow(From), ToIn = inWindow(To);
  if (FromIn == ToIn && (!FromIn || baseOf(From) == baseOf(To)))
    return Bits;
  if (UNLIKELY(perdureIsForeign(Bits) || perdureIsTagged(Bits)))
    return __perdure_reencode_cold(Bits, From, To, Where);
  return __perdure_encode_object(__perdure_decode_object(Bits, From), To,
                                 Where);
}

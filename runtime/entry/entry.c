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
#define JOIN_(A, B) A##B
#define JOIN(A, B) JOIN_(A, B)

/* A translation unit for another slot size or ABI version does not link. */
HIDDEN extern const char JOIN(__perdure_abi_v1_slot, SLOT_BITS);
const char JOIN(__perdure_abi_v1_slot, SLOT_BITS) = 1;

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

/* Before every constructor of the program, 101 and up: those may translate. The
   static initialisers that only start-up code can make come next, at 100. */
__attribute__((constructor(99))) static void registerBinary(void) {
  __perdure_register(PerdureAbiVersion, SLOT_BITS, &__perdure_window);
  if (NamesBegin == NamesEnd || !__ehdr_start)
    return;
  Binary = (struct perdure_binary){__ehdr_start, NamesBegin, NamesEnd, NULL};
  __perdure_register_sites(PerdureAbiVersion, &Binary);
}

/* After every destructor of the program, and before dlclose unmaps it. */
__attribute__((destructor(99))) static void unregisterBinary(void) {
  if (Binary.base)
    __perdure_unregister_sites(&Binary);
}

/*===----------------------------------------------------------------------===*\
|* Cold entries: no register but the result's and the vectors' changes. They
|* call through the PLT, whose resolver may clobber what it likes.
\*===----------------------------------------------------------------------===*/

void *__perdure_decode_cold(uint64_t Bits, const void *Container) {
  return __perdure_decode(Bits, Container);
}

uint64_t __perdure_encode_cold(const void *P, const void *Container,
                               const char *Where) {
  return __perdure_encode(P, Container, Where);
}

uint64_t __perdure_reencode_cold(uint64_t Bits, const void *From,
                                 const void *To, const char *Where) {
  return __perdure_reencode(Bits, From, To, Where);
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
    uint64_t Index = perdureForeignIndex(Bits);
    uint64_t Offset = perdureForeignOffset(Bits);
    if (perdureIsForeign(Bits) && Index <= PerdureAbiFotIndexMax &&
        Offset < perdureLimit(SLOT_BITS)) {
      uint64_t Base = __atomic_load_n(
          (uint64_t *)perdureFotCacheEntry(baseOf(Container), Index, SLOT_BITS),
          __ATOMIC_RELAXED);
      if (Base)
        return (void *)(Base + Offset);
    }
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

/*===- entry.h - Between the entry archive and libperdure.so --------------===*\
|*
|* The archive lies in every binary, the library is shared by all of them.
|* Exported from the library, called by nobody else.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_RUNTIME_ENTRY_ENTRY_H
#define PERDURE_RUNTIME_ENTRY_ENTRY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PERDURE_EXPORTED __attribute__((visibility("default")))

struct perdure_window {
  uintptr_t base, bytes;
  uintptr_t fot_rows, index_rows; /* abi.def */
};

/* Reserves the window and tells where it lies. Ends the process, with a
   message, when it was made for another ABI version or slot size.            */
PERDURE_EXPORTED void __perdure_register(unsigned Version, unsigned SlotBits,
                                         struct perdure_window *Window);

/* One binary that has tables (abi.def): where it begins and where its names
   lie. `next` is the runtime's own; the storage is the binary's. Where its
   sites lie it cannot say: to a linker that drops unused sections a reference
   to their bounds, and they to the code, would mean that all of it is used. */
struct perdure_binary {
  const void *base;
  const char *names, *names_end;
  struct perdure_binary *next;
};

/* From now on fault reports look into these tables, until the second call
   returns; the binary may be unloaded then.                                  */
PERDURE_EXPORTED void __perdure_register_sites(unsigned Version,
                                               struct perdure_binary *Binary);
PERDURE_EXPORTED void __perdure_unregister_sites(struct perdure_binary *Binary);

/* What runs in transactions instead of this binary's functions (abi.def), until
   the second call; the storage is the binary's.                              */
struct perdure_tx_pair;
PERDURE_EXPORTED void
__perdure_tx_register_clones(unsigned Version,
                             const struct perdure_tx_pair *Pairs,
                             uint64_t Count);
PERDURE_EXPORTED void
__perdure_tx_unregister_clones(const struct perdure_tx_pair *Pairs,
                               uint64_t Count);

/* The descriptors of types that a binary brings (types/descriptor.h), until the
   second call. `next` is the runtime's own; the storage is the binary's.      */
struct perdure_descriptors {
  const char *begin, *end;
  struct perdure_descriptors *next;
};
PERDURE_EXPORTED void __perdure_register_types(unsigned Version,
                                               struct perdure_descriptors *Types);
PERDURE_EXPORTED void __perdure_unregister_types(struct perdure_descriptors *Types);

/* The tables of regions (abi.def), for a binary that uses them. The window must
   have been registered.                                                      */
struct perdure_regions {
  const uint64_t *bases, *entries;
};
PERDURE_EXPORTED void
__perdure_register_regions(struct perdure_regions *Regions);

/* The complete translation of region-id, and the base that a key leads to, from
   the hash table, or 0; what is found becomes the thread's __perdure_fat_cache.
 */
PERDURE_EXPORTED void *__perdure_decode_region(uint64_t Bits,
                                               const void *Container);
PERDURE_EXPORTED uint64_t __perdure_encode_region(const void *P,
                                                  const void *Container,
                                                  const char *Where);
PERDURE_EXPORTED uint64_t __perdure_reencode_region(uint64_t Bits,
                                                    const void *From,
                                                    const void *To,
                                                    const char *Where);
PERDURE_EXPORTED uint64_t __perdure_find_region(uint64_t Key);

/* The complete translation, with ordinary calls. */
PERDURE_EXPORTED void *__perdure_decode(uint64_t Bits, const void *Container);
PERDURE_EXPORTED uint64_t __perdure_encode(const void *P, const void *Container,
                                           const char *Where);
PERDURE_EXPORTED uint64_t __perdure_reencode(uint64_t Bits, const void *From,
                                             const void *To, const char *Where);

#ifdef __cplusplus
}
#endif

#endif /* PERDURE_RUNTIME_ENTRY_ENTRY_H */

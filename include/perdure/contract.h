/*===- perdure/contract.h - The early contract, for our own headers -------===*\
|*
|* The compiler's three verbs by name (abi.def, early contract). The passes give
|* these declarations their attributes and lower the calls inline. Programs
|* have no use for them: they load and store fields, or call perdure_decode and
|* perdure_encode of <perdure/runtime.h>.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_CONTRACT_H
#define PERDURE_CONTRACT_H

#include <perdure/attributes.h>
#include <stdint.h>

#if defined(__PERDURE__)
#define PERDURE__ENCODING __PERDURE_ENCODING__
#define PERDURE__SYMBOL(Name) __asm__(Name)
#else
#define PERDURE__ENCODING 0
#define PERDURE__SYMBOL(Name)
#endif

/* Whether a target has one value at one container for certain:
   Traits::Canonical in passes/Encoding.h, of the same table. Of encodings that
   other projects bring nothing is known here. */
enum {
#define PERDURE_ENCODING_CANONICAL(Number, Name, Canonical)                    \
  perdure__canonical_##Number = Canonical,
#include <perdure/encodings.def>
  perdure__canonical_end
};
#define PERDURE__CANONICAL(Number) perdure__canonical_##Number

#ifdef __cplusplus
#define PERDURE__INLINE inline __attribute__((always_inline))
#define PERDURE__NOEXCEPT noexcept
extern "C" {
#else
#define PERDURE__INLINE static inline __attribute__((always_inline, unused))
#define PERDURE__NOEXCEPT
#endif

void *perdure__decode(uint64_t bits, const volatile void *container,
                      int encoding) PERDURE__NOEXCEPT
    PERDURE__SYMBOL("perdure.decode");
uint64_t perdure__encode(const volatile void *p, const volatile void *container,
                         uint64_t old, int encoding) PERDURE__NOEXCEPT
    PERDURE__SYMBOL("perdure.encode");

#ifdef __cplusplus
}
#endif

#endif /* PERDURE_CONTRACT_H */

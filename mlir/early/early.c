/*===- early.c - The early contract as functions --------------------------===*\
|*
|* libperdure-early.so, for who runs IR that still calls the early contract: the
|* JIT of mlir-runner, an interpreter. Where PerdurePasses.so runs, nothing calls
|* these. They are the callable twins (abi.def), chosen by the encoding's number.
|*
\*===----------------------------------------------------------------------===*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
#define PERDURE_ABI_ENCODING(Number, Name, Text, Doc) Name = Number,
#include "perdure/abi.def"
};
#define PERDURE_ABI_NUMBER(Name, Value, Doc)                                   \
  static const uint64_t Abi##Name __attribute__((unused)) = Value;
#include "perdure/abi.def"

#define TWINS(Name)                                                            \
  void *__perdure_decode_##Name(uint64_t bits, const void *container);         \
  uint64_t __perdure_encode_##Name(const void *p, const void *container,       \
                                   const char *where);                         \
  uint64_t __perdure_reencode_##Name(uint64_t bits, const void *from,          \
                                     const void *to, const char *where);
TWINS(object)
TWINS(self_relative)
TWINS(xor)
TWINS(region_id)

#define EXPORT __attribute__((visibility("default")))
EXPORT void *decode(uint64_t, const void *, int) __asm__("perdure.decode");
EXPORT uint64_t encode(const void *, const void *, uint64_t,
                       int) __asm__("perdure.encode");
EXPORT uint64_t reencode(uint64_t, const void *, const void *, uint64_t,
                         int) __asm__("perdure.reencode");
EXPORT void *base(const void *) __asm__("perdure.base");

static _Noreturn void unknown(int encoding) {
  fprintf(stderr,
          "perdure: encoding %d has no callable form: run the passes "
          "(perdure-cc, or opt with PerdurePasses.so)\n",
          encoding);
  abort();
}

void *decode(uint64_t bits, const void *container, int encoding) {
  switch (encoding) {
  case Object:
    return __perdure_decode_object(bits, container);
  case Native:
    return (void *)bits;
  case SelfRelative:
    return __perdure_decode_self_relative(bits, container);
  case Xor:
    return __perdure_decode_xor(bits, container);
  case RegionId:
    return __perdure_decode_region_id(bits, container);
  }
  unknown(encoding);
}

uint64_t encode(const void *p, const void *container, uint64_t old,
                int encoding) {
  (void)old;
  switch (encoding) {
  case Object:
    return __perdure_encode_object(p, container, 0);
  case Native:
    return (uint64_t)p;
  case SelfRelative:
    return __perdure_encode_self_relative(p, container, 0);
  case Xor:
    return __perdure_encode_xor(p, container, 0);
  case RegionId:
    return __perdure_encode_region_id(p, container, 0);
  }
  unknown(encoding);
}

uint64_t reencode(uint64_t bits, const void *from, const void *to, uint64_t old,
                  int encoding) {
  (void)old;
  switch (encoding) {
  case Object:
    return __perdure_reencode_object(bits, from, to, 0);
  case Native:
    return bits;
  case SelfRelative:
    return __perdure_reencode_self_relative(bits, from, to, 0);
  case Xor:
    return __perdure_reencode_xor(bits, from, to, 0);
  case RegionId:
    return __perdure_reencode_region_id(bits, from, to, 0);
  }
  unknown(encoding);
}

void *base(const void *container) {
  return (void *)((uint64_t)container & -((uint64_t)1 << AbiSlotBits));
}

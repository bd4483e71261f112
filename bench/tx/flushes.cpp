//===- flushes.cpp - Lines flushed and fences -----------------------------===//
//
// Perdure asks libpmem2 for functions that flush and fence, libpmemobj calls
// libpmem's. Both meet the program's first, which count and go on to the
// library's.
//
//===----------------------------------------------------------------------===//

#include "flushes.h"
#include "tx.h"

#include <dlfcn.h>

Flushes Flushed;

namespace {

// libpmem.h and libpmem2.h are not needed to build the columns.
constexpr unsigned NoDrain = 1 << 0, NoFlush = 1 << 5;
using FlushFunction = void (*)(const void *, size_t);
using DrainFunction = void (*)();

template <class Function> Function *next(const char *Name) {
  void *Found = dlsym(RTLD_NEXT, Name);
  if (!Found)
    stop(Name, "no library has it");
  return reinterpret_cast<Function *>(Found);
}

void countLines(const void *P, size_t Bytes) {
  auto Address = reinterpret_cast<uintptr_t>(P);
  if (Bytes)
    Flushed.Lines += (Address + Bytes - 1) / 64 - Address / 64 + 1;
}

void countWrite(const void *P, size_t Bytes, unsigned Flags) {
  if (Flags & NoFlush)
    return;
  countLines(P, Bytes);
  Flushed.Fences += !(Flags & NoDrain);
}

FlushFunction Flush;
DrainFunction Drain;

} // namespace

#define LIBRARY __attribute__((visibility("default")))

extern "C" {

LIBRARY FlushFunction pmem2_get_flush_fn(void *Map) {
  static auto *Next = next<FlushFunction(void *)>(__func__);
  Flush = Next(Map);
  return [](const void *P, size_t Bytes) {
    countLines(P, Bytes);
    Flush(P, Bytes);
  };
}
LIBRARY DrainFunction pmem2_get_drain_fn(void *Map) {
  static auto *Next = next<DrainFunction(void *)>(__func__);
  Drain = Next(Map);
  return [] {
    ++Flushed.Fences;
    Drain();
  };
}

LIBRARY void pmem_flush(const void *P, size_t Bytes) {
  static auto *Next = next<void(const void *, size_t)>(__func__);
  countLines(P, Bytes);
  Next(P, Bytes);
}
LIBRARY void pmem_drain() {
  static auto *Next = next<void()>(__func__);
  ++Flushed.Fences;
  Next();
}
LIBRARY void pmem_persist(const void *P, size_t Bytes) {
  static auto *Next = next<void(const void *, size_t)>(__func__);
  countWrite(P, Bytes, 0);
  Next(P, Bytes);
}
LIBRARY void *pmem_memcpy(void *To, const void *From, size_t Bytes,
                          unsigned Flags) {
  static auto *Next =
      next<void *(void *, const void *, size_t, unsigned)>(__func__);
  countWrite(To, Bytes, Flags);
  return Next(To, From, Bytes, Flags);
}
LIBRARY void *pmem_memmove(void *To, const void *From, size_t Bytes,
                           unsigned Flags) {
  static auto *Next =
      next<void *(void *, const void *, size_t, unsigned)>(__func__);
  countWrite(To, Bytes, Flags);
  return Next(To, From, Bytes, Flags);
}
LIBRARY void *pmem_memset(void *To, int Byte, size_t Bytes, unsigned Flags) {
  static auto *Next = next<void *(void *, int, size_t, unsigned)>(__func__);
  countWrite(To, Bytes, Flags);
  return Next(To, Byte, Bytes, Flags);
}
}

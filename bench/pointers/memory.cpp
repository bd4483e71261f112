//===- memory.cpp - Where the structures lie ------------------------------===//

#include "memory.h"
#include <fcntl.h>
#include <libpmemobj.h>
#include <perdure/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <valgrind/valgrind.h>

using namespace lab;

void lab::stop(const std::string &What, const char *Why) {
  fprintf(stderr, "%s: %s\n", What.c_str(), Why);
  exit(1);
}

void *Arena::take(size_t Bytes, size_t Rank) {
  size_t Which = Rank;
  if (How == Spread::Random)
    Which = (Rank * 0x9E3779B97F4A7C15u) >> 32;
  Part &P = Parts[Which % Count];
  Bytes = (Bytes + 15) & ~size_t(15);
  if (static_cast<size_t>(P.End - P.Cursor) < Bytes)
    stop("arena", "a workload needs more memory than it said");
  void *Block = P.Cursor;
  P.Cursor += Bytes;
  return Block;
}

std::vector<Arena::Part> lab::objects(const std::string &Dir, size_t Count,
                                      size_t Bytes) {
  perdure_store *Store =
      perdure_store_open((Dir + "/store").c_str(), PERDURE_CREATE);
  if (!Store)
    stop("perdure_store_open", perdure_errormsg());
  std::vector<Arena::Part> Parts;
  for (size_t I = 0; I != Count; ++I) {
    void *Root = perdure_create(Store, std::to_string(I).c_str(), 64, 0);
    char *Block =
        Root ? static_cast<char *>(perdure_alloc(Root, Bytes)) : nullptr;
    if (!Block)
      stop("an object", perdure_errormsg());
    Parts.push_back({Block, Block, Block + Bytes});
  }
  return Parts;
}

std::vector<Arena::Part> lab::pools(const std::string &Dir, size_t Count,
                                    size_t Bytes) {
  std::vector<Arena::Part> Parts;
  for (size_t I = 0; I != Count; ++I) {
    // A file with holes: pools are 8 MiB at least.
    std::string File = Dir + "/pool" + std::to_string(I);
    int Fd = open(File.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
    off_t Size = static_cast<off_t>(PMEMOBJ_MIN_POOL + Bytes + Bytes / 8);
    if (Fd < 0 || ftruncate(Fd, Size) || close(Fd))
      stop(File, "cannot be made");
    PMEMobjpool *Pool = pmemobj_create(File.c_str(), "lab", 0, 0600);
    PMEMoid Block = OID_NULL;
    if (!Pool || pmemobj_alloc(Pool, &Block, Bytes + 64, 1, nullptr, nullptr))
      stop("a pool", pmemobj_errormsg());
    unlink(File.c_str());
    uintptr_t Begin =
        (reinterpret_cast<uintptr_t>(pmemobj_direct(Block)) + 63) &
        ~uintptr_t(63);
    char *P = reinterpret_cast<char *>(Begin);
    memset(P, 0, Bytes);
    Parts.push_back({P, P, P + Bytes});
  }
  return Parts;
}

std::vector<Arena::Part> lab::heap(size_t Count, size_t Bytes) {
  std::vector<Arena::Part> Parts;
  for (size_t I = 0; I != Count; ++I) {
    char *Block;
    if (!RUNNING_ON_VALGRIND)
      Block =
          static_cast<char *>(aligned_alloc(64, (Bytes + 63) & ~size_t(63)));
    else // whose malloc gives addresses below the slot size, unlike any other
      Block = static_cast<char *>(mmap(reinterpret_cast<void *>(0xE00000000),
                                       Bytes, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (!Block || Block == MAP_FAILED)
      stop("heap", "no memory");
    memset(Block, 0, Bytes);
    Parts.push_back({Block, Block, Block + Bytes});
  }
  return Parts;
}

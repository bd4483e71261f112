//===- perdure_objects.h - Objects of Perdure for both columns --*- C++ -*-===//

#include "../../pointers/representations/annotated.h"

#include <filesystem>
#include <perdure/runtime.h>

#define LOG(Address, Bytes)

inline void *Root;

inline void *create(const std::string &Dir, size_t RootBytes) {
  perdure_store *S =
      perdure_store_open((Dir + "/store").c_str(), PERDURE_CREATE);
  Root =
      S ? perdure_create(S, "bench", RootBytes, durable() ? PERDURE_DURABLE : 0)
        : nullptr;
  if (!Root)
    stop("perdure", perdure_errormsg());
  return Root;
}
template <class T, class Near> T *allocate(Near *R, size_t Count = 1) {
  void *Block = perdure_alloc(R, Count * sizeof(T));
  if (!Block)
    stop("perdure_alloc", perdure_errormsg());
  return (T *)Block; // a static_cast does not make arrays of annotated pointers
}
inline void release(void *Block) { perdure_free(Block); }

//===- block_list.h - All blocks of an object -------------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_API_BLOCK_LIST_H
#define PERDURE_RUNTIME_API_BLOCK_LIST_H

#include "object/object.h"

namespace perdure {

/// By ascending offset.
struct BlockList {
  struct perdure_block *Items = nullptr;
  size_t Count = 0, Room = 0;

  BlockList() = default;
  ~BlockList();
  BlockList(const BlockList &) = delete;
  BlockList &operator=(const BlockList &) = delete;
  /// False: ENOMEM, EPROTO.
  bool read(Object &O);

private:
  void add(uint64_t Offset, uint64_t Bytes);
  bool NoMemory = false;
};

} // namespace perdure

#endif // PERDURE_RUNTIME_API_BLOCK_LIST_H

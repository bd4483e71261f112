//===- format.h - The allocator's part of an object's file ------*- C++ -*-===//
//
// The page map has one descriptor of 8 bytes per page of the file; descriptors
// of the header and of extents are 0, for the state tells where those lie.
//
//    63    56 55    48 47        32 31                 0
//    kind     class    0            pages, or distance
//
//    0 Free
//    1 Slab      first page of a slab: class, pages
//    2 Inside    later page of a slab: distance to the first; means nothing
//                when no slab reaches that far
//    3 Large     first page of a block of whole pages: pages
//
// Descriptors between a Large and its end mean nothing. One store of one
// descriptor allocates or frees pages; one store of one word of a slab's bitmap
// allocates or frees a block. What is free is nowhere else in the file.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_ALLOC_FORMAT_H
#define PERDURE_RUNTIME_ALLOC_FORMAT_H

#include "object/format.h"

namespace perdure {

enum class PageKind : uint8_t { Free = 0, Slab = 1, Inside = 2, Large = 3 };

struct PageDescriptor {
  uint64_t Word;

  PageKind kind() const { return (PageKind)(Word >> 56); }
  unsigned sizeClass() const { return Word >> 48 & 0xff; }
  uint64_t pages() const { return (uint32_t)Word; }
};

constexpr uint64_t makeDescriptor(PageKind Kind, unsigned Class,
                                  uint64_t Pages) {
  return (uint64_t)Kind << 56 | (uint64_t)Class << 48 | Pages;
}

constexpr uint64_t FirstMapExtent = FilePage / sizeof(PageDescriptor);

/// The first line of a slab; its blocks follow it.
struct SlabHeader {
  uint32_t Magic;
  uint32_t BlockBytes;
  uint64_t Reserved[3]; // zero
  uint64_t Used[4];     // a bit per block
};
static_assert(sizeof(SlabHeader) == 64, "");
constexpr uint32_t SlabMagic = 0x42414c53; // "SLAB"

/// Blocks of 64 bytes and more start at a cache line; those of 16 and 32 never
/// cross one. Those of 48 do at times: three in four lines instead of holes.
struct SizeClass {
  uint16_t BlockBytes;
  uint16_t Pages; // of a slab

  constexpr unsigned blocks() const {
    return (unsigned)((Pages * FilePage - sizeof(SlabHeader)) / BlockBytes);
  }
};
constexpr SizeClass Classes[] = {
    {16, 1},    {32, 2},    {48, 3},    {64, 4},    {128, 4},   {192, 4},
    {256, 4},   {320, 4},   {384, 4},   {448, 4},   {512, 4},   {640, 8},
    {768, 8},   {896, 8},   {1024, 8},  {1280, 16}, {1536, 16}, {1792, 16},
    {2048, 16}, {2560, 16}, {3072, 16}, {3584, 16},
};
constexpr unsigned ClassCount = sizeof(Classes) / sizeof(*Classes);
constexpr uint64_t LargestClass = Classes[ClassCount - 1].BlockBytes;

} // namespace perdure

#endif // PERDURE_RUNTIME_ALLOC_FORMAT_H

//===- memory.h - Where the structures lie ----------------------*- C++ -*-===//

#ifndef PERDURE_BENCH_MEMORY_H
#define PERDURE_BENCH_MEMORY_H

#include "lab.h"
#include <string>
#include <vector>

namespace lab {

[[noreturn]] void stop(const std::string &What, const char *Why);

/// A part of the wanted size in each of so many objects, pools or blocks of the
/// heap, which all variants use in turn. Gone at the end of the process.
std::vector<Arena::Part> objects(const std::string &Dir, size_t Count,
                                 size_t Bytes);
std::vector<Arena::Part> pools(const std::string &Dir, size_t Count,
                               size_t Bytes);
std::vector<Arena::Part> heap(size_t Count, size_t Bytes);

} // namespace lab

#endif // PERDURE_BENCH_MEMORY_H

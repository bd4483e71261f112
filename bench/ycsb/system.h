//===- system.h - What a store has to do ------------------------*- C++ -*-===//
//
// One file in systems/ for each store. All do the same work: a read copies the
// value out, a write replaces the whole value and is committed when it returns,
// a scan looks at the bytes of keys and values where they lie. Where a call
// fails the program ends.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_YCSB_SYSTEM_H
#define PERDURE_BENCH_YCSB_SYSTEM_H

#include <memory>
#include <stdint.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ycsb {

[[noreturn]] void stop(const char *What, const char *Why);

/// Of everything that is read, in order.
class Checksum {
  uint64_t Sum = 0;

public:
  void add(std::string_view Bytes);
  uint64_t value() const { return Sum; }
};

struct Settings {
  std::string Directory; // empty
  uint64_t Records;      // that are loaded; up to half as many more come later
  size_t ValueBytes;
  bool Durable; // each commit survives a power failure
};

/// For one thread.
class Handle {
public:
  virtual ~Handle() = default;
  /// Copies the value of a key that is there; returns its size.
  virtual size_t read(std::string_view Key, char *Buffer, size_t Bytes) = 0;
  virtual void update(std::string_view Key, std::string_view Value) = 0;
  virtual void insert(std::string_view Key, std::string_view Value) = 0;
  /// Up to `Count` pairs, from the first whose key is not less.
  virtual void scan(std::string_view From, unsigned Count, Checksum &Into) = 0;
};

class Store {
public:
  using Batch = std::vector<std::pair<std::string, std::string_view>>;

  virtual ~Store() = default;
  /// In one transaction.
  virtual void load(const Batch &Pairs) = 0;
  /// Before anything is measured.
  virtual void loaded() {}
  /// For one of so many threads, whose handles there are at the same time.
  virtual std::unique_ptr<Handle> handle(unsigned Threads) = 0;
  /// What its files take; 0 for what the file system says of them.
  virtual uint64_t fileBytes() const { return 0; }
  /// Where values are given back as they were written; not so in the one that
  /// does nothing.
  virtual bool keeps() const { return true; }
};

/// Each program has one.
std::unique_ptr<Store> open(const Settings &S);

/// Rows of the program's own, behind those of YCSB: bench/sql has some. What
/// they use is returned, and goes when they have run.
std::shared_ptr<void> addRows(const Settings &S);

/// What the file system of this directory has still to write is on its disk
/// then, if it is on one.
void writeBack(const std::string &Directory);

} // namespace ycsb

#endif // PERDURE_BENCH_YCSB_SYSTEM_H

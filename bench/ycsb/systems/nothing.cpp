//===- nothing.cpp - What the program itself takes ------------------------===//
//
// Generating operations, reading the clock and summing what is read, as much as
// a store gives, without a store.
//
//===----------------------------------------------------------------------===//

#include "../system.h"

namespace {

using namespace ycsb;

class NoHandle : public Handle {
  std::string Key = std::string(23, '0'), Value;

public:
  explicit NoHandle(size_t Bytes) : Value(Bytes, '0') {}
  size_t read(std::string_view, char *, size_t) override {
    return Value.size();
  }
  void update(std::string_view, std::string_view) override {}
  void insert(std::string_view, std::string_view) override {}
  void scan(std::string_view, unsigned Count, Checksum &Into) override {
    for (; Count; --Count) {
      Into.add(Key);
      Into.add(Value);
    }
  }
};

class NoStore : public Store {
  size_t Bytes;

public:
  explicit NoStore(size_t Bytes) : Bytes(Bytes) {}
  void load(const Batch &) override {}
  std::unique_ptr<Handle> handle(unsigned) override {
    return std::make_unique<NoHandle>(Bytes);
  }
  bool keeps() const override { return false; }
};

} // namespace

std::unique_ptr<Store> ycsb::open(const Settings &S) {
  return std::make_unique<NoStore>(S.ValueBytes);
}

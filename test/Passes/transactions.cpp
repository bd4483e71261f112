// The same in C++: exceptions, lambdas, templates, methods, destructors, and
// perdure::transact.
//
// RUN: %cc -O1 -fexceptions -c %S/Inputs/tx-recorder.c -o %t.stub.o
// RUN: %clangxx -std=c++23 -O0 %s %t.stub.o -o %t.O0 && %t.O0
// RUN: %clangxx -std=c++23 -O1 %s %t.stub.o -o %t.O1 && %t.O1
// RUN: %clangxx -std=c++23 -O2 %s %t.stub.o -o %t.O2 && %t.O2
// RUN: %clangxx -std=c++23 -O3 %s %t.stub.o -o %t.O3 && %t.O3
#include "Inputs/tx-recorder.h"
#include <perdure/transaction.h>

#include <cstring>
#include <stdexcept>

struct counter {
  long value;
  void add(long n) { value += n; }
  counter &operator=(long n) {
    value = n;
    return *this;
  }
};
#define C (reinterpret_cast<counter *>(arena + 64))

struct at_end {
  long *where;
  ~at_end() { *where += 1; }
};
template <typename T> static void store(T *p, T v) { *p = v; }

[[perdure::transaction]] static long commit(long n) {
  at_end guard{&C[9].value};
  C[0].add(n);
  C[1] = n;
  store(&C[2].value, n);
  store(reinterpret_cast<char *>(&C[3]), char(n));
  auto set = [&](int i) { C[i].value = n; };
  set(4);
  return C[0].value;
}
[[perdure::transaction]] static void throws(long n) {
  at_end guard{&C[9].value};
  commit(n);
  throw std::runtime_error("no");
}
struct [[maybe_unused]] user {
  [[perdure::transaction]] void abort() {
    C[5] = 5;
    perdure_tx_abort();
    C[6] = 6;
  }
};
// Swallows what came out of a nested transaction: the whole is doomed.
[[perdure::transaction]] static void swallows() {
  C[7] = 7;
  try {
    throws(3);
  } catch (const std::runtime_error &) {
  }
  C[8] = 8;
}

static unsigned char saved[ARENA_BYTES];
static bool unchanged() { return !std::memcmp(arena, saved, ARENA_BYTES); }
template <typename E, typename F> static bool raises(F f) {
  try {
    f();
  } catch (const E &) {
    return true;
  }
  return false;
}

int main() {
  EXPECT(commit(3) == 3 && commit(4) == 7);
  EXPECT(C[4].value == 4 && C[9].value == 2 && logged_bytes() == 41);
  std::memcpy(saved, arena, ARENA_BYTES);
  EXPECT(raises<std::runtime_error>([] { throws(9); }) && unchanged());
  EXPECT(raises<perdure::aborted>([] { user().abort(); }) && unchanged());
  EXPECT(raises<perdure::aborted>([] { swallows(); }) && unchanged());
  EXPECT(!perdure::transact(arena, [] { user().abort(); }) && unchanged());
  EXPECT(!perdure::transact(&saved, [] { C[0] = 1; }) && unchanged());
  EXPECT(raises<std::logic_error>([] {
           perdure::transact(nullptr, [] {
             C[1] = 1;
             throw std::logic_error("no");
           });
         }) &&
         unchanged());
  EXPECT(!perdure::transact(arena, [] {
    perdure::transact(arena, [] {
      C[1] = 1;
      perdure_tx_abort();
    });
    C[2] = 2;
  }) && unchanged());
  long n = 11;
  EXPECT(perdure::transact(arena, [&] { C[1] = n; }) && C[1].value == 11);
  auto marked = [&] [[perdure::transaction]] () { C[1].add(n); };
  marked();
  EXPECT(C[1].value == 22);
  return 0;
}

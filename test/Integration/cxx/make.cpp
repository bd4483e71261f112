// perdure::make and destroy: objects of every kind of type, failure, and what
// is freed.
//
// RUN: %python %S/Inputs/relocated.py "%perdure_cxx" "%window_low" "%window_high" %t %s -std=c++17
// RUN: %perdure_cxx -fno-exceptions -O1 %s -o %t/plain
// RUN: %run %t/plain %t/store build
#include "Inputs/object.h"

#include <new>

static int living;

struct [[perdure::persistent]] node {
  node *next;
  long value;
  node(node *next, long value) : next(next), value(value) { ++living; }
  ~node() { --living; }
};
struct [[perdure::persistent]] aggregate {
  node *first;
  long numbers[3];
};
struct [[perdure::persistent]] counted {
  perdure::ref<counted> self;
  long value = 7;
  counted() : self(this) { ++living; }
  ~counted() { --living; }
};
struct alignas(64) aligned {
  char bytes[64] = {};
};

struct [[perdure::persistent]] root {
  node *list = nullptr;
  aggregate *aggregate = nullptr;
  perdure::ptr<counted> many = nullptr;
  const long *constant = nullptr;
};

static std::uint64_t blocks(const void *p) {
  struct perdure_stat stat;
  CHECK(!perdure_stat(p, &stat));
  return stat.blocks;
}

#if defined(__cpp_exceptions)
struct thrower {
  thrower() { throw 1; }
};

static void failures(root *r) {
  std::uint64_t before = blocks(r);
  try {
    (void)perdure::make<thrower>(r);
    CHECK(false);
  } catch (int) {
  }
  try {
    (void)perdure::make<thrower[]>(r, 3);
    CHECK(false);
  } catch (int) {
  }
  CHECK(blocks(r) == before);
  for (std::size_t count : {std::size_t(-1) / 8, std::size_t(1) << 45}) {
    try {
      (void)perdure::make<long[]>(r, count);
      CHECK(false);
    } catch (const std::bad_alloc &) {
    }
  }
  long local;
  try {
    (void)perdure::make<long>(&local, 1);
    CHECK(false);
  } catch (const std::bad_alloc &) {
    CHECK(*perdure_errormsg());
  }
}
#else
static void failures(root *r) {
  CHECK(!perdure::make<long[]>(r, std::size_t(-1) / 8));
  CHECK(!perdure::make<long[]>(r, std::size_t(1) << 45));
  long local;
  CHECK(!perdure::make<long>(&local, 1));
}
#endif

static void build(root *r) {
  for (long i = 0; i < 100; ++i)
    r->list = perdure::make<node>(r, r->list, i);
  r->aggregate = perdure::make<aggregate>(r->list, r->list, 1, 2, 3);
  r->many = perdure::make<counted[]>(r, 10);
  r->constant = perdure::make<const long>(r, 5);
  CHECK(living == 110);
}

static void check(root *r) {
  long expected = 100;
  for (node *n = r->list; n; n = n->next)
    CHECK(n->value == --expected);
  CHECK(expected == 0 && r->aggregate->first == r->list &&
        r->aggregate->numbers[2] == 3 && *r->constant == 5);
  for (int i = 0; i < 10; ++i)
    CHECK(r->many[i].value == 7 && r->many[i].self == &r->many[i]);

  std::uint64_t before = blocks(r);
  int lived = living;
  node *n = perdure::make<node>(r, nullptr, 1);
  counted *some = perdure::make<counted[]>(r, 5);
  perdure::ref<long> number = perdure::make<long>(r);
  auto *lines = perdure::make<aligned[]>(r, 3);
  const node *constant = perdure::make<const node>(r, n, 2);
  CHECK(living == lived + 7 && *number == 0 && blocks(r) == before + 5);
  CHECK((std::uintptr_t)lines % 64 == 0);
  perdure::destroy(n);
  perdure::destroy(some, 5);
  perdure::destroy(number.get());
  perdure::destroy(lines, 3);
  perdure::destroy(constant);
  perdure::destroy((node *)nullptr);
  CHECK(living == lived && blocks(r) == before);
  failures(r);
}

static void anywhere() {}

RUN_IN_OBJECT

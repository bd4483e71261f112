// A coroutine whose frame lies in an object: what is a local elsewhere is there
// a container in an object, and must be encoded as one. The locals of functions that
// are inlined into it are none of its own, even if an exception ends them.
//
// RUN: rm -rf %t.store && %perdure_cxx -std=c++20 -O0 %s -o %t.O0 && %t.O0 %t.store
// RUN: rm -rf %t.store && %perdure_cxx -std=c++20 -O2 %s -o %t.O2 && %t.O2 %t.store
// RUN: rm -rf %t.store && %perdure_cxx -std=c++20 -O3 -flto %s -o %t.lto && %t.lto %t.store
// RUN: rm -rf %t.store && %perdure_cxx -std=c++20 -O2 -fperdure-encoding=strict %s -o %t.strict && %t.strict %t.store
#include <perdure/perdure.h>

#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#define CHECK(what)                                                            \
  do {                                                                         \
    if (!(what)) {                                                             \
      std::fprintf(stderr, "%d: not so: %s\n", __LINE__, #what);               \
      std::exit(1);                                                            \
    }                                                                          \
  } while (0)

struct [[perdure::persistent]] node {
  node *next;
  long value;
};

struct task {
  struct promise_type {
    task get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
    std::suspend_always yield_value(node *n) {
      yielded = n;
      return {};
    }
    // The frame lies in the object that holds the coroutine's first argument.
    static void *operator new(std::size_t bytes, node *near_, node **) {
      return perdure_alloc(near_, bytes);
    }
    static void operator delete(void *p) { perdure_free(p); }
    node *yielded = nullptr;
  };
  std::coroutine_handle<promise_type> handle;
};

static bool in_object_of(const void *p, const void *near_) {
  auto slot = [](const void *q) {
    return reinterpret_cast<std::uintptr_t>(q) >> __PERDURE_SLOT_BITS__;
  };
  return slot(p) == slot(near_);
}

// `cursor` lives across suspensions, in the frame, and its address escapes.
static task walk(node *head, node **where) {
  node cursor{head, 0};
  *where = &cursor;
  while (cursor.next) {
    co_yield cursor.next;
    cursor.next = cursor.next->next;
    ++cursor.value;
  }
  co_yield &cursor;
}

__attribute__((noinline)) static long look(node *n) {
  if (n->value < 0)
    throw 1;
  return n->next->value;
}

static node *seen;
__attribute__((noinline)) static void show(node *n) { seen = n; }

// Its local has no end on the way of the exception.
static inline long peek(node *head, long sign) {
  node local{head->next, sign};
  show(&local);
  return look(&local);
}

static task catching(node *head, node **) {
  node result{nullptr, 0};
  for (long i = 0; i != 3; ++i) {
    try {
      result.value += peek(head, i == 1 ? -1 : 1);
    } catch (int) {
      result.value += 100;
    }
    co_yield &result;
  }
}

__attribute__((noinline)) static task startCatching(node *head) {
  return catching(head, nullptr);
}

// A caller that also destroys the coroutine may keep the frame on its stack.
__attribute__((noinline)) static task start(node *head, node **where) {
  return walk(head, where);
}

int main(int, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  CHECK(store);
  auto *head = static_cast<node *>(perdure_create(store, "list", sizeof(node), 0));
  CHECK(head);
  head->next = nullptr;
  for (long i = 1; i <= 3; ++i) {
    auto *n = static_cast<node *>(perdure_alloc(head, sizeof(node)));
    n->value = i;
    n->next = head->next;
    head->next = n;
  }
  node *cursor = nullptr;
  task t = start(head, &cursor);
  CHECK(in_object_of(t.handle.address(), head));
  long sum = 0, steps = 0;
  for (t.handle.resume(); t.handle.promise().yielded != cursor; t.handle.resume()) {
    node *at = t.handle.promise().yielded;
    CHECK(in_object_of(cursor, head));
    CHECK(cursor->next == at);
#if __PERDURE_ENCODING__ == 0
    // The bits in the frame are an object's, not an address.
    std::uint64_t bits;
    std::memcpy(&bits, static_cast<void *>(cursor), sizeof bits);
    CHECK(bits < (1ull << __PERDURE_SLOT_BITS__));
    CHECK(perdure_decode(bits, cursor) == at);
#endif
    sum += at->value;
    ++steps;
  }
  CHECK(steps == 4 && sum == 6 && cursor->value == 4);
  t.handle.destroy();

  t = startCatching(head);
  CHECK(in_object_of(t.handle.address(), head));
  for (long want : {3, 103, 106}) {
    t.handle.resume();
    CHECK(t.handle.promise().yielded->value == want);
  }
  CHECK(seen);
  t.handle.destroy();
  perdure_close(head);
  perdure_store_close(store);
}

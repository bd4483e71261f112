// A coroutine whose frame lies in an object: its locals hold offsets. Nothing in
// it is resolved to volatile memory, at any level.
// RUN: %cc -O1 -c %S/Inputs/stub-runtime.c -o %t.stub.o
// RUN: %clangxx -std=c++20 -O0 %s %t.stub.o -o %t.O0 && %t.O0 | FileCheck %s
// RUN: %clangxx -std=c++20 -O2 %s %t.stub.o -o %t.O2 && %t.O2 | FileCheck %s
// CHECK: ok
#include <coroutine>
#include <new>
#include <perdure/perdure.h>
extern "C" {
#include "Inputs/stub-runtime.h"
}

struct [[perdure::persistent]] Node {
  Node *next;
  long value;
};

struct Task {
  struct promise_type {
    void *operator new(size_t) { return stub_slot(1) + 65536; }
    void operator delete(void *) {}
    Task get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  std::coroutine_handle<promise_type> handle;
};

__attribute__((noinline)) long look(Node *n) {
  return n->next ? n->next->value : -1;
}

Task walk(Node *first, long *sum) {
  Node local{first, 0}; // lives across suspensions: in the frame
  while (local.next) {
    *sum += look(&local);
    co_await std::suspend_always{};
    local.next = local.next->next;
  }
}

int main() {
  Node *n = new (stub_slot(1) + 4096) Node[3]{};
  for (int i = 0; i != 3; ++i) {
    n[i].value = i + 1;
    n[i].next = i < 2 ? &n[i + 1] : nullptr;
  }
  long sum = 0;
  Task t = walk(n, &sum);
  while (!t.handle.done())
    t.handle.resume();
  t.handle.destroy();
  puts(sum == 6 ? "ok" : "wrong");
}

// RUN: %clangxx -std=c++20 -fsyntax-only -Werror %s
// RUN: %clangxx -std=c++20 -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s

// Parameters that are copied into a frame are copied as pointers.
#include <coroutine>
#include <perdure/perdure.h>

struct PERDURE node { node *next; };
struct task {
  struct promise_type {
    task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
};
// CHECK-LABEL: define {{.*}}@_Z4body4nodePS_
// CHECK: call void @_ZN4nodeC2EOS_
// CHECK: call i64 @llvm.ptrauth.sign
// CHECK: call i64 @llvm.ptrauth.resign
task body(node n, perdure::ptr<node> p) {
  perdure::ptr<node> kept = p;
  co_await std::suspend_always{};
  n.next = kept;
}

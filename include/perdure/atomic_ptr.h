/*===- perdure/atomic_ptr.h - std::atomic<T *> for objects ----------------===*\
|*
|* perdure::atomic_ptr<T> holds one persistent pointer that is accessed
|* atomically: what std::atomic<T *> is to `T *`, with its members and its
|* meaning, without arithmetic, wait and notify. Lock-free. It has the size of a
|* pointer and may be a field of annotated records.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_ATOMIC_PTR_H
#define PERDURE_ATOMIC_PTR_H

#include <perdure/atomic.h>
#include <perdure/ptr.h>

#include <atomic>

#define PERDURE__JOIN_(A, B) A##B
#define PERDURE__JOIN(A, B) PERDURE__JOIN_(A, B)
#define PERDURE__ATOMIC_CAS                                                    \
  PERDURE__JOIN(perdure__atomic_compare_exchange_, PERDURE__ENCODING)

namespace perdure {

template <class T> class atomic_ptr {
  ptr<T> Held;

  static constexpr int order(std::memory_order O) noexcept {
    return static_cast<int>(O);
  }
  /// What a comparison that fails may ask for when an exchange asks for O.
  static constexpr std::memory_order whenFailed(std::memory_order O) noexcept {
    if (O == std::memory_order_acq_rel)
      return std::memory_order_acquire;
    return O == std::memory_order_release ? std::memory_order_relaxed : O;
  }

  static_assert(static_cast<int>(std::memory_order_relaxed) ==
                        __ATOMIC_RELAXED &&
                    static_cast<int>(std::memory_order_seq_cst) ==
                        __ATOMIC_SEQ_CST,
                "memory orders are the compiler's own");

public:
  using value_type = T *;
  using difference_type = std::ptrdiff_t;

  static constexpr bool is_always_lock_free =
      __atomic_always_lock_free(sizeof(Held), static_cast<void *>(nullptr));
  static_assert(is_always_lock_free,
                "a lock would lie in the program, not in the object");
  bool is_lock_free() const noexcept { return true; }

  /// Not atomic, as that of std::atomic. Null when nothing is given.
  atomic_ptr(T *P = nullptr) noexcept : Held(P) {}
  atomic_ptr(const atomic_ptr &) = delete;
  atomic_ptr &operator=(const atomic_ptr &) = delete;

  T *load(std::memory_order O = std::memory_order_seq_cst) const noexcept {
    return perdure_atomic_load_explicit(&Held, order(O));
  }
  operator T *() const noexcept { return load(); }

  void store(T *P, std::memory_order O = std::memory_order_seq_cst) noexcept {
    perdure_atomic_store_explicit(&Held, P, order(O));
  }
  T *operator=(T *P) noexcept {
    store(P);
    return P;
  }

  T *exchange(T *P, std::memory_order O = std::memory_order_seq_cst) noexcept {
    return perdure_atomic_exchange_explicit(&Held, P, order(O));
  }

  bool compare_exchange_strong(T *&Expected, T *Desired,
                               std::memory_order Success,
                               std::memory_order Failure) noexcept {
    return PERDURE__ATOMIC_CAS((void *)&Held, &Expected, Desired,
                               /*weak=*/0, order(Success), order(Failure));
  }
  bool compare_exchange_strong(
      T *&Expected, T *Desired,
      std::memory_order O = std::memory_order_seq_cst) noexcept {
    return compare_exchange_strong(Expected, Desired, O, whenFailed(O));
  }
  bool compare_exchange_weak(T *&Expected, T *Desired,
                             std::memory_order Success,
                             std::memory_order Failure) noexcept {
    return PERDURE__ATOMIC_CAS((void *)&Held, &Expected, Desired,
                               /*weak=*/1, order(Success), order(Failure));
  }
  bool compare_exchange_weak(
      T *&Expected, T *Desired,
      std::memory_order O = std::memory_order_seq_cst) noexcept {
    return compare_exchange_weak(Expected, Desired, O, whenFailed(O));
  }
};

} // namespace perdure

#endif /* PERDURE_ATOMIC_PTR_H */

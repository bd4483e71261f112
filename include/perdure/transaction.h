/*===- perdure/transaction.h - Transactions for C and C++ ------------------===*\
|*
|* The functions that compiled transactions call, and for C++ what throws and
|* catches aborts. C++ files that use [[perdure::transaction]] include it.
|* docs/LanguageReference.md describes the attributes.
|*
|*   perdure::transact(object, [&] { ... })   true: committed; false: aborted
|*   perdure::aborted                         what perdure_tx_abort throws
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_TRANSACTION_H
#define PERDURE_TRANSACTION_H

#include <perdure/attributes.h>
#include <perdure/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a transaction began: on the stack of the function that began it. `jump`
   is a jmp_buf where the frame can be jumped to.                             */
struct __attribute__((aligned(16))) perdure__tx_frame {
  uint64_t serial;
  uint64_t nested; /* 0: the transaction began here */
  uint64_t jump[64];
};

/* abi.def's numbers, in the range of int. */
enum {
#define PERDURE_ABI_NUMBER(Name, Value, Doc)                                   \
  perdure__abi_##Name = (int)(unsigned)(Value),
#include <perdure/abi.def>
  perdure__abi_end
};
#ifdef __cplusplus
static_assert(sizeof(perdure__tx_frame) == perdure__abi_TxFrameBytes, "");
#else
_Static_assert(sizeof(struct perdure__tx_frame) == perdure__abi_TxFrameBytes,
               "");
#endif

#ifdef __cplusplus
#define PERDURE__NOTHROW noexcept
#else
#define PERDURE__NOTHROW
#endif

PERDURE_API void __perdure_tx_log(const void *p,
                                  uint64_t bytes) PERDURE__NOTHROW;
PERDURE_API void __perdure_tx_enter(struct perdure__tx_frame *f,
                                    uint32_t flags) PERDURE__NOTHROW;
PERDURE_API int __perdure_tx_leave(struct perdure__tx_frame *f) PERDURE__NOTHROW;
PERDURE_API void
__perdure_tx_unwind(struct perdure__tx_frame *f) PERDURE__NOTHROW;
PERDURE_API void __perdure_tx_set_thrower(void (*throws)(void))
    PERDURE__NOTHROW;

#ifdef __cplusplus
} // extern "C"
#endif

#if defined(__cpp_exceptions)
#include <exception>

namespace perdure {

/// What perdure_tx_abort throws in a transaction that C++ began. Everything has
/// been rolled back when it arrives at the outermost end of the transaction.
struct aborted : std::exception {
  const char *what() const noexcept override {
    return "the transaction was aborted";
  }
};

namespace detail {

inline void throw_aborted() { throw aborted(); }

/// Runs in the transaction that its caller began: the compiler clones what it
/// calls.
template <typename Body>
PERDURE_IN_TRANSACTION inline void run(Body &body) {
  body();
}

} // namespace detail

/// Runs `body` as a transaction, or as a part of the one that this thread is in.
/// True: committed (a part: done). False: aborted, everything is as it was; in
/// a part the abort goes on to the outermost end, by an exception. Exceptions
/// that leave `body` roll back and go on. `object` may be null; an address in no
/// object gives false, and `body` does not run.
template <typename Body>
__attribute__((noinline)) /* a frame of its own: what longjmp has left is told
                             by the stack pointer of who called setjmp       */
bool transact(void *object, Body &&body) {
  if (object && !perdure_in_object(object))
    return false;
  perdure__tx_frame frame;
  __perdure_tx_set_thrower(&detail::throw_aborted);
  __perdure_tx_enter(&frame, perdure__abi_TxFrameThrows);
  bool outermost = !frame.nested;
  try {
    detail::run(body);
  } catch (const aborted &) {
    __perdure_tx_unwind(&frame);
    if (!outermost)
      throw;
    return false;
  } catch (...) {
    __perdure_tx_unwind(&frame);
    throw;
  }
  return __perdure_tx_leave(&frame) == 0;
}

} // namespace perdure

#if defined(__PERDURE__)
/* What the compiler puts around C++ functions with the attribute: the passes
   drop them from files that have none.                                       */
extern "C" {
__attribute__((used, noinline)) inline void __perdure_tx_throw_aborted(void) {
  perdure::detail::throw_aborted();
}
__attribute__((used, noinline)) inline void __perdure_tx_arm(void) {
  __perdure_tx_set_thrower(&perdure::detail::throw_aborted);
}
}
#endif
#endif /* __cpp_exceptions */

#endif /* PERDURE_TRANSACTION_H */

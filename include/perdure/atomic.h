/*===- perdure/atomic.h - Atomic access to persistent pointers ------------===*\
|*
|* `_Atomic(T *)` cannot be persistent; these act on an ordinary persistent
|* pointer, `T *persistent *p`, and keep its type:
|*
|*   T   *perdure_atomic_load(p)
|*   void perdure_atomic_store(p, T *value)
|*   T   *perdure_atomic_exchange(p, T *value)
|*   int  perdure_atomic_compare_exchange(p, T **expected, T *desired)
|*
|* and the same with memory orders (__ATOMIC_SEQ_CST and so on):
|*
|*   perdure_atomic_load_explicit(p, order), _store_explicit(p, value, order),
|*   _exchange_explicit(p, value, order),
|*   _compare_exchange_explicit(p, expected, desired, success, failure)
|*
|* Macros in C, function templates in C++. Each argument is evaluated once. They
|* mean what C11's functions of these names mean; compare-exchange is the strong
|* form, leaves what it found in *expected, and compares pointers by their bits:
|* it needs an encoding under which one target has one value at one container.
|*
|* All are lock-free: one aligned 64-bit access to the stored bits, translated
|* before or after it.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_ATOMIC_H
#define PERDURE_ATOMIC_H

#include <perdure/contract.h>

/* The accesses to bits. Bits only ever meet the container they came from. */

#if defined(__PERDURE__)
typedef uint64_t __attribute__((may_alias)) perdure__atomic_bits;

PERDURE__INLINE void *perdure__atomic_decode(uint64_t bits,
                                             const volatile void *p) {
  return perdure__decode(bits, p, __PERDURE_ENCODING__);
}
PERDURE__INLINE uint64_t perdure__atomic_encode(const volatile void *value,
                                                const volatile void *p) {
  return perdure__encode(value, p, 0, __PERDURE_ENCODING__);
}
#else
/* Read as ordinary C: the bits are the pointer. */
typedef void *perdure__atomic_bits;
#define perdure__atomic_decode(Bits, P) ((void)(P), (Bits))
#define perdure__atomic_encode(Value, P) ((void)(P), (void *)(Value))
#endif

PERDURE__INLINE void *perdure__atomic_load(const volatile void *p, int order) {
  return perdure__atomic_decode(
      __atomic_load_n((const volatile perdure__atomic_bits *)p, order), p);
}

PERDURE__INLINE void
perdure__atomic_store(volatile void *p, const volatile void *value, int order) {
  __atomic_store_n((volatile perdure__atomic_bits *)p,
                   perdure__atomic_encode(value, p), order);
}

PERDURE__INLINE void *perdure__atomic_exchange(volatile void *p,
                                               const volatile void *value,
                                               int order) {
  return perdure__atomic_decode(
      __atomic_exchange_n((volatile perdure__atomic_bits *)p,
                          perdure__atomic_encode(value, p), order),
      p);
}

/* What is found is decoded and compared with `expected`, which is not encoded:
   a pointer that is only compared is no escape and takes no place in the FOT.
   The exchange then asks whether those very bits are still there. If they are
   not, neither is the pointer, since it has no other bits.                   */
PERDURE__INLINE int
perdure__atomic_compare_exchange(volatile void *p, void *expected,
                                 const volatile void *desired, int weak,
                                 int success, int failure) {
  typedef void *__attribute__((may_alias)) native;
  PERDURE__STATIC_ASSERT(PERDURE__CANONICAL,
                         "compare-exchange compares bits, and under this "
                         "encoding equal pointers can differ in their bits");
  volatile perdure__atomic_bits *place = (volatile perdure__atomic_bits *)p;
  perdure__atomic_bits found = __atomic_load_n(place, failure);
  if (perdure__atomic_decode(found, p) == *(native *)expected &&
      __atomic_compare_exchange_n(place, &found,
                                  perdure__atomic_encode(desired, p), weak,
                                  success, failure))
    return 1;
  *(native *)expected = perdure__atomic_decode(found, p);
  return 0;
}

#ifndef __cplusplus

/* The native type of the pointer that p leads to. */
#define PERDURE__NATIVE(p) __typeof__(1 ? *(p) : *(p))

/* p as an untyped container, when it leads to a persistent pointer. */
#if defined(__PERDURE__)
#define PERDURE__READABLE(p)                                                   \
  ((void)sizeof(struct {                                                       \
     int perdure__;                                                            \
     _Static_assert(                                                           \
         _Generic((p), PERDURE__NATIVE(p) * : 0,                               \
                  PERDURE__NATIVE(p) const * : 0,                              \
                  PERDURE__NATIVE(p) volatile * : 0,                           \
                  PERDURE__NATIVE(p) const volatile * : 0, default : 1),       \
         "this is a pointer to a native pointer, which <stdatomic.h>"          \
         " serves; perdure_atomic_* want the address of a field of "           \
         "an annotated record, or a PERDURE alias for it");                    \
   }),                                                                         \
   (const volatile void *)(p))
#else
#define PERDURE__READABLE(p) ((const volatile void *)(p))
#endif
/* Assigning to it, unevaluated, refuses what is const. */
#define PERDURE__WRITABLE(p)                                                   \
  ((void)sizeof(*(p) = *(p)), (volatile void *)PERDURE__READABLE(p))

/* A value converted as by assignment: its type is checked. */
#define PERDURE__VALUE(p, value) ((PERDURE__NATIVE(p)){(value)})

#define perdure_atomic_load_explicit(p, order)                                 \
  ((PERDURE__NATIVE(p))perdure__atomic_load(PERDURE__READABLE(p), (order)))
#define perdure_atomic_store_explicit(p, value, order)                         \
  perdure__atomic_store(PERDURE__WRITABLE(p), PERDURE__VALUE(p, value), (order))
#define perdure_atomic_exchange_explicit(p, value, order)                      \
  ((PERDURE__NATIVE(p))perdure__atomic_exchange(                               \
      PERDURE__WRITABLE(p), PERDURE__VALUE(p, value), (order)))
#define perdure_atomic_compare_exchange_explicit(p, expected, desired,         \
                                                 success, failure)             \
  perdure__atomic_compare_exchange(                                            \
      PERDURE__WRITABLE(p), ((PERDURE__NATIVE(p) *){(expected)}),              \
      PERDURE__VALUE(p, desired), 0, (success), (failure))

#define perdure_atomic_load(p) perdure_atomic_load_explicit(p, __ATOMIC_SEQ_CST)
#define perdure_atomic_store(p, value)                                         \
  perdure_atomic_store_explicit(p, value, __ATOMIC_SEQ_CST)
#define perdure_atomic_exchange(p, value)                                      \
  perdure_atomic_exchange_explicit(p, value, __ATOMIC_SEQ_CST)
#define perdure_atomic_compare_exchange(p, expected, desired)                  \
  perdure_atomic_compare_exchange_explicit(p, expected, desired,               \
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#else /* __cplusplus */

#include <perdure/ptr.h>

namespace perdure {
namespace detail {
/// T, in a place from which nothing is deduced.
template <class T> struct Given { using type = T; };
template <class T> using Value = typename Given<T>::type *;
} // namespace detail
} // namespace perdure

template <class T>
inline T *perdure_atomic_load_explicit(const volatile perdure::ptr<T> *p,
                                       int order) noexcept {
  return static_cast<T *>(
      perdure__atomic_load((const volatile void *)p, order));
}
template <class T>
inline void perdure_atomic_store_explicit(volatile perdure::ptr<T> *p,
                                          perdure::detail::Value<T> value,
                                          int order) noexcept {
  perdure__atomic_store((volatile void *)p, value, order);
}
template <class T>
inline T *perdure_atomic_exchange_explicit(volatile perdure::ptr<T> *p,
                                           perdure::detail::Value<T> value,
                                           int order) noexcept {
  return static_cast<T *>(
      perdure__atomic_exchange((volatile void *)p, value, order));
}
template <class T>
inline bool perdure_atomic_compare_exchange_explicit(
    volatile perdure::ptr<T> *p, perdure::detail::Value<T> *expected,
    perdure::detail::Value<T> desired, int success, int failure) noexcept {
  return perdure__atomic_compare_exchange((volatile void *)p, expected, desired,
                                          0, success, failure);
}

template <class T>
inline T *perdure_atomic_load(const volatile perdure::ptr<T> *p) noexcept {
  return perdure_atomic_load_explicit(p, __ATOMIC_SEQ_CST);
}
template <class T>
inline void perdure_atomic_store(volatile perdure::ptr<T> *p,
                                 perdure::detail::Value<T> value) noexcept {
  perdure_atomic_store_explicit(p, value, __ATOMIC_SEQ_CST);
}
template <class T>
inline T *perdure_atomic_exchange(volatile perdure::ptr<T> *p,
                                  perdure::detail::Value<T> value) noexcept {
  return perdure_atomic_exchange_explicit(p, value, __ATOMIC_SEQ_CST);
}
template <class T>
inline bool
perdure_atomic_compare_exchange(volatile perdure::ptr<T> *p,
                                perdure::detail::Value<T> *expected,
                                perdure::detail::Value<T> desired) noexcept {
  return perdure_atomic_compare_exchange_explicit(
      p, expected, desired, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#endif /* __cplusplus */

#endif /* PERDURE_ATOMIC_H */

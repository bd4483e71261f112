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
|* form, leaves what it found in *expected, and compares what the bits lead to.
|*
|* All are lock-free: one aligned 64-bit access to the stored bits, translated
|* before or after it.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_ATOMIC_H
#define PERDURE_ATOMIC_H

#include <perdure/contract.h>

/* The accesses to bits, for each encoding: its number must be a constant even
   where nothing is optimised. Bits only ever meet the container they came from.

   compare-exchange: what is found is decoded and compared with `expected`,
   which is not encoded: a pointer that is only compared is no escape and takes
   no place in the FOT. The exchange then asks whether those very bits are still
   there. If they are not, neither is the pointer; but under an encoding that is
   not canonical it may be there by other bits: what is there is decoded again.
 */

#if defined(__PERDURE__)
typedef uint64_t __attribute__((may_alias)) perdure__atomic_bits;
#define PERDURE__DECODE(Bits, P, N) perdure__decode(Bits, P, N)
#define PERDURE__ENCODE(Value, P, N) perdure__encode(Value, P, 0, N)
#else
/* Read as ordinary C: the bits are the pointer. */
typedef void *perdure__atomic_bits;
#define PERDURE__DECODE(Bits, P, N) ((void)(P), (Bits))
#define PERDURE__ENCODE(Value, P, N) ((void)(P), (void *)(Value))
#endif
typedef void *__attribute__((may_alias)) perdure__atomic_native;

#define PERDURE__ATOMICS(N)                                                    \
  PERDURE__INLINE void *perdure__atomic_load_##N(const volatile void *p,       \
                                                 int order) {                  \
    return PERDURE__DECODE(                                                    \
        __atomic_load_n((const volatile perdure__atomic_bits *)p, order), p,   \
        N);                                                                    \
  }                                                                            \
  PERDURE__INLINE void perdure__atomic_store_##N(                              \
      volatile void *p, const volatile void *value, int order) {               \
    __atomic_store_n((volatile perdure__atomic_bits *)p,                       \
                     PERDURE__ENCODE(value, p, N), order);                     \
  }                                                                            \
  PERDURE__INLINE void *perdure__atomic_exchange_##N(                          \
      volatile void *p, const volatile void *value, int order) {               \
    return PERDURE__DECODE(                                                    \
        __atomic_exchange_n((volatile perdure__atomic_bits *)p,                \
                            PERDURE__ENCODE(value, p, N), order),              \
        p, N);                                                                 \
  }                                                                            \
  PERDURE__INLINE int perdure__atomic_compare_exchange_##N(                    \
      volatile void *p, void *expected, const volatile void *desired,          \
      int weak, int success, int failure) {                                    \
    volatile perdure__atomic_bits *place = (volatile perdure__atomic_bits *)p; \
    perdure__atomic_bits found = __atomic_load_n(place, failure);              \
    while (PERDURE__DECODE(found, p, N) ==                                     \
           *(perdure__atomic_native *)expected) {                              \
      if (__atomic_compare_exchange_n(place, &found,                           \
                                      PERDURE__ENCODE(desired, p, N), weak,    \
                                      success, failure))                       \
        return 1;                                                              \
      if (weak || PERDURE__CANONICAL(N))                                       \
        break;                                                                 \
    }                                                                          \
    *(perdure__atomic_native *)expected = PERDURE__DECODE(found, p, N);        \
    return 0;                                                                  \
  }

#define PERDURE_ABI_ENCODING(Number, Name, Text, Doc) PERDURE__ATOMICS(Number)
#include <perdure/abi.def>

#ifndef __cplusplus

/* The native type of the pointer that p leads to. */
#define PERDURE__NATIVE(p) __typeof__(1 ? *(p) : *(p))

#if defined(__PERDURE__)
/* clang-format off */
/* One name for each encoding's "persistent pointer to what *p leads to", and the
   function among perdure__atomic_VERB_N that is for p's. */
#define PERDURE__TYPES(p)                                                      \
  typedef PERDURE__NATIVE(p) perdure__0 PERDURE_ENCODED("object");             \
  typedef PERDURE__NATIVE(p) perdure__1 PERDURE_ENCODED("native");             \
  typedef PERDURE__NATIVE(p) perdure__2 PERDURE_ENCODED("strict");             \
  typedef PERDURE__NATIVE(p) perdure__3 PERDURE_ENCODED("self-relative");      \
  typedef PERDURE__NATIVE(p) perdure__4 PERDURE_ENCODED("xor");                \
  typedef PERDURE__NATIVE(p) perdure__5 PERDURE_ENCODED("region-id");          \
  typedef PERDURE__NATIVE(p) perdure__6 PERDURE_ENCODED("fat-lookup");         \
  typedef PERDURE__NATIVE(p) perdure__7 PERDURE_ENCODED("lazy-null");          \
  typedef PERDURE__NATIVE(p) perdure__8 PERDURE_ENCODED("inverted");           \
  typedef PERDURE__NATIVE(p) perdure__9 PERDURE_ENCODED("lazy-null-inverted"); \
  typedef PERDURE__NATIVE(p) perdure__10 PERDURE_ENCODED("xor-lazy-null");     \
  typedef PERDURE__NATIVE(p) perdure__11 PERDURE_ENCODED("xor-inverted");      \
  typedef PERDURE__NATIVE(p) perdure__12 PERDURE_ENCODED("xor-lazy-null-inverted");
#define PERDURE__CHOOSE(verb, p)                                               \
  _Generic((const volatile __typeof__(*(p)) *)(p),                             \
      const volatile perdure__0 *: perdure__atomic_##verb##_0,                 \
      const volatile perdure__1 *: perdure__atomic_##verb##_1,                 \
      const volatile perdure__2 *: perdure__atomic_##verb##_2,                 \
      const volatile perdure__3 *: perdure__atomic_##verb##_3,                 \
      const volatile perdure__4 *: perdure__atomic_##verb##_4,                 \
      const volatile perdure__5 *: perdure__atomic_##verb##_5,                 \
      const volatile perdure__6 *: perdure__atomic_##verb##_6,                 \
      const volatile perdure__7 *: perdure__atomic_##verb##_7,                 \
      const volatile perdure__8 *: perdure__atomic_##verb##_8,                 \
      const volatile perdure__9 *: perdure__atomic_##verb##_9,                 \
      const volatile perdure__10 *: perdure__atomic_##verb##_10,               \
      const volatile perdure__11 *: perdure__atomic_##verb##_11,               \
      const volatile perdure__12 *: perdure__atomic_##verb##_12,               \
      default: perdure__atomic_##verb##_0)
/* p as an untyped container, when it leads to a persistent pointer. */
#define PERDURE__READABLE(p)                                                   \
  ((void)sizeof(struct {                                                       \
     int perdure__;                                                            \
     _Static_assert(                                                           \
         _Generic((const volatile __typeof__(*(p)) *)(p),                      \
                  const volatile perdure__0 *: 1,                              \
                  const volatile perdure__1 *: 1,                              \
                  const volatile perdure__2 *: 1,                              \
                  const volatile perdure__3 *: 1,                              \
                  const volatile perdure__4 *: 1,                              \
                  const volatile perdure__5 *: 1,                              \
                  const volatile perdure__6 *: 1,                              \
                  const volatile perdure__7 *: 1,                              \
                  const volatile perdure__8 *: 1,                              \
                  const volatile perdure__9 *: 1,                              \
                  const volatile perdure__10 *: 1,                             \
                  const volatile perdure__11 *: 1,                             \
                  const volatile perdure__12 *: 1, default : 0),               \
         "this is a pointer to a native pointer, which <stdatomic.h>"          \
         " serves; perdure_atomic_* want the address of a field of "           \
         "an annotated record, or a PERDURE alias for it");                    \
   }),                                                                         \
   (const volatile void *)(p))
/* clang-format on */
#else
#define PERDURE__TYPES(p)
#define PERDURE__CHOOSE(verb, p) perdure__atomic_##verb##_0
#define PERDURE__READABLE(p) ((const volatile void *)(p))
#endif
/* Assigning to it, unevaluated, refuses what is const. */
#define PERDURE__WRITABLE(p)                                                   \
  ((void)sizeof(*(p) = *(p)), (volatile void *)PERDURE__READABLE(p))

/* A value converted as by assignment: its type is checked. */
#define PERDURE__VALUE(p, value) ((PERDURE__NATIVE(p)){(value)})

#define perdure_atomic_load_explicit(p, order)                                 \
  __extension__({                                                              \
    PERDURE__TYPES(p)                                                          \
    (PERDURE__NATIVE(p))                                                       \
        PERDURE__CHOOSE(load, p)(PERDURE__READABLE(p), (order));               \
  })
#define perdure_atomic_store_explicit(p, value, order)                         \
  __extension__({                                                              \
    PERDURE__TYPES(p)                                                          \
    PERDURE__CHOOSE(store, p)                                                  \
    (PERDURE__WRITABLE(p), PERDURE__VALUE(p, value), (order));                 \
  })
#define perdure_atomic_exchange_explicit(p, value, order)                      \
  __extension__({                                                              \
    PERDURE__TYPES(p)                                                          \
    (PERDURE__NATIVE(p)) PERDURE__CHOOSE(exchange, p)(                         \
        PERDURE__WRITABLE(p), PERDURE__VALUE(p, value), (order));              \
  })
#define perdure_atomic_compare_exchange_explicit(p, expected, desired,         \
                                                 success, failure)             \
  __extension__({                                                              \
    PERDURE__TYPES(p)                                                          \
    PERDURE__CHOOSE(compare_exchange, p)                                       \
    (PERDURE__WRITABLE(p), ((PERDURE__NATIVE(p) *){(expected)}),               \
     PERDURE__VALUE(p, desired), 0, (success), (failure));                     \
  })

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

#define PERDURE__ATOMIC_TEMPLATES(PTR, N)                                      \
  template <class T>                                                           \
  inline T *perdure_atomic_load_explicit(const volatile PTR<T> *p,             \
                                         int order) noexcept {                 \
    return static_cast<T *>(                                                   \
        perdure__atomic_load_##N((const volatile void *)p, order));            \
  }                                                                            \
  template <class T>                                                           \
  inline void perdure_atomic_store_explicit(volatile PTR<T> *p,                \
                                            perdure::detail::Value<T> value,   \
                                            int order) noexcept {              \
    perdure__atomic_store_##N((volatile void *)p, value, order);               \
  }                                                                            \
  template <class T>                                                           \
  inline T *perdure_atomic_exchange_explicit(volatile PTR<T> *p,               \
                                             perdure::detail::Value<T> value,  \
                                             int order) noexcept {             \
    return static_cast<T *>(                                                   \
        perdure__atomic_exchange_##N((volatile void *)p, value, order));       \
  }                                                                            \
  template <class T>                                                           \
  inline bool perdure_atomic_compare_exchange_explicit(                        \
      volatile PTR<T> *p, perdure::detail::Value<T> *expected,                 \
      perdure::detail::Value<T> desired, int success, int failure) noexcept {  \
    return perdure__atomic_compare_exchange_##N((volatile void *)p, expected,  \
                                                desired, 0, success, failure); \
  }                                                                            \
                                                                               \
  template <class T>                                                           \
  inline T *perdure_atomic_load(const volatile PTR<T> *p) noexcept {           \
    return perdure_atomic_load_explicit(p, __ATOMIC_SEQ_CST);                  \
  }                                                                            \
  template <class T>                                                           \
  inline void perdure_atomic_store(volatile PTR<T> *p,                         \
                                   perdure::detail::Value<T> value) noexcept { \
    perdure_atomic_store_explicit(p, value, __ATOMIC_SEQ_CST);                 \
  }                                                                            \
  template <class T>                                                           \
  inline T *perdure_atomic_exchange(                                           \
      volatile PTR<T> *p, perdure::detail::Value<T> value) noexcept {          \
    return perdure_atomic_exchange_explicit(p, value, __ATOMIC_SEQ_CST);       \
  }                                                                            \
  template <class T>                                                           \
  inline bool perdure_atomic_compare_exchange(                                 \
      volatile PTR<T> *p, perdure::detail::Value<T> *expected,                 \
      perdure::detail::Value<T> desired) noexcept {                            \
    return perdure_atomic_compare_exchange_explicit(                           \
        p, expected, desired, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);             \
  }

#if defined(__PERDURE__)
// For pointers of all encodings.
#define PERDURE_ABI_ENCODING(Number, Name, Text, Doc)                          \
  PERDURE__ATOMIC_TEMPLATES(perdure::detail::Name##Pointer, Number)
#include <perdure/abi.def>
#else
PERDURE__ATOMIC_TEMPLATES(perdure::ptr, 0)
#endif

#endif /* __cplusplus */

#endif /* PERDURE_ATOMIC_H */

/*===- perdure/arrays.h - Moving and sorting persistent pointers ----------===*\
|*
|* What memmove and qsort would do by copying bytes, done by assignment, which
|* re-encodes every persistent pointer for the place where it comes to lie:
|*
|*   perdure_memmove(dst, src, bytes)         like memmove; returns dst
|*   perdure_qsort(base, count, cmp)
|*   perdure_qsort(base, count, size, cmp)    like qsort
|*
|* for arrays of persistent pointers, of annotated records, and of anything else
|* that can be assigned. Typed macros in C, function templates in C++. Each
|* argument is evaluated once.
|*
|* `dst` and `base` give the element's type, which may not be void; what memmove
|* and qsort would be told about it is checked: `bytes` must be a multiple of
|* its size, and `size` be its size. A mismatch is a compile-time error where it
|* can be, else it is reported and ends the process. `cmp` takes two pointers to
|* elements (`const T *`, or `const void *`), which may lead to a copy that lies
|* in volatile memory. A flexible array member is no part of an element.
|*
|* In C++ perdure_qsort is std::sort: cmp must order strictly.
|*
|*   perdure_free(block)
|*
|* also takes an array of persistent pointers without a cast to void *, which
|* Clang asks for elsewhere.
|*
|* perdure_memmove is also the name of the runtime's function for arrays of
|* persistent pointers whose type is not known: (perdure_memmove)(dst, src, n).
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_ARRAYS_H
#define PERDURE_ARRAYS_H

#include <perdure/contract.h>
#include <perdure/runtime.h>

#include <stdio.h>
#include <stdlib.h>

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgcc-compat"
#define PERDURE__REFUSE_IF(Condition, Message)                                 \
  __attribute__((diagnose_if(Condition, Message, "error")))
#else
#define PERDURE__REFUSE_IF(Condition, Message)
#endif

/* How many elements there are in so many bytes. */
PERDURE__INLINE size_t perdure__count(size_t bytes, size_t size)
    PERDURE__REFUSE_IF(bytes % size != 0,
                       "the number of bytes is no multiple of the element's "
                       "size") {
  if (__builtin_expect(bytes % size != 0, 0)) {
    fprintf(stderr,
            "perdure_memmove: %zu bytes do not hold a whole number of elements "
            "of %zu bytes\n",
            bytes, size);
    abort();
  }
  return bytes / size;
}

PERDURE__INLINE void perdure__check_size(size_t given, size_t size)
    PERDURE__REFUSE_IF(given != size,
                       "the size given is not that of the element") {
  if (__builtin_expect(given != size, 0)) {
    fprintf(stderr,
            "perdure_qsort: the size given is %zu bytes, the element has %zu\n",
            given, size);
    abort();
  }
}

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

/* Picks the name for three or for four arguments. */
#define PERDURE__PICK(One, Two, Name, ...) Name

#ifndef __cplusplus

/* Statement expressions; -Wshadow would speak up when one is nested in
   another's argument, where it does no harm.                                 */
/* clang-format off */
#define PERDURE__BLOCK                                                         \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wshadow\"")
#define PERDURE__END _Pragma("GCC diagnostic pop")
/* clang-format on */

/* clang-format off */
/* Any pointer as void *, for calls. The builtin is the one function of Clang's
   that takes a pointer to any type, qualified or not; the conditional makes a
   pointer of a literal 0 too. The plugin's warnings look through it. */
#if defined(__PERDURE__)
#define PERDURE__BYTES(pointer)                                                \
  __builtin_assume_aligned(1 ? (pointer) : (void *)0, 1)
#define perdure_free(block) perdure_free(PERDURE__BYTES(block))
#endif

#define perdure_memmove(dst, src, bytes)                                       \
  __extension__({                                                              \
    PERDURE__BLOCK                                                             \
    __typeof__(&*(dst)) perdure__to = (dst);                                   \
    /* void leads to anything in C, but not to a persistent pointer without a  \
       cast. */                                                                \
    const __typeof__(*perdure__to) *perdure__from = _Generic((src),            \
        void *: (const __typeof__(*perdure__to) *)(const void *)(src),         \
        const void *: (const __typeof__(*perdure__to) *)(const void *)(src),   \
        default: (src));                                                       \
    size_t perdure__n = perdure__count((bytes), sizeof *perdure__to);          \
    /* As addresses: the arrays need not be parts of one. */                   \
    if ((uintptr_t)perdure__to <= (uintptr_t)perdure__from)                    \
      for (size_t perdure__i = 0; perdure__i < perdure__n; ++perdure__i)       \
        perdure__to[perdure__i] = perdure__from[perdure__i];                   \
    else                                                                       \
      for (size_t perdure__i = perdure__n; perdure__i-- > 0;)                  \
        perdure__to[perdure__i] = perdure__from[perdure__i];                   \
    PERDURE__END                                                               \
    perdure__to;                                                               \
  })
/* clang-format on */

/* Heapsort: in place, never worse than n log n, and one element held in a
   local. First it makes a heap of the array, from the last parent to the first;
   then it puts the greatest behind the heap, which thereby shrinks. Each time
   the element held sinks from the hole to where its children are no greater.
   A comparison that takes `const void *` would be refused persistent pointers
   without a cast. */
#define PERDURE__ELEMENT(cmp, place)                                           \
  _Generic((cmp),                                                              \
      int (*)(const void *, const void *): (const void *)(place),              \
      default: (place))
#define PERDURE__QSORT_3(base, count, cmp)                                     \
  __extension__({                                                              \
    PERDURE__BLOCK                                                             \
    __typeof__(&*(base)) perdure__a = (base);                                  \
    size_t perdure__end = (count), perdure__parents = perdure__end / 2;        \
    __typeof__(&*(cmp)) perdure__cmp = (cmp);                                  \
    while (perdure__end > 1) {                                                 \
      size_t perdure__hole = 0, perdure__child;                                \
      __typeof__(*perdure__a) perdure__held;                                   \
      if (perdure__parents > 0) {                                              \
        perdure__hole = --perdure__parents;                                    \
        perdure__held = perdure__a[perdure__hole];                             \
      } else {                                                                 \
        perdure__held = perdure__a[--perdure__end];                            \
        perdure__a[perdure__end] = perdure__a[0];                              \
      }                                                                        \
      while ((perdure__child = 2 * perdure__hole + 1) < perdure__end) {        \
        if (perdure__child + 1 < perdure__end &&                               \
            perdure__cmp(                                                      \
                PERDURE__ELEMENT(perdure__cmp, &perdure__a[perdure__child]),   \
                PERDURE__ELEMENT(perdure__cmp,                                 \
                                 &perdure__a[perdure__child + 1])) < 0)        \
          ++perdure__child;                                                    \
        if (perdure__cmp(                                                      \
                PERDURE__ELEMENT(perdure__cmp, &perdure__held),                \
                PERDURE__ELEMENT(perdure__cmp,                                 \
                                 &perdure__a[perdure__child])) >= 0)           \
          break;                                                               \
        perdure__a[perdure__hole] = perdure__a[perdure__child];                \
        perdure__hole = perdure__child;                                        \
      }                                                                        \
      perdure__a[perdure__hole] = perdure__held;                               \
    }                                                                          \
    PERDURE__END(void) 0;                                                      \
  })
#define PERDURE__QSORT_4(base, count, size, cmp)                               \
  (perdure__check_size((size), sizeof *(base)),                                \
   PERDURE__QSORT_3(base, count, cmp))
#define perdure_qsort(base, count, ...)                                        \
  PERDURE__PICK(__VA_ARGS__, PERDURE__QSORT_4, PERDURE__QSORT_3, )             \
  (base, count, __VA_ARGS__)

#else /* __cplusplus */

#include <perdure/ref.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

// Not for `void *`, which leads to the runtime's function.
template <class T, class U, std::enable_if_t<!std::is_void_v<T>, int> = 0>
inline T *perdure_memmove(T *dst, U *src, std::size_t bytes) {
  static_assert(std::is_same_v<std::remove_cv_t<T>, std::remove_cv_t<U>> ||
                    std::is_void_v<U>,
                "perdure_memmove moves elements of one type");
  const T *from = static_cast<const T *>(src);
  std::size_t n = perdure__count(bytes, sizeof(T));
  if constexpr (std::is_trivially_copyable_v<T>)
    return static_cast<T *>(std::memmove(dst, from, bytes));
  // As addresses: the arrays need not be parts of one.
  else if ((uintptr_t)dst <= (uintptr_t)from)
    std::copy(from, from + n, dst);
  else
    std::copy_backward(from, from + n, dst + n);
  return dst;
}

template <class T, class Compare>
inline void perdure_qsort(T *base, std::size_t count, Compare cmp) {
  std::sort(base, base + count,
            [&cmp](const T &a, const T &b) { return cmp(&a, &b) < 0; });
}
#if defined(__PERDURE__)
// std::sort keeps the element in hand as its native value, whose address no
// comparison of persistent pointers can take: sort objects that hold one.
#define PERDURE__ARRAYS_OF(P, Holder)                                          \
  template <class T> inline void perdure_free(P<T> *block) {                   \
    perdure_free((void *)block);                                               \
  }                                                                            \
  namespace perdure {                                                          \
  namespace detail {                                                           \
  template <class T> struct Holder { P<T> Held; };                             \
  }                                                                            \
  }                                                                            \
  template <class T, class Compare>                                            \
  inline void perdure_qsort(P<T> *base, std::size_t count, Compare cmp) {      \
    using Element = perdure::detail::Holder<T>;                                \
    static_assert(sizeof(Element) == sizeof(*base) &&                          \
                  std::is_standard_layout_v<Element>);                         \
    Element *first = static_cast<Element *>((void *)base);                     \
    std::sort(first, first + count,                                            \
              [&cmp](const Element &a, const Element &b) {                     \
                return cmp(&a.Held, &b.Held) < 0;                              \
              });                                                              \
  }
#define PERDURE_ABI_ENCODING(Number, Name, Text, Doc)                          \
  PERDURE__ARRAYS_OF(perdure::detail::Name##Pointer, Name##Holder)
#include <perdure/abi.def>
#if __PERDURE_ENCODING__ >= 128
PERDURE__ARRAYS_OF(perdure::ptr, OtherHolder)
#endif
#undef PERDURE__ARRAYS_OF
#endif
template <class T, class Compare>
inline void perdure_qsort(T *base, std::size_t count, std::size_t size,
                          Compare cmp) {
  perdure__check_size(size, sizeof(T));
  perdure_qsort(base, count, cmp);
}

#endif /* __cplusplus */

#endif /* PERDURE_ARRAYS_H */

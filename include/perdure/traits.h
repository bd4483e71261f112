/*===- perdure/traits.h - The standard library meets persistent pointers --===*\
|*
|* perdure::ptr<T> is `T *` with a qualifier that the standard library does not
|* know. What it gets wrong for that reason is put right here, and no more:
|*
|*   is_pointer, remove_pointer   it is a pointer
|*   decay                        by value it is `T *`, so that make_pair, bind,
|*                                thread and function keep native copies
|*   exchange                     gives the old `T *`
|*   swap                         with a native pointer
|*
|* remove_cv is left alone: were ptr<T> to lose its qualifier there, templates
|* would take arrays of persistent pointers for arrays of `T *`.
|*
|* The C++ standard does not allow programs to specialise these; libstdc++ 12's
|* are known to bear it, and test/Integration/cxx/traits.cpp asks each.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_TRAITS_H
#define PERDURE_TRAITS_H

#include <perdure/ptr.h>

#include <type_traits>
#include <utility>

#if defined(__PERDURE__) // else ptr<T> is T *

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunknown-warning-option"
#pragma clang diagnostic ignored "-Winvalid-specialization"

namespace std {

#define PERDURE__TRAITS_OF_CV(P, CV)                                           \
  template <class T> struct is_pointer<CV P<T>> : true_type {};                \
  template <class T> struct remove_pointer<CV P<T>> { using type = T; };       \
  template <class T> struct decay<CV P<T>> { using type = T *; };              \
  template <class T> struct decay<CV P<T> &> { using type = T *; };            \
  template <class T> struct decay<CV P<T> &&> { using type = T *; };

#define PERDURE__TRAITS_OF(P)                                                  \
  PERDURE__TRAITS_OF_CV(P, )                                                   \
  PERDURE__TRAITS_OF_CV(P, const)                                              \
  PERDURE__TRAITS_OF_CV(P, volatile)                                           \
  PERDURE__TRAITS_OF_CV(P, const volatile)                                     \
  template <class T, class U = T *>                                            \
  inline T *exchange(P<T> &Object, U &&New) {                                  \
    T *Old = Object;                                                           \
    Object = std::forward<U>(New);                                             \
    return Old;                                                                \
  }                                                                            \
  template <class T> inline void swap(P<T> &A, T *&B) noexcept {               \
    B = std::exchange(A, B);                                                   \
  }                                                                            \
  template <class T> inline void swap(T *&A, P<T> &B) noexcept {               \
    A = std::exchange(B, A);                                                   \
  }

#define PERDURE_ABI_ENCODING(Number, Name, Text, Doc)                          \
  PERDURE__TRAITS_OF(perdure::detail::Name##Pointer)
#include <perdure/abi.def>
#if __PERDURE_ENCODING__ >= 128
PERDURE__TRAITS_OF(perdure::ptr)
#endif
#undef PERDURE__TRAITS_OF
#undef PERDURE__TRAITS_OF_CV

} // namespace std

#pragma clang diagnostic pop

#endif /* __PERDURE__ */

#endif /* PERDURE_TRAITS_H */

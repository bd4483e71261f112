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

#define PERDURE__FOR_CV(Row) Row() Row(const) Row(volatile) Row(const volatile)

#define PERDURE__TRAITS(CV)                                                    \
  template <class T> struct is_pointer<CV perdure::ptr<T>> : true_type {};     \
  template <class T> struct remove_pointer<CV perdure::ptr<T>> {               \
    using type = T;                                                            \
  };                                                                           \
  template <class T> struct decay<CV perdure::ptr<T>> { using type = T *; };   \
  template <class T> struct decay<CV perdure::ptr<T> &> { using type = T *; }; \
  template <class T> struct decay<CV perdure::ptr<T> &&> { using type = T *; };
PERDURE__FOR_CV(PERDURE__TRAITS)
#undef PERDURE__TRAITS
#undef PERDURE__FOR_CV

template <class T, class U = T *>
inline T *exchange(perdure::ptr<T> &Object, U &&New) {
  T *Old = Object;
  Object = std::forward<U>(New);
  return Old;
}

template <class T> inline void swap(perdure::ptr<T> &A, T *&B) noexcept {
  B = std::exchange(A, B);
}
template <class T> inline void swap(T *&A, perdure::ptr<T> &B) noexcept {
  A = std::exchange(B, A);
}

} // namespace std

#pragma clang diagnostic pop

#endif /* __PERDURE__ */

#endif /* PERDURE_TRAITS_H */

/*===- perdure/make.h - new and delete in objects -------------------------===*\
|*
|*   T *perdure::make<T>(near, args...)   constructs T(args...) in the object
|*                                        that holds near
|*   T *perdure::make<T[]>(near, n)       n of them, each value-initialised
|*   perdure::destroy(p)                  ends its life and frees its block
|*   perdure::destroy(p, n)               the same for n of them
|*
|* A T that holds native pointers, which no object can keep, does not compile.
|* `near` is any address in the object, its root for instance. When there is no
|* room (perdure_errormsg() says why) make throws std::bad_alloc; without
|* exceptions it returns nullptr. When a constructor throws, the block is freed.
|* destroy ignores nullptr; p is what make gave, not a base of it.
|*
|* As with perdure_alloc, what nothing leads to when the process dies leaks.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_MAKE_H
#define PERDURE_MAKE_H

#include <perdure/attributes.h>
#include <perdure/runtime.h>

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace perdure {

namespace detail {

/// Being annotated and having a T, it does not compile when T holds native
/// pointers; the compiler's message says where.
template <class T> struct PERDURE Storable { T Value; };

/// A block for Count of T, or null.
template <class T>
inline void *allocateFor(const void *Near, std::size_t Count) {
  static_assert(alignof(T) <= 16 || (sizeof(T) > 48 && alignof(T) <= 64),
                "blocks of an object are aligned to 16 bytes, those of more "
                "than 48 bytes to 64");
  static_assert(sizeof(Storable<std::remove_cv_t<T>>) == sizeof(T));
  if (Count > PTRDIFF_MAX / sizeof(T))
    return nullptr;
  return perdure_alloc(const_cast<void *>(Near), Count * sizeof(T));
}

/// Frees a block unless told that what lies in it is complete.
struct BlockGuard {
  void *Block;
  ~BlockGuard() {
    if (Block)
      perdure_free(Block);
  }
};

inline void noRoom() {
#if defined(__cpp_exceptions)
  throw std::bad_alloc();
#endif
}

} // namespace detail

template <class T, class... Args,
          std::enable_if_t<!std::is_array_v<T>, int> = 0>
[[nodiscard]] inline T *make(const void *Near, Args &&...As) {
  detail::BlockGuard Guard{detail::allocateFor<T>(Near, 1)};
  if (!Guard.Block) {
    detail::noRoom();
    return nullptr;
  }
  T *Made;
  // What has no constructor is initialised as with braces: aggregates.
  if constexpr (std::is_constructible_v<T, Args &&...>)
    Made = ::new (Guard.Block) T(std::forward<Args>(As)...);
  else
#if defined(__clang__) // the braces within are the caller's to leave out
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wmissing-braces"
#endif
    Made = ::new (Guard.Block) T{std::forward<Args>(As)...};
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
  Guard.Block = nullptr;
  return Made;
}

template <class T, std::enable_if_t<std::is_array_v<T> && std::extent_v<T> == 0,
                                    int> = 0>
[[nodiscard]] inline std::remove_extent_t<T> *make(const void *Near,
                                                   std::size_t Count) {
  using Element = std::remove_extent_t<T>;
  detail::BlockGuard Guard{detail::allocateFor<Element>(Near, Count)};
  if (!Guard.Block) {
    detail::noRoom();
    return nullptr;
  }
  Element *Made = static_cast<Element *>(Guard.Block);
  std::uninitialized_value_construct_n(Made, Count);
  Guard.Block = nullptr;
  return Made;
}

template <class T> inline void destroy(T *P) noexcept {
  if (!P)
    return;
  std::destroy_at(P);
  perdure_free(const_cast<std::remove_cv_t<T> *>(P));
}

template <class T> inline void destroy(T *P, std::size_t Count) noexcept {
  if (!P)
    return;
  std::destroy_n(P, Count);
  perdure_free(const_cast<std::remove_cv_t<T> *>(P));
}

} // namespace perdure

#endif /* PERDURE_MAKE_H */

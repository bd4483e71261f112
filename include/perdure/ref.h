/*===- perdure/ref.h - A class that holds one persistent pointer ----------===*\
|*
|* perdure::ref<T> is a persistent pointer as a class, for the places where
|* templates want one: the element type of containers, of optional, variant and
|* tuple, a pointer type for allocators. It converts from and to `T *` and
|* otherwise behaves as one, a random access iterator included.
|*
|*   std::vector<perdure::ref<node>> path;
|*   path.push_back(n);              // n: node *
|*   node *first = path.front();
|*
|* It has the size of a pointer, and copying it re-encodes. A default
|* constructed one is null. Hashing hashes perdure_offset, which for targets in
|* objects is the same in every process.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_REF_H
#define PERDURE_REF_H

#include <perdure/ptr.h>
#include <perdure/runtime.h>

#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <type_traits>

namespace perdure {

namespace detail {
/// What a pointer to void claims to refer to, for templates that name a
/// reference which they never use.
struct Nothing;
} // namespace detail

template <class T> class ref {
  ptr<T> Held = nullptr;

public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  using difference_type = std::ptrdiff_t;
  using pointer = ref;
  using reference = std::conditional_t<std::is_void_v<T>, detail::Nothing, T> &;
  using iterator_category = std::random_access_iterator_tag;
  template <class U> using rebind = ref<U>;

  ref() noexcept = default;
  /// Also from nullptr, and from 0, which older templates write.
  ref(T *P) noexcept : Held(P) {}
  /// From what `T *` converts from.
  template <class U, std::enable_if_t<std::is_convertible_v<U *, T *> &&
                                          !std::is_same_v<U, T>,
                                      int> = 0>
  ref(const ref<U> &Other) noexcept : Held(Other.get()) {}
  /// From what `T *` can be cast from.
  template <class U, class = std::enable_if_t<!std::is_convertible_v<U *, T *>>,
            class = decltype(static_cast<T *>(static_cast<U *>(nullptr)))>
  explicit ref(const ref<U> &Other) noexcept
      : Held(static_cast<T *>(Other.get())) {}

  // Copies are Clang's own, which re-encode without a detour through a native
  // pointer: what cannot be reached at the moment stays what it was.

  T *get() const noexcept { return Held; }
  operator T *() const noexcept { return Held; }
  T *operator->() const noexcept { return Held; }
  // Comparison, subtraction of two, `if (r)` are those of `T *`.

  // Templates, since void has no reference.
  template <class U = T>
  std::add_lvalue_reference_t<U> operator*() const noexcept {
    return *get();
  }
  template <class U = T>
  std::add_lvalue_reference_t<U> operator[](difference_type I) const noexcept {
    return get()[I];
  }

  ref &operator++() noexcept { return *this += 1; }
  ref &operator--() noexcept { return *this -= 1; }
  ref operator++(int) noexcept {
    ref Old = *this;
    ++*this;
    return Old;
  }
  ref operator--(int) noexcept {
    ref Old = *this;
    --*this;
    return Old;
  }
  ref &operator+=(difference_type N) noexcept {
    Held = get() + N;
    return *this;
  }
  ref &operator-=(difference_type N) noexcept {
    Held = get() - N;
    return *this;
  }
  friend ref operator+(const ref &A, difference_type N) noexcept {
    return A.get() + N;
  }
  friend ref operator+(difference_type N, const ref &A) noexcept {
    return A.get() + N;
  }
  friend ref operator-(const ref &A, difference_type N) noexcept {
    return A.get() - N;
  }

  /// What std::pointer_traits asks of a pointer.
  template <class U = T> static ref pointer_to(U &Target) noexcept {
    return std::addressof(Target);
  }

  /// The object whose persistent pointer is the ptr<T> that lies at Place: it
  /// is all that a ref holds.
  static ref *at(void *Place) noexcept { return static_cast<ref *>(Place); }

  /// Where the persistent pointer lies.
  ptr<T> *place() noexcept { return &Held; }
  const ptr<T> *place() const noexcept { return &Held; }
};

} // namespace perdure

template <class T> struct std::hash<perdure::ref<T>> {
  std::size_t operator()(const perdure::ref<T> &R) const noexcept {
    return std::hash<std::uint64_t>()(perdure_offset(R.get()));
  }
};

#endif /* PERDURE_REF_H */

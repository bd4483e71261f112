/*===- perdure/allocator.h - Containers inside objects --------------------===*\
|*
|* perdure::allocator<T> puts what a container allocates into an object:
|*
|*   struct [[perdure::persistent]] shelf {
|*     boost::container::vector<long, perdure::allocator<long>> sizes;
|*   };
|*
|* Which object? An allocator made from an address (perdure::allocator<T>(near))
|* serves the object that holds it. One that is default constructed serves the
|* object in which it lies itself, so a container that is built inside an object
|* (by perdure::make<shelf>(near), say) needs no arguments and keeps everything
|* there. One that lies in volatile memory and was given no address in an object
|* uses the ordinary heap: the same container types work on the stack.
|*
|* A copy serves the same object as the original; a copy of one that uses the
|* heap serves the object in which the copy lies, if any. Copying a container
|* starts from a default constructed allocator, as with
|* std::pmr::polymorphic_allocator, so each copy keeps its elements near itself.
|* Two allocators are equal when they serve the same object or both the heap.
|* Assignment of containers, by copy or move, leaves allocators where they are
|* and moves the elements one by one between unequal ones; so does a container
|* that gets an rvalue container as an element. Any other move construction
takes
|* the memory over, wherever it lies; to move a container from the heap into an
|* object, give the new one's allocator:
|* make<C>(near, std::move(c), perdure::allocator<T>(near)).
|*
|* fancy_ptr<T>, the allocator's pointer type, is perdure::ref<T>. docs/Cxx.md
|* lists the containers that can use one.
|*
|* Thread-safety: that of perdure_alloc. When there is no room std::bad_alloc is
|* thrown; without exceptions the program ends, as containers cannot go on.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_ALLOCATOR_H
#define PERDURE_ALLOCATOR_H

#include <perdure/make.h>
#include <perdure/ref.h>

#include <cstdlib>

namespace perdure {

template <class T> using fancy_ptr = ref<T>;

namespace detail {
template <class A, class V>
constexpr bool Adopts =
    std::conjunction_v<std::uses_allocator<V, A>,
                       std::is_constructible<V, V &&, const A &>>;

/// A container that is about to be moved into a new element comes with an
/// allocator that knows nothing of the element's place: one that serves the
/// place takes what it holds over first. All else passes unchanged.
template <class A, class V>
decltype(auto) adopt(const A &Allocator, V &&Value) {
  if constexpr (std::is_rvalue_reference_v<V &&> && Adopts<A, V>)
    return V(std::forward<V>(Value), Allocator);
  else
    return std::forward<V>(Value);
}
} // namespace detail

template <class T> class allocator {
  /// An address in the object that is served; null: the heap.
  ptr<const void> Near;

  template <class U> friend class allocator;

  static const void *inObject(const void *P) noexcept {
    return perdure_in_object(P) ? P : nullptr;
  }

public:
  using value_type = T;
  using pointer = fancy_ptr<T>;
  using const_pointer = fancy_ptr<const T>;
  using void_pointer = fancy_ptr<void>;
  using const_void_pointer = fancy_ptr<const void>;
  using difference_type = std::ptrdiff_t;
  using size_type = std::size_t;
  using propagate_on_container_copy_assignment = std::false_type;
  using propagate_on_container_move_assignment = std::false_type;
  using propagate_on_container_swap = std::false_type;
  using is_always_equal = std::false_type;
  template <class U> struct rebind { using other = allocator<U>; };

  allocator() noexcept : Near(inObject(this)) {}
  explicit allocator(const void *InObject) noexcept
      : Near(inObject(InObject)) {}
  allocator(const allocator &Other) noexcept
      : Near(Other.Near ? Other.near() : inObject(this)) {}
  template <class U>
  allocator(const allocator<U> &Other) noexcept
      : Near(Other.Near ? Other.near() : inObject(this)) {}
  allocator &operator=(const allocator &) noexcept = default;

  /// An address in the object that is served, or null for the heap.
  const void *near() const noexcept { return Near; }

  [[nodiscard]] pointer allocate(size_type Count) {
    void *Block;
    if (near())
      Block = detail::allocateFor<T>(near(), Count);
    else if (Count > max_size())
      Block = nullptr;
    else if constexpr (alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
      Block = ::operator new(Count * sizeof(T), std::align_val_t(alignof(T)));
    else
      Block = ::operator new(Count * sizeof(T));
    if (!Block) {
      detail::noRoom();
      std::abort();
    }
    return static_cast<T *>(Block);
  }

  void deallocate(pointer Block, size_type) noexcept {
    // Where the block lies says whence it came.
    void *P = const_cast<std::remove_cv_t<T> *>(Block.get());
    if (perdure_in_object(P))
      perdure_free(P);
    else if constexpr (alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
      ::operator delete(P, std::align_val_t(alignof(T)));
    else
      ::operator delete(P);
  }

  template <class U, class... Args>
  std::enable_if_t<std::is_constructible_v<U, Args &&...>>
  construct(U *P, Args &&...As) {
    ::new (static_cast<void *>(P))
        U(detail::adopt(*this, std::forward<Args>(As))...);
  }

  size_type max_size() const noexcept { return PTRDIFF_MAX / sizeof(T); }

  allocator select_on_container_copy_construction() const { return {}; }

  template <class U> bool operator==(const allocator<U> &Other) const noexcept {
    const void *A = near(), *B = Other.near();
    return A == B || (A && B && perdure_root(A) == perdure_root(B));
  }
  template <class U> bool operator!=(const allocator<U> &Other) const noexcept {
    return !(*this == Other);
  }
};

} // namespace perdure

#endif /* PERDURE_ALLOCATOR_H */

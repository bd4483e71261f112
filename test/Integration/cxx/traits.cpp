// What the standard library makes of persistent pointers: is_pointer, decay and
// their kin, exchange, swap, bind, thread. Everything here is asked at compile
// time; standard-library.cpp runs it.
//
// RUN: %clangxx -std=c++17 -fsyntax-only -Wall -Wextra -Werror %s
// RUN: %clangxx -std=c++20 -fsyntax-only -Wall -Wextra -Werror %s
// RUN: %clangxx -std=c++23 -fsyntax-only -Wall -Wextra -Werror %s
#include <perdure/perdure.h>

#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

struct [[perdure::persistent]] node {
  node *next;
  node *kids[4];
  const volatile char *text;
  long value;
};

template <class A, class B> constexpr bool same = std::is_same_v<A, B>;
using P = perdure::ptr<node>;

// The type itself.
static_assert(sizeof(P) == 8 && !same<P, node *>);
static_assert(same<P, std::remove_reference_t<decltype((node().next))>>);
static_assert(same<P[4], decltype(node::kids)>);

// It is a pointer.
static_assert(std::is_pointer_v<P> && std::is_pointer_v<const P> &&
              std::is_pointer_v<volatile P> &&
              std::is_pointer_v<const volatile P>);
static_assert(std::is_pointer_v<decltype(node::next)>);
static_assert(std::is_scalar_v<P> && std::is_object_v<P> &&
              std::is_compound_v<P> && !std::is_class_v<P>);
static_assert(!std::is_pointer_v<P &> && !std::is_pointer_v<node> &&
              std::is_pointer_v<node *> && std::is_pointer_v<P *>);
static_assert(same<std::remove_pointer_t<P>, node> &&
              same<std::remove_pointer_t<const P>, node> &&
              same<std::remove_pointer_t<node *>, node> &&
              same<std::remove_pointer_t<node>, node>);

// By value it is a native pointer.
static_assert(same<std::decay_t<P>, node *> &&
              same<std::decay_t<P &>, node *> &&
              same<std::decay_t<const P &>, node *> &&
              same<std::decay_t<P &&>, node *> &&
              same<std::decay_t<const volatile P &>, node *>);
static_assert(same<std::decay_t<decltype(node::text)>, const volatile char *>);
static_assert(same<std::decay_t<P[4]>, P *> && same<std::decay_t<P *>, P *> &&
              same<std::decay_t<node *&>, node *> &&
              same<std::decay_t<node &>, node> &&
              same<std::decay_t<void()>, void (*)()>);

// It stays one as a pointee: arrays of it are no arrays of native pointers.
static_assert(same<std::remove_cv_t<P>, P> &&
              same<std::remove_cv_t<const P>, P>);
static_assert(same<std::iterator_traits<P *>::value_type, P>);

// Copying one is not copying bits, nor is copying what holds one.
static_assert(!std::is_trivially_copyable_v<P> && !std::is_trivial_v<P> &&
              !std::is_trivially_copyable_v<node>);
static_assert(std::is_nothrow_move_constructible_v<P> &&
              std::is_nothrow_copy_assignable_v<P> && std::is_swappable_v<P> &&
              std::is_constructible_v<P, node *> &&
              std::is_assignable_v<P &, node *> &&
              std::is_assignable_v<P &, std::nullptr_t> &&
              std::is_convertible_v<P &, node *> &&
              !std::is_assignable_v<P &, int *>);

// Templates that keep values keep native pointers.
node n;
int take(node *);
static_assert(
    same<decltype(std::make_pair(n.next, n.next)), std::pair<node *, node *>>);
static_assert(
    same<decltype(std::make_tuple(n.next, 1)), std::tuple<node *, int>>);
static_assert(
    same<decltype(std::make_optional(n.next)), std::optional<node *>>);
static_assert(same<decltype(std::optional(n.next)), std::optional<node *>>);
static_assert(same<decltype(std::exchange(n.next, nullptr)), node *>);
static_assert(same<decltype(std::bind(take, n.next)()), int>);
static_assert(std::is_invocable_r_v<int, decltype(take), P &>);
static_assert(same<decltype(std::tie(n.next)), std::tuple<P &>>);
static_assert(same<decltype(std::forward_as_tuple(n.next)), std::tuple<P &>>);

auto automatic = n.next;
static_assert(same<decltype(automatic), node *>);

// perdure::ref.
using R = perdure::ref<node>;
struct base {
  int b;
};
struct derived : base {};
static_assert(sizeof(R) == 8 && std::is_standard_layout_v<R>);
static_assert(!std::is_trivially_copyable_v<R> &&
              !std::is_trivially_copy_constructible_v<R> &&
              !std::is_trivially_move_constructible_v<R> &&
              !std::is_trivially_copy_assignable_v<R> &&
              std::is_nothrow_move_constructible_v<R> &&
              std::is_nothrow_copy_assignable_v<R> &&
              std::is_nothrow_default_constructible_v<R>);
static_assert(std::is_convertible_v<R, node *> &&
              std::is_convertible_v<node *, R> &&
              std::is_convertible_v<P &, R> &&
              std::is_convertible_v<std::nullptr_t, R>);
template <class To, class From>
constexpr bool converts =
    std::is_convertible_v<perdure::ref<From>, perdure::ref<To>>;
template <class To, class From>
constexpr bool casts =
    std::is_constructible_v<perdure::ref<To>, perdure::ref<From>>;
static_assert(converts<base, derived> && converts<void, int> &&
              converts<const int, int> && converts<const void, int>);
static_assert(!converts<derived, base> && !converts<int, void> &&
              !converts<int, const int> && !converts<int, long>);
static_assert(casts<derived, base> && casts<int, void> &&
              !casts<int, const int> && !casts<int, const void> &&
              !casts<int, long>);
static_assert(
    same<std::pointer_traits<R>::element_type, node> &&
    same<std::pointer_traits<R>::rebind<int>, perdure::ref<int>> &&
    same<std::pointer_traits<perdure::ref<void>>::element_type, void>);
#if __cplusplus >= 202002L
static_assert(std::random_access_iterator<perdure::ref<int>> &&
              std::regular<R> && std::totally_ordered<R> &&
              std::three_way_comparable<R> && std::sized_sentinel_for<R, R>);
#endif

// perdure::atomic_ptr.
static_assert(perdure::atomic_ptr<node>::is_always_lock_free &&
              sizeof(perdure::atomic_ptr<node>) == 8 &&
              !std::is_copy_constructible_v<perdure::atomic_ptr<node>> &&
              !std::is_copy_assignable_v<perdure::atomic_ptr<node>>);

// perdure::allocator.
using A = std::allocator_traits<perdure::allocator<node>>;
static_assert(same<A::pointer, perdure::fancy_ptr<node>> &&
              same<A::const_pointer, perdure::fancy_ptr<const node>> &&
              same<A::void_pointer, perdure::fancy_ptr<void>> &&
              same<A::rebind_alloc<int>, perdure::allocator<int>> &&
              !A::is_always_equal::value &&
              !A::propagate_on_container_swap::value);

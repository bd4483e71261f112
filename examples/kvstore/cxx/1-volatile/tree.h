// tree.h - A balanced search tree whose items never move.
//
// An AVL tree. order(key, item) compares as memcmp does, for whatever keys one
// wants to look up.
#ifndef TREE_H
#define TREE_H

#include <algorithm>
#include <cstddef>
#include <utility>

template <class T, class Order> class tree {
  struct node {
    T item;
    node *left = nullptr, *right = nullptr;
    int height = 1;

    template <class... Args>
    explicit node(Args &&...args) : item(std::forward<Args>(args)...) {}
  };
  node *root = nullptr;

  template <class K> static int order(const K &key, const T &item) {
    return Order()(key, item);
  }

  static int height_of(const node *n) { return n ? n->height : 0; }

  static void measure(node *n) {
    n->height = 1 + std::max(height_of(n->left), height_of(n->right));
  }

  static node *rotate_left(node *n) {
    node *top = n->right;
    n->right = top->left;
    top->left = n;
    measure(n);
    measure(top);
    return top;
  }

  static node *rotate_right(node *n) {
    node *top = n->left;
    n->left = top->right;
    top->right = n;
    measure(n);
    measure(top);
    return top;
  }

  static node *balanced(node *n) {
    measure(n);
    int lean = height_of(n->left) - height_of(n->right);
    if (lean > 1) {
      if (height_of(n->left->left) < height_of(n->left->right))
        n->left = rotate_left(n->left);
      return rotate_right(n);
    }
    if (lean < -1) {
      if (height_of(n->right->right) < height_of(n->right->left))
        n->right = rotate_right(n->right);
      return rotate_left(n);
    }
    return n;
  }

  static node *with(node *n, node *added) {
    if (!n)
      return added;
    if (order(added->item, n->item) < 0)
      n->left = with(n->left, added);
    else
      n->right = with(n->right, added);
    return balanced(n);
  }

  static node *without_first(node *n, node *&first) {
    if (!n->left) {
      first = n;
      return n->right;
    }
    n->left = without_first(n->left, first);
    return balanced(n);
  }

  template <class K> static node *without(node *n, const K &key, node *&taken) {
    if (!n)
      return nullptr;
    int o = order(key, n->item);
    if (o < 0) {
      n->left = without(n->left, key, taken);
      return balanced(n);
    }
    if (o > 0) {
      n->right = without(n->right, key, taken);
      return balanced(n);
    }
    taken = n;
    if (!n->right)
      return n->left;
    node *next;
    node *rest = without_first(n->right, next);
    next->left = n->left;
    next->right = rest;
    return balanced(next);
  }

  template <class K, class F> static bool visit(node *n, const K &from, F &&f) {
    if (!n)
      return true;
    int o = order(from, n->item);
    if (o <= 0 && !visit(n->left, from, f))
      return false;
    return (o > 0 || f(n->item)) && visit(n->right, from, f);
  }

  static bool sound(const node *n, const node *&before, std::size_t &items) {
    if (!n)
      return true;
    if (!sound(n->left, before, items) ||
        (before && order(before->item, n->item) >= 0))
      return false;
    before = n;
    items++;
    int left = height_of(n->left), right = height_of(n->right);
    return n->height == 1 + std::max(left, right) && left - right < 2 &&
           right - left < 2 && sound(n->right, before, items);
  }

  static void destroy(node *n) {
    if (!n)
      return;
    destroy(n->left);
    destroy(n->right);
    delete n;
  }

public:
  tree() = default;
  tree(const tree &) = delete;
  ~tree() { destroy(root); }

  /// Is all in order and in balance? Counts the items.
  bool sound(std::size_t &items) const {
    const node *before = nullptr;
    return sound(root, before, items);
  }

  int height() const { return height_of(root); }

  template <class K> T *find(const K &key) const {
    node *n = root;
    while (n)
      if (int o = order(key, n->item))
        n = o < 0 ? n->left : n->right;
      else
        return &n->item;
    return nullptr;
  }

  /// Makes an item from the arguments; there must be none that is equal.
  template <class... Args> T *emplace(Args &&...args) {
    node *added = new node(std::forward<Args>(args)...);
    root = with(root, added);
    return &added->item;
  }

  template <class K> bool erase(const K &key) {
    node *taken = nullptr;
    root = without(root, key, taken);
    delete taken;
    return taken;
  }

  /// f(item) in order, from the first item that is not before `from`, until
  /// one returns false. Items with order 0 are all visited.
  template <class K, class F> bool visit(const K &from, F &&f) const {
    return visit(root, from, f);
  }
};

#endif

// RUN: %clangxx -std=c++17 -fsyntax-only -Wall -Wextra -Wno-unused -Werror %s
// RUN: %clangxx -std=c++20 -fsyntax-only -Wall -Wextra -Wno-unused -Werror %s
// RUN: %clangxx -std=c++23 -fsyntax-only -Wall -Wextra -Wno-unused -Werror %s

// Ordinary code over annotated records says nothing.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <perdure/perdure.h>
#include <unordered_set>
#include <variant>
#include <vector>

struct PERDURE list {
  struct link {
    link *next = nullptr;
    const char *name = nullptr;
    unsigned flag : 1, other : 3;
  };
  link *head = nullptr;
  link **slots = nullptr;
  int count() const {
    int n = 0;
    for (link *l = head; l; l = l->next)
      ++n;
    return n;
  }
  void push(link *l) {
    l->next = head;
    head = l;
  }
  link *pop() { return std::exchange(head, +head->next); }
};
template <class T> struct PERDURE tree {
  tree *left = nullptr, *right = nullptr;
  T value;

  perdure::ptr<tree> &child(bool more) { return more ? right : left; }
};

void containers(list &l, tree<int> &t, std::vector<list::link *> &native) {
  native.push_back(+l.head);
  native.emplace_back(l.head);
  std::vector<list> lists(3, l);
  lists.push_back(l);
  lists.erase(lists.begin());
  std::sort(native.begin(), native.end());
  std::map<int, list> map;
  map[1] = l;
  std::optional<list> maybe = l;
  std::variant<list, int> either = l;
  std::unordered_set<list::link *> set;
  set.insert(+l.head);
  auto shared = std::make_shared<list>(l);
  std::function<int(list &)> count = &list::count;
  for (auto *at = &t; at; at = at->child(at->value < 3))
    std::swap(at->left, at->right);
  list::link array[3];
  std::reverse(array, array + 3);
  std::rotate(array, array + 1, array + 3);
  auto [head, slots] = l;
  auto by_copy = [l] { return l.head; };
  auto by_reference = [&head = l.head] { head = nullptr; };
  delete l.head;
  try {
    throw l;
  } catch (const list &caught) {
    l = caught;
  }
}

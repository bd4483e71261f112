// The containers of libstdc++ 12 that can use a fancy pointer, inside an
// object: vector, basic_string and deque. errors.cpp asks that the others be
// refused.
//
// RUN: %python %S/Inputs/relocated.py "%perdure_cxx" "%window_low" "%window_high" %t %s -std=c++17
// RUN: %perdure_cxx -std=c++23 -O1 %s -o %t/23 && %run %t/23 %t/store23 build
#include "Inputs/object.h"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

template <class T> using A = perdure::allocator<T>;
template <class T> using vector = std::vector<T, A<T>>;
template <class T> using deque = std::deque<T, A<T>>;
using string = std::basic_string<char, std::char_traits<char>, A<char>>;

enum { N = 500 };

struct [[perdure::persistent]] node {
  node *next = nullptr;
  long value = 0;
  node() = default;
  node(node *next, long value) : next(next), value(value) {}
};

struct [[perdure::persistent]] root {
  vector<long> numbers;
  vector<node> nodes;
  vector<perdure::ref<node>> refs;
  vector<vector<long>> rows;
  vector<string> strings;
  string text, name;
  deque<long> queue;
  deque<string> lines;
};

static string word(long i) {
  return string(("word " + std::to_string(i) +
                 (i % 3 ? "" : ", long enough to be allocated"))
                    .c_str());
}

static void build(root *r) {
  node *first = nullptr;
  r->nodes.reserve(N);
  for (long i = 0; i < N; ++i) {
    r->numbers.insert(r->numbers.begin() + i / 2, i);
    first = &r->nodes.emplace_back(first, i);
    r->refs.push_back(first);
    r->rows.emplace_back(i % 7, i);
    r->rows.push_back(vector<long>(3, i)); // comes from the heap
    r->rows.pop_back();
    r->strings.push_back(word(i));
    r->queue.push_front(i);
    r->queue.push_back(i);
    r->lines.push_back(word(i));
  }
  std::sort(r->numbers.begin(), r->numbers.end());
  std::sort(r->queue.begin(), r->queue.end());
  std::reverse(r->strings.begin(), r->strings.end());
  r->text = "some text that does not fit into the string object itself";
  r->name = "name";
  r->lines.pop_front();
}

/// Where the elements lie.
template <class C> static bool liesWith(const C &c, const void *place) {
  return perdure_root(&*c.begin()) == perdure_root(place);
}

static void check(root *r) {
  CHECK(r->numbers.size() == N && r->queue.size() == 2 * N);
  const node *next = nullptr;
  for (long i = 0; i < N; ++i) {
    CHECK(r->numbers[i] == i && r->queue[2 * i] == i &&
          r->queue[2 * i + 1] == i);
    CHECK(r->nodes[i].value == i && r->nodes[i].next == next);
    next = &r->nodes[i];
    CHECK(r->refs[i] == next);
    CHECK(r->rows[i] == vector<long>(i % 7, i));
    CHECK(r->strings[N - 1 - i] == word(i));
    CHECK(i == 0 || r->lines[i - 1] == word(i));
  }
  CHECK(r->text.size() == 57 && r->text.find("fit") == 24 && r->name == "name");
  CHECK(liesWith(r->numbers, r) && liesWith(r->text, r) &&
        liesWith(r->name, r) && liesWith(r->queue, r) &&
        liesWith(r->lines, r) && liesWith(r->rows[6], r));

  // Copies on the stack, and back by assignment.
  auto numbers = r->numbers;
  auto strings = r->strings;
  auto rows = r->rows;
  auto queue = r->queue;
  CHECK(!liesWith(numbers, r) && !liesWith(strings, r) &&
        !liesWith(rows[6], r) && !liesWith(queue, r));
  CHECK(numbers == r->numbers && strings == r->strings && rows == r->rows);
  r->numbers.clear();
  r->numbers.shrink_to_fit();
  r->numbers = numbers;
  r->strings = std::move(strings);
  r->rows = rows;
  r->queue = std::move(queue);
  r->text = string("some text that does not fit into the string object itself");
  CHECK(liesWith(r->numbers, r) && liesWith(r->strings, r) &&
        liesWith(r->text, r) && liesWith(r->rows[6], r) &&
        liesWith(r->queue, r));

  // Within the object memory changes hands.
  auto *other = perdure::make<vector<long>>(r, std::move(r->numbers));
  CHECK(r->numbers.empty() && liesWith(*other, r));
  std::swap(*other, r->numbers);
  CHECK(r->numbers.size() == N && other->empty());
  perdure::destroy(other);

  // Into an object from the heap, by move.
  auto *moved = perdure::make<vector<long>>(r, std::move(numbers), A<long>(r));
  CHECK(liesWith(*moved, r) && moved->size() == N);
  perdure::destroy(moved);
}

static void anywhere() {
  vector<string> strings;
  for (long i = 0; i < N; ++i)
    strings.push_back(word(i));
  auto copy = strings;
  strings.erase(strings.begin(), strings.begin() + 10);
  CHECK(copy.size() == N && strings[0] == word(10));
  deque<long> queue(100, 3);
  queue.insert(queue.begin() + 50, 4);
  CHECK(queue[50] == 4 && std::count(queue.begin(), queue.end(), 3) == 100);
  A<int> a, b;
  CHECK(a == b && a == A<long>(&a) && !a.near());
  A<int>::pointer p = a.allocate(3);
  b.deallocate(p, 3);
}

RUN_IN_OBJECT

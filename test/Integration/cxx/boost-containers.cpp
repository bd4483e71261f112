// Boost.Container inside an object: filled at one address, read back at others.
// The same types on the stack use the ordinary heap.
//
// REQUIRES: boost-container
// RUN: %python %S/Inputs/relocated.py "%perdure_cxx" "%window_low" "%window_high" %t %s -std=c++17
#include "Inputs/object.h"

#include <boost/container/deque.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/set.hpp>
#include <boost/container/slist.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <string>
#include <type_traits>
#include <utility>

namespace bc = boost::container;
template <class T> using A = perdure::allocator<T>;
using string = bc::basic_string<char, std::char_traits<char>, A<char>>;

enum { N = 500 };

struct [[perdure::persistent]] node {
  node *next = nullptr;
  long value = 0;
};

struct [[perdure::persistent]] shelf {
  bc::vector<long, A<long>> vector;
  string name, text;
  bc::vector<string, A<string>> strings;
  bc::map<long, string, std::less<>, A<std::pair<const long, string>>> map;
  bc::set<string, std::less<>, A<string>> set;
  bc::flat_map<long, long, std::less<long>, A<std::pair<long, long>>> flat;
  bc::list<long, A<long>> list;
  bc::slist<long, A<long>> slist;
  bc::deque<long, A<long>> deque;
  bc::stable_vector<long, A<long>> stable;
  bc::vector<perdure::ref<node>, A<perdure::ref<node>>> refs;
  bc::vector<node, A<node>> nodes;
  bc::map<string, bc::vector<long, A<long>>, std::less<>,
          A<std::pair<const string, bc::vector<long, A<long>>>>>
      nested;
};

struct [[perdure::persistent]] root {
  shelf shelf;
  perdure::ref<struct shelf> made;
};

static string word(long i) {
  // Some fit into the string itself, some need memory.
  return string(("word " + std::to_string(i) +
                 (i % 3 ? "" : ", long enough to be allocated"))
                    .c_str());
}

static void fill(shelf &s) {
  s.name = "short";
  s.text = "a text that does not fit into the string object itself";
  s.text += " and then grows";
  node *first = nullptr;
  s.nodes.resize(N);
  for (long i = 0; i < N; ++i) {
    s.vector.push_back(i);
    s.vector.insert(s.vector.begin(), -i);
    s.strings.push_back(word(i));
    s.map[i * 7 % N] = word(i * 7 % N);
    s.set.insert(word(i));
    s.flat[i * 13 % N] = i;
    s.list.push_front(i);
    s.slist.push_front(i);
    s.deque.push_front(i);
    s.stable.push_back(i);
    s.nodes[i].value = i;
    s.nodes[i].next = first;
    first = &s.nodes[i];
    s.refs.push_back(first);
    s.nested[word(i % 5)].push_back(i);
  }
  for (long i = 0; i < N; i += 2) {
    s.map.erase(i);
    s.set.erase(word(i));
  }
  s.vector.erase(s.vector.begin(), s.vector.begin() + N);
  s.list.reverse();
  s.slist.reverse();
  std::sort(s.deque.begin(), s.deque.end());
  s.strings.erase(s.strings.begin() + 1);
  s.strings.insert(s.strings.begin(), word(1));
  s.strings.shrink_to_fit();
  s.flat.erase(3);
}

static void look(const shelf &s) {
  CHECK(s.name == "short" && s.text.size() == 69 && s.text.find("and") == 55);
  CHECK(s.vector.size() == N && s.strings.size() == N &&
        s.map.size() == N / 2 && s.set.size() == N / 2 &&
        s.flat.size() == N - 1 && s.refs.size() == N);
  auto list = s.list.begin();
  auto slist = s.slist.begin();
  const node *next = nullptr;
  for (long i = 0; i < N; ++i, ++list, ++slist) {
    CHECK(s.vector[i] == i && s.deque[i] == i && s.stable[i] == i &&
          *list == i && *slist == i);
    CHECK(s.strings[i] == word(i < 2 ? 1 - i : i));
    CHECK(s.refs[i] == &s.nodes[i] && s.refs[i]->next == next);
    next = s.refs[i];
    CHECK((s.set.find(word(i)) != s.set.end()) == (i % 2 == 1));
    CHECK((s.flat.find(i) != s.flat.end()) == (i != 3));
    auto found = s.map.find(i);
    CHECK((found != s.map.end()) == (i % 2 == 1));
    CHECK(found == s.map.end() || found->second == word(i));
    const auto &numbers = s.nested.at(word(i % 5));
    CHECK(numbers[i / 5] == i && numbers.size() == N / 5);
  }
}

/// Everything that the container allocated lies where it should.
template <class C> static bool liesWith(const C &c, const void *place) {
  return perdure_root(&*c.begin()) == perdure_root(place);
}

static void build(root *r) {
  fill(r->shelf);
  CHECK(liesWith(r->shelf.vector, r) && liesWith(r->shelf.map, r) &&
        liesWith(r->shelf.set, r) && liesWith(r->shelf.strings, r) &&
        liesWith(r->shelf.text, r) && liesWith(r->shelf.list, r) &&
        liesWith(r->shelf.nested.begin()->second, r));
  r->made = perdure::make<shelf>(r, r->shelf);
  // A copy brings its nodes along.
  CHECK(r->made->nodes.size() == N);
  for (long i = 0; i < N; ++i) {
    r->made->nodes[i].next = i ? &r->made->nodes[i - 1] : nullptr;
    r->made->refs[i] = &r->made->nodes[i];
  }
}

static void check(root *r) {
  look(r->shelf);
  look(*r->made);

  // On the stack a copy keeps its elements on the heap.
  auto map = r->shelf.map;
  auto strings = r->shelf.strings;
  CHECK(!liesWith(map, r) && !liesWith(strings, r) && map == r->shelf.map &&
        strings == r->shelf.strings);
  CHECK(map.get_allocator() != r->shelf.map.get_allocator());
  map.clear();
  strings.resize(3);

  // Assignment leaves each where it is.
  auto before = r->shelf.strings;
  r->shelf.strings = strings;
  CHECK(liesWith(r->shelf.strings, r) && r->shelf.strings.size() == 3);
  r->shelf.strings = std::move(before);
  CHECK(liesWith(r->shelf.strings, r) && r->shelf.strings.size() == N);
  r->shelf.name = string("from the stack, and long enough to be allocated");
  CHECK(liesWith(r->shelf.name, r));
  r->shelf.name = "short";
  auto list = r->shelf.list;
  r->shelf.list.clear();
  r->shelf.list = list;
  auto flat = r->shelf.flat;
  r->shelf.flat = flat;
  CHECK(liesWith(r->shelf.list, r) && liesWith(r->shelf.flat, r));

  // Containers that become elements bring their own elements along.
  using row = bc::vector<long, A<long>>;
  auto *rows = perdure::make<bc::vector<row, A<row>>>(r);
  for (int i = 0; i < 5; ++i)
    rows->push_back(row(100, i));
  rows->insert(rows->begin(), row(rows->back()));
  rows->emplace(rows->begin(), row(3, 7));
  rows->emplace_back(5, 8);
  CHECK(rows->size() == 8 && (*rows)[1][0] == 4 && rows->front()[2] == 7);
  for (row &each : *rows)
    CHECK(liesWith(each, r));
  perdure::destroy(rows);

  // Within the object memory changes hands.
  auto *swapped = perdure::make<bc::vector<long, A<long>>>(r);
  swapped->swap(r->shelf.vector);
  CHECK(r->shelf.vector.empty() && swapped->size() == N);
  r->shelf.vector = std::move(*swapped);
  perdure::destroy(swapped);

  // An allocator with an address serves that object from anywhere.
  string *text = perdure::make<string>(
      r, string("built outside, and long enough to be allocated"), A<char>(r));
  CHECK(liesWith(*text, r));
  perdure::destroy(text);
  bc::vector<long, A<long>> outside((A<long>(r)));
  outside.push_back(1);
  CHECK(liesWith(outside, r));

  look(r->shelf);
}

static void anywhere() {
  shelf s;
  fill(s);
  look(s);
  shelf *heap = new shelf(s);
  CHECK(heap->map == s.map && heap->nested == s.nested);
  delete heap;
}

RUN_IN_OBJECT

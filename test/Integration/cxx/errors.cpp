// What the C++ headers refuse, and in which words.
//
// RUN: not %clangxx -std=c++17 -fsyntax-only -ferror-limit=0 -DPART=1 %s 2>&1 | FileCheck %s --check-prefix=NATIVE
// RUN: not %clangxx -std=c++17 -fsyntax-only -ferror-limit=0 -DPART=2 %s 2>&1 | FileCheck %s --check-prefix=NODES
// RUN: not %clangxx -std=c++17 -fsyntax-only -ferror-limit=0 -DPART=3 %s 2>&1 | FileCheck %s --check-prefix=FIELDS
// RUN: not %clangxx -std=c++17 -fsyntax-only -ferror-limit=0 -DPART=4 %s 2>&1 | FileCheck %s --check-prefix=TYPES
#include <perdure/perdure.h>

#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

struct [[perdure::persistent]] node {
  node *next;
  long value;
};
template <class T> using A = perdure::allocator<T>;

#if PART == 1
// Types that hold native pointers have no place in objects.
struct native {
  char *text;
};
struct dynamic {
  virtual ~dynamic();
};
void refused(void *near) {
  (void)perdure::make<native>(near);
  (void)perdure::make<std::string>(near);
  (void)perdure::make<dynamic>(near);
  (void)perdure::make<char *>(near);
  (void)perdure::make<native[]>(near, 3);
}
// NATIVE-DAG: error: {{.*}}'native' through a template argument, which holds native pointers ('text')
// NATIVE-DAG: error: {{.*}}which holds native pointers ('_M_dataplus')
// NATIVE-DAG: error: {{.*}}which holds native pointers (its table of virtual functions)
// NATIVE-DAG: error: {{.*}}has become the pointer 'char *'

#elif PART == 2
// libstdc++ 12 links these with native pointers whatever the allocator.
void refused() {
  std::list<int, A<int>>().push_back(1);
  std::map<int, int, std::less<int>, A<std::pair<const int, int>>>()[1] = 2;
  std::unordered_map<int, int, std::hash<int>, std::equal_to<int>,
                     A<std::pair<const int, int>>>()[1] = 2;
}
// NODES-DAG: error: {{.*}}'std::_List_node<int>' through a template argument, which holds native pointers
// NODES-DAG: error: {{.*}}'std::_Rb_tree_node<{{.*}}>' through a template argument, which holds native pointers
// NODES-DAG: error: {{.*}}'std::__detail::_Hash_node<{{.*}}>' through a template argument, which holds native pointers

#elif PART == 3
struct [[perdure::persistent]] root {
  // FIELDS: :[[@LINE+1]]:{{.*}}error: field 'list'{{.*}}holds native pointers
  std::list<int, A<int>> list;
  // FIELDS: :[[@LINE+1]]:{{.*}}error: field 'bits'{{.*}}holds native pointers
  std::vector<bool, A<bool>> bits;
  std::vector<int, A<int>> good;
};
// FIELDS: 2 errors generated

#elif PART == 4
void refused(node *n, const node *c, node **native,
             perdure::atomic_ptr<node> &a, perdure::ref<const node> rc,
             perdure::ref<void> rv) {
  // TYPES: :[[@LINE+1]]:{{.*}}error: no matching function for call to 'perdure_atomic_load'
  perdure_atomic_load(native);
  // TYPES: :[[@LINE+1]]:{{.*}}error: no matching function for call to 'perdure_atomic_store'
  perdure_atomic_store(&c->next, n);
  // TYPES: :[[@LINE+1]]:{{.*}}error: the number of bytes is no multiple of the element's size
  perdure__count(sizeof(node) + 1, sizeof(node));
  // Said at the end, where templates are instantiated.
  perdure_memmove(n, &n->value, sizeof *n);
  // TYPES: :[[@LINE+1]]:{{.*}}error: {{.*}}deleted
  auto copy = a;
  // TYPES: :[[@LINE+1]]:{{.*}}error: no viable
  perdure::ref<node> r = rc;
  // TYPES: :[[@LINE+1]]:{{.*}}error: no viable
  r = rv;
}
// TYPES: error: {{.*}}perdure_memmove moves elements of one type
#endif

// RUN: %clangxx -std=c++17 -fsyntax-only -Xclang -verify %s

// Clang's own warnings: ours in its place for annotated records, unchanged for
// other classes.
#include <perdure/perdure.h>
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct PERDURE node { node *next; };
struct other { std::string s; };

void warned(node *n, node *m, other *o) {
  std::memcpy(n, m, sizeof *n);
// expected-warning@-1 {{'memcpy' gets the annotated record 'node' as bytes, and the bits of persistent pointers depend on where they lie; use perdure_memmove, which re-encodes them, or assign the record}}
  std::memcpy(o, o + 1, sizeof *o);
// expected-warning@-1 {{first argument in call to 'memcpy' is a pointer to non-trivially copyable type 'other'}}
  std::memset(o, 0, sizeof *o);
// expected-warning@-1 {{first argument in call to 'memset' is a pointer to non-trivially copyable type 'other'}}
}
void fine(node *n, std::vector<node *> &v) {
  std::memset(n, 0, sizeof *n);
  std::memcpy((void *)n, n + 1, sizeof *n);
  std::vector<node> nodes(3, *n);
  nodes.push_back(*n);
  nodes.erase(nodes.begin());
  std::sort(v.begin(), v.end());
  std::map<int, node> map;
  map[1] = *n;
  auto shared = std::make_shared<node>(*n);
  std::unique_ptr<node> owned(n->next);
  node *placed = new (n) node{};
  placed->~node();
  delete n;
}

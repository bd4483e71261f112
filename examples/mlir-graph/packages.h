// packages.h - Debian's package index, and the graph made of it.
#ifndef PACKAGES_H
#define PACKAGES_H

#include "graph.h"

#include <cstring>
#include <istream>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

struct entry {
  std::string name;
  std::vector<std::string> needs; // each once, in order
};

// The names in "a (>= 1) | b, c:any": alternatives count like the others.
inline void add_needs(entry &e, const std::string &list) {
  std::unordered_set<std::string> seen(e.needs.begin(), e.needs.end());
  for (std::size_t at = 0; at < list.size();) {
    std::size_t end = list.find_first_of(",|", at);
    end = end == std::string::npos ? list.size() : end;
    std::size_t from = list.find_first_not_of(' ', at);
    std::size_t to = list.find_first_of(" :(,|", from);
    to = to == std::string::npos ? list.size() : to;
    if (from < end && seen.insert(list.substr(from, to - from)).second)
      e.needs.push_back(list.substr(from, to - from));
    at = end + 1;
  }
}

// What `apt-cache dumpavail` prints; of several versions, the first.
inline std::vector<entry> read_index(std::istream &in) {
  std::vector<entry> entries;
  std::unordered_set<std::string> names;
  bool skips = true;
  auto value = [](const std::string &line, const char *field) {
    std::size_t n = std::strlen(field);
    return line.compare(0, n, field) ? std::string() : line.substr(n);
  };
  for (std::string line; std::getline(in, line);) {
    if (std::string name = value(line, "Package: "); !name.empty()) {
      skips = !names.insert(name).second;
      if (!skips)
        entries.push_back({name, {}});
    }
    if (skips)
      continue;
    for (const char *field : {"Depends: ", "Pre-Depends: "})
      add_needs(entries.back(), value(line, field));
  }
  return entries;
}

// Fills an empty graph with plain stores, as a program makes one that grows: each
// package where there is room. `room(bytes)` gives zeroed memory, or null; then
// this returns false.
template <class Room>
bool fill(graph *g, const std::vector<entry> &entries, Room room) {
  // (static_cast makes no pointer to persistent pointers of bytes.)
  using array = decltype(g->packages);
  auto pointers = [&](std::size_t count) {
    return reinterpret_cast<array>(room(count * sizeof(package *)));
  };
  g->packages = pointers(entries.size());
  g->queue = pointers(entries.size());
  if (!g->packages || !g->queue)
    return false;
  std::unordered_map<std::string, package *> by_name;
  for (const entry &e : entries) {
    auto *p = static_cast<package *>(room(sizeof(package)));
    auto *name = static_cast<char *>(room(e.name.size() + 1));
    if (!p || !name)
      return false;
    std::memcpy(name, e.name.c_str(), e.name.size() + 1);
    p->name = name;
    p->level = -1;
    g->packages[g->count++] = p;
    by_name[e.name] = p;
  }
  for (const entry &e : entries) {
    package *p = by_name[e.name];
    std::vector<package *> needs;
    for (const std::string &name : e.needs)
      if (auto found = by_name.find(name); found != by_name.end())
        needs.push_back(found->second);
    if (needs.empty())
      continue;
    p->needs = pointers(needs.size());
    if (!p->needs)
      return false;
    for (package *each : needs)
      p->needs[p->needs_count++] = each;
  }
  return true;
}

#endif

// catalogue.cpp - An entry of the catalogue is the number of the table's trees,
// a blank, and its definition. Trees are called "7", for the rows, and "7.1"
// and so on, for the indexes. pkv removes no tree: one that no table has is
// empty, and serves the next table of its number.
#include "catalogue.h"

#include <cerrno>
#include <cstdlib>
#include <set>

namespace {

int fail_below(table &t) {
  int code = code_of(errno);
  return fail(&t, code, pkv_errormsg());
}

std::string no_table(const table &t) {
  return "there is no table " + t.name + " in the store " + t.in.in.path;
}

/// Opens its trees. They can be made only outside of a transaction.
int open_trees(table &t, unsigned number, bool create) {
  t.trees.clear();
  for (std::size_t i = 0; i <= t.columns.indexes.size(); i++) {
    std::string called = std::to_string(number);
    if (i)
      called += "." + std::to_string(i);
    pkv_tree *tree = pkv_tree_open(t.in.in.store, called.c_str(), 0);
    if (!tree && errno == ENOENT && create)
      tree = pkv_tree_open(t.in.in.store, called.c_str(), PKV_CREATE);
    if (!tree && errno == EDEADLK)
      return fail(
          &t, SQLITE_ERROR,
          "a transaction that has written to a store makes no tables in "
          "it: make " +
              t.name + " before, or after COMMIT");
    if (!tree)
      return fail_below(t);
    t.trees.push_back(tree);
  }
  return SQLITE_OK;
}

/// "": it has none.
std::string entry_of(const table &t, const std::string &name, pkv_txn *txn) {
  struct pkv_bytes entry;
  return pkv_see(t.in.in.catalogue, txn, as_pkv(catalogue_key(name)), &entry)
             ? std::string()
             : std::string(as_bytes(entry));
}

/// The least that no table has.
int free_number(table &t, pkv_txn *txn, unsigned &number) {
  pkv_cursor *at = pkv_cursor_open(t.in.in.catalogue, txn);
  if (!at)
    return fail_below(t);
  std::set<unsigned> taken;
  struct pkv_bytes entry;
  for (int on = pkv_first(at); on; on = pkv_next(at))
    if (!pkv_pair(at, nullptr, &entry))
      taken.insert(unsigned(std::atoi(std::string(as_bytes(entry)).c_str())));
  pkv_cursor_close(at);
  for (number = 1; taken.count(number);)
    number++;
  return SQLITE_OK;
}

/// The table that the entry is of, if it is this one.
int attach(table &t, const std::string &entry) {
  std::string wanted = definition(t.columns);
  std::size_t blank = entry.find(' ');
  if (blank == std::string::npos || entry.substr(blank + 1) != wanted)
    return fail(
        &t, SQLITE_ERROR,
        "the store " + t.in.in.path + " has a table " + t.name +
            " with other columns or indexes: " + entry.substr(blank + 1));
  t.catalogue_entry = entry;
  return open_trees(t, unsigned(std::atoi(entry.c_str())), false);
}

/// Reads in a snapshot, or in the transaction for writing.
class view {
  table &t;
  snapshot *snap = nullptr;

public:
  pkv_txn *txn = nullptr;
  int code;

  explicit view(table &of) : t(of) { code = t.in.begin_read(&t, txn, snap); }
  view(const view &) = delete;
  ~view() {
    if (snap)
      t.in.end_read(snap);
  }
};

} // namespace

int find_table(table &t) {
  std::string entry;
  {
    view v(t);
    if (v.code)
      return v.code;
    entry = entry_of(t, t.name, v.txn);
  }
  return entry.empty() ? fail(&t, SQLITE_ERROR, no_table(t)) : attach(t, entry);
}

int create_table(table &t) {
  std::lock_guard<std::mutex> lock(t.in.in.defining);
  unsigned number;
  std::string entry;
  {
    view v(t);
    if (v.code)
      return v.code;
    entry = entry_of(t, t.name, v.txn);
    if (int code = free_number(t, v.txn, number))
      return code;
  }
  if (!entry.empty())
    return attach(t, entry);
  if (int code = open_trees(t, number, true))
    return code;
  if (int code = t.of.join(t.in, &t))
    return code;
  pkv_txn *txn;
  unsigned still;
  if (int code = t.in.write(&t, txn))
    return code;
  if (int code = free_number(t, txn, still))
    return code;
  if (still != number || !entry_of(t, t.name, txn).empty())
    return fail(&t, SQLITE_BUSY, "another process makes a table in the store");
  t.catalogue_entry = std::to_string(number) + " " + definition(t.columns);
  t.in.define();
  return t.in.put(&t, t.in.in.catalogue, catalogue_key(t.name),
                  t.catalogue_entry);
}

namespace {

/// Begins to change the entry of a table that is there.
int begin_change(table &t, pkv_txn *&txn) {
  if (int code = t.of.join(t.in, &t))
    return code;
  if (int code = t.in.write(&t, txn))
    return code;
  return t.verify(txn, true);
}

} // namespace

int drop_table(table &t) {
  pkv_txn *txn;
  if (int code = begin_change(t, txn))
    return code;
  if (int code = t.clear(txn))
    return code;
  t.in.define();
  return t.in.erase(&t, t.in.in.catalogue, catalogue_key(t.name));
}

int rename_table(table &t, const char *name) {
  pkv_txn *txn;
  if (int code = begin_change(t, txn))
    return code;
  if (catalogue_key(name) != catalogue_key(t.name) &&
      !entry_of(t, name, txn).empty())
    return fail(&t, SQLITE_ERROR,
                std::string("the store ") + t.in.in.path +
                    " has a table of the name " + name);
  t.in.define();
  if (int code = t.in.erase(&t, t.in.in.catalogue, catalogue_key(t.name)))
    return code;
  t.name = name;
  return t.in.put(&t, t.in.in.catalogue, catalogue_key(name),
                  t.catalogue_entry);
}

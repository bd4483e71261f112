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

/// Opens its trees, or makes them: in the transaction for writing.
int open_trees(table &t, unsigned number, bool create) {
  t.trees.clear();
  for (std::size_t i = 0; i <= t.columns.indexes.size(); i++) {
    std::string called = std::to_string(number);
    if (i)
      called += "." + std::to_string(i);
    pkv_tree *tree =
        pkv_tree_open(t.in.in.store, called.c_str(), create ? PKV_CREATE : 0);
    if (!tree) {
      t.trees.clear();
      return create ? t.in.failed(&t) : fail_below(t);
    }
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

bool is_of(const table &t, const std::string &entry) {
  std::size_t blank = entry.find(' ');
  return blank != std::string::npos &&
         entry.substr(blank + 1) == definition(t.columns);
}

/// Becomes the table that the entry is of.
int attach(table &t, const std::string &entry) {
  t.catalogue_entry = entry;
  return open_trees(t, unsigned(std::atoi(entry.c_str())), false);
}

/// The same, where CREATE names one that is there.
int attach_alike(table &t, const std::string &entry) {
  return is_of(t, entry)
             ? attach(t, entry)
             : fail(&t, SQLITE_ERROR,
                    "the store " + t.in.in.path + " has a table " + t.name +
                        " with other columns or indexes: " +
                        entry.substr(entry.find(' ') + 1));
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

int look_up(table &t, pkv_txn *txn) {
  std::string entry = entry_of(t, t.name, txn);
  if (entry.empty() && errno != ENOENT)
    return fail_below(t);
  t.missing = false;
  if (t.trees.empty() && is_of(t, entry)) // somebody has made it meanwhile
    return attach(t, entry);
  if (!t.trees.empty() && entry == t.catalogue_entry)
    return SQLITE_OK;
  t.missing = true;
  return fail(&t, SQLITE_ERROR,
              "another connection has dropped or changed " + t.name +
                  " in the store " + t.in.in.path);
}

int find_table(table &t) {
  view v(t);
  if (v.code)
    return v.code;
  int code = look_up(t, v.txn);
  if (!t.missing)
    return code;
  // It says so to who uses it. SQLite would only forget the message here.
  sqlite3_free(t.zErrMsg);
  t.zErrMsg = nullptr;
  return SQLITE_OK;
}

int create_table(table &t) {
  {
    view v(t);
    if (v.code)
      return v.code;
    std::string entry = entry_of(t, t.name, v.txn);
    if (!entry.empty())
      return attach_alike(t, entry);
  }
  if (int code = t.of.join(t.in, &t))
    return code;
  pkv_txn *txn;
  if (int code = t.in.write(&t, txn))
    return code;
  // Another connection may have made it before this one could write.
  std::string entry = entry_of(t, t.name, txn);
  if (!entry.empty())
    return attach_alike(t, entry);
  unsigned number;
  if (int code = free_number(t, txn, number))
    return code;
  if (int code = open_trees(t, number, true))
    return code;
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
  return t.verify(txn, nullptr);
}

} // namespace

int drop_table(table &t) {
  pkv_txn *txn;
  t.missing = false; // as it was when somebody looked
  if (int code = begin_change(t, txn))
    return t.missing ? SQLITE_OK : code;
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

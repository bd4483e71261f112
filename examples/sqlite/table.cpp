// table.cpp - Inserting, changing and deleting rows.
#include "table.h"

#include "catalogue.h"
#include "cursor.h"

#include <algorithm>
#include <cerrno>

cell cell_of(sqlite3_value *value, affinity fits) {
  int type = sqlite3_value_type(value);
  if (type == SQLITE_TEXT && is_numeric(fits))
    type = sqlite3_value_numeric_type(value);
  else if (fits == affinity::text &&
           (type == SQLITE_INTEGER || type == SQLITE_FLOAT))
    type = SQLITE_TEXT;
  cell c;
  switch (type) {
  case SQLITE_INTEGER:
    c = cell::of(std::int64_t(sqlite3_value_int64(value)));
    break;
  case SQLITE_FLOAT:
    c = cell::of(sqlite3_value_double(value));
    break;
  case SQLITE_TEXT: {
    auto *text = reinterpret_cast<const char *>(sqlite3_value_text(value));
    if (!text)
      throw std::bad_alloc();
    return cell::of(cell::text,
                    bytes(text, std::size_t(sqlite3_value_bytes(value))));
  }
  case SQLITE_BLOB: {
    auto *blob = static_cast<const char *>(sqlite3_value_blob(value));
    return cell::of(cell::blob,
                    bytes(blob, std::size_t(sqlite3_value_bytes(value))));
  }
  default:
    return c;
  }
  make_fit(c, fits);
  return c;
}

std::string catalogue_key(std::string name) {
  for (char &c : name)
    c = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
  return name;
}

table::table(connection &c, session &s, schema d, const char *in_database,
             const char *called)
    : sqlite3_vtab(), of(c), in(s), columns(std::move(d)),
      database(in_database), name(called) {
  in.tables++;
}

table::~table() {
  sqlite3_free(zErrMsg);
  idle.clear();
  forget_probes();
  in.tables--;
}

int table::verify(pkv_txn *txn, const snapshot *snap) {
  std::uint64_t seen = snap ? snap->definitions : in.definitions();
  if (seen != unknown_catalogue && seen == verified)
    return SQLITE_OK;
  // While this session writes nobody else changes the catalogue.
  if (!snap && verified_epoch == in.epoch && verified_defined == in.defined)
    return SQLITE_OK;
  if (int code = look_up(*this, txn))
    return code;
  if (seen != unknown_catalogue)
    verified = seen;
  if (!snap) {
    verified_epoch = in.epoch;
    verified_defined = in.defined;
  }
  return SQLITE_OK;
}

double table::rows() {
  std::uint64_t pairs = 0;
  bool known =
      !trees.empty() && !pkv_count(trees[0], in.own_transaction(), &pairs);
  return known ? double(pairs) : 1000;
}

// ===- Looking ----------------------------------------------------------===

void table::forget_probes() {
  for (pkv_cursor *each : probes)
    pkv_cursor_close(each);
  probes.clear();
}

/// A cursor over a tree, which stays for the whole transaction.
int table::probe(pkv_txn *txn, unsigned tree, pkv_cursor *&at) {
  if (probes_epoch != in.epoch)
    forget_probes();
  probes_epoch = in.epoch;
  probes.resize(trees.size());
  if (!probes[tree] && !(probes[tree] = pkv_cursor_open(trees[tree], txn)))
    return fail(this, code_of(errno), pkv_errormsg());
  at = probes[tree];
  return SQLITE_OK;
}

void table::found(bytes row_key, bytes value) {
  found_key = row_key; // first: it may throw
  found_value = value;
  found_version = in.version; // which grows before each change, and at the end
}

int table::read(pkv_txn *txn, bytes row_key, std::vector<cell> &to,
                bool &there) {
  struct pkv_bytes value = as_pkv(found_value);
  there = (found_version == in.version && found_key == row_key) ||
          !pkv_see(trees[0], txn, as_pkv(row_key), &value);
  if (!there)
    return errno == ENOENT || errno == EINVAL
               ? SQLITE_OK
               : fail(this, code_of(errno), pkv_errormsg());
  row_view view;
  to.resize(columns.columns.size());
  bool sound = view.open(as_bytes(value), unsigned(to.size()));
  for (unsigned i = 0; sound && i < to.size(); i++)
    sound = view.get(i, to[i]);
  return sound ? SQLITE_OK : SQLITE_CORRUPT_VTAB;
}

/// One more than the greatest, as SQLite does; behind the greatest that there
/// can be any that is free.
int table::new_rowid(pkv_txn *txn, std::int64_t &rowid) {
  session::last_row &last = in.last_rows[trees[0]];
  if (last.epoch != in.epoch) {
    pkv_cursor *at;
    if (int code = probe(txn, 0, at))
      return code;
    struct pkv_bytes found;
    last.there = pkv_last(at) && !pkv_pair(at, &found, nullptr);
    last.id = last.there ? rowid_of(as_bytes(found)) : 0;
    last.epoch = in.epoch;
  }
  if (last.id < INT64_MAX) {
    rowid = last.id + 1;
    return SQLITE_OK;
  }
  for (int i = 0; i < 100; i++) {
    sqlite3_randomness(sizeof(rowid), &rowid);
    rowid = (rowid & INT64_MAX >> 1) + 1;
    std::string wanted;
    append_rowid(wanted, rowid);
    struct pkv_bytes value;
    if (pkv_see(trees[0], txn, as_pkv(wanted), &value))
      return SQLITE_OK;
  }
  return SQLITE_FULL;
}

// ===- Constraints ------------------------------------------------------===

int table::violated(int code, const char *what,
                    const std::vector<unsigned> &on) {
  // Of what it passes over SQLite shows no message.
  if (sqlite3_vtab_on_conflict(of.db) == SQLITE_IGNORE)
    return code;
  std::string text = std::string(what) + " constraint failed: ";
  for (unsigned c : on)
    text += (c == on[0] ? "" : ", ") + name + "." + columns.columns[c].name;
  if (on.empty())
    text += name + ".rowid";
  return fail(this, code, text);
}

int table::too_long(const std::string &what, std::size_t size) {
  return fail(this, SQLITE_TOOBIG,
              "a key of " + name + "." + what + " would have " +
                  std::to_string(size) + " bytes: it can have " +
                  std::to_string(int(PKV_KEY_MAX)));
}

void table::append_index_key(std::string &to, const order &o,
                             const std::vector<cell> &of_row,
                             bytes row_key) const {
  for (unsigned c : o.columns)
    append_key(to, of_row[c], columns.columns[c].by, false);
  to.append(row_key);
}

/// Looks for rows that the row in `cells`, with `key`, cannot be beside. With
/// OR REPLACE they become `victims`.
int table::find_conflicts(pkv_txn *txn, bool is_new, bool key_is_new) {
  bool replaces = sqlite3_vtab_on_conflict(of.db) == SQLITE_REPLACE;
  victims.clear();
  struct pkv_bytes value;
  if (key_is_new && !pkv_see(trees[0], txn, as_pkv(key), &value)) {
    if (!replaces)
      return columns.rowid_column >= 0
                 ? violated(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE",
                            {unsigned(columns.rowid_column)})
             : columns.has_rowid()
                 ? violated(SQLITE_CONSTRAINT_ROWID, "UNIQUE", {})
                 : violated(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE",
                            columns.key);
    victims.push_back(key);
  }
  for (unsigned i = 0; i < columns.indexes.size(); i++) {
    const order &o = columns.indexes[i];
    auto is_null = [&](unsigned c) { return cells[c].is == cell::null; };
    auto is_changed = [&](unsigned c) { return bool(changed[c]); };
    // NULLs differ from each other; and values that stay had no conflict.
    if (!o.unique || std::any_of(o.columns.begin(), o.columns.end(), is_null) ||
        (!is_new &&
         std::none_of(o.columns.begin(), o.columns.end(), is_changed)))
      continue;
    index_key.clear();
    append_index_key(index_key, o, cells, bytes());
    pkv_cursor *at;
    if (int code = probe(txn, i + 1, at))
      return code;
    struct pkv_bytes found;
    if (!pkv_seek(at, as_pkv(index_key)) || pkv_pair(at, &found, nullptr))
      continue;
    bytes other = as_bytes(found);
    if (other.substr(0, index_key.size()) != index_key)
      continue;
    other.remove_prefix(index_key.size());
    if (!is_new && other == old_key)
      continue;
    if (!replaces)
      return violated(SQLITE_CONSTRAINT_UNIQUE, "UNIQUE", o.columns);
    victims.emplace_back(other);
  }
  return SQLITE_OK;
}

/// The hidden column says nothing of its own: it is given as it is, or not.
int table::check_hidden(sqlite3_value *given, bool is_new) {
  if (sqlite3_value_nochange(given) ||
      (is_new && sqlite3_value_type(given) == SQLITE_NULL))
    return SQLITE_OK;
  bytes said = cell_of(given, affinity::blob).b;
  if (said == key || (!is_new && said == old_key))
    return SQLITE_OK;
  return fail(this, SQLITE_CONSTRAINT,
              name + "." + hidden_name(columns) +
                  " is made of the PRIMARY KEY: give the columns of that");
}

// ===- Changes ----------------------------------------------------------===

int table::erase(bytes row_key, const std::vector<cell> &row_cells) {
  for (unsigned i = 0; i < columns.indexes.size(); i++) {
    old_index_key.clear();
    append_index_key(old_index_key, columns.indexes[i], row_cells, row_key);
    if (int code = in.erase(this, trees[i + 1], old_index_key))
      return code;
  }
  if (columns.has_rowid())
    if (session::last_row &last = in.last_rows[trees[0]];
        last.epoch == in.epoch && rowid_of(row_key) == last.id)
      last.epoch = 0;
  return in.erase(this, trees[0], row_key);
}

int table::erase(pkv_txn *txn, bytes row_key) {
  bool there;
  std::vector<cell> row_cells;
  if (int code = read(txn, row_key, row_cells, there))
    return code;
  return there ? erase(row_key, row_cells) : SQLITE_OK;
}

int table::update(int count, sqlite3_value **values, sqlite3_int64 *rowid) {
  pkv_txn *txn;
  if (int code = in.write(this, txn))
    return code;
  if (int code = verify(txn, nullptr))
    return code;
  bool is_new = count > 1 && sqlite3_value_type(values[0]) == SQLITE_NULL;
  if (!is_new) {
    old_key.clear();
    if (columns.has_rowid())
      append_rowid(old_key, sqlite3_value_int64(values[0]));
    else
      old_key = cell_of(values[0], affinity::blob).b;
    bool there;
    if (int code = read(txn, old_key, old_cells, there))
      return code;
    if (!there) // OR REPLACE has removed it meanwhile
      return SQLITE_OK;
    if (count == 1)
      return erase(old_key, old_cells);
  }

  // The row as it shall be.
  unsigned width = unsigned(columns.columns.size());
  cells.resize(width);
  changed.assign(width, true);
  for (unsigned i = 0; i < width; i++) {
    const column &c = columns.columns[i];
    if (!is_new && sqlite3_value_nochange(values[2 + i])) {
      cells[i] = old_cells[i];
      changed[i] = false;
    } else {
      cells[i] = cell_of(values[2 + i], c.fits);
    }
  }
  key.clear();
  bool key_is_new = true;
  if (columns.has_rowid()) {
    auto mismatch = [&] {
      return fail(this, SQLITE_MISMATCH, "datatype mismatch");
    };
    std::int64_t id = 0;
    bool given = false;
    cell said = cell_of(values[1], affinity::integer);
    if (!is_new && sqlite3_value_nochange(values[1]))
      said = cell_of(values[0], affinity::integer);
    if (said.is == cell::integer) {
      given = true;
      id = said.i;
    } else if (said.is != cell::null || !is_new) {
      return mismatch();
    }
    if (int own = columns.rowid_column; own >= 0) {
      bool says = is_new ? cells[own].is != cell::null
                         : changed[own] && !(cells[own].is == cell::integer &&
                                             cells[own].i == old_cells[own].i);
      if (says && cells[own].is != cell::integer)
        return mismatch();
      if (says) {
        given = true;
        id = cells[own].i;
      }
    }
    if (!given) {
      if (int code = new_rowid(txn, id))
        return code;
      key_is_new = false;
    }
    append_rowid(key, id);
    if (columns.rowid_column >= 0) {
      changed[columns.rowid_column] =
          is_new || old_cells[columns.rowid_column].i != id;
      cells[columns.rowid_column] = cell::of(id);
    }
    *rowid = id;
  }
  for (unsigned i = 0; i < width; i++)
    if (columns.columns[i].not_null && cells[i].is == cell::null)
      return violated(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL", {i});
  if (!columns.has_rowid()) {
    for (unsigned c : columns.key)
      append_key(key, cells[c], columns.columns[c].by, c == columns.key.back());
    if (key.size() > PKV_KEY_MAX)
      return too_long("PRIMARY KEY", key.size());
    if (unsigned at = 2 + columns.hidden_column(); int(at) < count)
      if (int code = check_hidden(values[at], is_new))
        return code;
    *rowid = sqlite3_last_insert_rowid(of.db);
  }
  if (!is_new)
    key_is_new = key != old_key;
  row.clear();
  if (!append_row(row, cells.data(), width))
    return SQLITE_TOOBIG;
  for (unsigned i = 0; i < columns.indexes.size(); i++) {
    index_key.clear();
    append_index_key(index_key, columns.indexes[i], cells, key);
    if (index_key.size() > PKV_KEY_MAX)
      return too_long(columns.indexes[i].name, index_key.size());
  }
  if (int code = find_conflicts(txn, is_new, key_is_new))
    return code;

  // Nothing has been changed up to here.
  for (const std::string &each : victims)
    if (int code = erase(txn, each))
      return code;
  for (unsigned i = 0; i < columns.indexes.size(); i++) {
    const order &o = columns.indexes[i];
    if (!is_new) {
      if (!key_is_new &&
          std::none_of(o.columns.begin(), o.columns.end(),
                       [&](unsigned c) { return bool(changed[c]); }))
        continue;
      old_index_key.clear();
      append_index_key(old_index_key, o, old_cells, old_key);
    }
    index_key.clear();
    append_index_key(index_key, o, cells, key);
    if (!is_new) {
      if (old_index_key == index_key)
        continue;
      if (int code = in.erase(this, trees[i + 1], old_index_key))
        return code;
    }
    if (int code = in.put(this, trees[i + 1], index_key, bytes()))
      return code;
  }
  if (!is_new && key_is_new) {
    if (columns.has_rowid())
      in.last_rows[trees[0]].epoch = 0;
    if (int code = in.erase(this, trees[0], old_key))
      return code;
  }
  if (int code = in.put(this, trees[0], key, row))
    return code;
  if (columns.has_rowid())
    if (session::last_row &last = in.last_rows[trees[0]];
        last.epoch == in.epoch && (!last.there || *rowid > last.id)) {
      last.id = *rowid;
      last.there = true;
    }
  return SQLITE_OK;
}

int table::clear(pkv_txn *txn) {
  forget_probes();
  in.last_rows.erase(trees[0]);
  for (unsigned tree = 0; tree < trees.size(); tree++) {
    pkv_cursor *at;
    if (int code = probe(txn, tree, at))
      return code;
    struct pkv_bytes found;
    while (pkv_first(at) && !pkv_pair(at, &found, nullptr)) {
      std::string gone(as_bytes(found)); // it lies in what is removed
      if (int code = in.erase(this, trees[tree], gone))
        return code;
    }
  }
  forget_probes();
  return SQLITE_OK;
}

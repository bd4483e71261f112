// dump.cpp - SELECT sql FROM perdure_dump: a statement a row.
//
// The shell's .dump has no rows of virtual tables. The rows of all tables are
// read in one snapshot, which the statement below holds for as long as it runs.
#include "dump.h"

#include "table.h"

#include <algorithm>
#include <cmath>
#include <list>

namespace {

struct dump_table : sqlite3_vtab {
  connection *of;
};

struct source {
  std::string name, create, insert, select;
  unsigned columns = 0;
  sqlite3_stmt *rows = nullptr;
  int step = SQLITE_OK; // of `rows`, ahead of what has been given
};

/// Holds a session's snapshot, and the session.
class hold {
  session *of;
  snapshot *snap = nullptr;

public:
  int code;

  hold(session &s, sqlite3_vtab *table) : of(&s) {
    pkv_txn *txn;
    code = s.begin_read(table, txn, snap);
    s.tables++; // one more: it stays when its tables are connected anew
  }
  hold(const hold &) = delete;
  ~hold() {
    of->tables--;
    if (snap)
      of->end_read(snap);
  }
};

class dump_cursor : public sqlite3_vtab_cursor {
  connection &of;
  std::string database; // what the first schema is called
  std::vector<source> sources;
  std::size_t at = 0;
  enum { creates, begins, inserts, commits, ended } now = ended;

  int failed() {
    return fail(pVtab, sqlite3_errcode(of.db), sqlite3_errmsg(of.db));
  }
  table *called(const std::string &name);
  int find_sources();
  int step_sources();
  std::string literal(sqlite3_stmt *rows, int i);
  void leave_out(source &s);
  void forget() {
    for (source &each : sources)
      sqlite3_finalize(each.rows);
    sources.clear();
  }
  int advance();

public:
  std::string line;
  sqlite3_int64 number = 0;

  explicit dump_cursor(connection &c) : of(c) {}
  ~dump_cursor() { forget(); }
  int start() {
    forget();
    at = 0;
    number = 0;
    if (int code = find_sources())
      return code;
    // One moment for all tables of a store: each of the statements keeps it
    // from its first row on, but an empty table's has none.
    std::list<hold> holds;
    for (auto &each : of.sessions)
      if (holds.emplace_back(*each, pVtab).code)
        return holds.back().code;
    int code = step_sources();
    holds.clear();
    of.tidy();
    if (code)
      return code;
    now = sources.empty() ? ended : creates;
    return advance();
  }
  int next() {
    number++;
    return advance();
  }
  bool eof() const { return line.empty(); }
};

/// How a table without INTEGER PRIMARY KEY calls its rowid.
std::string rowid_name(const schema &s) {
  for (const char *name : {"rowid", "_rowid_", "oid"})
    if (std::none_of(s.columns.begin(), s.columns.end(), [&](const column &c) {
          return !sqlite3_stricmp(c.name.c_str(), name);
        }))
      return name;
  return "";
}

/// What the first schema is called: main, but where the program says otherwise.
std::string main_of(sqlite3 *db) {
  sqlite3_stmt *list = nullptr;
  std::string name;
  if (!sqlite3_prepare_v2(db,
                          "SELECT name FROM pragma_database_list WHERE seq = 0",
                          -1, &list, nullptr) &&
      sqlite3_step(list) == SQLITE_ROW)
    name = reinterpret_cast<const char *>(sqlite3_column_text(list, 0));
  sqlite3_finalize(list);
  return name;
}

/// A table that the store does not have is a comment of one line.
void dump_cursor::leave_out(source &s) {
  sqlite3_finalize(s.rows);
  s.rows = nullptr;
  s.step = SQLITE_DONE;
  s.create = "-- " + quoted(s.name) +
             ": left out, since another connection has dropped or changed it "
             "in its store";
  std::replace(s.create.begin(), s.create.end(), '\n', ' ');
}

/// The table of the first schema that was connected last under that name, or
/// null.
table *dump_cursor::called(const std::string &name) {
  for (auto each = of.tables.rbegin(); each != of.tables.rend(); ++each)
    if (table *t = static_cast<table *>(*each);
        t->name == name && t->database == database)
      return t;
  return nullptr;
}

int dump_cursor::find_sources() {
  database = main_of(of.db);
  sqlite3_stmt *all = nullptr;
  if (sqlite3_prepare_v2(of.db,
                         "SELECT name, sql FROM main.sqlite_schema WHERE "
                         "type = 'table' AND rootpage = 0 ORDER BY rowid",
                         -1, &all, nullptr))
    return failed();
  while (sqlite3_step(all) == SQLITE_ROW) {
    std::string name =
        reinterpret_cast<const char *>(sqlite3_column_text(all, 0));
    source s;
    s.create = reinterpret_cast<const char *>(sqlite3_column_text(all, 1));
    s.create += ";";
    // To look at a table connects it. One that cannot be is an error when it is
    // one of perdure's; whose it is is not known then.
    sqlite3_stmt *one = nullptr;
    std::string look = "SELECT 1 FROM main." + quoted(name);
    int code = sqlite3_prepare_v2(of.db, look.c_str(), -1, &one, nullptr);
    sqlite3_finalize(one);
    if (code) {
      code = failed();
      sqlite3_finalize(all);
      return code;
    }
    const table *found = called(name);
    if (!found)
      continue;
    s.name = name;
    const schema &columns = found->columns;
    std::vector<std::string> names;
    if (columns.has_rowid() && columns.rowid_column < 0 &&
        !rowid_name(columns).empty())
      names.push_back(rowid_name(columns));
    for (const column &c : columns.columns)
      names.push_back(quoted(c.name));
    std::string list, values;
    for (const std::string &each : names) {
      list += (list.empty() ? "" : ",") + each;
      values += (values.empty() ? "" : ",") + each + ",quote(" + each + ")";
    }
    s.columns = unsigned(names.size());
    s.insert = "INSERT INTO " + quoted(name) + "(" + list + ") VALUES(";
    s.select = "SELECT " + values + " FROM main." + quoted(name);
    sources.push_back(s);
  }
  sqlite3_finalize(all);
  return SQLITE_OK;
}

/// Runs each of the statements up to its first row.
int dump_cursor::step_sources() {
  for (source &each : sources) {
    if (sqlite3_prepare_v2(of.db, each.select.c_str(), -1, &each.rows, nullptr))
      return failed();
    if (table *t = called(each.name))
      t->missing = false; // until it is looked for
    each.step = sqlite3_step(each.rows);
    if (each.step == SQLITE_ROW || each.step == SQLITE_DONE)
      continue;
    // Where the schema has changed meanwhile it is connected anew.
    table *t = called(each.name);
    if (!t || !t->missing)
      return failed();
    leave_out(each);
  }
  return SQLITE_OK;
}

/// The value at the column and, as SQLite quotes it, at the one behind it.
std::string dump_cursor::literal(sqlite3_stmt *rows, int i) {
  int type = sqlite3_column_type(rows, i);
  if (type == SQLITE_FLOAT) {
    double r = sqlite3_column_double(rows, i);
    if (std::isinf(r))
      return r < 0 ? "-9e999" : "9e999";
    if (r == 0 && std::signbit(r))
      return "-0.0";
  }
  if (type == SQLITE_TEXT) {
    bytes text(reinterpret_cast<const char *>(sqlite3_column_text(rows, i)),
               std::size_t(sqlite3_column_bytes(rows, i)));
    std::string as;
    if (text.find('\0') == bytes::npos) {
      for (char c : text)
        as.append(c == '\'' ? 2 : 1, c);
      return "'" + as + "'";
    }
    for (unsigned char c : text) {
      as += "0123456789ABCDEF"[c >> 4];
      as += "0123456789ABCDEF"[c & 15];
    }
    return "CAST(X'" + as + "' AS TEXT)";
  }
  return reinterpret_cast<const char *>(sqlite3_column_text(rows, i + 1));
}

int dump_cursor::advance() {
  line.clear();
  for (;;)
    switch (now) {
    case creates:
      if (at < sources.size()) {
        line = sources[at++].create;
        return SQLITE_OK;
      }
      now = begins;
      break;
    case begins:
      at = 0;
      now = inserts;
      line = "BEGIN;";
      return SQLITE_OK;
    case inserts:
      if (at == sources.size()) {
        now = commits;
        break;
      }
      if (source &from = sources[at]; from.step == SQLITE_ROW) {
        line = from.insert;
        for (unsigned i = 0; i < from.columns; i++)
          line += (i ? "," : "") + literal(from.rows, int(i) * 2);
        line += ");";
        from.step = sqlite3_step(from.rows);
        return SQLITE_OK;
      } else if (from.step != SQLITE_DONE) {
        // The connection's own code and message are of a later step.
        return fail(pVtab, from.step, sqlite3_errstr(from.step));
      }
      at++;
      break;
    case commits:
      now = ended;
      line = "COMMIT;";
      return SQLITE_OK;
    case ended:
      return SQLITE_OK;
    }
}

dump_cursor &as_dump(sqlite3_vtab_cursor *c) {
  return *static_cast<dump_cursor *>(c);
}

int connect(sqlite3 *db, void *aux, int, const char *const *,
            sqlite3_vtab **made, char **) {
  return guarded([&] {
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (int code = sqlite3_declare_vtab(db, "CREATE TABLE x(sql TEXT)"))
      return code;
    auto *t = new dump_table();
    t->of = static_cast<connection *>(aux);
    *made = t;
    return SQLITE_OK;
  });
}

int disconnect(sqlite3_vtab *t) {
  sqlite3_free(t->zErrMsg);
  delete static_cast<dump_table *>(t);
  return SQLITE_OK;
}

int best_index(sqlite3_vtab *, sqlite3_index_info *) { return SQLITE_OK; }

int open(sqlite3_vtab *t, sqlite3_vtab_cursor **made) {
  return guarded([&] {
    *made = new dump_cursor(*static_cast<dump_table *>(t)->of);
    return SQLITE_OK;
  });
}

int close(sqlite3_vtab_cursor *c) {
  delete &as_dump(c);
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor *c, int, const char *, int, sqlite3_value **) {
  return guarded([&] { return as_dump(c).start(); });
}

int next(sqlite3_vtab_cursor *c) {
  return guarded([&] { return as_dump(c).next(); });
}

int eof(sqlite3_vtab_cursor *c) { return as_dump(c).eof(); }

int line_of(sqlite3_vtab_cursor *c, sqlite3_context *context, int) {
  const std::string &line = as_dump(c).line;
  sqlite3_result_text(context, line.data(), int(line.size()), SQLITE_TRANSIENT);
  return SQLITE_OK;
}

int rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *id) {
  *id = as_dump(c).number;
  return SQLITE_OK;
}

} // namespace

int register_dump(connection &c) {
  static const sqlite3_module methods = [] {
    sqlite3_module m{};
    m.xConnect = connect;
    m.xBestIndex = best_index;
    m.xDisconnect = m.xDestroy = disconnect;
    m.xOpen = open;
    m.xClose = close;
    m.xFilter = filter;
    m.xNext = next;
    m.xEof = eof;
    m.xColumn = line_of;
    m.xRowid = rowid;
    return m;
  }();
  return sqlite3_create_module_v2(c.db, "perdure_dump", &methods, &c, nullptr);
}

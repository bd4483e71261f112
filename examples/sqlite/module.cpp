// module.cpp - The module perdure: what SQLite calls.
#include "catalogue.h"
#include "cursor.h"
#include "dump.h"
#include "watcher.h"

#include <algorithm>
#include <cstring>

#ifndef SQLITE_CORE
const sqlite3_api_routines *sqlite3_api;
#endif

namespace {

table &as_table(sqlite3_vtab *t) { return *static_cast<table *>(t); }
cursor &as_cursor(sqlite3_vtab_cursor *c) { return *static_cast<cursor *>(c); }

// ===- Tables -----------------------------------------------------------===

/// The keys are in the order of UTF-8's bytes.
bool is_utf8(sqlite3 *db) {
  sqlite3_stmt *pragma = nullptr;
  bool right = false;
  if (!sqlite3_prepare_v2(db, "PRAGMA encoding", -1, &pragma, nullptr) &&
      sqlite3_step(pragma) == SQLITE_ROW)
    right = !sqlite3_stricmp(
        reinterpret_cast<const char *>(sqlite3_column_text(pragma, 0)),
        "UTF-8");
  sqlite3_finalize(pragma);
  return right;
}

/// A relative path starts where the database's file lies.
std::string path_of(sqlite3 *db, const char *database,
                    const std::string &path) {
  const char *file = sqlite3_db_filename(db, database);
  const char *slash = file ? std::strrchr(file, '/') : nullptr;
  return path[0] == '/' || !slash ? path : std::string(file, slash + 1) + path;
}

void disconnect(table *t) {
  connection &c = t->of;
  c.tables.erase(std::find(c.tables.begin(), c.tables.end(), t));
  delete t;
  c.tidy();
}

int connect(sqlite3 *db, void *aux, int count, const char *const *arguments,
            sqlite3_vtab **made, char **message, bool creates) {
  connection &of = *static_cast<connection *>(aux);
  auto failed = [&](int code, const std::string &text) {
    *message = sqlite3_mprintf("perdure: %s", text.c_str());
    return code;
  };
  schema s;
  std::string wrong = parse_schema(count - 3, arguments + 3, s);
  if (!wrong.empty())
    return failed(SQLITE_ERROR, wrong);
  if (!is_utf8(db))
    return failed(SQLITE_ERROR, "the database's encoding has to be UTF-8");
  sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  // A view or a trigger that somebody else has written reads and writes no store
  // of this user's.
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  if (int code = sqlite3_declare_vtab(db, declaration(s).c_str()))
    return failed(code, sqlite3_errmsg(db));
  int code = SQLITE_OK;
  opened_store *opened;
  wrong = open_store(path_of(db, arguments[1], s.store), creates,
                     sqlite3_db_readonly(db, arguments[1]) == 1, s, opened,
                     code);
  if (!wrong.empty())
    return failed(code, wrong);
  auto *t =
      new table(of, of.session_in(*opened), s, arguments[1], arguments[2]);
  of.tables.push_back(t);
  code = creates ? create_table(*t) : find_table(*t);
  if (!code) {
    *made = t;
    return SQLITE_OK;
  }
  std::string text = t->zErrMsg ? t->zErrMsg : sqlite3_errstr(code);
  disconnect(t);
  return failed(code, text);
}

int x_create(sqlite3 *db, void *aux, int count, const char *const *arguments,
             sqlite3_vtab **made, char **message) {
  return guarded(
      [&] { return connect(db, aux, count, arguments, made, message, true); });
}

int x_connect(sqlite3 *db, void *aux, int count, const char *const *arguments,
              sqlite3_vtab **made, char **message) {
  return guarded(
      [&] { return connect(db, aux, count, arguments, made, message, false); });
}

int x_disconnect(sqlite3_vtab *t) {
  return guarded([&] {
    disconnect(&as_table(t));
    return SQLITE_OK;
  });
}

int x_destroy(sqlite3_vtab *t) {
  return guarded([&] {
    if (int code = drop_table(as_table(t)))
      return code;
    disconnect(&as_table(t));
    return SQLITE_OK;
  });
}

int x_rename(sqlite3_vtab *t, const char *name) {
  return guarded([&] { return rename_table(as_table(t), name); });
}

int x_best_index(sqlite3_vtab *t, sqlite3_index_info *info) {
  return guarded([&] {
    table &of = as_table(t);
    return choose_plan(of.columns, of.rows(), of.in.is_joined(), info);
  });
}

int x_update(sqlite3_vtab *t, int count, sqlite3_value **values,
             sqlite3_int64 *rowid) {
  return guarded([&] { return as_table(t).update(count, values, rowid); });
}

// ===- Cursors ----------------------------------------------------------===

int x_open(sqlite3_vtab *t, sqlite3_vtab_cursor **made) {
  return guarded([&] {
    auto &idle = as_table(t).idle;
    if (idle.empty()) {
      *made = new cursor(as_table(t));
    } else {
      *made = idle.back().release();
      idle.pop_back();
    }
    return SQLITE_OK;
  });
}

int x_close(sqlite3_vtab_cursor *c) {
  return guarded([&] {
    std::unique_ptr<cursor> own(&as_cursor(c));
    own->close();
    auto &idle = as_table(c->pVtab).idle;
    if (idle.size() < 8)
      idle.push_back(std::move(own));
    return SQLITE_OK;
  });
}

int x_filter(sqlite3_vtab_cursor *c, int number, const char *steps, int count,
             sqlite3_value **values) {
  return guarded(
      [&] { return as_cursor(c).filter(number, steps, count, values); });
}

int x_next(sqlite3_vtab_cursor *c) {
  return guarded([&] { return as_cursor(c).next(); });
}

int x_eof(sqlite3_vtab_cursor *c) { return as_cursor(c).eof(); }

int x_column(sqlite3_vtab_cursor *c, sqlite3_context *context, int number) {
  return guarded([&] { return as_cursor(c).result(context, number); });
}

int x_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *id) {
  return guarded([&] { return as_cursor(c).rowid(id); });
}

// ===- Transactions -----------------------------------------------------===

int x_begin(sqlite3_vtab *t) {
  return guarded([&] {
    int code = as_table(t).in.join(t);
    as_table(t).new_to_transaction = !code;
    return code;
  });
}

int x_sync(sqlite3_vtab *t) {
  return guarded([&] { return as_table(t).in.sync(t); });
}

int x_commit(sqlite3_vtab *t) {
  return guarded([&] {
    as_table(t).in.commit();
    return SQLITE_OK;
  });
}

int x_rollback(sqlite3_vtab *t) {
  return guarded([&] {
    as_table(t).in.roll_back();
    return SQLITE_OK;
  });
}

int x_savepoint(sqlite3_vtab *t, int number) {
  return guarded([&] {
    as_table(t).in.savepoint(number, as_table(t).new_to_transaction);
    as_table(t).new_to_transaction = false;
    return SQLITE_OK;
  });
}

int x_release(sqlite3_vtab *t, int number) {
  return guarded([&] {
    as_table(t).in.release(number);
    return SQLITE_OK;
  });
}

int x_rollback_to(sqlite3_vtab *t, int number) {
  return guarded([&] { return as_table(t).in.roll_back_to(t, number); });
}

const sqlite3_module methods = [] {
  sqlite3_module m{};
  m.iVersion = 2; // savepoints; there are no shadow tables
  m.xCreate = x_create;
  m.xConnect = x_connect;
  m.xBestIndex = x_best_index;
  m.xDisconnect = x_disconnect;
  m.xDestroy = x_destroy;
  m.xOpen = x_open;
  m.xClose = x_close;
  m.xFilter = x_filter;
  m.xNext = x_next;
  m.xEof = x_eof;
  m.xColumn = x_column;
  m.xRowid = x_rowid;
  m.xUpdate = x_update;
  m.xBegin = x_begin;
  m.xSync = x_sync;
  m.xCommit = x_commit;
  m.xRollback = x_rollback;
  m.xRename = x_rename;
  m.xSavepoint = x_savepoint;
  m.xRelease = x_release;
  m.xRollbackTo = x_rollback_to;
  return m;
}();

} // namespace

namespace {

/// A second .load changes nothing: tables that are open know the first.
bool is_loaded(sqlite3 *db) {
  sqlite3_stmt *all = nullptr;
  bool found =
      !sqlite3_prepare_v2(
          db, "SELECT 1 FROM pragma_module_list WHERE name = 'perdure'", -1,
          &all, nullptr) &&
      sqlite3_step(all) == SQLITE_ROW;
  sqlite3_finalize(all);
  return found;
}

} // namespace

/// Makes the module known to the connection. SQLite finds it by the library's
/// name.
extern "C" __attribute__((visibility("default"))) int
sqlite3_perduresqlite_init(sqlite3 *db, char **message,
                           const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  if (sqlite3_libversion_number() < 3038000) {
    *message = sqlite3_mprintf("perdure needs SQLite 3.38.0, not %s",
                               sqlite3_libversion());
    return SQLITE_ERROR;
  }
  return guarded([&] {
    if (is_loaded(db))
      return SQLITE_OK_LOAD_PERMANENTLY;
    auto *c = new connection{db, {}, {}, 0};
    if (int code = sqlite3_create_module_v2(
            db, "perdure", &methods, c,
            [](void *gone) { delete static_cast<connection *>(gone); }))
      return code;
    if (int code = register_watcher(*c))
      return code;
    if (int code = register_dump(*c))
      return code;
    // Its stores' faults are handled in the library until the process ends.
    return SQLITE_OK_LOAD_PERMANENTLY;
  });
}

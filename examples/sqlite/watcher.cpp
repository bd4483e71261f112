// watcher.cpp - Passes what SQLite says of a transaction to all sessions.
#include "watcher.h"

namespace {

struct watcher : sqlite3_vtab {
  connection *of;
  bool new_to_transaction;
};

watcher &as_watcher(sqlite3_vtab *t) { return *static_cast<watcher *>(t); }

int connect(sqlite3 *db, void *aux, int, const char *const *,
            sqlite3_vtab **made, char **) {
  return guarded([&] {
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (int code = sqlite3_declare_vtab(db, "CREATE TABLE x(changes)"))
      return code;
    auto *w = new watcher();
    w->of = static_cast<connection *>(aux);
    *made = w;
    return SQLITE_OK;
  });
}

int disconnect(sqlite3_vtab *t) {
  sqlite3_free(t->zErrMsg);
  delete &as_watcher(t);
  return SQLITE_OK;
}

int best_index(sqlite3_vtab *, sqlite3_index_info *) { return SQLITE_OK; }

int open(sqlite3_vtab *, sqlite3_vtab_cursor **made) {
  return guarded([&] {
    *made = new sqlite3_vtab_cursor();
    return SQLITE_OK;
  });
}

int close(sqlite3_vtab_cursor *c) {
  delete c;
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor *, int, const char *, int, sqlite3_value **) {
  return SQLITE_OK;
}
int next(sqlite3_vtab_cursor *) { return SQLITE_OK; }
int eof(sqlite3_vtab_cursor *) { return 1; }
int column(sqlite3_vtab_cursor *, sqlite3_context *, int) { return SQLITE_OK; }
int rowid(sqlite3_vtab_cursor *, sqlite3_int64 *) { return SQLITE_OK; }
int update(sqlite3_vtab *t, int, sqlite3_value **, sqlite3_int64 *) {
  return fail(t, SQLITE_READONLY, "perdure_transaction has no rows");
}

int begin(sqlite3_vtab *t) {
  as_watcher(t).new_to_transaction = true;
  as_watcher(t).of->savepoints = 0;
  as_watcher(t).of->watched = true;
  return SQLITE_OK;
}

int sync(sqlite3_vtab *t) {
  return guarded([&] {
    for (auto &each : as_watcher(t).of->sessions)
      if (int code = each->sync(t))
        return code;
    return SQLITE_OK;
  });
}

template <void (session::*End)()> int end(sqlite3_vtab *t) {
  return guarded([&] {
    connection &c = *as_watcher(t).of;
    c.watched = false;
    for (auto &each : c.sessions)
      (*each.*End)();
    c.tidy();
    return SQLITE_OK;
  });
}

int savepoint(sqlite3_vtab *t, int number) {
  return guarded([&] {
    watcher &w = as_watcher(t);
    w.of->savepoints = number + 1;
    for (auto &each : w.of->sessions)
      if (each->is_joined())
        each->savepoint(number, w.new_to_transaction);
    w.new_to_transaction = false;
    return SQLITE_OK;
  });
}

int release(sqlite3_vtab *t, int number) {
  return guarded([&] {
    as_watcher(t).of->savepoints = number;
    for (auto &each : as_watcher(t).of->sessions)
      each->release(number);
    return SQLITE_OK;
  });
}

int roll_back_to(sqlite3_vtab *t, int number) {
  return guarded([&] {
    as_watcher(t).of->savepoints = number + 1;
    for (auto &each : as_watcher(t).of->sessions)
      if (int code = each->roll_back_to(t, number))
        return code;
    return SQLITE_OK;
  });
}

} // namespace

int register_watcher(connection &c) {
  static const sqlite3_module methods = [] {
    sqlite3_module m{};
    m.iVersion = 2;
    m.xConnect = connect;
    m.xBestIndex = best_index;
    m.xDisconnect = m.xDestroy = disconnect;
    m.xOpen = open;
    m.xClose = close;
    m.xFilter = filter;
    m.xNext = next;
    m.xEof = eof;
    m.xColumn = column;
    m.xRowid = rowid;
    m.xUpdate = update;
    m.xBegin = begin;
    m.xSync = sync;
    m.xCommit = end<&session::commit>;
    m.xRollback = end<&session::roll_back>;
    m.xSavepoint = savepoint;
    m.xRelease = release;
    m.xRollbackTo = roll_back_to;
    return m;
  }();
  return sqlite3_create_module_v2(c.db, "perdure_transaction", &methods, &c,
                                  nullptr);
}

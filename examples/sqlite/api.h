// api.h - SQLite's interface: of an extension, or, with SQLITE_CORE, of a
// program that is linked with the library.
#ifndef PERDURE_SQLITE_API_H
#define PERDURE_SQLITE_API_H

#include <sqlite3ext.h>
#ifndef SQLITE_CORE
extern const sqlite3_api_routines *sqlite3_api; // module.cpp
#endif

#include <new>
#include <stdexcept>
#include <string>

/// Runs what SQLite has called: no exception leaves it.
template <class Body> int guarded(Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return SQLITE_NOMEM;
  } catch (const std::length_error &) {
    return SQLITE_TOOBIG;
  } catch (...) { // of the standard library, and of no use to SQLite
    return SQLITE_ERROR;
  }
}

/// Gives the table's next error this text.
inline int fail(sqlite3_vtab *table, int code, const std::string &text) {
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("%s", text.c_str());
  return code;
}

#endif

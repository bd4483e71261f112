// schema.h - What CREATE VIRTUAL TABLE says of a table.
#ifndef PERDURE_SQLITE_SCHEMA_H
#define PERDURE_SQLITE_SCHEMA_H

#include "encode.h"

#include <string>
#include <vector>

struct column {
  std::string name, type; // the type as it was written
  affinity fits = affinity::blob;
  collation by = collation::binary;
  bool not_null = false;
};

/// An order in which the rows can be read.
struct order {
  std::string name; // of an index, for plans
  std::vector<unsigned> columns;
  bool unique = false;
};

struct schema {
  std::string store; // the path as it was written
  bool durable = false, shared = false;
  std::vector<column> columns;
  int rowid_column = -1;     // INTEGER PRIMARY KEY
  std::vector<unsigned> key; // the rows' order; empty: by rowid
  std::vector<order> indexes;

  bool has_rowid() const { return key.empty(); }
  /// The column, hidden, that has the row's key where there is no rowid. SQLite
  /// wants one that tells rows apart.
  unsigned hidden_column() const { return unsigned(columns.size()); }
};

/// Reads the arguments of the module. Returns "", or what is wrong in them.
std::string parse_schema(int count, const char *const *arguments, schema &s);
/// The table as SQLite is told: CREATE TABLE.
std::string declaration(const schema &s);
/// Of the hidden column: one that no other has.
std::string hidden_name(const schema &s);
/// The columns and indexes in a form of their own: two tables are alike when
/// these are.
std::string definition(const schema &s);

/// "name", with quotes that are right in SQL.
std::string quoted(const std::string &name);

#endif

// sqlite_promise.cpp - SQL statements on tables in a store, promised one by
// one.
//
// sqlite_promise STORE make | change | on | check [DURABLE]
//
// `make` fills the store, `change` runs the statements below, and notes each
// when SQLite says that it is done, in a transaction when that is committed.
// `check` reads the notes from its input: what these statements have committed
// is there, perhaps what the next one commits, and nothing else; then it runs
// the rest of them. `on` reads the notes and runs the rest as well, and notes
// that.
//
// What is to be there says SQLite: the same statements run on native tables.
// Both databases are in memory. The store has all that the module keeps, and
// SQLite's own file would be written by a library that is not traced.
#include "pkv.h"

#include <perdure/crash.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sqlite3.h>
#include <string>
#include <vector>

extern "C" int sqlite3_perduresqlite_init(sqlite3 *, char **, const void *);

namespace {

[[noreturn]] void bad(const std::string &What) {
  std::fprintf(stderr, "sqlite_promise: %s\n", What.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

// ===- Tables and statements ---------------------------------------------===

struct table {
  const char *Columns, *Indexes; // for both; and for the module
  int IndexCount;
  const char *Native; // the rest of it for SQLite
  /// What is read, and what the module reads it by.
  std::vector<std::pair<const char *, const char *>> Reads;
};

const table A = {
    "i INTEGER PRIMARY KEY, v INT, t TEXT NOT NULL",
    ", UNIQUE by_t(t), INDEX by_v(v)",
    2,
    "); CREATE UNIQUE INDEX a_by_t ON a(t); CREATE INDEX a_by_v ON a(v",
    {
        {"SELECT i, v, t FROM a ORDER BY i", "rowid"},
        {"SELECT v, i FROM a ORDER BY v, i", "by_v"},
        {"SELECT t, i, v FROM a WHERE t >= '' ORDER BY t", "by_t"},
        {"SELECT sum(x.v) FROM a y CROSS JOIN a x ON x.i = y.i",
         "rowid (rowid=?"},
        {"SELECT sum(x.i) FROM a y CROSS JOIN a x ON x.t = y.t", "by_t (t=?"},
        {"SELECT sum(x.i) FROM a y CROSS JOIN a x ON x.v = y.v", "by_v (v=?"},
    }};
const table B = {
    "k TEXT, n INT, w",
    ", PRIMARY KEY(k, n), INDEX by_n(n)",
    1,
    ", PRIMARY KEY(k, n)) WITHOUT ROWID; CREATE INDEX b_by_n ON b(n",
    {
        {"SELECT k, n, w FROM b ORDER BY k, n", "PRIMARY KEY"},
        {"SELECT n, k FROM b WHERE n > -9 ORDER BY n, k", "by_n"},
        {"SELECT count(x.w) FROM b y CROSS JOIN b x ON x.k = y.k AND x.n = y.n",
         "PRIMARY KEY (k=? AND n=?"},
    }};
const table C = {"x", "", 0, "", {{"SELECT rowid, x FROM c", "rowid"}}};
const table D = {"x", "", 0, "", {{"SELECT rowid, x FROM d", "rowid"}}};

const std::map<std::string, table> Tables = {
    {"a", A}, {"b", B}, {"c", C}, {"d", D}};

/// "+a": the table a is created.
const std::vector<std::string> Before = {
    "+a",
    "+b",
    "BEGIN",
    "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < "
    "47)"
    " INSERT INTO a SELECT x * 10, x % 9, 'text ' || x FROM r",
    "INSERT INTO b SELECT 'key ' || i, v, t FROM a WHERE i <= 240",
    "COMMIT",
};

const std::vector<std::string> Changes = {
    // Nodes split and merge; values get longer and shorter.
    "INSERT INTO a VALUES (101, 5, 'one'), (102, 5, 'two'), (103, NULL, "
    "'three')",
    "UPDATE a SET v = v + 100 WHERE i = 20",
    "UPDATE a SET t = 'a text that is longer than the one before' WHERE i = 30",
    "UPDATE a SET t = 't' WHERE i = 30",
    "UPDATE a SET i = 7, t = 'seven' WHERE i = 101",
    "DELETE FROM a WHERE v = 4",
    // Takes the place of two rows.
    "INSERT OR REPLACE INTO a VALUES (50, 8, 'text 6')",
    "UPDATE OR REPLACE a SET t = 'text 8' WHERE t = 'text 9'",
    // Nothing changes: the second row is refused, or passed over.
    "INSERT INTO a VALUES (8, 8, 'eight'), (9, 9, 'text 8')",
    "INSERT OR IGNORE INTO a VALUES (9, 9, 'text 8')",
    // Two tables.
    "BEGIN",
    "INSERT INTO a(v, t) VALUES (1, 'last')",
    "DELETE FROM b WHERE k = 'key 100'",
    "UPDATE b SET n = n + 20, w = x'00ff' WHERE n = 2",
    "COMMIT",
    // A savepoint.
    "BEGIN",
    "INSERT INTO b VALUES ('new', -1, 0.5)",
    "SAVEPOINT s",
    "DELETE FROM a WHERE i < 200",
    "UPDATE b SET n = n + 1",
    "ROLLBACK TO s",
    "UPDATE a SET v = -1 WHERE i IN (60, 70)",
    "RELEASE s",
    "COMMIT",
    "BEGIN",
    "DELETE FROM a WHERE i > 100",
    "UPDATE b SET w = 'gone'",
    "ROLLBACK",
    // The catalogue.
    "+c",
    "INSERT INTO c VALUES ('in c')",
    "SAVEPOINT outer",
    "ALTER TABLE c RENAME TO d",
    "INSERT INTO d VALUES ('in d')",
    "DELETE FROM b WHERE n < 3",
    "RELEASE outer",
    "DROP TABLE d",
    "UPDATE a SET v = 3 WHERE i = 7",
};

char **Arguments;

/// "+a" in the words of the module, or of SQLite.
std::string spelled(const std::string &Statement, bool Native) {
  if (Statement[0] != '+')
    return Statement;
  std::string Name = Statement.substr(1);
  const table &T = Tables.at(Name);
  return Native
             ? "CREATE TABLE " + Name + "(" + T.Columns + T.Native + ")"
             : "CREATE VIRTUAL TABLE " + Name + " USING perdure('" +
                   Arguments[1] + "'" + (Arguments[3] ? " DURABLE, " : ", ") +
                   T.Columns + T.Indexes + ")";
}

// ===- SQLite ------------------------------------------------------------===

/// Its rows, quoted; "!" and the code when it fails.
std::string run(sqlite3 *Db, const std::string &Sql) {
  std::string Rows;
  int Code = sqlite3_exec(
      Db, Sql.c_str(),
      [](void *To, int Count, char **Values, char **) {
        std::string &Rows = *static_cast<std::string *>(To);
        for (int I = 0; I < Count; I++)
          Rows += std::string(I ? "|" : "") + (Values[I] ? Values[I] : "NULL");
        Rows += '\n';
        return 0;
      },
      &Rows, nullptr);
  return Code ? "!" + std::to_string(Code) : Rows;
}

std::string must(sqlite3 *Db, const std::string &Sql) {
  std::string Rows = run(Db, Sql);
  return Rows[0] == '!' ? bad(Sql + ": " + sqlite3_errmsg(Db)), "" : Rows;
}

sqlite3 *opened(bool Native) {
  sqlite3 *Db;
  char *Message = nullptr;
  if (sqlite3_open(":memory:", &Db) ||
      (!Native && sqlite3_perduresqlite_init(Db, &Message, nullptr) & 0xff))
    bad("sqlite3_open");
  return Db;
}

/// All tables: their rows, by the primary key and by each index.
std::string rows_of(sqlite3 *Db) {
  std::string All;
  for (auto &[Name, T] : Tables)
    if (!run(Db, "SELECT 1 FROM sqlite_schema WHERE name = '" + Name + "'")
             .empty())
      for (auto &[Sql, By] : T.Reads)
        All += std::string(Sql) + "\n" + must(Db, Sql);
  return All;
}

// ===- What is to be there -----------------------------------------------===

/// After so many of the changes.
struct state {
  std::string Said;      // what SQLite gave for the last of them
  std::string Committed; // what others see: the rows
  std::size_t Begun;     // so many changes were before the transaction
};
std::vector<state> States;

void find_states() {
  sqlite3 *Db = opened(true);
  for (auto &Statement : Before)
    must(Db, spelled(Statement, true));
  States.push_back({"", rows_of(Db), 0});
  for (auto &Statement : Changes) {
    state Next = States.back();
    Next.Said = run(Db, spelled(Statement, true));
    if (sqlite3_get_autocommit(Db)) {
      Next.Committed = rows_of(Db);
      Next.Begun = States.size();
    }
    States.push_back(Next);
  }
  sqlite3_close(Db);
}

// ===- What is done ------------------------------------------------------===

/// The changes from there on.
void change(sqlite3 *Db, std::size_t From) {
  for (std::size_t I = From; I < Changes.size(); I++) {
    std::string Said = run(Db, spelled(Changes[I], false));
    if (Said != States[I + 1].Said)
      bad(Changes[I] + ": " + sqlite3_errmsg(Db));
    if (sqlite3_get_autocommit(Db))
      perdure_crash_note(std::to_string(I + 1).c_str());
  }
}

/// The names of the tables that the store has, and what is wrong in it: each
/// index has as many entries as its table has rows, and nothing is left of
/// tables that are not there.
std::vector<std::string> look_at_store() {
  pkv *S = pkv_open(Arguments[1], Arguments[3] ? PKV_DURABLE : 0);
  if (!S)
    bad(pkv_errormsg());
  if (const char *Wrong = pkv_check(S))
    bad(Wrong);
  std::vector<std::string> Names;
  std::map<std::string, std::uint64_t> Pairs; // of trees that have some
  pkv_trees(
      S,
      [](void *All, const char *Name) {
        static_cast<std::map<std::string, std::uint64_t> *>(All)->insert(
            {Name, 0});
        return 0;
      },
      &Pairs);
  for (auto &[Name, Count] : Pairs)
    if (pkv_tree *T = pkv_tree_open(S, Name.c_str(), 0);
        !T || pkv_count(T, nullptr, &Count))
      bad(pkv_errormsg());
  pkv_cursor *At = pkv_cursor_open(pkv_tree_open(S, "", 0), nullptr);
  struct pkv_bytes Key, Value;
  for (int On = pkv_first(At); On; On = pkv_next(At)) {
    if (pkv_pair(At, &Key, &Value))
      bad(pkv_errormsg());
    Names.emplace_back(static_cast<const char *>(Key.data), Key.size);
    std::string Entry(static_cast<const char *>(Value.data), Value.size);
    std::string Tree = Entry.substr(0, Entry.find(' '));
    std::uint64_t Rows = Pairs[Tree];
    Pairs[Tree] = 0;
    if (!Tables.count(Names.back()))
      bad("there is a table " + Names.back());
    for (int I = 1; I <= Tables.at(Names.back()).IndexCount; I++) {
      std::uint64_t &Entries = Pairs[Tree + "." + std::to_string(I)];
      if (Entries != Rows)
        bad(Names.back() + ": an index with " + std::to_string(Entries) +
            " entries, and " + std::to_string(Rows) + " rows");
      Entries = 0;
    }
  }
  pkv_cursor_close(At);
  Pairs.erase("");
  for (auto &[Name, Count] : Pairs)
    if (Count)
      bad("tree " + Name + " is no table's and has something");
  pkv_close(S);
  return Names;
}

/// Opens the tables as they were promised; after how many changes they are.
sqlite3 *found(std::size_t &At) {
  char Line[64];
  At = 0;
  while (std::fgets(Line, sizeof(Line), stdin))
    At = std::stoul(Line);
  std::vector<std::string> Names = look_at_store();
  sqlite3 *Db = opened(false);
  for (auto &Name : Names)
    must(Db, spelled("+" + Name, false));
  std::string Rows = rows_of(Db);
  if (Rows == States[At].Committed)
    return Db;
  do // up to the end of the next transaction
    if (At++ == Changes.size())
      bad("not what was promised");
  while (States[At].Begun != At);
  if (Rows != States[At].Committed)
    bad("not what was promised");
  return Db;
}

int check() {
  std::size_t At;
  sqlite3 *Db = found(At);
  change(Db, States[At].Begun);
  if (rows_of(Db) != States.back().Committed)
    bad("it cannot be gone on with");
  sqlite3_close(Db);
  look_at_store();
  return 0;
}

int go_on() {
  std::size_t At;
  sqlite3 *Db = found(At);
  change(Db, States[At].Begun);
  sqlite3_close(Db);
  return 0;
}

int change_all() {
  sqlite3 *Db = opened(false);
  must(Db, spelled("+a", false));
  must(Db, spelled("+b", false));
  change(Db, 0);
  sqlite3_close(Db);
  return 0;
}

int make() {
  sqlite3 *Db = opened(false);
  for (auto &Statement : Before)
    must(Db, spelled(Statement, false));
  if (rows_of(Db) != States[0].Committed)
    bad("made wrong");
  for (const table *T : {&A, &B})
    for (auto &[Sql, By] : T->Reads)
      if (must(Db, std::string("EXPLAIN QUERY PLAN ") + Sql).find(By) ==
          std::string::npos)
        bad(std::string(Sql) + " is not read by " + By);
  sqlite3_close(Db);
  return 0;
}

} // namespace

int main(int Count, char **Words) {
  if (Count < 3)
    bad("sqlite_promise STORE make | change | on | check [DURABLE]");
  Arguments = Words;
  find_states();
  std::string Verb = Words[2];
  return Verb == "make"     ? make()
         : Verb == "change" ? change_all()
         : Verb == "on"     ? go_on()
                            : perdure_crash_check(check);
}

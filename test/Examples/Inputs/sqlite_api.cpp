// sqlite_api.cpp - What SQLite's interface allows beside plain statements:
// several connections and threads, statements that run while others end the
// transaction, tables that are made, attached and dropped under a connection,
// connections that others close.
//
// sqlite_api FOLDER
#include "api.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

extern "C" int sqlite3_perduresqlite_init(sqlite3 *, char **, const void *);

namespace {

std::string Folder;

#define CHECK(Condition)                                                       \
  do                                                                           \
    if (!(Condition)) {                                                        \
      std::fprintf(stderr, "sqlite_api: line %d: %s\n", __LINE__, #Condition); \
      std::exit(1);                                                            \
    }                                                                          \
  while (0)

/// Runs it, and says what it gives: rows, with blanks between their columns and
/// bars between them, or "error CODE: MESSAGE".
std::string ask(sqlite3 *Db, const std::string &Sql) {
  std::string Answer;
  const char *Rest = Sql.c_str();
  while (*Rest) {
    sqlite3_stmt *S = nullptr;
    int Code = sqlite3_prepare_v2(Db, Rest, -1, &S, &Rest);
    if (!Code && S)
      while ((Code = sqlite3_step(S)) == SQLITE_ROW) {
        Answer += Answer.empty() ? "" : "|";
        for (int I = 0; I < sqlite3_column_count(S); I++) {
          auto *T = reinterpret_cast<const char *>(sqlite3_column_text(S, I));
          Answer += (I ? " " : "") + std::string(T ? T : "NULL");
        }
      }
    if (Code && Code != SQLITE_DONE)
      Answer = "error " + std::to_string(Code) + ": " +
               std::string(sqlite3_errmsg(Db));
    sqlite3_finalize(S);
    if (Code && Code != SQLITE_DONE)
      break;
  }
  return Answer;
}

void is(sqlite3 *Db, const std::string &Sql, const std::string &Wanted,
        int Line = __builtin_LINE()) {
  std::string Got = ask(Db, Sql);
  if (Got == Wanted)
    return;
  std::fprintf(stderr, "sqlite_api: line %d: %s\n  gives  %s\n  not    %s\n",
               Line, Sql.c_str(), Got.c_str(), Wanted.c_str());
  std::exit(1);
}

bool has(const std::string &Text, const char *Part) {
  if (Text.find(Part) != std::string::npos)
    return true;
  std::fprintf(stderr, "sqlite_api: '%s' is not in '%s'\n", Part, Text.c_str());
  return false;
}

struct database {
  sqlite3 *Db = nullptr;
  explicit database(const char *Name = ":memory:") {
    CHECK(!sqlite3_open(Name, &Db));
    char *Message = nullptr;
    CHECK((sqlite3_perduresqlite_init(Db, &Message, nullptr) & 0xff) ==
          SQLITE_OK);
  }
  ~database() { CHECK(sqlite3_close(Db) == SQLITE_OK); }
  operator sqlite3 *() const { return Db; }
};

std::string numbers(const char *Store = "one") {
  return "CREATE VIRTUAL TABLE n USING perdure('" + Folder + "/" + Store +
         "', i INTEGER PRIMARY KEY, v INT, t TEXT, INDEX(v));";
}

/// The same table of another name.
std::string named(const char *Name, const char *Store = "one") {
  std::string Sql = numbers(Store);
  return Sql.replace(Sql.find(" n "), 3, " " + std::string(Name) + " ");
}

struct statement {
  sqlite3_stmt *S = nullptr;
  statement(sqlite3 *Db, const char *Sql) {
    CHECK(!sqlite3_prepare_v2(Db, Sql, -1, &S, nullptr));
  }
  ~statement() { sqlite3_finalize(S); }
  int next() {
    return sqlite3_step(S) == SQLITE_ROW ? sqlite3_column_int(S, 0) : -1;
  }
};

const char *const Fill =
    "DELETE FROM n; WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
    "FROM c "
    "WHERE x < 200) INSERT INTO n SELECT x, x % 7, 'text ' || x FROM c";

/// Statements go on when the transaction that they read through ends.
void running(const char *Order, int First, int Step) {
  for (const char *End : {"COMMIT", "ROLLBACK"}) {
    database A;
    ask(A, numbers());
    is(A, Fill, "");
    is(A, "BEGIN; UPDATE n SET t = t || '!' WHERE i = 100", "");
    statement S(A, Order);
    int I = First;
    for (int N = 0; N < 10; N++, I += Step)
      CHECK(S.next() == I);
    // The row on which it stands, and the one behind it.
    is(A,
       "DELETE FROM n WHERE i IN (" + std::to_string(I - Step) + ", " +
           std::to_string(I) + ")",
       "");
    CHECK(S.next() == I + Step);
    is(A, End, "");
    CHECK(sqlite3_column_int(S.S, 0) == I + Step);
    I += 2 * Step;
    is(A, "DELETE FROM n WHERE i = " + std::to_string(I + Step), "");
    CHECK(S.next() == I); // what it goes on in may have been begun before
    int Left = 1;
    while (S.next() >= 0)
      Left++;
    CHECK(Left >= 186 && Left <= 187);
    is(A, "SELECT count(*) FROM n", *End == 'C' ? "197" : "199");
    is(A, "SELECT t FROM n WHERE i = 100",
       *End == 'C' ? "text 100!" : "text 100");
  }
}

/// A statement sees what was there when it began.
void snapshots() {
  database A, B;
  ask(A, numbers());
  ask(B, numbers());
  is(A, Fill, "");
  statement S(B, "SELECT v FROM n WHERE i > 0 ORDER BY i");
  for (int I = 1; I < 50; I++)
    CHECK(S.next() == I % 7);
  is(A, "UPDATE n SET v = 1000; DELETE FROM n WHERE i > 150", "");
  for (int I = 50; I <= 200; I++)
    CHECK(S.next() == I % 7);
  CHECK(S.next() == -1);
  is(B, "SELECT count(*), min(v) FROM n", "150 1000");
  // What is not committed nobody else sees.
  is(A, "BEGIN; DELETE FROM n; SELECT count(*) FROM n", "0");
  is(B, "SELECT count(*) FROM n", "150");
  is(A, "ROLLBACK; SELECT count(*) FROM n", "150");
}

/// One writes at a time; the others wait as long as they said.
void waiting() {
  database A, B;
  ask(A, numbers());
  ask(B, numbers());
  is(A, Fill, "");
  is(A, "BEGIN; UPDATE n SET v = 1", "");
  std::string Busy = ask(B, "UPDATE n SET v = 2");
  CHECK(has(Busy, "error 5") &&
        has(Busy, "this thread has a transaction open"));
  std::thread([&] {
    is(B, "UPDATE n SET v = 2", "error 5: database is locked");
  }).join();
  sqlite3_busy_timeout(B, 60000);
  std::atomic<bool> Waits{false};
  std::thread Other([&] {
    Waits = true;
    is(B, "UPDATE n SET v = v + 1", "");
  });
  while (!Waits)
    std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  is(A, "COMMIT", "");
  Other.join();
  is(A, "SELECT DISTINCT v FROM n", "2");

  // One transaction writes to one store.
  std::string Second = numbers("two");
  Second.replace(Second.find(" n "), 3, " m ");
  is(A, Second, "");
  is(A, "BEGIN; DELETE FROM n WHERE i = 1", "");
  CHECK(has(ask(A, "INSERT INTO m VALUES(1, 1, '')"), "another store"));
  is(A, "COMMIT; SELECT count(*) FROM n; INSERT INTO m VALUES(1, 1, '')",
     "199");

  // And in one thread.
  is(A, "BEGIN; DELETE FROM n WHERE i = 2", "");
  std::thread([&] {
    CHECK(has(ask(A, "DELETE FROM n WHERE i = 3"), "the thread that began it"));
  }).join();
  is(A, "COMMIT; SELECT count(*) FROM n", "198");
  is(A, "BEGIN; DELETE FROM n WHERE i = 3", "");
  std::thread([&] {
    CHECK(has(ask(A, "COMMIT"), "ends in the thread that began it"));
    is(A, "SELECT count(*) FROM n", "198");
    // Only its thread can end it.
    is(A, "DELETE FROM n WHERE i = 3", "error 5: database is locked");
  }).join();
  is(A,
     "BEGIN; SAVEPOINT s; DELETE FROM n WHERE i = 4; ROLLBACK TO s; COMMIT; "
     "SELECT count(*) FROM n",
     "198");
  is(A, "DELETE FROM n WHERE i = 3; SELECT count(*) FROM n", "197");
}

/// Amounts move between rows of two tables while others add them up.
void threads() {
  std::string Accounts = numbers("bank");
  std::string Others = Accounts;
  Others.replace(Others.find(" n "), 3, " m ");
  database A;
  is(A,
     Accounts + Others + Fill +
         "; UPDATE n SET v = 100; INSERT INTO m SELECT * FROM n",
     "");
  std::atomic<bool> Done{false};
  std::vector<std::thread> All;
  for (unsigned W = 0; W < 2; W++)
    All.emplace_back([&, W] {
      database B;
      sqlite3_busy_timeout(B, 60000);
      is(B, Accounts + Others, "");
      for (unsigned I = 0; I < 150; I++) {
        std::string From = std::to_string(1 + (I * 37 + W) % 200),
                    To = std::to_string(1 + (I * 91) % 200);
        is(B,
           "BEGIN; UPDATE n SET v = v - 1 WHERE i = " + From +
               "; SAVEPOINT s; DELETE FROM m; ROLLBACK TO s; UPDATE m SET v = "
               "v + 1 "
               "WHERE i = " +
               To + (I % 5 ? "; COMMIT" : "; ROLLBACK"),
           "");
      }
      Done = true;
    });
  for (unsigned R = 0; R < 2; R++)
    All.emplace_back([&] {
      database B;
      is(B, Accounts + Others, "");
      while (!Done)
        is(B,
           "SELECT (SELECT sum(v) FROM n) + (SELECT sum(v) FROM m), (SELECT "
           "count(*) FROM n JOIN m ON n.i = m.i AND m.v > -1000)",
           "40000 200");
    });
  for (std::thread &T : All)
    T.join();
  is(A, "SELECT sum(v) FROM m", "20240");
  is(A, "DROP TABLE n; DROP TABLE m", "");
}

/// Tables come and go within transactions.
void catalogue() {
  database A;
  is(A, numbers() + Fill, "");
  is(A, "BEGIN; DROP TABLE n; ROLLBACK; SELECT count(*), sum(v) FROM n",
     "200 598");
  is(A,
     "BEGIN; DELETE FROM n WHERE i > 100; SAVEPOINT s; DROP TABLE n; ROLLBACK "
     "TO s; "
     "SELECT count(*) FROM n; ROLLBACK; SELECT count(*) FROM n",
     "100|200");
  is(A,
     "SAVEPOINT s; DROP TABLE n; ROLLBACK TO s; RELEASE s; SELECT count(*) "
     "FROM n",
     "200");
  std::string Other = numbers();
  Other.replace(Other.find(" n "), 3, " m ");
  is(A,
     "BEGIN; SAVEPOINT s; " + Other +
         "INSERT INTO m VALUES(1, 2, 'x'); ROLLBACK TO s; COMMIT",
     "");
  is(A, Other + "SELECT count(*) FROM m", "0");
  is(A,
     "INSERT INTO m VALUES(1, 2, 'x'); BEGIN; ALTER TABLE m RENAME TO o; "
     "SELECT * FROM o; "
     "ROLLBACK; SELECT count(*) FROM m; ALTER TABLE m RENAME TO o; SELECT * "
     "FROM o",
     "1 2 x|1|1 2 x");
  CHECK(has(ask(A, "ALTER TABLE o RENAME TO N"), "already another table"));
  std::string Third = Other;
  Third.replace(Third.find(" m "), 3, " p ");
  // Behind the first write as well.
  std::string Late = "BEGIN; INSERT INTO o VALUES(5, 5, ''); " + Third +
                     "INSERT INTO p VALUES(1, 1, ''); ";
  std::string Counts =
      "SELECT (SELECT count(*) FROM o), (SELECT count(*) FROM p);";
  is(A, Late + Counts + "ROLLBACK; SELECT count(*) FROM o", "2 1|1");
  CHECK(has(ask(A, "SELECT * FROM p"), "no such table"));
  is(A, Third + "SELECT count(*) FROM p; DROP TABLE p", "0");
  is(A, Late + "COMMIT; " + Counts + "DROP TABLE p", "2 1");
  is(A,
     "BEGIN; DELETE FROM o WHERE i = 5; SAVEPOINT s; " + Third +
         "INSERT INTO p VALUES(1, 1, ''); ROLLBACK TO s; " + Third +
         "SELECT count(*) FROM p; INSERT INTO p VALUES(2, 2, ''); COMMIT; " +
         Counts + "DROP TABLE p; INSERT INTO o VALUES(5, 5, '')",
     "0|1 1");
  is(A, "SELECT count(*) FROM o", "2");
  {
    database B;
    is(B, numbers(), "");
    CHECK(has(ask(B, Third.replace(Third.find(" p "), 3, " o ")
                         .replace(Third.find("v INT,"), 6, "v,")),
              "with other columns or indexes"));
    is(B, "SELECT count(*) FROM n", "200");
    is(A, "DROP TABLE n", "");
    CHECK(has(ask(B, "SELECT count(*) FROM n"), "has dropped or changed n"));
    CHECK(has(ask(B, "INSERT INTO n VALUES(1, 1, '')"),
              "has dropped or changed n"));
    is(A,
       "CREATE VIRTUAL TABLE n USING perdure('" + Folder +
           "/one', other, INDEX(other))",
       "");
    is(A, "INSERT INTO n VALUES('new')", "");
    CHECK(has(ask(B, "SELECT count(*) FROM n"), "has dropped or changed n"));
  }
  is(A, "SELECT * FROM n; DROP TABLE n; DROP TABLE o", "new");
}

/// CREATE waits as long as the connection says. Connections that write and make
/// tables, also the same, do not keep each other from it.
void making() {
  database A;
  is(A, numbers("made") + "BEGIN; INSERT INTO n VALUES(0, 0, '')", "");
  std::thread([] {
    database B;
    std::string Locked = ask(B, named("m", "made"));
    CHECK(has(Locked, "error 5") && has(Locked, "database is locked"));
    is(B, numbers("made") + "SELECT count(*) FROM n", "0");
  }).join();
  is(A, "COMMIT", "");
  std::atomic<unsigned> Arrived{0};
  std::vector<std::thread> All;
  for (unsigned W = 0; W < 2; W++)
    All.emplace_back([&, W] {
      unsigned Rounds = 0;
      auto meet = [&] {
        Arrived++;
        for (Rounds++; Arrived < 2 * Rounds;)
          std::this_thread::yield();
      };
      database B;
      sqlite3_busy_timeout(B, 60000);
      is(B, numbers("made"), "");
      std::string Own = W ? "b" : "a";
      for (unsigned I = 0; I < 20; I++) {
        is(B,
           "BEGIN; INSERT INTO n(v) VALUES(1); " + named(Own.c_str(), "made") +
               "INSERT INTO " + Own + "(v) VALUES(2); COMMIT; SELECT v FROM " +
               Own + "; DROP TABLE " + Own,
           "2");
        meet();
        is(B, named("same", "made") + "INSERT INTO same(v) VALUES(1)", "");
        meet();
        is(B, "SELECT count(*) FROM same", "2");
        meet();
        is(B, "DROP TABLE same", ""); // one of the two drops what is gone
        meet();
      }
    });
  for (std::thread &T : All)
    T.join();
  is(A, "SELECT count(*) FROM n; DROP TABLE n", "41");
}

/// What comes behind a savepoint is undone in a table that CREATE has attached,
/// too.
void attaching() {
  database A, B;
  is(A, numbers() + Fill, "");
  is(B,
     "BEGIN; SAVEPOINT s; " + numbers() +
         "INSERT INTO n VALUES(201, 1, ''); ROLLBACK TO s; COMMIT",
     "");
  is(A, "SELECT count(*) FROM n", "200");
  is(B,
     "BEGIN; SAVEPOINT s; " + numbers() +
         "SAVEPOINT t; INSERT INTO n VALUES(201, 1, ''); RELEASE t; DELETE "
         "FROM n WHERE i < 9; ROLLBACK TO s; " +
         numbers() +
         "INSERT INTO n VALUES(202, 1, ''), (203, 1, ''); COMMIT; SELECT "
         "count(*), max(i) FROM n",
     "202 203");
  is(A, "SELECT count(*), total_changes() FROM n; DROP TABLE n", "202 200");
}

/// A table that the store does not have any more.
void dropping() {
  std::string File = Folder + "/dropped.db";
  database A(File.c_str()), C;
  is(A, numbers("drop") + named("m", "drop") + Fill, "");
  is(A, "INSERT INTO m VALUES(1, 2, 'x')", "");
  is(C, numbers("drop") + "DROP TABLE n", "");
  const char *Dump = "SELECT count(*), sum(sql LIKE '-- \"n\": left out%'), "
                     "sum(sql LIKE 'INSERT INTO \"m\"%') FROM perdure_dump";
  is(A, Dump, "5 1 1");
  {
    database B(File.c_str()); // connects to it when it is gone
    is(B, Dump, "5 1 1");
    CHECK(has(ask(B, "SELECT * FROM n"), "has dropped or changed n"));
    CHECK(has(ask(B, "INSERT INTO n(v) VALUES(1)"), "or changed n"));
    CHECK(has(ask(B, "ALTER TABLE n RENAME TO o"), "or changed n"));
    is(C, numbers("drop") + "INSERT INTO n VALUES(7, 2, 'x')", "");
    is(B, "SELECT * FROM n", "7 2 x");
    is(C,
       "DROP TABLE n; CREATE VIRTUAL TABLE n USING perdure('" + Folder +
           "/drop', other); INSERT INTO n VALUES(1)",
       "");
    is(B, "DROP TABLE n; SELECT count(*) FROM perdure_dump", "4");
  }
  is(C, "SELECT * FROM n; DROP TABLE n", "1");
  is(A, numbers("drop"), "");
  is(C, numbers("drop") + "DROP TABLE n", "");
  is(A, "DROP TABLE n; SELECT count(*) FROM perdure_dump; DROP TABLE m", "4");
}

/// Also where the transaction that writes has dropped it itself, by another
/// name; and when that is undone it is there.
void dropping_here() {
  database A, B;
  is(A, "ATTACH ':memory:' AS b; " + numbers() + named("b.n"), "");
  is(B, numbers(), "");
  for (const char *Point : {"", "SAVEPOINT s; "}) {
    is(A, "INSERT INTO b.n(v) VALUES(1)", "");
    is(A, "BEGIN; INSERT INTO b.n(v) VALUES(2); " + std::string(Point), "");
    is(A, "DROP TABLE main.n", "");
    CHECK(has(ask(A, "INSERT INTO b.n(v) VALUES(3)"), "or changed n"));
    CHECK(has(ask(A, "SELECT * FROM b.n"), "or changed n"));
    is(A,
       *Point ? "ROLLBACK TO s; INSERT INTO b.n(v) VALUES(4); COMMIT"
              : "ROLLBACK",
       "");
    is(A, "INSERT INTO b.n(v) VALUES(5)", "");
  }
  is(A, "SELECT group_concat(v) FROM main.n", "1,5,1,2,4,5");
  is(B, "INSERT INTO n(v) VALUES(6)", "");
  is(A, "BEGIN; DROP TABLE main.n; COMMIT", "");
  for (sqlite3 *Db : {A.Db, B.Db})
    CHECK(has(ask(Db, "INSERT INTO n(v) VALUES(7)"), "or changed n"));
  is(A, "DROP TABLE b.n", "");
}

/// A statement that runs keeps its snapshot for those that begin meanwhile;
/// what they find in its catalogue is not what the store has later.
void old_catalogues() {
  database A, B;
  is(A, numbers() + Fill, "");
  is(B, numbers(), "");
  {
    statement S(B, "SELECT i FROM n");
    CHECK(S.next() == 1);
    is(A, "DROP TABLE n", "");
    is(B, "SELECT count(*) FROM n", "200");
  }
  CHECK(has(ask(B, "SELECT count(*) FROM n"), "has dropped or changed n"));
}

/// A transaction whose thread ends, or whose connection another closes, does
/// not lock the store.
void closing() {
  database A;
  is(A, numbers() + Fill, "");
  {
    database B;
    std::unique_ptr<statement> S;
    std::thread([&] {
      is(B, numbers() + "BEGIN; DELETE FROM n WHERE i > 9", "");
      S = std::make_unique<statement>(B, "SELECT i FROM n");
      CHECK(S->next() == 1);
    }).join();
    CHECK(S->next() == -1 && has(sqlite3_errmsg(B), "has ended"));
    S.reset();
    CHECK(has(ask(B, "DELETE FROM n"), "has ended"));
    CHECK(has(ask(B, "COMMIT"), "has ended"));
    is(B, "SELECT count(*) FROM n; DELETE FROM n WHERE i = 1", "200");
    std::thread([&] { is(B, "BEGIN; DELETE FROM n", ""); }).join();
  }
  is(A, "DELETE FROM n WHERE i = 2; SELECT count(*) FROM n", "198");
  // The thread goes on: and reads, or ends.
  for (bool Reads : {true, false}) {
    std::atomic<unsigned> Step{0};
    auto B = std::make_unique<database>();
    std::thread Other([&] {
      is(*B, numbers() + "BEGIN; DELETE FROM n", "");
      for (Step = 1; Step < 2;)
        std::this_thread::yield();
      if (!Reads)
        return;
      database C;
      // Of a store that nobody has open yet.
      is(C,
         "CREATE VIRTUAL TABLE o USING perdure('" + Folder +
             "/not before.pkv', i)",
         "");
      is(C, numbers() + "SELECT count(*) FROM n", "198");
      for (Step = 3; Step < 4;)
        std::this_thread::yield();
    });
    while (Step < 1)
      std::this_thread::yield();
    B.reset();
    is(A, "DELETE FROM n WHERE i = 3", "error 5: database is locked");
    Step = 2;
    if (!Reads)
      Other.join();
    else
      while (Step < 3)
        std::this_thread::yield();
    is(A, "BEGIN; DELETE FROM n WHERE i = 3; ROLLBACK", "");
    Step = 4;
    if (Reads)
      Other.join();
  }
  is(A, "SELECT count(*) FROM n; DROP TABLE n", "198");
}

/// Who reads only has opened the store before who writes.
void reading_first() {
  std::string File = Folder + "/read.db";
  {
    database A(File.c_str());
    is(A, numbers("read") + Fill, "");
  }
  sqlite3 *R;
  CHECK(!sqlite3_open_v2(File.c_str(), &R, SQLITE_OPEN_READONLY, nullptr));
  char *Message = nullptr;
  CHECK((sqlite3_perduresqlite_init(R, &Message, nullptr) & 0xff) == SQLITE_OK);
  database W;
  {
    statement S(R, "SELECT i FROM n ORDER BY i");
    CHECK(S.next() == 1);
    is(W, numbers("read") + "DELETE FROM n WHERE i > 2", "");
    for (int I = 2; I <= 200; I++)
      CHECK(S.next() == I);
  }
  is(R, "SELECT count(*) FROM n", "2");
  CHECK(has(ask(R, "DELETE FROM n"), "readonly"));
  CHECK(sqlite3_close(R) == SQLITE_OK);
  is(W, "DELETE FROM n WHERE i = 2; SELECT i FROM n; DROP TABLE n", "1");
}

/// The hidden column of a row's key follows from other columns.
void hidden_keys() {
  database A;
  is(A,
     "CREATE VIRTUAL TABLE h USING perdure('" + Folder +
         "/hidden', k TEXT, n INT, PRIMARY KEY(k, n)); INSERT INTO h(k, n) "
         "VALUES('a', 1); INSERT INTO h(k, n, _key) VALUES('b', 1, NULL)",
     "");
  for (const char *Sql :
       {"INSERT INTO h(k, n, _key) VALUES('c', 1, x'00')",
        "INSERT INTO h(k, n, _key) VALUES('c', 1, 5)",
        "UPDATE h SET _key = x'00' WHERE k = 'a'", "UPDATE h SET _key = NULL"})
    is(A, Sql,
       "error 19: h._key is made of the PRIMARY KEY: give the columns of that");
  is(A,
     "UPDATE h SET n = 2, _key = _key WHERE k = 'a'; INSERT INTO h(k, n, _key) "
     "SELECT k, n, _key FROM h WHERE 0; SELECT k, n FROM h; DROP TABLE h",
     "a 2|b 1");
}

/// A plan knows of the rows that its transaction has written.
void planning() {
  database A;
  std::string Plan = "EXPLAIN QUERY PLAN SELECT b FROM c WHERE a = 1";
  CHECK(has(ask(A, "BEGIN; CREATE VIRTUAL TABLE c USING perdure('" + Folder +
                       "/count', a INT, b, INDEX ab(a)); " + Plan),
            "rowid"));
  CHECK(
      has(ask(A, "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM "
                 "r WHERE x < 2000) INSERT INTO c SELECT x, x FROM r; " +
                     Plan),
          "ab (a=?)"));
  is(A, "ROLLBACK", "");
}

/// A name of bytes above 127; and exceptions, which SQLite knows nothing of.
void odds() {
  database A;
  is(A,
     "CREATE VIRTUAL TABLE u USING perdure('" + Folder +
         "/odd', gr\xc3\xb6\xc3\x9f"
         "e INT); INSERT INTO u VALUES(1); SELECT "
         "gr\xc3\xb6\xc3\x9f"
         "e FROM u; DROP TABLE u",
     "1");
  CHECK(guarded([]() -> int { throw std::bad_alloc(); }) == SQLITE_NOMEM);
  CHECK(guarded([]() -> int { throw std::length_error(""); }) == SQLITE_TOOBIG);
  CHECK(guarded([]() -> int { throw 1; }) == SQLITE_ERROR);
  // Tables of one name in two schemas: the dump is of main's.
  is(A,
     "CREATE VIRTUAL TABLE temp.n USING perdure('" + Folder +
         "/odd', z); INSERT INTO temp.n VALUES(1);" + numbers("main") +
         "INSERT INTO main.n VALUES(5, 6, 'x')",
     "");
  is(A, "SELECT sql FROM perdure_dump WHERE sql LIKE 'INSERT%'",
     "INSERT INTO \"n\"(\"i\",\"v\",\"t\") VALUES(5,6,'x');");
  is(A, "DROP TABLE temp.n; DROP TABLE main.n", "");
}

/// A dump is of one moment, though others write meanwhile; loading twice is
/// loading once.
void dumping() {
  std::string Other = numbers();
  Other.replace(Other.find(" n "), 3, " m ");
  database A, B;
  char *Message = nullptr;
  CHECK((sqlite3_perduresqlite_init(B, &Message, nullptr) & 0xff) == SQLITE_OK);
  is(A, numbers() + Other + "DELETE FROM m", "");
  is(B, numbers() + Other, "");
  is(A, "INSERT INTO n VALUES(1, 1, 'x'); INSERT INTO m VALUES(1, 1, 'x')", "");
  statement S(B, "SELECT length(sql) FROM perdure_dump");
  for (int Line = 0; Line < 4; Line++) // CREATE, CREATE, BEGIN, INSERT INTO n
    CHECK(S.next() > 0);
  is(A, "DELETE FROM n; DELETE FROM m", "");
  CHECK(S.next() > 20 && S.next() == 7 && S.next() == -1);
  is(B, "SELECT count(*) FROM perdure_dump", "4");
  // Also where the first tables are empty, and others write before it comes to
  // the next.
  struct writer {
    sqlite3 *Db;
    bool Wrote;
  } Later{A, false};
  sqlite3_trace_v2(
      B, SQLITE_TRACE_STMT,
      [](unsigned, void *Of, void *S, void *) {
        auto &W = *static_cast<writer *>(Of);
        const char *Sql = sqlite3_sql(static_cast<sqlite3_stmt *>(S));
        if (!W.Wrote && std::strstr(Sql, "FROM main.\"m\"")) {
          W.Wrote = true;
          is(W.Db,
             "BEGIN; INSERT INTO n VALUES(1, 1, 'x'); INSERT INTO m VALUES(1, "
             "1, 'x'); COMMIT",
             "");
        }
        return 0;
      },
      &Later);
  is(B, "SELECT count(*) FROM perdure_dump", "4");
  sqlite3_trace_v2(B, 0, nullptr, nullptr);
  CHECK(Later.Wrote);
  is(B, "SELECT count(*) FROM perdure_dump", "6");
  is(A, "DELETE FROM n; DELETE FROM m", "");
  CHECK((sqlite3_perduresqlite_init(B, &Message, nullptr) & 0xff) == SQLITE_OK);
  is(B,
     "DROP TABLE n; DROP TABLE m; CREATE VIRTUAL TABLE n USING perdure('" +
         Folder + "/one', a)",
     "");
  is(B, "DROP TABLE n", "");
}

/// Rows that the module passes over itself: also where the statement goes on in
/// a snapshot from a row that is gone; and it passes over no text that SQLite
/// takes for an equal number.
void checking() {
  database A;
  is(A,
     "CREATE VIRTUAL TABLE c USING perdure('" + Folder +
         "/check', i INTEGER PRIMARY KEY, v INT, t TEXT, o); WITH RECURSIVE "
         "r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < 200) "
         "INSERT "
         "INTO c SELECT x, x % 7, '5', '5' FROM r",
     "");
  CHECK(
      has(ask(A, "EXPLAIN QUERY PLAN SELECT i FROM c WHERE v = 1 AND t = 'a'"),
          "INDEX 0::=1=2 rowid WHERE v=? AND t=?"));
  for (bool Down : {false, true}) {
    is(A, "BEGIN; UPDATE c SET t = '6' WHERE i = 1", "");
    statement S(A, Down ? "SELECT i FROM c WHERE v = 1 ORDER BY i DESC"
                        : "SELECT i FROM c WHERE v = 1");
    for (int I = 0; I < 3; I++)
      CHECK(S.next() == (Down ? 197 - 7 * I : 1 + 7 * I));
    is(A, Down ? "DELETE FROM c WHERE i = 183" : "DELETE FROM c WHERE i = 15",
       "");
    is(A, "COMMIT", "");
    CHECK(S.next() == (Down ? 176 : 22));
    CHECK(S.next() == (Down ? 169 : 29));
  }
  is(A,
     "CREATE TABLE h(i INTEGER); INSERT INTO h VALUES(7); CREATE TABLE "
     "native(t TEXT, o); INSERT INTO native VALUES('5', '5'), ('6', '6')",
     "");
  for (const char *Column : {"t", "o"})
    for (const char *Name : {"native", "c"})
      is(A,
         "WITH u(x) AS (SELECT i FROM h UNION ALL SELECT '5.0') SELECT " +
             std::string(Column) + " FROM u CROSS JOIN " + Name + " ON " +
             Column + " = u.x LIMIT 1",
         "5");
  is(A, "DROP TABLE c", "");
}

/// A child of fork that ends leaves its parent's transaction alone: its only
/// thread has not begun it.
sqlite3 *OfParent;
void forking() {
  database A;
  OfParent = A.Db;
  is(A,
     numbers("fork") + named("m", "fork") + Fill +
         "; BEGIN; DELETE FROM n WHERE i > 150",
     "");
  std::fflush(nullptr);
  pid_t Child = fork();
  CHECK(Child >= 0);
  if (!Child) {
    // Behind what the thread does at its end. It would find the transaction
    // cut.
    std::atexit([] {
      if (!ask(OfParent, "DELETE FROM m WHERE 0").empty())
        _exit(1);
    });
    std::exit(0);
  }
  int Status;
  CHECK(waitpid(Child, &Status, 0) == Child && !Status);
  is(A, "DELETE FROM n WHERE i > 100; COMMIT; SELECT count(*) FROM n", "100");
  is(A, "DELETE FROM n WHERE i > 99; SELECT count(*) FROM n", "99");
}

/// A transaction in which there was no room is not committed, whatever SQLite
/// makes of the statement; the next one goes on.
void full() {
  std::signal(SIGXFSZ, SIG_IGN);
  database A;
  is(A, numbers("full") + named("m", "full") + Fill, "");
  struct rlimit None, Limit;
  CHECK(!getrlimit(RLIMIT_FSIZE, &None));
  Limit = {1, None.rlim_max}; // no file grows
  for (const char *Sql :
       {"INSERT INTO n(t) VALUES(zeroblob(3000000))",
        "SAVEPOINT s; INSERT INTO n(t) VALUES(zeroblob(3000000))",
        "INSERT INTO n(t) VALUES('a'), (zeroblob(3000000))"}) {
    is(A, "BEGIN; DELETE FROM n WHERE i < 100; INSERT INTO m VALUES(1, 1, 1)",
       "");
    CHECK(!setrlimit(RLIMIT_FSIZE, &Limit));
    CHECK(has(ask(A, Sql), "no room for the change"));
    CHECK(!setrlimit(RLIMIT_FSIZE, &None));
    // SQLite ends the transaction itself where it cannot take back the first of
    // several rows.
    CHECK(bool(sqlite3_get_autocommit(A)) == bool(std::strstr(Sql, "'a'")));
    if (!sqlite3_get_autocommit(A))
      CHECK(has(ask(A, "COMMIT"), "error 13: a change of the transaction has failed"));
    is(A, "SELECT count(*), (SELECT count(*) FROM m) FROM n", "200 0");
  }
  is(A, "DELETE FROM n WHERE i < 100; SELECT count(*) FROM n", "101");
}

/// What docs/SQLite.md says of SQLite's limits for virtual tables.
void limits() {
  std::string File = Folder + "/limits.db";
  {
    database A(File.c_str());
    is(A, numbers("limits"), "");
    is(A,
       "INSERT INTO n(v) VALUES('5') RETURNING i, v, typeof(v), rowid; SELECT "
       "last_insert_rowid()",
       "NULL 5 integer -1|1");
    for (const char *Sql : {"UPDATE n SET v = 6", "DELETE FROM n"})
      CHECK(has(ask(A, std::string(Sql) + " RETURNING i"), "not available"));
    const char *Moves = "DELETE FROM n; INSERT INTO n VALUES(1, 10, 'a'), (2, "
                        "20, 'b'), (3, 30, 'c'); UPDATE OR REPLACE n SET i = "
                        "max(i, 2), v = v + 1; SELECT * FROM n";
    is(A, Moves, "2 21 a|3 31 c"); // a native table: 2 12 a|3 31 c
  }
  sqlite3 *R;
  CHECK(!sqlite3_open_v2(File.c_str(), &R, SQLITE_OPEN_READONLY, nullptr));
  char *Message = nullptr;
  CHECK((sqlite3_perduresqlite_init(R, &Message, nullptr) & 0xff) == SQLITE_OK);
  is(R, "ATTACH ':memory:' AS b", "");
  for (const char *Name : {"temp.q", "b.q"})
    CHECK(has(ask(R, named(Name, "limits")), "error 8"));
  CHECK(sqlite3_close(R) == SQLITE_OK);
}

/// Where an index has columns of the key, too, groups are by all that were
/// asked for.
void grouping() {
  database A;
  std::string Values =
      " VALUES(7, 1, 1, 'open'), (7, 1, 2, 'sent'), (7, 1, 3, 'open')";
  is(A,
     "CREATE VIRTUAL TABLE o USING perdure('" + Folder +
         "/group', customer INT, order_id INT, line INT, status TEXT, PRIMARY "
         "KEY(order_id, line), INDEX(customer, order_id)); INSERT INTO "
         "o(customer, order_id, line, status)" +
         Values +
         "; CREATE TABLE native(customer INT, order_id INT, line INT, status "
         "TEXT); INSERT INTO native" +
         Values,
     "");
  for (const char *Name : {"native", "o"})
    is(A,
       "SELECT order_id, status, count(*) FROM " + std::string(Name) +
           " WHERE customer = 7 GROUP BY order_id, status ORDER BY status",
       "1 open 2|1 sent 1");
  // SQLite takes the groups' order for that of an ORDER BY of the same columns.
  is(A,
     "CREATE VIRTUAL TABLE g USING perdure('" + Folder +
         "/group', a INT, b INT, INDEX(a, b)); INSERT INTO g VALUES(1, 2), (1, "
         "1), (2, 1), (3, 1)",
     "");
  is(A, "SELECT a, count(*) FROM g GROUP BY a ORDER BY a DESC", "3 1|2 1|1 2");
  is(A, "SELECT b, a FROM g GROUP BY b, a ORDER BY b, a", "1 1|1 2|1 3|2 1");
  is(A, "SELECT max(b), min(b) FROM g", "2 1");
  // Where few are wanted, or that is not known yet, SQLite sorts, and stops early.
  const std::string Plan = "EXPLAIN QUERY PLAN SELECT * FROM g ORDER BY b ";
  for (const char *Limit : {"LIMIT ?", "LIMIT 20 OFFSET 40"})
    CHECK(!has(ask(A, Plan + Limit), "SORT"));
  for (const char *Limit : {"", "LIMIT 10 OFFSET ?", "LIMIT 10 OFFSET 1000"})
    CHECK(has(ask(A, Plan + Limit), "SORT"));
  CHECK(!has(ask(A, "EXPLAIN QUERY PLAN SELECT DISTINCT b FROM g"), "SORT"));
  is(A, "DROP TABLE g", "");
  is(A,
     "SELECT count(*) FROM (SELECT DISTINCT order_id, status FROM o WHERE "
     "customer = 7)",
     "2");
  is(A, "DROP TABLE o", "");
}

/// A statement that reads by one name of a table what it writes by another sees
/// what was there when it began.
void two_names() {
  database A;
  std::string Table =
      " USING perdure('" + Folder + "/names', x INT, y TEXT, INDEX(x)); ";
  is(A,
     "CREATE VIRTUAL TABLE main.t" + Table + "CREATE VIRTUAL TABLE temp.t" +
         Table +
         "INSERT INTO main.t VALUES(1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO "
         "temp.t SELECT x, y FROM main.t LIMIT 1000; SELECT count(*), "
         "sum(x) FROM main.t",
     "6 12");
  // By the index, upwards and downwards; behind what is found and before.
  is(A,
     "INSERT INTO temp.t SELECT x + 1, y FROM main.t WHERE x > 1 ORDER BY x "
     "LIMIT 1000; SELECT count(*), sum(x) FROM main.t",
     "10 26");
  is(A,
     "INSERT INTO temp.t SELECT x - 10, y FROM main.t ORDER BY x DESC LIMIT "
     "1000; SELECT count(*), sum(x) FROM main.t",
     "20 -48");
  is(A,
     "SELECT group_concat(x) FROM (SELECT x FROM main.t WHERE x > 0 ORDER BY "
     "x DESC)",
     "4,4,3,3,3,3,2,2,1,1");
  is(A, "DROP TABLE temp.t; DROP TABLE main.t", "");
}

/// REPLACE removes a row that the statement has yet to come to.
void replacing() {
  database A;
  is(A,
     "CREATE VIRTUAL TABLE r USING perdure('" + Folder +
         "/replace', i INTEGER PRIMARY KEY, u UNIQUE)",
     "");
  is(A,
     "INSERT INTO r VALUES(1, 'a'), (2, 'b'), (3, 'c'); UPDATE OR REPLACE r "
     "SET u = 'x'; "
     "SELECT * FROM r",
     "3 x");
  is(A,
     "INSERT INTO r VALUES(9223372036854775807, 'last'); INSERT INTO r(u) "
     "VALUES('any'); "
     "SELECT count(*), i BETWEEN 1 AND 4611686018427387904 FROM r WHERE u = "
     "'any'",
     "1 1");
  is(A, "INSERT INTO r VALUES(1, printf('%.1100c', 'x'))",
     "error 18: a key of r.u would have 1111 bytes: it can have 1024");
  is(A, "DROP TABLE r", "");
}

} // namespace

/// A commit that SQLite's own file keeps from its end, in which the store's part is
/// ready: who reads the store meanwhile does not wait for ever, and sees the state
/// before or after.
void committing() {
  std::string File = Folder + "/own.db";
  std::string Table = "CREATE VIRTUAL TABLE k USING perdure('" + Folder +
                      "/busy', k INTEGER PRIMARY KEY, v INT)";
  std::string Another = Folder + "/another.db", Second = Table;
  Second.replace(Second.find(" k "), 3, " l ");
  is(database(Another.c_str()), Table + ";" + Second + "; INSERT INTO l VALUES(1, 30)", "");
  database A(File.c_str()), B(File.c_str()), C, D(Another.c_str());
  is(A, "CREATE TABLE own(x); INSERT INTO own VALUES(1);" + Table +
            "; INSERT INTO k VALUES(1, 10)", "");
  is(C, Table + "; SELECT v FROM k", "10");
  statement Runs(D, "SELECT v FROM l");
  CHECK(Runs.next() == 30);
  is(A, "BEGIN; UPDATE k SET v = 11 WHERE k = 1; INSERT INTO own VALUES(2)", "");
  is(C, "SELECT v FROM k", "10"); // not yet
  is(B, "BEGIN; SELECT count(*) FROM own", "1");
  is(A, "COMMIT", "error 5: database is locked");
  CHECK(has(ask(C, "SELECT v FROM k"), "error 5: ")); // this thread commits
  std::thread([&] {
    is(C, "SELECT v FROM k", "error 5: database is locked");
    // Nor who reads already, and looks at another table for the first time.
    is(D, "SELECT v FROM k", "10");
  }).join();
  is(A, "SELECT v FROM k", "11");
  std::thread Waits([&] {
    CHECK(!sqlite3_busy_timeout(C, 60000));
    is(C, "SELECT v FROM k", "11");
  });
  is(B, "COMMIT", "");
  is(A, "COMMIT", "");
  Waits.join();
  is(A, "BEGIN; UPDATE k SET v = 12 WHERE k = 1; INSERT INTO own VALUES(3)", "");
  is(B, "BEGIN; SELECT count(*) FROM own", "2");
  is(A, "COMMIT", "error 5: database is locked");
  is(A, "ROLLBACK", "");
  is(C, "SELECT v FROM k", "11");
  is(B, "COMMIT; SELECT v FROM k", "11");
}

int main(int argc, char **argv) {
  if (argc != 2)
    return std::fputs("Usage: sqlite_api FOLDER\n", stderr), 2;
  Folder = argv[1];
  running("SELECT i FROM n", 1, 1);
  running("SELECT i FROM n ORDER BY i DESC", 200, -1);
  running("SELECT i FROM n WHERE +v >= 0 AND i >= 1 ORDER BY i", 1, 1);
  snapshots();
  waiting();
  threads();
  catalogue();
  making();
  attaching();
  dropping();
  dropping_here();
  old_catalogues();
  closing();
  reading_first();
  hidden_keys();
  planning();
  odds();
  dumping();
  replacing();
  checking();
  forking();
  full();
  limits();
  grouping();
  two_names();
  committing();
  std::puts("all as it should be");
}

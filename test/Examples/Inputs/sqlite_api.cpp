// sqlite_api.cpp - What SQLite's interface allows beside plain statements:
// several connections and threads, statements that run while others end the
// transaction, tables that are dropped under a connection.
//
// sqlite_api FOLDER
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sqlite3.h>
#include <string>
#include <thread>
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
    CHECK(has(ask(A, "SELECT count(*) FROM n"), "waits for that one"));
  }).join();
  is(A, "SELECT count(*) FROM n", "198");
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
  std::string Late = ask(A, "BEGIN; INSERT INTO o VALUES(5, 5, ''); " + Third);
  CHECK(has(Late, "makes no tables"));
  is(A, "COMMIT; SELECT count(*) FROM o", "2");
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
  CHECK((sqlite3_perduresqlite_init(B, &Message, nullptr) & 0xff) == SQLITE_OK);
  is(B,
     "DROP TABLE n; DROP TABLE m; CREATE VIRTUAL TABLE n USING perdure('" +
         Folder + "/one', a)",
     "");
  is(B, "DROP TABLE n", "");
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
  dumping();
  replacing();
  std::puts("all as it should be");
}

// sqlite_kill.cpp - Kills a process that writes rows, and looks at what is
// there.
//
// sqlite_kill STORE KILLS SEED [DURABLE]
// sqlite_kill STORE look SAID [DURABLE]
//
// The writer's transaction number i adds row i to two tables, changes rows of
// an indexed column, removes old ones, and says i when it is committed.
// Whatever the moment at which it dies, the store has its last word, or one
// more: a new process looks.
#include "pkv.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <signal.h>
#include <sqlite3.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

extern "C" int sqlite3_perduresqlite_init(sqlite3 *, char **, const void *);

namespace {

[[noreturn]] void stop(const std::string &Why) {
  std::fprintf(stderr, "sqlite_kill: %s\n", Why.c_str());
  std::_Exit(1);
}

long ask(sqlite3 *Db, const std::string &Sql) {
  long Answer = -1;
  char *Message = nullptr;
  if (sqlite3_exec(
          Db, Sql.c_str(),
          [](void *A, int, char **Values, char **) {
            *static_cast<long *>(A) = Values[0] ? std::atol(Values[0]) : -1;
            return 0;
          },
          &Answer, &Message))
    stop(Sql + ": " + Message);
  return Answer;
}

const char *Durable = ""; // what the tables say behind the store

sqlite3 *opened(const std::string &Store) {
  sqlite3 *Db;
  char *Message = nullptr;
  if (sqlite3_open(":memory:", &Db) ||
      sqlite3_perduresqlite_init(Db, &Message, nullptr) & 0xff)
    stop("open");
  std::string In = " USING perdure('" + Store + "' " + Durable + ", ";
  ask(Db, "CREATE VIRTUAL TABLE a" + In +
              "i INTEGER PRIMARY KEY, v INT, t TEXT, UNIQUE(t), INDEX(v));"
              "CREATE VIRTUAL TABLE b" +
              In + "k TEXT PRIMARY KEY, i INT UNIQUE)");
  return Db;
}

[[noreturn]] void write(const std::string &Store, int Say) {
  sqlite3 *Db = opened(Store);
  for (long I = ask(Db, "SELECT ifnull(max(i), 0) FROM a") + 1;; I++) {
    std::string N = std::to_string(I);
    ask(Db, "BEGIN; INSERT INTO a VALUES(" + N + ", 0, printf('%.*c', " + N +
                " % 90, 'x') || " + N +
                "); UPDATE a SET v = v + 1 WHERE v < 3;"
                "SAVEPOINT s; DELETE FROM b; ROLLBACK TO s;"
                "INSERT INTO b VALUES('key ' || " +
                N + ", " + N + "); DELETE FROM a WHERE i <= " + N +
                " - 300; DELETE FROM b WHERE i <= " + N + " - 300; COMMIT");
    if (::write(Say, &I, sizeof(I)) != sizeof(I))
      std::_Exit(0);
  }
}

int look(const std::string &Store, long Said) {
  // SQLite's tables open it first: so the module is what recovers.
  sqlite3 *Db = opened(Store);
  long Last = ask(Db, "SELECT ifnull(max(i), 0) FROM a");
  if (Last < Said || Last > Said + 1)
    stop("the last is " + std::to_string(Last) + " after " +
         std::to_string(Said) + " was said");
  long Rows = Last < 300 ? Last : 300;
  for (const char *Count :
       {"SELECT count(*) FROM a", "SELECT count(*) FROM b",
        "SELECT count(*) FROM a JOIN b ON a.i = b.i AND b.k = 'key ' || a.i",
        "SELECT count(*) FROM (SELECT t FROM a ORDER BY t)",
        "SELECT count(*) FROM (SELECT i FROM b WHERE i > 0 ORDER BY i)"})
    if (ask(Db, Count) != Rows)
      stop(std::string(Count) + " is not " + std::to_string(Rows));
  if (ask(Db, "SELECT count(*) FROM a WHERE v = 3") !=
      (Rows > 2 ? Rows - 2 : 0))
    stop("the index on v has other rows");
  sqlite3_close(Db);
  pkv *All = pkv_open(Store.c_str(), PKV_RDONLY);
  if (!All)
    stop(pkv_errormsg());
  if (const char *Wrong = pkv_check(All))
    stop(Wrong);
  pkv_close(All);
  std::printf("%ld\n", Last);
  return 0;
}

/// In a process of its own; what it has found.
long looked(char **Arguments, long Said) {
  std::string Command = std::string("'") + Arguments[0] + "' '" + Arguments[1] +
                        "' look " + std::to_string(Said) + " " + Durable;
  FILE *Output = popen(Command.c_str(), "r");
  long Last = -1;
  if (!Output || std::fscanf(Output, "%ld", &Last) != 1 || pclose(Output))
    stop("what is there is not right");
  return Last;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 4 || argc > 5 || (argc == 5 && std::strcmp(argv[4], "DURABLE")))
    return std::fputs("Usage: sqlite_kill STORE KILLS SEED [DURABLE]\n",
                      stderr),
           2;
  if (argc == 5)
    Durable = argv[4];
  if (!std::strcmp(argv[2], "look"))
    return look(argv[1], std::atol(argv[3]));
  std::mt19937 Random(unsigned(std::atoi(argv[3])));
  long Said = 0;
  for (int Kill = 0; Kill < std::atoi(argv[2]); Kill++) {
    int Ends[2];
    if (pipe(Ends))
      return 1;
    pid_t Child = fork();
    if (!Child) {
      close(Ends[0]);
      write(argv[1], Ends[1]);
    }
    close(Ends[1]);
    // After so many, and a moment in the middle of the next.
    long Heard, Wanted = Said + 1 + long(Random() % 40);
    while (Said < Wanted &&
           read(Ends[0], &Heard, sizeof(Heard)) == sizeof(Heard))
      Said = Heard;
    usleep(Random() % 800);
    kill(Child, SIGKILL);
    while (read(Ends[0], &Heard, sizeof(Heard)) == sizeof(Heard))
      Said = Heard;
    close(Ends[0]);
    int Status;
    waitpid(Child, &Status, 0);
    if (!WIFSIGNALED(Status))
      stop("the writer ended by itself");
    Said = looked(argv, Said);
  }
  std::printf("%s killed, %ld transactions, all there\n", argv[2], Said);
}

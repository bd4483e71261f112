// session.h - Stores that the process has open, and what a connection does in
// one: a transaction with savepoints, and snapshots.
//
// SQLite tells each table of a transaction on its own that it begins, has a
// savepoint, and ends. All tables of one connection in one store share a
// session, which does each of these once.
#ifndef PERDURE_SQLITE_SESSION_H
#define PERDURE_SQLITE_SESSION_H

#include "api.h"
#include "encode.h"
#include "pkv.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

inline struct pkv_bytes as_pkv(bytes b) { return {b.data(), b.size()}; }
inline bytes as_bytes(struct pkv_bytes b) {
  return {static_cast<const char *>(b.data), b.size};
}

/// SQLite's code for the errno of pkv's last failure.
int code_of(int error);

/// A store that this process has open, once for all connections.
struct opened_store {
  std::string path;
  pkv *store = nullptr;
  pkv_tree *catalogue = nullptr; // names of tables, and what they are
  bool durable = false, shared = false;
  // Behind the lock of all stores.
  bool read_only = false;
  unsigned users = 0;
  // Transactions that change the catalogue: how many have begun to, and ended.
  std::atomic<std::uint64_t> definitions_begun{0}, definitions_ended{0};

  ~opened_store();
};

struct schema;
/// Opens it as the table's arguments say, or takes the one that is open. Errors:
/// "" or a text, and a code.
std::string open_store(const std::string &path, bool create, bool read_only,
                       const schema &as, opened_store *&opened, int &code);
void close_store(opened_store *opened);

/// Who reads through the transaction for writing: hears before it goes.
class follower {
  friend class session;
  follower *next = nullptr, **link = nullptr;

public:
  follower() = default;
  follower(const follower &) = delete;
  virtual void leave_transaction() = 0;

protected:
  ~follower() = default;
};

/// Which catalogue a transaction has: equal ones are the same; but for this one,
/// which was being changed just then, or is another process's to change.
constexpr std::uint64_t unknown_catalogue =
    std::numeric_limits<std::uint64_t>::max();

/// Begins a transaction of the store, and says which catalogue it has.
template <class Begin>
pkv_txn *begin_in(const opened_store &in, Begin begin,
                  std::uint64_t &definitions) {
  // Where none has begun to change the catalogue that has not ended before the
  // transaction began, it has what all have done that have ended, and nothing
  // else.
  std::uint64_t ended = in.definitions_ended;
  pkv_txn *begun = begin();
  definitions = in.shared || in.definitions_begun != ended ? unknown_catalogue
                                                           : ended;
  return begun;
}

/// A snapshot, shared by what reads at the same time.
struct snapshot {
  pkv_txn *txn;
  unsigned users;
  std::uint64_t definitions; // its catalogue
};

struct connection;
class session;

/// A transaction for writing: of a thread, which has one at most.
struct thread_transaction {
  session *by; // null: it has let go; behind the lock of these
  opened_store &in;
  pkv_txn *txn;
};

class session {
  snapshot *latest = nullptr; // of the statements that run; null: none does
  snapshot *spare = nullptr;
  pkv_txn *writing = nullptr;
  std::shared_ptr<thread_transaction> of_thread; // `writing`, too; or the next
  std::thread::id writer;
  bool joined = false;  // SQLite will tell when the transaction ends
  bool cut_off = false; // its thread has ended before
  std::string broken;   // why the transaction can only be rolled back
  std::string lost;     // why a commit failed: SQLite does not hear of it
  follower *followers = nullptr;

  // To savepoints: what the changes since the first of them have changed.
  struct change {
    pkv_tree *tree;
    std::size_t at, key_bytes,
        value_bytes; // in `old`; the value behind the key
    bool was_there;
  };
  std::vector<change> changes;
  std::string old;
  std::vector<std::size_t> savepoints; // how many changes each comes behind

  bool defines = false; // the transaction changes the catalogue
  std::uint64_t began_with = unknown_catalogue;

  int refuse_cut_off(sqlite3_vtab *table);
  template <class Begin>
  pkv_txn *when_free(std::chrono::milliseconds least, Begin begin);
  int begin(sqlite3_vtab *table);
  void end(bool commit);
  void let_go();
  void remember(pkv_tree *tree, bytes key);

public:
  connection &of;
  opened_store &in;
  unsigned tables = 0;
  std::uint64_t version = 1; // grows with each change, and when it ends
  std::uint64_t epoch = 1;   // grows when changes are taken back, or it ends
  std::uint64_t defined = 1; // grows with each change of the catalogue

  /// The greatest rowid of a tree, which several tables of SQLite may lead to.
  struct last_row {
    std::uint64_t epoch = 0; // when the rest was right
    bool there = false;
    std::int64_t id = 0;
  };
  std::map<const pkv_tree *, last_row> last_rows;

  session(connection &c, opened_store &s) : of(c), in(s) {}
  session(const session &) = delete;
  ~session();

  // ===- What SQLite calls ----------------------------------------------===
  // More than once for each event: for each table.

  int join(sqlite3_vtab *table);
  int sync(sqlite3_vtab *table);
  void commit();
  void roll_back();
  void savepoint(int number, bool new_to_it);
  void release(int number);
  int roll_back_to(sqlite3_vtab *table, int number);

  bool is_joined() const { return joined; }
  bool is_writing() const { return writing; }
  /// The catalogue of the transaction for writing, while it is as it was when
  /// that began.
  std::uint64_t definitions() const {
    return defines ? unknown_catalogue : began_with;
  }
  /// The transaction for writing, in the thread that began it; or null.
  pkv_txn *own_transaction() const {
    return writer == std::this_thread::get_id() ? writing : nullptr;
  }
  /// The thread that began the transaction ends.
  void cut();

  // ===- Reading --------------------------------------------------------===

  /// What a statement reads through: the transaction for writing, where `snap`
  /// is null, or a snapshot. SQLITE_OK or an error of the table.
  int begin_read(sqlite3_vtab *table, pkv_txn *&txn, snapshot *&snap);
  void end_read(snapshot *snap);
  void follow(follower &f);
  static void leave(follower &f);

  // ===- Writing --------------------------------------------------------===

  /// The transaction for writing, which it begins. Where SQLite has not told of
  /// it, as of a table that CREATE has attached, the watcher hears of it.
  int write(sqlite3_vtab *table, pkv_txn *&txn);
  int put(sqlite3_vtab *table, pkv_tree *tree, bytes key, bytes value);
  int erase(sqlite3_vtab *table, pkv_tree *tree, bytes key);
  /// Says what the call has failed with that was to change the store, and looks
  /// whether the transaction can go on.
  int failed(sqlite3_vtab *table);
  /// The catalogue has been changed: other connections have to look.
  void define();
};

/// What the module keeps for a connection of SQLite.
struct connection {
  sqlite3 *db;
  std::vector<std::unique_ptr<session>> sessions;
  std::vector<sqlite3_vtab *> tables; // that are connected
  int savepoints = 0;                 // as the watcher hears of them
  bool watched = false;               // it is told of this transaction

  /// The session in that store, to which it gives what the caller has opened.
  session &session_in(opened_store &s);
  /// Closes sessions that have no tables and no transaction.
  void tidy();
  /// Begins to write where SQLite tells the table nothing of the transaction,
  /// but does tell the watcher (watcher.cpp).
  int join(session &s, sqlite3_vtab *table);
};

#endif

// session.cpp - Stores, and a connection's transaction in one.
#include "session.h"

#include "schema.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <pthread.h>

int code_of(int error) {
  switch (error) {
  case ENOSPC:
  case ECANCELED:
    return SQLITE_FULL;
  case ENOMEM:
    return SQLITE_NOMEM;
  case EBUSY:
  case EDEADLK:
  case EAGAIN: // too many processes read
    return SQLITE_BUSY;
  case EROFS:
    return SQLITE_READONLY;
  case EIO:
    return SQLITE_IOERR;
  case EPROTO:
    return SQLITE_CORRUPT;
  default:
    return SQLITE_ERROR;
  }
}

namespace {

/// Says what pkv says; the code is that of errno.
int fail_below(sqlite3_vtab *table) {
  int code = code_of(errno);
  return fail(table, code, pkv_errormsg());
}

} // namespace

// ===- Stores -----------------------------------------------------------===

namespace {

std::mutex of_stores;
std::vector<opened_store *> &stores() {
  static std::vector<opened_store *> all;
  return all;
}

/// Two spellings of a path are one store.
std::string spelled(const std::string &path) {
  char resolved[PATH_MAX];
  return realpath(path.c_str(), resolved) ? resolved : path;
}

} // namespace

opened_store::~opened_store() { pkv_close(store); }

namespace {
void end_what_was_let_go();
}

std::string open_store(const std::string &path, bool create, bool read_only,
                       const schema &as, opened_store *&opened, int &code) {
  // Who shares a store has to be able to clear away what others leave.
  read_only = read_only && !as.shared;
  end_what_was_let_go(); // pkv opens nothing in a transaction
  std::lock_guard<std::mutex> lock(of_stores);
  std::string resolved = spelled(path);
  for (opened_store *each : stores())
    if (each->path == resolved) {
      code = SQLITE_ERROR;
      if (each->durable != as.durable || each->shared != as.shared) {
        bool durably = each->durable != as.durable;
        return path + " is open " +
               ((durably ? as.durable : as.shared) ? "without " : "with ") +
               (durably ? "DURABLE" : "SHARED") +
               ": say it in all tables of a store or in none";
      }
      if (each->read_only && !read_only) {
        if (pkv_open_to_write(each->store, as.durable ? PKV_DURABLE : 0)) {
          code = code_of(errno);
          return path + " is open for reading only: " + pkv_errormsg();
        }
        each->read_only = false;
      }
      each->users++;
      opened = each;
      return "";
    }
  auto made = std::make_unique<opened_store>();
  made->durable = as.durable;
  made->shared = as.shared;
  made->read_only = read_only;
  unsigned flags = read_only ? PKV_RDONLY : create ? PKV_CREATE : 0;
  if (as.durable && !read_only)
    flags |= PKV_DURABLE;
  if (as.shared)
    flags |= PKV_SHARED;
  made->store = pkv_open(path.c_str(), flags);
  if (made->store)
    made->catalogue = pkv_tree_open(made->store, "", 0);
  if (!made->catalogue) {
    code = errno == ENOENT ? SQLITE_CANTOPEN : code_of(errno);
    return pkv_errormsg();
  }
  made->path = spelled(path);
  made->users = 1;
  stores().push_back(made.get());
  opened = made.release();
  return "";
}

void close_store(opened_store *opened) {
  std::lock_guard<std::mutex> lock(of_stores);
  if (--opened->users)
    return;
  stores().erase(std::find(stores().begin(), stores().end(), opened));
  delete opened;
}

// ===- Beginning and ending ---------------------------------------------===

session::~session() {
  end(false);
  delete spare;
  close_store(&in);
}

namespace {

std::mutex of_transactions;

/// How many forks lie between this process and the first. getpid is a system
/// call.
std::atomic<unsigned> forks{0};
[[maybe_unused]] const int counts_forks =
    pthread_atfork(nullptr, nullptr, [] { forks++; });

/// What this thread writes. pkv's transactions are of a thread: no other can
/// end them. One that another has rolled back, or has closed the connection of,
/// ends when its thread comes to the module again, or ends itself.
class own_transaction {
public:
  std::shared_ptr<thread_transaction> now;
  unsigned process = 0; // that has begun it: its `forks`

  void end_what_was_let_go() {
    if (!now)
      return;
    {
      std::lock_guard<std::mutex> lock(of_transactions);
      if (now->by)
        return;
    }
    pkv_abort(now->txn);
    close_store(&now->in);
    now.reset();
  }

  ~own_transaction() {
    // In a child of fork it is the parent's.
    for (; process == forks; std::this_thread::yield()) {
      end_what_was_let_go();
      if (!now)
        return;
      std::unique_lock<std::mutex> lock(of_transactions);
      session *by = now->by;
      // Who has the connection may be about to let go, and waits for the lock.
      sqlite3_mutex *of_connection = by ? sqlite3_db_mutex(by->of.db) : nullptr;
      if (!by || sqlite3_mutex_try(of_connection))
        continue;
      lock.unlock(); // nobody else closes it now
      by->cut();
      sqlite3_mutex_leave(of_connection);
    }
  }
};

thread_local own_transaction of_this_thread;

void end_what_was_let_go() { of_this_thread.end_what_was_let_go(); }

/// What the connection waits for a lock: SQLite does not tell modules, but the
/// pragma does.
int busy_timeout(sqlite3 *db) {
  sqlite3_stmt *pragma = nullptr;
  int milliseconds = 0;
  if (!sqlite3_prepare_v2(db, "PRAGMA busy_timeout", -1, &pragma, nullptr) &&
      sqlite3_step(pragma) == SQLITE_ROW)
    milliseconds = sqlite3_column_int(pragma, 0);
  sqlite3_finalize(pragma);
  return milliseconds;
}

} // namespace

int session::refuse_cut_off(sqlite3_vtab *table) {
  return cut_off ? fail(table, SQLITE_ABORT,
                        "the thread that began the transaction has ended, and "
                        "what it wrote is not there: ROLLBACK")
                 : SQLITE_OK;
}

/// Begins something when nobody keeps it from that any more: EBUSY when the
/// connection's busy timeout has passed, and `least`.
template <class Begin>
pkv_txn *session::when_free(std::chrono::milliseconds least, Begin begin) {
  using clock = std::chrono::steady_clock;
  clock::time_point until{};
  for (std::chrono::microseconds pause(50);;
       pause = std::min(pause * 2, std::chrono::microseconds(5000))) {
    pkv_txn *begun = begin();
    if (begun || errno != EBUSY)
      return begun;
    if (until == clock::time_point{})
      until = clock::now() +
              std::max(least, std::chrono::milliseconds(busy_timeout(of.db)));
    if (clock::now() >= until) {
      errno = EBUSY;
      return nullptr;
    }
    std::this_thread::sleep_for(pause);
  }
}

int session::begin(sqlite3_vtab *table) {
  if (!lost.empty())
    return fail(table, SQLITE_IOERR,
                "the last commit failed, and is not in the store: " + lost +
                    "; open the database again");
  of_this_thread.end_what_was_let_go();
  if (!of_thread) // the memory first
    of_thread = std::make_shared<thread_transaction>(
        thread_transaction{this, in, nullptr});
  writing = when_free(std::chrono::milliseconds(0), [&] {
    return begin_in(in, [&] { return pkv_begin(in.store, PKV_NOWAIT); },
                    began_with);
  });
  if (!writing && errno == EDEADLK)
    return fail(table, SQLITE_BUSY,
                "this thread has a transaction open that writes to another "
                "store, or in another connection");
  if (!writing)
    return errno == EBUSY ? fail(table, SQLITE_BUSY, "database is locked")
                          : fail_below(table);
  of_thread->txn = writing;
  of_this_thread.now = of_thread;
  of_this_thread.process = forks;
  writer = std::this_thread::get_id();
  latest = nullptr; // statements from now on see what it writes
  return SQLITE_OK;
}

void session::end(bool commit) {
  changes.clear();
  old.clear();
  savepoints.clear();
  joined = cut_off = false;
  broken.clear();
  if (!writing)
    return;
  version++;
  epoch++;
  while (followers) {
    follower &f = *followers;
    f.leave_transaction();
    leave(f);
  }
  if (writer != std::this_thread::get_id()) {
    let_go();
  } else {
    if (!commit) {
      pkv_abort(writing);
    } else if (pkv_commit(writing)) {
      lost = pkv_errormsg();
      sqlite3_log(SQLITE_IOERR, "perdure: %s: %s", in.path.c_str(),
                  lost.c_str());
    }
    of_this_thread.now.reset(); // and of_thread serves the next
  }
  writing = nullptr;
  latest = nullptr; // what comes sees more than what runs
  if (defines)
    in.definitions_ended++;
  defines = false;
}

/// Leaves it to its thread to end the transaction, which keeps the store open.
void session::let_go() {
  {
    std::lock_guard<std::mutex> lock(of_stores);
    in.users++;
  }
  {
    std::lock_guard<std::mutex> lock(of_transactions);
    of_thread->by = nullptr;
  }
  of_thread.reset(); // the thread's alone
  sqlite3_log(SQLITE_MISUSE,
              "perdure: %s: a transaction was rolled back in another thread "
              "than it was begun in, and locks the store until that one uses a "
              "table of a store, or ends",
              in.path.c_str());
}

void session::cut() {
  bool was_joined = joined;
  end(false);
  joined = cut_off = was_joined;
}

int session::join(sqlite3_vtab *table) {
  if (int code = refuse_cut_off(table))
    return code;
  if (!writing)
    if (int code = begin(table))
      return code;
  joined = true;
  return SQLITE_OK;
}

int session::sync(sqlite3_vtab *table) {
  if (int code = refuse_cut_off(table))
    return code;
  if (writing && writer != std::this_thread::get_id())
    return fail(table, SQLITE_MISUSE,
                "a transaction ends in the thread that began it");
  if (!broken.empty())
    return fail(table, SQLITE_FULL, broken);
  // What cannot be committed any more is told now: xCommit has no error.
  return writing && pkv_prepare(writing) ? fail_below(table) : SQLITE_OK;
}

void session::commit() { end(true); }
void session::roll_back() { end(false); }

int session::write(sqlite3_vtab *table, pkv_txn *&txn) {
  if (int code = refuse_cut_off(table))
    return code;
  // After a rollback to the savepoint that began the transaction there is none.
  if (!writing)
    if (int code = joined ? begin(table) : of.join(*this, table))
      return code;
  if (writer != std::this_thread::get_id())
    return fail(table, SQLITE_MISUSE,
                "a transaction writes in the thread that began it");
  txn = writing;
  return SQLITE_OK;
}

// ===- Savepoints -------------------------------------------------------===

/// SQLite tells a table that is new to the transaction of the innermost
/// savepoint alone. The session may know it from other tables, and then it
/// stands where it stood: the new table has not changed since.
void session::savepoint(int number, bool new_to_it) {
  std::size_t count = std::size_t(number) + 1;
  if (!new_to_it && savepoints.size() >= count)
    savepoints.resize(count - 1);
  if (savepoints.size() < count)
    savepoints.resize(count, changes.size());
}

void session::release(int number) {
  if (savepoints.size() > std::size_t(number))
    savepoints.resize(number);
  if (savepoints.empty()) {
    changes.clear();
    old.clear();
  }
}

int session::roll_back_to(sqlite3_vtab *table, int number) {
  if (!writing)
    return SQLITE_OK;
  if (number < 0) { // to where the transaction began
    end(false);
    joined = true;
    return SQLITE_OK;
  }
  if (savepoints.size() <= std::size_t(number))
    return SQLITE_OK;
  pkv_txn *txn;
  if (int code = write(table, txn))
    return code;
  while (changes.size() > savepoints[number]) {
    change c = changes.back();
    bytes key = bytes(old).substr(c.at, c.key_bytes),
          value = bytes(old).substr(c.at + c.key_bytes, c.value_bytes);
    version++;
    if (c.was_there ? pkv_put(c.tree, txn, as_pkv(key), as_pkv(value), 0) < 0
                    : pkv_del(c.tree, txn, as_pkv(key)) < 0)
      return failed(table);
    old.resize(c.at);
    changes.pop_back();
  }
  savepoints.resize(std::size_t(number) + 1);
  epoch++;
  return SQLITE_OK;
}

int session::failed(sqlite3_vtab *table) {
  int code = fail_below(table);
  struct pkv_bytes value;
  if (pkv_see(in.catalogue, writing, {"?", 1}, &value) && errno == ECANCELED)
    broken = pkv_errormsg();
  return code;
}

void session::remember(pkv_tree *tree, bytes key) {
  struct pkv_bytes value = {nullptr, 0};
  bool was_there = !pkv_see(tree, writing, as_pkv(key), &value);
  changes.push_back({tree, old.size(), key.size(), value.size, was_there});
  old.append(key);
  old.append(as_bytes(value));
}

// ===- Reading ----------------------------------------------------------===

int session::begin_read(sqlite3_vtab *table, pkv_txn *&txn, snapshot *&snap) {
  snap = nullptr;
  if (joined)
    return write(table, txn);
  of_this_thread.end_what_was_let_go();
  if (!latest) {
    std::uint64_t definitions;
    // A commit that is under way takes a moment, but for one that waits for
    // SQLite's own file.
    pkv_txn *begun = when_free(std::chrono::milliseconds(1000), [&] {
      return begin_in(
          in, [&] { return pkv_begin(in.store, PKV_RDONLY | PKV_NOWAIT); },
          definitions);
    });
    if (!begun)
      return errno == EBUSY ? fail(table, SQLITE_BUSY, "database is locked")
                            : fail_below(table);
    latest = spare ? spare : new (std::nothrow) snapshot;
    spare = nullptr;
    if (!latest) {
      pkv_abort(begun);
      return SQLITE_NOMEM;
    }
    *latest = {begun, 0, definitions};
  }
  latest->users++;
  snap = latest;
  txn = latest->txn;
  return SQLITE_OK;
}

void session::end_read(snapshot *snap) {
  if (--snap->users)
    return;
  pkv_abort(snap->txn);
  if (latest == snap)
    latest = nullptr;
  if (spare)
    delete snap;
  else
    spare = snap;
}

void session::follow(follower &f) {
  f.next = followers;
  f.link = &followers;
  if (followers)
    followers->link = &f.next;
  followers = &f;
}

void session::leave(follower &f) {
  if (!f.link)
    return;
  *f.link = f.next;
  if (f.next)
    f.next->link = f.link;
  f.next = nullptr;
  f.link = nullptr;
}

// ===- Writing ----------------------------------------------------------===

int session::put(sqlite3_vtab *table, pkv_tree *tree, bytes key, bytes value) {
  if (!savepoints.empty())
    remember(tree, key);
  version++;
  return pkv_put(tree, writing, as_pkv(key), as_pkv(value), 0) < 0
             ? failed(table)
             : SQLITE_OK;
}

int session::erase(sqlite3_vtab *table, pkv_tree *tree, bytes key) {
  if (!savepoints.empty())
    remember(tree, key);
  version++;
  return pkv_del(tree, writing, as_pkv(key)) < 0 ? failed(table) : SQLITE_OK;
}

void session::define() {
  if (!defines)
    in.definitions_begun++;
  defines = true;
  defined++;
}

// ===- Connections ------------------------------------------------------===

session &connection::session_in(opened_store &s) {
  for (auto &each : sessions)
    if (&each->in == &s) {
      close_store(&s);
      return *each;
    }
  sessions.push_back(std::make_unique<session>(*this, s));
  return *sessions.back();
}

void connection::tidy() {
  sessions.erase(std::remove_if(sessions.begin(), sessions.end(),
                                [](auto &each) {
                                  return !each->tables && !each->is_writing();
                                }),
                 sessions.end());
}

int connection::join(session &s, sqlite3_vtab *table) {
  bool was_joined = s.is_joined();
  if (int code = s.join(table))
    return code;
  int code = sqlite3_exec(db, "DELETE FROM perdure_transaction WHERE 0",
                          nullptr, nullptr, nullptr);
  if (code) {
    fail(table, code, sqlite3_errmsg(db));
  } else if (!watched) {
    code = fail(table, SQLITE_ERROR,
                "the database has a table of its own that is called "
                "perdure_transaction: rename it");
  }
  if (code && !was_joined)
    s.roll_back();
  // The watcher may have been told before the session began.
  else if (!code && savepoints)
    s.savepoint(savepoints - 1, true);
  return code;
}

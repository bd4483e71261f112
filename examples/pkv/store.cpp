// store.cpp - Stores, trees, transactions, snapshots and cursors of pkv.h.
//
// Who changes what when. One thread at a time writes. Alone, a change is made
// in place, while the gate keeps readers out, for as long as one change takes;
// nodes that a snapshot sees are copied. A transaction of the caller's, which
// may take any time, and one that waits for a disk copy all nodes that were
// committed, and readers go on with the roots that were published last. So do
// all changes of a store that several processes share (processes.h): who writes
// takes turns with the others, too, and who reads asks `others` what was
// published.
#include "pkv.h"

#include "gate.h"
#include "inside.h"
#include "objects.h"
#include "processes.h"
#include "tree.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <sys/file.h>
#include <unistd.h>
#include <vector>

using tree::bytes;

namespace {

// ===- Errors -----------------------------------------------------------===

thread_local char message[512];

__attribute__((format(printf, 2, 3))) int fail(int error, const char *format,
                                               ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  errno = error;
  return -1;
}

/// Of the runtime's last call.
int fail_below() { return fail(errno, "%s", perdure_errormsg()); }

bytes as_bytes(struct pkv_bytes b) {
  return {static_cast<const char *>(b.data), b.size};
}
struct pkv_bytes as_pkv(bytes b) {
  return {b.data(), b.size()};
}

constexpr char object_name[] = "pkv";

/// With locks, which a child of fork() that has it open, too, would keep.
struct descriptor {
  int fd = -1;
  pid_t process = getpid(); // whose locks they are
  ~descriptor() {
    if (fd < 0)
      return;
    if (process == getpid()) {
      struct flock all = {};
      all.l_type = F_UNLCK;
      fcntl(fd, F_OFD_SETLK, &all);
      flock(fd, LOCK_UN);
    }
    close(fd);
  }
};

struct store_closer {
  void operator()(perdure_store *s) const {
    int error = errno;
    perdure_store_close(s);
    errno = error;
  }
};

} // namespace

struct pkv_tree {
  pkv *in;
  tree::stored *lies;
  std::size_t number;    // of a tree that is not committed: that it would get
  tree::shape published; // behind the gate
  bool touched;          // by the transaction that is open for writing
  pkv_tree *next_touched;
  std::atomic<bool> gone{false}; // made in a transaction that was aborted
  bool followed = false; // has indexes, of this opening or not; under `writing`
  std::unique_ptr<inside::follower> follower{}; // under `writing`

  pkv_tree(pkv *of, tree::stored *at, std::size_t n)
      : in(of), lies(at), number(n), touched(false), next_touched(nullptr) {}
};

struct pkv {
  descriptor directory;              // locked for as long as it is open
  std::unique_ptr<processes> others; // with PKV_SHARED
  std::unique_ptr<perdure_store, store_closer> objects;
  tree::header *header = nullptr;
  value_objects elsewhere;
  std::atomic<bool> writes{false};
  bool durable = false;

  gate readers;
  std::list<pkv_tree> trees;              // behind the gate
  std::uint64_t version = 0;              // published; behind the gate
  std::uint64_t waiting = 0;              // so
  std::multiset<std::uint64_t> snapshots; // versions; under `of_snapshots`
  std::mutex of_snapshots;

  std::mutex writing;
  std::atomic<bool> prepared{false}; // who writes has the gate closed, for longer
  pkv_tree *touched = nullptr; // under `writing`
  std::list<pkv_tree> made;    // by who writes, not committed; under `writing`
  std::list<pkv_tree> gone;    // handles whose trees there are not; so
  std::mutex learning; // who adds to `trees` holds it, and has the gate closed
};

/// The one change of a transaction so far. It is made when there is more, or
/// when the transaction ends: then in place, as a change that is its own
/// transaction.
struct postponed {
  pkv_tree *tree;
  std::string pair; // the value behind the key
  std::size_t key_bytes;

  static constexpr std::size_t most = 4096; // it is copied
};

struct pkv_txn {
  pkv *in;
  bool writes = false;
  bool failed = false;             // for want of room
  bool begun = false;              // the object's transaction
  std::optional<postponed> only;   // not begun, then
  std::optional<gate::shut> shut;  // from pkv_prepare on, if that made `only`
  std::uint64_t changes = 0;       // of a transaction for writing
  tree::change change{};           // of that
  std::uint64_t version = 0;       // of a snapshot
  unsigned lane = 0;               // of that, among processes
  std::vector<tree::shape> shapes; // of a snapshot, by number
};

struct pkv_cursor {
  pkv_tree *of;
  pkv_txn *txn;
  std::unique_ptr<pkv_txn> own; // its own snapshot
  tree::place place;
  std::uint64_t changes = 0; // of txn, when `place` was right
  std::string key;           // where it stands, in a transaction for writing
  enum { before, at_key, after } stands = before;
};

namespace {

// ===- Snapshots --------------------------------------------------------===

/// What of processes.h failed.
int fail_among(int error) {
  return fail(error, "%s",
              error == EAGAIN
                  ? "too many processes read the store: the table of "
                    "readers is full until one of them closes it"
                  : strerror(error));
}

/// The transaction for writing that this thread has begun, of whatever store:
/// what it would change elsewhere would become part of it, and objects of two
/// stores do not commit as one.
thread_local pkv_txn *writing_here;

/// It has the gate of this store closed: this thread would wait for itself.
bool is_shut_here(const pkv &s) {
  return writing_here && writing_here->in == &s && writing_here->shut;
}

int fail_shut() {
  return fail(EDEADLK, "this thread has prepared a transaction: give it to the "
                       "call, or end it");
}

/// Enters the gate. Without `wait` not while a transaction is prepared, which may
/// take any time: else it is closed for a moment.
int enter(pkv &s, bool wait) {
  if (is_shut_here(s))
    return fail_shut();
  while (!s.readers.try_enter())
    while (s.readers.is_closed()) {
      if (!wait && s.prepared)
        return fail(EBUSY, "a transaction is about to be committed");
      std::this_thread::yield();
    }
  return 0;
}

int begin_snapshot(pkv &s, pkv_txn &t, bool wait = true) {
  t.in = &s;
  if (s.others) {
    int error = s.others->begin_snapshot(t.lane, t.version, t.shapes);
    return error ? fail_among(error) : 0;
  }
  if (int error = enter(s, wait))
    return error;
  // Behind the gate nothing is half changed, and the version stays.
  gate::inside in(s.readers, std::adopt_lock);
  t.shapes.reserve(s.trees.size());
  for (const pkv_tree &each : s.trees)
    t.shapes.push_back(each.published);
  std::lock_guard<std::mutex> lock(s.of_snapshots);
  t.version = s.version;
  s.snapshots.insert(s.version);
  return 0;
}

void end_snapshot(pkv_txn &t) {
  if (t.in->others)
    return t.in->others->end_reading(t.lane, t.version);
  std::lock_guard<std::mutex> lock(t.in->of_snapshots);
  t.in->snapshots.erase(t.in->snapshots.find(t.version));
}

/// One tree as it is now, for the time of one call: what is seen without a
/// transaction.
class glance {
  pkv &in;
  std::optional<gate::inside> inside;
  unsigned lane = 0;
  std::uint64_t version = 0;
  tree::shape own;

public:
  const tree::shape *shape; // null: an error
  explicit glance(const pkv_tree &t, bool wait = true)
      : in(*t.in), shape(&own) {
    if (!in.others && enter(in, wait)) {
      shape = nullptr;
    } else if (!in.others) {
      inside.emplace(in.readers, std::adopt_lock);
      shape = &t.published;
    } else if (int error =
                   in.others->begin_look(t.number, lane, version, own)) {
      fail_among(error);
      shape = nullptr;
    }
  }
  glance(const glance &) = delete;
  ~glance() {
    if (in.others && shape)
      in.others->end_reading(lane, version);
  }
};

// ===- Several processes -------------------------------------------------===

/// Adds trees to the list. Who learns of some closes the gate: one thread at a
/// time.
void learn_of(pkv &s, std::list<pkv_tree> &&more) {
  if (more.empty())
    return;
  gate::shut shut(s.readers);
  s.trees.splice(s.trees.end(), more);
}

/// Those that are committed.
void follow_others(pkv &s) {
  if (!s.others)
    return;
  std::lock_guard<std::mutex> one(s.learning);
  std::list<pkv_tree> more;
  for (std::size_t n = s.trees.size(), count = s.others->trees(); n < count;
       n++)
    more.emplace_back(&s, s.others->tree(n), n);
  learn_of(s, std::move(more));
}

/// Those of the object, in this process's turn, that are in no list yet.
std::list<pkv_tree> unlisted(pkv &s) {
  std::list<pkv_tree> more;
  std::size_t n = s.trees.size();
  tree::stored *each = n ? +s.trees.back().lies->next : +s.header->trees;
  for (; each; each = each->next)
    more.emplace_back(&s, each, n++);
  return more;
}

/// Tells all processes what was committed: trees that are new or were touched,
/// or all.
void tell_others(pkv &s, std::uint64_t version, bool all) {
  if (all)
    for (pkv_tree &each : s.trees)
      s.others->show(each.number, *each.lies, version);
  std::size_t known = s.others->trees();
  for (auto each = s.trees.rbegin();
       each != s.trees.rend() && each->number >= known; ++each)
    s.others->show(each->number, *each->lies, version);
  for (pkv_tree *each = s.touched; each; each = each->next_touched)
    s.others->show(each->number, *each->lies, version);
  s.others->publish(version, s.trees.size(), s.header->unused.waiting);
}

/// At the begin of a turn: learns of all trees that there are. 0, or an error.
int catch_up(pkv &s) try {
  std::lock_guard<std::mutex> one(s.learning);
  std::list<pkv_tree> more = unlisted(s);
  if (int error = s.others->reserve(s.trees.size() + more.size()))
    return error;
  learn_of(s, std::move(more));
  return 0;
} catch (const std::bad_alloc &) {
  return ENOMEM;
}

/// What is committed stays so whatever becomes of the turn.
void end_turn(pkv &s) {
  int error = errno;
  if (s.others) {
    s.elsewhere.leave();
    perdure_unlock(s.header);
  }
  errno = error;
}

/// Waits for the other processes; the thread holds `writing`. What a dead one
/// left is rolled back by that. What it had committed, and told nobody, is
/// told.
int take_turn(pkv &s, bool wait) {
  if (!s.others)
    return 0;
  if (perdure_lock(s.header, wait ? 0 : PERDURE_NOWAIT) < 0)
    return wait || errno != EBUSY ? fail_below()
                                  : fail(EBUSY, "another process writes");
  if (int error = catch_up(s)) {
    fail_among(error);
    end_turn(s);
    return -1;
  }
  s.version = s.header->version;
  if (s.version != s.others->published())
    tell_others(s, s.version, true);
  return 0;
}

struct turn {
  pkv &s;
  bool taken;
  explicit turn(pkv &of) : s(of), taken(!take_turn(of, true)) {}
  turn(const turn &) = delete;
  ~turn() {
    if (taken)
      end_turn(s);
  }
};

// ===- Writing ----------------------------------------------------------===

int is_free() {
  return writing_here ? fail(EDEADLK, "this thread has begun a transaction for "
                                      "writing: give it to the call, or end it")
                      : 0;
}

int may_write(pkv &s) {
  if (!s.writes)
    return fail(EROFS, "the store is open for reading only");
  return is_free();
}

void touch(pkv_tree &t) {
  if (t.touched)
    return;
  t.touched = true;
  t.next_touched = t.in->touched;
  t.in->touched = &t;
}

template <class Visit> void forget_touched(pkv &s, Visit visit) {
  for (; s.touched; s.touched = s.touched->next_touched) {
    s.touched->touched = false;
    visit(*s.touched);
  }
}

/// Begins the object's transaction; the thread holds `writing`. In place,
/// behind the closed gate, only what snapshots see is frozen; else all that was
/// committed is.
int begin_change(pkv &s, tree::change &c, bool in_place) {
  if (perdure_tx_begin(s.header))
    return fail_below();
  std::uint64_t oldest = s.version, newest = 0;
  if (s.others) {
    oldest = s.others->oldest();
  } else {
    std::lock_guard<std::mutex> lock(s.of_snapshots);
    if (!s.snapshots.empty()) {
      oldest = *s.snapshots.begin();
      newest = *s.snapshots.rbegin();
    }
  }
  c = {s.header, s.version + 1, in_place ? newest : s.version, oldest};
  // What was taken out by a transaction that the oldest snapshot sees is in
  // nobody's tree; and who searched without one has been out of the gate since
  // that transaction was published.
  tree::start(c, tree::share_of_garbage);
  return 0;
}

/// Shows readers what was committed; behind the closed gate. Only who holds
/// `writing` makes trees, so their numbers are right.
void publish(pkv &s, std::uint64_t version) {
  if (s.others) {
    std::lock_guard<std::mutex> one(s.learning);
    learn_of(s, std::move(s.made));
    tell_others(s, version, false);
  } else {
    std::lock_guard<std::mutex> one(s.learning);
    s.trees.splice(s.trees.end(), s.made);
  }
  forget_touched(s, [](pkv_tree &t) { t.published = t.lies->seen(); });
  s.version = version;
  s.waiting = s.header->unused.waiting;
}

int no_room(const tree::change &c) {
  if (c.wrong)
    return fail(c.error, "%s: pkv_check looks at all of it", c.wrong);
  return fail(c.error, "no room for the change: %s", perdure_errormsg());
}

/// Nothing of the transaction is there. The handles of trees that it made stay,
/// to be refused: somebody has them.
void forget_change(pkv &s) {
  forget_touched(s, [](pkv_tree &) {});
  for (pkv_tree &each : s.made)
    each.gone = true;
  s.gone.splice(s.gone.end(), s.made);
}

/// Rolls the object's transaction back; errno and the message stay.
int abort_change(pkv &s) {
  int error = errno;
  perdure_tx_abort();
  forget_change(s);
  errno = error;
  return -1;
}

/// Commits it; if that fails nothing of it is there.
int commit_change(pkv &s) {
  // What it takes to tell of trees is there before they are committed.
  if (s.others)
    if (int error = s.others->reserve(s.trees.size() + s.made.size())) {
      fail_among(error);
      return abort_change(s);
    }
  if (!perdure_tx_commit())
    return 0;
  fail_below();
  forget_change(s);
  return -1;
}

/// Makes one change in a transaction of its own: 0 or 1 as `body` says, or -1
/// and nothing is changed. `before` is called in the same turn, with nothing
/// begun yet; there is no change unless it returns 0, but that.
template <class Before, class Body>
int alone(pkv &s, Before before, Body body) {
  if (may_write(s))
    return -1;
  std::lock_guard<std::mutex> lock(s.writing);
  turn mine(s);
  if (!mine.taken)
    return -1;
  if (int result = before())
    return result;
  // A disk is too slow to keep readers waiting, and other processes have
  // another gate.
  bool in_place = !s.durable && !s.others;
  std::optional<gate::shut> shut;
  if (in_place)
    shut.emplace(s.readers);
  tree::change c;
  if (begin_change(s, c, in_place))
    return -1;
  int result = body(c);
  if (c.error)
    result = no_room(c);
  if (result < 0)
    return abort_change(s);
  if (commit_change(s))
    return -1;
  if (!in_place && !s.others)
    shut.emplace(s.readers);
  publish(s, c.version);
  return result;
}

template <class Body> int alone(pkv &s, Body body) {
  return alone(
      s, [] { return 0; }, body);
}

bool may_go_on(const pkv_txn &t) {
  if (!t.failed)
    return true;
  fail(ECANCELED, "a change of the transaction has failed before: end it");
  return false;
}

bool is_there(const pkv_tree &t) {
  if (!t.gone)
    return true;
  fail(EINVAL, "the transaction that made the tree was aborted, and the tree "
               "with it: open it again");
  return false;
}

/// Begins the object's transaction, in which what was committed is copied.
int begin_own(pkv_txn &t) {
  if (!t.begun && begin_change(*t.in, t.change, false))
    return -1;
  t.begun = true;
  return 0;
}

/// Makes a change in it.
template <class Body> int make(pkv_txn &t, Body body) {
  int result = body(t.change);
  t.changes++;
  if (!t.change.error)
    return result;
  t.failed = true;
  return no_room(t.change);
}

/// Makes the change that was put off.
int make_postponed(pkv_txn &t) {
  postponed p = std::move(*t.only);
  t.only.reset();
  return make(t, [&](tree::change &c) {
    bytes pair = p.pair, key = pair.substr(0, p.key_bytes),
          value = pair.substr(p.key_bytes);
    touch(*p.tree);
    // The tree may have got an index since.
    if (inside::follow(*p.tree, c, key, &value))
      return -1;
    tree::put(c, *p.tree->lies, key, value, nullptr);
    return 0;
  });
}

/// What comes next sees what the transaction has changed. False: it has failed.
bool settle(pkv_txn &t) {
  if (t.only && (begin_own(t) || make_postponed(t)))
    t.failed = true;
  return !t.failed;
}

/// Whether the transaction can be used with the tree; null can.
bool is_usable(const pkv_tree &of, pkv_txn *t) {
  if (!is_there(of))
    return false;
  if (t && t->in != of.in)
    fail(EINVAL, "the transaction is another store's");
  else
    return !t || (may_go_on(*t) && settle(*t));
  return false;
}

/// In the caller's transaction, which can be used.
template <class Body> int change_in(pkv_txn &t, Body body) {
  if (!t.writes)
    return fail(EROFS, "a snapshot changes nothing");
  return settle(t) && !begin_own(t) ? make(t, body) : -1;
}

/// In the caller's transaction, or alone.
template <class Body> int change(pkv_tree &tree, pkv_txn *t, Body body) {
  pkv &s = *tree.in;
  auto touching = [&](tree::change &c) {
    if (!is_there(tree)) // its transaction may have ended just now
      return -1;
    touch(tree);
    return body(c);
  };
  if (!t)
    return alone(s, touching);
  return is_usable(tree, t) ? change_in(*t, touching) : -1;
}

/// What the transaction sees of the tree.
const tree::node *root_for(const pkv_tree &t, pkv_txn *txn) {
  if (txn->writes)
    return txn->failed || !settle(*txn) ? nullptr : +t.lies->root;
  return t.number < txn->shapes.size() ? txn->shapes[t.number].root : nullptr;
}

/// Who puts asks often: without a look for what is to be filled in.
int not_there() {
  constexpr char words[] = "there is no such key";
  memcpy(message, words, sizeof(words));
  errno = ENOENT;
  return -1;
}

/// Without data(): it may not be read, or cannot be.
inline bytes value_in(pkv &s, const tree::record &r) {
  return tree::is_elsewhere(r) ? s.elsewhere.read(r) : tree::value_of(r);
}

bool is_key(struct pkv_bytes key) {
  if (key.data && key.size >= 1 && key.size <= PKV_KEY_MAX)
    return true;
  fail(EINVAL, "a key has 1 to %d bytes, not %zu", PKV_KEY_MAX, key.size);
  return false;
}

bool is_value(struct pkv_bytes value) {
  if (value.size <= PKV_VALUE_MAX && (!value.size || value.data))
    return true;
  fail(EINVAL, "a value has at most %d bytes, not %zu", PKV_VALUE_MAX,
       value.size);
  return false;
}

} // namespace

const char *pkv_errormsg(void) { return message; }

// ===- Opening and closing ----------------------------------------------===

namespace {

/// Of the directory; byte 1 is of processes.cpp.
constexpr off_t byte_of_shares = 2, byte_of_readers = 3;

/// Of those that do not write alone: who shares the store and who only reads it
/// keep each other out by two bytes of the directory. Each takes its own first.
int exclude_others(int directory, bool shares) {
  struct flock mine = {}, theirs = {};
  mine.l_type = F_RDLCK;
  theirs.l_type = F_WRLCK;
  mine.l_start = shares ? byte_of_shares : byte_of_readers;
  theirs.l_start = shares ? byte_of_readers : byte_of_shares;
  mine.l_len = theirs.l_len = 1;
  if (fcntl(directory, F_OFD_SETLK, &mine) ||
      fcntl(directory, F_OFD_GETLK, &theirs))
    return errno;
  return theirs.l_type == F_UNLCK ? 0 : EBUSY;
}

/// Who has the directory's lock alone has the store alone only if nobody reads:
/// a reader that asks for that lock (pkv_open_to_write) is without it for a
/// moment, but keeps its byte. 0, EBUSY or an error.
int has_no_readers(int directory) {
  struct flock theirs = {};
  theirs.l_type = F_WRLCK;
  theirs.l_start = byte_of_readers;
  theirs.l_len = 1;
  if (fcntl(directory, F_OFD_GETLK, &theirs))
    return errno;
  return theirs.l_type == F_UNLCK ? 0 : EBUSY;
}

/// One process writes, or any number read, or any number share it. The kernel
/// ends the locks with them.
int lock_directory(pkv &s, const char *dir, unsigned flags) {
  s.directory.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (s.directory.fd < 0)
    return fail(errno, "%s: %s", dir, strerror(errno));
  bool alone = s.writes && !(flags & PKV_SHARED);
  if (flock(s.directory.fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB))
    return errno != EWOULDBLOCK
               ? fail(errno, "%s: %s", dir, strerror(errno))
               : fail(EBUSY,
                      alone ? "%s: somebody has the store open"
                            : "%s: somebody has the store open to write",
                      dir);
  if (alone) {
    int error = has_no_readers(s.directory.fd);
    return !error ? 0
                  : fail(error, "%s: %s", dir,
                         error == EBUSY ? "somebody has the store open"
                                        : strerror(error));
  }
  switch (exclude_others(s.directory.fd, flags & PKV_SHARED)) {
  case 0:
    return 0;
  case EBUSY:
    return fail(EBUSY,
                flags & PKV_SHARED
                    ? "%s: somebody has the store open to read, without "
                      "PKV_SHARED"
                    : "%s: processes have the store open with PKV_SHARED",
                dir);
  default:
    return fail(errno, "%s: %s", dir, strerror(errno));
  }
}

/// Who shares it has to be able to roll back what others leave when they die,
/// and to see what they do then, also to read: so the objects are open to
/// write.
int open_objects(pkv &s, const char *dir, unsigned flags) {
  // For reading only, too, as pkv_open_to_write may ask for more: the right to
  // write is the object's.
  unsigned as = flags & PKV_SHARED ? PERDURE_SHARED : 0;
  if (s.writes && flags & PKV_CREATE)
    as |= PERDURE_CREATE;
  if ((s.writes || flags & PKV_SHARED) && s.durable)
    as |= PERDURE_DURABLE;
  s.objects.reset(perdure_store_open(dir, as));
  return s.objects ? 0 : fail_below();
}

int join_others(pkv &s, const char *dir, bool &first) {
  std::string why;
  s.others = std::make_unique<processes>();
  int error = s.others->join(s.directory.fd, s.writes, s.durable, first, why);
  return error ? fail(error, "%s: %s", dir, why.c_str()) : 0;
}

/// Nothing has ever been committed to it: its maker died before.
bool is_new(const tree::header &h) {
  return !h.magic[0] && !h.version && !h.trees && !h.unused.oldest;
}

int initialise(tree::header &h) {
  if (perdure_tx_begin(&h))
    return fail_below();
  tree::change c = {&h, 1, 0, 0};
  if (tree::initialise(c))
    return perdure_tx_commit() ? fail_below() : 0;
  no_room(c);
  int error = errno;
  perdure_tx_abort();
  errno = error;
  return -1;
}

struct section {
  void *of = nullptr;
  ~section() {
    int error = errno;
    if (of)
      perdure_unlock(of);
    errno = error;
  }
};

/// Whether a list of the header's has an end, and lies in its object. Who walks
/// along it later need not look again.
template <class Each> bool is_list(const tree::header &h, const Each *first) {
  tree::rounds walk;
  for (const Each *each = first; each; each = each->next)
    if (walk.again(each) || perdure_root(each) != &h ||
        each->name_bytes > PKV_NAME_MAX)
      return false;
  return true;
}

/// `first`: with PKV_SHARED, nobody has looked at it.
int open_header(pkv &s, const char *dir, unsigned flags, bool first) {
  void *root = perdure_open(s.objects.get(), object_name,
                            s.writes || s.others ? 0 : PERDURE_RDONLY);
  if (!root && errno == ENOENT && flags & PKV_CREATE && s.writes)
    root =
        perdure_create(s.objects.get(), object_name, sizeof(tree::header), 0);
  if (!root)
    return fail_below();
  s.header = static_cast<tree::header *>(root);
  section inside;
  if (s.others) {
    s.others->lies_in(*s.header);
    if (!first)
      return 0;
    if (perdure_lock(root, 0) < 0) // and rolls back what is half done
      return fail_below();
    inside.of = root;
  }
  if (!memcmp(s.header->magic, tree::magic, sizeof(tree::magic)))
    return is_list<tree::stored>(*s.header, s.header->trees) &&
                   is_list<tree::holder>(*s.header, s.header->holders)
               ? 0
               : fail(EPROTO,
                      "%s: the list of the trees, or of the objects with "
                      "values, is damaged",
                      dir);
  // Looks at all of it, so only of what is no store, or none yet.
  struct perdure_stat stat;
  if (perdure_stat(root, &stat))
    return fail_below();
  if (stat.root_bytes != sizeof(tree::header) || !is_new(*s.header))
    return fail(EPROTO, "%s: the object '%s' is no store of this version", dir,
                object_name);
  if (s.writes)
    return initialise(*s.header);
  return fail(ENOENT,
              "%s: who made the store died before it was whole; open "
              "it to write",
              dir);
}

} // namespace

namespace {

/// The name of the tree that a tree is an index of. Without data(): it is none.
bytes indexed_by(bytes name) {
  std::size_t end = name.rfind(inside::index_mark);
  return name.empty() || name[0] != inside::index_mark || !end
             ? bytes()
             : name.substr(1, end - 1);
}

/// Of a tree of that name.
std::size_t longest_key(bytes name) {
  return indexed_by(name).data() ? inside::entry_max : PKV_KEY_MAX;
}

/// Of trees whose indexes have entries.
void mark_followed(pkv &s) {
  for (pkv_tree &index : s.trees)
    if (bytes of = indexed_by(index.lies->called());
        of.data() && index.lies->pairs)
      for (pkv_tree &each : s.trees)
        if (each.lies->called() == of)
          each.followed = true;
}

} // namespace

pkv *pkv_open(const char *dir, unsigned flags) try {
  if (is_free())
    return nullptr;
  auto s = std::make_unique<pkv>();
  if (flags & ~(PKV_CREATE | PKV_RDONLY | PKV_DURABLE | PKV_SHARED)) {
    fail(EINVAL, "pkv_open knows the flags PKV_CREATE, PKV_RDONLY, PKV_DURABLE "
                 "and PKV_SHARED");
    return nullptr;
  }
  s->writes = !(flags & PKV_RDONLY);
  s->durable = flags & PKV_DURABLE;
  // The lock first: to open what others have open could change how they have
  // it.
  bool makes = s->writes && flags & PKV_CREATE && access(dir, F_OK),
       first = false;
  if ((makes && open_objects(*s, dir, flags)) || lock_directory(*s, dir, flags))
    return nullptr;
  std::optional<processes::opening> alone;
  if (flags & PKV_SHARED) {
    int failed = join_others(*s, dir, first);
    alone.emplace(*s->others);
    if (failed)
      return nullptr;
  }
  if (!makes && open_objects(*s, dir, flags))
    return nullptr;
  if (open_header(*s, dir, flags, first))
    return nullptr;
  s->elsewhere.belong_to({s.get(), s->objects.get(), s->header, s->directory.fd,
                          s->others != nullptr, s->durable});
  if (!s->others) {
    for (tree::stored *each = s->header->trees; each; each = each->next)
      s->trees.emplace_back(s.get(), each, s->trees.size()).published =
          each->seen();
    publish(*s, s->header->version);
  } else if (first) {
    // In a turn: nobody else has it open, but a copy of it may be made.
    turn mine(*s);
    if (!mine.taken)
      return nullptr;
  } else {
    follow_others(*s);
  }
  mark_followed(*s);
  return s.release();
} catch (const std::bad_alloc &) {
  fail(ENOMEM, "no memory to open the store");
  return nullptr;
}

void pkv_close(pkv *s) {
  if (!s)
    return;
  if (writing_here && writing_here->in == s)
    pkv_abort(writing_here);
  delete s;
}

namespace {

/// This process reads on. What it does to the lock leaves a moment without it,
/// in which its byte keeps writers out.
void lock_to_read(pkv &s) {
  int error = errno;
  while (flock(s.directory.fd, LOCK_SH) && errno == EINTR)
    ;
  errno = error;
}

/// Nobody else has it open from here on.
int lock_to_write(pkv &s) {
  int error = flock(s.directory.fd, LOCK_EX | LOCK_NB)
                  ? errno
                  : has_no_readers(s.directory.fd);
  if (!error)
    return 0;
  lock_to_read(s);
  return error == EWOULDBLOCK || error == EBUSY
             ? fail(EBUSY, "another process has the store open")
             : fail(error, "the store cannot be locked: %s", strerror(error));
}

} // namespace

int pkv_open_to_write(pkv *s, unsigned flags) {
  if (flags & ~unsigned(PKV_DURABLE))
    return fail(EINVAL, "pkv_open_to_write knows the flag PKV_DURABLE");
  if (is_free())
    return -1;
  std::lock_guard<std::mutex> lock(s->writing);
  if (s->writes)
    return 0;
  if (s->others)
    return fail(EINVAL, "processes share the store: open it again to write");
  if (lock_to_write(*s))
    return -1;
  // The object stays where it is mapped. Whether it can be written the runtime
  // says when somebody begins to.
  bool durable = flags & PKV_DURABLE;
  if (!perdure_open(s->objects.get(), object_name,
                    durable ? PERDURE_DURABLE : 0) ||
      perdure_tx_begin(s->header)) {
    fail_below();
    lock_to_read(*s);
    return -1;
  }
  perdure_tx_abort();
  s->durable = durable;
  s->elsewhere.become(durable);
  s->writes = true;
  return 0;
}

pkv_tree *pkv_tree_open(pkv *s, const char *name, unsigned flags) try {
  bytes wanted(name);
  if (wanted.size() > PKV_NAME_MAX || flags & ~unsigned(PKV_CREATE)) {
    fail(EINVAL,
         "a tree's name has at most %d bytes, and pkv_tree_open the "
         "flag PKV_CREATE",
         PKV_NAME_MAX);
    return nullptr;
  }
  auto in_list = [&](std::list<pkv_tree> &of) -> pkv_tree * {
    for (pkv_tree &each : of)
      if (each.lies->called() == wanted)
        return &each;
    return nullptr;
  };
  auto look = [&] {
    std::lock_guard<std::mutex> one(s->learning);
    return in_list(s->trees);
  };
  follow_others(*s);
  if (pkv_tree *there = look())
    return there;
  pkv_txn *txn = writing_here && writing_here->in == s ? writing_here : nullptr;
  if (pkv_tree *there = txn ? in_list(s->made) : nullptr)
    return there;
  if (!(flags & PKV_CREATE)) {
    fail(ENOENT, "there is no tree '%s'", name);
    return nullptr;
  }
  std::list<pkv_tree> one; // the memory first
  one.emplace_back(s, nullptr, 0);
  pkv_tree *made = &one.back();
  auto make = [&](tree::change &c) {
    made->lies = tree::make(c, wanted);
    made->number = s->trees.size() + s->made.size();
    if (made->lies)
      s->made.splice(s->made.end(), one);
    return 0;
  };
  if (txn)
    return may_go_on(*txn) && !change_in(*txn, make) ? made : nullptr;
  pkv_tree *other = nullptr;
  if (alone(*s, [&](tree::change &c) {
        // Another thread may have made it meanwhile. Only who writes changes
        // the list, and that is this thread.
        return (other = in_list(s->trees)) ? 0 : make(c);
      }) < 0)
    return nullptr;
  return other ? other : made;
} catch (const std::bad_alloc &) {
  fail(ENOMEM, "no memory for another tree");
  return nullptr;
}

int pkv_trees(pkv *s, int (*visit)(void *arg, const char *name), void *arg) {
  try {
    follow_others(*s);
  } catch (const std::bad_alloc &) {
    return fail(ENOMEM, "no memory for trees of other processes");
  }
  std::size_t count;
  std::list<pkv_tree>::iterator each;
  {
    std::lock_guard<std::mutex> one(s->learning);
    count = s->trees.size();
    each = s->trees.begin();
  }
  // The end of the list moves meanwhile: nobody looks at it.
  for (std::size_t i = 0; i < count; i++) {
    if (i)
      ++each;
    if (indexed_by(each->lies->called()).data())
      continue;
    char name[PKV_NAME_MAX + 1] = {};
    each->lies->called().copy(name, PKV_NAME_MAX);
    if (int result = visit(arg, name))
      return result;
  }
  return 0;
}

// ===- Transactions -----------------------------------------------------===

pkv_txn *pkv_begin(pkv *s, unsigned flags) try {
  if (flags & ~unsigned(PKV_RDONLY | PKV_NOWAIT)) {
    fail(EINVAL, "pkv_begin knows the flags PKV_RDONLY and PKV_NOWAIT");
    return nullptr;
  }
  auto t = std::make_unique<pkv_txn>();
  t->in = s;
  if (flags & PKV_RDONLY) {
    if (begin_snapshot(*s, *t, !(flags & PKV_NOWAIT)))
      return nullptr;
    return t.release();
  }
  if (may_write(*s))
    return nullptr;
  std::unique_lock<std::mutex> lock(s->writing, std::defer_lock);
  if (!(flags & PKV_NOWAIT)) {
    lock.lock();
  } else if (!lock.try_lock()) {
    fail(EBUSY, "another thread writes");
    return nullptr;
  }
  t->writes = true;
  if (take_turn(*s, !(flags & PKV_NOWAIT)))
    return nullptr;
  // Alone the first change begins it.
  if ((s->durable || s->others) && begin_own(*t)) {
    end_turn(*s);
    return nullptr;
  }
  lock.release();
  writing_here = t.get();
  return t.release();
} catch (const std::bad_alloc &) {
  fail(ENOMEM, "no memory for a transaction");
  return nullptr;
}

namespace {

void end_write(pkv_txn *t) {
  pkv *s = t->in;
  writing_here = nullptr;
  int error = errno;
  s->prepared = false;
  delete t; // opens the gate
  end_turn(*s);
  s->writing.unlock();
  errno = error;
}

/// Makes in place what was put off.
int prepare(pkv_txn &t) {
  if (!may_go_on(t))
    return -1;
  if (!t.only)
    return 0;
  pkv &s = *t.in;
  t.shut.emplace(s.readers);
  if (!begin_change(s, t.change, true)) {
    t.begun = true;
    if (!make_postponed(t))
      return 0;
    abort_change(s);
    t.begun = false;
  }
  t.failed = true;
  t.shut.reset();
  return -1;
}

} // namespace

int pkv_prepare(pkv_txn *t) {
  if (!t->writes)
    return 0;
  if (t->only)
    t->in->prepared = true;
  int result = prepare(*t);
  if (!t->shut)
    t->in->prepared = false;
  return result;
}

int pkv_commit(pkv_txn *t) {
  if (!t->writes) {
    pkv_abort(t);
    return 0;
  }
  if (t->failed) {
    pkv_abort(t);
    return fail(ECANCELED,
                "nothing is committed: a change of the transaction had failed");
  }
  if (prepare(*t)) {
    pkv_abort(t);
    return -1;
  }
  int result = t->begun ? commit_change(*t->in) : 0;
  if (!t->begun) {
    // It has changed nothing.
  } else if (!result && (t->in->others || t->shut)) {
    publish(*t->in, t->change.version);
  } else if (!result) {
    gate::shut shut(t->in->readers);
    publish(*t->in, t->change.version);
  }
  end_write(t);
  return result;
}

void pkv_abort(pkv_txn *t) {
  if (!t)
    return;
  if (t->writes) {
    if (t->begun)
      abort_change(*t->in);
    end_write(t);
  } else {
    end_snapshot(*t);
    delete t;
  }
}

// ===- Pairs ------------------------------------------------------------===

namespace {

/// Whether the first change of a transaction may be put off: where a change that
/// is its own transaction is made in place, and nothing else is asked of it.
bool may_postpone(const pkv_tree &t, const pkv_txn &txn, std::size_t bytes) {
  return txn.writes && !txn.begun && !txn.only && !txn.failed &&
         txn.in == t.in && !t.gone && !t.followed &&
         !t.in->header->holders && bytes <= postponed::most;
}

/// 1 or 0 as pkv_put says.
int postpone(pkv_tree &t, pkv_txn &txn, bytes key, bytes value) {
  postponed only = {&t, std::string(), key.size()};
  only.pair.reserve(key.size() + value.size());
  only.pair.append(key).append(value);
  txn.only = std::move(only);
  txn.changes++;
  return !tree::find(t.lies->root, key);
}

/// In the record, or in another object.
int put(pkv_tree *t, pkv_txn *txn, struct pkv_bytes key, struct pkv_bytes value,
        pkv_object *in, unsigned flags) {
  if (!is_key(key) || !is_value(value))
    return -1;
  if (flags & ~unsigned(PKV_NOREPLACE))
    return fail(EINVAL, "pkv_put knows the flag PKV_NOREPLACE");
  if (txn && !flags && !in && may_postpone(*t, *txn, key.size + value.size))
    try {
      return postpone(*t, *txn, as_bytes(key), as_bytes(value));
    } catch (const std::bad_alloc &) {
      // Then at once.
    }
  return change(*t, txn, [&](tree::change &c) {
    if (flags & PKV_NOREPLACE && tree::find(t->lies->root, as_bytes(key)))
      return fail(EEXIST, "the key has a value");
    bytes now = as_bytes(value);
    if (inside::prepare(*t, c, as_bytes(key), in) ||
        inside::follow(*t, c, as_bytes(key), &now))
      return -1;
    return int(tree::put(c, *t->lies, as_bytes(key), as_bytes(value),
                         in ? in->lies : nullptr));
  });
}

} // namespace

int pkv_put(pkv_tree *t, pkv_txn *txn, struct pkv_bytes key,
            struct pkv_bytes value, unsigned flags) {
  return put(t, txn, key, value, nullptr, flags);
}

int pkv_put_in(pkv_tree *t, pkv_txn *txn, struct pkv_bytes key,
               struct pkv_bytes value, pkv_object *in, unsigned flags) {
  if (in->in != t->in)
    return fail(EINVAL, "the object is another store's");
  return put(t, txn, key, value, in, flags);
}

int pkv_del(pkv_tree *t, pkv_txn *txn, struct pkv_bytes key) {
  if (!is_key(key))
    return -1;
  return change(*t, txn, [&](tree::change &c) {
    if (inside::prepare(*t, c, as_bytes(key)) ||
        inside::follow(*t, c, as_bytes(key), nullptr))
      return -1;
    return tree::erase(c, *t->lies, as_bytes(key)) || c.error ? 0 : not_there();
  });
}

ptrdiff_t pkv_get(pkv_tree *t, pkv_txn *txn, struct pkv_bytes key, void *buffer,
                  size_t size) {
  if (!is_key(key) || !is_usable(*t, txn))
    return -1;
  std::optional<glance> now;
  if (!txn && !now.emplace(*t).shape)
    return -1;
  const tree::record *r =
      tree::find(now ? now->shape->root : root_for(*t, txn), as_bytes(key));
  if (!r)
    return not_there();
  bytes value = value_in(*t->in, *r);
  if (!value.data())
    return -1;
  if (std::size_t copied = std::min(size, value.size()))
    memcpy(buffer, value.data(), copied);
  return value.size();
}

int pkv_see(pkv_tree *t, pkv_txn *txn, struct pkv_bytes key,
            struct pkv_bytes *value) {
  if (!txn)
    return fail(EINVAL, "without a transaction a value may go at once: use "
                        "pkv_get, or begin one");
  if (!is_key(key) || !is_usable(*t, txn))
    return -1;
  const tree::record *r = tree::find(root_for(*t, txn), as_bytes(key));
  if (!r)
    return not_there();
  bytes there = value_in(*t->in, *r);
  if (!there.data())
    return -1;
  *value = as_pkv(there);
  return 0;
}

// ===- Cursors ----------------------------------------------------------===

pkv_cursor *pkv_cursor_open(pkv_tree *t, pkv_txn *txn) try {
  if (!is_usable(*t, txn))
    return nullptr;
  auto c = std::make_unique<pkv_cursor>();
  // To move it needs no memory. Where nothing changes it keeps no key.
  if (txn && txn->writes)
    c->key.reserve(longest_key(t->lies->called()));
  c->of = t;
  if (!txn) {
    c->own = std::make_unique<pkv_txn>();
    if (begin_snapshot(*t->in, *c->own))
      return nullptr;
    txn = c->own.get();
  }
  c->txn = txn;
  return c.release();
} catch (const std::bad_alloc &) {
  fail(ENOMEM, "no memory for a cursor");
  return nullptr;
}

void pkv_cursor_close(pkv_cursor *c) {
  if (!c)
    return;
  if (c->own)
    end_snapshot(*c->own);
  delete c;
}

namespace {

/// Finds its key again after a change.
void follow(pkv_cursor &c) {
  if (!c.txn->writes || c.changes == c.txn->changes)
    return;
  c.changes = c.txn->changes;
  if (c.stands == pkv_cursor::at_key)
    c.place.seek_exactly(root_for(*c.of, c.txn), c.key);
}

int stand(pkv_cursor &c, bool on, decltype(c.stands) otherwise) {
  c.stands = on ? pkv_cursor::at_key : otherwise;
  if (on && c.txn->writes) {
    c.key = tree::key_of(*c.place.here());
    c.changes = c.txn->changes;
  }
  return on;
}

} // namespace

int pkv_first(pkv_cursor *c) {
  return stand(*c, c->place.first(root_for(*c->of, c->txn)), c->after);
}

int pkv_last(pkv_cursor *c) {
  return stand(*c, c->place.last(root_for(*c->of, c->txn)), c->before);
}

int pkv_seek(pkv_cursor *c, struct pkv_bytes key) {
  if (!key.size)
    return pkv_first(c);
  return stand(*c, c->place.seek(root_for(*c->of, c->txn), as_bytes(key)),
               c->after);
}

int pkv_next(pkv_cursor *c) {
  if (c->stands == c->before)
    return pkv_first(c);
  if (c->stands == c->after)
    return 0;
  follow(*c);
  return stand(*c, c->place.next(), c->after);
}

int pkv_prev(pkv_cursor *c) {
  if (c->stands == c->after)
    return pkv_last(c);
  if (c->stands == c->before)
    return 0;
  follow(*c);
  return stand(*c, c->place.prev(), c->before);
}

int pkv_pair(pkv_cursor *c, struct pkv_bytes *key, struct pkv_bytes *value) {
  follow(*c);
  const tree::record *r = c->stands == c->at_key ? c->place.here() : nullptr;
  if (!r)
    return fail(ENOENT, "the cursor stands on no pair");
  bytes there;
  if (value && !(there = value_in(*c->of->in, *r)).data())
    return -1;
  if (key)
    *key = as_pkv(tree::key_of(*r));
  if (value)
    *value = as_pkv(there);
  return 0;
}

int pkv_next_many(pkv_cursor *c, struct pkv_item *items, int most) {
  constexpr int at_once = 64;
  const tree::record *found[at_once];
  if (most <= 0)
    return 0;
  // What this transaction changes meanwhile it finds by the key on which it
  // stands.
  if (c->txn->writes || c->stands != c->at_key || most == 1)
    return !pkv_next(c)                                   ? 0
           : pkv_pair(c, &items->key, &items->value) < 0 ? -1
                                                         : 1;
  int count = int(c->place.next(found, unsigned(std::min(most, at_once))));
  if (!count)
    return stand(*c, false, c->after);
  for (int i = 0; i < count; i++) {
    bytes there = value_in(*c->of->in, *found[i]);
    if (!there.data())
      return -1; // the first and only one
    items[i] = {as_pkv(tree::key_of(*found[i])), as_pkv(there)};
  }
  return count;
}

// ===- Looking at all of it ---------------------------------------------===

namespace {

/// The tree as the transaction sees it, which has settled.
tree::shape shape_for(const pkv_tree &t, const pkv_txn &txn) {
  if (txn.writes)
    return t.lies->seen();
  return t.number < txn.shapes.size() ? txn.shapes[t.number] : tree::shape();
}

} // namespace

int pkv_count(pkv_tree *t, pkv_txn *txn, uint64_t *pairs) {
  if (!is_usable(*t, txn))
    return -1;
  if (txn) {
    *pairs = shape_for(*t, *txn).pairs;
    return 0;
  }
  glance now(*t, false);
  if (!now.shape)
    return -1;
  *pairs = now.shape->pairs;
  return 0;
}

int pkv_stat(pkv_tree *t, pkv_txn *txn, struct pkv_stat *stat) {
  pkv &s = *t->in;
  if (!is_usable(*t, txn))
    return -1;
  struct perdure_stat objects;
  if (perdure_stat(s.header, &objects))
    return fail_below();
  tree::shape shape;
  {
    std::optional<glance> now;
    if (!(txn && is_shut_here(s)) && !now.emplace(*t).shape)
      return -1;
    stat->waiting = s.others ? s.others->waiting() : s.waiting;
    shape = txn ? shape_for(*t, *txn) : *now->shape;
    stat->height = shape.root ? shape.root->level + 1 : 0;
  }
  stat->pairs = shape.pairs;
  stat->key_bytes = shape.key_bytes;
  stat->value_bytes = shape.value_bytes;
  stat->leaves = shape.leaves;
  stat->inner_nodes = shape.inners;
  if (s.others) {
    stat->snapshots = s.others->snapshots();
  } else {
    std::lock_guard<std::mutex> lock(s.of_snapshots);
    stat->snapshots = s.snapshots.size();
  }
  stat->file_bytes = objects.file_bytes;
  stat->used_bytes = objects.used_bytes;
  stat->free_bytes = objects.free_bytes;
  return 0;
}

namespace {

/// Blocks that nothing leads to, below 0 where some are missing. Nobody writes
/// meanwhile.
int count_lost(pkv &s, std::int64_t &lost) {
  struct perdure_stat object;
  if (perdure_stat(s.header, &object))
    return fail_below();
  lost = std::int64_t(object.blocks - tree::blocks(*s.header));
  return 0;
}

/// What a check has found, or null: so errno is EPROTO only then, and else says
/// why something could not be looked at.
int is_damage(const char *wrong) {
  return wrong ? fail(EPROTO, "%s", wrong) : 0;
}

/// Who writes has the queues for himself. `unread`: an error, of objects that
/// could not be looked at; the message says it. -1: EPROTO, or another error.
int check_queues(pkv &s, int &unread) {
  std::unique_lock<std::mutex> lock(s.writing, std::defer_lock);
  bool writes = writing_here && writing_here->in == &s;
  if (writes)
    return is_damage(tree::check(s.header->unused, s.header->version));
  lock.lock();
  turn mine(s);
  std::int64_t lost = 0, lost_there = 0;
  if (!mine.taken ||
      is_damage(tree::check(s.header->unused, s.header->version)) ||
      count_lost(s, lost) || is_damage(s.elsewhere.check(unread, lost_there)))
    return -1;
  return is_damage(lost < 0
                       ? "there are more pairs, nodes and free blocks than "
                         "blocks are allocated"
                       : nullptr);
}

} // namespace

int64_t pkv_lost(pkv *s) try {
  if (is_free())
    return -1;
  std::lock_guard<std::mutex> lock(s->writing);
  turn mine(*s);
  if (!mine.taken)
    return -1;
  std::int64_t lost, lost_there = 0;
  int unread = 0;
  if (is_damage(tree::check(s->header->unused, s->header->version)) ||
      count_lost(*s, lost) || is_damage(s->elsewhere.check(unread, lost_there)))
    return -1;
  if (lost >= 0)
    lost += lost_there;
  return lost < 0 ? fail(EPROTO, "blocks are missing: see pkv_check") : lost;
} catch (const std::bad_alloc &) {
  return fail(ENOMEM, "no memory to look at the store");
}

namespace {

const char *check_followed(pkv_tree &t, pkv_txn &seen) {
  inside::follower *f = nullptr;
  inside::exclude_writers(t, [&] { f = t.follower.get(); });
  return f ? f->check(t, &seen) : nullptr;
}

} // namespace

const char *pkv_check(pkv *s) try {
  if ((!writing_here || writing_here->in != s) && is_free())
    return message;
  int unread = 0;
  if (check_queues(*s, unread))
    return message;
  std::string why = unread ? message : "";
  auto end = [](pkv_txn *seen) {
    int error = errno;
    end_snapshot(*seen);
    errno = error;
  };
  pkv_txn seen;
  if (begin_snapshot(*s, seen))
    return message;
  std::unique_ptr<pkv_txn, decltype(end)> until(&seen, end);
  follow_others(*s);
  struct perdure_stat object;
  if (perdure_stat(s->header, &object)) {
    fail_below();
    return message;
  }
  std::list<pkv_tree>::iterator each = s->trees.begin();
  for (std::size_t i = 0; i < seen.shapes.size(); i++) {
    if (i)
      ++each;
    bytes name = each->lies->called();
    tree::limits limits = {s->header, object.file_bytes, longest_key(name)};
    const char *wrong = tree::check(seen.shapes[i], seen.version, limits);
    if (wrong || (wrong = check_followed(*each, seen))) {
      fail(EPROTO, "tree '%.*s': %s", int(name.size()), name.data(), wrong);
      return message;
    }
  }
  if (unread) {
    fail(unread, "%s", why.c_str());
    return message;
  }
  errno = 0;
  return nullptr;
} catch (const std::bad_alloc &) {
  fail(ENOMEM, "no memory to look at the store");
  return message;
}

// ===- For the files beside ---------------------------------------------===

int inside::fail(int error, const char *words) {
  return ::fail(error, "%s", words);
}

int inside::change(pkv_tree &t, pkv_txn *txn,
                   int (*body)(void *arg, tree::change &c, tree::stored &t),
                   void *arg) {
  return ::change(t, txn,
                  [&](tree::change &c) { return body(arg, c, *t.lies); });
}

pkv *inside::store_of(pkv_tree &t) { return t.in; }

int inside::may_write(pkv &s) { return ::may_write(s); }

bool inside::is_shared(pkv &s) { return s.others != nullptr; }

int inside::check_pair(struct pkv_bytes key, struct pkv_bytes value) {
  return is_key(key) && is_value(value) ? 0 : -1;
}

const tree::stored &inside::lies(pkv_tree &t) { return *t.lies; }

tree::stored &inside::to_change(pkv_tree &t) {
  touch(t);
  return *t.lies;
}

const tree::node *inside::root_for(pkv_tree &t, pkv_txn *txn) {
  return ::root_for(t, txn);
}

void inside::exclude_writers(pkv_tree &t, const std::function<void()> &act) {
  std::unique_lock<std::mutex> lock(t.in->writing, std::defer_lock);
  if (!writing_here || writing_here->in != t.in)
    lock.lock();
  act();
}

void inside::for_indexes(
    pkv_tree &t,
    const std::function<void(pkv_tree &index, bytes name)> &visit) {
  for (pkv_tree &each : t.in->trees) {
    bytes name = each.lies->called(), of = indexed_by(name);
    if (of.data() && of == t.lies->called())
      visit(each, name.substr(name.rfind(index_mark) + 1));
  }
}

inside::follower *inside::follower_of(pkv_tree &t) { return t.follower.get(); }

void inside::set_follower(pkv_tree &t, std::unique_ptr<follower> f) {
  t.follower = std::move(f);
  t.followed = true;
}

bool inside::is_followed(pkv_tree &t) {
  return t.follower ? t.follower->follows() : t.followed;
}

int inside::follow(pkv_tree &t, tree::change &c, bytes key,
                   const bytes *value) {
  if (!is_followed(t))
    return 0; // before the value is read, which may be gone
  if (!t.follower)
    return ::fail(EINVAL, "the tree has indexes that have not been opened: "
                          "pkv_index_open them before the tree is changed, or "
                          "pkv_index_drop them");
  const tree::record *r = tree::find(t.lies->root, key);
  if (!r && !value)
    return 0;
  bytes before;
  if (r && !(before = value_in(*t.in, *r)).data())
    return -1;
  return t.follower->follow(c, key, r ? &before : nullptr, value);
}

value_objects &inside::objects_of(pkv &s) { return s.elsewhere; }

bytes inside::value_of(pkv &s, const tree::record &r) { return value_in(s, r); }

int inside::prepare(pkv_tree &t, tree::change &c, bytes key, pkv_object *in) {
  if (!t.in->header->holders)
    return 0;
  return t.in->elsewhere.prepare(c, t.lies->root, key, in);
}

int inside::alone(pkv &s, const std::function<int()> &before,
                  const std::function<int(tree::change &c)> &body) {
  return ::alone(s, before, body);
}

int inside::in_turn(pkv &s, const std::function<int()> &act) {
  if (writing_here && writing_here->in == &s)
    return may_go_on(*writing_here) && settle(*writing_here) &&
                   !begin_own(*writing_here)
               ? act()
               : -1;
  if (is_free())
    return -1;
  std::lock_guard<std::mutex> lock(s.writing);
  turn mine(s);
  return mine.taken ? act() : -1;
}

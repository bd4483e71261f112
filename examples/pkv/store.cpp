// store.cpp - Stores, trees, transactions, snapshots and cursors of pkv.h.
//
// Who changes what when. One thread at a time writes. Alone, a change is made
// in place, while the gate keeps readers out, for as long as one change takes;
// nodes that a snapshot sees are copied. A transaction of the caller's, which
// may take any time, and one that waits for a disk copy all nodes that were
// committed, and readers go on with the roots that were published last.
#include "pkv.h"

#include "gate.h"
#include "inside.h"
#include "tree.h"

#include <algorithm>
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
/// Blocks that a transaction frees for those before it.
constexpr unsigned share_of_garbage = 64;

struct descriptor {
  int fd = -1;
  ~descriptor() {
    if (fd >= 0)
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
  std::size_t number;
  tree::shape published; // behind the gate
  bool touched;          // by the transaction that is open for writing
  pkv_tree *next_touched;
  bool followed = false; // has indexes, of this opening or not; under `writing`
  std::unique_ptr<inside::follower> follower{}; // under `writing`
};

struct pkv {
  descriptor directory; // locked for as long as it is open
  std::unique_ptr<perdure_store, store_closer> objects;
  tree::header *header = nullptr;
  bool writes = false, durable = false;

  gate readers;
  std::list<pkv_tree> trees;              // behind the gate
  std::uint64_t version = 0;              // published; behind the gate
  std::uint64_t waiting = 0;              // so
  std::multiset<std::uint64_t> snapshots; // versions; under `of_snapshots`
  std::mutex of_snapshots;

  std::mutex writing;
  pkv_tree *touched = nullptr;   // under `writing`
  std::mutex making_trees;
};

struct pkv_txn {
  pkv *in;
  bool writes = false;
  bool failed = false;             // for want of room
  std::uint64_t changes = 0;       // of a transaction for writing
  tree::change change{};           // of that
  std::uint64_t version = 0;       // of a snapshot
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

void begin_snapshot(pkv &s, pkv_txn &t) {
  t.in = &s;
  // Behind the gate nothing is half changed, and the version stays.
  gate::inside in(s.readers);
  t.shapes.reserve(s.trees.size());
  for (const pkv_tree &each : s.trees)
    t.shapes.push_back(each.published);
  std::lock_guard<std::mutex> lock(s.of_snapshots);
  t.version = s.version;
  s.snapshots.insert(s.version);
}

void end_snapshot(pkv_txn &t) {
  std::lock_guard<std::mutex> lock(t.in->of_snapshots);
  t.in->snapshots.erase(t.in->snapshots.find(t.version));
}

// ===- Writing ----------------------------------------------------------===

/// The transaction for writing that this thread has begun, of whatever store: what it
/// would change elsewhere would become part of it, and objects of two stores do
/// not commit as one.
thread_local pkv_txn *writing_here;

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
  {
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
  tree::start(c, share_of_garbage);
  return 0;
}

/// Shows readers what was committed; behind the closed gate.
void publish(pkv &s, std::uint64_t version) {
  forget_touched(s, [](pkv_tree &t) { t.published = t.lies->seen(); });
  s.version = version;
  s.waiting = s.header->waiting;
}

int no_room(const tree::change &c) {
  return fail(c.error, "no room for the change: %s", perdure_errormsg());
}

/// Rolls the object's transaction back; errno and the message stay.
int abort_change(pkv &s) {
  int error = errno;
  perdure_tx_abort();
  forget_touched(s, [](pkv_tree &) {});
  errno = error;
  return -1;
}

/// Commits it; if that fails nothing of it is there.
int commit_change(pkv &s) {
  if (!perdure_tx_commit())
    return 0;
  fail_below();
  forget_touched(s, [](pkv_tree &) {});
  return -1;
}

/// Makes one change in a transaction of its own: 0 or 1 as `body` says, or -1
/// and nothing is changed.
template <class Body> int alone(pkv &s, Body body) {
  if (may_write(s))
    return -1;
  std::lock_guard<std::mutex> lock(s.writing);
  bool in_place = !s.durable; // a disk is too slow to keep readers waiting
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
  if (!in_place)
    shut.emplace(s.readers);
  publish(s, c.version);
  return result;
}

/// Whether the transaction can be used, in a store; null can.
bool is_usable(const pkv &s, const pkv_txn *t) {
  if (t && t->in != &s)
    fail(EINVAL, "the transaction is another store's");
  else if (t && t->failed)
    fail(ECANCELED, "the transaction had no room for a change before: end it");
  else
    return true;
  return false;
}

/// In the caller's transaction, or alone.
template <class Body> int change(pkv_tree &tree, pkv_txn *t, Body body) {
  pkv &s = *tree.in;
  auto touching = [&](tree::change &c) {
    touch(tree);
    return body(c);
  };
  if (!t)
    return alone(s, touching);
  if (!is_usable(s, t))
    return -1;
  if (!t->writes)
    return fail(EROFS, "a snapshot changes nothing");
  int result = touching(t->change);
  t->changes++;
  if (!t->change.error)
    return result;
  t->failed = true;
  return no_room(t->change);
}

/// What the transaction sees of the tree; without one only behind the gate.
const tree::node *root_for(const pkv_tree &t, const pkv_txn *txn) {
  if (!txn)
    return t.published.root;
  if (txn->writes)
    return txn->failed ? nullptr : +t.lies->root;
  return t.number < txn->shapes.size() ? txn->shapes[t.number].root : nullptr;
}

int not_there() { return fail(ENOENT, "there is no such key"); }

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

/// One process writes, or any number read. The kernel ends the lock with them.
int lock_directory(pkv &s, const char *dir) {
  s.directory.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (s.directory.fd < 0)
    return fail(errno, "%s: %s", dir, strerror(errno));
  if (!flock(s.directory.fd, (s.writes ? LOCK_EX : LOCK_SH) | LOCK_NB))
    return 0;
  if (errno == EWOULDBLOCK)
    return fail(EBUSY,
                s.writes ? "%s: somebody has the store open"
                         : "%s: somebody has the store open to write",
                dir);
  return fail(errno, "%s: %s", dir, strerror(errno));
}

int open_objects(pkv &s, const char *dir, unsigned flags) {
  s.objects.reset(perdure_store_open(
      dir, s.writes ? (flags & PKV_CREATE ? PERDURE_CREATE : 0) |
                          (s.durable ? PERDURE_DURABLE : 0)
                    : PERDURE_RDONLY));
  return s.objects ? 0 : fail_below();
}

/// Nothing has ever been committed to it: its maker died before.
bool is_new(const tree::header &h) {
  return !h.magic[0] && !h.version && !h.trees && !h.oldest;
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

int open_header(pkv &s, const char *dir, unsigned flags) {
  void *root = perdure_open(s.objects.get(), object_name,
                            s.writes ? 0 : PERDURE_RDONLY);
  if (!root && errno == ENOENT && flags & PKV_CREATE && s.writes)
    root =
        perdure_create(s.objects.get(), object_name, sizeof(tree::header), 0);
  if (!root)
    return fail_below();
  s.header = static_cast<tree::header *>(root);
  if (!memcmp(s.header->magic, tree::magic, sizeof(tree::magic)))
    return 0;
  // Looks at all of it, so only of what is no store, or none yet.
  struct perdure_stat stat;
  if (perdure_stat(root, &stat))
    return fail_below();
  if (stat.root_bytes != sizeof(tree::header) || !is_new(*s.header))
    return fail(EPROTO, "%s: the object '%s' is no store of this version", dir,
                object_name);
  if (s.writes)
    return initialise(*s.header);
  return fail(ENOENT, "%s: who made the store died before it was whole; open "
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
  if (flags & ~(PKV_CREATE | PKV_RDONLY | PKV_DURABLE)) {
    fail(EINVAL, "pkv_open knows the flags PKV_CREATE, PKV_RDONLY and "
                 "PKV_DURABLE");
    return nullptr;
  }
  s->writes = !(flags & PKV_RDONLY);
  s->durable = flags & PKV_DURABLE;
  // The lock first: to open what others have open could change how they have it.
  bool makes = s->writes && flags & PKV_CREATE && access(dir, F_OK);
  if ((makes && open_objects(*s, dir, flags)) || lock_directory(*s, dir) ||
      (!makes && open_objects(*s, dir, flags)) || open_header(*s, dir, flags))
    return nullptr;
  for (tree::stored *each = s->header->trees; each; each = each->next)
    s->trees.push_back({s.get(), each, s->trees.size(), each->seen(), false, nullptr});
  publish(*s, s->header->version);
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

pkv_tree *pkv_tree_open(pkv *s, const char *name, unsigned flags) try {
  bytes wanted(name);
  if (wanted.size() > PKV_NAME_MAX || flags & ~unsigned(PKV_CREATE)) {
    fail(EINVAL, "a tree's name has at most %d bytes, and pkv_tree_open the "
                 "flag PKV_CREATE",
         PKV_NAME_MAX);
    return nullptr;
  }
  auto look = [&]() -> pkv_tree * {
    gate::inside in(s->readers);
    for (pkv_tree &each : s->trees)
      if (each.lies->called() == wanted)
        return &each;
    return nullptr;
  };
  if (pkv_tree *there = look())
    return there;
  if (!(flags & PKV_CREATE)) {
    fail(ENOENT, "there is no tree '%s'", name);
    return nullptr;
  }
  if (may_write(*s)) // before it waits for who may wait for this thread
    return nullptr;
  std::lock_guard<std::mutex> lock(s->making_trees);
  if (pkv_tree *there = look()) // another thread's
    return there;
  std::list<pkv_tree> made(1); // the memory first
  if (alone(*s, [&](tree::change &c) {
        made.front().lies = tree::make(c, wanted);
        return 0;
      }) < 0)
    return nullptr;
  made.front().in = s;
  std::lock_guard<std::mutex> writer(s->writing); // one closes the gate at a time
  gate::shut shut(s->readers);
  made.front().published = made.front().lies->seen();
  made.front().number = s->trees.size();
  s->trees.splice(s->trees.end(), made);
  return &s->trees.back();
} catch (const std::bad_alloc &) {
  fail(ENOMEM, "no memory for another tree");
  return nullptr;
}

int pkv_trees(pkv *s, int (*visit)(void *arg, const char *name), void *arg) {
  std::size_t count;
  std::list<pkv_tree>::iterator each;
  {
    gate::inside in(s->readers);
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
    begin_snapshot(*s, *t);
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
  if (begin_change(*s, t->change, false))
    return nullptr;
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
  delete t;
  s->writing.unlock();
  errno = error;
}

} // namespace

int pkv_commit(pkv_txn *t) {
  if (!t->writes) {
    pkv_abort(t);
    return 0;
  }
  if (t->failed) {
    pkv_abort(t);
    return fail(ECANCELED,
                "nothing is committed: there was no room for a change");
  }
  int result = commit_change(*t->in);
  if (!result) {
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
    abort_change(*t->in);
    end_write(t);
  } else {
    end_snapshot(*t);
    delete t;
  }
}

// ===- Pairs ------------------------------------------------------------===

int pkv_put(pkv_tree *t, pkv_txn *txn, struct pkv_bytes key,
            struct pkv_bytes value, unsigned flags) {
  if (!is_key(key) || !is_value(value))
    return -1;
  if (flags & ~unsigned(PKV_NOREPLACE))
    return fail(EINVAL, "pkv_put knows the flag PKV_NOREPLACE");
  return change(*t, txn, [&](tree::change &c) {
    if (flags & PKV_NOREPLACE && tree::find(t->lies->root, as_bytes(key)))
      return fail(EEXIST, "the key has a value");
    bytes now = as_bytes(value);
    if (inside::follow(*t, c, as_bytes(key), &now))
      return -1;
    return int(tree::put(c, *t->lies, as_bytes(key), as_bytes(value)));
  });
}

int pkv_del(pkv_tree *t, pkv_txn *txn, struct pkv_bytes key) {
  if (!is_key(key))
    return -1;
  return change(*t, txn, [&](tree::change &c) {
    if (inside::follow(*t, c, as_bytes(key), nullptr))
      return -1;
    return tree::erase(c, *t->lies, as_bytes(key)) || c.error ? 0
                                                                : not_there();
  });
}

ptrdiff_t pkv_get(pkv_tree *t, pkv_txn *txn, struct pkv_bytes key, void *buffer,
                  size_t size) {
  if (!is_key(key) || !is_usable(*t->in, txn))
    return -1;
  std::optional<gate::inside> inside;
  if (!txn)
    inside.emplace(t->in->readers);
  const tree::record *r = tree::find(root_for(*t, txn), as_bytes(key));
  if (!r)
    return not_there();
  bytes value = tree::value_of(*r);
  if (std::size_t copied = std::min(size, value.size()))
    memcpy(buffer, value.data(), copied);
  return value.size();
}

int pkv_see(pkv_tree *t, pkv_txn *txn, struct pkv_bytes key,
            struct pkv_bytes *value) {
  if (!txn)
    return fail(EINVAL, "without a transaction a value may go at once: use "
                        "pkv_get, or begin one");
  if (!is_key(key) || !is_usable(*t->in, txn))
    return -1;
  const tree::record *r = tree::find(root_for(*t, txn), as_bytes(key));
  if (!r)
    return not_there();
  *value = as_pkv(tree::value_of(*r));
  return 0;
}

// ===- Cursors ----------------------------------------------------------===

pkv_cursor *pkv_cursor_open(pkv_tree *t, pkv_txn *txn) try {
  if (!is_usable(*t->in, txn))
    return nullptr;
  auto c = std::make_unique<pkv_cursor>();
  // To move it needs no memory.
  c->key.reserve(indexed_by(t->lies->called()).data() ? inside::entry_max
                                                      : PKV_KEY_MAX);
  c->of = t;
  if (!txn) {
    c->own = std::make_unique<pkv_txn>();
    begin_snapshot(*t->in, *c->own);
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
  if (key)
    *key = as_pkv(tree::key_of(*r));
  if (value)
    *value = as_pkv(tree::value_of(*r));
  return 0;
}

// ===- Looking at all of it ---------------------------------------------===

int pkv_stat(pkv_tree *t, pkv_txn *txn, struct pkv_stat *stat) {
  pkv &s = *t->in;
  if (!is_usable(s, txn))
    return -1;
  struct perdure_stat objects;
  if (perdure_stat(s.header, &objects))
    return fail_below();
  tree::shape shape;
  {
    gate::inside in(s.readers);
    stat->waiting = s.waiting;
    if (!txn)
      shape = t->published;
    else if (txn->writes)
      shape = t->lies->seen();
    else if (t->number < txn->shapes.size())
      shape = txn->shapes[t->number];
    stat->height = shape.root ? shape.root->level + 1 : 0;
  }
  stat->pairs = shape.pairs;
  stat->key_bytes = shape.key_bytes;
  stat->value_bytes = shape.value_bytes;
  stat->leaves = shape.leaves;
  stat->inner_nodes = shape.inners;
  {
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

/// The queue is who writes' own.
const char *check_queue(pkv &s) {
  std::unique_lock<std::mutex> lock(s.writing, std::defer_lock);
  bool writes = writing_here && writing_here->in == &s;
  if (!writes)
    lock.lock();
  if (const char *wrong = tree::check_queue(*s.header))
    return wrong;
  std::int64_t lost = 0;
  if (!writes && count_lost(s, lost))
    return message;
  return lost < 0
             ? "there are more pairs, nodes and free blocks than blocks are "
               "allocated"
             : nullptr;
}

} // namespace

int64_t pkv_lost(pkv *s) {
  if (is_free())
    return -1;
  std::lock_guard<std::mutex> lock(s->writing);
  if (const char *wrong = tree::check_queue(*s->header))
    return fail(EPROTO, "%s", wrong);
  std::int64_t lost;
  if (count_lost(*s, lost))
    return -1;
  return lost < 0 ? fail(EPROTO, "blocks are missing: see pkv_check") : lost;
}

namespace {

const char *check_followed(pkv_tree &t, pkv_txn &seen) {
  inside::follower *f = nullptr;
  inside::exclude_writers(t, [&] { f = t.follower.get(); });
  return f ? f->check(t, &seen) : nullptr;
}

} // namespace

const char *pkv_check(pkv *s) try {
  if (const char *wrong = check_queue(*s))
    return wrong;
  pkv_txn seen;
  begin_snapshot(*s, seen);
  const char *wrong = nullptr;
  std::list<pkv_tree>::iterator each = s->trees.begin();
  for (std::size_t i = 0; i < seen.shapes.size() && !wrong; i++) {
    if (i)
      ++each;
    if ((wrong = tree::check(seen.shapes[i], seen.version)) ||
        (wrong = check_followed(*each, seen))) {
      bytes name = each->lies->called();
      fail(EPROTO, "tree '%.*s': %s", int(name.size()), name.data(), wrong);
      wrong = message;
    }
  }
  end_snapshot(seen);
  return wrong;
} catch (const std::bad_alloc &) {
  return "no memory to look at the store";
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

int inside::check_pair(struct pkv_bytes key, struct pkv_bytes value) {
  return is_key(key) && is_value(value) ? 0 : -1;
}

const tree::stored &inside::lies(pkv_tree &t) { return *t.lies; }

tree::stored &inside::to_change(pkv_tree &t) {
  touch(t);
  return *t.lies;
}

const tree::node *inside::root_for(pkv_tree &t, const pkv_txn *txn) {
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

bool inside::is_followed(pkv_tree &t) { return t.followed; }

int inside::follow(pkv_tree &t, tree::change &c, bytes key,
                   const bytes *value) {
  if (!t.followed)
    return 0;
  if (!t.follower)
    return ::fail(EINVAL, "the tree has indexes that have not been opened: "
                          "pkv_index_open them before the tree is changed, or "
                          "pkv_index_drop them");
  const tree::record *r = tree::find(t.lies->root, key);
  if (!r && !value)
    return 0;
  bytes before = r ? tree::value_of(*r) : bytes();
  return t.follower->follow(c, key, r ? &before : nullptr, value);
}

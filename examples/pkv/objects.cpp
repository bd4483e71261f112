// objects.cpp - Values in other objects: pkv_object_open and what follows it in
// pkv.h.
//
// Who may not write an object never has to free anything there: what waits for
// snapshots waits in a queue in the object, which those get shorter who put
// values there. The store's own object says of each how many values it has, and
// when it was last written. It is always the first that a transaction changes,
// so it says, too, what has been committed when a process dies in the middle of
// that.
#include "objects.h"

#include "inside.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <sys/stat.h>
#include <unistd.h>

using tree::bytes;
using tree::holder;

namespace {

__attribute__((format(printf, 2, 3))) int fail(int error, const char *format,
                                               ...) {
  char words[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(words, sizeof(words), format, arguments);
  va_end(arguments);
  return inside::fail(error, words);
}

int no_memory() { return fail(ENOMEM, "no memory for another object"); }

struct shown {
  char name[PKV_NAME_MAX + 1] = {};
  explicit shown(const holder &h) { h.called().copy(name, PKV_NAME_MAX); }
};

/// What the store's file of the object is called.
struct path {
  char text[48];
  explicit path(perdure_id id) {
    std::snprintf(text, sizeof(text), "objects/%016llx%016llx",
                  static_cast<unsigned long long>(id.hi),
                  static_cast<unsigned long long>(id.lo));
  }
};

int gone(const holder &h) {
  return fail(
      ENODATA,
      "the object '%s' is gone, and the values in it: put its file back "
      "into the store",
      shown(h).name);
}

} // namespace

// ===- Reading ----------------------------------------------------------===

pkv_object &value_objects::object(holder &h) {
  std::lock_guard<std::mutex> lock(of_list);
  for (pkv_object &each : list)
    if (each.lies == &h)
      return each;
  return list.emplace_back(of.self, &h);
}

/// With which error the object's file cannot be opened; 0: it can.
int value_objects::why_not_readable(const holder &h) {
  path at(perdure_object_id(h.root));
  int file = openat(of.directory, at.text,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0)
    return errno;
  close(file);
  return 0;
}

/// Of an object that no pointer could be followed to: maybe it can be now.
/// False: no, and why was said.
bool value_objects::may_read(const holder &h) {
  if (int error = why_not_readable(h)) {
    if (error == ENOENT)
      gone(h);
    else
      fail(error, "the object '%s' may not be read: %s", shown(h).name,
           std::strerror(error));
    return false;
  }
  void *root = perdure_open(of.objects, shown(h).name, PERDURE_RDONLY);
  if (!root) {
    // Its name is gone: not what a caller takes for "there is no such key".
    fail(errno == ENOENT ? EPROTO : errno, "the object '%s' cannot be read: %s",
         shown(h).name, perdure_errormsg());
    return false;
  }
  perdure_close(root);
  if (root == h.root)
    return true;
  fail(EPROTO, "the object '%s' cannot be read, and another has its name",
       shown(h).name);
  return false;
}

/// Its root. Null: why was said.
const tree::values *value_objects::readable(const holder &h) {
  const tree::values *root = h.root;
  return perdure_root(root) || may_read(h) ? root : nullptr;
}

/// Where processes take turns, and this one may only read the object, it may
/// have it as it was when another one died (perdure_lock). It sees an older
/// version then, because the version was written by every transaction that was
/// undone.
int value_objects::catch_up(holder &h) {
  if (object(h).writes)
    return 0;
  const tree::values *root = h.root;
  std::uint64_t last = __atomic_load_n(&h.version, __ATOMIC_ACQUIRE);
  if (__atomic_load_n(&root->version, __ATOMIC_ACQUIRE) >= last)
    return 0;
  if (perdure_lock(h.root, PERDURE_RDONLY) < 0)
    return fail(errno, "%s", perdure_errormsg());
  perdure_unlock(h.root);
  return 0;
}

bytes value_objects::read(const tree::record &r) try {
  const tree::elsewhere &e = tree::place_of(r);
  const char *data = e.data;
  if (!perdure_root(data) && !may_read(*e.in))
    return {};
  if (of.shared && (!readable(*e.in) || catch_up(*e.in)))
    return {};
  return {data, tree::value_size(r)};
} catch (const std::bad_alloc &) {
  no_memory();
  return {};
}

// ===- Writing ----------------------------------------------------------===

/// With whatever rights there are: what they do not allow shows when it is
/// tried.
int value_objects::open_to_write(pkv_object &o) {
  const holder &h = *o.lies;
  void *root =
      perdure_open(of.objects, shown(h).name, of.durable ? PERDURE_DURABLE : 0);
  if (!root) {
    int error = errno;
    if (why_not_readable(h) == ENOENT)
      return gone(h);
    return error == ENOENT
               ? fail(EPROTO,
                      "nothing in the store is called '%s' any more, but "
                      "the object is there: give it its name back",
                      shown(h).name)
               : fail(error, "the object '%s' cannot be opened to write: %s",
                      shown(h).name, perdure_errormsg());
  }
  int result = -1;
  if (root != h.root) {
    if (why_not_readable(h) == ENOENT)
      gone(h);
    else
      fail(EPROTO, "another object is called '%s' now", shown(h).name);
  } else if (of.shared ? perdure_lock(root, 0) < 0 : perdure_tx_begin(root)) {
    fail(errno == EROFS ? EACCES : errno,
         "the object '%s' may not be written: %s", shown(h).name,
         perdure_errormsg());
  } else {
    if (!of.shared)
      perdure_tx_commit(); // the inner one
    o.entered = of.shared;
    result = 0;
  }
  if (result) {
    int error = errno;
    perdure_close(root);
    errno = error;
  } else {
    o.writes = true;
  }
  return result;
}

/// Once in a transaction.
int value_objects::use(tree::change &c, holder &h) {
  if (h.version == c.version)
    return 0;
  if (of.shared && of.durable)
    return fail(EINVAL,
                "with PKV_SHARED and PKV_DURABLE values in other objects "
                "are not changed");
  pkv_object &o = object(h);
  if (!o.writes) {
    if (open_to_write(o))
      return -1;
  } else if (of.shared && !o.entered) {
    if (perdure_lock(h.root, 0) < 0)
      return fail(errno, "%s", perdure_errormsg());
    o.entered = true;
  }
  if (std::memcmp(h.root->magic, tree::values_magic,
                  sizeof(tree::values_magic)))
    return fail(EPROTO, "the object '%s' holds no values of this version",
                shown(h).name);
  if (h.root->version != h.version)
    return fail(
        EPROTO,
        "the object '%s' is not as old as the store: one of the two has "
        "been copied back",
        shown(h).name);
  tree::start(c, h, tree::share_of_garbage);
  return c.error ? -1 : 0;
}

void value_objects::leave() {
  std::lock_guard<std::mutex> lock(of_list);
  for (pkv_object &each : list)
    if (each.entered) {
      perdure_unlock(each.lies->root);
      each.entered = false;
    }
  if (fresh)
    perdure_unlock(fresh);
  fresh = nullptr;
}

int value_objects::prepare(tree::change &c, const tree::node *root, bytes key,
                           pkv_object *in) try {
  // What is gone can be replaced, and needs no block to be freed.
  const tree::record *r = tree::find(root, key);
  if (r && tree::is_elsewhere(*r))
    if (use(c, *tree::place_of(*r).in) && errno != ENODATA)
      return -1;
  return in ? use(c, *in->lies) : 0;
} catch (const std::bad_alloc &) {
  return no_memory();
}

pkv_object *value_objects::find(bytes name) {
  for (holder *each = of.header->holders; each; each = each->next)
    if (each->called() == name)
      return &object(*each);
  return nullptr;
}

// ===- Making -----------------------------------------------------------===

/// One that a process has left that died before it was the store's.
static bool is_unused(tree::values *root) {
  struct perdure_stat stat;
  return !perdure_stat(root, &stat) && stat.root_bytes == sizeof(*root) &&
         stat.blocks == 1 && !root->magic[0] && !root->version;
}

tree::values *value_objects::create(const char *name, unsigned mode) {
  unsigned durable = of.durable ? PERDURE_DURABLE : 0;
  void *root = perdure_create(of.objects, name, sizeof(tree::values), durable);
  bool was_there = !root && errno == EEXIST;
  if (was_there)
    root = perdure_open(of.objects, name, durable);
  if (!root) {
    fail(errno, "%s", perdure_errormsg());
    return nullptr;
  }
  auto *made = static_cast<tree::values *>(root);
  if (was_there && !is_unused(made)) {
    perdure_close(root);
    fail(EEXIST, "the store has an object '%s' that holds something else",
         name);
    return nullptr;
  }
  path at(perdure_object_id(root));
  struct stat left = {};
  if (was_there &&
      (fstatat(of.directory, at.text, &left, AT_SYMLINK_NOFOLLOW) ||
       left.st_uid != geteuid())) {
    perdure_close(root);
    fail(EEXIST, "the store has an object '%s' that is another user's", name);
    return nullptr;
  }
  // To open it by its name, that has to be read. Before there is anything in
  // it. What was left may have any mode.
  std::string named = std::string("names/") + name;
  if ((was_there || mode != 0600) &&
      (fchmodat(of.directory, named.c_str(), 0600 | (mode & 0444), 0) ||
       fchmodat(of.directory, at.text, mode, 0))) {
    int error = errno;
    perdure_close(root);
    fail(error, "the mode of the object '%s' cannot be set: %s", name,
         std::strerror(error));
    return nullptr;
  }
  return made;
}

int value_objects::enter(tree::change &c, const char *name,
                         tree::values *root) try {
  if (of.shared) {
    if (perdure_lock(root, 0) < 0)
      return fail(errno, "%s", perdure_errormsg());
    fresh = root;
  }
  if (!tree::make(c, name, root))
    return -1;
  // Who follows a pointer opens it to read, whatever it may do.
  return perdure_set_rights(of.header, root, PERDURE_RDONLY)
             ? fail(errno, "%s", perdure_errormsg())
             : 0;
} catch (const std::bad_alloc &) {
  return no_memory();
}

// ===- Looking at them --------------------------------------------------===

namespace {

/// What a process that died has left half done is undone, or done.
struct settled {
  void *of = nullptr;
  bool ok = true;
  settled(void *root, bool shared, bool writes) {
    if (!shared)
      return;
    ok = perdure_lock(root, writes ? 0 : PERDURE_RDONLY) >= 0;
    if (!ok && errno == EDEADLK) // by this thread
      ok = true;
    else if (ok)
      of = root;
  }
  settled(const settled &) = delete;
  ~settled() {
    int error = errno;
    if (of)
      perdure_unlock(of);
    errno = error;
  }
};

} // namespace

int value_objects::measure(pkv_object &o, struct pkv_object_stat &stat) {
  holder &h = *o.lies;
  stat = {};
  stat.values = h.count;
  stat.value_bytes = h.value_bytes;
  if (!readable(h)) {
    stat.error = errno;
    return 0;
  }
  struct perdure_stat object;
  settled now(h.root, of.shared, o.writes);
  if (!now.ok || perdure_stat(h.root, &object))
    return fail(errno, "%s", perdure_errormsg());
  stat.waiting = h.root->unused.waiting;
  stat.file_bytes = object.file_bytes;
  stat.used_bytes = object.used_bytes;
  stat.free_bytes = object.free_bytes;
  return 0;
}

const char *value_objects::check(int &error, std::int64_t &lost) {
  for (holder *h = of.header->holders; h; h = h->next) {
    if (!h->root || !h->name_bytes || h->name_bytes > PKV_NAME_MAX)
      return "what the store says of an object with values is damaged";
    if (!readable(*h)) {
      error = errno;
      continue;
    }
    settled now(h->root, of.shared, object(*h).writes);
    struct perdure_stat stat;
    if (!now.ok || perdure_stat(h->root, &stat)) {
      error = errno;
      fail(error, "%s", perdure_errormsg());
      continue;
    }
    const tree::values &root = *h->root;
    if (std::memcmp(root.magic, tree::values_magic, sizeof(root.magic)))
      return "an object with values is none";
    if (root.version != h->version)
      return "an object with values is not as old as the store: one of the two "
             "has been copied back";
    if (const char *wrong = tree::check(root.unused, root.version))
      return wrong;
    auto more = std::int64_t(stat.blocks - tree::blocks(*h));
    if (more < 0)
      return "an object has more values and blocks that wait than are "
             "allocated";
    lost += more;
  }
  return nullptr;
}

// ===- The interface ----------------------------------------------------===

static bool is_name(const char *name) {
  constexpr char letters[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
      "0123456789_-.";
  std::size_t size = std::strlen(name);
  return size >= 1 && size <= PKV_NAME_MAX && name[0] != '.' &&
         std::strspn(name, letters) == size && std::strcmp(name, "pkv");
}

pkv_object *pkv_object_open(pkv *s, const char *name, unsigned flags,
                            unsigned mode) try {
  if (flags & ~unsigned(PKV_CREATE) || mode & ~0666u || !is_name(name)) {
    fail(
        EINVAL,
        "an object's name has 1 to %d letters, digits, '-', '_' and '.', does "
        "not begin with '.', and is not 'pkv'; its mode has no other bits than "
        "0666; and pkv_object_open knows the flag PKV_CREATE",
        PKV_NAME_MAX);
    return nullptr;
  }
  value_objects &all = inside::objects_of(*s);
  pkv_object *found = nullptr;
  auto look = [&] {
    found = all.find(name);
    return 0;
  };
  if (inside::in_turn(*s, look) || found)
    return found;
  if (!(flags & PKV_CREATE)) {
    fail(ENOENT, "the store has no values in an object '%s'", name);
    return nullptr;
  }
  // In one turn, so that who comes second finds what the first has made.
  tree::values *root = nullptr;
  auto make = [&] {
    look();
    return found ? 1 : (root = all.create(name, mode)) ? 0 : -1;
  };
  if (inside::alone(*s, make, [&](tree::change &c) {
        return all.enter(c, name, root);
      }) < 0) {
    int error = errno;
    if (root)
      perdure_close(root);
    errno = error;
    return nullptr;
  }
  return inside::in_turn(*s, look) ? nullptr : found;
} catch (const std::bad_alloc &) {
  no_memory();
  return nullptr;
}

int pkv_objects(pkv *s, int (*visit)(void *arg, const char *name),
                void *arg) try {
  std::list<std::string> names;
  if (inside::in_turn(*s, [&] {
        for (const holder *each = inside::objects_of(*s).first(); each;
             each = each->next)
          names.emplace_back(each->called());
        return 0;
      }))
    return -1;
  for (const std::string &name : names)
    if (int result = visit(arg, name.c_str()))
      return result;
  return 0;
} catch (const std::bad_alloc &) {
  return no_memory();
}

int pkv_object_stat(pkv_object *o, struct pkv_object_stat *stat) {
  return inside::in_turn(
      *o->in, [&] { return inside::objects_of(*o->in).measure(*o, *stat); });
}

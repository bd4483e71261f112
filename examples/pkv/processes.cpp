// processes.cpp - What the processes that have one store open tell each other.
#include "processes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using word = std::atomic<std::uint64_t>;
static_assert(word::is_always_lock_free, "shared by processes");

constexpr char file_name[] = "pkv.processes";
constexpr std::size_t places = 1024; // in the table of readers
constexpr std::size_t most_trees = std::size_t(1) << 20;
constexpr std::uint64_t nothing = 0; // no version: the first is 1
constexpr std::uint64_t unknown = ~std::uint64_t(0); // later than all

// ===- Locks -------------------------------------------------------------===
//
// Of the kernel's, on bytes of two open files: they end with the process. Those
// of one description do not exclude each other.

/// Of the store's directory, shared by those that have it open ...
constexpr off_t byte_of_sharers = 1; // ... with PKV_SHARED
/// Of the file.
constexpr off_t byte_of_opening = 0, byte_of_writers = 1, byte_of_places = 4096;

struct flock range(short kind, off_t at) {
  struct flock l = {};
  l.l_type = kind;
  l.l_whence = SEEK_SET;
  l.l_start = at;
  l.l_len = 1;
  return l;
}

int lock(int file, short kind, off_t at, bool wait) {
  struct flock l = range(kind, at);
  int result;
  do
    result = fcntl(file, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l);
  while (result && errno == EINTR);
  return result ? errno : 0;
}

/// Also where the kernel does not say.
bool is_locked_by_others(int file, off_t at) {
  struct flock l = range(F_WRLCK, at);
  return fcntl(file, F_OFD_GETLK, &l) || l.l_type != F_UNLCK;
}

/// All locks of the description, which children of fork() may have open still.
void unlock_all(int file) {
  struct flock l = range(F_UNLCK, 0);
  l.l_len = 0;
  fcntl(file, F_OFD_SETLK, &l);
}

int allocate(int file, std::size_t bytes) {
  int error;
  do
    error = posix_fallocate(file, 0, off_t(bytes));
  while (error == EINTR);
  return error;
}

} // namespace

// ===- The file ----------------------------------------------------------===

namespace {

/// A tree in one version. Who reads compares `version` before and after.
struct form {
  word version, root, pairs, key_bytes, value_bytes, leaves, inners;

  tree::shape in(const char *base) const {
    auto get = [](const word &w) { return w.load(std::memory_order_relaxed); };
    std::uint64_t at = get(root);
    return {at ? reinterpret_cast<const tree::node *>(base + at) : nullptr,
            get(pairs),
            get(key_bytes),
            get(value_bytes),
            get(leaves),
            get(inners)};
  }
};

struct entry {
  word lies; // where in the object
  word made; // the version in which it came
  form forms[2];

  /// The last up to a version, or null.
  const form *at(std::uint64_t version, std::uint64_t &found) const {
    const form *last = nullptr;
    found = nothing;
    for (const form &f : forms) {
      std::uint64_t v = f.version.load(std::memory_order_acquire);
      if (v != nothing && v <= version && v > found) {
        last = &f;
        found = v;
      }
    }
    return last;
  }
};

struct place {
  alignas(64) word version; // the oldest that its owner reads
};

} // namespace

struct processes::shared {
  alignas(64) word published;
  word trees, waiting, durable;
  word used; // places, at most
  alignas(4096) place readers[places];
  entry entries[most_trees]; // as far as the file goes
};

namespace {

constexpr std::size_t trees_at_once = 128;
std::size_t bytes_for(std::size_t trees, std::size_t before) {
  return before + (trees + trees_at_once - 1) / trees_at_once * trees_at_once *
                      sizeof(entry);
}

} // namespace

namespace {

/// Whoever may write in the directory may have the store open, whatever the umask and
/// the group of the process are that made the file. Where that cannot be had, others
/// are told that they cannot open it.
void share_with_group(int file, const struct stat &is, const struct stat &folder) {
  if (is.st_uid != geteuid() || is.st_size)
    return;
  if (is.st_gid != folder.st_gid && fchown(file, uid_t(-1), folder.st_gid))
    return;
  if ((is.st_mode & 0666) != (folder.st_mode & 0666))
    (void)!fchmod(file, folder.st_mode & 0666);
}

} // namespace

/// Opens the file, and waits until nobody else opens or closes the store.
int processes::enter(std::string &why) {
  struct stat d, f;
  if (fstat(directory, &d)) {
    why = std::strerror(errno);
    return errno;
  }
  for (;;) {
    file = openat(directory, file_name,
                  O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, d.st_mode & 0666);
    if (file < 0) {
      int error = errno;
      why = std::string(file_name) + ": " + std::strerror(error) +
            "; with PKV_SHARED who reads writes that down, too";
      return error;
    }
    int error = lock(file, F_WRLCK, byte_of_opening, true);
    if (error || fstat(file, &f)) {
      why =
          std::string(file_name) + ": " + std::strerror(error ? error : errno);
      return error ? error : errno;
    }
    if (f.st_nlink) {
      share_with_group(file, f, d);
      return 0;
    }
    close(file); // the last one has just removed it
  }
}

/// Nobody else has the store open. Gives the file its size first: on a disk
/// that is full a page of it could not be had later.
void processes::begin_anew() {
  all->published = all->trees = all->waiting = nothing;
  all->durable = unknown;
  all->used = 0;
  for (place &p : all->readers)
    p.version = nothing;
}

int processes::join(int open_directory, bool writes, bool &durable, bool &first,
                    std::string &why) {
  directory = open_directory;
  process = getpid();
  if (int error = enter(why))
    return error;
  first = !is_locked_by_others(directory, byte_of_sharers);
  int error = lock(directory, F_RDLCK, byte_of_sharers, false);
  is_open = !error;
  if (!error && first)
    error = ftruncate(file, 0) ? errno : 0;
  struct stat f;
  if (!error)
    error = fstat(file, &f) ? errno : 0;
  if (!error) {
    bytes = std::max<std::size_t>(
        f.st_size, bytes_for(trees_at_once, offsetof(shared, entries)));
    error = allocate(file, bytes);
  }
  if (!error) {
    void *p = mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_NORESERVE, file, 0);
    if (p == MAP_FAILED)
      error = errno;
    else
      all = static_cast<shared *>(p);
  }
  if (error) {
    why = std::string(file_name) + ": " + std::strerror(error);
    return error;
  }
  // Or one was the first, and did not come so far as to publish.
  first = first || all->published == nothing;
  if (first)
    begin_anew();
  if (!writes) {
    durable = all->durable == 1;
    return 0;
  }
  // Where this is the first to get so far, who holds the byte has failed, and
  // lets go of the store.
  if (!first && is_locked_by_others(file, byte_of_writers) &&
      all->durable != durable) {
    why = durable ? "other processes write it without PKV_DURABLE"
                  : "other processes write it with PKV_DURABLE";
    return EBUSY;
  }
  all->durable = durable;
  error = lock(file, F_RDLCK, byte_of_writers, false);
  if (error)
    why = std::string(file_name) + ": " + std::strerror(error);
  return error;
}

processes::opening::~opening() {
  if (of->file >= 0)
    lock(of->file, F_UNLCK, byte_of_opening, false);
}

void processes::lies_in(tree::header &h) {
  base = reinterpret_cast<char *>(&h) - perdure_offset(&h);
}

processes::~processes() {
  int error = errno;
  if (process != getpid()) { // the places and locks are its parent's
    if (all)
      munmap(all, sizeof(shared));
    if (file >= 0)
      close(file);
    errno = error;
    return;
  }
  for (lane &l : own)
    if (l.place)
      l.place->store(nothing);
  if (all)
    munmap(all, sizeof(shared));
  // The last one removes the file, while nobody opens the store.
  if (is_open && !lock(file, F_WRLCK, byte_of_opening, true)) {
    lock(directory, F_UNLCK, byte_of_sharers, false);
    if (!is_locked_by_others(directory, byte_of_sharers))
      unlinkat(directory, file_name, 0);
  }
  if (file >= 0) {
    unlock_all(file);
    close(file);
  }
  errno = error;
}

// ===- Reading -----------------------------------------------------------===

/// A place in the table is whose lock it is. Those of the dead are free again.
int processes::claim(lane &l) try {
  std::lock_guard<std::mutex> hold(claiming);
  for (unsigned i = 0; i < places; i++) {
    if (claimed.count(i) ||
        lock(file, F_WRLCK, byte_of_places + off_t(i), false))
      continue;
    claimed.insert(i);
    l.place = &all->readers[i].version;
    l.place->store(nothing);
    std::uint64_t used = all->used;
    while (used <= i && !all->used.compare_exchange_weak(used, i + 1)) {
    }
    return 0;
  }
  return EAGAIN;
} catch (const std::bad_alloc &) {
  return ENOMEM;
}

int processes::begin_reading(unsigned &number, std::uint64_t &version) try {
  static std::atomic<unsigned> threads{0};
  thread_local unsigned mine = threads++ % lanes;
  number = mine;
  lane &l = own[number];
  std::lock_guard<std::mutex> hold(l.lock);
  if (!l.place)
    if (int error = claim(l))
      return error;
  version = all->published;
  bool others = !l.versions.empty(); // older, or as old: they keep it, too
  auto kept = l.versions.insert(version);
  while (!others) {
    // Stored before it is looked at again, and who writes does both the other
    // way round: it publishes, and looks here before it frees anything.
    l.place->store(version);
    std::uint64_t now = all->published;
    if (now == version)
      break;
    version = now;
    auto node = l.versions.extract(kept); // needs no memory
    node.value() = version;
    kept = l.versions.insert(std::move(node));
  }
  return 0;
} catch (const std::bad_alloc &) {
  return ENOMEM;
}

void processes::end_reading(unsigned number, std::uint64_t version) {
  lane &l = own[number];
  std::lock_guard<std::mutex> hold(l.lock);
  l.versions.erase(l.versions.find(version));
  l.place->store(l.versions.empty() ? nothing : *l.versions.begin());
}

/// However many the file says.
std::size_t processes::trees() const {
  return std::min<std::size_t>(all->trees, most_trees);
}

tree::stored *processes::tree(std::size_t number) const {
  return reinterpret_cast<tree::stored *>(base + all->entries[number].lies);
}

processes::seen processes::look(std::size_t number, std::uint64_t version,
                                tree::shape &shape) const {
  if (number >= trees() || all->entries[number].made > version)
    return seen::not_yet;
  std::uint64_t found;
  const form *f = all->entries[number].at(version, found);
  if (!f)
    return seen::no_longer;
  shape = f->in(base);
  std::atomic_thread_fence(std::memory_order_acquire);
  return f->version.load(std::memory_order_relaxed) == found ? seen::there
                                                             : seen::no_longer;
}

int processes::begin_snapshot(unsigned &number, std::uint64_t &version,
                              std::vector<tree::shape> &shapes) try {
  for (;;) {
    shapes.reserve(trees() + 1); // the memory first
    if (int error = begin_reading(number, version))
      return error;
    shapes.clear();
    seen last = seen::there;
    for (std::size_t i = 0; last == seen::there; i++) {
      tree::shape shape;
      last = i < shapes.capacity() ? look(i, version, shape) : seen::no_longer;
      if (last == seen::there)
        shapes.push_back(shape);
    }
    if (last == seen::not_yet)
      return 0;
    end_reading(number, version);
  }
} catch (const std::bad_alloc &) {
  return ENOMEM;
}

int processes::begin_look(std::size_t of, unsigned &number,
                          std::uint64_t &version, tree::shape &shape) {
  for (;;) {
    if (int error = begin_reading(number, version))
      return error;
    if (look(of, version, shape) != seen::no_longer)
      return 0;
    end_reading(number, version);
  }
}

std::uint64_t processes::published() const { return all->published; }
std::uint64_t processes::waiting() const { return all->waiting; }

std::size_t processes::snapshots() {
  std::size_t sum = 0;
  for (lane &l : own) {
    std::lock_guard<std::mutex> hold(l.lock);
    sum += l.versions.size();
  }
  return sum;
}

// ===- Writing -----------------------------------------------------------===

bool processes::is_dead(unsigned place) {
  std::lock_guard<std::mutex> hold(claiming);
  return !claimed.count(place) &&
         !is_locked_by_others(file, byte_of_places + off_t(place));
}

std::uint64_t processes::oldest() {
  std::uint64_t least = all->published;
  for (unsigned i = 0, used = unsigned(all->used); i < used; i++) {
    word &version = all->readers[i].version;
    std::uint64_t v = version;
    if (v == nothing || v >= least)
      continue;
    // Who claims the place just now has published versions to look at again,
    // all of which are later than this.
    if (is_dead(i) && version.compare_exchange_strong(v, nothing))
      continue;
    least = std::min(least, v);
  }
  return least;
}

int processes::reserve(std::size_t trees) {
  if (trees > most_trees)
    return ENOSPC;
  std::size_t need = bytes_for(trees, offsetof(shared, entries));
  if (need <= bytes)
    return 0;
  if (int error = allocate(file, need))
    return error;
  bytes = need;
  return 0;
}

void processes::show(std::size_t number, tree::stored &t,
                     std::uint64_t version) {
  entry &e = all->entries[number];
  std::uint64_t found;
  if (number >=
      trees()) { // nobody looks at it yet; a dead process may have been here
    e.lies = perdure_offset(&t);
    e.made = version;
    for (form &f : e.forms)
      f.version = nothing;
  }
  // Readers of what is published find the other one.
  const form *kept = e.at(all->published, found);
  form &f = e.forms[kept == &e.forms[0]];
  // With what was stored before, to the other form among it: who finds this one
  // unknown finds that changed.
  f.version.store(unknown, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_release);
  auto set = [](word &w, std::uint64_t value) {
    w.store(value, std::memory_order_relaxed);
  };
  const tree::node *root = t.root;
  set(f.root, root ? perdure_offset(root) : 0);
  set(f.pairs, t.pairs);
  set(f.key_bytes, t.key_bytes);
  set(f.value_bytes, t.value_bytes);
  set(f.leaves, t.leaves);
  set(f.inners, t.inners);
  f.version.store(version, std::memory_order_release);
}

void processes::publish(std::uint64_t version, std::size_t trees,
                        std::uint64_t waiting) {
  all->waiting = waiting;
  all->trees = trees;
  all->published = version;
}

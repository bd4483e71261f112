// map.h - A hash map in an object that counts words without locks.
//
// Any number of threads of any number of processes count and look up at once. A
// process may be killed at any point: nobody ever waits for another.
//
// Each bucket is a list to which entries are only ever added, at its head, and
// entries are never freed while the map is in use. That is what makes it right:
//
// - A comparison of heads suffices to add. The list is searched from the head
// that
//   was loaded; when the exchange finds that head still there, nothing has been
//   added since, so the word is still missing. The head cannot have gone and
//   come back (ABA), because an entry is made the head of a list once.
// - An entry is complete before the exchange, which releases it. Loads of the
// head
//   acquire it. What the entry holds does not change afterwards, but for its
//   count, which is atomic.
// - A process that is killed leaves a list that is whole. At worst an entry
// that it
//   has allocated is in no list: it leaks.
#ifndef MAP_H
#define MAP_H

#include <atomic>
#include <cstdint>
#include <cstring>
#include <perdure/perdure.h>
#include <string_view>

struct [[perdure::persistent]] entry {
  entry *next;
  std::atomic<std::uint64_t> count;
  std::size_t length;
  char bytes[];

  std::string_view word() const { return {bytes, length}; }
};

class [[perdure::persistent]] map {
  static constexpr std::size_t bucket_count = 1024;
  perdure::atomic_ptr<entry> buckets[bucket_count];

  perdure::atomic_ptr<entry> &bucket_of(std::string_view word) {
    std::uint64_t hash = 14695981039346656037u; // FNV-1a
    for (unsigned char c : word)
      hash = (hash ^ c) * 1099511628211u;
    return buckets[hash % bucket_count];
  }

  /// Among the entries from `first` on, but not from `end` on.
  static entry *search(entry *first, const entry *end, std::string_view word) {
    for (entry *e = first; e != end; e = e->next)
      if (e->word() == word)
        return e;
    return nullptr;
  }

  // The allocator is shared by processes, which take turns: only here does one
  // wait for another, and not for one that has died.
  entry *make(std::string_view word) {
    if (perdure_lock(this, 0) < 0)
      return nullptr;
    auto e =
        static_cast<entry *>(perdure_alloc(this, sizeof(entry) + word.size()));
    perdure_unlock(this);
    if (e) {
      e->length = word.size();
      word.copy(e->bytes, word.size());
    }
    return e;
  }

  void drop(entry *e) {
    if (perdure_lock(this, 0) < 0)
      return; // it leaks
    perdure_free(e);
    perdure_unlock(this);
  }

public:
  /// The word's entry, which is added when it is not there; null: no memory.
  entry *at(std::string_view word) {
    perdure::atomic_ptr<entry> &bucket = bucket_of(word);
    entry *head = bucket.load(std::memory_order_acquire);
    if (entry *found = search(head, nullptr, word))
      return found;
    entry *added = make(word);
    while (added) {
      added->next = head;
      entry *searched = head;
      if (bucket.compare_exchange_weak(head, added, std::memory_order_release,
                                       std::memory_order_acquire))
        break;
      if (entry *found = search(head, searched, word)) {
        drop(added); // nobody has seen it
        return found;
      }
    }
    return added;
  }

  bool count(std::string_view word) {
    entry *e = at(word);
    if (e)
      e->count.fetch_add(1, std::memory_order_relaxed);
    return e;
  }

  /// f(entry) for every entry there was when its bucket was looked at.
  template <class F> void visit(F &&f) const {
    for (const perdure::atomic_ptr<entry> &bucket : buckets)
      for (const entry *e = bucket.load(std::memory_order_acquire); e;
           e = e->next)
        f(*e);
  }

  /// What is wrong with the structure; null: nothing is.
  const char *check() {
    for (perdure::atomic_ptr<entry> &bucket : buckets)
      for (entry *e = bucket.load(std::memory_order_acquire); e; e = e->next) {
        if (&bucket_of(e->word()) != &bucket)
          return "a word is in the bucket of another";
        if (search(e->next, nullptr, e->word()))
          return "a word is there twice";
      }
    return nullptr;
  }
};

#endif

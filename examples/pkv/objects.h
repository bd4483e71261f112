// objects.h - The objects of a store that hold values, and the rights to them.
//
// Such an object is a file of its own. Whether it can be read or written is
// asked of the runtime before a byte of it is touched, and not before it is
// needed: pointers lead into objects that this process has never opened.
#ifndef PKV_OBJECTS_H
#define PKV_OBJECTS_H

#include "pkv.h"
#include "tree.h"

#include <atomic>
#include <list>
#include <mutex>
#include <string>

struct pkv_object {
  pkv *in;
  tree::holder *lies;
  std::atomic<bool> writes{false}; // it is open to write
  bool entered = false;            // in this turn; who writes knows

  pkv_object(pkv *s, tree::holder *h) : in(s), lies(h) {}
};

class value_objects {
public:
  /// The store that they belong to. To be said before anything below.
  struct store {
    pkv *self = nullptr;
    perdure_store *objects = nullptr;
    tree::header *header = nullptr;
    int directory = -1;
    bool shared = false, durable = false;
  };
  void belong_to(const store &s) { of = s; }
  /// From now on. For who writes alone; others may be reading.
  void become(bool durable) { of.durable = durable; }

  /// The value of a record that is not in it. Without data(): EACCES, ENODATA
  /// (the object is gone), and what perdure_open and perdure_lock fail with.
  tree::bytes read(const tree::record &r);

  // ===- For who writes, in its turn --------------------------------------===

  /// Before a key gets another value, in the object `in` if there is one, or
  /// loses it: gets objects ready in which something is put or freed. -1: as
  /// `read`.
  int prepare(tree::change &c, const tree::node *root, tree::bytes key,
              pkv_object *in);
  /// Null: there is none of that name. In a transaction, or while nobody
  /// writes.
  pkv_object *find(tree::bytes name);
  /// A file that no pointer leads to yet, in a turn in which there is none of
  /// the name. Null: errno.
  tree::values *create(const char *name, unsigned mode);
  /// Makes it one of the store's, in the same turn. -1: as `read`, or c.error.
  int enter(tree::change &c, const char *name, tree::values *root);
  /// What `prepare` and `enter` have locked; at the end of a turn among
  /// processes.
  void leave();

  tree::holder *first() { return of.header->holders; }
  /// While nobody writes. -1: EPROTO.
  int measure(pkv_object &o, struct pkv_object_stat &stat);
  /// What is wrong with them, or null. `error`: there is one that could not be
  /// looked at, for that reason, which was said. `lost`: adds blocks that
  /// nothing leads to.
  const char *check(int &error, std::int64_t &lost);

private:
  store of;
  std::mutex of_list;
  std::list<pkv_object> list;    // what this process has had to do with
  tree::values *fresh = nullptr; // in whose section `enter` is

  pkv_object &object(tree::holder &h);
  int use(tree::change &c, tree::holder &h);
  int open_to_write(pkv_object &o);
  const tree::values *readable(const tree::holder &h);
  bool may_read(const tree::holder &h);
  int why_not_readable(const tree::holder &h);
  int catch_up(tree::holder &h);
};

#endif

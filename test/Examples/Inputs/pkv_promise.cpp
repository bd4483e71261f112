// pkv_promise.cpp - Changes of a store of pkv.h that are promised one by one.
//
// pkv_promise STORE make | change [durable] | check
//
// `make` fills the store, `change` makes the changes, and notes each after it was
// made. `check` reads the notes from its input: those changes are there, perhaps one
// more, and nothing else.
#include "pkv_check.h"

#include <perdure/crash.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

/// Keys and values; "" is no value: the key is removed.
using pairs = std::vector<std::pair<std::string, std::string>>;

/// A change of several pairs is a transaction.
const std::vector<pairs> changes = {
    {{"0255", "new, and its leaf splits"}},
    {{"0255", "New, and of the same length"}}, // longer
    {{"0255", "new and of the same length:"}}, // not longer
    {{"0256", "where there is room"}},
    {{"0010", ""}, {"0020", "a"}, {"0030", "b"}, {"9999", "the last"}},
    {{"0020", "c"}, {"0030", "another value"}, {"9999", ""}},
    {{"0250", ""}},
    {{"0240", ""}},
    {{"0230", ""}},
    {{"0220", ""}}, // the leaf merges with its neighbour
    {{"0255", "NEW AND OF THE SAME LENGTH:"}},
    {{"0100", "far"}},
    {{"0100", "far again"}, {"0110", "far, too"}, {"0120", "near"}},
    {{"0110", ""}},
};

/// What begins so lies in another object.
bool is_far(const std::string &value) { return !value.compare(0, 3, "far"); }

/// What is there after the first `count` changes.
std::map<std::string, std::string> after(std::size_t count) {
  std::map<std::string, std::string> all;
  for (int i = 10; i <= 480; i += 10) {
    char key[8];
    std::snprintf(key, sizeof(key), "%04d", i);
    all[key] = "old";
  }
  for (std::size_t i = 0; i < count; i++)
    for (auto &[key, value] : changes[i])
      if (value.empty())
        all.erase(key);
      else
        all[key] = value;
  return all;
}

int bad(const std::string &what) {
  return std::fprintf(stderr, "%s\n", what.c_str()), 1;
}

pkv_object *far;

bool apply(pkv_tree *t, pkv_txn *txn, const pairs &what) {
  for (auto &[key, value] : what)
    if ((value.empty() ? pkv_del(t, txn, as_pkv(key))
         : is_far(value)
             ? pkv_put_in(t, txn, as_pkv(key), as_pkv(value), far, 0)
             : pkv_put(t, txn, as_pkv(key), as_pkv(value), 0)) < 0)
      return false;
  return true;
}

int make(pkv *s, pkv_tree *t) {
  auto all = after(0);
  pkv_txn *txn = pkv_begin(s, 0);
  return txn && apply(t, txn, {all.begin(), all.end()}) && !pkv_commit(txn)
             ? 0
             : bad(pkv_errormsg());
}

int change(pkv *s, pkv_tree *t) {
  for (std::size_t i = 0; i < changes.size(); i++) {
    if (changes[i].size() == 1) {
      if (!apply(t, nullptr, changes[i]))
        return bad(pkv_errormsg());
    } else {
      pkv_txn *txn = pkv_begin(s, 0);
      if (!txn || !apply(t, txn, changes[i]) || pkv_commit(txn))
        return bad(pkv_errormsg());
    }
    perdure_crash_note(std::to_string(i + 1).c_str());
  }
  return 0;
}

int check(pkv *s, pkv_tree *t) {
  char line[64];
  std::size_t promised = 0;
  while (std::fgets(line, sizeof(line), stdin))
    promised = std::stoul(line);
  if (const char *wrong = pkv_check(s))
    return bad(wrong);
  std::map<std::string, std::string> found;
  pkv_cursor *c = pkv_cursor_open(t, nullptr);
  for (int on = pkv_first(c); on; on = pkv_next(c)) {
    struct pkv_bytes key, value;
    if (pkv_pair(c, &key, &value))
      return bad(pkv_errormsg());
    found[{static_cast<const char *>(key.data), key.size}] = {
        static_cast<const char *>(value.data), value.size};
  }
  pkv_cursor_close(c);
  return found == after(promised) ||
                 (promised < changes.size() && found == after(promised + 1))
             ? 0
             : bad("not what was promised");
}

char **arguments;

int run() {
  bool durable = arguments[3] && !std::strcmp(arguments[3], "durable");
  pkv *s = pkv_open(arguments[1], PKV_CREATE | (durable ? PKV_DURABLE : 0));
  pkv_tree *t = s ? pkv_tree_open(s, "", 0) : nullptr;
  if (!t)
    return bad(pkv_errormsg());
  // `make` makes it, so that it is there before anything is promised.
  far = pkv_object_open(s, "far", PKV_CREATE, 0600);
  if (!far)
    return bad(pkv_errormsg());
  int status = !std::strcmp(arguments[2], "make")     ? make(s, t)
               : !std::strcmp(arguments[2], "change") ? change(s, t)
                                                      : check(s, t);
  pkv_close(s);
  return status;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 3)
    return bad("pkv_promise STORE make | change [durable] | check");
  arguments = argv;
  return std::strcmp(argv[2], "check") ? run() : perdure_crash_check(run);
}

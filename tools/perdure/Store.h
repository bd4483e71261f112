//===- Store.h - Stores that commands open, and their errors ----*- C++ -*-===//

#ifndef PERDURE_TOOLS_PERDURE_STORE_H
#define PERDURE_TOOLS_PERDURE_STORE_H

#include <perdure/runtime.h>

#include <string>

/// An open store, closed at the end; false when it could not be opened, which
/// has been said then.
class Store {
public:
  Store(const std::string &Path, unsigned Flags,
        const std::string &HintIfMissing =
            "give the directory of a store: the one with the file "
            "perdure.store in it");
  ~Store() { perdure_store_close(Handle); }
  Store(const Store &) = delete;
  Store &operator=(const Store &) = delete;
  explicit operator bool() const { return Handle; }
  operator perdure_store *() const { return Handle; }
  const std::string &path() const { return Path; }

private:
  std::string Path;
  perdure_store *Handle;
};

/// "perdure: " and the runtime's last message on stderr. With what the program's
/// user can do on a line of its own: it takes the place of the runtime's advice
/// when that is to call one of its functions. Gives Failure.
int reportFailure(const std::string &Hint = "");

/// The same for a failure about an object called Name.
int reportObjectFailure(const Store &S);

/// As file names and messages have it.
std::string toHex(perdure_id Id);
inline bool isNone(perdure_id Id) { return !(Id.hi | Id.lo); }

/// The object's file.
std::string pathOf(const Store &S, perdure_id Id);

/// Who writes an object, in words and as one word.
std::string describe(const struct perdure_holder &Holder);
const char *kindOf(const struct perdure_holder &Holder);

#endif // PERDURE_TOOLS_PERDURE_STORE_H

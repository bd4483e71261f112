// pkv_objects.cpp - Values in other objects, step by step.
//
// pkv_objects STORE steps|rights [durable]; pkv_objects STORE stale
//
// `rights` and `stale` play another user, so they want to be root's.
#include "pkv_check.h"
#include "queue.h"
#include "tree.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

std::string Path;
unsigned Durable;
bool NoMode; // can be set

struct store {
  pkv *All;
  pkv_tree *T;

  explicit store(unsigned Flags)
      : All(pkv_open(Path.c_str(),
                     Flags | (Flags & PKV_RDONLY ? 0 : Durable))) {
    CHECK(All && (T = pkv_tree_open(All, "", 0)));
  }
  ~store() { pkv_close(All); }
  store(const store &) = delete;

  pkv_object *object(const char *Name, unsigned Flags = 0,
                     unsigned Mode = 0600) {
    pkv_object *O = pkv_object_open(All, Name, Flags, Mode);
    CHECK(O);
    return O;
  }
  void put(const std::string &Key, const std::string &Value,
           pkv_object *In = nullptr, pkv_txn *Txn = nullptr) {
    CHECK((In ? pkv_put_in(T, Txn, as_pkv(Key), as_pkv(Value), In, 0)
              : pkv_put(T, Txn, as_pkv(Key), as_pkv(Value), 0)) >= 0);
  }
  int tryPut(const std::string &Key, pkv_object *In = nullptr,
             pkv_txn *Txn = nullptr) {
    return In ? pkv_put_in(T, Txn, as_pkv(Key), as_pkv("other"), In, 0)
              : pkv_put(T, Txn, as_pkv(Key), as_pkv("other"), 0);
  }
  ptrdiff_t tryGet(const std::string &Key) {
    return pkv_get(T, nullptr, as_pkv(Key), nullptr, 0);
  }
  int del(const std::string &Key, pkv_txn *Txn = nullptr) {
    return pkv_del(T, Txn, as_pkv(Key));
  }
  std::string get(const std::string &Key, pkv_txn *Txn = nullptr) {
    char Text[100];
    ptrdiff_t Size = pkv_get(T, Txn, as_pkv(Key), Text, sizeof(Text));
    CHECK(Size >= 0 && Size <= ptrdiff_t(sizeof(Text)));
    return std::string(Text, std::size_t(Size));
  }
  void sound(std::int64_t Lost = 0) {
    const char *Wrong = pkv_check(All);
    CHECK(!Wrong && !errno && pkv_lost(All) == Lost);
  }
};

struct pkv_object_stat statOf(pkv_object *O) {
  struct pkv_object_stat Stat;
  CHECK(!pkv_object_stat(O, &Stat));
  return Stat;
}

std::string fileOf(const std::string &Name) {
  std::string Id;
  std::ifstream(Path + "/names/" + Name) >> Id;
  CHECK(!Id.empty());
  return Path + "/objects/" + Id.substr(0, 32);
}

void allow(const std::string &File, unsigned Mode) {
  CHECK(!chmod(File.c_str(), Mode));
}

unsigned modeOf(const std::string &File) {
  struct stat Status;
  CHECK(!stat(File.c_str(), &Status));
  return Status.st_mode & 07777;
}

/// In another process, which is another user's.
template <class Body> void asNobody(Body Run) {
  pid_t Child = fork();
  if (!Child) {
    CHECK(!setgid(65534) && !setuid(65534) && geteuid() == 65534);
    prctl(PR_SET_DUMPABLE, 1); // or /proc/self would be root's
    Run();
    _exit(0);
  }
  int Status;
  CHECK(waitpid(Child, &Status, 0) == Child && !Status);
}

// ===- Alone --------------------------------------------------------------===

void names(store &S) {
  for (const char *Name :
       {"", ".hidden", "a/b", "..", "pkv", "a b", "\xc3\xa9"})
    REFUSES(EINVAL, "an object's name",
            pkv_object_open(S.All, Name, PKV_CREATE, 0600) ? 0 : -1);
  REFUSES(EINVAL, "mode",
          pkv_object_open(S.All, "a", PKV_CREATE, 04600) ? 0 : -1);
  REFUSES(ENOENT, "'a'", pkv_object_open(S.All, "a", 0, 0) ? 0 : -1);
  umask(077);
  S.object("a", PKV_CREATE, 0640);
  CHECK(modeOf(fileOf("a")) == 0640 && modeOf(Path + "/names/a") == 0640);
  CHECK(S.object("a", PKV_CREATE, 0600) == S.object("a"));
  CHECK(modeOf(fileOf("a")) == 0640);
  S.object("b", PKV_CREATE);
  CHECK(modeOf(fileOf("b")) == 0600);
  pkv_txn *Txn = pkv_begin(S.All, 0);
  REFUSES(EDEADLK, "transaction",
          pkv_object_open(S.All, "c", PKV_CREATE, 0600) ? 0 : -1);
  CHECK(S.object("a"));
  pkv_abort(Txn);
  std::string Names;
  CHECK(!pkv_objects(
      S.All,
      [](void *All, const char *Name) {
        *static_cast<std::string *>(All) += Name;
        return 0;
      },
      &Names));
  CHECK(Names == "ab");
}

void values() {
  store S(PKV_CREATE);
  names(S);
  pkv_object *A = S.object("a"), *B = S.object("b");
  S.put("1", "in a", A);
  S.put("2", "", B);
  S.put("3", "in the record");
  CHECK(S.get("1") == "in a" && S.get("2").empty());
  CHECK(pkv_put_in(S.T, nullptr, as_pkv("1"), as_pkv("x"), B, PKV_NOREPLACE) <
            0 &&
        errno == EEXIST);
  // From one to the other and back, while somebody sees it as it was.
  pkv_txn *Seen = pkv_begin(S.All, PKV_RDONLY);
  S.put("1", "in b now", B);
  S.put("3", "in a now", A);
  S.put("2", "in the record");
  CHECK(S.get("1", Seen) == "in a" && S.get("2", Seen).empty());
  CHECK(S.get("3", Seen) == "in the record" && S.get("1") == "in b now");
  CHECK(statOf(A).waiting == 1 && statOf(B).waiting == 1);
  struct pkv_bytes Value;
  CHECK(!pkv_see(S.T, Seen, as_pkv("1"), &Value) && Value.size == 4 &&
        !std::memcmp(Value.data, "in a", 4));
  S.sound();
  pkv_abort(Seen);
  CHECK(statOf(A).values == 1 && statOf(B).values == 1);
  CHECK(statOf(A).value_bytes == 8 && statOf(B).value_bytes == 8);
  struct pkv_stat Stat;
  CHECK(!pkv_stat(S.T, nullptr, &Stat) && Stat.value_bytes == 8 + 13 + 8);
  // What is aborted was nowhere.
  pkv_txn *Txn = pkv_begin(S.All, 0);
  S.put("1", "aborted", A, Txn);
  S.put("4", "aborted", B, Txn);
  CHECK(!S.del("3", Txn) && statOf(A).values == 1 &&
        S.get("1", Txn) == "aborted");
  pkv_abort(Txn);
  CHECK(statOf(A).values == 1 && S.get("1") == "in b now" &&
        S.get("3") == "in a now");
  S.sound();
  // Loaded over, and behind it.
  pkv_load *Load = pkv_load_begin(S.T, 0);
  CHECK(!pkv_load_put(Load, as_pkv("1"), as_pkv("loaded")) &&
        !pkv_load_put(Load, as_pkv("9"), as_pkv("loaded")) &&
        !pkv_load_end(Load, nullptr));
  CHECK(S.get("1") == "loaded" && !statOf(B).values && statOf(A).values == 1);
  S.sound();
}

void many() {
  store S(0);
  pkv_object *A = S.object("a");
  for (int I = 0; I < 3000; I++)
    S.put(std::to_string(10000 + I), std::to_string(I) + " in a", A);
  for (int I = 0; I < 3000; I++)
    if (I % 10)
      CHECK(!S.del(std::to_string(10000 + I)));
  struct pkv_compaction At = {};
  int More;
  while ((More = pkv_compact(S.T, 10, &At)) == 1)
    ;
  CHECK(!More && statOf(A).values == 301);
  for (int I = 0; I < 3000; I += 10)
    CHECK(S.get(std::to_string(10000 + I)) == std::to_string(I) + " in a");
  for (int I = 0; I < 3000; I += 10)
    CHECK(!S.del(std::to_string(10000 + I)));
  // What waits is freed by who puts something there.
  for (int I = 0; I < 60; I++)
    S.put("last", std::to_string(I), A);
  CHECK(statOf(A).waiting < 10);
  S.sound();
}

int byValue(void *, struct pkv_bytes, struct pkv_bytes Value,
            void (*Emit)(void *, struct pkv_bytes), void *To) {
  Emit(To, Value);
  return 0;
}

void indexed() {
  store S(0);
  pkv_tree *T = pkv_tree_open(S.All, "indexed", PKV_CREATE);
  pkv_object *A = S.object("a");
  CHECK(T && pkv_put_in(T, nullptr, as_pkv("k"), as_pkv("red"), A, 0) == 1);
  pkv_index *X = pkv_index_open(T, "by value", byValue, nullptr, PKV_CREATE);
  CHECK(X && pkv_put_in(T, nullptr, as_pkv("l"), as_pkv("blue"), A, 0) == 1);
  CHECK(!pkv_put(T, nullptr, as_pkv("k"), as_pkv("green"), 0));
  pkv_index_cursor *C = pkv_index_cursor_open(X, nullptr);
  std::string All;
  for (int On = pkv_index_first(C); On; On = pkv_index_next(C)) {
    struct pkv_bytes Key, Value;
    CHECK(!pkv_index_pair(C, nullptr, &Key, &Value));
    All.append(static_cast<const char *>(Key.data), Key.size);
    All.append(static_cast<const char *>(Value.data), Value.size);
  }
  pkv_index_cursor_close(C);
  CHECK(All == "lbluekgreen");
  S.sound();
  CHECK(!pkv_index_drop(T, "by value"));
}

/// Files that are not the store's: one that a process left that died when it
/// had just made it, and another's.
void left() {
  perdure_store *Below =
      perdure_store_open(Path.c_str(), Durable ? PERDURE_DURABLE : 0);
  CHECK(Below && perdure_create(Below, "left", sizeof(tree::values), 0) &&
        perdure_create(Below, "open", sizeof(tree::values), 0) &&
        perdure_create(Below, "another", sizeof(tree::values) + 1, 0));
  perdure_store_close(Below);
  CHECK(!chmod(fileOf("open").c_str(), 0644)); // by a maker that has died
  store S(0);
  REFUSES(ENOENT, "'left'", pkv_object_open(S.All, "left", 0, 0) ? 0 : -1);
  REFUSES(EEXIST, "'another' that holds something else",
          pkv_object_open(S.All, "another", PKV_CREATE, 0600) ? 0 : -1);
  S.put("in left", "v", S.object("left", PKV_CREATE, 0640));
  CHECK(modeOf(fileOf("left")) == 0640 && S.get("in left") == "v");
  S.put("in open", "v", S.object("open", PKV_CREATE, 0600));
  CHECK(modeOf(fileOf("open")) == 0600);
  S.sound();
}

/// All get the same one, and the file keeps the mode that it has when the first
/// has it.
void atOnce(unsigned Flags) {
  constexpr unsigned Many = 4, Names = 20;
  store S(Flags);
  for (unsigned N = 0; N < Names; N++) {
    std::string Name = "race" + std::to_string(Flags + N);
    std::atomic<unsigned> Ready{0}, Mode{0};
    pkv_object *Got[Many];
    std::thread Threads[Many];
    for (unsigned I = 0; I < Many; I++)
      Threads[I] = std::thread([&, I] {
        for (Ready++; Ready < Many;)
          std::this_thread::yield();
        Got[I] = S.object(Name.c_str(), PKV_CREATE, 0600 | I << 1);
        unsigned Has = modeOf(fileOf(Name)), None = 0;
        CHECK(Mode.compare_exchange_strong(None, Has) || None == Has);
      });
    for (std::thread &Each : Threads)
      Each.join();
    CHECK(modeOf(fileOf(Name)) == Mode && Got[0] == S.object(Name.c_str()));
    CHECK(Got[0] == Got[1] && Got[0] == Got[2] && Got[0] == Got[3]);
  }
  S.sound();
}

/// A file whose mode cannot be set is not kept open.
void notMade() {
  store S(0);
  perdure_store *Below =
      perdure_store_open(Path.c_str(), Durable ? PERDURE_DURABLE : 0);
  CHECK(Below);
  NoMode = true;
  REFUSES(EPERM, "mode of the object 'not'",
          pkv_object_open(S.All, "not", PKV_CREATE, 0640) ? 0 : -1);
  NoMode = false;
  void *Root = perdure_open(Below, "not", 0);
  CHECK(Root);
  perdure_close(Root);
  perdure_close(Root);
  CHECK(std::strstr(perdure_errormsg(), "as often as it was opened"));
  perdure_store_close(Below);
  CHECK(S.object("not", PKV_CREATE, 0640) && modeOf(fileOf("not")) == 0640);
}

void oldCopy() {
  std::string File, Copy;
  {
    store S(0);
    S.put("new", "1", S.object("b"));
    File = fileOf("b");
  }
  Copy = File + ".old";
  CHECK(!std::system(("cp " + File + " " + Copy).c_str()));
  {
    store S(0);
    S.put("new", "2", S.object("b"));
  }
  CHECK(!std::system(
      ("mv " + File + " " + File + ".new && cp " + Copy + " " + File).c_str()));
  {
    store S(0);
    const char *Wrong = pkv_check(S.All);
    CHECK(Wrong && errno == EPROTO &&
          std::strstr(Wrong, "not as old as the store"));
    REFUSES(EPROTO, "not as old as the store", S.del("new"));
  }
  CHECK(
      !std::system(("mv " + File + ".new " + File + " && rm " + Copy).c_str()));
  store S(0);
  CHECK(S.get("new") == "2");
  S.sound();
}

/// pkv_check that has to wait for what this thread does itself.
void busy() {
  store S(PKV_SHARED);
  perdure_store *Below = perdure_store_open(
      Path.c_str(), PERDURE_SHARED | (Durable ? PERDURE_DURABLE : 0));
  void *Head = Below ? perdure_open(Below, "pkv", 0) : nullptr;
  CHECK(Head && perdure_lock(Head, 0) >= 0);
  const char *Wrong = pkv_check(S.All);
  CHECK(Wrong && errno == EDEADLK);
  perdure_unlock(Head);
  perdure_store_close(Below);
}

/// Removed by hand.
void gone() {
  {
    store S(0);
    pkv_object *O = S.object("gone", PKV_CREATE);
    S.put("g1", "1", O);
    S.put("g2", "2", O);
    S.put("g3", "3", O);
    S.put("g0", "0");
    S.put("g4", "4");
  }
  CHECK(!unlink(fileOf("gone").c_str()));
  {
    store S(PKV_RDONLY);
    // Some at a time: stands on each that is gone, and passes over none.
    pkv_txn *Seen = pkv_begin(S.All, PKV_RDONLY);
    pkv_cursor *C = pkv_cursor_open(S.T, Seen);
    struct pkv_item Items[8];
    CHECK(C && pkv_seek(C, as_pkv("g0")));
    for (const char *Key : {"g1", "g2", "g3"}) {
      REFUSES(ENODATA, "'gone' is gone", pkv_next_many(C, Items, 8));
      pkv_bytes At, Value;
      REFUSES(ENODATA, "'gone' is gone", pkv_pair(C, &At, &Value));
      CHECK(!pkv_pair(C, &At, nullptr) && text(At) == Key);
    }
    CHECK(pkv_next_many(C, Items, 8) >= 1 && text(Items[0].key) == "g4");
    pkv_cursor_close(C);
    pkv_abort(Seen);
    REFUSES(ENODATA, "'gone' is gone", S.tryGet("g1"));
    const char *Wrong = pkv_check(S.All);
    CHECK(Wrong && errno == ENODATA && std::strstr(Wrong, "'gone' is gone"));
    CHECK(statOf(S.object("gone")).error == ENODATA);
  }
  store S(0);
  REFUSES(ENODATA, "'gone' is gone", S.tryGet("g1"));
  REFUSES(ENODATA, "'gone' is gone", S.tryPut("g1", S.object("gone")));
  REFUSES(ENODATA, "'gone' is gone", S.tryPut("fresh", S.object("gone")));
  CHECK(!S.del("g1"));
  CHECK(!S.tryPut("g2") && S.get("g2") == "other");
  CHECK(!pkv_put_in(S.T, nullptr, as_pkv("g3"), as_pkv("3"), S.object("a"), 0));
  CHECK(!statOf(S.object("gone")).values && S.get("g3") == "3");
  CHECK(pkv_check(S.All) && errno == ENODATA && pkv_lost(S.All) == 0);
}

/// Indexes that were dropped, or never were, do not ask for values that are
/// gone, and keep no load from making leaves.
void noIndex() {
  {
    store S(0);
    pkv_object *O = S.object("gone-too", PKV_CREATE);
    for (const char *Name : {"dropped", "never"}) {
      pkv_tree *T = pkv_tree_open(S.All, Name, PKV_CREATE);
      for (const char *Key : {"k", "l"})
        CHECK(T && pkv_put_in(T, nullptr, as_pkv(Key), as_pkv("v"), O, 0) == 1);
      if (*Name == 'd')
        CHECK(pkv_index_open(T, "x", byValue, nullptr, PKV_CREATE));
    }
  }
  CHECK(!unlink(fileOf("gone-too").c_str()));
  store S(0);
  for (const char *Name : {"dropped", "never"}) {
    pkv_tree *T = pkv_tree_open(S.All, Name, 0);
    if (*Name == 'd')
      CHECK(pkv_del(T, nullptr, as_pkv("k")) < 0 && !pkv_index_drop(T, "x"));
    else
      REFUSES(ENOENT, "no such index", pkv_index_drop(T, "x"));
    CHECK(!pkv_del(T, nullptr, as_pkv("k")));
    CHECK(!pkv_put(T, nullptr, as_pkv("l"), as_pkv("here"), 0));
    pkv_load *Load = pkv_load_begin(T, 0);
    struct pkv_loaded Loaded;
    CHECK(Load && !pkv_load_put(Load, as_pkv("m"), as_pkv("v")) &&
          !pkv_load_end(Load, &Loaded) && Loaded.appended == 1);
  }
}

/// What a queue says that waits in an object which others may write. `Mine` is
/// a block of the store's own object, of zeroes from `Zeroes` on.
void damage(unsigned Kind, tree::queue &Queue, void *Mine, void *Zeroes) {
  tree::garbage *Part = Queue.oldest;
  CHECK(Part && Part == Queue.newest && Part->count == 2 && !Part->next);
  switch (Kind) {
  case 0: // where the next block is to be written down
    Queue.newest = static_cast<tree::garbage *>(Zeroes);
    break;
  case 1: // where from blocks are freed
    Queue.oldest = static_cast<tree::garbage *>(Zeroes);
    break;
  case 2: // what is freed
    Part->entries[0].block = Mine;
    break;
  case 3:
    Part->first = tree::garbage::room;
    break;
  case 4: // round and round
    Part->count = 0;
    Part->next = Part;
    break;
  case 5:
    Part->next = Part;
    break;
  }
}

/// Who may write an object with values, and nothing else, harms no other.
void hostile() {
  alarm(60); // what goes round and round
  const std::string Zeroes(2000, '\0');
  for (unsigned Kind = 0; Kind < 6; Kind++) {
    std::string Name = "hostile" + std::to_string(Kind), File;
    {
      store S(0);
      pkv_object *O = S.object(Name.c_str(), PKV_CREATE);
      S.put("mine", Zeroes);
      S.put("h", "1", O);
      pkv_txn *Seen = pkv_begin(S.All, PKV_RDONLY);
      S.put("h", "2", O);
      S.put("h", "3", O);
      pkv_abort(Seen);
      File = fileOf(Name);
    }
    CHECK(!std::system(("cp " + File + " " + File + ".whole").c_str()));
    perdure_store *Below =
        perdure_store_open(Path.c_str(), Durable ? PERDURE_DURABLE : 0);
    CHECK(Below);
    auto *Head =
        static_cast<tree::header *>(perdure_open(Below, "pkv", PERDURE_RDONLY));
    auto *Root =
        static_cast<tree::values *>(perdure_open(Below, Name.c_str(), 0));
    CHECK(Head && Root);
    auto *Mine = const_cast<tree::record *>(
        tree::find(Head->trees->root, tree::bytes("mine")));
    CHECK(Mine && !perdure_tx_begin(Root));
    damage(Kind, Root->unused, Mine, Mine->text + 8);
    CHECK(!perdure_tx_commit());
    perdure_store_close(Below);
    {
      store S(0);
      const char *Wrong = pkv_check(S.All);
      CHECK(Wrong && errno == EPROTO && std::strstr(Wrong, "free block"));
      pkv_txn *Txn = pkv_begin(S.All, 0);
      REFUSES(EPROTO, "damaged", S.tryPut("h", S.object(Name.c_str()), Txn));
      REFUSES(ECANCELED, "end it", S.tryPut("i", nullptr, Txn));
      pkv_abort(Txn);
      char Text[2001];
      CHECK(pkv_get(S.T, nullptr, as_pkv("mine"), Text, sizeof(Text)) == 2000 &&
            std::string(Text, 2000) == Zeroes && S.get("h") == "3");
    }
    CHECK(!std::system(("mv " + File + ".whole " + File).c_str()));
    store S(0);
    S.put("h", "4", S.object(Name.c_str()));
    const char *Wrong = pkv_check(S.All);
    CHECK(Wrong && errno == ENODATA && !pkv_lost(S.All)); // of before
  }
  alarm(0);
}

// ===- Another user -------------------------------------------------------===

std::string keys(store &S) {
  std::string All;
  pkv_cursor *C = pkv_cursor_open(S.T, nullptr);
  CHECK(C);
  for (int On = pkv_first(C); On; On = pkv_next(C)) {
    struct pkv_bytes Key, Value;
    CHECK(!pkv_pair(C, &Key, nullptr));
    All += std::string(static_cast<const char *>(Key.data), Key.size) + ' ';
    if (All.size() > 2 && All.substr(All.size() - 2) == "s ")
      REFUSES(EACCES, "'secret' may not be read", pkv_pair(C, &Key, &Value));
    else
      CHECK(!pkv_pair(C, &Key, &Value));
  }
  pkv_cursor_close(C);
  return All;
}

void looksOn(unsigned Flags) {
  store S(Flags);
  CHECK(S.get("o") == "open" && S.get("r") == "record");
  REFUSES(EACCES, "'secret' may not be read", S.tryGet("s"));
  CHECK(keys(S) == "o r s ");
  std::uint64_t Count;
  CHECK(!pkv_count(S.T, nullptr, &Count) && Count == 3);
  pkv_txn *Seen = pkv_begin(S.All, PKV_RDONLY);
  struct pkv_bytes Value;
  REFUSES(EACCES, "'secret' may not be read",
          pkv_see(S.T, Seen, as_pkv("s"), &Value));
  CHECK(S.get("o", Seen) == "open");
  pkv_abort(Seen);
  const char *Wrong = pkv_check(S.All);
  CHECK(Wrong && errno == EACCES &&
        std::strstr(Wrong, "'secret' may not be read"));
  CHECK(pkv_lost(S.All) == 0);
  struct pkv_object_stat Secret = statOf(S.object("secret"));
  CHECK(Secret.error == EACCES && Secret.values == 1 &&
        Secret.value_bytes == 6);
}

void writesOn(unsigned Flags) {
  store S(Flags);
  pkv_object *Secret = S.object("secret"), *Open = S.object("open");
  for (bool InOne : {false, true}) {
    pkv_txn *Txn = InOne ? pkv_begin(S.All, 0) : nullptr;
    REFUSES(EACCES, "'secret'", S.tryPut("s", nullptr, Txn));
    REFUSES(EACCES, "'secret'", S.tryPut("n", Secret, Txn));
    REFUSES(EACCES, "'secret'", S.del("s", Txn));
    REFUSES(EACCES, "'open'", S.tryPut("o", nullptr, Txn));
    REFUSES(EACCES, "'open'", S.tryPut("n", Open, Txn));
    REFUSES(EACCES, "'open'", S.del("o", Txn));
    CHECK(S.get("o", Txn) == "open" && S.get("r", Txn) == "record");
    S.put("r", "record", nullptr, Txn);
    CHECK(!Txn || !pkv_commit(Txn));
  }
  CHECK(keys(S) == "o r s ");
  pkv_load *Load = pkv_load_begin(S.T, 0);
  CHECK(!pkv_load_put(Load, as_pkv("s"), as_pkv("loaded")));
  REFUSES(EACCES, "'secret'", pkv_load_end(Load, nullptr));
  CHECK(keys(S) == "o r s ");
}

/// The store, but for the objects with values.
void letIn() {
  allow(".", 0711);
  for (const char *Folder : {"", "/names", "/objects"})
    allow(Path + Folder, 0777);
  allow(Path + "/perdure.store", 0644);
  allow(Path + "/names/pkv", 0644);
  allow(fileOf("pkv"), 0666);
}

void rights() {
  {
    store S(PKV_CREATE);
    S.put("o", "open", S.object("open", PKV_CREATE, 0644));
    S.put("s", "secret", S.object("secret", PKV_CREATE));
    S.put("r", "record");
  }
  asNobody(
      [] { CHECK(!pkv_open(Path.c_str(), PKV_RDONLY) && errno == EACCES); });
  letIn();
  allow(Path + "/names/secret", 0644);
  asNobody([] { looksOn(PKV_RDONLY); });
  asNobody([] { writesOn(0); });
  asNobody([] { looksOn(PKV_SHARED); });
  if (!Durable)
    asNobody([] { writesOn(PKV_SHARED); });
  unlink((Path + "/pkv.processes").c_str());
  store S(0);
  CHECK(S.get("s") == "secret" && S.get("o") == "open" &&
        S.get("r") == "record");
  S.sound();
  // What was given since is found.
  int ToChild[2], ToParent[2];
  char C = 0;
  pkv_close(S.All);
  CHECK(!pipe(ToChild) && !pipe(ToParent));
  pid_t Child = fork();
  if (!Child) {
    CHECK(!setgid(65534) && !setuid(65534));
    store Mine(0);
    REFUSES(EACCES, "'secret'", Mine.tryGet("s"));
    REFUSES(EACCES, "'secret'", Mine.tryPut("s"));
    CHECK(write(ToParent[1], &C, 1) == 1 && read(ToChild[0], &C, 1) == 1);
    CHECK(Mine.get("s") == "secret" && !Mine.tryPut("s") &&
          Mine.get("s") == "other");
    CHECK(write(ToParent[1], &C, 1) == 1);
    _exit(0);
  }
  CHECK(read(ToParent[0], &C, 1) == 1);
  allow(fileOf("secret"), 0666);
  CHECK(write(ToChild[1], &C, 1) == 1 && read(ToParent[0], &C, 1) == 1);
  int Status;
  CHECK(waitpid(Child, &Status, 0) == Child && !Status);
  S.All = pkv_open(Path.c_str(), Durable);
  S.T = pkv_tree_open(S.All, "", 0);
  CHECK(S.get("s") == "other" && statOf(S.object("secret")).values == 0);
}

/// Another user reads while a process has died in a transaction, and so has the
/// object as it was then, for itself alone. What others put there later it
/// sees.
void stale() {
  auto value = [](char C) { return std::string(sizeof(void *) * 5, C); };
  {
    store S(PKV_CREATE);
    S.put("a", value('a'), S.object("far", PKV_CREATE, 0644));
  }
  letIn();
  int ToChild[2], ToParent[2], Status;
  char C = 0;
  CHECK(!pipe(ToChild) && !pipe(ToParent));
  pid_t Reader = fork();
  if (!Reader) {
    CHECK(!setgid(65534) && !setuid(65534));
    store S(PKV_SHARED | PKV_RDONLY);
    CHECK(write(ToParent[1], &C, 1) == 1 && read(ToChild[0], &C, 1) == 1);
    CHECK(S.get("a") == value('a'));
    CHECK(write(ToParent[1], &C, 1) == 1 && read(ToChild[0], &C, 1) == 1);
    for (char K = 'b'; K < 'z'; K++)
      CHECK(S.get(std::string(1, K)) == value(K));
    _exit(0);
  }
  CHECK(read(ToParent[0], &C, 1) == 1);
  pid_t Dying = fork();
  if (!Dying) {
    store S(PKV_SHARED);
    pkv_txn *Txn = pkv_begin(S.All, 0);
    S.put("x", value('x'), S.object("far"), Txn);
    kill(getpid(), SIGKILL);
  }
  CHECK(waitpid(Dying, &Status, 0) == Dying && WIFSIGNALED(Status));
  CHECK(write(ToChild[1], &C, 1) == 1 && read(ToParent[0], &C, 1) == 1);
  {
    store S(PKV_SHARED);
    for (char K = 'b'; K < 'z'; K++)
      S.put(std::string(1, K), value(K), S.object("far"));
    S.sound();
  }
  CHECK(write(ToChild[1], &C, 1) == 1);
  CHECK(waitpid(Reader, &Status, 0) == Reader && !Status);
}

} // namespace

/// In place of the C library's.
extern "C" int fchmodat(int Folder, const char *Name, mode_t Mode,
                        int) noexcept {
  if (!NoMode)
    return int(syscall(SYS_fchmodat, Folder, Name, Mode));
  errno = EPERM;
  return -1;
}

/// Keys whose records fill their blocks: the last of them ends where the file does,
/// with this length the one of pair 166 (seen; the neighbours stand for other sizes of
/// blocks).
void lastOfFile() {
  for (unsigned Length : {160, 168, 176}) {
    std::string Another = std::string(Path) + " of " + std::to_string(Length);
    pkv *All = pkv_open(Another.c_str(), PKV_CREATE | Durable);
    CHECK(All);
    pkv_tree *T = pkv_tree_open(All, "", 0);
    pkv_object *O = pkv_object_open(All, "o", PKV_CREATE, 0600);
    CHECK(T && O);
    for (unsigned I = 0; I < 400; I++) {
      std::string Key = std::to_string(I);
      Key.insert(0, Length - Key.size(), '0');
      CHECK(pkv_put_in(T, nullptr, as_pkv(Key), as_pkv("v"), O, 0) == 1);
      const char *Wrong = I > 100 ? pkv_check(All) : nullptr;
      CHECK(!Wrong);
    }
    pkv_close(All);
  }
}

int main(int argc, char **argv) {
  if (argc < 3)
    return std::fputs("Usage: pkv_objects STORE steps|rights|stale [durable]\n",
                      stderr),
           2;
  Path = argv[1];
  Durable = argc > 3 ? PKV_DURABLE : 0;
  if (std::strcmp(argv[2], "steps")) {
    if (geteuid())
      return std::puts("not root: nothing is said of other users"), 0;
    std::strcmp(argv[2], "rights") ? stale() : rights();
  } else {
    values();
    many();
    indexed();
    left();
    atOnce(0);
    atOnce(PKV_SHARED);
    busy();
    notMade();
    oldCopy();
    gone();
    noIndex();
    hostile();
    lastOfFile();
  }
  std::puts("as it should be");
}

// pkv_damage.cpp - Stores whose files somebody has changed.
//
// pkv_damage STORE
//
// Each of the changes below is made to a store of three levels, and undone.
// What follows searches, walks, puts, removes and compacts: it ends, says
// EPROTO where it can, and touches no memory but the file's. pkv_check finds
// it.
#include "pkv_check.h"
#include "tree.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::string Path;

using tree::node;

struct damaged {
  tree::header &Head;
  tree::values &Far;

  tree::stored &tree() { return *Head.trees; }
  tree::inner &inner(node *N) { return static_cast<tree::inner &>(*N); }
  tree::leaf &leaf(node *N) { return static_cast<tree::leaf &>(*N); }
  /// Each child of the node becomes `By`.
  void replace(node *N, node *By) {
    for (unsigned I = 0; I < tree::slots; I++)
      inner(N).children[I] = By;
  }
  template <class Act> void each(node *N, unsigned Level, Act Do) {
    if (N->level == Level)
      return Do(N);
    for (unsigned I = 0; I < N->count; I++)
      each(inner(N).children[N->order[I]], Level, Do);
  }
  tree::leaf &first() {
    node *N = tree().root;
    while (N->level)
      N = inner(N).children[N->order[0]];
    return leaf(N);
  }
  tree::record *record() { return first().records[first().order[0]]; }
};

enum {
  Opens = 1,  // or pkv_open says EPROTO
  Walks = 2,  // searches and cursors end
  Writes = 4, // and every change says EPROTO
  Drops = 8,  // so do those who open or drop the index
};

struct damage {
  const char *Name;
  unsigned After;
  void (*Do)(damaged &D);
};

const damage All[] = {
    {"the root leads to itself", Opens | Walks | Writes,
     [](damaged &D) { D.replace(D.tree().root, D.tree().root); }},
    {"a node leads to the root", Opens | Walks | Writes,
     [](damaged &D) {
       node *Root = D.tree().root;
       D.each(Root, 1, [&](node *N) { D.replace(N, Root); });
     }},
    {"the root's level is none", Opens | Walks | Writes,
     [](damaged &D) { D.tree().root->level = tree::max_levels; }},
    {"a level that is the one above", Opens | Walks | Writes,
     [](damaged &D) {
       D.each(D.tree().root, 1, [](node *N) { N->level = 2; });
     }},
    {"a leaf with more than fits in it", Opens | Walks | Writes,
     [](damaged &D) {
       D.each(D.tree().root, 0, [](node *N) { N->count = 60000; });
     }},
    {"a node with more than fits in it", Opens | Walks | Writes,
     [](damaged &D) {
       D.each(D.tree().root, 1, [](node *N) { N->count = 60000; });
     }},
    {"a node without a child", Opens | Walks | Writes,
     [](damaged &D) {
       D.each(D.tree().root, 1, [](node *N) { N->count = 0; });
     }},
    {"a child in another object", Opens,
     [](damaged &D) {
       D.replace(D.tree().root, reinterpret_cast<node *>(&D.Far));
     }},
    {"a child behind the end of the file", Opens,
     [](damaged &D) {
       char *Behind = reinterpret_cast<char *>(&D.Head) + (1ull << 29);
       D.replace(D.tree().root, reinterpret_cast<node *>(Behind));
     }},
    {"a separator in another object", Opens,
     [](damaged &D) {
       node *Root = D.tree().root;
       D.inner(Root).separators[Root->order[1]] =
           reinterpret_cast<tree::separator *>(&D.Far);
     }},
    {"a separator behind the end of the file", Opens,
     [](damaged &D) {
       node *Root = D.tree().root;
       char *Behind = reinterpret_cast<char *>(&D.Head) + (1ull << 29);
       D.inner(Root).separators[Root->order[1]] =
           reinterpret_cast<tree::separator *>(Behind);
     }},
    {"a record behind the end of the file", Opens,
     [](damaged &D) {
       char *Behind = reinterpret_cast<char *>(&D.Head) + (1ull << 29);
       D.each(D.tree().root, 0, [&](node *N) {
         D.leaf(N).records[N->order[0]] =
             reinterpret_cast<tree::record *>(Behind);
       });
     }},
    {"a record in another object", Opens,
     [](damaged &D) {
       D.each(D.tree().root, 0, [&](node *N) {
         D.leaf(N).records[N->order[0]] =
             reinterpret_cast<tree::record *>(&D.Far);
       });
     }},
    {"a key without bytes", Opens,
     [](damaged &D) {
       D.tree().key_bytes -= D.record()->key_bytes;
       D.record()->key_bytes = 0;
       D.first().heads[D.first().order[0]] = 0;
     }},
    {"a key that is too long", Opens,
     [](damaged &D) { D.record()->key_bytes = 1u << 31; }},
    {"a value that is too long", Opens,
     [](damaged &D) {
       D.tree().value_bytes += (1u << 30) - D.record()->value_bytes;
       D.record()->value_bytes = 1u << 30;
     }},
    {"an index that cannot be searched", Opens | Walks | Drops,
     [](damaged &D) {
       D.Head.trees->next->next->root->level = tree::max_levels;
     }},
    {"a queue without an end", Opens,
     [](damaged &D) {
       CHECK(D.Head.unused.oldest);
       D.Head.unused.newest->next = D.Head.unused.oldest;
     }},
    {"a list of trees without an end", 0,
     [](damaged &D) { D.Head.trees->next->next = D.Head.trees; }},
    {"a list of trees into another object", 0,
     [](damaged &D) {
       D.Head.trees->next = reinterpret_cast<tree::stored *>(&D.Far);
     }},
    {"a tree's name that is too long", 0,
     [](damaged &D) { D.Head.trees->next->name_bytes = 256; }},
    {"a list of objects without an end", 0,
     [](damaged &D) { D.Head.holders->next = D.Head.holders; }},
};

std::string keyOf(unsigned I) {
  return "key " + std::to_string(I * 7919 % 5000);
}

int extract(void *, struct pkv_bytes, struct pkv_bytes Value,
            void (*Emit)(void *, struct pkv_bytes), void *To) {
  Emit(To, Value);
  return 0;
}

void make() {
  pkv *S = pkv_open(Path.c_str(), PKV_CREATE);
  pkv_tree *T = S ? pkv_tree_open(S, "", 0) : nullptr;
  pkv_tree *Other = S ? pkv_tree_open(S, "other", PKV_CREATE) : nullptr;
  CHECK(T && Other &&
        pkv_put(Other, nullptr, as_pkv("k"), as_pkv("v"), 0) == 1);
  CHECK(pkv_index_open(Other, "index", extract, nullptr, PKV_CREATE));
  pkv_object *Far = pkv_object_open(S, "far", PKV_CREATE, 0600);
  CHECK(Far);
  for (unsigned I = 0; I < 5000; I++)
    CHECK(pkv_put(T, nullptr, as_pkv(keyOf(I)), as_pkv("value"), 0) == 1);
  CHECK(pkv_put_in(T, nullptr, as_pkv("z"), as_pkv("value"), Far, 0) == 1);
  pkv_txn *Seen = pkv_begin(S, PKV_RDONLY); // something waits then
  for (unsigned I = 0; I < 50; I++)
    CHECK(pkv_put(T, nullptr, as_pkv(keyOf(I)), as_pkv("another"), 0) == 0);
  pkv_abort(Seen);
  struct pkv_stat Stat;
  CHECK(!pkv_stat(T, nullptr, &Stat) && Stat.height == 3 && !pkv_check(S));
  pkv_close(S);
}

void walk(pkv *S, pkv_tree *T) {
  for (unsigned I = 0; I < 50; I++) {
    char Value[100];
    ptrdiff_t Size =
        pkv_get(T, nullptr, as_pkv(keyOf(I)), Value, sizeof(Value));
    CHECK(Size == 5 || Size == 7 || (Size < 0 && errno == ENOENT));
  }
  pkv_txn *Txn = pkv_begin(S, 0);
  for (pkv_txn *In : {Txn, static_cast<pkv_txn *>(nullptr)}) {
    pkv_cursor *C = pkv_cursor_open(T, In);
    unsigned Steps = 0;
    for (int On = pkv_first(C); On; On = pkv_next(C))
      CHECK(Steps++ < 6000);
    for (int On = pkv_last(C); On; On = pkv_prev(C))
      CHECK(Steps++ < 12000);
    for (unsigned I = 0; I < 50; I++)
      if (pkv_seek(C, as_pkv(keyOf(I))))
        pkv_next(C), pkv_prev(C), pkv_prev(C);
    pkv_cursor_close(C);
  }
  pkv_abort(Txn);
}

void change(pkv *S, pkv_tree *T) {
  for (bool InOne : {false, true})
    for (unsigned I = 0; I < 20; I++) {
      pkv_txn *Txn = InOne ? pkv_begin(S, 0) : nullptr;
      REFUSES(EPROTO, "damaged",
              pkv_put(T, Txn, as_pkv(keyOf(I)), as_pkv("x"), 0));
      pkv_abort(Txn);
      Txn = InOne ? pkv_begin(S, 0) : nullptr;
      CHECK(pkv_del(T, Txn, as_pkv(keyOf(I))) < 0);
      pkv_abort(Txn);
    }
  struct pkv_compaction At = {};
  REFUSES(EPROTO, "damaged", pkv_compact(T, 1000, &At));
  pkv_load *Load = pkv_load_begin(T, 0);
  CHECK(Load && !pkv_load_put(Load, as_pkv("last"), as_pkv("v")));
  CHECK(pkv_load_end(Load, nullptr) < 0 && errno == EPROTO);
}

void drop(pkv *S) {
  pkv_tree *Other = pkv_tree_open(S, "other", 0);
  CHECK(Other);
  for (bool Drop : {false, true, false})
    REFUSES(EPROTO, "damaged",
            Drop ? pkv_index_drop(Other, "index")
            : pkv_index_open(Other, "index", extract, nullptr, PKV_CREATE)
                ? 0
                : -1);
}

[[noreturn]] void use(const damage &D) {
  Me = D.Name;
  alarm(20); // what never ends
  pkv *S = pkv_open(Path.c_str(), 0);
  if (!(D.After & Opens)) {
    CHECK(!S && errno == EPROTO && std::strstr(pkv_errormsg(), "damaged"));
    CHECK(!pkv_open(Path.c_str(), PKV_SHARED) && errno == EPROTO);
    _exit(0);
  }
  CHECK(S);
  pkv_tree *T = pkv_tree_open(S, "", 0);
  CHECK(T);
  const char *Wrong = pkv_check(S);
  CHECK(Wrong && errno == EPROTO);
  if (D.After & Walks)
    walk(S, T);
  if (D.After & Writes)
    change(S, T);
  if (D.After & Drops)
    drop(S);
  pkv_close(S);
  _exit(0);
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2)
    return std::fputs("Usage: pkv_damage STORE\n", stderr), 2;
  Path = argv[1];
  make();
  std::string Id;
  std::ifstream(Path + "/names/pkv") >> Id;
  std::string File = Path + "/objects/" + Id.substr(0, 32);
  unsigned Wrong = 0;
  for (const damage &D : All) {
    CHECK(!std::system(("cp " + File + " whole").c_str()));
    perdure_store *Below = perdure_store_open(Path.c_str(), 0);
    CHECK(Below);
    void *Head = perdure_open(Below, "pkv", 0),
         *Far = perdure_open(Below, "far", 0);
    CHECK(Head && Far);
    damaged Both{*static_cast<tree::header *>(Head),
                 *static_cast<tree::values *>(Far)};
    D.Do(Both);
    perdure_store_close(Below);
    pid_t Child = fork();
    if (!Child)
      use(D);
    int Status;
    CHECK(waitpid(Child, &Status, 0) == Child);
    if (Status) {
      std::printf("%s: status %x\n", D.Name, Status);
      Wrong++;
    }
    CHECK(!std::system(("mv whole " + File).c_str()));
  }
  if (!Wrong)
    std::puts("all found");
  return Wrong != 0;
}

// pkv_shared.cpp - What processes that share a store see of each other, step by step.
//
// pkv_shared STORE [durable]; pkv_shared STORE full; pkv_shared STORE told DYING
//
// The parent and a child take turns, each with the store open; a pipe in each
// direction says whose turn it is.
#include "pkv_check.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <csignal>
#include <unistd.h>
#include <vector>

namespace {

const char *Path;
unsigned Durable;
int From, To;

void pass() {
  char C = 0;
  if (write(To, &C, 1) != 1)
    _exit(1);
}
void await() {
  char C;
  if (read(From, &C, 1) != 1) // the other has failed
    _exit(1);
}

std::string get(pkv_tree *T, pkv_txn *Txn, const std::string &Key) {
  char Text[2000];
  ptrdiff_t Size = pkv_get(T, Txn, as_pkv(Key), Text, sizeof(Text));
  if (Size < 0)
    CHECK(errno == ENOENT);
  return Size < 0 ? "none" : std::string(Text, std::size_t(Size));
}
void put(pkv_tree *T, pkv_txn *Txn, const std::string &Key,
         const std::string &Value) {
  CHECK(pkv_put(T, Txn, as_pkv(Key), as_pkv(Value), 0) >= 0);
}

pkv *open(unsigned Flags) {
  pkv *S = pkv_open(Path, Flags);
  CHECK(S);
  return S;
}
pkv_tree *tree(pkv *S, const char *Name, unsigned Flags = 0) {
  pkv_tree *T = pkv_tree_open(S, Name, Flags);
  CHECK(T);
  return T;
}
pkv_txn *begin(pkv *S, unsigned Flags = 0) {
  pkv_txn *Txn = pkv_begin(S, Flags);
  CHECK(Txn);
  return Txn;
}

std::string names(pkv *S) {
  std::string All;
  CHECK(!pkv_trees(
      S,
      [](void *All, const char *Name) {
        *static_cast<std::string *>(All) += std::string("/") + Name;
        return 0;
      },
      &All));
  return All;
}

std::uint64_t waiting(pkv_tree *T) {
  struct pkv_stat Stat;
  CHECK(!pkv_stat(T, nullptr, &Stat));
  return Stat.waiting;
}

bool hasFile() {
  return !access((std::string(Path) + "/pkv.processes").c_str(), F_OK);
}

/// Another process runs it to its end.
template <class Body> void elsewhere(Body Run) {
  pid_t Child = fork();
  if (!Child) {
    Me = "third";
    Run();
    _exit(0);
  }
  int Status;
  CHECK(waitpid(Child, &Status, 0) == Child && !Status);
}

void child() {
  Me = "child";
  await();
  pkv *S = open(PKV_SHARED | PKV_RDONLY);
  pkv_tree *T = tree(S, "");
  CHECK(get(T, nullptr, "a") == "1");
  pkv_txn *Before = begin(S, PKV_RDONLY);
  REFUSES(EROFS, "reading only", pkv_begin(S, 0));
  REFUSES(EROFS, "reading only", pkv_tree_open(S, "mine", PKV_CREATE));
  pass();

  await(); // "a" is 2, and "b" in a transaction that is open
  CHECK(get(T, nullptr, "a") == "2" && get(T, Before, "a") == "1");
  CHECK(get(T, nullptr, "b") == "none");
  CHECK(!pkv_tree_open(S, "later", 0) && errno == ENOENT);
  pkv *W = open(PKV_SHARED | Durable);
  REFUSES(EBUSY, "another process writes", pkv_begin(W, PKV_NOWAIT));
  CHECK(names(S) == "/");
  pass();

  await(); // it is committed, and there is another tree
  CHECK(names(S) == "//later" && names(W) == "//later");
  CHECK(get(tree(S, "later"), nullptr, "c") == "3");
  CHECK(get(tree(S, "later"), Before, "c") == "none");
  CHECK(get(T, nullptr, "b") == "2" && get(T, Before, "b") == "none");
  pkv_txn *Txn = begin(W, PKV_NOWAIT);
  put(tree(W, ""), Txn, "a", "3");
  // Both begin the tree that the other one makes.
  pass();
  CHECK(!pkv_commit(Txn));
  put(tree(W, "both", PKV_CREATE), nullptr, "child", "x");
  put(tree(W, "", PKV_CREATE), nullptr, "a", "4");

  await();
  CHECK(names(S) == "//later/both" && names(W) == "//later/both");
  CHECK(get(tree(S, "both"), nullptr, "child") == "x");
  CHECK(get(tree(S, "both"), nullptr, "parent") == "y");
  CHECK(!pkv_check(S) && !pkv_check(W));
  // Much is taken out of the tree that `Before` sees.
  for (int I = 0; I < 500; I++)
    put(tree(W, ""), nullptr, "a", std::to_string(I));
  CHECK(waiting(T) > 400);
  CHECK(get(T, Before, "a") == "1");
  pass();
  pkv_close(W);
  for (;;)
    pause(); // killed in its snapshot
}

void refuse() {
  CHECK(hasFile());
  REFUSES(EBUSY, "somebody has the store open", pkv_open(Path, PKV_CREATE));
  REFUSES(EBUSY, "PKV_SHARED", pkv_open(Path, PKV_RDONLY));
  REFUSES(EBUSY, Durable ? "with PKV_DURABLE" : "without PKV_DURABLE",
          pkv_open(Path, PKV_SHARED | (Durable ^ PKV_DURABLE)));
}

/// One that does nothing but hold what it inherited.
struct sleeper {
  pid_t Pid;
  sleeper() {
    int Awake[2];
    CHECK(!pipe(Awake));
    Pid = fork();
    char C = 0;
    if (!Pid) { // the runtime has closed by now what is its own
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (write(Awake[1], &C, 1) == 1)
        for (;;)
          pause();
      _exit(1);
    }
    CHECK(read(Awake[0], &C, 1) == 1);
    close(Awake[0]);
    close(Awake[1]);
  }
  ~sleeper() {
    kill(Pid, SIGKILL);
    waitpid(Pid, nullptr, 0);
  }
};

/// Somebody was the first to open the store, failed, and has not let go of it yet.
void failed() {
  CHECK(!mkdir(Path, 0755));
  int Directory = ::open(Path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct flock Sharer = {};
  Sharer.l_type = F_RDLCK;
  Sharer.l_start = Sharer.l_len = 1;
  CHECK(Directory >= 0 && !fcntl(Directory, F_OFD_SETLK, &Sharer));
  // It writes, as it still says by the same byte of the file.
  int File = ::open((std::string(Path) + "/pkv.processes").c_str(),
                    O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  CHECK(File >= 0 && !fcntl(File, F_OFD_SETLK, &Sharer));
  REFUSES(ENOENT, "", pkv_open(Path, PKV_SHARED | PKV_RDONLY));
  pkv *S = open(PKV_SHARED | PKV_CREATE | Durable);
  put(tree(S, ""), nullptr, "first", "1");
  pkv_close(S);
  close(File);
  close(Directory);
  S = open(PKV_SHARED | Durable);
  CHECK(get(tree(S, ""), nullptr, "first") == "1" && !pkv_check(S));
  CHECK(!pkv_del(tree(S, ""), nullptr, as_pkv("first")));
  pkv_close(S);
}

/// Children of fork() that go on.
void forked() {
  alarm(60);
  pkv *S = open(PKV_SHARED | PKV_CREATE | Durable);
  put(tree(S, ""), nullptr, "f", "1");
  pkv_txn *Seen = begin(S, PKV_RDONLY);
  elsewhere([&] { pkv_close(S); }); // not this process's
  CHECK(hasFile());
  elsewhere([] {
    pkv *Other = open(PKV_SHARED | Durable);
    for (int I = 0; I < 100; I++)
      put(tree(Other, ""), nullptr, "f", std::to_string(I));
    pkv_close(Other);
  });
  CHECK(hasFile() && get(tree(S, ""), Seen, "f") == "1");
  pkv_abort(Seen);
  sleeper Child;
  pkv_close(S);
  CHECK(!hasFile());
  pkv_close(open(PKV_SHARED | Durable));
  S = open(Durable);
  sleeper Another;
  pkv_close(S);
  S = open(PKV_SHARED | Durable);
  CHECK(get(tree(S, ""), nullptr, "f") == "99");
  CHECK(!pkv_del(tree(S, ""), nullptr, as_pkv("f")) && !pkv_check(S));
  pkv_close(S);
  alarm(0);
}

/// Two that read ask to write, again and again: neither may, and neither is
/// without a lock for a moment in which another could.
void askBoth() {
  pkv_close(open(PKV_CREATE | Durable));
  int Up[2], Down[2];
  CHECK(!pipe(Up) && !pipe(Down));
  auto ask = [](int In, int Out) {
    char C = 0;
    pkv *S = open(PKV_RDONLY);
    CHECK(write(Out, &C, 1) == 1 && read(In, &C, 1) == 1);
    for (int I = 0; I < 20000; I++) {
      CHECK(pkv_open_to_write(S, 0) < 0 && errno == EBUSY);
      CHECK(I % 10 || (!pkv_open(Path, 0) && errno == EBUSY));
    }
    CHECK(write(Out, &C, 1) == 1 && read(In, &C, 1) == 1);
    return S;
  };
  pid_t Child = fork();
  CHECK(Child >= 0);
  close(Child ? Up[1] : Up[0]); // so that its end is seen
  close(Child ? Down[0] : Down[1]);
  if (!Child) {
    Me = "other";
    ask(Down[0], Up[1]);
    _exit(0);
  }
  pkv *S = ask(Up[0], Down[1]);
  int Status;
  CHECK(waitpid(Child, &Status, 0) == Child && !Status);
  CHECK(!pkv_open_to_write(S, Durable) && !pkv_check(S));
  pkv_close(S);
  close(Up[0]);
  close(Down[1]);
}

void parent(pid_t Child) {
  failed();
  askBoth();
  forked();
  pkv *S = open(PKV_SHARED | PKV_CREATE | Durable);
  pkv_tree *T = tree(S, "");
  put(T, nullptr, "a", "1");
  elsewhere(refuse);
  pass();

  await(); // the child has a snapshot
  put(T, nullptr, "a", "2");
  pkv_txn *Txn = begin(S);
  put(T, Txn, "b", "2");
  pass();

  await();
  CHECK(!pkv_commit(Txn));
  put(tree(S, "later", PKV_CREATE), nullptr, "c", "3");
  pass();

  await(); // the child is about to commit
  put(tree(S, "both", PKV_CREATE), nullptr, "parent", "y");
  while (get(T, nullptr, "a") != "4")
    usleep(100);
  pass();

  await(); // what the child's snapshot sees waits
  put(T, nullptr, "e", "5");
  CHECK(waiting(T) > 400);
  kill(Child, SIGKILL);
  CHECK(waitpid(Child, nullptr, 0) == Child);
  for (int I = 0; I < 20; I++)
    put(T, nullptr, "e", std::to_string(I));
  CHECK(waiting(T) < 20);

  // A transaction that is half done, of a process that dies.
  Txn = begin(S);
  put(T, Txn, "before", "it");
  CHECK(!pkv_commit(Txn));
  elsewhere([] {
    pkv *Other = open(PKV_SHARED | Durable);
    pkv_txn *Half = begin(Other);
    for (int I = 0; I < 300; I++)
      put(tree(Other, ""), Half, "half " + std::to_string(I), "done");
  });
  CHECK(get(T, nullptr, "half 0") == "none" && get(T, nullptr, "before") == "it");
  put(T, nullptr, "after", "it");
  CHECK(get(T, nullptr, "half 7") == "none" && get(T, nullptr, "after") == "it");
  CHECK(!pkv_check(S));

  // More trees than the file had room for.
  std::string Expected = names(S);
  for (int I = 0; I < 300; I++) {
    std::string Name = "tree " + std::to_string(I);
    put(tree(S, Name.c_str(), PKV_CREATE), nullptr, "its", Name);
    Expected += "/" + Name;
  }
  elsewhere([&] {
    pkv *Other = open(PKV_SHARED | PKV_RDONLY);
    pkv_txn *Snapshot = begin(Other, PKV_RDONLY);
    CHECK(names(Other) == Expected);
    CHECK(get(tree(Other, "tree 299"), Snapshot, "its") == "tree 299");
    CHECK(get(tree(Other, "tree 128"), nullptr, "its") == "tree 128");
    pkv_abort(Snapshot);
    pkv_close(Other);
  });
  CHECK(hasFile());
  pkv_close(S);
  CHECK(!hasFile());

  // Without PKV_SHARED it keeps out who would share it.
  S = open(0);
  elsewhere([] {
    REFUSES(EBUSY, "to write", pkv_open(Path, PKV_SHARED | Durable));
    REFUSES(EBUSY, "to write", pkv_open(Path, PKV_SHARED | PKV_RDONLY));
  });
  CHECK(get(tree(S, ""), nullptr, "after") == "it" && !pkv_check(S));
  pkv_close(S);
  S = open(PKV_RDONLY);
  elsewhere([] {
    REFUSES(EBUSY, "without PKV_SHARED", pkv_open(Path, PKV_SHARED | Durable));
    pkv_close(open(PKV_RDONLY));
  });
  pkv_close(S);
  CHECK(!hasFile());
}

/// As many snapshots as there is room for, each of another opening.
void full() {
  std::vector<pkv *> All;
  for (int I = 0; I < 5; I++)
    All.push_back(open(PKV_SHARED | PKV_CREATE));
  std::vector<pkv_txn *> Snapshots;
  for (int I = 0; I < 4; I++)
    Snapshots.push_back(begin(All[std::size_t(I)], PKV_RDONLY));
  pkv_abort(begin(All[0], PKV_RDONLY)); // has its place
  REFUSES(EAGAIN, "table of readers is full", pkv_begin(All[4], PKV_RDONLY));
  REFUSES(EAGAIN, "table of readers is full",
          pkv_cursor_open(tree(All[4], ""), nullptr));
  char Byte;
  REFUSES(EAGAIN, "table of readers is full",
          pkv_get(tree(All[4], ""), nullptr, as_pkv("a"), &Byte, 1) >= 0);
  put(tree(All[4], ""), nullptr, "a", "1"); // a writer needs none
  pkv_abort(Snapshots[2]);
  pkv_close(All[2]);
  pkv_abort(begin(All[4], PKV_RDONLY));
}

/// The program `Dying` commits and dies before it tells anybody.
void told(const char *Dying) {
  pkv *S = open(PKV_SHARED | PKV_CREATE);
  pkv_tree *T = tree(S, "");
  put(T, nullptr, "a", "1");
  pid_t Child = fork();
  if (!Child) {
    execl(Dying, Dying, Path, "die", nullptr);
    _exit(1);
  }
  int Status;
  CHECK(waitpid(Child, &Status, 0) == Child && WIFSIGNALED(Status));
  CHECK(get(T, nullptr, "a") == "1");
  pkv_abort(begin(S));
  CHECK(get(T, nullptr, "a") == "2");
  put(T, nullptr, "b", "2");
  CHECK(get(T, nullptr, "a") == "2" && !pkv_check(S));
}
void die() {
  pkv *S = open(PKV_SHARED);
  pkv_txn *Txn = begin(S);
  put(tree(S, ""), Txn, "a", "2");
  pkv_commit(Txn);
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2)
    return std::fputs("Usage: pkv_shared STORE [durable | full | told DYING]\n", stderr), 2;
  Path = argv[1];
  if (argc > 2 && !std::strcmp(argv[2], "full"))
    return full(), std::puts("full"), 0;
  if (argc > 3 && !std::strcmp(argv[2], "told"))
    return told(argv[3]), std::puts("told"), 0;
  if (argc > 2 && !std::strcmp(argv[2], "die"))
    return die(), 0;
  Durable = argc > 2 ? PKV_DURABLE : 0;
  int There[2], Back[2];
  CHECK(!pipe(There) && !pipe(Back));
  pid_t Parent = getpid(), Child = fork();
  CHECK(Child >= 0);
  From = Child ? Back[0] : There[0];
  To = Child ? There[1] : Back[1];
  close(Child ? Back[1] : There[1]); // so that its end is seen
  close(Child ? There[0] : Back[0]);
  if (Child) {
    parent(Child);
    std::puts("as it should be");
  } else {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == Parent)
      child();
  }
}

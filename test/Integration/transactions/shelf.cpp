// Transactions in C++ with the runtime: exceptions roll back, also those that leave
// a part; perdure_tx_abort arrives at the outermost end; destructors run on the way.
// RUN: %perdure_cxx -O0 %s -o %t.O0 && rm -rf %store && %run %t.O0 %store | FileCheck %s
// RUN: %perdure_cxx -O2 %s -o %t.O2 && rm -rf %store && %run %t.O2 %store | FileCheck %s
// RUN: rm -rf %store && env PMEM2_FORCE_GRANULARITY=CACHE_LINE %run %t.O2 %store | FileCheck %s
#include <cstdio>
#include <perdure/perdure.h>
#include <perdure/transaction.h>
#include <stdexcept>

struct [[perdure::persistent]] book {
  book *next;
  int number;
};
struct [[perdure::persistent]] shelf {
  book *first;
  int count;
};

static void put(shelf *s, int number) {
  auto *b = (book *)perdure_alloc(s, sizeof(book));
  b->number = number;
  b->next = s->first;
  s->first = b;
  ++s->count;
}

[[perdure::transaction]] static int putTwo(shelf *s, int number, bool fail) {
  put(s, number);
  if (fail)
    throw std::runtime_error("the second is missing");
  put(s, number + 1);
  return s->count;
}

struct Noisy {
  const char *Name;
  ~Noisy() { printf("~%s\n", Name); }
};

static void tell(shelf *s, const char *what) {
  int count = 0;
  for (book *b = s->first; b; b = b->next)
    ++count;
  printf("%s: %d%s\n", what, s->count, count == s->count ? "" : " (the list has others)");
}

int main(int, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  auto *s = (shelf *)perdure_create(store, "shelf", sizeof(shelf), 0);
  if (!s)
    return puts(perdure_errormsg()), 1;

  // CHECK: 2
  // CHECK-NEXT: two: 2
  printf("%d\n", putTwo(s, 1, false));
  tell(s, "two");

  // CHECK-NEXT: the second is missing
  // CHECK-NEXT: thrown: 2
  try {
    putTwo(s, 3, true);
  } catch (const std::runtime_error &e) {
    puts(e.what());
  }
  tell(s, "thrown");

  // CHECK-NEXT: committed 1
  // CHECK-NEXT: lambda: 3
  printf("committed %d\n", perdure::transact(s, [&] { put(s, 5); }));
  tell(s, "lambda");

  // CHECK-NEXT: ~inner
  // CHECK-NEXT: ~outer
  // CHECK-NEXT: committed 0
  // CHECK-NEXT: aborted inside: 3
  bool done = perdure::transact(s, [&] {
    Noisy outer = {"outer"};
    put(s, 6);
    perdure::transact(s, [&] {
      Noisy inner = {"inner"};
      put(s, 7);
      perdure_tx_abort();
    });
  });
  printf("committed %d\n", done);
  tell(s, "aborted inside");

  // An exception that leaves a part dooms the whole, though it is caught.
  // CHECK-NEXT: caught
  // CHECK-NEXT: committed 0
  // CHECK-NEXT: doomed: 3
  done = perdure::transact(s, [&] {
    put(s, 8);
    try {
      putTwo(s, 9, true);
    } catch (const std::runtime_error &) {
      puts("caught");
    }
  });
  printf("committed %d\n", done);
  tell(s, "doomed");

  // In a transaction of the explicit API, which goes on after a part.
  // CHECK-NEXT: committed 1
  // CHECK-NEXT: begun: 4
  // CHECK-NEXT: rolled back: 3
  perdure_tx_begin(s);
  printf("committed %d\n", perdure::transact(s, [&] { put(s, 11); }));
  tell(s, "begun");
  perdure_tx_abort();
  tell(s, "rolled back");
}

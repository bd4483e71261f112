//===- clones.cpp - Calls in transactions that the compiler cannot see
//-----===//

#include "tx/clones.h"
#include "entry/entry.h"
#include "perdure/runtime.h"
#include "platform/error.h"
#include "tx/transaction.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <stdio.h>

using namespace perdure;

void __perdure_tx_register_clones(unsigned Version,
                                  const perdure_tx_pair *Pairs,
                                  uint64_t Count) {
  if (Version != PerdureAbiVersion)
    return; // __perdure_register has said so and ended the process
  if (!addClones(Pairs, Count))
    die("no memory for the table of functions that run in transactions");
}

void __perdure_tx_unregister_clones(const perdure_tx_pair *Pairs,
                                    uint64_t Count) {
  removeClones(Pairs, Count);
}

static void dieWithout(const void *Function) {
  Dl_info Info = {};
  bool Known = dladdr(Function, &Info) && Info.dli_fname;
  const char *Name = "a function without an exported name";
  if (Known && Info.dli_sname && Info.dli_saddr == Function) {
    // Null where the name is none of C++. The process ends: it is not freed.
    const char *Plain =
        abi::__cxa_demangle(Info.dli_sname, nullptr, nullptr, nullptr);
    Name = Plain ? Plain : Info.dli_sname;
  }
  char Place[256] = "";
  if (Known)
    snprintf(
        Place, sizeof(Place), " (%s+0x%llx)", Info.dli_fname,
        (unsigned long long)((uint64_t)Function - (uint64_t)Info.dli_fbase));
  die("a transaction calls %s at %p%s, of which there is no copy that logs "
      "what "
      "it overwrites: compile the file that defines it with "
      "-fperdure-tx-clones, or mark it in_transaction; tx_safe if it writes to "
      "no "
      "object",
      Name, Function, Place);
}

extern "C" {

PERDURE_API void *__perdure_tx_clone(void *Function) {
  void *Clone = findClone(Function);
  if (__builtin_expect(Clone != nullptr, 1))
    return Clone;
  // Code that logs runs outside transactions too. Null: the call itself faults,
  // with its report.
  if (openTransaction() && Function)
    dieWithout(Function);
  return Function;
}

PERDURE_API void *__perdure_tx_body(void *Function) {
  void *Clone = findClone(Function);
  if (!Clone && Function)
    dieWithout(Function);
  return Clone;
}

/// For perdure_transact. Without a copy it may be one, or log by hand.
__attribute__((visibility("hidden"))) void *perdure__body(void *Function) {
  void *Clone = findClone(Function);
  return Clone ? Clone : Function;
}

PERDURE_API void __perdure_tx_refuse(const void *Written, const char *What,
                                     const char *Where) {
  if (!openTransaction() || (Written && !perdure_in_object(Written)))
    return;
  die("a transaction comes to %s%s%s%s, whose writes could not be taken back: "
      "put it in a function marked tx_safe, or before or after the transaction",
      What, Where ? " (" : "", Where ? Where : "", Where ? ")" : "");
}

} // extern "C"

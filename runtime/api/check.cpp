//===- check.cpp - perdure_check ------------------------------------------===//

#include "check/check.h"
#include "api/arguments.h"
#include "platform/error.h"

#include <errno.h>

using namespace perdure;

namespace {
struct Visitor {
  void (*Visit)(void *, const struct perdure_finding *);
  void *Arg;
};
} // namespace

static void tell(void *Context, Severity S, uint64_t Offset, const char *Text) {
  const auto *V = (const Visitor *)Context;
  perdure_finding F = {};
  F.kind = S == Severity::Note     ? PERDURE_NOTE
           : S == Severity::Mended ? PERDURE_MENDED
                                   : PERDURE_DAMAGED;
  F.offset = Offset;
  F.what = Text;
  V->Visit(V->Arg, &F);
}

int perdure_check(perdure_store *store, perdure_id id, unsigned flags,
                  void (*visit)(void *, const struct perdure_finding *),
                  void *arg) {
  Store &S = storeOf(store);
  if (flags & ~(unsigned)PERDURE_REPAIR) {
    fail(EINVAL, "perdure_check: flags 0x%x: PERDURE_REPAIR is the only one",
         flags);
    return -1;
  }
  bool Repair = flags & PERDURE_REPAIR;
  if (Repair && S.ReadOnly) {
    fail(EROFS, "store %s is open with PERDURE_RDONLY", S.Path);
    return -1;
  }
  Visitor V = {visit, arg};
  Findings Found(tell, &V);
  if (!checkObject(S, id, Repair ? CheckMode::Repair : CheckMode::Look, Found))
    return -1;
  return (int)(Found.count(Severity::Damage) +
               (Repair ? 0 : Found.count(Severity::Mended)));
}

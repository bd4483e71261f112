//===- Others.cpp - What in a store leads to an object --------------------===//

#include "Others.h"
#include "Command.h"
#include "Output.h"
#include "Walk.h"

#include <cerrno>

using namespace inspect;

bool listNames(perdure_store *S, NameList &Names) {
  return !perdure_list(
      S,
      [](void *To, const char *Name, perdure_id) {
        ((NameList *)To)->push_back(Name);
        return 0;
      },
      &Names);
}

// Whether a pointer of the object may lead to that ID: all of an entry of the FOT, or
// one of an encoding that knows regions.
static bool mayLeadTo(Object &O, perdure_id Id) {
  for (const struct perdure_foreign &F : O.foreign())
    if (isSame(F.id, Id))
      return true;
  for (const std::string &Name : O.Known.encodings())
    if (Name == "region-id" || Name == "fat-lookup")
      return true;
  return false;
}

int failToOwn(const Store &S, const std::string &Name, const std::string &For) {
  if (errno != EBUSY)
    return reportObjectFailure(S);
  return reportFailure(Name == For
                           ? "wait until nobody writes it"
                           : "'" + escape(Name) + "' may lead to blocks of '" + escape(For) +
                                 "', so nobody may change it meanwhile: wait until nobody "
                                 "writes it");
}

// The names of what may lead to that ID, but for itself.
static int findOthers(const Store &S, const NameList &Names, perdure_id Id,
                      const std::string &For, NameList &Others) {
  Objects Looked(S, PERDURE_RDONLY);
  for (const std::string &Name : Names) {
    Object *Other = Looked.open(Name);
    if (!Other)
      return failToOwn(S, Name, For);
    if (!isSame(Other->Id, Id) && mayLeadTo(*Other, Id))
      Others.push_back(Name);
  }
  return Success;
}

int visitOthers(const Store &S, Objects &All, const NameList &Names, Object &O,
                const std::function<void(uint64_t)> &Visit) {
  NameList Others;
  if (int Status = findOthers(S, Names, O.Id, O.Name, Others))
    return Status;
  for (const std::string &Name : Others) {
    Object *Other = All.open(Name);
    if (!Other)
      return failToOwn(S, Name, O.Name);
    if (!Other->readBlocks())
      return reportFailure("perdure fsck " + quoteForShell(S.path()) + " says more");
    visitForeign(*Other, [&](const Target &T) {
      if (T.To == &O)
        Visit(T.Offset);
    });
  }
  return Success;
}

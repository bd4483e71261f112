//===- foreign.cpp - Pointers by name, and rights on other objects --------===//

#include "alloc/heap.h"
#include "tx/redo.h"
#include "api/arguments.h"
#include "fot/fot.h"
#include "platform/error.h"
#include "platform/pointer_format.h"

#include <errno.h>
#include <string.h>

using namespace perdure;

// The index of Name in O's FOT; its text goes into a block of O, which nothing
// but the entry leads to.
static uint64_t indexOfName(Object &O, const char *Name) {
  uint64_t Index = fotIndexOfName(O, Name, 0);
  if (Index || errno != ENOENT)
    return Index;
  if (!checkAllocating(O))
    return 0;
  size_t Bytes = strlen(Name) + 1;
  char *Text = (char *)allocate(O, Bytes);
  if (!Text)
    return 0;
  memcpy(Text, Name, Bytes);
  uint64_t Offset = (uint64_t)Text - O.Base;
  // Before the entry, which reaches the medium by itself.
  if (!isDeferred(O)) {
    flushMetadata(O, Text, Bytes);
  } else if (!persistSpan(O, {Offset, Offset + Bytes}, nullptr, 0)) {
    int Saved = errno;
    deallocate(O, Text);
    errno = Saved;
    return 0;
  }
  Index = fotIndexOfName(O, Name, Offset);
  FotTarget Target;
  int Saved = errno;
  // Another thread may have been faster, with a text of its own.
  if (!Index || (fotTarget(O, Index, Target) && Target.NameAt != Offset))
    deallocate(O, Text);
  errno = Saved;
  return Index;
}

int perdure_bind(void *container, const char *name) {
  Object *O = openObjectAt(container, "perdure_bind");
  if (!O || !checkName(name))
    return -1;
  if ((uint64_t)container % sizeof(uint64_t)) {
    fail(EINVAL,
         "perdure_bind: %p is no multiple of 8, as persistent pointers "
         "are",
         container);
    return -1;
  }
  if (!isWritable(*O))
    return refuseToWrite(*O), -1;
  uint64_t Index = indexOfName(*O, name);
  if (!Index)
    return -1;
  __atomic_store_n((uint64_t *)container, perdureMakeForeign(Index, 0),
                   __ATOMIC_RELEASE);
  return 0;
}

int perdure_foreign(const void *in_object, uint64_t index,
                    struct perdure_foreign *out) {
  Object *O = openObjectAt(in_object, "perdure_foreign");
  if (!O)
    return -1;
  if (!index || fotEnds(*O, index)) {
    fail(index ? ENOENT : EINVAL,
         "perdure_foreign: object %s has no entry %llu; the first is 1",
         labelOf(*O).Text, (unsigned long long)index);
    return -1;
  }
  *out = {};
  FotTarget Target;
  if (!fotTarget(*O, index, Target))
    return 0;
  memcpy(out->name, Target.Name, sizeof(out->name));
  out->id = Target.Id;
  out->rights = Target.ToWrite ? 0 : PERDURE_RDONLY;
  Locked Hold(O->Owner->Lock);
  if (Target.Name[0] && !lookUpName(*O->Owner, Target.Name, out->id))
    out->id = {0, 0};
  out->present = hasObjectFile(*O->Owner, out->id);
  return 0;
}

int perdure_set_rights(void *in_object, const void *target, unsigned flags) {
  Object *O = openObjectAt(in_object, "perdure_set_rights");
  Object *Target = objectAt(target);
  if (!O)
    return -1;
  if (flags & ~(unsigned)PERDURE_RDONLY || !Target || Target == O ||
      Target->Owner != O->Owner) {
    fail(EINVAL,
         "perdure_set_rights: flags 0x%x, %p: the flags are 0 or "
         "PERDURE_RDONLY, and the target lies in another object of the same "
         "store",
         flags, target);
    return -1;
  }
  if (!isWritable(*O))
    return refuseToWrite(*O), -1;
  return fotSetRights(*O, Target->Id, !(flags & PERDURE_RDONLY)) ? 0 : -1;
}

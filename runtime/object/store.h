//===- store.h - A directory of objects and names ---------------*- C++ -*-===//
//
//   DIR/perdure.store     one line of text: format version and the store's ID
//   DIR/objects/<32 hex>  one file per object
//   DIR/names/<name>      one line of text: the ID of the object
//
// No links and no absolute paths, so cp -r copies a store.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_OBJECT_STORE_H
#define PERDURE_RUNTIME_OBJECT_STORE_H

#include "object/object.h"

#include <sys/types.h>

namespace perdure {

struct Store {
  Store *Next; // in the list of open stores
  dev_t Device;
  ino_t Inode;
  int Dir, ObjectsDir, NamesDir;
  bool ReadOnly, Durable;
  unsigned References;
  char Path[256];        // as it was opened, cut; in messages
  Mutex Lock;            // guards Objects and their opening
  Object *Objects[1024]; // by hash of the ID
};

Store *openStore(const char *Path, unsigned Flags);

/// Drops a reference; null when others are left, else the store, which must be
/// emptied and then passed to freeStore.
Store *dropStore(Store &S);
void freeStore(Store *S);

/// The ID that Name leads to. EINVAL, ENOENT, EPROTO.
bool lookUpName(Store &S, const char *Name, perdure_id &Id);

/// Makes Name lead to Id, durably, unless it exists (EEXIST).
bool publishName(Store &S, const char *Name, perdure_id Id);

/// Removes Name, durably.
bool removeName(Store &S, const char *Name);

/// The Object of an ID that this process has met, or null. Store locked.
Object *findObject(Store &S, perdure_id Id);

/// Its Object, with a slot, not yet attached. Store locked.
Object *enterObject(Store &S, perdure_id Id);

/// Undoes enterObject for an object that nothing can have met.
void forgetObject(Store &S, Object *O);

/// The Object of an ID, opened if that can be done with whatever rights the
/// file allows, else missing. Null (ENOSPC) when no slot is left.
Object *resolveObject(Store &S, perdure_id Id);

/// A random ID.
bool makeId(perdure_id &Id);

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_STORE_H

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

/// When names/ changed last, and when that was read; nanoseconds.
struct NamesTime {
  int64_t Changed, Read;
};

/// What this process knows of a name.
struct Binding {
  Binding *Next;
  Object *Opened;  // what it led to when it was opened, or null
  NamesTime Time;  // before that
  Object *Late;    // what pointers by name lead to, until the store closes
  Object *StandIn; // what they lead to before
  char Name[];
};

struct Registry; // object/registry.cpp

struct Store {
  Store *Next; // in the list of open stores
  dev_t Device;
  ino_t Inode;
  perdure_id Marker; // its own ID; copies of a store have the same
  int Dir, ObjectsDir, NamesDir;
  bool ReadOnly, Durable, Shared;
  bool Verify; // only sealed objects; atomic
  bool SyncFailed; // of an object that another asked: tx/together.cpp; atomic
  unsigned References;
  char Path[256];          // as it was opened, cut; in messages
  Mutex Lock;              // guards Objects, Bindings and their opening
  Object *Objects[1024];   // by hash of the ID
  Binding *Bindings[1024]; // by hash of the name
  Mutex SidecarLock;       // guards what follows
  void *Sidecar;           // mapped at first use
  int SidecarFile;
  bool NoSidecar;        // it could not be had
  Registry *TheRegistry; // read at first use; guarded there
};

/// All open stores, under this lock.
extern Mutex StoresLock;
Store *firstStore();

Store *openStore(const char *Path, unsigned Flags);

/// Frees a store that has no objects any more. StoresLock held.
void freeStore(Store &S);

/// EINVAL for what is no name.
bool checkName(const char *Name);

/// A descriptor of an object's file, to read. -1 and a message.
int openObjectFile(Store &S, perdure_id Id);

/// Whether the store has the object's file.
bool hasObjectFile(const Store &S, perdure_id Id);

/// The ID that Name leads to. EINVAL, ENOENT, EPROTO.
bool lookUpName(Store &S, const char *Name, perdure_id &Id);

/// Makes Name lead to Id, durably, unless it exists (EEXIST).
bool publishName(Store &S, const char *Name, perdure_id Id);

/// A name on its way: a file that says what it will lead to, under a temporary
/// name of its own in names/. What crashes leaves it, and with it the object
/// that it was for.
struct PendingName {
  int File; // locked for as long as somebody is at it
  char Temporary[64];
};
bool prepareName(Store &S, PendingName &P, const char *Name, perdure_id Id);
bool publishName(Store &S, PendingName &P, const char *Name);
void dropName(Store &S, PendingName &P);

/// Removes what somebody left who died with a PendingName for Id, which is no
/// object of any name then. False when there is nothing like that.
bool removeLeftover(Store &S, perdure_id Id);

/// Gives the file Temporary of directory Dir its name, never another's
/// (EEXIST). Without a message.
bool renameNew(int Dir, const char *Temporary, const char *Name);

/// Writes Text to a file that appears under Name only when it is whole,
/// durably, and never over another: EEXIST.
bool publishFile(int Dir, const char *Name, const char *Text);

/// A line of 32 hexadecimal digits.
bool parseId(const char *Text, perdure_id &Id);

/// A file's temporary name.
bool makeTemporary(char (&Temporary)[64]);

/// The name of the file of an object.
struct HexId {
  char Text[33];
};
HexId hexOf(perdure_id Id);

/// Removes Name, durably.
bool removeName(Store &S, const char *Name);

/// Gives what Name leads to the name As instead, in one step, durably: EEXIST. Store
/// locked.
bool renameName(Store &S, const char *Name, const char *As);

/// The Object of an ID that this process has met, or null. Store locked.
Object *findObject(Store &S, perdure_id Id);

/// Its Object, with a slot, not yet attached. Store locked.
Object *enterObject(Store &S, perdure_id Id);

/// Undoes enterObject for an object that nothing can have met.
void forgetObject(Store &S, Object *O);

/// The Object of an ID, opened if that can be done with whatever rights the
/// file allows, at most those asked for, else missing. Null (ENOSPC) when no
/// slot is left.
Object *resolveObject(Store &S, perdure_id Id, bool ToWrite);

/// Tells reports by which name O was met first.
void nameObject(Object &O, const char *Name);

/// The present Object that is called Name, the same one until the store closes;
/// before there is one, what stands for the name. Null (ENOSPC) when no slot is
/// left.
Object *resolveName(Store &S, const char *Name, bool ToWrite);

/// The present Object that Name leads to, when this process knows and nobody
/// has changed the names since. Store locked.
Object *recallName(Store &S, const char *Name);

/// Name leads to O, as lookUpName said after readNamesTime gave Time. Store
/// locked.
NamesTime readNamesTime(const Store &S);
void rememberName(Store &S, const char *Name, Object *O, NamesTime Time);

/// Calls Visit with each name and its ID until it gives something else than 0,
/// and gives that; -1 on failure. A name that leads to no ID gives {0, 0}.
int visitNames(Store &S, int (*Visit)(void *, const char *, perdure_id),
               void *Context);

/// What the store wants for objects that pointers lead to.
inline Access accessOf(const Store &S, bool ToWrite) {
  return S.ReadOnly || !ToWrite ? Access::Read
         : S.Shared             ? Access::Shared
                                : Access::Exclusive;
}

/// A random ID.
bool makeId(perdure_id &Id);

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_STORE_H

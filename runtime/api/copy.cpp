//===- copy.cpp - perdure_copy --------------------------------------------===//
//
// Objects are taken up as they are met: section, copy, then what the copy leads
// to. All sections are held until the last object is copied; none has changed
// since its section was entered, so all copies are as the objects are then.
//
// Programs may be in sections of several objects themselves, in any order. So
// only the first section is waited for as long as it takes: whoever finds
// another one occupied leaves all, and begins again with that one.
//
//===----------------------------------------------------------------------===//

#include "object/copy.h"
#include "api/arguments.h"
#include "fot/fot.h"
#include "object/registry.h"
#include "platform/error.h"
#include "tx/redo.h"
#include "tx/together.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using namespace perdure;

namespace {

/// An object that is to be in the other store.
struct Item {
  Copying C;
  char Name[256]; // to publish; "" for none
  bool There;     // the store has it already
  bool Missing;   // there is nothing to copy
  bool Published; // its file
  bool HasName;   // its name
};

struct NameEntry {
  perdure_id Id;
  char *Name;
};

struct Plan {
  Store &From, &To;
  unsigned Flags;
  const char *As;
  perdure_id Top, NewTop; // what was asked for
  perdure_id Seed;        // of the hash: who makes up a FOT does not know it
  Item **Items;
  size_t Count, Room;
  Item **Buckets; // the items by ID; twice as many at least, a power of two
  size_t Capacity;
  NameEntry *Names; // of From, by ID
  size_t NameCount, NameRoom;

  bool isTop(const Item &I) const {
    return I.C.Id.hi == Top.hi && I.C.Id.lo == Top.lo;
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Names in the source
//===----------------------------------------------------------------------===//

template <typename T>
static bool makeRoom(T *&Array, size_t Used, size_t &Room) {
  if (Used < Room)
    return true;
  size_t More = Room ? Room * 2 : 16;
  T *Bigger = (T *)realloc(Array, More * sizeof(T));
  if (!Bigger)
    return fail(ENOMEM, "no memory for the list of objects");
  Array = Bigger;
  Room = More;
  return true;
}

static int compareIds(perdure_id A, perdure_id B) {
  if (A.hi != B.hi)
    return A.hi < B.hi ? -1 : 1;
  return A.lo == B.lo ? 0 : A.lo < B.lo ? -1 : 1;
}

static int compareNames(const void *A, const void *B) {
  auto &X = *(const NameEntry *)A, &Y = *(const NameEntry *)B;
  int Order = compareIds(X.Id, Y.Id);
  return Order ? Order : strcmp(X.Name, Y.Name);
}

static int addName(void *Context, const char *Name, perdure_id Id) {
  Plan &P = *(Plan *)Context;
  if (!makeRoom(P.Names, P.NameCount, P.NameRoom))
    return -1;
  char *Copy = strdup(Name);
  if (!Copy)
    return fail(ENOMEM, "no memory for a name"), -1;
  P.Names[P.NameCount++] = {Id, Copy};
  return 0;
}

static bool readNames(Plan &P) {
  if (visitNames(P.From, addName, &P))
    return false;
  if (P.NameCount)
    qsort(P.Names, P.NameCount, sizeof(NameEntry), compareNames);
  return true;
}

// The first in alphabetical order, or null.
static const char *nameOf(const Plan &P, perdure_id Id) {
  size_t Low = 0, High = P.NameCount;
  while (Low < High) {
    size_t Middle = (Low + High) / 2;
    if (compareIds(P.Names[Middle].Id, Id) < 0)
      Low = Middle + 1;
    else
      High = Middle;
  }
  return Low < P.NameCount && !compareIds(P.Names[Low].Id, Id)
             ? P.Names[Low].Name
             : nullptr;
}

//===----------------------------------------------------------------------===//
// Items
//===----------------------------------------------------------------------===//

// Where the item is, or would go.
static Item **bucketOf(const Plan &P, perdure_id Id) {
  unsigned __int128 Product =
      (unsigned __int128)(Id.hi ^ P.Seed.hi) * (Id.lo ^ (P.Seed.lo | 1));
  for (uint64_t I = (uint64_t)Product ^ (uint64_t)(Product >> 64);; ++I) {
    Item **Bucket = &P.Buckets[I & (P.Capacity - 1)];
    if (!*Bucket || !compareIds((*Bucket)->C.Id, Id))
      return Bucket;
  }
}

static bool widen(Plan &P) {
  if (P.Count * 2 < P.Capacity)
    return true;
  size_t Capacity = P.Capacity ? P.Capacity * 2 : 16;
  Item **Buckets = (Item **)calloc(Capacity, sizeof(Item *));
  if (!Buckets)
    return fail(ENOMEM, "no memory for the list of objects");
  free(P.Buckets);
  P.Buckets = Buckets;
  P.Capacity = Capacity;
  for (size_t I = 0; I < P.Count; ++I)
    *bucketOf(P, P.Items[I]->C.Id) = P.Items[I];
  return true;
}

// Whether I's name in the other store is free, or leads to it already.
static bool checkTarget(const Plan &P, Item &I) {
  perdure_id Id;
  if (!I.Name[0])
    return true;
  bool Taken = !P.isTop(I) && !strcmp(I.Name, P.As);
  if (!Taken && !lookUpName(P.To, I.Name, Id))
    return errno == ENOENT;
  if (!Taken && !P.isTop(I) && !compareIds(Id, I.C.Id)) {
    I.Name[0] = 0; // nothing to do
    return true;
  }
  return fail(EEXIST,
              "store %s has an object called '%s' already; perdure_remove "
              "removes it",
              P.To.Path, I.Name);
}

// Whether the other store has the object already.
static bool checkId(const Plan &P, Item &I) {
  {
    // Without its file, but mapped: the ID would go on meaning that.
    Locked Hold(P.To.Lock);
    Object *O = findObject(P.To, I.C.NewId);
    if (O && isPresent(*O) && O->Removed)
      return fail(EBUSY,
                  "object %s was removed from store %s while this process has "
                  "it open; close that store first",
                  labelOf(*O).Text, P.To.Path);
  }
  I.There = hasObjectFile(P.To, I.C.NewId) && !removeLeftover(P.To, I.C.NewId);
  return !I.There || !P.isTop(I) ||
         fail(EEXIST,
              "store %s has the object already, whose ID is %s; perdure_remove "
              "removes it by its name there",
              P.To.Path, hexOf(I.C.NewId).Text);
}

static bool addItem(Plan &P, perdure_id Id) {
  if (!widen(P))
    return false;
  Item **Bucket = bucketOf(P, Id);
  if (*Bucket)
    return true;
  Item *I = (Item *)calloc(1, sizeof(Item));
  if (!I || !makeRoom(P.Items, P.Count, P.Room)) {
    free(I);
    return fail(ENOMEM, "no memory for the list of objects");
  }
  P.Items[P.Count++] = *Bucket = I;
  I->C.From = &P.From;
  I->C.To = &P.To;
  I->C.Id = Id;
  I->C.NewId = P.isTop(*I) ? P.NewTop : Id;
  I->C.Force = P.Flags & PERDURE_FORCE;
  I->C.Source = I->C.Copy = -1;
  const char *Name = P.isTop(*I) ? P.As : nameOf(P, Id);
  if (Name)
    strcpy(I->Name, Name);
  return checkTarget(P, *I) && checkId(P, *I);
}

static bool addTarget(void *Context, const FotTarget &Target) {
  Plan &P = *(Plan *)Context;
  perdure_id Id = Target.Id;
  // By name: what has that name now, if anything.
  if (Target.Name[0] && !lookUpName(P.From, Target.Name, Id))
    return errno == ENOENT;
  return addItem(P, Id);
}

static void dropItems(Plan &P) {
  for (size_t I = 0; I < P.Count; ++I) {
    endCopy(P.Items[I]->C);
    free(P.Items[I]);
  }
  P.Count = 0;
  free(P.Buckets);
  P.Buckets = nullptr;
  P.Capacity = 0;
}

//===----------------------------------------------------------------------===//
// Copying
//===----------------------------------------------------------------------===//

// What a copy is prepared for would be decided by an object that need not be where
// the copy is, and that may be rid of it when it is asked.
static bool checkDecided(const Copying &C) {
  int Prepared = isPreparedFile(C.Copy, C.NewId);
  return !Prepared ||
         (Prepared > 0 &&
          fail(EBUSY, "it is prepared for a transaction over several objects that "
                      "a process began and did not end; open it for writing once, "
                      "and copy it then"));
}

// What this process has stored and not written yet belongs to the object as well.
static bool writeOwn(Copying &C) {
  Locked Hold(C.From->Lock);
  Object *O = findObject(*C.From, C.Id);
  return !O || !isPresent(*O) || !isDeferred(*O) || !isAlone(*O) ||
         writeBack(*O, /*Forget=*/false);
}

// Occupied: the section is, so that nothing has been done.
static bool copyItem(Plan &P, Item &I, int Milliseconds, bool &Occupied) {
  if (!openSource(I.C)) {
    I.Missing = errno == ENOENT && !P.isTop(I);
    return I.Missing;
  }
  bool Follow = P.Flags & PERDURE_RECURSIVE && &P.From != &P.To;
  if (I.There)
    return readSourceState(I.C) &&
           visitTargets(I.C.Source, I.C.Current, addTarget, &P);
  if (!enterSource(I.C, Milliseconds)) {
    Occupied = errno == EBUSY;
    return false;
  }
  return writeOwn(I.C) && checkWriters(I.C) && copyFile(I.C) && checkDecided(I.C) &&
         (!Follow || visitTargets(I.C.Copy, I.C.Current, addTarget, &P));
}

static bool failItem(const Plan &P, const Item &I) {
  if (P.isTop(I))
    return false;
  int Saved = errno;
  char Why[800];
  snprintf(Why, sizeof(Why), "%s", errorMessage());
  const char *Name = nameOf(P, I.C.Id);
  return fail(Saved, "object %s%s%s, to which it leads: %s", hexOf(I.C.Id).Text,
              Name ? " called " : "", Name ? Name : "", Why);
}

static bool copyAll(Plan &P) {
  constexpr int Patience = 20; // milliseconds
  perdure_id First = P.Top;
  for (int Try = 0; Try < 100; ++Try) {
    bool Occupied = false;
    if (!addItem(P, First) || !addItem(P, P.Top))
      return false;
    size_t I = 0;
    for (; I < P.Count; ++I) {
      int Milliseconds = P.Flags & PERDURE_NOWAIT ? 0 : I ? Patience : -1;
      if (!copyItem(P, *P.Items[I], Milliseconds, Occupied))
        break;
    }
    if (I == P.Count)
      return true;
    if (!Occupied || P.Flags & PERDURE_NOWAIT)
      return failItem(P, *P.Items[I]);
    First = P.Items[I]->C.Id;
    dropItems(P);
  }
  return fail(EBUSY,
              "other processes are in write sections of what it leads to "
              "all the time; try again");
}

//===----------------------------------------------------------------------===//
// Publishing
//===----------------------------------------------------------------------===//

static bool publishItem(const Plan &P, Item &I) {
  PendingName Pending;
  if (I.Missing || (I.There && !I.Name[0]))
    return true;
  if (I.Name[0] && !prepareName(P.To, Pending, I.Name, I.C.NewId))
    return false;
  if (!I.There) {
    I.Published = publishCopy(I.C);
    if (!I.Published) {
      if (I.Name[0])
        dropName(P.To, Pending);
      return false;
    }
  }
  I.HasName = I.Name[0] && publishName(P.To, Pending, I.Name);
  return I.HasName || !I.Name[0];
}

static void retract(const Plan &P) {
  int Saved = errno;
  char Why[1024];
  snprintf(Why, sizeof(Why), "%s", errorMessage());
  for (size_t I = 0; I < P.Count; ++I) {
    Item &It = *P.Items[I];
    if (It.HasName) {
      Locked Hold(P.To.Lock);
      removeName(P.To, It.Name);
    }
    if (It.Published)
      retractCopy(It.C);
  }
  fail(Saved, "%s", Why);
}

static bool publishAll(const Plan &P) {
  for (int Last = 0; Last < 2; ++Last) // what was asked for comes last
    for (size_t I = 0; I < P.Count; ++I)
      if (P.isTop(*P.Items[I]) == Last && !publishItem(P, *P.Items[I])) {
        retract(P);
        return false;
      }
  return true;
}

static int copy(Plan &P) {
  bool Recursive = P.Flags & PERDURE_RECURSIVE;
  if ((Recursive && !readNames(P)) || !copyAll(P) || !publishAll(P))
    return -1;
  int Half = 0;
  for (size_t I = 0; I < P.Count; ++I)
    Half |= P.Items[I]->C.Half;
  return Half;
}

static int failCopy(const Store &From, const char *Name, const Store &To) {
  int Saved = errno;
  char Why[800];
  snprintf(Why, sizeof(Why), "%s", errorMessage());
  fail(Saved, "cannot copy '%.64s' from store %s to store %s: %s", Name,
       From.Path, To.Path, Why);
  return -1;
}

int perdure_copy(perdure_store *from, const char *name, perdure_store *to,
                 const char *as, unsigned flags) {
  constexpr unsigned Known = PERDURE_FORCE | PERDURE_RECURSIVE | PERDURE_NOWAIT;
  if (flags & ~Known) {
    fail(EINVAL,
         "perdure_copy: flags 0x%x: PERDURE_FORCE, PERDURE_RECURSIVE and "
         "PERDURE_NOWAIT are those that it knows",
         flags);
    return -1;
  }
  Store &From = storeOf(from), &To = storeOf(to);
  perdure_id Id, NewId;
  if (To.ReadOnly) {
    fail(EROFS, "store %s is open with PERDURE_RDONLY", To.Path);
    return failCopy(From, name, To);
  }
  if (!checkName(as ? as : name) || !lookUpName(From, name, Id))
    return -1;
  // Their numbers would lead to the objects of the source.
  if (hasRegistry(From)) {
    fail(ENOTSUP, "its objects hold pointers by region number (encodings "
                  "region-id and fat-lookup), which mean objects of that store "
                  "alone; copy the whole directory");
    return failCopy(From, name, To);
  }
  NewId = Id;
  if (&From == &To && !makeId(NewId))
    return -1;
  Plan P = {From, To,      flags, as ? as : name, Id, NewId, {}, nullptr, 0,
            0,    nullptr, 0,     nullptr,        0,  0};
  if (!makeId(P.Seed))
    return -1;
  int Result = copy(P);
  if (Result < 0)
    failCopy(From, name, To);
  int Saved = errno;
  dropItems(P);
  free(P.Items);
  for (size_t I = 0; I < P.NameCount; ++I)
    free(P.Names[I].Name);
  free(P.Names);
  errno = Saved;
  return Result;
}

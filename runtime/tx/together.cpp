//===- together.cpp - Several objects commit as one -----------------------===//

#include "tx/together.h"
#include "object/header.h"
#include "object/store.h"
#include "platform/error.h"
#include "platform/options.h"
#include "tx/redo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace perdure;

namespace {
/// A part, on its way.
struct Voter {
  Part *P;
  Batch *B;               // of one that is deferred
  PreparedBatch Prepared; //   the same, once it is
  bool IsPrepared;
  Vote Mine;
};

/// Those that have changed something. The first one is the coordinator.
struct Voters {
  Voter *Items;
  unsigned Count;

  Voters() : Items(nullptr), Count(0) {}
  ~Voters() {
    for (unsigned I = 0; I < Count; ++I)
      freeBatch(Items[I].B);
    free(Items);
  }
  Voters(const Voters &) = delete;
  Voters &operator=(const Voters &) = delete;
};
} // namespace

static bool hasChanged(const Part &P) {
  const Object *Now = objectAt(P.Base);
  return Now == P.O && Now->Serial == P.Serial && lastOf(P);
}

static Vote voteOf(const Object &O, const Lane &L) {
  return {O.Id.hi, O.Id.lo, L.Index, generationOf(*L.Head)};
}

// Who is to keep the record of the commit, rather than who changed first: DAX media,
// where writing it cannot fail; then one whose commits survive a power failure.
static unsigned rankOf(const Part &P) {
  return !P.O->Map.Page ? 2 : !P.L ? 1 : 0;
}

static bool findVoters(Transaction &T, Voters &V) {
  V.Items = (Voter *)calloc(T.Parts.Count, sizeof(Voter));
  if (!V.Items)
    return fail(ENOMEM, "no memory for a commit");
  unsigned First = 0;
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    if (!hasChanged(P))
      continue;
    Voter &New = V.Items[V.Count++];
    New.P = &P;
    if (!P.L && !(New.B = collectPart(P)))
      return false;
    if (rankOf(P) > rankOf(*V.Items[First].P))
      First = V.Count - 1;
  }
  Voter Coordinator = V.Items[First];
  V.Items[First] = V.Items[0];
  V.Items[0] = Coordinator;
  return true;
}

static bool prepare(Voter &V, const Vote &Leader) {
  Object &O = *V.P->O;
  if (V.B) {
    V.IsPrepared = prepareBatch(O, *V.B, Leader, V.Prepared);
    V.Mine = V.Prepared.Mine;
    return V.IsPrepared;
  }
  V.Mine = voteOf(O, *V.P->L);
  if (!appendRecord(O, *V.P->L, RecordKind::Prepared, 0, &Leader,
                    sizeof(Leader)))
    return false;
  settle(O);
  return true;
}

// The record that commits, in pieces when it leads to very many: the last one,
// whose offset is 0, is what counts.
static bool writeCommit(Object &O, Lane &L, const Voters &V) {
  constexpr unsigned Most = MaxContent / sizeof(Vote);
  Vote Votes[Most];
  unsigned Count = 0;
  for (unsigned I = 1; I < V.Count; ++I) {
    Votes[Count++] = V.Items[I].Mine;
    unsigned Left = V.Count - 1 - I;
    if (Count < Most && Left)
      continue;
    if (!appendRecord(O, L, RecordKind::Committed, Left, Votes,
                      Count * sizeof(Vote)))
      return false;
    if (Left)
      settle(O);
    Count = 0;
  }
  settle(O);
  return true;
}

// Those that are deferred write that it is committed before the coordinator may
// forget. One whose medium fails now asks it when it is opened again.
static bool finish(Voters &V) {
  bool Ok = true;
  for (unsigned I = 0; I < V.Count; ++I)
    if (Voter &Each = V.Items[I]; Each.B)
      Ok = decideBatch(*Each.P->O, *Each.B, Each.Prepared) && Ok;
  for (unsigned I = 0; I < V.Count; ++I)
    if (Voter &Each = V.Items[I]; Each.B)
      Ok = syncCommits(*Each.P->O) && Ok;
    else if (I)
      cutLane(*Each.P->O, *Each.P->L->Head);
  return Ok;
}

// The coordinator's own part is prepared first when it is deferred: that sync is of
// its lane, too, whose generation the others then name.
static bool commitBy(Voters &V, Lane &L) {
  Object &O = *V.Items[0].P->O;
  Vote Leader = voteOf(O, L);
  for (unsigned I = 0; I < V.Count; ++I)
    if ((I || V.Items[I].B) && !prepare(V.Items[I], Leader))
      return false;
  return writeCommit(O, L, V) && (!V.Items[0].B || syncLane(O));
}

// Whether the record of the commit is on the medium nobody knows: so nothing is
// written by anybody who would have to.
static void giveUp(Voters &V) {
  if (!isPoisoned(*V.Items[0].P->O))
    return;
  for (unsigned I = 1; I < V.Count; ++I)
    if (V.Items[I].IsPrepared)
      poison(*V.Items[I].P->O, "know what became of a transaction", EIO);
}

bool perdure::commitTogether(Transaction &T) {
  Voters V;
  if (!findVoters(T, V))
    return false;
  Object &O = *V.Items[0].P->O;
  Lane *Own = V.Items[0].B ? takeLane(O) : nullptr;
  Lane *L = Own ? Own : V.Items[0].P->L;
  if (!L)
    return false;
  bool Committed = commitBy(V, *L);
  if (!Committed) {
    int Saved = errno;
    giveUp(V);
    for (unsigned I = 0; I < V.Count; ++I)
      if (V.Items[I].IsPrepared)
        cancelBatch(*V.Items[I].P->O);
    errno = Saved;
  } else if (!finish(V)) {
    L->Kept = true; // who does not know yet asks
  }
  // Not committed: nobody may find a record of this generation later. In place
  // rolling back sees to that.
  if ((Committed || Own) && !L->Kept)
    cutLane(O, *L->Head);
  if (Own)
    dropLane(O, *Own);
  return Committed;
}

//===----------------------------------------------------------------------===//
// Asking another object
//===----------------------------------------------------------------------===//

namespace {
/// Another object of the store, as its file says now, to read its log alone. It
/// may be open in any process, this one included.
class OtherFile {
public:
  OtherFile(Store &S, perdure_id Id);
  OtherFile(int File, perdure_id Id);
  ~OtherFile();
  OtherFile(const OtherFile &) = delete;
  OtherFile &operator=(const OtherFile &) = delete;
  /// Null when it cannot be read: errno and a message.
  const Object *get() const { return Map == MAP_FAILED ? nullptr : View; }
  /// What was read is on the medium, too. False, and a message: nobody knows.
  bool sync() const;

private:
  Object *View;
  int Own = -1; // of the store
  void *Map = MAP_FAILED;
  size_t Bytes = 0;
  void open(int File, perdure_id Id);
};
} // namespace

OtherFile::OtherFile(Store &S, perdure_id Id)
    : View((Object *)calloc(1, sizeof(Object))) {
  int File = openObjectFile(S, Id);
  if (File < 0)
    return;
  open(File, Id);
  if (View)
    View->Owner = &S;
  Own = File;
}

OtherFile::OtherFile(int File, perdure_id Id)
    : View((Object *)calloc(1, sizeof(Object))) {
  open(File, Id);
}

void OtherFile::open(int File, perdure_id Id) {
  Header H;
  struct stat Status;
  State Found;
  if (!View) {
    fail(ENOMEM, "no memory for an object");
    return;
  }
  if (!readHeader(File, hexOf(Id).Text, H, Status) ||
      !checkHeader(H, (uint64_t)Status.st_size, Id, UINT64_MAX, false, Found))
    return;
  View->Id = Id;
  strcpy(View->Hex, hexOf(Id).Text);
  View->Current = Found;
  View->FileBytes = Found.FileBytes;
  Bytes = Found.FileBytes;
  Map = mmap(nullptr, Bytes, PROT_READ, MAP_SHARED, File, 0);
  if (Map == MAP_FAILED)
    fail(errno, "cannot map objects/%s: %s", hexOf(Id).Text, strerror(errno));
  else
    View->Base = (uint64_t)Map;
}

OtherFile::~OtherFile() {
  int Saved = errno;
  if (Map != MAP_FAILED)
    munmap(Map, Bytes);
  if (Own >= 0)
    close(Own);
  free(View);
  errno = Saved;
}

// A file that could not be synced is taken for synced by who opens it and asks again:
// nothing is done in this store, from then on, because of what is asked of others.
static bool didSyncFail(const Store &S) {
  return __atomic_load_n(&S.SyncFailed, __ATOMIC_ACQUIRE);
}
static bool failSync(Store &S, const char *What) {
  __atomic_store_n(&S.SyncFailed, true, __ATOMIC_RELEASE);
  return fail(errno, "cannot sync objects/%s: %s", What, strerror(errno));
}

// A process may have died behind its store, and before the sync of it, or the flush: the
// kernel has it still, or the processor. What another object is told because of it is
// durable, and would stay when power fails where this does not. On DAX media, too, a sync
// takes what was stored through mappings.
bool OtherFile::sync() const {
  // Where files cannot be synced nothing is written.
  if (TheOptions.battery)
    return true;
  if (didSyncFail(*View->Owner))
    return fail(EIO, "a sync in its store failed before: close that, see to the disk");
  return syncFile(Own) || errno == EINVAL || errno == EROFS ||
         failSync(*View->Owner, hexOf(View->Id).Text);
}

static bool isCommitted(const Object &O, unsigned Lane) {
  LogReader Reader(O, Lane);
  while (const LogRecord *R = Reader.next())
    if (R->kind() == RecordKind::Committed && !R->offset())
      return true;
  return false;
}

static Outcome failToAsk(const Object &O, perdure_id Id, const char *Why) {
  fail(EPROTO,
       "object %s is prepared to commit a transaction that object %s decides, "
       "and cannot be opened before that is known: %s; put that object back "
       "into the store, as it was when the process or the power failed",
       labelOf(O).Text, hexOf(Id).Text, Why);
  return Outcome::Unknown;
}

// What the log of C says, which may be O's own.
static Outcome outcomeIn(const Object &O, const Object &C, const Vote &Of) {
  perdure_id Id = {Of.IdHi, Of.IdLo};
  bool Itself = &O == &C;
  // The generation first: when it is the same afterwards, what was read between
  // was of it.
  if (Of.Lane >= laneCount(C))
    return failToAsk(O, Id, "it has no such log: it is an older copy");
  const LaneHead &Head = *laneHead(C, (unsigned)Of.Lane);
  uint64_t Now;
  bool Found;
  do {
    Now = generationOf(Head);
    Found = isCommitted(C, (unsigned)Of.Lane);
  } while (generationOf(Head) != Now);
  // One that decides for itself is prepared by the sync that its lane's generation
  // waits for, too, and writes the record of the commit only after it: where the
  // medium has the first without the second, that sync had not ended.
  if (Now < Of.Generation && Itself)
    return Outcome::RollBack;
  if (Now < Of.Generation)
    return failToAsk(O, Id, "its log is from before: it is an older copy");
  if (Now > Of.Generation)
    return Outcome::RollBack;
  return Found ? Outcome::Committed : Outcome::RollBack;
}

Outcome perdure::askCoordinator(const Object &O, const Vote &Of, bool Acts) {
  perdure_id Id = {Of.IdHi, Of.IdLo};
  if (Id.hi == O.Id.hi && Id.lo == O.Id.lo)
    return outcomeIn(O, O, Of);
  OtherFile Other(*O.Owner, Id);
  Outcome Found = Outcome::Unknown;
  if (const Object *C = Other.get()) {
    Found = outcomeIn(O, *C, Of);
    if (Found == Outcome::Unknown || !Acts || Other.sync())
      return Found;
  }
  char Why[512];
  snprintf(Why, sizeof(Why), "%s", errorMessage());
  return failToAsk(O, Id, Why);
}

// Whether Visit is true of a record that O is prepared, in a lane, which none says
// is decided.
template <typename Visitor>
static bool visitUndecided(const Object &O, unsigned Lane, Visitor Visit) {
  Undecided List;
  LogReader Reader(O, Lane);
  while (const LogRecord *R = Reader.next())
    List.see(O, Reader.last(), *R);
  for (unsigned I = 0; I < List.Count; ++I) {
    Vote To;
    memcpy(&To, recordAt(O, List.Items[I])->content(), sizeof(To));
    if (Visit(To))
      return true;
  }
  return false;
}

bool perdure::isAwaited(const Object &O, unsigned Lane, uint64_t Generation,
                        const Vote &Participant, bool Acts) {
  perdure_id Id = {Participant.IdHi, Participant.IdLo};
  if (Id.hi == O.Id.hi && Id.lo == O.Id.lo)
    return false;
  // One that is gone has nothing to learn, once it is gone durably.
  if (!hasObjectFile(*O.Owner, Id))
    return errno != ENOENT ||
           (Acts && !TheOptions.battery &&
            (didSyncFail(*O.Owner) ||
             (fsync(O.Owner->ObjectsDir) && !failSync(*O.Owner, ""))));
  OtherFile Other(*O.Owner, Id);
  const Object *P = Other.get();
  if (!P)
    return true; // not readable now
  auto ByThis = [&](const Vote &To) {
    return To.IdHi == O.Id.hi && To.IdLo == O.Id.lo && To.Lane == Lane &&
           To.Generation == Generation;
  };
  unsigned Of = (unsigned)Participant.Lane;
  return (Participant.Lane < laneCount(*P) &&
          generationOf(*laneHead(*P, Of)) == Participant.Generation &&
          visitUndecided(*P, Of, ByThis)) ||
         (Acts && !Other.sync());
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

bool perdure::checkLogInFile(Store &S, perdure_id Id, bool (*Check)(const Object &)) {
  OtherFile Other(S, Id);
  const Object *O = Other.get();
  return O && Check(*O);
}

int perdure::isPreparedFile(int File, perdure_id Id) {
  OtherFile Other(File, Id);
  const Object *O = Other.get();
  if (!O)
    return -1;
  for (unsigned I = 0; I < laneCount(*O); ++I)
    if (visitUndecided(*O, I, [](const Vote &) { return true; }))
      return 1;
  return 0;
}

bool perdure::isAwaitedFile(Store &S, perdure_id Id, perdure_id &Awaiting) {
  OtherFile Other(S, Id);
  const Object *O = Other.get();
  for (unsigned I = 0; O && I < laneCount(*O); ++I) {
    if (!isCommitted(*O, I))
      continue;
    LogReader Reader(*O, I);
    while (const LogRecord *R = Reader.next())
      for (uint64_t At = 0;
           R->kind() == RecordKind::Committed && At < R->bytes();
           At += sizeof(Vote)) {
        Vote V;
        memcpy(&V, R->content() + At, sizeof(V));
        Awaiting = {V.IdHi, V.IdLo};
        if (isAwaited(*O, I, laneHead(*O, I)->Generation, V, /*Acts=*/true))
          return true;
      }
  }
  return false;
}

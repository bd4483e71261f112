//===- together.cpp - Several objects commit as one -----------------------===//

#include "tx/together.h"
#include "object/header.h"
#include "object/store.h"
#include "platform/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace perdure;

static uint64_t generationOf(const Lane &L) {
  return __atomic_load_n(&L.Head->Generation, __ATOMIC_ACQUIRE);
}

static bool hasChanged(const Part &P) {
  const Object *Now = objectAt(P.Base);
  return Now == P.O && Now->Serial == P.Serial && !isEmpty(*P.L);
}

static Vote voteOf(const Part &P) {
  return {P.O->Id.hi, P.O->Id.lo, P.L->Index, generationOf(*P.L)};
}

// The record that commits, in pieces when it leads to very many: the last one,
// whose offset is 0, is what counts.
static bool writeCommit(Transaction &T, Part &Coordinator, unsigned Others) {
  constexpr unsigned Most = MaxContent / sizeof(Vote);
  Vote Votes[Most];
  unsigned Count = 0;
  for (unsigned I = 0; I < T.Parts.Count && Others; ++I) {
    Part &P = T.Parts.Items[I];
    if (&P == &Coordinator || !hasChanged(P))
      continue;
    Votes[Count++] = voteOf(P);
    --Others;
    if (Count < Most && Others)
      continue;
    if (!appendRecord(*Coordinator.O, *Coordinator.L, RecordKind::Committed,
                      Others, Votes, Count * sizeof(Vote)))
      return false;
    if (Others)
      settle(*Coordinator.O);
    Count = 0;
  }
  settle(*Coordinator.O);
  return true;
}

bool perdure::commitTogether(Transaction &T) {
  Part *Coordinator = nullptr;
  Vote Leader = {};
  unsigned Others = 0;
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    if (!hasChanged(P))
      continue;
    if (!Coordinator) {
      Coordinator = &P;
      Leader = voteOf(P);
      continue;
    }
    ++Others;
    if (!appendRecord(*P.O, *P.L, RecordKind::Prepared, 0, &Leader,
                      sizeof(Leader)))
      return false;
    settle(*P.O);
  }
  if (!writeCommit(T, *Coordinator, Others))
    return false;
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    if (&P != Coordinator && hasChanged(P))
      cutLane(*P.O, *P.L->Head);
  }
  cutLane(*Coordinator->O, *Coordinator->L->Head);
  return true;
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

private:
  Object *View;
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
  int Saved = errno;
  close(File);
  errno = Saved;
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
  free(View);
  errno = Saved;
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

Outcome perdure::askCoordinator(const Object &O, const Vote &Of) {
  perdure_id Id = {Of.IdHi, Of.IdLo};
  if (Id.hi == O.Id.hi && Id.lo == O.Id.lo)
    return failToAsk(O, Id, "it is the same object");
  OtherFile Other(*O.Owner, Id);
  const Object *C = Other.get();
  if (!C) {
    char Why[512];
    snprintf(Why, sizeof(Why), "%s", errorMessage());
    return failToAsk(O, Id, Why);
  }
  // The generation first: when it is the same afterwards, what was read between
  // was of it.
  if (Of.Lane >= laneCount(*C))
    return failToAsk(O, Id, "it has no such log: it is an older copy");
  const uint64_t &Place = laneHead(*C, (unsigned)Of.Lane)->Generation;
  uint64_t Now = __atomic_load_n(&Place, __ATOMIC_ACQUIRE);
  if (Now < Of.Generation)
    return failToAsk(O, Id, "its log is from before: it is an older copy");
  if (Now > Of.Generation)
    return Outcome::RollBack;
  bool Found = isCommitted(*C, (unsigned)Of.Lane);
  if (Found)
    return Outcome::Committed;
  return Outcome::RollBack;
}

bool perdure::isAwaited(const Object &O, unsigned Lane, uint64_t Generation,
                        const Vote &Participant) {
  perdure_id Id = {Participant.IdHi, Participant.IdLo};
  // One that is gone has nothing to learn.
  if ((Id.hi == O.Id.hi && Id.lo == O.Id.lo) || !hasObjectFile(*O.Owner, Id))
    return false;
  OtherFile Other(*O.Owner, Id);
  const Object *P = Other.get();
  if (!P)
    return true; // not readable now
  if (Participant.Lane >= laneCount(*P) ||
      __atomic_load_n(
          &laneHead(*P, (unsigned)Participant.Lane)->Generation,
          __ATOMIC_ACQUIRE) != Participant.Generation)
    return false;
  LogReader Reader(*P, (unsigned)Participant.Lane);
  while (const LogRecord *R = Reader.next())
    if (R->kind() == RecordKind::Prepared && R->bytes() == sizeof(Vote)) {
      Vote To;
      memcpy(&To, R->content(), sizeof(To));
      return To.IdHi == O.Id.hi && To.IdLo == O.Id.lo && To.Lane == Lane &&
             To.Generation == Generation;
    }
  return false;
}

//===----------------------------------------------------------------------===//
// Files that are copied or removed
//===----------------------------------------------------------------------===//

int perdure::isPreparedFile(int File, perdure_id Id) {
  OtherFile Other(File, Id);
  const Object *O = Other.get();
  if (!O)
    return -1;
  for (unsigned I = 0; I < laneCount(*O); ++I) {
    LogReader Reader(*O, I);
    while (const LogRecord *R = Reader.next())
      if (R->kind() == RecordKind::Prepared)
        return 1;
  }
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
        if (isAwaited(*O, I, laneHead(*O, I)->Generation, V))
          return true;
      }
  }
  return false;
}

//===- page_zero.cpp - Checks identity and state --------------------------===//

#include "check/check.h"
#include "object/header.h"
#include "platform/error.h"

#include <string.h>

using namespace perdure;

static bool identityHolds(const void *Record) {
  const auto *I = (const Identity *)Record;
  return I->Checksum == checksumOf(I, sizeof(*I));
}

static bool stateHolds(const void *Record) {
  const auto *S = (const State *)Record;
  return S->Checksum == checksumOf(S, sizeof(*S));
}

// What format 1 and the file's name say of an identity; the rest only the
// checksum can confirm.
static Identity withConstants(Identity I, perdure_id Id) {
  memcpy(I.Magic, FormatMagic, sizeof(I.Magic));
  I.Version = FormatVersion;
  I.HeaderBytes = HeaderBytes;
  I.PageBytes = FilePage;
  I.IdHi = Id.hi;
  I.IdLo = Id.lo;
  I.Encoding = 0;
  memset(I.Reserved, 0, sizeof(I.Reserved));
  return I;
}

static void checkIdentity(Identity &I, perdure_id Id, Findings &Found) {
  Identity Fixed = withConstants(I, Id);
  if (identityHolds(&I))
    return; // what it says is checkHeader's to judge
  if (!identityHolds(&Fixed) && !mendByte(&Fixed, sizeof(Fixed), identityHolds))
    return;
  for (size_t At = 0; At < sizeof(I); ++At)
    if (((char *)&I)[At] != ((char *)&Fixed)[At]) {
      Found.add(Severity::Mended, At,
                "the identity was damaged; its checksum says how it was");
      break;
    }
  I = Fixed;
}

// Where neither copy holds.
static void mendStates(Header &H, Findings &Found) {
  if (newestState(H))
    return;
  for (State &S : H.Copy)
    if (mendByte(&S, sizeof(S), stateHolds))
      Found.add(Severity::Mended, (uint64_t)((char *)&S - (char *)&H),
                "both copies of the state were damaged; the checksum of this "
                "one says how it was");
}

// The one that holds need not be the newer one: Right is what whoever opens the
// object takes.
static void copyState(Header &H, const State &Right, Findings &Found) {
  for (int I = 0; I < 2; ++I)
    if (memcmp(&H.Copy[I], &Right, sizeof(Right))) {
      Found.add(Severity::Note,
                offsetof(Header, Copy) + (size_t)I * sizeof(State),
                "state copy %d is not what the other one is: damaged, or a "
                "process died while it was written; the other one holds",
                I);
      H.Copy[I] = Right;
    }
}

static void checkReserved(void *P, size_t Bytes, uint64_t At, Findings &Found) {
  auto *B = (uint8_t *)P;
  for (size_t I = 0; I < Bytes; ++I)
    if (B[I]) {
      Found.add(Severity::Mended, At + I,
                "reserved bytes of page 0 were not zero");
      memset(P, 0, Bytes);
      return;
    }
}

bool perdure::checkPageZero(Object &O, uint64_t FileSize, Findings &Found) {
  Header &H = *headerOf(O);
  checkIdentity(H.Ident, O.Id, Found);
  mendStates(H, Found);
  // A smaller file than the state says may be a growth that was cut short:
  // checkHeader decides, with what it finds in both copies as they were.
  if (!checkHeader(H, FileSize, O.Id, UINT64_MAX, false, O.Current)) {
    Found.add(Severity::Damage, 0, "%s", errorMessage());
    return false;
  }
  copyState(H, O.Current, Found);
  O.RootOffset = H.Ident.RootOffset;
  O.FileBytes = O.Current.FileBytes;
  checkReserved(H.Spare, sizeof(H.Spare), offsetof(Header, Spare), Found);
  checkReserved(H.Turn.Reserved, sizeof(H.Turn.Reserved),
                offsetof(Header, Turn) + offsetof(Turns, Reserved), Found);
  checkReserved(H.Reserved, sizeof(H.Reserved), offsetof(Header, Reserved),
                Found);
  if (FileSize > O.Current.FileBytes)
    Found.add(
        Severity::Note, O.Current.FileBytes,
        "%llu bytes past the object's end: a growth that was interrupted; "
        "opening it for writing cuts them off",
        (unsigned long long)(FileSize - O.Current.FileBytes));
  return true;
}

//===- header.cpp - Checks and writes page 0 ------------------------------===//

#include "object/header.h"
#include "object/system_pages.h"
#include "platform/descriptor.h"
#include "platform/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

using namespace perdure;

uint32_t perdure::checksumOf(const void *Record, size_t Bytes) {
  return (uint32_t)crc32(0, (const Bytef *)Record, (uInt)Bytes - 4);
}

uint32_t perdure::checksumOf(const FotEntry &E) {
  FotEntry Copy = E;
  Copy.Rights = FotRead | FotWrite; // what it says may change
  return (uint32_t)crc32(0, (const Bytef *)&Copy, 24);
}

static bool bad(const char *Field, const char *What) {
  return fail(EPROTO,
              "header field '%s': %s; the file was left as it is: restore it "
              "from a copy",
              Field, What);
}

static bool checkIdentity(const Identity &I, perdure_id Id,
                          uint64_t FileBytes) {
  if (memcmp(I.Magic, FormatMagic, sizeof(I.Magic)))
    return bad("magic", "this is no Perdure object, or was never finished");
  if (I.Version != FormatVersion)
    return fail(EPROTO,
                "header field 'version': the object has format %u and this "
                "runtime reads format %u; use a runtime that reads it",
                I.Version, FormatVersion);
  if (I.Checksum != checksumOf(&I, sizeof(I)))
    return bad("checksum", "it does not match the identity's bytes");
  if (I.HeaderBytes != HeaderBytes || I.PageBytes != FilePage)
    return bad("header_bytes", "sizes that version 1 does not have");
  if (I.IdHi != Id.hi || I.IdLo != Id.lo)
    return bad("id", "it is not the one that the file is named by");
  if (I.Encoding != 0)
    return bad("encoding", "this runtime knows only the encoding 'object'");
  if (I.RootOffset < HeaderBytes || I.RootOffset >= FileBytes ||
      I.RootBytes > FileBytes - I.RootOffset)
    return bad("root", "it lies outside the file");
  if (I.RootOffset % 16)
    return bad("root", "it is not aligned as blocks are");
  return true;
}

static bool checkExtents(const State &S, Table T, const char *Field,
                         SystemPages &P) {
  const uint64_t *Extent = extentsIn(S, T), FileBytes = S.FileBytes;
  bool Ended = false;
  for (unsigned K = 0; K < maxExtents(T); ++K) {
    if (!Extent[K]) {
      Ended = true;
      continue;
    }
    if (Ended || Extent[K] % FilePage || Extent[K] < HeaderBytes ||
        Extent[K] >= FileBytes || FileBytes - Extent[K] < extentBytes(T, K))
      return bad(Field, "an extent that lies outside the file");
    if (!P.add(Extent[K] / FilePage, extentBytes(T, K) / FilePage))
      return bad(Field, "an extent that overlaps another one or the root");
  }
  return true;
}

const State *perdure::newestState(const Header &H) {
  const State *Best = nullptr;
  for (const State &S : H.Copy)
    if (S.Checksum == checksumOf(&S, sizeof(S)) &&
        (!Best || S.Sequence > Best->Sequence))
      Best = &S;
  return Best;
}

static bool readOnce(int File, const char *Hex, Header &H,
                     struct stat &Status) {
  ssize_t Read = pread(File, &H, sizeof(H), 0);
  int Error = errno;
  if (fstat(File, &Status))
    return fail(errno, "cannot stat the file: %s", strerror(errno));
  if (!S_ISREG(Status.st_mode))
    return fail(EPROTO, "objects/%s is no regular file%s", Hex,
                adviceFor(ENOTDIR));
  if ((uint64_t)Status.st_size < HeaderBytes)
    return fail(EPROTO,
                "the file has %llu bytes and a header alone has %llu: it has "
                "been cut off; restore it from a copy",
                (unsigned long long)Status.st_size,
                (unsigned long long)HeaderBytes);
  return Read == (ssize_t)sizeof(H) ||
         fail(Read < 0 ? Error : EIO, "cannot read the header: %s",
              Read < 0 ? strerror(Error) : "the file ended");
}

bool perdure::readHeader(int File, const char *Hex, Header &H,
                         struct stat &Status) {
  // One read may meet both copies in the middle of two changes; that a writer
  // makes them again before the next is unlikely, so many times is damage.
  for (int Try = 0;; ++Try) {
    if (!readOnce(File, Hex, H, Status))
      return false;
    if (newestState(H) || Try == 5)
      return true;
    usleep(1000);
  }
}

bool perdure::checkHeader(const Header &H, uint64_t FileSize, perdure_id Id,
                          uint64_t Limit, bool ToWrite, State &Found) {
  const State *Best = newestState(H);
  // A growth that a power failure cut short: the header may have reached the
  // medium and the file's new size not. The copy before it then holds.
  for (const State &S : H.Copy)
    if (Best && Best->FileBytes > FileSize && S.FileBytes <= FileSize &&
        S.Checksum == checksumOf(&S, sizeof(S)))
      Best = &S;
  // The identity is checked first: its message says more about a file that is
  // something else altogether.
  if (!checkIdentity(H.Ident, Id, Best ? Best->FileBytes : UINT64_MAX))
    return false;
  if (!Best)
    return bad("state", "neither copy's checksum matches");
  if (Best->NeededFeatures & ~KnownFeatures)
    return bad("needed_features",
               "the object uses features of a later runtime");
  if (ToWrite && Best->NeededToWrite & FeatureSealed)
    return fail(EROFS, "the object is sealed; 'perdure seal --remove' takes "
                       "the seal off");
  if (ToWrite && Best->NeededToWrite & ~(uint64_t)KnownToWrite)
    return fail(EROFS,
                "header field 'needed_to_write': the object uses features of "
                "a later runtime; open it with PERDURE_RDONLY");
  if (Best->FileBytes % FilePage || Best->FileBytes < HeaderBytes)
    return bad("file_bytes", "it is no whole number of pages");
  if (Best->FileBytes > FileSize)
    return bad("file_bytes", "the file is shorter: it has been cut off");
  if (Best->FileBytes > Limit)
    return fail(EPROTO,
                "header field 'file_bytes': %llu bytes do not fit a slot's "
                "%llu; use a program built with larger slots",
                (unsigned long long)Best->FileBytes, (unsigned long long)Limit);
  // What is taken so far: the root, one byte of it at least.
  SystemPages P;
  uint64_t First = H.Ident.RootOffset / FilePage;
  uint64_t Bytes = H.Ident.RootBytes ? H.Ident.RootBytes : 1;
  P.add(First, (H.Ident.RootOffset + Bytes - 1) / FilePage - First + 1);
  if (!checkExtents(*Best, Table::Fot, "fot_extent", P) ||
      !checkExtents(*Best, Table::Map, "map_extent", P) ||
      !checkExtents(*Best, Table::Log, "log_extent", P) ||
      !checkExtents(*Best, Table::Types, "type_extent", P))
    return false;
  Found = *Best;
  return true;
}

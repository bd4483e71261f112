//===- sites.cpp - Which source line an instruction is of -----------------===//

#include "api/sites.h"
#include "entry/entry.h"
#include "platform/error.h"
#include "platform/lock.h"
#include "platform/pointer_format.h"

#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

using namespace perdure;

static perdure_binary *Binaries; // atomic: read without the lock
static Mutex BinariesLock;
static unsigned Readers; // handlers that look at tables right now; atomic

void __perdure_register_sites(unsigned Version, perdure_binary *B) {
  if (Version != PerdureAbiVersion)
    return; // __perdure_register has said so and ended the process
  Locked L(BinariesLock);
  B->next = Binaries;
  __atomic_store_n(&Binaries, B, __ATOMIC_SEQ_CST);
}

void __perdure_unregister_sites(perdure_binary *B) {
  Locked L(BinariesLock);
  for (perdure_binary **At = &Binaries; *At; At = &(*At)->next)
    if (*At == B) {
      __atomic_store_n(At, B->next, __ATOMIC_SEQ_CST);
      break;
    }
  // The binary goes away on return. A handler that has its table in hand is
  // done with it soon: it neither waits nor writes meanwhile.
  while (__atomic_load_n(&Readers, __ATOMIC_SEQ_CST))
    sched_yield();
}

namespace {
class Reading {
public:
  Reading() { __atomic_add_fetch(&Readers, 1, __ATOMIC_SEQ_CST); }
  ~Reading() { __atomic_sub_fetch(&Readers, 1, __ATOMIC_SEQ_CST); }
};

struct Group {
  uint32_t Head, File, What;
};
} // namespace

static perdure_binary *next(perdure_binary *const &Link) {
  return __atomic_load_n(&Link, __ATOMIC_SEQ_CST);
}

static uint32_t word(const char *P) {
  uint32_t W;
  memcpy(&W, P, sizeof(W));
  return W;
}

/// Copies the text with this hash; of two texts that share it, both.
static void copyName(const perdure_binary &B, uint32_t Hash, char *To,
                     size_t Bytes) {
  To[0] = 0;
  if (!Hash)
    return;
  size_t Length = 0;
  for (const char *P = B.names; P + 4 < B.names_end;) {
    const char *Text = P + 4;
    size_t Here = strnlen(Text, (size_t)(B.names_end - Text));
    if (word(P) == Hash && (!Length || strncmp(To, Text, Bytes - 1))) {
      if (Length && Length + 4 < Bytes) {
        memcpy(To + Length, " or ", 4);
        Length += 4;
      }
      // A path's end says more than its beginning.
      size_t Fits = Bytes - 1 - Length;
      size_t Copied = Here < Fits ? Here : Fits;
      memcpy(To + Length, Text + Here - Copied, Copied);
      Length += Copied;
      To[Length] = 0;
    }
    P = Text + Here + 1;
  }
}

/// The group of the instruction that lies Least to Most bytes before PC, the
/// nearest of them.
static bool findGroup(const perdure_binary &B, uint64_t PC, bool IsCall,
                      uint64_t Least, uint64_t Most, Group &Found) {
  uint64_t Best = Most + 1, Here = Best;
  for (const char *P = B.sites; B.sites_end - P >= 4;) {
    uint32_t W = word(P);
    if (W >> 30 != PerdureAbiSiteMark >> 30) {
      uint64_t Distance = PC - ((uint64_t)P + (uint64_t)(int64_t)(int32_t)W);
      if (Distance >= Least && Distance < Here)
        Here = Distance;
      P += 4;
      continue;
    }
    if (B.sites_end - P < 12)
      break;
    if (Here < Best && ((W & PerdureAbiSiteCall) != 0) == IsCall) {
      Best = Here;
      Found = {W, word(P + 4), word(P + 8)};
    }
    Here = Most + 1;
    P += 12;
  }
  return Best <= Most;
}

static bool find(uint64_t PC, bool IsCall, uint64_t Least, uint64_t Most,
                 Site &S) {
  Reading R;
  for (perdure_binary *B = next(Binaries); B; B = next(B->next)) {
    Group G;
    if (!findGroup(*B, PC, IsCall, Least, Most, G))
      continue;
    S.Line = G.Head & PerdureAbiSiteLineMax;
    copyName(*B, G.File, S.File, sizeof(S.File));
    copyName(*B, G.What, S.What, sizeof(S.What));
    return S.File[0];
  }
  return false;
}

bool perdure::findAccess(uint64_t PC, Site &S) {
  return find(PC, false, 0, 0, S);
}

bool perdure::findCall(uint64_t ReturnAddress, Site &S) {
#if defined(__x86_64__)
  return find(ReturnAddress, true, 2, 8, S); // call *%rax to call *d32(b,i)
#else
  return find(ReturnAddress, true, 4, 4, S);
#endif
}

bool perdure::hasSites(uint64_t Base) {
  Reading R;
  for (perdure_binary *B = next(Binaries); B; B = next(B->next))
    if ((uint64_t)B->base == Base)
      return true;
  return false;
}

//===----------------------------------------------------------------------===//
// Loaded files
//===----------------------------------------------------------------------===//

namespace {
/// Gives the lines of a file in pieces of bounded size.
class LineReader {
public:
  explicit LineReader(const char *Path)
      : File(open(Path, O_RDONLY | O_CLOEXEC)) {}
  ~LineReader() {
    if (File >= 0)
      close(File);
  }
  /// The next line, cut to Bytes - 1.
  bool next(char *Text, size_t Bytes) {
    size_t Length = 0;
    for (bool Any = false;; Any = true) {
      if (At == Filled) {
        ssize_t Got = File < 0 ? 0 : read(File, Buffer, sizeof(Buffer));
        At = 0;
        Filled = Got > 0 ? (size_t)Got : 0;
        if (!Filled) {
          Text[Length] = 0;
          return Any;
        }
      }
      char C = Buffer[At++];
      if (C == '\n') {
        Text[Length] = 0;
        return true;
      }
      if (Length + 1 < Bytes)
        Text[Length++] = C;
    }
  }

private:
  int File;
  size_t At = 0, Filled = 0;
  char Buffer[512];
};
} // namespace

static uint64_t hex(const char *&P) {
  uint64_t Value = 0;
  for (;; ++P) {
    unsigned Digit;
    if (*P >= '0' && *P <= '9')
      Digit = (unsigned)(*P - '0');
    else if (*P >= 'a' && *P <= 'f')
      Digit = (unsigned)(*P - 'a' + 10);
    else
      return Value;
    Value = Value << 4 | Digit;
  }
}

static const char *skipWord(const char *P) {
  while (*P && *P != ' ')
    ++P;
  while (*P == ' ')
    ++P;
  return P;
}

bool perdure::findFile(uint64_t Address, LoadedFile &F) {
  // begin-end rwxp offset device inode     path
  LineReader Maps("/proc/self/maps");
  char Text[400];
  F.Base = 0;
  uint32_t Path = 0; // of the line before: which file it is of
  while (Maps.next(Text, sizeof(Text))) {
    const char *P = Text;
    uint64_t Begin = hex(P);
    uint64_t End = *P == '-' ? hex(++P) : Begin;
    const char *Rights = P = skipWord(P);
    P = skipWord(P);
    uint64_t Offset = hex(P);
    P = skipWord(skipWord(skipWord(P)));
    // A loaded file begins with its first page, readable. Linkers also map
    // that page a second time, for the code that begins in it.
    if (*P == '/') {
      uint32_t Hash = 0;
      for (const char *C = P; *C; ++C)
        Hash = Hash * 31 + (unsigned char)*C;
      if (Hash != Path && Rights[0] == 'r')
        F.Base = Offset == 0 ? Begin : 0;
      Path = Hash;
    }
    if (Address < Begin || Address >= End)
      continue;
    if (*P != '/' || !F.Base)
      return false;
    const char *Slash = strrchr(P, '/');
    strncpy(F.Name, Slash + 1, sizeof(F.Name) - 1);
    F.Name[sizeof(F.Name) - 1] = 0;
    auto *Elf = (const Elf64_Ehdr *)F.Base;
    bool Fixed =
        !memcmp(Elf->e_ident, ELFMAG, SELFMAG) && Elf->e_type == ET_EXEC;
    F.Place = Fixed ? Address : Address - F.Base;
    return true;
  }
  return false;
}

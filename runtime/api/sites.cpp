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

/// A child of fork() has none of the threads that were looking.
static void followForks() {
  pthread_atfork([] { BinariesLock.lock(); }, [] { BinariesLock.unlock(); },
                 [] {
                   __atomic_store_n(&Readers, 0, __ATOMIC_SEQ_CST);
                   BinariesLock.unlock();
                 });
}

void __perdure_register_sites(unsigned Version, perdure_binary *B) {
  if (Version != PerdureAbiVersion)
    return; // __perdure_register has said so and ended the process
  static pthread_once_t Once = PTHREAD_ONCE_INIT;
  pthread_once(&Once, followForks);
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
struct __attribute__((packed, may_alias)) Word {
  uint32_t Value;
};
} // namespace

static perdure_binary *next(perdure_binary *const &Link) {
  return __atomic_load_n(&Link, __ATOMIC_SEQ_CST);
}

// Looks at memory that is the program's.
#define PERDURE_UNCHECKED __attribute__((no_sanitize("address", "thread")))

PERDURE_UNCHECKED static uint32_t word(const char *P) {
  return ((const Word *)P)->Value;
}

/// Calls Visit with each text that has this hash, until it returns false.
template <typename Visitor>
static void visitNames(const perdure_binary &B, uint32_t Hash, Visitor Visit) {
  for (const char *P = B.names; B.names_end - P > 4;) {
    const char *Text = P + 4;
    size_t Length = strnlen(Text, (size_t)(B.names_end - Text));
    if (word(P) == Hash && !Visit(Text, Length))
      return;
    P = Text + Length + 1;
  }
}

/// Copies the text with this hash; of two texts that share it, both.
static void copyName(const perdure_binary &B, uint32_t Hash, char *To,
                     size_t Bytes) {
  To[0] = 0;
  if (!Hash)
    return;
  size_t Length = 0;
  visitNames(B, Hash, [&](const char *Text, size_t Here) {
    // Every module that uses a name brings it.
    size_t Fits = Bytes - 1;
    size_t Copied = Here < Fits ? Here : Fits;
    const char *End = Text + Here - Copied; // of a path the end says more
    if (Length && Length == Copied && !memcmp(To, End, Copied))
      return true;
    if (Length && Length + 4 < Bytes) {
      memcpy(To + Length, " or ", 4);
      Length += 4;
      Fits = Bytes - 1 - Length;
      Copied = Here < Fits ? Here : Fits;
      End = Text + Here - Copied;
    }
    memcpy(To + Length, End, Copied);
    To[Length += Copied] = 0;
    return Length + 4 < Bytes && !strstr(To, " or ");
  });
}

/// The group whose word at P holds an instruction's address.
PERDURE_UNCHECKED static bool readGroup(const perdure_binary &B, const char *P,
                                        const char *End, Group &G) {
  while (End - P >= 4 && word(P) >> 30 != PerdureAbiSiteMark >> 30)
    P += 4;
  if (End - P < 12)
    return false;
  G = {word(P), word(P + 4), word(P + 8)};
  bool Known = false;
  visitNames(B, G.File, [&](const char *, size_t) {
    Known = true;
    return false;
  });
  return Known;
}

/// Looks in the file's writable data, where the table lies, for a word that
/// tells an address Least to Most bytes before PC, the nearest. That a word
/// does so by chance and is followed by the hash of a file does not happen.
PERDURE_UNCHECKED static bool findGroup(const perdure_binary &B, uint64_t PC,
                                        bool IsCall, uint64_t Least,
                                        uint64_t Most, Group &Found) {
  auto *Elf = (const Elf64_Ehdr *)B.base;
  auto *Segments = (const Elf64_Phdr *)((const char *)B.base + Elf->e_phoff);
  uint64_t Bias = 0;
  for (unsigned I = Elf->e_phnum; I-- != 0;)
    if (Segments[I].p_type == PT_LOAD && Segments[I].p_offset == 0)
      Bias = (uint64_t)B.base - Segments[I].p_vaddr;
  uint64_t Best = Most + 1;
  for (unsigned I = 0; I != Elf->e_phnum; ++I) {
    const Elf64_Phdr &S = Segments[I];
    if (S.p_type != PT_LOAD || !(S.p_flags & PF_W) || S.p_filesz < 16)
      continue;
    const char *P = (const char *)(Bias + S.p_vaddr), *End = P + S.p_filesz;
    // Nothing aligns the table.
    for (; P != End - 15; ++P) {
      uint64_t Distance =
          PC - ((uint64_t)P + (uint64_t)(int64_t)(int32_t)word(P));
      if (Distance < Least || Distance >= Best)
        continue;
      Group G;
      if (!readGroup(B, P + 4, End, G) ||
          ((G.Head & PerdureAbiSiteCall) != 0) != IsCall)
        continue;
      Best = Distance;
      Found = G;
      if (Best == Least)
        return true;
    }
  }
  return Best <= Most;
}

static bool find(uint64_t PC, bool IsCall, uint64_t Least, uint64_t Most,
                 Site &S) {
  Reading R;
  for (perdure_binary *B = next(Binaries); B; B = next(B->next)) {
    Group G = {};
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

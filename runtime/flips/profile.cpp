//===- profile.cpp - Writes a profile -------------------------------------===//

#include "flips/profile.h"

#include <algorithm>
#include <errno.h>
#include <fcntl.h>
#include <new>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

using namespace perdure::flips;

namespace {

/// Text on its way to a file, without malloc and stdio, which may be the
/// program's own or broken by then.
class Output {
  int File;
  size_t Used = 0;
  char Buffer[1 << 16];

public:
  bool Failed = false;
  explicit Output(int File) : File(File) {}

  void flush() {
    for (size_t Done = 0; Done < Used && !Failed;) {
      ssize_t Wrote = write(File, Buffer + Done, Used - Done);
      if (Wrote < 0 && errno == EINTR)
        continue;
      Failed = Wrote <= 0;
      Done += Failed ? 0 : (size_t)Wrote;
    }
    Used = 0;
  }
  void put(char C) {
    if (Used == sizeof(Buffer))
      flush();
    Buffer[Used++] = C;
  }
  void put(const char *Text) {
    while (*Text)
      put(*Text++);
  }
  /// As the format wants words.
  void word(const char *Text) {
    put('\t');
    for (; *Text; ++Text)
      if (*Text == '\t' || *Text == '\n' || *Text == '\\') {
        put('\\');
        put(*Text == '\t' ? 't' : *Text == '\n' ? 'n' : '\\');
      } else {
        put(*Text);
      }
  }
  void word(uint64_t Number) {
    char Text[24];
    snprintf(Text, sizeof(Text), "%llu", (unsigned long long)Number);
    word(Text);
  }
};

} // namespace

static void putRun(Output &Out, const char *Key, const char *Value) {
  Out.put("run");
  Out.word(Key);
  Out.word(Value);
  Out.put('\n');
}

static void putShape(Output &Out, const char *Key, CacheShape Shape) {
  char Text[64];
  snprintf(Text, sizeof(Text), "%llu:%u", (unsigned long long)Shape.Bytes,
           Shape.Ways);
  putRun(Out, Key, Text);
}

static void putSite(Output &Out, perdure_flips_site S) {
  S.Bytes += S.Stores * S.size;
  uint64_t Any = 0;
#define PERDURE_FLIPS_COUNTER(Name, Text, Doc) Any |= S.Name;
#include "perdure/flips.def"
  if (!Any)
    return;
  Out.put("place");
  Out.word(S.file ? S.file : "");
  Out.word(S.line);
  Out.word(S.function ? S.function : "");
  Out.word(S.field ? S.field : "");
#define PERDURE_FLIPS_COUNTER(Name, Text, Doc) Out.word(S.Name);
#include "perdure/flips.def"
  Out.put('\n');
}

static void putEstimates(Output &Out, const perdure_flips_site &S,
                         const Estimates &E) {
  static const char *const Names[] = {
#define PERDURE_FLIPS_POLICY(Name, Text, Doc) Text,
#include "perdure/flips.def"
  };
  for (unsigned P = 0; P != PolicyCount; ++P) {
    if (!E.Of[P].Writes)
      continue;
    Out.put("advice");
    Out.word(S.file ? S.file : "");
    Out.word(S.line);
    Out.word(S.function ? S.function : "");
    Out.word(S.field ? S.field : "");
    Out.word(Names[P]);
#define PERDURE_FLIPS_ESTIMATE(Name, Text, Doc) Out.word(E.Of[P].Name);
#include "perdure/flips.def"
    Out.put('\n');
  }
}

static void putPage(Output &Out, const Page &P) {
  if (!P.Writes)
    return;
  char Where[40] = "memory";
  if (P.Object[0] | P.Object[1])
    snprintf(Where, sizeof(Where), "%016llx%016llx",
             (unsigned long long)P.Object[0], (unsigned long long)P.Object[1]);
  Out.put("page");
  Out.word(Where);
  Out.word(P.Number);
  Out.word(P.Set);
  Out.word(P.Cleared);
  Out.word(P.Writes);
  Out.put('\n');
}

// In an order that addresses do not change.
static void putPages(Output &Out, const Medium &Model) {
  uint64_t Count = 0;
  Model.forEachPage([&](const Page &) { ++Count; });
  if (!Count)
    return;
  auto **Pages =
      static_cast<const Page **>(mapMemory(Count * sizeof(const Page *)));
  Count = 0;
  Model.forEachPage([&](const Page &P) { Pages[Count++] = &P; });
  std::sort(Pages, Pages + Count, [](const Page *A, const Page *B) {
    return std::tie(A->Object[0], A->Object[1], A->Number) <
           std::tie(B->Object[0], B->Object[1], B->Number);
  });
  for (uint64_t I = 0; I != Count; ++I)
    putPage(Out, *Pages[I]);
}

static void putModel(Output &Out, const Medium &Model) {
  putSite(Out, Model.Nobody);
  putPages(Out, Model);
  for (unsigned I = 0; I != 64; ++I)
    if (Model.Bits[I].Set | Model.Bits[I].Cleared) {
      Out.put("bit");
      Out.word(I);
      Out.word(Model.Bits[I].Set);
      Out.word(Model.Bits[I].Cleared);
      Out.put('\n');
    }
}

static void putAll(Output &Out, const Options &O, const Module *Modules,
                   const Medium *Model, const Advisor *Advice,
                   const Totals &T) {
  Out.put("perdure flips");
  char Version[16];
  snprintf(Version, sizeof(Version), " %u\n", (unsigned)PerdureFlipsVersion);
  Out.put(Version);
  putRun(Out, "model", Model ? "1" : "0");
  if (Advice)
    putRun(Out, "advise", "1");
  if (Model) {
    putShape(Out, "l1", O.L1);
    putShape(Out, "l2", O.L2);
    putRun(Out, "controller", O.Controller);
  }
#define PERDURE_FLIPS_TOTAL(Name, Text, Doc)                                   \
  Out.put("total");                                                            \
  Out.word(Text);                                                              \
  Out.word(T.Name);                                                            \
  Out.put('\n');
#include "perdure/flips.def"
  for (; Modules; Modules = Modules->Next)
    for (uint64_t I = 0; I != Modules->Count; ++I) {
      const perdure_flips_site &S = Modules->Sites[I];
      putSite(Out, S);
      if (const Estimates *E = Advice ? Advice->find(S.number) : nullptr)
        putEstimates(Out, S, *E);
    }
  if (Model)
    putModel(Out, *Model);
  Out.put("end\n");
}

// "%p" in File becomes the process's number.
static void nameFile(const char *File, char *Name, size_t Room) {
  const char *P = strstr(File, "%p");
  if (P)
    snprintf(Name, Room, "%.*s%d%s", (int)(P - File), File, (int)getpid(),
             P + 2);
  else
    snprintf(Name, Room, "%s", File);
}

// A device or a pipe is written to. Any other file is there as a whole, or as it was.
static bool isWrittenInPlace(const char *Name) {
  struct stat Status;
  return !stat(Name, &Status) && !S_ISREG(Status.st_mode);
}

void perdure::flips::writeProfile(const Options &O, const Module *Modules,
                                  const Medium *Model, const Advisor *Advice,
                                  const Totals &T) {
  char Name[sizeof(O.File) + 32], Part[sizeof(Name) + 8];
  nameFile(O.File, Name, sizeof(Name));
  bool InPlace = isWrittenInPlace(Name);
  snprintf(Part, sizeof(Part), "%s%s", Name, InPlace ? "" : ".part");
  int File = open(Part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool Ok = File >= 0;
  if (Ok) {
    auto *Out = new (mapMemory(sizeof(Output))) Output(File);
    putAll(*Out, O, Modules, Model, Advice, T);
    Out->flush();
    Ok = !Out->Failed;
    int Error = errno;
    if (close(File) && Ok) {
      Ok = false;
      Error = errno;
    }
    if (Ok && !InPlace && rename(Part, Name)) {
      Ok = false;
      Error = errno;
    }
    if (!Ok && !InPlace)
      unlink(Part);
    errno = Error;
  }
  if (!Ok)
    fprintf(stderr,
            "perdure: flips: the profile was not written to %s: %s; name "
            "another file in PERDURE_FLIPS=file=PATH\n",
            Name, strerror(errno));
}

//===- NameFuzzer.cpp - Names, what their files say, the store's marker ---===//
//
// Input: what is fuzzed, and its bytes.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace fuzz;

static void writeText(const std::string &Path, const std::string &Text) {
  int File = open(Path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  CHECK(File >= 0);
  CHECK(write(File, Text.data(), Text.size()) == (ssize_t)Text.size());
  close(File);
}

// A message is one line that a terminal can show, whatever the name says.
static void checkMessage() {
  CHECK(errno && *perdure_errormsg());
  for (const char *C = perdure_errormsg(); *C; ++C)
    CHECK((unsigned char)*C >= ' ' && *C != 0x7f);
}

static bool isWholeId(const std::string &Text) {
  return Text.size() == 33 && Text[32] == '\n' &&
         Text.find_first_not_of("0123456789abcdef") == 32 &&
         Text.find_first_not_of('0') != 32;
}

static void fuzzMarker(const std::string &Text) {
  static const std::string Path = scene().Dir + "/perdure.store";
  static const std::string Prefix = "perdure store 1 ";
  writeText(Path, Text);
  errno = 0;
  perdure_store *S = perdure_store_open(scene().Dir.c_str(), 0);
  CHECK(!S == !(Text.substr(0, Prefix.size()) == Prefix &&
                isWholeId(Text.substr(Prefix.size()))));
  if (!S)
    checkMessage();
  perdure_store_close(S);
  writeText(Path, Prefix + std::string(32, '1') + "\n");
}

static void fuzzNameFile(const std::string &Text) {
  static const std::string Path = scene().Dir + "/names/x";
  writeText(Path, Text);
  perdure_store *S = perdure_store_open(scene().Dir.c_str(), 0);
  CHECK(S);
  errno = 0;
  void *Root = perdure_open(S, "x", PERDURE_RDONLY);
  if (Root)
    CHECK(isWholeId(Text) && perdure_in_object(Root));
  else
    checkMessage();
  CHECK(!perdure_create(S, "x", 8, 0));
  perdure_store_close(S);
  unlink(Path.c_str());
}

static void fuzzArgument(const std::string &Text) {
  const char *Name = Text.c_str();
  perdure_store *S = perdure_store_open(scene().Dir.c_str(), 0);
  CHECK(S);
  errno = 0;
  if (!perdure_open(S, Name, PERDURE_RDONLY))
    checkMessage();
  errno = 0;
  if (perdure_create(S, Name, 8, 0)) {
    // In the folder of names, and only there.
    struct stat Status;
    CHECK(strlen(Name) < 256 && !strchr(Name, '/'));
    CHECK(!lstat((scene().Dir + "/names/" + Name).c_str(), &Status));
    CHECK(S_ISREG(Status.st_mode) && (Status.st_mode & 0777) == 0600);
    CHECK(!perdure_remove(S, Name));
    CHECK(lstat((scene().Dir + "/names/" + Name).c_str(), &Status));
  } else {
    checkMessage();
    CHECK(errno == EINVAL || !strcmp(Name, "a") || !strcmp(Name, "b") ||
          !strcmp(Name, "c"));
    if (errno == EINVAL)
      CHECK(perdure_remove(S, Name) == -1);
  }
  perdure_store_close(S);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size) {
  if (!Size)
    return 0;
  writeHostile(scene().Good);
  std::string Text((const char *)Data + 1, Size - 1);
  switch (Data[0] % 3) {
  case 0:
    fuzzMarker(Text);
    break;
  case 1:
    fuzzNameFile(Text);
    break;
  case 2:
    fuzzArgument(Text);
    break;
  }
  CHECK(hostileIs(scene().Good));
  checkVictims();
  return 0;
}

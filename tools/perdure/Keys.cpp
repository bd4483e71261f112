//===- Keys.cpp - Files that hold the keys of seals -----------------------===//

#include "Keys.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

static bool say(const std::string &File, const std::string &What,
                const std::string &Hint) {
  fprintf(stderr, "perdure: %s: %s\nhint: %s\n", File.c_str(), What.c_str(),
          Hint.c_str());
  return false;
}

static bool start() {
  return sodium_init() >= 0 || say("libsodium", "cannot be initialised",
                                   "is there no random source?");
}

static std::string hexOf(const uint8_t *Bytes, size_t Count) {
  std::string Text(2 * Count + 1, 0);
  sodium_bin2hex(Text.data(), Text.size(), Bytes, Count);
  Text.pop_back();
  return Text;
}

std::string toHex(const PublicKey &Key) {
  return hexOf(Key.data(), Key.size());
}

// Durable: a secret key that is lost seals nothing more.
static bool writeNew(const std::string &File, unsigned Mode,
                     const std::string &Text) {
  int To = open(File.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, Mode);
  if (To < 0)
    return say(File, strerror(errno),
               errno == EEXIST ? "give another name: keys are not replaced"
                               : "give a place where files can be made");
  errno = ENOSPC; // unless the system says more
  bool Ok =
      write(To, Text.data(), Text.size()) == (ssize_t)Text.size() && !fsync(To);
  int Error = errno;
  close(To);
  if (Ok)
    return true;
  unlink(File.c_str());
  return say(File, strerror(Error), "nothing was left behind; try again");
}

bool makeKeys(const std::string &File) {
  PublicKey Public;
  SecretKey Secret;
  if (!start())
    return false;
  crypto_sign_keypair(Public.data(), Secret.data());
  std::string Text =
      "perdure secret key 1 " + hexOf(Secret.data(), Secret.size()) + "\n";
  bool Ok = writeNew(File, 0600, Text);
  if (Ok && !writeNew(File + ".pub", 0644,
                      "perdure public key 1 " + toHex(Public) + "\n")) {
    unlink(File.c_str());
    Ok = false;
  }
  sodium_memzero(Text.data(), Text.size());
  sodium_memzero(Secret.data(), Secret.size());
  return Ok;
}

static bool readKey(const std::string &File, const char *Kind, uint8_t *Key,
                    size_t Bytes) {
  char Text[256] = {};
  FILE *From = fopen(File.c_str(), "re");
  if (!From)
    return say(File, strerror(errno),
               "'perdure seal --new-key FILE' makes keys");
  size_t Count = fread(Text, 1, sizeof(Text) - 1, From);
  fclose(From);
  std::string Title = std::string("perdure ") + Kind + " key 1 ";
  size_t Got = 0;
  bool Ok = Count > Title.size() && !memcmp(Text, Title.data(), Title.size()) &&
            !sodium_hex2bin(Key, Bytes, Text + Title.size(),
                            Count - Title.size(), "\n", &Got, nullptr) &&
            Got == Bytes;
  sodium_memzero(Text, sizeof(Text));
  return Ok ||
         say(File, std::string("this is no ") + Kind + " key",
             "'perdure seal --new-key FILE' makes FILE, the secret key, and "
             "FILE.pub, the public one");
}

bool readKey(const std::string &File, SecretKey &Key) {
  return start() && readKey(File, "secret", Key.data(), Key.size());
}

bool readKey(const std::string &File, PublicKey &Key) {
  return start() && readKey(File, "public", Key.data(), Key.size());
}

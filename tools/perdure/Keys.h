//===- Keys.h - Files that hold the keys of seals ---------------*- C++ -*-===//
//
// One line of text each: "perdure secret key 1 <128 hex digits>" in a file for
// its owner alone, "perdure public key 1 <64 hex digits>" in one for everybody.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_TOOLS_PERDURE_KEYS_H
#define PERDURE_TOOLS_PERDURE_KEYS_H

#include <array>
#include <cstdint>
#include <string>

using PublicKey = std::array<uint8_t, 32>;
using SecretKey = std::array<uint8_t, 64>;

/// Makes a pair: the secret one in File, the other in File.pub. Neither may
/// exist. False: the reason has been said.
bool makeKeys(const std::string &File);

bool readKey(const std::string &File, SecretKey &Key);
bool readKey(const std::string &File, PublicKey &Key);

std::string toHex(const PublicKey &Key);

#endif // PERDURE_TOOLS_PERDURE_KEYS_H

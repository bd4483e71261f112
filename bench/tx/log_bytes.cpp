//===- log_bytes.cpp - What the system has written to its logs ------------===//

#include "structure.h"

uint64_t tx::logBytes() { return logged(); }

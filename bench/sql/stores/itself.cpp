//===- itself.cpp - pkv itself --------------------------------------------===//

#include "syncs.h"

/// It has been durable from the beginning; in `load` its syncs are held.
void sql::syncs() {}

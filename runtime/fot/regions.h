//===- regions.h - Translation by region number, complete -------*- C++ -*-===//
//
// For the encodings region-id and fat-lookup: everything that their inline
// sequences leave.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FOT_REGIONS_H
#define PERDURE_RUNTIME_FOT_REGIONS_H

#include "fot/translate.h"

namespace perdure {

const void *decodeRegion(Bits B, const void *Container);
Bits encodeRegion(const void *P, const void *Container, const char *Where);
Bits reencodeRegion(Bits B, const void *From, const void *To,
                    const char *Where);

} // namespace perdure

#endif // PERDURE_RUNTIME_FOT_REGIONS_H

//===- Image.h - One outcome of a power failure, as files -------*- C++ -*-===//

#ifndef PERDURE_TOOLS_CRASH_IMAGE_H
#define PERDURE_TOOLS_CRASH_IMAGE_H

#include "Model.h"

namespace crash {

/// A version of each dimension of a point.
struct Image {
  std::shared_ptr<const Point> At;
  std::vector<uint32_t> Versions;
};

/// Makes Directory hold the image and nothing else. False, and errno.
bool writeImage(const Image &I, const std::string &Directory);

/// The file's bytes in the image.
Bytes contentOf(const Image &I, unsigned Inode);
Names namesOf(const Image &I);

} // namespace crash

#endif // PERDURE_TOOLS_CRASH_IMAGE_H

//===- Image.cpp - One outcome of a power failure, as files ---------------===//

#include "Image.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

using namespace crash;

Bytes crash::contentOf(const Image &I, unsigned Inode) {
  const Point &P = *I.At;
  Bytes Content = *P.Content[Inode];
  uint64_t Size = P.Size[Inode];
  for (size_t K = 0; K < P.Dimensions.size(); ++K) {
    const Dimension &D = P.Dimensions[K];
    if (D.Inode != Inode || D.What == Dimension::Kind::Names)
      continue;
    Version V = D.Versions[I.Versions[K]];
    if (D.What == Dimension::Kind::Size)
      Size = D.Sizes[V.Prefix];
    for (size_t J = 0; J < D.Pieces.size(); ++J) {
      const Piece &Part = D.Pieces[J];
      if (!V.has(J))
        continue;
      if (Content.size() < Part.Offset + Part.Data.size())
        Content.resize(Part.Offset + Part.Data.size());
      std::copy(Part.Data.begin(), Part.Data.end(),
                Content.begin() + static_cast<std::ptrdiff_t>(Part.Offset));
    }
  }
  Content.resize(Size);
  return Content;
}

Names crash::namesOf(const Image &I) {
  const Point &P = *I.At;
  Names N = P.Base;
  for (size_t K = 0; K < P.Dimensions.size(); ++K)
    if (P.Dimensions[K].What == Dimension::Kind::Names)
      for (uint32_t J = 0; J < P.Dimensions[K].Versions[I.Versions[K]].Prefix;
           ++J)
        applyChange(N, P.NameChanges[J]);
  return reachable(N);
}

static bool writeOne(const std::string &Path, const Bytes &Content,
                     uint32_t Touched) {
  int File = open(Path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (File < 0)
    return false;
  size_t Done = 0;
  while (Done < Content.size()) {
    ssize_t Written = write(File, Content.data() + Done, Content.size() - Done);
    if (Written <= 0)
      break;
    Done += static_cast<size_t>(Written);
  }
  // In the order of the run: the runtime compares times of files.
  struct timespec Time = {1700000000 + static_cast<time_t>(Touched), 0};
  struct timespec Times[] = {Time, Time};
  bool Ok = Done == Content.size() && !futimens(File, Times);
  return !close(File) && Ok;
}

bool crash::writeImage(const Image &I, const std::string &Directory) {
  std::error_code Error;
  std::filesystem::remove_all(Directory, Error);
  if (Error || !std::filesystem::create_directories(Directory, Error))
    return false;
  std::map<unsigned, std::string> Written; // first name of each
  for (const auto &[Path, Inode] : namesOf(I)) {
    std::string Full = Directory + "/" + Path;
    if (Inode == NoInode) {
      if (mkdir(Full.c_str(), 0700))
        return false;
    } else if (auto It = Written.find(Inode); It != Written.end()) {
      if (link(It->second.c_str(), Full.c_str()))
        return false;
    } else {
      if (!writeOne(Full, contentOf(I, Inode), I.At->Touched[Inode]))
        return false;
      Written[Inode] = Full;
    }
  }
  return true;
}

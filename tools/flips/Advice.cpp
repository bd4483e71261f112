//===- Advice.cpp - Which policy would save flips, and where --------------===//

#include "Advice.h"

#include <algorithm>

using namespace perdure::flips;

// What the source, or the command line, has to say. Else an encoding is meant.
static bool isEncoding(const std::string &Policy) {
  return Policy != "gray" && Policy != "zeroing" && Policy != "merge";
}

static std::string toWrite(const std::string &Policy, const Place &At) {
  if (At.isRuntime())
    return "nothing: the runtime's own";
  if (Policy == "gray")
    return "PERDURE_GRAY";
  if (isEncoding(Policy))
    return "PERDURE_ENCODED(\"" + Policy + "\")";
  return "-fperdure-reduce-flips=" + Policy;
}

// A field is one thing wherever it is stored; the others are about places.
static Place keyOf(const Place &Where, const std::string &Policy) {
  if (Policy == "zeroing" || Policy == "merge" || Where.Field.empty())
    return Where;
  Place Key;
  Key.Field = Where.Field;
  return Key;
}

std::vector<Advice> perdure::flips::advise(const Profile &P, bool All) {
  std::map<std::pair<Place, std::string>, Advice> Found;
  std::map<std::pair<Place, std::string>, int64_t> Most;
  for (auto &[Where, E] : P.Advice) {
    auto &[At, Policy] = Where;
    std::pair<Place, std::string> Key{keyOf(At, Policy), Policy};
    Advice &A = Found[Key];
    int64_t Saved = int64_t(E.now()) - int64_t(E.under());
    if (!A.Places++ || Saved > Most[Key]) {
      Most[Key] = Saved;
      A.Most = At;
    }
    A.Policy = Policy;
    A.Field = At.Field;
    A.Sum += E;
  }
  std::vector<Advice> Sorted;
  std::map<Place, size_t> Best; // encoding of a field
  for (auto &[Key, A] : Found) {
    A.Write = toWrite(A.Policy, A.Most);
    if (All) {
      Sorted.push_back(A);
      continue;
    }
    if (A.saved() <= 0 || A.Most.isRuntime())
      continue;
    if (!isEncoding(A.Policy)) {
      Sorted.push_back(A);
      continue;
    }
    auto [At, New] = Best.try_emplace(Key.first, Sorted.size());
    if (New)
      Sorted.push_back(A);
    // The simpler one, whose name is shorter, where both save as much.
    else if (Advice &Other = Sorted[At->second];
             A.saved() > Other.saved() ||
             (A.saved() == Other.saved() &&
              A.Policy.size() < Other.Policy.size()))
      Other = A;
  }
  std::sort(Sorted.begin(), Sorted.end(), [](const Advice &A, const Advice &B) {
    return std::make_tuple(-A.saved(), A.Policy, A.Field, A.Most.File,
                           A.Most.Line) < std::make_tuple(-B.saved(), B.Policy,
                                                          B.Field, B.Most.File,
                                                          B.Most.Line);
  });
  return Sorted;
}

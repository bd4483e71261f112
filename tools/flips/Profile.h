//===- Profile.h - What a profile of bit flips says -------------*- C++ -*-===//
//
// perdure/flips.def says what the words mean.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_TOOLS_FLIPS_PROFILE_H
#define PERDURE_TOOLS_FLIPS_PROFILE_H

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

namespace perdure::flips {

enum Counter {
#define PERDURE_FLIPS_COUNTER(Name, Text, Doc) Name,
#include "perdure/flips.def"
  CounterCount
};
extern const char *const CounterTexts[CounterCount];

struct Counters : std::array<uint64_t, CounterCount> {
  Counters() { fill(0); }
  Counters &operator+=(const Counters &Other);
  uint64_t atStore() const { return (*this)[Set] + (*this)[Cleared]; }
  uint64_t inMedium() const {
    return (*this)[CellsSet] + (*this)[CellsCleared];
  }
};

/// What a cell takes, in picojoule. docs/BitFlips.md has the source of the
/// values.
struct Energy {
  double Set = 50, Clear = 50;
  double nanojoule(const Counters &C) const {
    return (double(C[CellsSet]) * Set + double(C[CellsCleared]) * Clear) / 1000;
  }
};

/// With so many digits behind the point.
std::string decimal(double Value, int Digits);

/// In the source. All empty: nobody saw the store.
struct Place {
  std::string File;
  uint64_t Line = 0;
  std::string Function, Field;
  bool isUnknown() const { return File.empty() && Function.empty(); }
  /// Of libperdure-counted.so: runtime/CMakeLists.txt gives its sources this folder.
  bool isRuntime() const { return File.rfind("perdure/runtime/", 0) == 0; }
  bool operator<(const Place &O) const {
    return std::tie(File, Line, Function, Field) <
           std::tie(O.File, O.Line, O.Function, O.Field);
  }
};

/// What a policy would do at a place.
enum EstimateField {
#define PERDURE_FLIPS_ESTIMATE(Name, Text, Doc) Name,
#include "perdure/flips.def"
  EstimateCount
};
extern const char *const EstimateTexts[EstimateCount];
struct Estimate : std::array<uint64_t, EstimateCount> {
  Estimate() { fill(0); }
  Estimate &operator+=(const Estimate &Other);
  /// Bits that flipped, and that would have.
  uint64_t now() const { return (*this)[Now] + (*this)[OthersNow]; }
  uint64_t under() const { return (*this)[Under] + (*this)[OthersUnder]; }
};

/// Cells that changed.
struct Cells {
  uint64_t Set = 0, Cleared = 0;
  uint64_t all() const { return Set + Cleared; }
  Cells &operator+=(const Cells &Other);
};
struct PageCount : Cells {
  uint64_t Writes = 0; // lines
};

struct Profile {
  std::map<std::string, std::string> Run; // how it was measured
  std::map<std::string, uint64_t> Totals;
  std::map<Place, Counters> Places;
  std::map<std::pair<Place, std::string>, Estimate> Advice; // by policy
  std::map<std::pair<std::string, uint64_t>, PageCount> Pages;
  std::map<uint64_t, Cells> Bits;

  Counters sum() const;
  /// Whether there was a model of the medium.
  bool hasModel() const;
  /// Whether it was recorded what other policies would have flipped.
  bool hasAdvice() const;
};

/// False, and Why: the file cannot be read, or is none of this version.
bool readProfile(const std::string &Path, Profile &P, std::string &Why);
bool writeProfile(const std::string &Path, const Profile &P, std::string &Why);

/// Adds From to To. False, and Why: they were measured in different ways. An
/// empty To takes any.
bool mergeProfile(Profile &To, const Profile &From, std::string &Why);

} // namespace perdure::flips

#endif // PERDURE_TOOLS_FLIPS_PROFILE_H

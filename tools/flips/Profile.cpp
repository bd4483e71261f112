//===- Profile.cpp - What a profile of bit flips says ---------------------===//

#include "Profile.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <vector>

using namespace perdure::flips;

namespace {
enum Number {
#define PERDURE_FLIPS_NUMBER(Name, Value, Doc) Name = Value,
#include "perdure/flips.def"
};
} // namespace

const char *const perdure::flips::CounterTexts[CounterCount] = {
#define PERDURE_FLIPS_COUNTER(Name, Text, Doc) Text,
#include "perdure/flips.def"
};

const char *const perdure::flips::EstimateTexts[EstimateCount] = {
#define PERDURE_FLIPS_ESTIMATE(Name, Text, Doc) Text,
#include "perdure/flips.def"
};

Estimate &Estimate::operator+=(const Estimate &Other) {
  for (size_t I = 0; I != size(); ++I)
    (*this)[I] += Other[I];
  return *this;
}

Counters &Counters::operator+=(const Counters &Other) {
  for (size_t I = 0; I != size(); ++I)
    (*this)[I] += Other[I];
  return *this;
}

Cells &Cells::operator+=(const Cells &Other) {
  Set += Other.Set;
  Cleared += Other.Cleared;
  return *this;
}

Counters Profile::sum() const {
  Counters All;
  for (auto &[Where, C] : Places)
    All += C;
  return All;
}

static bool isOn(const std::map<std::string, std::string> &Run,
                 const char *Key) {
  auto At = Run.find(Key);
  return At != Run.end() && At->second == "1";
}

bool Profile::hasModel() const { return isOn(Run, "model"); }
bool Profile::hasAdvice() const { return isOn(Run, "advise"); }

std::string perdure::flips::decimal(double Value, int Digits) {
  char Text[64];
  std::snprintf(Text, sizeof(Text), "%.*f", Digits, Value);
  return Text;
}

static std::string title() {
  return "perdure flips " + std::to_string(int(Version));
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

// Splits at tabs and undoes the escapes. None: an escape that is none.
static std::optional<std::vector<std::string>> words(const std::string &Line) {
  std::vector<std::string> Words(1);
  for (size_t I = 0; I != Line.size(); ++I) {
    if (Line[I] == '\t') {
      Words.emplace_back();
    } else if (Line[I] != '\\') {
      Words.back() += Line[I];
    } else {
      char C = I + 1 == Line.size() ? 0 : Line[++I];
      if (C != 't' && C != 'n' && C != '\\')
        return std::nullopt;
      Words.back() += C == 't' ? '\t' : C == 'n' ? '\n' : '\\';
    }
  }
  return Words;
}

static bool number(const std::string &Word, uint64_t &N) {
  auto [End, Error] =
      std::from_chars(Word.data(), Word.data() + Word.size(), N);
  return Error == std::errc() && End == Word.data() + Word.size();
}

static bool readRecord(const std::vector<std::string> &W, Profile &P) {
  uint64_t N = 0;
  if (W[0] == "run" && W.size() == 3) {
    P.Run[W[1]] = W[2];
    return true;
  }
  if (W[0] == "total" && W.size() == 3) {
    if (!number(W[2], N))
      return false;
    P.Totals[W[1]] += N;
    return true;
  }
  if (W[0] == "place" && W.size() == 5 + CounterCount) {
    Place Where{W[1], 0, W[3], W[4]};
    Counters C;
    bool Ok = number(W[2], Where.Line);
    for (unsigned I = 0; I != CounterCount; ++I)
      Ok = Ok && number(W[5 + I], C[I]);
    if (Ok)
      P.Places[Where] += C;
    return Ok;
  }
  if (W[0] == "advice" && W.size() == 6 + EstimateCount) {
    Place Where{W[1], 0, W[3], W[4]};
    Estimate E;
    bool Ok = number(W[2], Where.Line);
    for (unsigned I = 0; I != EstimateCount; ++I)
      Ok = Ok && number(W[6 + I], E[I]);
    if (Ok)
      P.Advice[{Where, W[5]}] += E;
    return Ok;
  }
  if (W[0] == "page" && W.size() == 6) {
    PageCount C;
    if (!number(W[2], N) || !number(W[3], C.Set) || !number(W[4], C.Cleared) ||
        !number(W[5], C.Writes))
      return false;
    PageCount &To = P.Pages[{W[1], N}];
    To += C;
    To.Writes += C.Writes;
    return true;
  }
  if (W[0] == "bit" && W.size() == 4) {
    Cells C;
    if (!number(W[1], N) || N > 63 || !number(W[2], C.Set) ||
        !number(W[3], C.Cleared))
      return false;
    P.Bits[N] += C;
    return true;
  }
  return false;
}

bool perdure::flips::readProfile(const std::string &Path, Profile &P,
                                 std::string &Why) {
  std::ifstream In(Path, std::ios::binary);
  std::string Line;
  if (!In) {
    Why = "cannot open " + Path + ": " + std::strerror(errno);
    return false;
  }
  if (!std::getline(In, Line) || Line != title()) {
    Why = Path + " is no profile of this version: its first line is not '" +
          title() + "'";
    return false;
  }
  uint64_t At = 2;
  for (; std::getline(In, Line) && !In.eof(); ++At) {
    std::optional<std::vector<std::string>> Words = words(Line);
    if (Words && Words->size() == 1 && Line == "end")
      return true;
    if (!Words || !readRecord(*Words, P))
      break;
  }
  if (In.bad())
    Why = "cannot read " + Path + ": " + std::strerror(errno);
  else
    Why = Path + ", line " + std::to_string(At) +
          ": it is damaged or ends there; record the profile again";
  return false;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static std::string escaped(const std::string &Text) {
  std::string Out;
  for (char C : Text)
    if (C == '\t' || C == '\n' || C == '\\') {
      Out += '\\';
      Out += C == '\t' ? 't' : C == '\n' ? 'n' : '\\';
    } else {
      Out += C;
    }
  return Out;
}

bool perdure::flips::writeProfile(const std::string &Path, const Profile &P,
                                  std::string &Why) {
  std::ofstream Out(Path, std::ios::binary | std::ios::trunc);
  Out << title() << '\n';
  for (auto &[Key, Value] : P.Run)
    Out << "run\t" << escaped(Key) << '\t' << escaped(Value) << '\n';
  for (auto &[Key, Value] : P.Totals)
    Out << "total\t" << escaped(Key) << '\t' << Value << '\n';
  auto PutPlace = [&](const char *Kind, const Place &Where) {
    Out << Kind << '\t' << escaped(Where.File) << '\t' << Where.Line << '\t'
        << escaped(Where.Function) << '\t' << escaped(Where.Field);
  };
  auto PutNumbers = [&](const auto &Numbers) {
    for (uint64_t N : Numbers)
      Out << '\t' << N;
    Out << '\n';
  };
  for (auto &[Where, C] : P.Places) {
    PutPlace("place", Where);
    PutNumbers(C);
  }
  for (auto &[Where, E] : P.Advice) {
    PutPlace("advice", Where.first);
    Out << '\t' << escaped(Where.second);
    PutNumbers(E);
  }
  for (auto &[Where, C] : P.Pages)
    Out << "page\t" << escaped(Where.first) << '\t' << Where.second << '\t'
        << C.Set << '\t' << C.Cleared << '\t' << C.Writes << '\n';
  for (auto &[Position, C] : P.Bits)
    Out << "bit\t" << Position << '\t' << C.Set << '\t' << C.Cleared << '\n';
  Out << "end\n";
  Out.close();
  if (!Out)
    Why = "cannot write " + Path + ": " + std::strerror(errno);
  return bool(Out);
}

bool perdure::flips::mergeProfile(Profile &To, const Profile &From,
                                  std::string &Why) {
  if (To.Run.empty())
    To.Run = From.Run;
  if (To.Run != From.Run) {
    for (auto &[Key, Value] : From.Run)
      if (To.Run[Key] != Value) {
        Why = "they were measured in different ways: " + Key + " was " +
              (To.Run[Key].empty() ? "not set" : To.Run[Key]) + ", and " +
              Value;
        return false;
      }
    Why = "they were measured in different ways";
    return false;
  }
  for (auto &[Key, Value] : From.Totals)
    To.Totals[Key] += Value;
  for (auto &[Where, C] : From.Places)
    To.Places[Where] += C;
  for (auto &[Where, E] : From.Advice)
    To.Advice[Where] += E;
  for (auto &[Where, C] : From.Pages) {
    To.Pages[Where] += C;
    To.Pages[Where].Writes += C.Writes;
  }
  for (auto &[Position, C] : From.Bits)
    To.Bits[Position] += C;
  return true;
}

//===- Explorer.cpp - Which images are tried, and what of them ------------===//

#include "Explorer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <unordered_set>

using namespace crash;

namespace {

using Versions = std::vector<uint32_t>;

class Explorer {
public:
  Explorer(const Plan &P, const std::vector<Event> &Events,
           const Progress &Show)
      : P(P), Events(Events), Show(Show), Random(P.Seed) {}

  Outcome run(const std::string &Root,
              const std::map<std::string, std::unique_ptr<std::string>> &Files);

private:
  bool spent() const {
    return Stopped || (P.Images && Result.Checked >= P.Images) ||
           (P.Seconds && elapsed() >= P.Seconds);
  }
  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         Begun)
        .count();
  }
  double fraction() const {
    double F = 0;
    if (P.Images)
      F = double(Result.Checked) / double(P.Images);
    if (P.Seconds)
      F = std::max(F, elapsed() / P.Seconds);
    return std::min(F, 1.0);
  }

  void round(Model M, uint64_t Most);
  void tryPoint(std::shared_ptr<const Point> At, uint64_t Most);
  void tryAll(const std::shared_ptr<const Point> &At);
  void sample(const std::shared_ptr<const Point> &At, uint64_t Most);
  void tryOne(const std::shared_ptr<const Point> &At, const Versions &V);
  void failed(const Image &I, const Verdict &V);
  Versions shrink(const Image &I);
  std::vector<std::string> lost(const Image &I) const;
  std::string keep(const Image &I, const Failure &F);
  std::string placeBefore(uint32_t Event) const;
  void compareEnd(const Model &M, const std::string &Root);

  const Plan &P;
  const std::vector<Event> &Events;
  const Progress &Show;
  std::mt19937_64 Random;
  std::chrono::steady_clock::time_point Begun =
      std::chrono::steady_clock::now();
  std::unordered_set<uint64_t> Seen;
  std::unique_ptr<Checkers> Pool;
  std::atomic<bool> Stopped{false};
  std::mutex Lock; // guards what failed() changes
  Outcome Result;
};

} // namespace

static std::string describe(const Event &E) {
  switch (E.Kind) {
  case PERDURE_TRACE_STORE:
    return E.Text;
  case PERDURE_TRACE_FLUSH:
    return "flush at libperdure-trace.so" + E.Text;
  case PERDURE_TRACE_FENCE:
    return "fence at libperdure-trace.so" + E.Text;
  case PERDURE_TRACE_MSYNC:
  case PERDURE_TRACE_SYNC:
    return "sync at libperdure-trace.so" + E.Text;
  case PERDURE_TRACE_NOTE:
    return "note '" + E.Data + "'";
  default:
    return "change of " + E.Data.substr(0, E.Data.find('\0'));
  }
}

void Explorer::tryOne(const std::shared_ptr<const Point> &At,
                      const Versions &V) {
  if (spent())
    return;
  if (!Seen.insert(At->hashOf(V)).second) {
    ++Result.Pruned;
    return;
  }
  Pool->add({At, V});
  ++Result.Checked;
  if (Result.Checked % 16 == 0) {
    std::lock_guard<std::mutex> Hold(Lock);
    Show(Result, fraction());
  }
}

void Explorer::tryAll(const std::shared_ptr<const Point> &At) {
  Versions V(At->Dimensions.size());
  for (;;) {
    if (spent()) {
      Result.Exhausted = false;
      return;
    }
    tryOne(At, V);
    size_t I = 0;
    while (I < V.size() && ++V[I] == At->Dimensions[I].Hash.size())
      V[I++] = 0;
    if (I == V.size())
      return;
  }
}

// First the outcomes that find most: all lost, none lost, one lost, one there.
// Then random ones, from few losses to many.
void Explorer::sample(const std::shared_ptr<const Point> &At, uint64_t Most) {
  const auto &Dimensions = At->Dimensions;
  Versions None(Dimensions.size()), All;
  for (const Dimension &D : Dimensions)
    All.push_back(static_cast<uint32_t>(D.Hash.size() - 1));
  std::vector<size_t> Order(Dimensions.size());
  for (size_t I = 0; I < Order.size(); ++I)
    Order[I] = I;
  std::shuffle(Order.begin(), Order.end(), Random);
  uint64_t Before = Result.Checked, Tries = 0;
  auto Enough = [&] {
    return spent() || Result.Checked - Before >= Most || ++Tries > 8 * Most;
  };
  tryOne(At, None);
  tryOne(At, All);
  for (size_t I : Order) {
    if (Enough())
      return;
    Versions V = All;
    V[I] = static_cast<uint32_t>(Random() % All[I]);
    tryOne(At, V);
    V = None;
    V[I] = All[I];
    tryOne(At, V);
  }
  while (!Enough()) {
    Versions V = All;
    uint64_t Loss = 1 + Random() % 16; // of 16
    for (size_t I = 0; I < V.size(); ++I)
      if (Random() % 16 < Loss)
        V[I] = static_cast<uint32_t>(Random() % (All[I] + 1));
    tryOne(At, V);
  }
}

void Explorer::tryPoint(std::shared_ptr<const Point> At, uint64_t Most) {
  uint64_t All = 1;
  for (const Dimension &D : At->Dimensions)
    if (__builtin_mul_overflow(All, D.Hash.size(), &All))
      All = UINT64_MAX;
  if (All <= Most)
    return tryAll(At);
  Result.Exhausted = false;
  sample(At, Most);
}

void Explorer::round(Model M, uint64_t Most) {
  Result.Points = 0;
  Result.Exhausted = true;
  for (size_t I = 0; I <= Events.size() && !spent(); ++I) {
    if (I == Events.size() || M.isPoint(Events[I])) {
      ++Result.Points;
      tryPoint(std::make_shared<Point>(M.point()), Most);
    }
    if (I < Events.size())
      M.replay(Events[I]);
  }
  if (spent())
    Result.Exhausted = false;
}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

std::string Explorer::placeBefore(uint32_t Number) const {
  for (uint32_t I = Number; I-- > 0;)
    if (Events[I].Kind != PERDURE_TRACE_MAP &&
        Events[I].Kind != PERDURE_TRACE_SYNCED)
      return describe(Events[I]);
  return "the beginning";
}

std::vector<std::string> Explorer::lost(const Image &I) const {
  const Point &At = *I.At;
  Names Paths = At.Base;
  for (const NameChange &C : At.NameChanges)
    applyChange(Paths, C);
  auto PathOf = [&](unsigned Inode) {
    for (const auto &[Path, Number] : Paths)
      if (Number == Inode)
        return Path;
    return std::string("a file without a name");
  };
  std::set<std::string> Lines;
  for (size_t K = 0; K < At.Dimensions.size(); ++K) {
    const Dimension &D = At.Dimensions[K];
    uint32_t Done = D.Prefix[I.Versions[K]];
    if (I.Versions[K] + 1 == D.Hash.size())
      continue; // all that matters is there
    for (uint32_t J = Done; J < D.Pieces.size(); ++J) {
      const Event &E = Events[D.Pieces[J].Event - 1];
      Lines.insert((E.Kind == PERDURE_TRACE_STORE ? "store at " + E.Text
                                                  : std::string("write")) +
                   " to " + PathOf(D.Inode));
    }
    if (D.What == Dimension::Kind::Size)
      Lines.insert("size of " + PathOf(D.Inode) + ": " +
                   std::to_string(D.Sizes[Done]) + " in place of " +
                   std::to_string(D.Sizes.back()));
    if (D.What == Dimension::Kind::Names)
      for (size_t J = Done; J < At.NameChanges.size(); ++J)
        Lines.insert("name " + (At.NameChanges[J].To.empty()
                                    ? At.NameChanges[J].Path
                                    : At.NameChanges[J].To));
  }
  return {Lines.begin(), Lines.end()};
}

// Gives back what was lost, one after the other, as long as it still fails: what
// is left is to blame.
Versions Explorer::shrink(const Image &I) {
  Image Now = I;
  std::string Directory = P.Scratch + "/shrink";
  unsigned Left = 300;
  for (size_t K = 0; K < Now.Versions.size(); ++K) {
    uint32_t Last =
        static_cast<uint32_t>(I.At->Dimensions[K].Hash.size() - 1);
    if (Now.Versions[K] == Last)
      continue;
    if (!Left--)
      break;
    Image Fuller = Now;
    Fuller.Versions[K] = Last;
    if (check(Fuller, Directory, P.Command).Failed)
      Now = Fuller;
  }
  return Now.Versions;
}

std::string Explorer::keep(const Image &I, const Failure &F) {
  std::string Path =
      P.Keep + "/" + std::to_string(Result.Failures.size() + 1);
  if (!writeImage(I, Path))
    return "";
  std::ofstream(Path + ".notes", std::ios::binary) << I.At->Notes;
  std::ofstream Report(Path + ".txt");
  Report << F.Why << "\nthe power fails after event " << F.Event << ": "
         << F.After << "\nlost:\n";
  for (const std::string &Line : F.Lost)
    Report << "  " << Line << "\n";
  Report << F.Output;
  return Path;
}

void Explorer::failed(const Image &I, const Verdict &V) {
  std::lock_guard<std::mutex> Hold(Lock);
  ++Result.Failed;
  if (V.Broken) {
    Result.Trouble = V.Why + "\n" + V.Output;
    Stopped = true;
    return;
  }
  // Shrinking costs checks: of many failures the first ones are told apart.
  if (Result.Failures.size() >= 20 || Result.Failed > 50)
    return;
  Image Small{I.At, shrink(I)};
  std::vector<std::string> Lost = lost(Small);
  for (Failure &F : Result.Failures)
    if (F.Lost == Lost) {
      ++F.Count;
      return;
    }
  Failure F;
  F.Why = V.Why;
  F.Output = V.Output;
  F.Event = I.At->Event;
  F.After = placeBefore(F.Event);
  F.Lost = std::move(Lost);
  F.Kept = keep(Small, F);
  Result.Failures.push_back(std::move(F));
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

// With nothing lost the trace gives what the program left: otherwise somebody
// stored to an object whom the trace does not know, and what was explored is not
// what can happen.
void Explorer::compareEnd(const Model &M, const std::string &Root) {
  auto At = std::make_shared<Point>(M.point());
  Image All{At, {}};
  for (const Dimension &D : At->Dimensions)
    All.Versions.push_back(static_cast<uint32_t>(D.Hash.size() - 1));
  for (const auto &[Path, Inode] : namesOf(All)) {
    if (Inode == NoInode)
      continue;
    std::ifstream File(Root + "/" + Path, std::ios::binary);
    std::vector<char> Real{std::istreambuf_iterator<char>(File), {}};
    Bytes Content = contentOf(All, Inode);
    if (Real.size() == Content.size() &&
        std::equal(Content.begin(), Content.end(), Real.begin(),
                   [](uint8_t A, char B) { return A == uint8_t(B); }))
      continue;
    size_t Offset = 0;
    while (Offset < std::min(Real.size(), Content.size()) &&
           Content[Offset] == uint8_t(Real[Offset]))
      ++Offset;
    Result.Untraced.push_back(Path + " from offset " + std::to_string(Offset));
  }
}

Outcome Explorer::run(
    const std::string &Root,
    const std::map<std::string, std::unique_ptr<std::string>> &Files) {
  Model Start(P.On, Root);
  for (const auto &[Path, Data] : Files)
    Start.addFile(Path, Data.get());
  Model End = Start;
  for (const Event &E : Events)
    End.replay(E);
  compareEnd(End, Root);
  Pool = std::make_unique<Checkers>(
      P.Jobs, P.Scratch, P.Command,
      [this](const Image &I, const Verdict &V) { failed(I, V); });
  // The first looks at a few images of each point, so that a small budget reaches
  // them all; each looks four times as closely as the one before. Images that
  // were tried are not tried again.
  for (uint64_t Most = 4;; Most *= 4) {
    uint64_t Before = Result.Checked;
    round(Start, Most);
    if (spent() || Result.Exhausted ||
        (Result.Checked == Before && Most > (1u << 20)))
      break;
  }
  Pool->finish();
  Show(Result, 1);
  return std::move(Result);
}

Outcome crash::explore(
    const Plan &P, const std::vector<Event> &Events, const std::string &Root,
    const std::map<std::string, std::unique_ptr<std::string>> &Files,
    const Progress &Show) {
  return Explorer(P, Events, Show).run(Root, Files);
}

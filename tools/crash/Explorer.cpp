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
  /// LeftOut: the flush, fence or sync that is left out, "" for none.
  Explorer(const Plan &P, const Run &What, const Progress &Show,
           std::string LeftOut = "")
      : P(P), What(What), Events(What.Events), Show(Show),
        LeftOut(std::move(LeftOut)), Random(P.Seed),
        Again(P.Scratch + "/shrink", P.Command) {}

  Outcome run();

  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         Begun)
        .count();
  }
  /// How much of what Whole allows was spent.
  double fractionOf(const Plan &Whole, const Outcome &O) const {
    double F = 0;
    if (Whole.Images)
      F = double(O.Checked) / double(Whole.Images);
    if (Whole.Seconds)
      F = std::max(F, elapsed() / Whole.Seconds);
    return std::min(F, 1.0);
  }
  std::string describeFailure(const Image &I) const;

  std::vector<Image> Chosen; // to go on with

private:
  /// Those versions of each dimension that are no outcome of the whole run.
  using More = std::vector<std::vector<uint32_t>>;

  bool spent() const {
    return Stopped || (P.Images && Result.Checked >= P.Images) ||
           (P.Seconds && elapsed() >= P.Seconds);
  }

  void stop() {
    Stopped = true;
    Pool->drop();
  }
  void round(Model M, uint64_t Most);
  void visitWithout(Model Whole,
                    const std::function<void(std::shared_ptr<const Point>,
                                             const More &)> &Visit);
  void roundWithout(const Model &Whole, uint64_t Most);
  bool tryPoint(std::shared_ptr<const Point> At, uint64_t Most,
                const More *Only = nullptr);
  void tryAll(const std::shared_ptr<const Point> &At, const More *Only);
  void sampleWithout(const std::shared_ptr<const Point> &At, const More &Only,
                     uint64_t Most);
  void sample(const std::shared_ptr<const Point> &At, uint64_t Most);
  void tryOne(const std::shared_ptr<const Point> &At, const Versions &V);
  void choose(Image I);
  void failed(const Image &I, const Verdict &V);
  Versions shrink(const Image &I);
  std::vector<std::string> lost(const Image &I) const;
  std::string keep(const Image &I, const Failure &F);
  std::string placeBefore(uint32_t Event) const;
  void compareEnd(const Model &M);

  const Plan &P;
  const Run &What;
  const std::vector<Event> &Events;
  const Progress &Show;
  const std::string LeftOut;
  std::mt19937_64 Random;
  std::chrono::steady_clock::time_point Begun =
      std::chrono::steady_clock::now();
  std::unordered_set<uint64_t> Seen;
  std::unique_ptr<Checkers> Pool;
  Checker Again; // of images that failed; used by one thread at a time
  std::atomic<bool> Stopped{false};
  std::mutex Lock; // guards what failed() changes
  Outcome Result;
};

} // namespace

static bool isPrimitive(const Event &E) {
  return E.Kind >= PERDURE_TRACE_FLUSH && E.Kind <= PERDURE_TRACE_SYNC;
}

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

// Nothing is lost.
static Versions wholeOf(const Point &At) {
  Versions V;
  for (const Dimension &D : At.Dimensions)
    V.push_back(D.whole());
  return V;
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
  choose({At, V});
  std::lock_guard<std::mutex> Hold(Lock);
  Show(Result, fractionOf(P, Result) * (P.Then ? 0.5 : 1), false);
}

// Each of those that were tried is as likely as the others.
void Explorer::choose(Image I) {
  if (!P.Then)
    return;
  if (Chosen.size() < P.ThenImages)
    Chosen.push_back(std::move(I));
  else if (uint64_t Place = Random() % Result.Checked; Place < Chosen.size())
    Chosen[Place] = std::move(I);
}

// Whether one of the versions is among those.
static bool isAmong(const Versions &V,
                    const std::vector<std::vector<uint32_t>> &Those) {
  for (size_t I = 0; I < V.size(); ++I)
    if (std::find(Those[I].begin(), Those[I].end(), V[I]) != Those[I].end())
      return true;
  return false;
}

void Explorer::tryAll(const std::shared_ptr<const Point> &At,
                      const More *Only) {
  Versions V(At->Dimensions.size());
  for (;;) {
    if (spent()) {
      Result.Exhausted = false;
      return;
    }
    if (!Only || isAmong(V, *Only))
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
  Versions None(Dimensions.size()), All = wholeOf(*At);
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
    V[I] = static_cast<uint32_t>(Random() % Dimensions[I].Hash.size());
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
        V[I] = static_cast<uint32_t>(Random() % Dimensions[I].Hash.size());
    tryOne(At, V);
  }
}

// What the primitive would have made certain is lost, all of it and each thing
// alone, while everything else is there: that is how a program goes wrong which
// went on in the belief that it is certain. Then nothing else is there, then
// random choices.
void Explorer::sampleWithout(const std::shared_ptr<const Point> &At,
                             const More &Only, uint64_t Most) {
  const Versions All = wholeOf(*At);
  std::vector<size_t> Lost;
  for (size_t I = 0; I < Only.size(); ++I)
    if (!Only[I].empty())
      Lost.push_back(I);
  std::shuffle(Lost.begin(), Lost.end(), Random);
  uint64_t Before = Result.Checked, Tries = 0;
  auto Enough = [&] {
    return spent() || Result.Checked - Before >= Most || ++Tries > 8 * Most;
  };
  auto Any = [&](size_t I) { return Only[I][Random() % Only[I].size()]; };
  Versions V = All;
  for (size_t I : Lost)
    V[I] = Only[I].front();
  tryOne(At, V);
  for (size_t I : Lost) {
    if (Enough())
      return;
    V = All;
    V[I] = Any(I);
    tryOne(At, V);
  }
  V.assign(V.size(), 0);
  for (size_t I : Lost)
    V[I] = Only[I].front();
  if (!Enough())
    tryOne(At, V);
  while (!Enough()) {
    V = All;
    uint64_t Loss = Random() % 16, LossOfLost = 1 + Random() % 16; // of 16
    for (size_t I = 0; I < V.size(); ++I)
      if (Random() % 16 < Loss)
        V[I] = static_cast<uint32_t>(Random() % At->Dimensions[I].Hash.size());
    for (size_t I : Lost)
      if (Random() % 16 < LossOfLost)
        V[I] = Any(I);
    if (size_t I = Lost[Random() % Lost.size()]; !isAmong(V, Only))
      V[I] = Any(I);
    tryOne(At, V);
  }
}

// Whether that was all there is.
bool Explorer::tryPoint(std::shared_ptr<const Point> At, uint64_t Most,
                        const More *Only) {
  uint64_t All = 1;
  for (const Dimension &D : At->Dimensions)
    if (__builtin_mul_overflow(All, D.Hash.size(), &All))
      All = UINT64_MAX;
  if (All <= Most) {
    tryAll(At, Only);
    return true;
  }
  if (Only)
    sampleWithout(At, *Only, Most);
  else
    sample(At, Most);
  return false;
}

void Explorer::round(Model M, uint64_t Most) {
  Result.Points = 0;
  Result.Exhausted = true;
  for (size_t I = 0; I <= Events.size() && !spent(); ++I) {
    if (I == Events.size() || M.isPoint(Events[I])) {
      ++Result.Points;
      Result.Exhausted &= tryPoint(std::make_shared<Point>(M.point()), Most);
    }
    if (I < Events.size())
      M.replay(Events[I]);
  }
  if (spent())
    Result.Exhausted = false;
}

// Beside the run as it was goes the one without the primitive. It is the same
// run: no program looks at what a flush or a fence did, and a sync only says
// that it went well. What the second allows and the first does not is visited.
void Explorer::visitWithout(
    Model Whole,
    const std::function<void(std::shared_ptr<const Point>, const More &)>
        &Visit) {
  Model M = Whole;
  M.leaveOut(LeftOut);
  bool Differs = false;
  for (size_t I = 0; I <= Events.size() && !spent(); ++I) {
    if (Differs && (I == Events.size() || M.isPoint(Events[I]))) {
      auto At = std::make_shared<Point>(M.point());
      std::vector<uint64_t> Certain = Whole.certainOf(*At);
      More Only(At->Dimensions.size());
      bool Any = false;
      for (size_t K = 0; K < Only.size(); ++K)
        for (uint32_t V = 0; V < At->Dimensions[K].Versions.size(); ++V)
          if (At->Dimensions[K].Versions[V].Prefix < Certain[K]) {
            Only[K].push_back(V);
            Any = true;
          }
      if (Any)
        Visit(At, Only);
    }
    if (I == Events.size())
      break;
    Differs |= Events[I].Text == LeftOut;
    M.replay(Events[I]);
    Whole.replay(Events[I]);
  }
}

void Explorer::roundWithout(const Model &Whole, uint64_t Most) {
  if (Most == 1)
    visitWithout(Whole, [&](const std::shared_ptr<const Point> &,
                            const More &) { ++Result.Points; });
  Result.Exhausted = true;
  uint64_t Rest = Result.Points;
  visitWithout(
      Whole, [&](const std::shared_ptr<const Point> &At, const More &Only) {
        // Where not all can be tried, what is left goes to points all over the
        // run, not to the first ones.
        uint64_t Wanted =
            P.Images ? (P.Images - Result.Checked + Most - 1) / Most : Rest;
        if (Random() % Rest-- < Wanted)
          Result.Exhausted &= tryPoint(At, Most, &Only);
        else
          Result.Exhausted = false;
      });
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
    Version V = D.Versions[I.Versions[K]];
    uint32_t Done = V.Prefix;
    if (I.Versions[K] == D.whole())
      continue; // all that matters is there
    for (uint32_t J = Done; J < D.Pieces.size(); ++J) {
      if (V.has(J))
        continue;
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

// Gives back what was lost, one after the other, as long as it still fails:
// what is left is to blame.
Versions Explorer::shrink(const Image &I) {
  Image Now = I;
  unsigned Left = 300;
  for (size_t K = 0; K < Now.Versions.size(); ++K) {
    uint32_t Last = I.At->Dimensions[K].whole();
    if (Now.Versions[K] == Last)
      continue;
    if (!Left--)
      break;
    Image Fuller = Now;
    Fuller.Versions[K] = Last;
    if (Again.check(Fuller).Failed)
      Now = Fuller;
  }
  return Now.Versions;
}

std::string Explorer::describeFailure(const Image &I) const {
  std::string Text = "the power failed once before, after event " +
                     std::to_string(I.At->Event) + ": " +
                     placeBefore(I.At->Event) + "\n";
  for (const std::string &Line : lost(I))
    Text += "lost then: " + Line + "\n";
  return Text;
}

std::string Explorer::keep(const Image &I, const Failure &F) {
  std::string Path = P.Keep + "/" + std::to_string(Result.Failures.size() + 1);
  if (!writeImage(I, Path))
    return "";
  std::ofstream(Path + ".notes", std::ios::binary) << I.At->Notes;
  std::ofstream Report(Path + ".txt");
  Report << F.Why << "\n"
         << F.First << "the power fails after event " << F.Event << ": "
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
    stop();
    return;
  }
  // Shrinking costs checks: of many failures the first ones are told apart.
  if (Stopped ||
      (!P.Failures && (Result.Failures.size() >= 20 || Result.Failed > 50)))
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
  F.First = What.First;
  F.Event = I.At->Event;
  F.After = placeBefore(F.Event);
  F.Lost = std::move(Lost);
  F.Kept = keep(Small, F);
  Result.Failures.push_back(std::move(F));
  if (P.Failures && Result.Failures.size() >= P.Failures)
    stop();
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

// With nothing lost the trace gives what the program left: otherwise somebody
// stored to an object whom the trace does not know, and what was explored is
// not what can happen.
void Explorer::compareEnd(const Model &M) {
  const std::string &Root = What.Root;
  auto At = std::make_shared<Point>(M.point());
  const Image All{At, wholeOf(*At)};
  const Names Known = namesOf(All);
  std::error_code Error;
  for (const auto &Entry :
       std::filesystem::recursive_directory_iterator(Root, Error))
    if (std::string Path = Entry.path().string().substr(Root.size() + 1);
        !Known.count(Path))
      Result.Untraced.push_back(Path + ", which it has made");
  for (const auto &[Path, Inode] : Known) {
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

Outcome Explorer::run() {
  Model Start(P.On, What.Root);
  for (const auto &[Path, Data] : What.Files)
    Start.addFile(Path, Data.get());
  Start.addNotes(What.Notes);
  if (LeftOut.empty()) {
    Model End = Start;
    for (const Event &E : Events) {
      End.replay(E);
      if (isPrimitive(E))
        Result.Primitives.emplace(E.Text, E.Kind);
    }
    compareEnd(End);
  }
  Pool = std::make_unique<Checkers>(
      P.Jobs, P.Scratch, P.Command,
      [this](const Image &I, const Verdict &V) { failed(I, V); });
  // The first looks at a few images of each point, so that a small budget
  // reaches them all; each looks four times as closely as the one before.
  // Images that were tried are not tried again.
  for (uint64_t Most = 4;; Most *= 4) {
    uint64_t Before = Result.Checked;
    if (LeftOut.empty())
      round(Start, Most);
    else
      roundWithout(Start, Most / 4);
    if (spent() || Result.Exhausted ||
        (Result.Checked == Before && Most > (LeftOut.empty() ? 1u << 20 : 256)))
      break;
  }
  uint64_t Dropped = Pool->finish();
  Result.Checked -= Dropped;
  Result.Exhausted &= !Dropped;
  return std::move(Result);
}

//===----------------------------------------------------------------------===//
// A second power failure
//===----------------------------------------------------------------------===//

static std::map<std::string, std::unique_ptr<std::string>>
filesOf(const Image &I) {
  std::map<std::string, std::unique_ptr<std::string>> Files;
  for (const auto &[Path, Inode] : namesOf(I)) {
    auto &File = Files[Path];
    if (Inode == NoInode)
      continue;
    Bytes Content = contentOf(I, Inode);
    File = std::make_unique<std::string>(Content.begin(), Content.end());
  }
  return Files;
}

static void append(Outcome &To, Outcome &&More) {
  To.Points += More.Points;
  To.Checked += More.Checked;
  To.Pruned += More.Pruned;
  To.Failed += More.Failed;
  To.Exhausted &= More.Exhausted;
  To.Trouble += More.Trouble;
  std::move(More.Failures.begin(), More.Failures.end(),
            std::back_inserter(To.Failures));
  std::move(More.Untraced.begin(), More.Untraced.end(),
            std::back_inserter(To.Untraced));
  To.Primitives.merge(More.Primitives);
}

// One image, and what comes after it.
static void goOn(Plan P, const Image &I, const std::string &First, Outcome &To,
                 std::vector<Run> *Later) {
  Run Second;
  Second.Root = P.Scratch + "/again";
  Second.First = First;
  std::string Why;
  if (!writeImage(I, Second.Root)) {
    To.Trouble = "cannot write an image to " + Second.Root;
    return;
  }
  std::ofstream(Second.Root + ".notes", std::ios::binary) << I.At->Notes;
  ++To.WentOn;
  P.Keep += "/after" + std::to_string(To.WentOn);
  if (!P.Then(Second.Root, Second.Events, Why)) {
    Failure F;
    F.Why = Why;
    F.First = First;
    F.InThen = true;
    F.After = "the power came back";
    if (writeImage(I, P.Keep))
      F.Kept = P.Keep;
    ++To.Failed;
    To.Failures.push_back(std::move(F));
    return;
  }
  P.Then = nullptr;
  Second.Files = filesOf(I);
  Second.Notes = I.At->Notes;
  append(To, Explorer(P, Second, [](const Outcome &, double, bool) {}).run());
  if (Later)
    Later->push_back(std::move(Second));
}

Outcome crash::explore(const Plan &P, const Run &What, const Progress &Show,
                       std::vector<Run> *Later) {
  Plan Level = P;
  if (P.Then) {
    Level.Images = (P.Images + 1) / 2;
    Level.Seconds = P.Seconds / 2;
  }
  Explorer Whole(Level, What, Show);
  Outcome Result = Whole.run();
  uint64_t Left = Whole.Chosen.size();
  if (P.Then && Left < Result.Checked)
    Result.Exhausted = false;
  for (const Image &I : Whole.Chosen) {
    if (!Result.Trouble.empty())
      break;
    if (P.Failures) {
      if (Result.Failures.size() >= P.Failures)
        break;
      Level.Failures = P.Failures - Result.Failures.size();
    }
    if (P.Images) {
      if (Result.Checked >= P.Images)
        break;
      Level.Images = (P.Images - Result.Checked + Left - 1) / Left;
    }
    if (P.Seconds)
      Level.Seconds =
          std::max(P.Seconds - Whole.elapsed(), 0.01) / double(Left);
    --Left;
    goOn(Level, I, Whole.describeFailure(I), Result, Later);
    Show(Result, Whole.fractionOf(P, Result), false);
  }
  // Where it could not go on the bar stays as it is.
  Show(Result, Result.Trouble.empty() ? 1 : Whole.fractionOf(P, Result), true);
  return Result;
}

//===----------------------------------------------------------------------===//
// Without one primitive
//===----------------------------------------------------------------------===//

Outcome crash::exploreWithout(const Plan &P, const std::string &Primitive,
                              const std::vector<const Run *> &Runs,
                              const Progress &Show) {
  std::vector<const Run *> Of;
  for (const Run *R : Runs)
    if (std::any_of(R->Events.begin(), R->Events.end(), [&](const Event &E) {
          return isPrimitive(E) && E.Text == Primitive;
        }))
      Of.push_back(R);
  Plan Level = P;
  Level.Then = nullptr;
  Level.Failures = 1;
  Outcome Result;
  auto Begun = std::chrono::steady_clock::now();
  for (size_t I = 0; I < Of.size(); ++I) {
    if (Result.Failed || !Result.Trouble.empty())
      break;
    if (P.Images && Result.Checked >= P.Images) {
      Result.Exhausted = false;
      break;
    }
    // The first has half of what is left, if others come: it is the program.
    size_t Left = Of.size() - I;
    size_t Parts = I || Left == 1 ? Left : 2;
    if (P.Images)
      Level.Images = (P.Images - Result.Checked + Parts - 1) / Parts;
    if (P.Seconds) {
      std::chrono::duration<double> Spent =
          std::chrono::steady_clock::now() - Begun;
      Level.Seconds = std::max(P.Seconds - Spent.count(), 0.01) / double(Parts);
    }
    append(Result, Explorer(Level, *Of[I], Show, Primitive).run());
  }
  return Result;
}

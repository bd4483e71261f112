//===- Traces.cpp - Traces made up for tests, and what they allow ---------===//

#include "Traces.h"

#include "../../../tools/crash/Image.h"

using namespace crash;

std::set<Left> crash::outcomesOf(const Point &P) {
  std::set<Left> Found;
  Image I{std::make_shared<Point>(P),
          std::vector<uint32_t>(P.Dimensions.size())};
  for (;;) {
    Left L;
    for (const auto &[Path, Inode] : namesOf(I)) {
      std::string &Text = L.Content[Path];
      if (Inode == NoInode)
        continue;
      Bytes Content = contentOf(I, Inode);
      Text.assign(Content.begin(), Content.end());
    }
    L.Notes = P.Notes;
    Found.insert(std::move(L));
    size_t K = 0;
    while (K < I.Versions.size() &&
           ++I.Versions[K] == P.Dimensions[K].Hash.size())
      I.Versions[K++] = 0;
    if (K == I.Versions.size())
      return Found;
  }
}

std::set<Left> crash::outcomesOf(Medium Kind,
                                 const std::vector<Event> &Events) {
  Model M(Kind, "/r");
  std::set<Left> All;
  for (const Event &E : Events) {
    if (M.isPoint(E))
      All.merge(outcomesOf(M.point()));
    M.replay(E);
  }
  All.merge(outcomesOf(M.point()));
  return All;
}

Model crash::twoFiles(Medium Kind, uint64_t FileBytes) {
  Model M(Kind, "/r");
  std::string Full(FileBytes, '.');
  M.addFile("a", &Full);
  M.addFile("b", &Full);
  return M;
}

//===----------------------------------------------------------------------===//
// The simple model
//===----------------------------------------------------------------------===//

namespace {
struct Eight {
  size_t Event;
  uint64_t Offset;
  std::string Data;
};
} // namespace

static bool overlap(uint64_t A, uint64_t ABytes, uint64_t B, uint64_t BBytes) {
  return A < B + BBytes && B < A + ABytes;
}

// How many of the changes to a unit are certain after Count events: those that
// came before what asked for the unit, if that had ended by then.
static size_t certain(const std::vector<Event> &Events, size_t Count,
                      const std::string &File, uint64_t FileAt, uint64_t Unit,
                      uint64_t UnitBytes, const std::vector<Eight> &Changes) {
  size_t Most = 0;
  for (size_t I = 0; I < Count; ++I) {
    const Event &E = Events[I];
    bool Asks = E.Kind == PERDURE_TRACE_SYNC && E.Data == File;
    if (E.Kind == PERDURE_TRACE_FLUSH || E.Kind == PERDURE_TRACE_MSYNC)
      Asks = overlap(E.Where, E.Extent, FileAt + Unit * UnitBytes, UnitBytes);
    if (!Asks)
      continue;
    auto Ends = E.Kind == PERDURE_TRACE_FLUSH ? PERDURE_TRACE_FENCE
                                              : PERDURE_TRACE_SYNCED;
    bool Ended = false;
    for (size_t J = I + 1; J < Count && !Ended; ++J)
      Ended = Events[J].Kind == Ends && Events[J].Thread == E.Thread;
    size_t Before = 0;
    for (const Eight &C : Changes)
      Before += C.Event < I;
    if (Ended)
      Most = std::max(Most, Before);
  }
  return Most;
}

// The changes that may have happened, those that are certain included: all of
// some stores, any of the next one. (No store here has more than three words.)
static std::vector<std::vector<size_t>>
mayBeThere(const std::vector<Eight> &Changes, size_t Known) {
  std::vector<std::vector<size_t>> Result;
  std::vector<size_t> Before;
  for (size_t Begin = 0, End; Begin < Changes.size(); Begin = End) {
    End = Begin;
    while (End < Changes.size() && Changes[End].Event == Changes[Begin].Event)
      ++End;
    for (unsigned Some = 0; Begin >= Known && Some < 1u << (End - Begin);
         ++Some) {
      Result.push_back(Before);
      for (size_t K = Begin; K < End; ++K)
        if (Some >> (K - Begin) & 1)
          Result.back().push_back(K);
    }
    for (size_t K = Begin; K < End; ++K)
      Before.push_back(K);
  }
  Result.push_back(Before);
  return Result;
}

std::set<Left> crash::simpleOutcomes(Medium Kind,
                                     const std::vector<Event> &Events,
                                     size_t Count, uint64_t FileBytes) {
  uint64_t UnitBytes = Kind == Medium::Dax ? 64 : 512;
  Left First;
  for (size_t I = 0; I < Count; ++I)
    if (Events[I].Kind == PERDURE_TRACE_NOTE)
      First.Notes += Events[I].Data + "\n";
  First.Content = {{"a", std::string(FileBytes, '.')},
                   {"b", std::string(FileBytes, '.')}};
  std::set<Left> All{First};
  for (int F = 0; F < 2; ++F) {
    std::string Name(1, static_cast<char>('a' + F));
    uint64_t At = 0x10000u * static_cast<unsigned>(F + 1);
    for (uint64_t Unit = 0; Unit * UnitBytes < FileBytes; ++Unit) {
      std::vector<Eight> Changes;
      for (size_t I = 0; I < Count; ++I) {
        const Event &E = Events[I];
        if (E.Kind != PERDURE_TRACE_STORE || E.Where < At ||
            E.Where >= At + FileBytes)
          continue;
        // Byte by byte into what belongs together.
        for (size_t K = 0; K < E.Data.size(); ++K) {
          uint64_t Offset = E.Where - At + K;
          if (Offset / UnitBytes != Unit)
            continue;
          if (Changes.empty() || Changes.back().Event != I ||
              Changes.back().Offset / 8 != Offset / 8)
            Changes.push_back({I, Offset, ""});
          Changes.back().Data += E.Data[K];
        }
      }
      size_t Known =
          certain(Events, Count, "/r/" + Name, At, Unit, UnitBytes, Changes);
      std::set<Left> More;
      for (const Left &L : All)
        for (const std::vector<size_t> &Some : mayBeThere(Changes, Known)) {
          Left With = L;
          for (size_t K : Some)
            With.Content[Name].replace(Changes[K].Offset,
                                       Changes[K].Data.size(), Changes[K].Data);
          More.insert(With);
        }
      All = std::move(More);
    }
  }
  return All;
}

std::vector<Event> crash::randomTrace(Medium Kind, uint64_t Seed,
                                      uint64_t FileBytes, unsigned Stores,
                                      unsigned Longest) {
  std::mt19937_64 Random(Seed);
  uint64_t UnitBytes = Kind == Medium::Dax ? 64 : 512;
  TraceMaker T;
  T.map("a", 0x10000, FileBytes);
  T.map("b", 0x20000, FileBytes);
  unsigned Stored = 0;
  std::map<uint32_t, bool> Syncing; // by thread
  for (int I = 0; I < 30; ++I) {
    T.Thread = 1 + static_cast<uint32_t>(Random() % 2);
    uint64_t At = 0x10000 * (1 + Random() % 2);
    // Few lines, at the edges of words.
    uint64_t Offset = Random() % 2 * UnitBytes + Random() % 20;
    switch (Random() % 6) {
    case 0:
    case 1:
      if (++Stored > Stores)
        break;
      T.store(At + Offset, std::string(1 + Random() % Longest,
                                       static_cast<char>('A' + Stored)));
      break;
    case 2:
      if (Kind == Medium::Dax)
        T.flush(At + Offset, 1 + Random() % (2 * UnitBytes));
      else if (!Syncing[T.Thread]) {
        Syncing[T.Thread] = true;
        if (Random() % 2)
          T.add(PERDURE_TRACE_SYNC, 0, 0, Random() % 2 ? "/r/a" : "/r/b");
        else
          T.add(PERDURE_TRACE_MSYNC, At + Offset, 1 + Random() % UnitBytes, "");
      }
      break;
    case 3:
    case 4:
      if (Kind == Medium::Dax)
        T.fence();
      else if (Syncing[T.Thread]) {
        Syncing[T.Thread] = false;
        T.synced();
      }
      break;
    default:
      T.note(std::to_string(I));
    }
  }
  return T.Events;
}

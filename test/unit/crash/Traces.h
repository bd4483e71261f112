//===- Traces.h - Traces made up for tests, and what they allow -*- C++ -*-===//

#ifndef PERDURE_TEST_UNIT_CRASH_TRACES_H
#define PERDURE_TEST_UNIT_CRASH_TRACES_H

#include "../../../tools/crash/Model.h"

#include <random>
#include <set>
#include <tuple>

namespace crash {

/// Makes events; all of the files lie in /r, which nobody creates.
struct TraceMaker {
  std::vector<Event> Events;
  uint32_t Thread = 1, Process = 1;

  void add(perdure_trace_kind Kind, uint64_t Where, uint64_t Extent,
           std::string Data) {
    Events.push_back({Kind, Thread, Process, Where, Extent,
                      "line " + std::to_string(Events.size()),
                      std::move(Data)});
  }
  void path(perdure_trace_kind Kind, const std::string &P) {
    add(Kind, 0, 0, "/r/" + P);
  }
  void create(const std::string &P) { path(PERDURE_TRACE_CREATE, P); }
  void mkdir(const std::string &P) { path(PERDURE_TRACE_MKDIR, P); }
  void unlink(const std::string &P) { path(PERDURE_TRACE_UNLINK, P); }
  void rename(const std::string &P, const std::string &To) {
    add(PERDURE_TRACE_RENAME, 0, 0,
        "/r/" + P + std::string(1, '\0') + "/r/" + To);
  }
  void size(const std::string &P, uint64_t Bytes) {
    add(PERDURE_TRACE_SIZE, Bytes, 0, "/r/" + P);
  }
  void map(const std::string &P, uint64_t At, uint64_t Bytes) {
    add(PERDURE_TRACE_MAP, At, Bytes, "/r/" + P);
  }
  void store(uint64_t At, const std::string &Data) {
    add(PERDURE_TRACE_STORE, At, 0, Data);
  }
  void flush(uint64_t At, uint64_t Bytes) {
    add(PERDURE_TRACE_FLUSH, At, Bytes, "");
  }
  void fence() { add(PERDURE_TRACE_FENCE, 0, 0, ""); }
  void sync(const std::string &P) { // "": the directory itself
    add(PERDURE_TRACE_SYNC, 0, 0, P.empty() ? "/r" : "/r/" + P);
    synced();
  }
  void synced() { add(PERDURE_TRACE_SYNCED, 0, 0, ""); }
  void msync(uint64_t At, uint64_t Bytes) {
    add(PERDURE_TRACE_MSYNC, At, Bytes, "");
    synced();
  }
  void note(const std::string &Text) { add(PERDURE_TRACE_NOTE, 0, 0, Text); }
};

/// An image in words: each name with what its file holds, and the notes.
using Files = std::map<std::string, std::string>;
struct Left {
  Files Content;
  std::string Notes;
  bool operator<(const Left &O) const {
    return std::tie(Content, Notes) < std::tie(O.Content, O.Notes);
  }
};

/// All that the model says may be left at one point.
std::set<Left> outcomesOf(const Point &P);

/// The same at each of its points.
std::set<Left> outcomesOf(Medium M, const std::vector<Event> &Events);

/// What may be left when the power fails after the first Count events, by a
/// second, much simpler model: it looks at all events again for each 8 bytes.
/// It knows files that were there before, two of them, "a" mapped at 0x10000
/// and "b" at 0x20000, of one size; and no names.
std::set<Left> simpleOutcomes(Medium M, const std::vector<Event> &Events,
                              size_t Count, uint64_t FileBytes);

/// A random trace for it: at most Stores stores of at most Longest bytes to few
/// lines, so that all can be tried.
std::vector<Event> randomTrace(Medium M, uint64_t Seed, uint64_t FileBytes,
                               unsigned Stores, unsigned Longest);

/// A model in which "a" and "b" are there, full of '.'.
Model twoFiles(Medium M, uint64_t FileBytes);

} // namespace crash

#endif // PERDURE_TEST_UNIT_CRASH_TRACES_H

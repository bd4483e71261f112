//===- queries.cpp - Six queries over a table of people -------------------===//
//
// Those that Bittman et al. measured ("Twizzler: a Data-Centric OS for
// Non-Volatile Memory", USENIX ATC 2020 and ACM TOS 17(2), 2021), with the
// columns, the distributions and the SQL of their program, which OLD-twizzler
// on GitHub has as src/bin/twzutils/sqb.c. Other than there, statements are
// prepared before they are timed. Environment:
//   BENCH_PEOPLE   rows of the table; without it there are no queries
//   BENCH_REPEAT   how often each query runs; its time is the median. The
//                  index is made once: to drop it takes PMDK a time in the
//                  square of its rows (pmemobj_tx_free looks at all that the
//                  transaction has done)
//
//===----------------------------------------------------------------------===//

#include "database.h"

#include "../ycsb/generator.h"
#include "../ycsb/syncs.h"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <filesystem>
#include <functional>
#include <stdlib.h>
#include <vector>

namespace {

using namespace ycsb;
using Clock = std::chrono::steady_clock;

uint64_t number(const char *Name, uint64_t Default) {
  const char *Text = getenv(Name);
  return Text ? strtoull(Text, nullptr, 10) : Default;
}

/// One row has this first name, in the middle of all.
constexpr const char *Wanted = "abcde";

class People {
  const Settings S;
  const uint64_t Rows = number("BENCH_PEOPLE", 0);
  std::unique_ptr<sql::Tables> In;
  bool HasIndex = false;

  static std::string name(Random &Dice) {
    std::string Name;
    while (Name.size() < Dice.below(24))
      Name += static_cast<char>('a' + Dice.below(25));
    return Name;
  }

  void fill() {
    sql::Statement Insert(*In, "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?)");
    Random Dice(3);
    for (uint64_t I = 0; I != Rows; ++I) {
      if (I % 1000 == 0)
        In->run(I ? "COMMIT; BEGIN" : "BEGIN");
      std::string First = name(Dice), Last = name(Dice), Job = name(Dice);
      if (I == Rows / 2)
        First = Wanted;
      Insert.text(1, First);
      Insert.text(2, Last);
      Insert.number(3, static_cast<double>(Dice.below(1000000)));
      Insert.number(4, static_cast<int64_t>(Dice.below(100)));
      Insert.number(5, static_cast<int64_t>(Dice.below(8)));
      Insert.text(6, Job);
      Insert.run();
    }
    In->run("COMMIT");
  }

public:
  explicit People(const Settings &S) : S(S) {}

  /// Once, and reads all of it.
  void load() {
    if (In)
      return;
    holdSyncs(true);
    std::string Folder = S.Directory + "/people";
    std::filesystem::create_directory(Folder);
    In = std::make_unique<sql::Tables>(Folder, S.Durable, Rows * 250, 4096);
    In->create({"people",
                "FirstName STRING NOT NULL, LastName STRING NOT NULL, "
                "Salary DECIMAL NOT NULL, Age INT NOT NULL, "
                "Children INT NOT NULL, Job TEXT NOT NULL",
                false});
    fill();
    In->loaded();
    writeBack(S.Directory);
    holdSyncs(!S.Durable);
    Checksum All;
    query("SELECT * FROM people", All);
  }

  /// Every column of every row as bytes, as sqlite3_exec gives them; the
  /// seconds that it took, one time.
  double query(const std::string &Sql, Checksum &Into, const char *Bound = "",
               unsigned Times = 1) {
    sql::Statement Query(*In, Sql);
    if (*Bound)
      Query.text(1, Bound);
    auto Begin = Clock::now();
    for (unsigned I = 0; I != Times; ++I) {
      while (Query.step())
        for (int At = 0; At != Query.columns(); ++At)
          Into.add(Query.column(At));
      Query.reset();
    }
    return std::chrono::duration<double>(Clock::now() - Begin).count() / Times;
  }

  double mean(Checksum &Into) {
    return query("SELECT AVG(Salary) FROM people", Into);
  }
  double median(Checksum &Into) {
    return query("SELECT AVG(Salary) FROM (SELECT Salary FROM people ORDER BY "
                 "Salary LIMIT 2 OFFSET (SELECT (COUNT(*) - 1) / 2 FROM "
                 "people))",
                 Into);
  }
  double sort(Checksum &Into) {
    return query("SELECT * FROM people ORDER BY Age", Into);
  }
  double find(Checksum &Into) {
    return query("SELECT * FROM people WHERE FirstName = ?", Into, Wanted);
  }
  double index(Checksum &) {
    auto Begin = Clock::now();
    createIndex();
    return std::chrono::duration<double>(Clock::now() - Begin).count();
  }
  /// A thousand times: one is too short for the clock.
  double probe(Checksum &Into) {
    createIndex();
    return query(sql::Tables::byIndex("people", "FirstName"), Into, Wanted,
                 1000);
  }

private:
  void createIndex() {
    if (!HasIndex)
      In->createIndex("people", "FirstName");
    HasIndex = true;
  }
};

void runQuery(benchmark::State &State, People &Of,
              double (People::*Query)(Checksum &), uint64_t Times) {
  Of.load();
  std::vector<double> Took;
  Checksum Read;
  for (auto _ : State) {
    for (; Times; --Times)
      Took.push_back((Of.*Query)(Read));
    std::sort(Took.begin(), Took.end());
    State.SetIterationTime(Took[Took.size() / 2]);
  }
  State.counters["query median"] = Took[Took.size() / 2] * 1e6;
  State.counters["query worst"] = Took.back() * 1e6;
  State.counters["checksum"] = static_cast<double>(Read.value() & 0xFFFFFFFF);
}

} // namespace

std::shared_ptr<void> ycsb::addRows(const Settings &S) {
  if (!number("BENCH_PEOPLE", 0))
    return {};
  auto Of = std::make_shared<People>(S);
  auto Add = [&](const char *Name, double (People::*Query)(Checksum &),
                 uint64_t Times = number("BENCH_REPEAT", 3)) {
    benchmark::RegisterBenchmark(
        Name,
        [&Of = *Of, Query, Times](benchmark::State &State) {
          runQuery(State, Of, Query, Times);
        })
        ->UseManualTime()
        ->Iterations(1);
  };
  Add("mean", &People::mean);
  Add("median", &People::median);
  Add("sort", &People::sort);
  Add("find", &People::find);
  Add("index", &People::index, 1);
  Add("probe", &People::probe);
  return Of;
}

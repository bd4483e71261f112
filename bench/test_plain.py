#!/usr/bin/env python3
"""That the bench ycsb gives all its rows, columns, tables and plots, never how fast; and
the arithmetic of the benches that have a bench.json.

test_plain.py BUILD     runs it in its smallest mode
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest.mock

Here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(Here))
sys.dont_write_bytecode = True

import smoke
from lab import plain, plain_report, plain_rounds

Build = pathlib.Path(sys.argv[1])


def check(Holds, What):
    if not Holds:
        sys.exit(f"plain: {What}")


def stops(Function, *Arguments):
    try:
        Function(*Arguments)
    except SystemExit as Why:
        return str(Why)
    return None


def options(**More):
    return types.SimpleNamespace(**{"quick": False, "smoke": False, "large": False, "rows": None,
                                    "rounds": None, **More})


def testSame():
    """Another checksum stops the bench, as does one that lacks; not that of a column that
    does nothing."""
    Config = {"same": "sum", "variants": [{"name": "a"}, {"name": "b"},
                                          {"name": "n", "baseline": True}]}
    Wrong = lambda Counted: stops(plain.checkSame, Config, ["a", "b", "n"], Counted) or ""
    check(not Wrong({"a": {"r": 1, "s": 2}, "b": {"r": 1, "s": 2}}), "equal sums stop")
    check("r: the sum differs: a 1, b 2" in Wrong({"a": {"r": 1}, "b": {"r": 2}}),
          "different sums pass")
    check("a 1, b none" in Wrong({"a": {"r": 1, "s": 1}, "b": {"s": 1}}), "a sum that lacks passes")
    check("a 1, b none" in Wrong({"a": {"r": 1}}), "a column without sums passes")
    check(not Wrong({}), "rows that have no sum stop")


def testSettings():
    Config = {"rows": ["x", "x/threads:2"],
              "settings": [{"name": "one"}, {"name": "two", "large": True}],
              "quick": [{"name": "few"}]}
    names = lambda **More: [S["name"] for S in plain.settings(Config, options(**More))]
    check(names() == ["one"] and names(large=True) == ["one", "two"], f"settings {names()}")
    check(names(quick=True) == names(quick=True, smoke=True) == ["few"], "quick settings")
    check(plain.settings({"rows": []}, options()) == [{}], "no settings")
    check(plain.rowsOf(Config, {"name": "one"}, options(rows="threads.*one,y")) ==
          {"x/threads:2": "x/threads:2/one"}, "rows by expression")
    check(plain.rowsOf(Config, {"name": "two", "rows": ["x"]}, options()) == {"x": "x/two"},
          "rows of a setting")
    check(plain.rowsOf(Config, {}, options()) == {"x": "x", "x/threads:2": "x/threads:2"}, "all rows")


def program(Root, Text):
    """What runVariant runs in place of a bench, as the variant p."""
    (Root / "bin").mkdir(exist_ok=True)
    (Root / "bin" / "p").write_text(f"#!/bin/sh\n{Text}\n")
    (Root / "bin" / "p").chmod(0o755)
    return {"name": "p", "program": "p"}


def testOrder():
    """Each setting has its number of rounds; each round begins with another variant, and these
    are as far apart as they can be; --rounds and --quick say it for all settings."""
    Config = {"rows": ["x"], "rounds": 3,
              "settings": [{"name": "s"}, {"name": "once", "rounds": 1}]}
    Variants = [{"name": N} for N in "abcdef"]
    with unittest.mock.patch.object(plain, "runVariant", lambda *_: ({}, {})):
        ran = lambda **More: [(R["round"], R["setting"], R["variant"]) for R in plain.runAll(
            None, Config, Variants, options(**More), [], lambda *_: None, lambda *_: None)]
        Runs, Asked, Quick = ran(), ran(rounds=2), ran(quick=True)
    names = lambda Runs, Round, Setting: "".join(
        V for R, S, V in Runs if (R, S) == (Round, Setting))
    check([names(Runs, R, "s") for R in (1, 2, 3, 4)] == ["abcdef", "cdefab", "efabcd", ""] and
          [names(Runs, R, "once") for R in (1, 2)] == ["abcdef", ""], f"order: {Runs}")
    check([names(Asked, R, S) for S in ("s", "once") for R in (1, 2, 3)] ==
          ["abcdef", "defabc", ""] * 2, f"order with --rounds 2: {Asked}")
    check({R for R, _, _ in Quick} == {1} and len(Quick) == 12, f"order with --quick: {Quick}")
    for Count, Rounds in ((2, 5), (8, 5), (1, 3), (5, 3)):
        Firsts = [plain_rounds.order(list(range(Count)), R, Rounds)[0] for R in range(Rounds)]
        check(len(set(Firsts)) == min(Count, Rounds), f"{Count} variants begin as {Firsts}")


def testStatistic():
    """The median is that of each figure, of those that all rounds have; the least time takes
    what its round counted."""
    run = lambda Time, **Counters: {"variant": "a", "nanoseconds": {"x": Time},
                                    "counters": {"x": Counters}}
    Runs = [run(30.0, p99=5, p999=7, syncs=1), run(10.0, p99=9, syncs=3), run(20.0, p99=6, syncs=2)]
    summary = lambda Runs, **Config: plain_rounds.summary(Config, Runs)
    Times, Counted = summary(Runs, statistic="median")
    check(Times == {"a": {"x": 20.0}}, f"median of times: {Times}")
    check(Counted == {"p99": {"a": {"x": 6}}, "syncs": {"a": {"x": 2}}},
          f"medians of counters: {Counted}")
    Times, Counted = summary(Runs[:2], statistic="median")
    check(Times["a"]["x"] == 20.0 and Counted["p99"]["a"]["x"] == 7, "median of two rounds")
    Times, Counted = summary(Runs)
    check(Times["a"]["x"] == 10.0 and Counted == {"p99": {"a": {"x": 9}}, "syncs": {"a": {"x": 3}}},
          f"least: {Times}, {Counted}")
    check(plain_rounds.spreads(Runs) == {("a", "x"): 1.0} and not plain_rounds.spreads(Runs[:1]),
          "spreads of rounds")
    told = lambda Runs: plain_report.rounds(
        {"statistic": "median", "runs": [{**R, "setting": "", "round": I + 1}
                                         for I, R in enumerate(Runs)]})
    check(told(Runs[:1]) is None and "median of 3 rounds" in told(Runs) and
          "at most 100% (a, x)" in told(Runs), f"rounds are told as: {told(Runs)}")


def testRows():
    """A program is not asked for a row that its variant lacks; counters are kept, with how many
    values a spread is of; repetitions are not taken for rounds."""
    Entries = [{"run_type": "iteration", "run_name": f"{R}/iterations:1/manual_time", "time_unit": "ns",
                "real_time": 5, "cpu_time": 1, "p99": 3, "n": 7, "other": 1} for R in ("x", "y")]
    Config = {"rows": ["x", "y", "z"], "counters": [{"name": "q", "of": ["p99"], "count": "n"}]}
    with tempfile.TemporaryDirectory() as Dir:
        Root = pathlib.Path(Dir)

        def run(Entries, **More):
            Told = json.dumps({"benchmarks": Entries})
            Variant = program(Root, f"echo \"$@\" >{Root}/told\ncat <<'end'\n{Told}\nend")
            return plain.runVariant(Root, {**Config, **More}, {**Variant, "lacks": ["z"]},
                                    {"name": "s"}, options(), [])

        Rows, Counters = run(Entries)
        Asked = (Root / "told").read_text()
        check(Rows == {"x/s": 5, "y/s": 5} and Counters["x/s"] == {"p99": 3, "n": 7},
              f"rows {Rows}, counters {Counters}")
        check("--benchmark_filter=^(x|y)(" in Asked, f"asked for {Asked}")
        check(run(Entries + [{**Entries[0], "real_time": 4, "p99": 2}]) ==
              ({"x/s": 4, "y/s": 5}, {"x/s": {"p99": 2, "n": 7}, "y/s": {"p99": 3, "n": 7}}),
              "the least of repetitions")
        check("use --rounds" in (stops(lambda: run(Entries * 2, statistic="median")) or ""),
              "repetitions are taken for rounds")


def testLeft():
    """A program's files are gone, also where it fails or is killed."""
    with tempfile.TemporaryDirectory() as Dir:
        Root = pathlib.Path(Dir)
        for End in ("exit 3", "kill -9 $$"):
            Variant = program(Root, f"echo \"$PERDURE_BENCH_DIR\" >{Root}/told\n"
                                    f"echo x >\"$PERDURE_BENCH_DIR/file\"\n{End}")
            Why = stops(plain.runVariant, Root, {"rows": []}, Variant, {"directory": "build"},
                        options(), [])
            check("failed with " in (Why or ""), f"{End}: {Why}")
            Told = pathlib.Path((Root / "told").read_text().strip())
            check(Told.parent == Root / "bench", f"the files were in {Told}")
            check(not any((Root / "bench").iterdir()), f"{End}: files are left")


def testRoom():
    """A setting that would not fit does not begin, nor one in memory that is on a disk."""
    Wrong = lambda **Setting: stops(plain.checkRoom, Build, [{}, Setting]) or ""
    with unittest.mock.patch.multiple(
            plain, fileSystem=lambda Path: "disk" if Path == "/" else "tmpfs",
            availableMemory=lambda: 5000, directory=lambda: "/"):
        check(not Wrong(name="x", needs=5000), "a setting that fits stops")
        check("x: there are 0.0 GB of memory" in Wrong(name="x", needs=5001), "memory lacks")
        check("x: / is on disk" in Wrong(name="x", directory="memory"), "a disk for memory")
        check(not Wrong(name="x", directory="build"), "a disk for a disk stops")
        with unittest.mock.patch.object(plain, "directory", lambda: "/dev"):
            check(not Wrong(name="x", directory="memory", needs=1), "a tmpfs stops")
    with unittest.mock.patch.object(plain, "availableMemory", lambda: None):
        check(" has " in Wrong(name="x", directory="build", needs=1 << 60), "room lacks")


def testUnfinished():
    """What was measured is there after each program, and marked where sums differ, which ends
    the bench after their round."""
    Config = {"about": "", "unit": "", "reference": "a", "rows": ["x"], "same": "sum",
              "variants": [{"name": "a"}, {"name": "b"}]}
    with tempfile.TemporaryDirectory() as Dir:
        File = pathlib.Path(Dir) / "bench" / "t.unfinished.json"
        Seen = []

        def runVariant(Build, Config, Variant, *_):
            Seen.append(json.loads(File.read_text()) if File.exists() else None)
            return {"x": 1.0}, {"x": {"sum": len(Seen)}}

        with unittest.mock.patch.multiple(plain, benches=lambda: {"t": Config},
                                          runVariant=runVariant):
            Why = stops(plain.main, options(name="t", variants=None, build=pathlib.Path(Dir),
                                            no_build=True, rounds=3), [])
        check(len(Seen) == 2, f"{len(Seen)} programs run, the first two of which differ")
        check(Seen[0] is None and Seen[1]["state"] == "unfinished" and
              Seen[1]["nanoseconds"] == {"a": {"x": 1.0}}, f"after one program: {Seen[1]}")
        Last = json.loads(File.read_text())
        check([R["counters"] for R in Last["runs"]] == [{"x": {"sum": 1}}, {"x": {"sum": 2}}],
              f"the runs: {Last['runs']}")
        check("x: the sum differs" in (Why or "") and "x: the sum differs" in Last["state"] and
              Last["state"].startswith("invalid: ") and Last["nanoseconds"]["b"] == {"x": 1.0},
              f"sums that differ: {Why}, {Last}")


def testTables():
    """Rates and their ratios, a baseline, cells that lack, the last row of a setting."""
    Result = {"show": "rate", "reference": "a", "baselines": ["n"], "unit": "a second",
              "settings": [{"name": "s"}, {"name": "t"}],
              "groups": plain_report.groups({"counters": [
                  "plain", {"name": "q", "about": "quantiles", "of": ["p50", "p99"]},
                  {"name": "size", "about": "size", "last": True}]}),
              "nanoseconds": {"a": {"x/s": 1e6, "y/s": 2e6, "y/t": 1e6},
                              "b": {"x/s": 2e6, "y/s": 1e6, "y/t": 1e6},
                              "n": {"x/s": 1e6, "y/s": 1e6}},
              "counters": {"plain": {"a": {"x/s": 1.25}},
                           "p50": {"b": {"x/s": 0.123, "y/s": 12.3}}, "p99": {"b": {"x/s": 4567}},
                           "size": {"a": {"x/s": 1, "y/s": 2, "y/t": 3}}}}
    Tables = dict(plain_report.tables(Result))
    check(Tables[""] == [["", "a", "b", "n"], ["x/s", "1,000", "500.0 (0.50x)", "1,000"],
                         ["y/s", "500.0", "1,000 (2.00x)", "1,000"],
                         ["y/t", "1,000", "1,000 (1.00x)", ""]], f"rates {Tables['']}")
    check(Tables["plain"][1:] == [["x/s", "1.2", "", ""]], f"counters {Tables['plain']}")
    check(Tables["quantiles"][1:] == [["x/s", "", "0.12 / 4,567", ""], ["y/s", "", "12.3 / -", ""]],
          f"{Tables['quantiles']}")
    check(Tables["size"][1:] == [["y/s", "2.0", "", ""], ["y/t", "3.0", "", ""]], f"{Tables['size']}")
    Result["show"] = "time"
    check(plain_report.times(Result)[1] == ["x/s", "1,000,000", "2,000,000 (2.00x)", "1,000,000"],
          "times")


def testPlots():
    """A figure that would be empty is not there."""
    Groups = [{"name": "q", "about": "quantiles", "of": ["p50", "p99"], "spread": True},
              {"name": "size", "about": "size", "last": True}]
    Result = {"bench": "few", "about": "few", "quick": True, "show": "rate", "reference": "a",
              "baselines": [], "unit": "a second", "settings": [{"name": "s"}], "versions": {},
              "machine": {"processor": "p", "cores": 1, "system": "s", "directory": "d",
                          "date": "2026-01-01"},
              "groups": plain_report.groups({"counters": Groups}),
              "nanoseconds": {"a": {"x/s": 1e6}}, "counters": {}, "statistic": "median",
              "runs": [{"variant": "a", "nanoseconds": {"x/s": 1e6}}] * 2}
    for Counted, Wanted in (({}, ["rate"]),
                            ({"p50": {"a": {"x/s": 1}}, "p99": {"a": {"x/s": 2}},
                              "size": {"a": {"x/s": 1}}}, ["q", "rate", "size"])):
        Result["counters"] = Counted
        with tempfile.TemporaryDirectory() as Dir:
            File = pathlib.Path(Dir) / "result.json"
            File.write_text(json.dumps(Result))
            Code = subprocess.run(["/usr/bin/python3", Here / "lab" / "plain_plots.py", File,
                                   Dir]).returncode
            Drawn = sorted(F.stem.removeprefix("few-") for F in pathlib.Path(Dir).glob("*.svg"))
        check(Code == 0 and Drawn == Wanted, f"plots {Drawn}, expected {Wanted}")


def testBench():
    Name = "ycsb"
    Config = plain.benches()[Name]
    Ran = smoke.run(Name, Build)
    Result, Page, Svgs = Ran.result, Ran.page, Ran.svgs
    check(Result["state"] == "complete" and
          not (Build / "bench" / f"{Name}.unfinished.json").exists(), "the run is unfinished")
    for S in Result["settings"]:
        check(f"{S['name']} in {S['place']['directory']} ({S['place']['type']})" in Ran.told,
              f"{S['name']}: where its files were is not told")
    Stores = [V["name"] for V in Config["variants"] if not V.get("baseline")]
    Wanted = [f"{R}/{S['name']}" for S in Config["smoke"] for R in Config["rows"]]
    Counted = Result["counters"]
    check(list(Result["nanoseconds"]) == [V["name"] for V in Config["variants"]], "columns lack")
    for V in Config["variants"]:
        Times = list(Result["nanoseconds"][V["name"]])
        Has = [R for R in Wanted if R.split("/")[0] not in V.get("lacks", [])]
        check(Times == Has, f"{V['name']}: rows {Times}, expected {Has}")
    check([(R["round"], R["setting"], R["variant"]) for R in Result["runs"]] ==
          [(1, S["name"], V["name"]) for S in Config["smoke"] for V in Config["variants"]],
          "runs lack")
    for Row in Wanted:
        check(f"| {Row} " in Ran.told and f"<th>{Row}</th>" in Page, f"{Row} is in no table")
        Durable, Reads, Writes = "disk" in Row, "load" not in Row, Row[0] not in "lC"
        for V in Stores:
            for What, Has in (("read", Reads), ("write", Writes)):
                Count = Counted[f"{What} n"][V].get(Row, 0)
                check((Count > 0) == Has, f"{V}, {Row}: {Count} {What}s")
                # Those that ten values lie beyond.
                Names = [Q for Q, Share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
                         if Count - math.ceil(Share * Count) >= 10]
                Quantiles = {Q: Counted.get(f"{What} {Q}", {}).get(V, {}).get(Row)
                             for Q in ("p50", "p99", "p999")}
                Told = [Value for Value in Quantiles.values() if Value is not None]
                check(Names == [Q for Q, Value in Quantiles.items() if Value is not None] and
                      0 not in Told and Told == sorted(Told),
                      f"{V}, {Row}: quantiles of {Count:.0f} {What}s: {Quantiles}")
            if not Reads: # load: nothing waits for a disk
                check(Counted["syncs"][V][Row] == 0, f"{V}, {Row}: {Counted['syncs'][V][Row]} syncs")
            if Writes:
                # Two threads may share one wait.
                Syncs, Least = Counted["syncs"][V][Row], 1 if "threads:1" in Row else 0.4
                check(Syncs >= Least if Durable else Syncs == 0, f"{V}, {Row}: {Syncs} syncs")
            for What in ("files", "memory", "mapped"):
                check(Counted[What][V][Row] > 0, f"{V}, {Row}: no {What}")
    Bytes = {V: Counted["files"][V][Wanted[0]] for V in Stores}
    check(all(B >= 2 for B in Bytes.values()), f"2,000 values of 1,000 bytes in {Bytes} MB")
    check(len(Svgs) == Page.count("<svg") == Page.count("<figcaption>") == 6, "the page lacks plots")
    Data = Page.split("id='data'>")[1].split("</script>")[0].replace("<\\/", "</")
    check(json.loads(Data) == Result, "the page holds other figures than the JSON")


for Test in (testSame, testSettings, testOrder, testStatistic, testRows, testLeft, testRoom,
             testUnfinished, testTables, testPlots, testBench):
    Test()

#!/usr/bin/env python3
"""That a bench gives all its rows and columns, never how fast.

test_lab.py BENCH BUILD     runs it in its smallest mode; checks table, JSON, page
"""

import json
import pathlib
import subprocess
import sys
import types

Here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(Here))
sys.dont_write_bytecode = True

import smoke
from lab import sources, structures

Name, Build = sys.argv[1], pathlib.Path(sys.argv[2])
# Of these benches a few sources stand for all: each is compiled the same way.
Some = {"compile-time": "workload/(list|tree),kvstore/c/2,kvstore/cxx/3,thirdparty/queue",
        "code-size": "workload/(list|tree),kvstore/c/2,kvstore/cxx/3,thirdparty/queue"}


def check(Holds, What):
    if not Holds:
        sys.exit(f"{Name}: {What}")


def expected():
    """Row: its columns."""
    Options = types.SimpleNamespace(quick=True, smoke=True, variants=None)
    Known = structures.known(Build)
    if Name in structures.Benches:
        return {Row: set(structures.variantsOf(Build, {C for C, W in Known if W == Workload},
                                               Place, Size, Options))
                for Row, Workload, Place, Size in structures.names(structures.Benches[Name])}
    Options.rows = Some[Name]
    Rows = {Row: {"native", "object"} for Row in sources.wanted(Options)}
    if Name == "compile-time":
        Rows["empty"] = {"native", "object"}
        return Rows
    Codes = {C for C, _ in Known}
    return {Row: Codes if Row.startswith("workload/") else V for Row, V in Rows.items()}


def checkFigures(Row, Variants):
    for Variant, F in Variants.items():
        check(F["rounds"] and all(V > 0 for V in F["rounds"]), f"{Row}, {Variant}: no figures")
        check(F["value"]["low"] <= F["value"]["median"] <= F["value"]["high"],
              f"{Row}, {Variant}: the median is not in its interval")
        if "reference" in F:
            Base = Variants[F["reference"]]["rounds"]
            Ratios = sorted(A / B for A, B in zip(F["rounds"], Base, strict=True))
            check(Ratios[0] <= F["ratio"]["median"] <= Ratios[-1],
                  f"{Row}, {Variant}: the ratio is not one of its rounds'")


def main():
    Ran = smoke.run(Name, Build, *(["--rows", Some[Name]] if Name in Some else []))
    Result, Page, Svgs = Ran.result, Ran.page, Ran.svgs

    Rows = {R["row"]: R["variants"] for R in Result["rows"]}
    Wanted = expected()
    check(Rows.keys() == Wanted.keys(), f"rows {sorted(Rows)}, expected {sorted(Wanted)}")
    for Row, Variants in Rows.items():
        check(set(Variants) == Wanted[Row], f"{Row}: {sorted(Variants)}, not {sorted(Wanted[Row])}")
        checkFigures(Row, Variants)
        check(f"| {Row} " in Ran.told, f"{Row} is in no table")
        check(f"<th>{Row}</th>" in Page, f"{Row} is in no table of the page")
    check(Svgs and Page.count("<svg") == Page.count("</svg>") == len(Svgs) ==
          Page.count("<figcaption>"), "the page lacks plots")
    check(Page.rstrip().endswith("</html>"), "the page is not whole")
    Data = Page.split("id='data'>")[1].split("</script>")[0].replace("<\\/", "</")
    check(json.loads(Data) == Result, "the page holds other figures than the JSON")
    if Name in structures.Benches:
        check(any("instructions" in V for R in Rows.values() for V in R.values()),
              "no instructions were counted")
        checkSpoilt()


def checkSpoilt():
    """A representation that computes something else stops the bench."""
    Command = [Build / "bin" / structures.Program, "--rows=list:8192",
               f"--dir={structures.directory()}", "--rounds=1", "--slice=1e5",
               "--variants=native:native:object,object:object:object"]
    for Spoil, Ends in ((["--spoil=object"], 1), ([], 0)):
        Told = subprocess.run([*Command, *Spoil], capture_output=True, text=True)
        check(Told.returncode == Ends, f"{Spoil}: ended with {Told.returncode}")
        check(("object gives another result than native" in Told.stderr) == bool(Spoil),
              f"{Spoil}: said {Told.stderr}")


main()

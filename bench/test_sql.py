#!/usr/bin/env python3
"""Tests bench/run sql: pkv.h over each store beside std::map, and that every row, counter,
table and plot of a small run is there. test_sql.py BUILD"""

import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import smoke
from lab import plain
from lab.common import build

Build = pathlib.Path(sys.argv[1]).resolve()


def check(Right, What):
    if not Right:
        sys.exit(f"sql: {What}")


def testStores():
    Programs = [f"perdure-bench-sql-test-{Name}" for Name in ("pkv", "lmdb", "pmdk")]
    build(Build, Programs)
    # Where they are to be fast, and nothing waits for a disk.
    Fast = {"PMEM_IS_PMEM_FORCE": "1", "PMEM_NO_FLUSH": "1"}
    if os.access("/dev/shm", os.W_OK):
        Fast["TMPDIR"] = "/dev/shm"
    for Program in Programs:
        Ran = subprocess.run([Build / "bin" / Program], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, **Fast})
        check(Ran.returncode == 0, f"{Program}:\n{Ran.stdout}")


def testBench():
    Config = plain.benches()["sql"]
    Ran = smoke.run("sql", Build)
    Result, Counted = Ran.result, Ran.result["counters"]
    check(Result["state"] == "complete", "the run is unfinished")
    check(list(Result["nanoseconds"]) == [V["name"] for V in Config["variants"]], "columns lack")
    Wanted = [f"{R}/{S['name']}" for S in Config["smoke"]
              for R in S.get("rows", Config["rows"])]
    for Variant, Times in Result["nanoseconds"].items():
        check(list(Times) == Wanted, f"{Variant}: rows {list(Times)}, expected {Wanted}")
        for Row in Wanted:
            Durable, Ycsb = "disk" in Row, "threads" in Row
            Query = not Ycsb and "load" not in Row
            Count = {What: Counted[What + " n"][Variant].get(Row) or 0 for What in ("read", "write")}
            check((Count["read"] > 0) == Ycsb and (Count["write"] > 0) == (Ycsb and Row[0] != "C"),
                  f"{Variant}, {Row}: {Count}")
            # A quantile is told where ten values lie beyond it.
            for What, Has in (("read p50", Count["read"] // 2 >= 10),
                              ("write p50", Count["write"] // 2 >= 10),
                              ("query median", Query), ("query worst", Query)):
                Value = Counted[What][Variant].get(Row)
                check((Value is not None and Value > 0) == Has, f"{Variant}, {Row}: {What} {Value}")
            if Ycsb and Row[0] != "C":
                # Native tables wait once a commit, and now and then more; so does pkv.
                Syncs = Counted["syncs"][Variant][Row]
                check(Syncs >= 1 if Durable else Syncs == 0, f"{Variant}, {Row}: {Syncs} syncs")
    for Row in Wanted:
        check(f"| {Row} " in Ran.told and f"<th>{Row}</th>" in Ran.page, f"{Row} is in no table")
    check(Ran.page.count("<svg") == len(Ran.svgs) > 0, "the page lacks plots")


for Test in (testStores, testBench):
    Test()

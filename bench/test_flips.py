#!/usr/bin/env python3
"""That the bench flips computes what it says, and that its structures are right.

test_flips.py BUILD
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import types

Here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(Here))
sys.dont_write_bytecode = True

import smoke
from lab import flips, flips_report, profile, regression

Build = pathlib.Path(sys.argv[1])


def check(Holds, What):
    if not Holds:
        sys.exit(f"flips: {What}")


def near(A, B, Within=1e-3):
    return abs(A - B) <= Within * max(1, abs(B))


def testRegression():
    F = regression.slope([(1, 3), (2, 5), (3, 7)])
    check(near(F["median"], 2) and near(F["low"], 2) and near(F["high"], 2), "a line has no error")
    # What SciPy 1.10's linregress and t.ppf say of these.
    F = regression.slope(list(zip([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])))
    check(near(F["median"], 0.8) and near(F["low"], -0.3023) and near(F["high"], 1.9023),
          f"a slope and its interval: {F}")
    check(near(regression.quantile(40), 2.0211, 2e-3), "Student's t beyond the table")
    try:
        regression.slope([(1, 1), (2, 2)])
        check(False, "two points have no interval")
    except ValueError:
        pass
    Q = regression.quotient({"median": 6, "low": 5.4, "high": 6.6}, {"median": 3, "low": 3, "high": 3})
    check(near(Q["median"], 2) and near(Q["low"], 1.8) and near(Q["high"], 2.2), f"a quotient: {Q}")
    check(regression.quotient(Q, {"median": 0, "low": 0, "high": 0}) is None, "nothing is divided by 0")


def testProfile():
    Names, Version = profile.counters()

    def place(File, Field, **Values):
        return "\t".join(["place", File, "7", "f", Field, *(str(Values.get(N, 0)) for N in Names)])
    Text = "\n".join([
        f"perdure flips {Version}", "run\tmodel\t1",
        place("b/structures/list.c", "struct node.next", set=3, cleared=2, cells_set=1),
        place("b/structures/list.c", "struct node.value", set=10, cells_cleared=4),
        place("b/structures/list.c", "", set=1, cells_set=1),
        place("b/structure.h", "struct block.size", set=20, cells_set=30),
        place("perdure/runtime/alloc/slab.cpp", "", set=7, cells_set=7),
        place("", "", cells_set=100), "end"])
    Sums = profile.flips(profile.places(Text), ["struct node.value"])
    check(Sums == {"all": {"medium": 136, "store": 36}, "pointers": {"medium": 2, "store": 6}},
          f"a profile's sums: {Sums}")
    Sums = profile.flips(profile.places(Text), [], ["struct node.value", "struct block.size"])
    check(Sums == {"all": {"medium": 136, "store": 36}, "counters": {"medium": 4, "store": 10}},
          f"a profile's sums, of counters: {Sums}")
    check(profile.flips(profile.places(Text), [], Runtime=True)["all"] == {"medium": 143, "store": 43},
          "the runtime's stores count where they are asked for")
    for Bad in (Text.replace("\nend", ""), Text.replace("flips ", "flips 9")):
        try:
            profile.places(Bad)
            check(False, "half a profile, or another version's, is read")
        except ValueError:
            pass


def testTables():
    Line = lambda Median: {"median": Median, "low": Median - 1, "high": Median + 1, "points": []}
    Variant = lambda N: {What: {"medium": Line(N), "store": Line(2 * N)} for What in ("all", "pointers")}
    Variants = {"native": Variant(40), "native-low": Variant(20), "hand-low": Variant(5),
                "object": Variant(10)}
    flips.compare(Variants)
    Gains = Variants["hand-low"]["pointers"]["medium"]["gain"]
    check([round(Gains[A]["median"], 6) for A in ("native", "native-low", "object")] == [8, 4, 2],
          f"gains: {Gains}")
    Row = {"row": "list", "published": [{"plain": 9.8, "changed": 2.75, "gain": 5,
                                         "with": ["native-low", "hand-low"]},
                                        {"plain": 1, "changed": 1, "gain": 1,
                                         "with": ["native-low", "missing"]}]}
    Entries = list(flips.published(Row, Variants))
    check(len(Entries) == 1, "a published figure whose variant was not measured is left out")
    Table = flips_report.publishedTable({"rows": [{**Row, "published": Entries}]})
    check(Table[1] == ["list", "9.8", "2.75", "5.00", "20.00 ±1.00", "5.00 ±1.00", "4.00 ±0.82",
                       "-20%", "4.00", "-20%", "hand-low"], f"the published table: {Table[1]}")
    # A row of counters is in its own table, and nowhere else.
    Counting = {N: {What: {"medium": Line(M), "store": Line(2 * M)} for What in ("all", "counters")}
                for N, M in (("plain", 20), ("gray", 10))}
    flips.compare(Counting)
    Time = {"value": {"median": 3.0}, "ratio": {"median": 1.5, "low": 1.25, "high": 1.75}}
    for V in (*Variants.values(), *Counting.values()):
        V["time"] = Time
    Result = {"allocation": [], "frames": [], "rows": [
        {**Row, "published": Entries}, {"row": "ring", "published": [], "variants": Counting}]}
    Result["rows"][0]["variants"] = Variants
    Tables = [T for _, T in flips_report.tables(Result)]
    check(Tables[-1][1] == ["ring", "none", "20.00 ±1.00", "10.00 ±1.00", "2.00 ±0.22", "40.00 ±1.00",
                            "20.00 ±1.00", "2.00 ±0.11", "2.00 ±0.22", "3.0", "1.500 ±0.250"], f"the table of counters: {Tables[-1]}")
    Counting["gray"]["counters"]["medium"].update(low=-0.1)
    check(flips_report.counterTable(Result)[1][4] == "none", "a gain over what is perhaps nothing")
    for T in Tables[:-1]:
        check([L[0] for L in T] == ["", "list"] and not {"plain", "gray"} & set(T[0]),
              f"counters among pointers: {T}")


Checks = [("list", Arguments) for Arguments in (
    ["--workload=list", "--inserts=5", "--pops=1", "--values=10"],
    ["--workload=list", "--inserts=1", "--pops=1", "--values=1000"])] + \
    [("hash", ["--workload=hash", f"--keys={Keys}", "--operations=20000"]) for Keys in (40, 1000)] + \
    [("redblack", [f"--workload={W}", "--keys=3000", "--values=100"])
     for W in ("sequential", "random")] + \
    [("ring", ["--workload=ring", f"--keys={Keys}", f"--inserts={I}", f"--pops={P}", "--values=1000"])
     for Keys, I, P in ((1, 1, 1), (7, 1, 1), (100, 5, 1), (100, 1, 5))]


def holds(Program, Arguments, Seed=1):
    """Whether what is in the structure is what should be, and its invariants hold."""
    # A counting program would leave its profile here.
    Environment = {**os.environ, "PERDURE_FLIPS": "model=0,file=/dev/null"}
    return subprocess.run([Program, "--operations=3000", f"--seed={Seed}", "--memory=4000000",
                           "--check", f"--directory={flips.directory()}", *Arguments],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          env=Environment)


def testStructures():
    """Every structure in every variant, as it is counted and as it is timed."""
    Ran = 0
    for Structure in flips.Experiment["structures"]:
        for Variant in flips.variantsOf({"structure": Structure}):
            for Kind in ("count", "time"):
                Program = Build / "bench" / "flips" / Kind / Variant / Structure
                for File, Arguments in Checks:
                    if File == flips.Experiment["structures"][Structure]["file"]:
                        Told = holds(Program, Arguments, Ran % 3)
                        check(Told.returncode == 0, f"{Program} {' '.join(Arguments)}: {Told.stderr}")
                        Ran += 1
    check(Ran > 100, f"only {Ran} runs of structures")


# Faults, each of which some check has to find.
Faults = [
    ("list", "Old->prev = N;", ";"),
    ("list", "Before->next = NULL;", ";"),
    ("list_xor", "Old->siblings ^= beyond(Old) ^ (uintptr_t)N;", ";"),
    ("list_xor", "(Old ? (uintptr_t)Old : beyond(N))", "(uintptr_t)Old"),
    ("hash", "Before->next = E->next;", "Before->next = NULL;"),
    ("hash", "First->value = NULL;", ";"),
    ("hash_xor", "First->next |= 1;", ";"),
    ("hash_xor", "    fill(H, First, New);\n    First->next = 0;", "    fill(H, First, New);"),
    ("redblack", "Middle->parent = N;", ";"),
    ("redblack", "Grand->colour = Red;\n    if", "if"),
    ("redblack", "Uncle->colour == Red", "Uncle->colour == Red && Left"),
    ("redblack_xor", "moveParent(Middle, Up, N);", ";"),
    ("redblack_xor", "setChild(Up, !ToRight, Outer, NewParent);", ";"),
    ("redblack_xor", "rotate(T, Grand, !Right, Above);", ";"),
    ("ring", "Head - R->tail == R->most", "Head == R->most"),
    ("ring", "Head - R->tail == R->most", "Head - R->tail == R->mask + 1"),
    ("ring", "if (Tail == R->head)", "if (!R->head)"),
    ("ring", "R->mask = Places - 1;", "R->mask = (Places - 1) / 2;"),
    ("ring", "R->values[Tail & R->mask]}", "R->values[(Tail + 1) & R->mask]}"),
]


def testFaults():
    Folder = Here / "flips"
    with tempfile.TemporaryDirectory() as Dir:
        Common = [Build / "bin" / "perdure-cc", "-O1", "-w", f"-I{Folder}"]
        Objects = []
        for Part in ("main", "memory"):
            Objects.append(f"{Dir}/{Part}.o")
            subprocess.run([*Common, "-c", Folder / f"{Part}.c", "-o", Objects[-1]], check=True)
        for I, (File, Right, Wrong) in enumerate(Faults):
            Text = (Folder / "structures" / f"{File}.c").read_text()
            check(Right in Text, f"{File}.c has no '{Right}': which fault is left out?")
            Source, Program = pathlib.Path(Dir) / f"{I}.c", f"{Dir}/{I}"
            Source.write_text(Text.replace(Right, Wrong))
            subprocess.run([*Common, Source, *Objects, "-lm", "-o", Program], check=True)
            Found = False
            for Of, Arguments in Checks:
                if Of == File.removesuffix("_xor"):
                    try:
                        Found |= subprocess.run(
                            ["timeout", "20", Program, "--operations=3000", "--seed=1",
                             "--memory=4000000", "--check", *Arguments],
                            capture_output=True).returncode != 0
                    except subprocess.CalledProcessError:
                        Found = True
            check(Found, f"{File}.c with '{Wrong}' in place of '{Right}' passes")


def testCounters(Row, Variants):
    """That an operation steps one counter by one: as Gray code that is a bit, exactly; as a
    number each counts to N with 2 N flips less the ones of N, so 2 for each step but for a few."""
    Flushed = "-DFLIPS_FLUSHES" in flips.Experiment["structures"][Row["structure"]]["flags"]
    for Where in ("medium", "store"):
        Plain, Gray = (dict(Variants[V]["counters"][Where]["points"]) for V in ("plain", "gray"))
        for Steps in flips.ForSmoke:
            What = f"{Row['row']}, {Where}, {Steps} steps: plain {Plain[Steps]}, gray {Gray[Steps]}"
            if Where == "store" or Flushed:
                check(Gray[Steps] == Steps, What)
                check(2 * Steps - 20 <= Plain[Steps] < 2 * Steps, What)
            else: # the last values alone
                check(0 < Gray[Steps] <= 20 and 0 < Plain[Steps] <= 20, What)


def testBench():
    """Every row, column, table and plot, in the smallest mode."""
    Ran = smoke.run("flips", Build)
    Result, Page, Svgs = Ran.result, Ran.page, Ran.svgs
    Options = types.SimpleNamespace(rows=None)
    Rows = {R["row"]: R for R in Result["rows"]}
    check(list(Rows) == [R["row"] for R in flips.rows(Options)], f"rows {list(Rows)}")
    for Row in flips.rows(Options):
        R = Rows[Row["row"]]
        check(set(R["variants"]) == set(flips.variantsOf(Row)), f"{Row['row']}: {set(R['variants'])}")
        check(len(R["published"]) == len(Row["published"]), f"{Row['row']}: a published figure lacks")
        check(f"| {Row['row']} " in Ran.told, f"{Row['row']} is in no table")
        # What it has is what it is about: pointers or counters.
        Part, Other = flips.part(Row), {"counters", "pointers"} - {flips.part(Row)}
        for Name, V in R["variants"].items():
            check(Part in V and not Other & set(V), f"{Row['row']}, {Name}: {Part} are what counts")
            for What in ("all", Part):
                check(V[What]["store"]["median"] > 0, f"{Row['row']}, {Name}: no {What} flips")
            check(V[Part]["medium"]["median"] <= V["all"]["medium"]["median"],
                  f"{Row['row']}, {Name}: {Part} flip more than all")
            check(V["time"]["value"]["median"] > 0, f"{Row['row']}, {Name}: no time")
        if Part == "counters":
            testCounters(Row, R["variants"])
    Calls = [A for A in Result["allocation"] if A["call"] == "malloc"]
    check([A["bytes"] for A in Calls] == [16, 24, 40, 48], f"allocation sizes: {Calls}")
    for A in Calls:
        check(near(A["medium"]["median"], A["published"], 0.02),
              f"malloc({A['bytes']}) flips {A['medium']}, published {A['published']}")
    check(len(Svgs) == Page.count("<svg") == Page.count("<figcaption>") == 6, "the page lacks plots")


# testBench builds the programs that testStructures runs.
for Test in (testRegression, testProfile, testTables, testBench, testStructures, testFaults):
    Test()

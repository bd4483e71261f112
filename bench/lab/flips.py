"""The bench flips: structures in every variant under `perdure flips run`, for several
lengths; flips for an operation are the slope. Then the same programs without counting,
for the time. flips/experiment.json says what runs."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

from lab import flips_report, measures, profile, regression
from lab.common import Bench, Source, build, directory, install, machine, run, stop

Experiment = json.loads((Bench / "flips" / "experiment.json").read_text())
Benches = {"flips": {"about": Experiment["about"]}}
# What the others of a row are compared with.
References = ("native", "plain")
# For the tests: every row and column, in a moment.
ForSmoke = [300, 600, 900]


def has(Variant):
    """Whether this tree has a variant's encoding."""
    Abi = (Source / "include" / "perdure" / "abi.def").read_text()
    return "encoding" not in Variant or \
        re.search(rf'^PERDURE_ABI_ENCODING\(\d+, \w+, "{Variant["encoding"]}"', Abi, re.M)


def variantsOf(Row, Wanted=None):
    """By name; of those that are wanted also what they are compared with. A variant may
    name its structures, and a structure its variants."""
    Structure = Row["structure"]
    Only = Experiment["structures"][Structure].get("variants")
    All = {V["name"]: V for V in Experiment["variants"]
           if has(V) and Structure in V.get("structures", [Structure])
           and (not Only or V["name"] in Only)}
    if not Wanted:
        return All
    return {N: V for N, V in All.items() if N in Wanted or N in References}


def counters(Row):
    """The fields that count, in a structure of counters; one of pointers has none."""
    return Experiment["structures"][Row["structure"]].get("counters", [])


def part(Row):
    """What of the structure the variants are about."""
    return "counters" if counters(Row) else "pointers"


def rows(Options):
    return [R for R in Experiment["rows"]
            if not Options.rows or any(re.search(W, R["row"]) for W in Options.rows.split(","))]


def lengths(Row, Options):
    if Options.smoke:
        return ForSmoke
    return Row["lengths"]["quick" if Options.quick else "all"]


def command(Build, Kind, Variant, Row, Length):
    Arguments = dict(Row["arguments"], operations=Length, seed=Experiment["seed"])
    # Two nodes for an operation, and what a table of the keys takes.
    Arguments["memory"] = 128 * Length + 72 * Arguments.get("keys", 0) + (1 << 20)
    return [Build / "bench" / "flips" / Kind / Variant / Row["structure"],
            f"--directory={directory()}", *(f"--{N}={V}" for N, V in Arguments.items())]


OwnStore = "a store of its own"


def counted(Build, Command, Into):
    """The places of a profile of the command. The command's own output is dropped."""
    Store = Into.with_suffix(".store")
    run([Build / "bin" / "perdure", "flips", "run", "-o", Into, "--l1", Experiment["l1"], "--l2",
         Experiment["l2"], "--controller", Experiment["controller"], "--",
         *(Store if C is OwnStore else C for C in Command)])
    Places = profile.places(Into.read_text())
    Into.unlink()
    shutil.rmtree(Store, ignore_errors=True)
    return Places


def count(Build, Jobs):
    """The places of each job: a name and a command. Flips do not depend on what else
    runs, so there is a job for each processor."""
    with tempfile.TemporaryDirectory(dir=directory()) as Dir, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as Pool:
        Ways = {Pool.submit(counted, Build, Command, pathlib.Path(Dir) / str(I)): Name
                for I, (Name, Command) in enumerate(Jobs)}
        return {Ways[Way]: Way.result() for Way in concurrent.futures.as_completed(Ways)}


def slopes(Points):
    """Of {length: flips}: what, where, and the points themselves."""
    Result = {}
    for What in next(iter(Points.values())):
        Result[What] = {}
        for Where in ("medium", "store"):
            Some = [(Length, F[What][Where]) for Length, F in sorted(Points.items())]
            Result[What][Where] = {**regression.slope(Some), "points": Some}
    return Result


def compare(Variants):
    """Adds to each variant what its references have as a multiple of it: 2 means half."""
    for Variant in Variants.values():
        for What in Variant:
            for Where in ("medium", "store"):
                for Against in (*References, "native-low", "object"):
                    if Against in Variants:
                        Variant[What][Where].setdefault("gain", {})[Against] = regression.quotient(
                            Variants[Against][What][Where], Variant[What][Where])


def times(Build, Row, Variants, Length, Rounds):
    """Nanoseconds of an operation. Variants take turns; the least of a round's own
    three runs, since other work on the machine only adds."""
    Times = {V: [] for V in Variants}
    for Round in range(Rounds):
        for Variant in sorted(Variants, reverse=Round % 2 == 1):
            Runs = [float(run(command(Build, "time", Variant, Row, Length))) for _ in range(3)]
            Times[Variant].append(min(Runs) / Length)
    return Times


def published(Row, Variants):
    """Each published figure of the row beside what was measured."""
    for P in Row["published"]:
        if not all(V in Variants for V in P["with"]):
            continue
        Plain, Changed = (Variants[V]["all"] for V in P["with"])
        Entry = {"row": Row["row"], **P}
        for Where in ("medium", "store"):
            Entry[Where] = {"plain": Plain[Where], "changed": Changed[Where],
                            "gain": regression.quotient(Plain[Where], Changed[Where])}
        yield Entry


def allocation(Build, Options):
    """Flips of an allocation, by size. What perdure_alloc writes is in profiles where the
    runtime's own stores are; else there is nothing to say of it."""
    What = Experiment["allocation"]
    Lengths = What["lengths"]["quick" if Options.quick else "all"]
    Programs = Build / "bench" / "flips"
    Calls = {"malloc": [Programs / "malloc"],
             "perdure_alloc": [Programs / "perdure_alloc", OwnStore]}
    Found = count(Build, [((Call, Size, Length), [*Command, Length, Size])
                          for Call, Command in Calls.items()
                          for Size in What["sizes"] for Length in Lengths])
    for Call in Calls:
        for Size in What["sizes"]:
            Points = [(L, profile.flips(Found[Call, Size, L], [], Runtime=True)["all"])
                      for L in Lengths]
            if any(F["store"] or F["medium"] for _, F in Points):
                yield {"call": Call, "bytes": Size,
                       "published": What["published"][str(Size)] if Call == "malloc" else None,
                       "medium": regression.slope([(L, F["medium"]) for L, F in Points]),
                       # malloc's own stores are not seen, only where they lead.
                       "store": None if Call == "malloc" else
                       regression.slope([(L, F["store"]) for L, F in Points])}


def frames(Build, Options):
    """Flips of a pair of calls as the stores are made, which the published figure's
    write-through counts. Nothing, where the compiler does not count what machine code
    saves and pushes."""
    What = Experiment["frames"]
    Lengths = What["lengths"]["quick" if Options.quick else "all"]
    Programs = Build / "bench" / "flips"
    Found = count(Build, [((Kind, Code, Length), [Programs / "count" / f"frames-{Code}", Kind, Length])
                          for Kind in What["pairs"] for Code in ("plain", "reduced")
                          for Length in Lengths])
    if not any(P["field"] == "(saved register)" for Places in Found.values() for P in Places):
        return
    for Kind, Pairs in What["pairs"].items():
        Codes = {}
        for Code in ("plain", "reduced"):
            Codes[Code] = {"store": regression.slope(
                [(L, profile.flips(Found[Kind, Code, L], [])["all"]["store"] / Pairs)
                 for L in Lengths])}
        Times = {Code: [] for Code in Codes}
        for Round in range(rounds(Options)):
            for Code in sorted(Codes, reverse=Round % 2 == 1):
                Times[Code].append(min(float(run(
                    [Programs / "time" / f"frames-{Code}", Kind, What["timed"]]))
                    for _ in range(3)) / What["timed"] / Pairs)
        Figures = measures.figures(Times, {"plain": None, "reduced": "plain"})
        yield {"row": f"frames, {Kind}", "published": What["published"],
               **{Code: {**F, "time": Figures[Code]} for Code, F in Codes.items()},
               "gain": regression.quotient(Codes["plain"]["store"], Codes["reduced"]["store"])}


def rounds(Options):
    return Options.rounds or (1 if Options.smoke else
                              Experiment["rounds"]["quick" if Options.quick else "all"])


def measure(Build, Options):
    Wanted = set(Options.variants.split(",")) if Options.variants else None
    Rows = rows(Options)
    Jobs = [((Row["row"], Variant, Length), command(Build, "count", Variant, Row, Length))
            for Row in Rows for Variant in variantsOf(Row, Wanted)
            for Length in lengths(Row, Options)]
    # The longest first, so that no processor waits for one in the end.
    Jobs.sort(key=lambda J: -J[0][2])
    Counters = {Row["row"]: counters(Row) for Row in Rows}
    Found = {Name: profile.flips(Places, Experiment["data"], Counters[Name[0]])
             for Name, Places in count(Build, Jobs).items()}
    Done = []
    for Row in Rows:
        Variants = {}
        for Variant in variantsOf(Row, Wanted):
            Variants[Variant] = slopes({L: Found[Row["row"], Variant, L]
                                        for L in lengths(Row, Options)})
        compare(Variants)
        Longest = lengths(Row, Options)[-1]
        Times = times(Build, Row, Variants, Longest, rounds(Options))
        Reference = next((V for V in References if V in Variants), None)
        Compared = {V: None if V == Reference else Reference for V in Variants}
        for Variant, Figures in measures.figures(Times, Compared).items():
            Variants[Variant]["time"] = Figures
        Done.append({"row": Row["row"], "lengths": lengths(Row, Options), "variants": Variants,
                     "published": list(published(Row, Variants))})
        Typical = statistics.median(V[part(Row)]["medium"]["median"] for V in Variants.values())
        print(f"{Row['row']}: {len(Variants)} variants, typically {Typical:.1f} bits of "
              f"{part(Row)} for an operation", file=sys.stderr, flush=True)
    return Done


def main(Options):
    Build = Options.build.resolve()
    if not Options.no_build:
        install()
        build(Build, ["perdure-bench-flips"])
    Rows = measure(Build, Options)
    if not Rows:
        stop("there are no such rows")
    Result = {"schema": 1, "bench": "flips", "about": Experiment["about"], "quick": Options.quick,
              "source": Experiment["source"], "machine": machine(),
              "model": {N: Experiment[N] for N in ("l1", "l2", "controller")}, "rows": Rows,
              "allocation": [] if Options.rows or Options.variants else
              list(allocation(Build, Options)),
              "frames": [] if Options.rows or Options.variants else list(frames(Build, Options))}
    flips_report.finish(Options, Result)

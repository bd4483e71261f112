"""The benches alloc, open and tx: a folder with a bench.json, whose variants are
programs and whose rows are theirs. With `settings` each program runs once in each,
and rows are called ROW/SETTING. `counters` are figures that the programs count,
each a table of its own; `same` is one that has to be equal in a row."""

import csv
import json
import os
import subprocess

from lab.common import Bench, build, directory, form, grid, install, machine, stop


def benches():
    return {F.parent.name: json.loads(F.read_text()) for F in sorted(Bench.glob("*/bench.json"))}


def nameOf(Row):
    """Google Benchmark's name without what is the same in all."""
    return "/".join(P for P in Row.split("/")
                    if P not in ("real_time", "manual_time") and not P.startswith("iterations:"))


def directoryOf(Build, Setting):
    """A setting may ask for a file system on a disk: that of the build."""
    if Setting.get("directory") != "build":
        return directory()
    Path = Build / "bench"
    Path.mkdir(parents=True, exist_ok=True)
    return str(Path)


def runVariant(Build, Config, Variant, Setting, Options, Extra):
    """Nanoseconds by row, and counters by name and row. With the clock
    "processor" the time that the program's thread ran, else, and for rows of
    several threads, the time that passed."""
    Command = [str(Build / "bin" / Variant["program"]), "--benchmark_format=json"]
    if Options.quick:
        Command += ["--benchmark_min_time=0.001"]
    else:
        Command += ["--benchmark_min_time=0.1"]
    Command += Extra
    if not os.path.exists(Command[0]):
        stop(f"there is no {Command[0]}: run without --no-build")
    Result = subprocess.run(Command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "PERDURE_BENCH_DIR": directoryOf(Build, Setting),
                                 **Setting.get("environment", {}),
                                 **Variant.get("environment", {})})
    if Result.returncode:
        stop(f"failed with {Result.returncode}: {' '.join(Command)}\n{Result.stderr}")
    Rows, Counters = {}, {C: {} for C in counters(Config)}
    Clock = Setting.get("clock", Config.get("clock"))
    for Entry in json.loads(Result.stdout)["benchmarks"]:
        if Entry["run_type"] != "iteration":
            continue
        if Entry.get("error_occurred"):
            stop(f"{Entry['name']}: {Entry['error_message']}")
        Scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[Entry["time_unit"]]
        Name = nameOf(Entry["run_name"])
        Busy = Clock == "processor" and "threads:" not in Name
        Time = Entry["cpu_time" if Busy else "real_time"] * Scale
        if "name" in Setting:
            Name += "/" + Setting["name"]
        Rows[Name] = min(Time, Rows.get(Name, Time))
        for Counter, Values in Counters.items():
            Values[Name] = Entry[Counter]
    return Rows, Counters


def counters(Config):
    return [*Config.get("counters", []), *([Config["same"]] if "same" in Config else [])]


def runAll(Build, Config, Variants, Options, Extra):
    """The least time of all repetitions: noise only adds. Variants take turns,
    so that a busy moment meets all of them. And the counters, by name, variant
    and row."""
    Times, Counted = {}, {}
    for _ in range(1 if Options.quick else Options.rounds or 5):
        for Setting in Config.get("settings", [{}]):
            for V in Variants:
                Rows = Times.setdefault(V["name"], {})
                New, Counters = runVariant(Build, Config, V, Setting, Options, Extra)
                for Name, Time in New.items():
                    Rows[Name] = min(Time, Rows.get(Name, Time))
                for Counter, Values in Counters.items():
                    Counted.setdefault(Counter, {}).setdefault(V["name"], {}).update(Values)
    return Times, Counted


def checkSame(Config, Counted):
    for Row in {R for Values in Counted.values() for R in Values}:
        Found = {V: Values[Row] for V, Values in Counted.items()}
        if len(set(Found.values())) > 1:
            stop(f"{Row}: the {Config['same']} differs: " +
                 ", ".join(f"{V} {Value:.0f}" for V, Value in Found.items()))


def table(Config, Times):
    """Columns are variants, beside each the ratio to the reference; or, with
    one variant, rows with their ratio to the reference row."""
    Variants, Reference = list(Times), Config["reference"]
    Rows = [R for R in Config["rows"] if R in Times[Reference]] if len(Variants) > 1 else \
        list(Times[Variants[0]])
    Lines = []
    if len(Variants) == 1:
        Only = Times[Variants[0]]
        Lines.append(["", "ns", "ratio"])
        for Row in Rows:
            Lines.append([Row, form(Only[Row]), f"{Only[Row] / Only[Reference]:.2f}"])
    else:
        Lines.append(["", *Variants])
        for Row in Rows:
            Line = [Row]
            for Variant in Variants:
                Cell = form(Times[Variant][Row])
                if Variant != Reference:
                    Cell += f" ({Times[Variant][Row] / Times[Reference][Row]:.2f}x)"
                Line.append(Cell)
            Lines.append(Line)
    return grid(Lines)


def main(Options, Extra):
    Config = benches()[Options.name]
    Variants = Config["variants"]
    if Options.variants:
        Wanted = [Config["reference"], *Options.variants.split(",")]
        Unknown = set(Wanted) - {V["name"] for V in Variants}
        if Unknown:
            stop(f"there is no variant {', '.join(sorted(Unknown))}")
        Variants = [V for V in Variants if V["name"] in Wanted]

    Build = Options.build.resolve()
    if not Options.no_build:
        install()
        After = {Config["after"]} if "after" in Config else set()
        build(Build, sorted({V["program"] for V in Variants} | After))
    Times, Counted = runAll(Build, Config, Variants, Options, Extra)
    if "same" in Config:
        checkSame(Config, Counted.pop(Config["same"]))
    if not Extra:
        for Variant, Rows in Times.items():
            if sorted(Rows) != sorted(Config["rows"]):
                stop(f"{Variant} gave the rows {', '.join(Rows)}, not {', '.join(Config['rows'])}")

    Machine = machine()
    Results = Build / "bench"
    Results.mkdir(parents=True, exist_ok=True)
    (Options.json or Results / f"{Options.name}.json").write_text(json.dumps(
        {"bench": Options.name, "quick": Options.quick, "machine": Machine,
         "nanoseconds": Times, **({"counters": Counted} if Counted else {})}, indent=1) + "\n")
    with open(Results / f"{Options.name}.csv", "w", newline="") as File:
        Writer = csv.writer(File)
        Writer.writerow(["row", "variant", "nanoseconds"])
        for Variant, Rows in Times.items():
            Writer.writerows([Row, Variant, f"{Time:.2f}"] for Row, Time in Rows.items())
    print(f"{Options.name}: {Config['unit']}")
    print(f"{Machine['processor']}, {Machine['cores']} cores, Linux {Machine['system']}, "
          f"files in {directory()}, {Machine['date']}\n")
    print(table(Config, Times))
    for Counter, Values in Counted.items():
        print(f"\n{Counter}\n")
        print(grid([["", *Values], *([Row, *(f"{V[Row]:,.1f}" for V in Values.values())]
                                     for Row in Times[Config["reference"]])]))
    if "after" in Config:
        print(flush=True)
        if subprocess.run([str(Build / "bin" / Config["after"])]).returncode:
            stop(f"failed: {Config['after']}")
    if Options.quick:
        print("\n--quick: these figures mean nothing")

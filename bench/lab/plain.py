"""The benches alloc, open, tx, ycsb and sql: a folder with a bench.json, whose variants are
programs and whose rows are theirs. With `settings` each program runs once in each, which may
name the `rows` that it gives there, and
rows are called ROW/SETTING; `quick` and `smoke` are settings to have in place of these,
and those that are `large` run with --large only. A setting's `directory` is "build", the file
system of the build, or "memory", which has to be a tmpfs; it `needs` so many bytes there and
of memory. `counters` are figures that the programs
count, each a table of its own, by name or with what they are about; `same` is one that
has to be equal in a row. A variant that is a `baseline` does not do what the others do: it
has neither that nor ratios."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

from lab import plain_report, report
from lab.common import (Bench, availableMemory, build, directory, fileSystem, grid, install,
                        machine, stop)


def benches():
    return {F.parent.name: json.loads(F.read_text()) for F in sorted(Bench.glob("*/bench.json"))}


def settings(Config, Options):
    """Those that this run is of."""
    if Options.smoke and "smoke" in Config:
        return Config["smoke"]
    if Options.quick and "quick" in Config:
        return Config["quick"]
    return [S for S in Config.get("settings", [{}]) if Options.large or not S.get("large")]


def rowsOf(Config, Setting, Options):
    """Full name by the program's own name."""
    Names = {R: R + ("/" + Setting["name"] if "name" in Setting else "")
             for R in Setting.get("rows", Config["rows"])}
    return {R: N for R, N in Names.items() if not Options.rows or
            any(re.search(W, N) for W in Options.rows.split(","))}


def only(Rows):
    """Google Benchmark's filter for these: it has more parts in its names."""
    Names = "|".join("(/.*)?/".join(re.escape(P) for P in R.split("/")) for R in Rows)
    return f"--benchmark_filter=^({Names})(/(real_time|manual_time|iterations:[0-9]+))*$"


def nameOf(Row):
    """Google Benchmark's name without what is the same in all."""
    return "/".join(P for P in Row.split("/")
                    if P not in ("real_time", "manual_time") and not P.startswith("iterations:"))


def resultsOf(Build):
    """The directory of what benches leave."""
    Path = Build / "bench"
    Path.mkdir(parents=True, exist_ok=True)
    return Path


def directoryOf(Build, Setting):
    """A setting may ask for a file system on a disk: that of the build."""
    if Setting.get("directory") != "build":
        return directory()
    return str(resultsOf(Build))


def placeOf(Build, Setting):
    Path = directoryOf(Build, Setting)
    return {"directory": Path, "type": fileSystem(Path)}


def checkRoom(Build, Settings):
    """Before hours have passed, and not by a signal to a program whose files are mapped."""
    for S in Settings:
        Name, Path = S.get("name", ""), directoryOf(Build, S)
        Type = fileSystem(Path)
        if S.get("directory") == "memory" and Type != "tmpfs":
            stop(f"{Name}: {Path} is on {Type or 'an unknown file system'}, not in memory (tmpfs): "
                 "name a tmpfs by PERDURE_BENCH_DIR, or leave the setting out by --rows")
        Room = os.statvfs(Path)
        for What, Has in ((f"{Path} has", Room.f_bavail * Room.f_frsize),
                          ("there are", availableMemory())):
            if Has is not None and Has < S.get("needs", 0):
                stop(f"{Name}: {What} {Has / 1e9:.1f} GB" +
                     (" of memory" if What == "there are" else "") +
                     f", {S['needs'] / 1e9:.1f} are needed: make room, or leave the setting out "
                     "by --rows")


def runVariant(Build, Config, Variant, Setting, Options, Extra):
    """Nanoseconds by row, and counters by row and name. With the clock
    "processor" the time that the program's thread ran, else, and for rows of
    several threads, the time that passed."""
    Command = [str(Build / "bin" / Variant["program"]), "--benchmark_format=json"]
    if Options.quick:
        Command += ["--benchmark_min_time=0.001"]
    else:
        Command += ["--benchmark_min_time=0.1"]
    Wanted = rowsOf(Config, Setting, Options)
    if Options.rows:
        Command += [only(Wanted)]
    Command += Extra
    if not os.path.exists(Command[0]):
        stop(f"there is no {Command[0]}: run without --no-build")
    # The program may end in a way that leaves its files: by a signal, or where it fails.
    with tempfile.TemporaryDirectory(prefix="perdure-bench-",
                                     dir=directoryOf(Build, Setting)) as Dir:
        Result = subprocess.run(Command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "PERDURE_BENCH_DIR": Dir,
                                     **Setting.get("environment", {}),
                                     **Variant.get("environment", {})})
    if Result.returncode:
        stop(f"failed with {Result.returncode}: {' '.join(Command)}\n{Result.stderr}")
    Rows, Counters = {}, {}
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
        Name = Wanted.get(Name, Name)
        if Time < Rows.get(Name, float("inf")):
            Rows[Name] = Time
            Counters[Name] = {C: Entry[C] for C in counters(Config) if C in Entry}
    return Rows, Counters


def counters(Config):
    return [C for Group in plain_report.groups(Config) for C in Group["of"]] + \
        ([Config["same"]] if "same" in Config else [])


def runAll(Build, Config, Variants, Options, Extra, Keep):
    """The least time of all repetitions: noise only adds. Variants take turns,
    so that a busy moment meets all of them. And the counters of the repetition
    that took it, by name, variant and row. Keep has what there is after each program."""
    Times, Counted = {}, {}
    Rounds = Options.rounds or Config.get("rounds", 5)
    for _ in range(1 if Options.quick else Rounds):
        for Setting in settings(Config, Options):
            if not rowsOf(Config, Setting, Options):
                continue
            for V in Variants:
                Rows = Times.setdefault(V["name"], {})
                New, Counters = runVariant(Build, Config, V, Setting, Options, Extra)
                for Name, Time in New.items():
                    if Time >= Rows.get(Name, float("inf")):
                        continue
                    Rows[Name] = Time
                    for Counter, Value in Counters[Name].items():
                        Counted.setdefault(Counter, {}).setdefault(V["name"], {})[Name] = Value
                Keep(Times, Counted)
    return Times, Counted


def checkSame(Config, Ran, Counted):
    """Of the variants that have to have it: a row has it in all or in none."""
    Checked = [V["name"] for V in Config["variants"] if V["name"] in Ran and not V.get("baseline")]
    for Row in {R for Values in Counted.values() for R in Values}:
        Found = {V: Counted.get(V, {}).get(Row) for V in Checked}
        if len(set(Found.values())) > 1:
            stop(f"{Row}: the {Config['same']} differs: " +
                 ", ".join(f"{V} {'none' if Value is None else f'{Value:.0f}'}"
                           for V, Value in Found.items()))


def versions(Variants):
    """Of the Debian packages that are compared with."""
    Found = {}
    for V in Variants:
        if "package" in V:
            Found[V["name"]] = subprocess.run(
                ["dpkg-query", "-W", "-f=${Package} ${Version}", V["package"]],
                capture_output=True, text=True).stdout
    return Found


def main(Options, Extra):
    # As an exception, at which the running program is ended and its files are removed.
    for Signal in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(Signal, lambda Number, _: sys.exit(128 + Number))
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
    Settings = settings(Config, Options)
    checkRoom(Build, [S for S in Settings if rowsOf(Config, S, Options)])
    Machine = machine()
    Result = {"schema": 1, "bench": Options.name, "about": Config["about"], "quick": Options.quick,
              "state": "unfinished", "unit": Config["unit"], "show": Config.get("show", "time"),
              "machine": Machine, "reference": Config["reference"],
              "settings": [{**S, "place": placeOf(Build, S)} for S in Settings],
              "baselines": [V["name"] for V in Variants if V.get("baseline")],
              "versions": versions(Variants), "groups": plain_report.groups(Config)}
    # Beside the figures of the last run that was good.
    Unfinished = resultsOf(Build) / f"{Options.name}.unfinished.json"

    def keep(Times, Counted, **More):
        report.write(Unfinished, {**Result, "nanoseconds": Times, "counters": Counted, **More})

    Times, Counted = runAll(Build, Config, Variants, Options, Extra, keep)
    if not Times:
        stop(f"no row is found by {Options.rows}")
    if "same" in Config:
        try:
            checkSame(Config, Times, Counted.get(Config["same"], {}))
        except SystemExit as Why:
            keep(Times, Counted, state=f"invalid: {Why}")
            stop(f"{str(Why).removeprefix('bench/run: ')}; the figures, invalid, are in {Unfinished}")
        Counted.pop(Config["same"], None)
    Wanted = [N for S in Settings for N in rowsOf(Config, S, Options).values()]
    if not Extra:
        for Variant, Rows in Times.items():
            if sorted(Rows) != sorted(Wanted):
                stop(f"{Variant} gave the rows {', '.join(Rows)}, not {', '.join(Wanted)}")
        Times = {V: {R: Rows[R] for R in Wanted} for V, Rows in Times.items()}

    Result.update(state="complete", nanoseconds=Times, counters=Counted)
    with open(resultsOf(Build) / f"{Options.name}.csv", "w", newline="") as File:
        Writer = csv.writer(File)
        Writer.writerow(["row", "variant", "nanoseconds"])
        for Variant, Rows in Times.items():
            Writer.writerows([Row, Variant, f"{Time:.2f}"] for Row, Time in Rows.items())
    print(f"{Options.name}: {Config['unit']}")
    print(f"{Machine['processor']}, {Machine['cores']} cores, Linux {Machine['system']}, "
          f"files in {directory()}, {Machine['date']}")
    for Place in plain_report.places(Result):
        print(Place)
    for Title, Lines in plain_report.tables(Result):
        print((f"\n{Title}\n" if Title else "") + f"\n{grid(Lines)}")
    report.save(Options, Result, Options.name, "plain_plots.py")
    Unfinished.unlink(missing_ok=True)
    if "after" in Config:
        print(flush=True)
        if subprocess.run([str(Build / "bin" / Config["after"])]).returncode:
            stop(f"failed: {Config['after']}")
    if Options.quick:
        print("\n--quick: these figures mean nothing")

"""The benches pointers, stores and cross-object: structures under every
representation, by the program perdure-bench-pointers."""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from lab import measures, report
from lab.common import build, caches, directory, install, run, stop

Program = "perdure-bench-pointers"

# name: code (how it was compiled), memory, reference (the same memory, plain
# pointers), what a table says. What abi.def names beyond these is an encoding.
Variants = {
    "native": ("native", "object", None),
    "object": ("object", "object", "native"),
    "hand": ("hand", "object", "native"),
    "boost": ("boost", "object", "native"),
    "pmdk": ("pmdk", "pool", "native"),
    "heap-native": ("native", "heap", None),
    "heap-object": ("object", "heap", "heap-native"),
}
# Over several objects: slots are aligned to their size, so that objects meet in
# the same sets of caches and TLBs, which heap and pools do not. So PMDK is
# compared with plain pointers over its pools, and what the slots cost plain code is
# a column of its own.
Spread = {
    "pmdk": ("pmdk", "pool", "pool-native"),
    "pool-native": ("native", "pool", "native"),
    "heap-native": ("native", "heap", "native"),
}
# What a quick run of DRAM rows is left with: building takes its time.
Peers = {"native", "object", "hand", "boost", "pmdk"}
# Offsets from one base, or from the field itself, end at the object's. What other
# encodings can do is tried out.
OneObject = {"hand", "boost", "self-relative"}
Crosses = {"native", "native-encoding", "object", "pmdk"}

Chases = ["list", "tree", "redblack-lookup", "redblack-insert", "skiplist", "hash", "btree-lookup",
          "btree-scan", "radix", "graph"]
Two, Eight = {"parts": 2}, {"parts": 8}
Thousand = {"parts": 1000, "random": True}

# rows: workload, what the row adds to its name, where the structure lies, sizes.
Benches = {
    "pointers": {
        "about": "structures of linked nodes, L1 to DRAM, in one object and on the heap",
        "unit": "ns an operation",
        "symbol": "ns",
        "compare": "ratio",
        "rows": [(W, "", {}, ["L1", "L2", "L3", "DRAM"]) for W in Chases],
    },
    "stores": {
        "about": "storing pointers: inside an object, into another one, on the heap",
        "unit": "ns a store, an exchange, a node, an insert",
        "symbol": "ns",
        "compare": "difference",
        "rows": [("store", "inside", {}, ["L1", "L2"]), ("store", "across", Two, ["L1", "L2"]),
                 ("shuffle", "", {}, ["L1", "L2"]), ("reverse", "", {}, ["L1", "L2"]),
                 ("redblack-insert", "", {}, ["L1", "L2"])],
    },
    "cross-object": {
        "about": "list, tree and graph over 2, 8 and 1,000 objects, or pools",
        "unit": "ns a hop, a lookup, an edge",
        "symbol": "ns",
        "compare": "difference",
        "rows": [(W, Title, Place, Sizes) for W in ("list", "tree", "graph")
                 for Title, Place, Sizes in (("2 in turn", Two, ["L1", "L2"]),
                                             ("8 in turn", Eight, ["L1", "L2"]),
                                             ("1000 at random", Thousand, ["L2", "L3"]))],
    },
}
ForAll = {"slice": 20e6, "rounds": 21, "dram": 4}
ForQuick = {"slice": 3e6, "rounds": 5, "dram": 2}
# For the tests: every row and column, of small structures, in a moment.
ForSmoke = {"slice": 1e5, "rounds": 2}


def sizes(Settings):
    """Bytes of the plain structure: half of L1 and L2, a quarter of what is
    shared, and a multiple of that."""
    if Settings is ForSmoke:
        return {"L1": 8 << 10, "L2": 32 << 10, "L3": 128 << 10, "DRAM": 512 << 10}
    C = caches()
    return {"L1": C[1] // 2, "L2": C[2] // 2, "L3": C[3] // 4, "DRAM": C[3] * Settings["dram"]}


def scrub(Rows, Settings):
    """Bytes that make a large cache forget the turn before."""
    Large = any(R["size"] in ("L3", "DRAM") for R in Rows)
    return 2 * caches()[3] if Large and Settings is not ForSmoke else 0


def known(Build):
    """The pairs of code and workload that the program has."""
    return {tuple(L.split()) for L in run([Build / "bin" / Program, "--list"]).splitlines()}


@functools.cache
def crosses(Build, Code):
    """Whether an encoding leads from one object to another."""
    if Code in OneObject or Code in Crosses:
        return Code in Crosses
    Told = subprocess.run([Build / "bin" / Program, "--rows=list:8192", f"--dir={directory()}",
                           "--parts=2", "--rounds=1", "--slice=1e4",
                           f"--variants=native:native:object,{Code}:{Code}:object"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if Told.returncode:
        if "gives another" in Told.stderr:
            stop(f"{Code}, over two objects: {Told.stderr}")
        print(f"{Code} has no rows over several objects: {Told.stderr.strip()}", file=sys.stderr)
    return not Told.returncode


def variantsOf(Build, Codes, Place, Size, Options):
    """Those that this build knows; an encoding is a variant by its name."""
    All = {N: V for N, V in Variants.items() if V[0] in Codes}
    for Code in sorted(Codes - {V[0] for V in Variants.values()}):
        All[Code] = (Code, "object", "native")
    if Place.get("parts", 1) > 1:
        All.pop("heap-object", None)
        All = {N: V for N, V in All.items() if crosses(Build, V[0])}
        All.update({N: V for N, V in Spread.items() if V[0] in Codes})
    if Place == Thousand and not Options.smoke and room() < 12 << 30:
        print(f"PMDK is left out of {Place['parts']} pools: they take 8 GiB of {directory()}",
              file=sys.stderr)
        All = {N: V for N, V in All.items() if V[1] != "pool"}
    if Options.quick and Size == "DRAM":
        All = {N: V for N, V in All.items() if N in Peers}
    if Options.variants:
        Wanted = set(Options.variants.split(","))
        if Wanted - All.keys() and Place.get("parts", 1) == 1:
            stop(f"there is no variant {', '.join(sorted(Wanted - All.keys()))}")
        for Name in list(Wanted & All.keys()):
            while Name: # what it is compared with, and that
                Wanted.add(Name)
                Name = All[Name][2]
        All = {N: V for N, V in All.items() if N in Wanted or N == "native"}
    return All


def room():
    """Bytes that files may take where they lie, which may be memory."""
    Disk = os.statvfs(directory())
    Free = Disk.f_bavail * Disk.f_frsize
    for Line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if Line.startswith("MemAvailable:"):
            Free = min(Free, int(Line.split()[1]) << 10)
    return Free


def command(Program, Rows, Place, All):
    Command = [Program, "--rows=" + ",".join(f"{W}:{B}" for W, B in Rows), f"--dir={directory()}",
               f"--parts={Place.get('parts', 1)}",
               "--variants=" + ",".join(f"{N}:{V[0]}:{V[1]}" for N, V in All.items())]
    return Command + (["--random"] if Place.get("random") else [])


# Stores reach the medium through the caches, as they do for Perdure's files.
Environment = dict(os.environ, PMEM_IS_PMEM_FORCE="1")


def count(Command):
    """Instructions an operation, by variant, under callgrind: they repeat."""
    with tempfile.TemporaryDirectory() as Dir:
        Told = json.loads(run(["valgrind", "-q", "--tool=callgrind",
                               f"--callgrind-out-file={Dir}/out", *Command, "--count"],
                              env=Environment))
        Counts = {}
        for File in pathlib.Path(Dir).glob("out.*"):
            Text = File.read_text()
            Name = re.search(r"^desc: Trigger: Client Request: (.+)$", Text, re.M)
            Total = re.search(r"^(?:summary|totals): (\d+)", Text, re.M)
            if Name and Total:
                Counts[Name.group(1)] = int(Total.group(1)) / Told["operations"][Name.group(1)]
    if Counts.keys() != Told["operations"].keys():
        stop("callgrind did not count every variant")
    return Counts


def names(Config):
    """Every row: its name, and what it is made of."""
    for Workload, Title, Place, Sizes in Config["rows"]:
        for Size in Sizes:
            yield "/".join(P for P in (Workload, Title, Size) if P), Workload, Place, Size


def plan(Build, Config, Known, Options):
    """The rows in groups that run in one process: one each, but those over a
    thousand objects, since as many pools take half a minute to make."""
    Groups = []
    for Workload, Title, Place, Some in Config["rows"]:
        for Size in Some:
            Name = "/".join(P for P in (Workload, Title, Size) if P)
            if Options.rows and not any(re.search(R, Name) for R in Options.rows.split(",")):
                continue
            Row = {"row": Name, "workload": Workload, "place": Title, "size": Size}
            All = variantsOf(Build, {C for C, W in Known if W == Workload}, Place, Size, Options)
            if Place == Thousand:
                if Options.smoke:
                    Place = {**Thousand, "parts": 20}
                for Group in Groups:
                    if Group[0] == Place and Group[1] == All:
                        Group[2].append(Row)
                        break
                else:
                    Groups.append((Place, All, [Row]))
            else:
                # The counts of a row's first size stand for its others.
                Row["count"] = Size == Some[0] and not Options.no_count and \
                    (not Options.smoke or Workload == Config["rows"][0][0])
                Groups.append((Place, All, [Row]))
    return Groups


def measure(Build, Config, Options):
    Settings = ForSmoke if Options.smoke else ForQuick if Options.quick else ForAll
    Sizes = sizes(Settings)
    Done = []
    for Place, All, Rows in plan(Build, Config, known(Build), Options):
        What = ([(R["workload"], Sizes[R["size"]]) for R in Rows], Place, All)
        Told = run([*command(Build / "bin" / Program, *What),
                    f"--slice={Settings['slice']:.0f}", f"--scrub={scrub(Rows, Settings)}",
                    f"--rounds={Options.rounds or Settings['rounds']}"], env=Environment)
        for Row, Line in zip(Rows, Told.splitlines(), strict=True):
            Figures = json.loads(Line)
            Counts = {}
            if Row.pop("count", False):
                Counts = count(command(Build / "bin" / (Program + "-count"), *What))
            Done.append({**Row, "bytes": Sizes[Row["size"]], "items": Figures["items"],
                         "checksum": Figures["checksum"],
                         "variants": measures.figures(Figures["nanoseconds"],
                                                      {V: All[V][2] for V in All}, Counts)})
            report.progress(Done[-1])
    Order = [Name for Name, _, _, _ in names(Config)]
    return sorted(Done, key=lambda R: Order.index(R["row"]))


def main(Options):
    Config = Benches[Options.name]
    Build = Options.build.resolve()
    if not Options.no_build:
        install()
        build(Build, [Program, Program + "-count"])
    Rows = measure(Build, Config, Options)
    if not Rows:
        stop("there are no such rows")
    report.finish(Options, Config, Rows)

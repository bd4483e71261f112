"""The benches pointers, stores and cross-object: structures under every
representation, by the program perdure-bench-pointers."""

import json
import os
import pathlib
import re
import tempfile

from lab import measures, report
from lab.common import build, caches, directory, install, machine, run, stop

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
# Offsets from one base, or from the field itself, end at the object's.
OneObject = {"hand", "boost", "self-relative"}

Benches = {
    "pointers": {
        "about": "structures of linked nodes, L1 to DRAM, in one object and on the heap",
        "unit": "ns an operation",
        "compare": "ratio",
        "workloads": ["list", "tree", "redblack-insert", "redblack-lookup", "skiplist", "hash", "btree-lookup", "btree-scan", "radix", "graph"],
        "sizes": ["L1", "L2", "L3", "DRAM"],
        "places": {"": {}},
    },
    "cross-object": {
        "about": "the same over several objects (pools)",
        "unit": "ns an operation",
        "compare": "difference",
        "workloads": ["list", "tree", "graph"],
        "sizes": ["L2", "L3"],
        "places": {"2 in turn": {"parts": 2}, "8 in turn": {"parts": 8},
                   "1000 at random": {"parts": 1000, "random": True}},
    },
}
ForAll = {"slice": 20e6, "rounds": 21, "dram": 4}
ForQuick = {"slice": 3e6, "rounds": 5, "dram": 2}
ForSmoke = {"slice": 1e5, "rounds": 2, "dram": 2}


def sizes(Settings):
    """Bytes of the plain structure: half of L1 and L2, a quarter of what is
    shared, and a multiple of that."""
    C = caches()
    return {"L1": C[1] // 2, "L2": C[2] // 2, "L3": C[3] // 4, "DRAM": C[3] * Settings["dram"]}


def known(Build):
    """The pairs of code and workload that the program has."""
    return {tuple(L.split()) for L in run([Build / "bin" / Program, "--list"]).splitlines()}


def variantsOf(Codes, Place, Options):
    """Those that this build knows; an encoding is a variant by its name."""
    All = {N: V for N, V in Variants.items() if V[0] in Codes}
    for Code in sorted(Codes - {V[0] for V in Variants.values()}):
        All[Code] = (Code, "object", "native")
    if Place.get("parts", 1) > 1:
        All = {N: V for N, V in All.items() if V[0] not in OneObject}
    if Options.variants:
        Wanted = set(Options.variants.split(","))
        if Wanted - All.keys() and Place.get("parts", 1) == 1:
            stop(f"there is no variant {', '.join(sorted(Wanted - All.keys()))}")
        for Name in list(Wanted & All.keys()):
            Wanted.add(All[Name][2] or Name)
        All = {N: V for N, V in All.items() if N in Wanted or N == "native"}
    return All


def command(Program, Workload, Bytes, Place, All):
    Command = [Program, f"--workload={Workload}", f"--bytes={Bytes}", f"--dir={directory()}", f"--parts={Place.get('parts', 1)}",
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


def measure(Build, Name, Config, Options):
    Settings = ForSmoke if Options.smoke else ForQuick if Options.quick else ForAll
    Sizes = sizes(Settings)
    Known = known(Build)
    Rows = []
    for Workload in Config["workloads"]:
        for Title, Place in Config["places"].items():
            for Size in Config["sizes"]:
                Row = "/".join(P for P in (Workload, Title, Size) if P)
                if Options.rows and not any(re.search(R, Row) for R in Options.rows.split(",")):
                    continue
                All = variantsOf({C for C, W in Known if W == Workload}, Place, Options)
                What = (Workload, Sizes[Size], Place, All)
                Told = json.loads(run([*command(Build / "bin" / Program, *What),
                                       f"--slice={Settings['slice']:.0f}",
                                       f"--rounds={Options.rounds or Settings['rounds']}"],
                                      env=Environment))
                Counts = {}
                if Size == Config["sizes"][0] and not Options.no_count:
                    Counts = count(command(Build / "bin" / (Program + "-count"), *What))
                Rows.append({"row": Row, "workload": Workload, "place": Title, "size": Size,
                             "bytes": Sizes[Size], "items": Told["items"],
                             "checksum": Told["checksum"],
                             "variants": {V: figures(V, All[V][2], Told["nanoseconds"], Counts)
                                          for V in Told["nanoseconds"]}})
                report.progress(Rows[-1], Config)
    return Rows


def figures(Variant, Reference, Rounds, Counts):
    Mine = Rounds[Variant]
    Result = {"rounds": Mine, "nanoseconds": measures.summary(Mine)}
    if Variant in Counts:
        Result["instructions"] = round(Counts[Variant], 3)
    if Reference:
        Ratios = measures.ratios(Mine, Rounds[Reference])
        Result.update(reference=Reference, ratio=measures.summary(Ratios),
                      difference=measures.summary(measures.differences(Mine, Rounds[Reference])))
    return Result


def means(Rows):
    """Geometric means of the ratios, by variant: over all rows, and by size."""
    Result = {}
    for Size in ["all", *dict.fromkeys(R["size"] for R in Rows)]:
        Some = [R for R in Rows if Size in ("all", R["size"])]
        for Variant in dict.fromkeys(V for R in Some for V in R["variants"]):
            Ratios = [measures.ratios(R["variants"][Variant]["rounds"],
                                      R["variants"][R["variants"][Variant]["reference"]]["rounds"])
                      for R in Some if "reference" in R["variants"].get(Variant, {})]
            if Ratios:
                Result.setdefault(Size, {})[Variant] = measures.geometricMean(Ratios)
    return Result


def main(Options):
    Config = Benches[Options.name]
    Build = Options.build.resolve()
    if not Options.no_build:
        install()
        build(Build, [Program, Program + "-count"])
    Rows = measure(Build, Options.name, Config, Options)
    if not Rows:
        stop("there are no such rows")
    report.finish(Options, {"schema": 1, "bench": Options.name, "quick": Options.quick,
                            "unit": Config["unit"], "machine": machine(), "rows": Rows,
                            "means": means(Rows)}, Config)

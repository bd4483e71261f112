"""The benches compile-time and code-size: sources full of pointers, compiled by
clang as they are and by Perdure, with the same flags.

The workloads are compiled under each representation. The other sources are the
same text for both compilers: PERDURE_EDITOR makes the annotations vanish for
plain clang.
"""

import json
import os
import pathlib
import re
import struct
import tempfile

from lab import measures, report
from lab.common import Bench, Source, build, install, run, stop
from lab.structures import variantsOf

Benches = {
    "compile-time": {
        "about": "compiling annotated sources with the plugin, and the same ones without",
        "unit": "milliseconds of processor time of one compilation",
        "symbol": "ms",
        "compare": "ratio",
    },
    "code-size": {
        "about": "machine code of the same sources under every representation",
        "unit": "bytes of machine code (sections that are executable) in the object file",
        "symbol": "bytes",
        "compare": "ratio",
    },
}
Workloads = Bench / "pointers"
ThirdParty = Source / "test/Integration/thirdparty"


def flags():
    return json.loads((Workloads / "commands.json").read_text())["flags"]


def sources():
    """Name: file and the flags of the language."""
    Found = {}
    for File in sorted((Workloads / "workloads").glob("*.cpp")):
        Found[f"workload/{File.stem}"] = (File, flags())
    C, Cxx = ["-std=gnu11", "-O2"], ["-std=c++17", "-O2"]
    for File in sorted((Source / "examples/kvstore/c").glob("*/*.c")):
        Found[f"kvstore/c/{File.parent.name}/{File.stem}"] = (File, C)
    for File in sorted((Source / "examples/kvstore/cxx").glob("*/*.cpp")):
        Found[f"kvstore/cxx/{File.parent.name}/{File.stem}"] = (File, Cxx)
    for File in sorted(ThirdParty.glob("*.c")):
        Found[f"thirdparty/{File.stem}"] = (File, [*C, "-D_GNU_SOURCE"])
    return Found


class Compiler:
    def __init__(self, Build):
        self.Build = Build
        Cache = (Build / "CMakeCache.txt").read_text()
        self.Clang = {L: next((Line.split("=", 1)[1] for Line in Cache.splitlines()
                               if Line.startswith(f"CMAKE_{L}_COMPILER:")), Default)
                      for L, Default in (("C", "clang-22"), ("CXX", "clang++-22"))}

    def command(self, Code, File, Flags, Out):
        """How a source is compiled as `native`, `hand`, ... or under an encoding."""
        Cxx = File.suffix == ".cpp"
        Clang = self.Clang["CXX" if Cxx else "C"]
        Plain = Code in ("native", "hand", "boost", "pmdk")
        if Plain and ThirdParty in File.parents:
            # queue.c annotates by a pragma, which only NATIVE takes away; what it
            # shares with others has to stay as it is.
            Wrapper = pathlib.Path(Out).with_suffix(".c")
            Wrapper.write_text(f'#include "{ThirdParty.parent}/Inputs/harness.h"\n'
                               f'#define NATIVE\n#include "{File}"\n')
            File = Wrapper
        if Plain:
            Command = [Clang, "-DPERDURE_EDITOR", f"-I{Source}/include"]
        else:
            Encoding = "native" if Code == "native-encoding" else Code
            Command = [self.Build / "bin" / ("perdure-c++" if Cxx else "perdure-cc"),
                       f"-fperdure-encoding={Encoding}"]
        if Workloads in File.parents:
            Header = Code if Plain else "annotated"
            Flags = [*Flags, f'-DLAB_CODE="{Code}"', f"-I{Workloads}",
                     f'-DLAB_REPRESENTATION="representations/{Header}.h"']
        return [str(C) for C in [*Command, *Flags, "-w", "-c", File, "-o", Out]]

    def environment(self):
        return dict(os.environ, PERDURE_CLANG=self.Clang["C"])


def milliseconds(Command, Environment):
    """Processor time of the command and its children."""
    Pid = os.posix_spawnp(Command[0], Command, Environment)
    _, Status, Usage = os.wait4(Pid, 0)
    if Status:
        run(Command, env=Environment) # fails again, and says why
        stop(f"failed, but not twice: {' '.join(Command)}")
    return (Usage.ru_utime + Usage.ru_stime) * 1e3


def codeBytes(Object):
    """The sizes of an ELF file's executable sections, added."""
    Data = pathlib.Path(Object).read_bytes()
    Table, = struct.unpack_from("<Q", Data, 40)
    Bytes, Count = struct.unpack_from("<HH", Data, 58)
    Total = 0
    for I in range(Count):
        _, _, Flags, _, _, Size = struct.unpack_from("<IIQQQQ", Data, Table + I * Bytes)
        if Flags & 4: # SHF_EXECINSTR
            Total += Size
    return Total


def wanted(Options):
    return {N: S for N, S in sources().items()
            if not Options.rows or any(re.search(R, N) for R in Options.rows.split(","))}


def unannotated(Name):
    return Name == "empty" or "/1-volatile/" in Name


def compileTime(Build, Options):
    Compile = Compiler(Build)
    Environment = Compile.environment()
    Rounds = Options.rounds or (1 if Options.smoke else 3 if Options.quick else 15)
    Rows = []
    with tempfile.TemporaryDirectory() as Dir:
        Empty = pathlib.Path(Dir) / "empty.c"
        Empty.write_text("")
        All = {"empty": (Empty, ["-O2"]), **wanted(Options)}
        for Name, (File, Flags) in All.items():
            Commands = {Code: Compile.command(Code, File, Flags, f"{Dir}/{Code}.o")
                        for Code in ("native", "object")}
            Times = {Code: [] for Code in Commands}
            for Round in range(Rounds):
                for Code in sorted(Commands, reverse=Round % 2 == 1): # take turns in beginning
                    Times[Code].append(milliseconds(Commands[Code], Environment))
            Rows.append({"row": Name, "unannotated": unannotated(Name), "variants": measures.figures(
                Times, {"native": None, "object": "native"})})
            report.progress(Rows[-1])
    return Rows


def codeSize(Build, Options):
    Compile = Compiler(Build)
    Rows = []
    Known = {L.split()[0] for L in run([Build / "bin" / "perdure-bench-pointers",
                                        "--list"]).splitlines()}
    All = [V for V, What in variantsOf(Build, Known, {}, "", Options).items() if What[1] != "heap"]
    with tempfile.TemporaryDirectory() as Dir:
        for Name, (File, Flags) in wanted(Options).items():
            Sizes = {}
            for Code in All if Workloads in File.parents else ["native", "object"]:
                run(Compile.command(Code, File, Flags, f"{Dir}/{Code}.o"),
                    env=Compile.environment())
                Sizes[Code] = [codeBytes(f"{Dir}/{Code}.o")]
            Rows.append({"row": Name, "unannotated": unannotated(Name), "variants": measures.figures(
                Sizes, {C: None if C == "native" else "native" for C in Sizes})})
            report.progress(Rows[-1])
    return Rows


def main(Options):
    Config = Benches[Options.name]
    Build = Options.build.resolve()
    if not Options.no_build:
        install()
        build(Build, ["perdure-bench-pointers"])
    Rows = (compileTime if Options.name == "compile-time" else codeSize)(Build, Options)
    report.finish(Options, Config, Rows)

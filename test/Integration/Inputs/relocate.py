"""Differential and relocation test of one program built on harness.h.

relocate.py PERDURE_CC NATIVE_CC LOW HIGH SCRATCH SOURCE [FLAG...]

Builds SOURCE natively and, at each optimisation level, annotated. Each annotated
program must print what the native one prints, and go on printing it when new
processes map the object lower and higher, with the old addresses forbidden.
LOW and HIGH end in window=ADDRESS.
"""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

LEVELS = ["-O0", "-O1", "-O2", "-O3", "-Os", "-O2 -flto", "-O2 -flto=thin",
          "-O0 -fperdure-callbacks", "-O2 -fperdure-callbacks",
          "-O1 -fperdure-encoding=strict", "-O2 -fno-pie -no-pie"]


def run(command, env=None):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={**os.environ, **(env or {})})
    if result.returncode:
        sys.exit(f"{shlex.join(map(str, command))}: exit {result.returncode}\n"
                 f"{result.stdout[-2000:]}{result.stderr[-4000:]}")
    return result


def main():
    perdure, native, low, high, scratch, source, *flags = sys.argv[1:]
    low, high = low.split("window=")[1], high.split("window=")[1]
    perdure, native = shlex.split(perdure), shlex.split(native)
    scratch = pathlib.Path(scratch) / pathlib.Path(source).stem
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    seeds = [(1, 300), (7, 5000)]

    run([*native, "-O1", "-w", "-DNATIVE", source, "-o", scratch / "native", *flags])
    expected = {seed: run([scratch / "native", "-", "build", str(seed[0]), str(seed[1])]).stdout
                for seed in seeds}

    for level in LEVELS:
        program = scratch / ("annotated" + level.replace(" ", "").replace("=", "-"))
        run([*perdure, *level.split(), "-g", "-Wall", "-Werror", source, "-o", program, *flags])
        for seed in seeds:
            store = scratch / "store"
            shutil.rmtree(store, ignore_errors=True)
            steps = [(["build", str(seed[0]), str(seed[1])], low, high),
                     (["print"], high, low), (["print"], low, high)]
            for arguments, window, old in steps:
                result = run([program, store, *arguments],
                             {"PERDURE_OPTIONS": f"window={window}", "FORBID": old})
                where = f"{level}, seed {seed}, {arguments[0]} at {window}"
                if result.stdout != expected[seed]:
                    (scratch / "expected").write_text(expected[seed])
                    (scratch / "printed").write_text(result.stdout)
                    sys.exit(f"{where}: differs from the native program: "
                             f"diff {scratch}/expected {scratch}/printed")
                at = int(result.stderr.split("at ")[1].split()[0], 16)
                if not int(window, 16) <= at < int(window, 16) + (1 << 40):
                    sys.exit(f"{where}: the object lies at {at:#x}, not in the window")
    print(f"{source}: {len(LEVELS)} builds, {len(seeds)} seeds, 3 addresses each")


main()

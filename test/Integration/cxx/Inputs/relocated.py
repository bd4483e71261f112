"""Builds a program made on object.h in several ways and runs it at several
addresses.

relocated.py COMPILER LOW HIGH SCRATCH SOURCE [--all | --levels=-O0,...] [FLAG...]

LOW and HIGH are prefixes, `env PERDURE_OPTIONS=window=ADDRESS`. Each build
fills a new object in the low window, then checks what it finds there in a
higher and again in the lower one, each time with the old addresses forbidden.
The strict encoding shows every access that escapes translation. Of the encodings
for researchers each source meets one, by its name; with --all every one, in more
ways; with --levels none, nor the strict one: those levels alone.

PERDURE_EMULATOR in the environment: what runs programs for another machine, which
has no room to forbid addresses.
"""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

BUILDS = ["-O0", "-O2", "-O3", "-O0 -fperdure-encoding=strict",
          "-O2 -fperdure-encoding=strict"]
RESEARCH = ["self-relative", "xor", "region-id", "fat-lookup", "lazy-null", "inverted",
            "lazy-null-inverted", "xor-lazy-null", "xor-inverted",
            "xor-lazy-null-inverted"]
WAYS = ["-O0", "-O2", "-Oz", "-O2 -fperdure-callbacks", "-O2 -fno-pie -no-pie"]


def run(command):
    result = subprocess.run(command, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        sys.exit(f"{shlex.join(map(str, command))}: exit {result.returncode}\n"
                 f"{result.stdout[-6000:]}")


def main():
    compiler, low, high, scratch, source, *flags = sys.argv[1:]
    scratch = pathlib.Path(scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    builds = list(BUILDS)
    if "--all" in flags:
        flags.remove("--all")
        builds += [f"{way} -fperdure-encoding={name}" for name in RESEARCH for way in WAYS]
    elif flags and flags[0].startswith("--levels="):
        builds = flags.pop(0).split("=", 1)[1].split(",")
    else:
        chosen = RESEARCH[sum(map(ord, pathlib.Path(source).name)) % len(RESEARCH)]
        builds.append(f"-O1 -fperdure-encoding={chosen}")
    address = {window: window.split("window=")[1] for window in (low, high)}
    for number, build in enumerate(builds):
        program = scratch / f"program{number}"
        store = scratch / f"store{number}"
        run([*shlex.split(compiler), *build.split(), "-Wall", "-Wextra",
             "-Werror", source, "-o", program, "-pthread", *flags])
        for verb, window, old in [("build", low, high), ("check", high, low),
                                  ("check", low, high)]:
            if emulator := os.environ.get("PERDURE_EMULATOR"):
                run([*shlex.split(window), emulator, program, store, verb])
            else:
                run([*shlex.split(window), f"FORBID={address[old]}", program, store,
                     verb])


main()

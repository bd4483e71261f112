"""Compare generated programs, native against annotated.

run.py PERDURE_CC NATIVE_CC INCLUDE SCRATCH FIRST LAST [--configs N] [--jobs N]
       [--encodings [NAME,...]] [--levels LEVEL,...]

Each seed's program is built natively and in N annotated ways (0: all of them);
-O2 is always one. With --encodings the ways are those encodings (none named: all)
at those levels instead. Prints what differs, and keeps its files in SCRATCH.
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import generate

RAW = "-DRAW_COPIES"
CONFIGS = ["-O2 " + RAW, "-O0 " + RAW, "-O1 " + RAW, "-O3", "-Os " + RAW, "-Oz",
           "-O2 -flto -fuse-ld=lld", "-O2 -flto=thin -fuse-ld=lld", "-O2 -fno-pie -no-pie " + RAW,
           "-O0 -fno-pie -no-pie", "-O2 -fperdure-callbacks", "-O0 -fperdure-callbacks",
           "-O2 -fperdure-encoding=strict", "-O0 -fperdure-encoding=strict",
           "-O3 -fperdure-encoding=strict", "-O2 -fperdure-encoding=native " + RAW,
           "-O2 -g -fPIC", "-O2 -fsanitize=undefined -fno-sanitize=alignment",
           "-O2 -mllvm -inline-threshold=2000", "-O1 -mllvm -inline-threshold=2000"]
# Whether raw copies of bits are right in the places where the generator makes
# them: within one object, and within volatile memory.
ENCODINGS = {"object": True, "native": True, "strict": False, "self-relative": False,
             "xor": False, "region-id": True, "fat-lookup": True,
             "lazy-null": True, "inverted": True, "lazy-null-inverted": True,
             "xor-lazy-null": False, "xor-inverted": False,
             "xor-lazy-null-inverted": False}
LOW, HIGH = "0x100000000000", "0x580000000000"


def execute(command, environment=None):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            errors="replace", env={**os.environ, **(environment or {})}, timeout=60)
    return result.returncode, result.stdout, result.stderr


def test(options, seed):
    folder = pathlib.Path(options.scratch) / f"seed{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = folder / "program.c"
    source.write_text(generate.generate(seed))
    common = ["-w", "-I", options.include, source]
    native = folder / "native"
    code, _, error = execute([*shlex.split(options.native), "-O1", "-DNATIVE", *common, "-o", native])
    if code:
        return seed, [f"native build: {error[:2000]}"], 0
    expected = {}
    for operations in "01":
        code, expected[operations], error = execute([native, "-", "build", "1", operations])
        if code:
            return seed, [f"native run: {code}"], 0
    configs = list(CONFIGS)
    if options.encodings is not None:
        configs = [f"{level} -fperdure-encoding={name} {RAW if ENCODINGS[name] else ''}"
                   for name in options.encodings for level in options.levels]
    elif options.configs:
        rest = configs[1:]
        random.Random(seed).shuffle(rest)
        configs = configs[:1] + rest[:options.configs - 1]
    wrong = []
    for number, config in enumerate(configs):
        program = folder / f"p{number}"
        code, _, error = execute([*shlex.split(options.perdure), *config.split(), *common, "-o", program])
        if code:
            wrong.append(f"{config}: build: {error[:1000]}")
            continue
        store = folder / f"store{number}"
        steps = [("build", "1", "0", LOW, HIGH), ("build", "1", "1", LOW, HIGH),
                 ("print", HIGH, LOW)]
        if "encoding=native" in config:
            steps = steps[:2]
        for step in steps:
            *arguments, window, old = step
            if arguments[0] == "build":
                shutil.rmtree(store, ignore_errors=True)
            try:
                code, printed, error = execute([program, store, *arguments],
                                               {"PERDURE_OPTIONS": f"window={window}", "FORBID": old})
            except subprocess.TimeoutExpired:
                code, printed, error = "timeout", "", ""
            wanted = expected[arguments[2] if arguments[0] == "build" else "1"]
            if arguments[0] == "print":
                wanted = "".join(wanted.splitlines(True)[-generate.NODES:])
            if code or printed != wanted:
                wrong.append(f"{config}: {arguments}: exit {code} {error[-300:]}: {program}")
                break
        else:
            program.unlink()
            shutil.rmtree(store, ignore_errors=True)
    if not wrong:
        shutil.rmtree(folder)
    return seed, wrong, len(configs)


def main():
    parser = argparse.ArgumentParser()
    for name in ("perdure", "native", "include", "scratch"):
        parser.add_argument(name)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--configs", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--encodings", nargs="?", const=",".join(ENCODINGS))
    parser.add_argument("--levels", default="O0,O1,O2,O3,Os")
    options = parser.parse_args()
    if options.encodings is not None:
        options.encodings = options.encodings.split(",")
        options.levels = ["-" + level for level in options.levels.split(",")]
    bad = builds = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        seeds = range(options.first, options.last)
        for seed, wrong, count in pool.map(lambda s: test(options, s), seeds):
            builds += count
            for line in wrong:
                print(f"seed {seed}: {line}", flush=True)
            bad += bool(wrong)
    print(f"{len(seeds)} programs, {builds} builds, {bad} wrong")
    sys.exit(bool(bad))


main()

"""explore.py SOURCE BUILD WORK [--images N | --each N] [--seed S] [--jobs N]
             [--only NAME,...] [--media dax,page]

Explores the programs of examples.json, N images over all of them and both media, or
N of each on each medium; what one cannot use up the next ones get. A third of those
of a program that has `then` come after a second power failure. A line for each run
and one for all; exits with 1 when an image failed, or when fewer than N were there.
"""
import argparse
import json
import pathlib
import shlex
import subprocess
import sys
import time


def build(options, name, entry):
    """The traced program and the check."""
    programs = []
    for end, flags in ((".traced", ["-fperdure-trace"]), (".check", [])):
        out = options.work / (name + end)
        subprocess.run(
            [options.build / "bin/perdure-cc", "-g", "-O1", *flags, *entry.get("flags", []),
             *[options.source / s for s in entry["sources"]], "-o", out], check=True)
        programs.append(str(out))
    return programs


def explore(options, name, entry, medium, images, then):
    traced, check = options.built[name]
    command = [str(options.build / "bin/perdure"), "crash", "--json", "--medium", medium,
               "--budget", str(images), "--seed", str(options.seed), "--keep",
               str(options.work / "failed" / f"{name}-{medium}{'-then' if then else ''}"),
               "--serve", "--check", shlex.join([check, *entry["check"]])]
    if options.jobs:
        command += ["--jobs", str(options.jobs)]
    if then:
        command += ["--then", shlex.join([traced, *entry["then"]]), "--then-images", "60"]
    began = time.monotonic()
    run = subprocess.run([*command, "--", traced, *entry["run"]], stdout=subprocess.PIPE,
                         text=True)
    if not run.stdout:
        sys.exit(f"explore.py: {name}: perdure crash failed")
    found = json.loads(run.stdout)
    if run.returncode and not found["failed"]:
        sys.exit(f"explore.py: {name}: stores were not traced: {found['untraced']}")
    print(f"{name}{' again' if then else ''}\t{medium}\t{found['images']} images at "
          f"{found['points']} points{', all there are' if found['exhaustive'] else ''}, "
          f"{found['failed']} failed\t{time.monotonic() - began:.0f} s", flush=True)
    for failure in found["failures"]:
        print(f"  {failure['why']}: {failure['output'].strip()}\n  kept in {failure['kept']}")
    return found["images"], found["failed"]


def main():
    parser = argparse.ArgumentParser()
    for name in ("source", "build", "work"):
        parser.add_argument(name, type=lambda p: pathlib.Path(p).resolve())
    parser.add_argument("--images", type=int)
    parser.add_argument("--each", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--only")
    parser.add_argument("--media", default="dax,page")
    options = parser.parse_args()
    examples = json.loads((pathlib.Path(__file__).parent / "examples.json").read_text())
    examples.pop("")
    if options.only:
        examples = {n: examples[n] for n in options.only.split(",")}
    options.work.mkdir(parents=True, exist_ok=True)
    options.built = {n: build(options, n, e) for n, e in examples.items()}
    runs = [(n, e, m, then) for n, e in examples.items() for m in options.media.split(",")
            for then in ([False, True] if "then" in e else [False])]
    # Second failures use up little of what they get: the others get the rest of it.
    runs.sort(key=lambda run: not run[3])
    # Twice as much for what comes first as for what comes after it.
    weights = [1 if then else 2 if "then" in e else 3 for n, e, m, then in runs]
    wanted = options.images or (options.each or 1000) * len(examples) * len(
        options.media.split(","))
    total = failures = 0
    for number, (name, entry, medium, then) in enumerate(runs):
        share = (wanted - total) * weights[number] // sum(weights[number:])
        images, failed = explore(options, name, entry, medium, max(share, 1), then)
        total += images
        failures += failed
    print(f"all\t{total} images, {failures} failed")
    return bool(failures) or (options.images and total < options.images)


sys.exit(main())

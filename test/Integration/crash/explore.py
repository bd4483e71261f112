"""explore.py SOURCE BUILD WORK [--images N | --each N] [--seed S] [--jobs N]
             [--only NAME,...] [--media dax,page] [--faults]

Explores the programs of examples.json, N images over all of them and both media, or
N of each on each medium; what one cannot use up the next ones get. A third of those
of a program that has `then` come after a second power failure. A line for each run
and one for all; exits with 1 when an image failed, or when fewer than N were there.
--faults: makes each program wrong instead, as examples.json says, and exits with 1
when its check does not find that.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time


# Bound once by a check that serves, and not again in the child for each image.
BOUND = dict(os.environ, LD_BIND_NOW="1")


def compile(options, entry, out, flags, sources):
    flags = [flag.format(source=options.source) for flag in [*entry.get("flags", []), *flags]]
    subprocess.run([options.build / "bin/perdure-cc", "-g", "-O1", *flags, *sources, "-o", out],
                   check=True)
    return str(out)


def build(options, name, entry):
    """The traced program, the check, and what there is before."""
    sources = [options.source / s for s in entry["sources"]]
    traced = compile(options, entry, options.work / (name + ".traced"), ["-fperdure-trace"], sources)
    check = compile(options, entry, options.work / (name + ".check"), [], sources)
    before = []
    if "before" in entry:
        folder = options.work / (name + ".before")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        subprocess.run([check, *entry["before"]], cwd=folder, check=True,
                       env=dict(os.environ, PERDURE_OPTIONS="battery=1"))
        before = ["--from", str(folder)]
    return traced, check, [*entry.get("options", []), *before]


def buildWrong(options, name, entry, number):
    """The traced program with the fault of that number."""
    fault = entry["faults"][number]
    folder = options.work / f"{name}.wrong{number}"
    shutil.rmtree(folder, ignore_errors=True)
    sources = [options.source / s for s in entry["sources"]]
    if "in" in fault:
        shutil.copytree((options.source / fault["in"]).parent, folder)
        wrong = folder / pathlib.Path(fault["in"]).name
        text = wrong.read_text()
        if text.count(fault["replace"]) != 1:
            sys.exit(f"explore.py: {fault['in']} has not one place with '{fault['replace']}'")
        # Includes of what lies beside its folder are looked for there.
        beside = (options.source / fault["in"]).parent.parent
        wrong.write_text(text.replace(fault["replace"], fault["by"]).replace('"../', f'"{beside}/'))
        for path in folder.glob("*.h"):
            path.write_text(path.read_text().replace('"../', f'"{beside}/'))
        sources = [folder / s.name if s.parent == (options.source / fault["in"]).parent else s
                   for s in sources]
    return compile(options, entry, folder.with_suffix(f".traced{number}"),
                   ["-fperdure-trace", *fault.get("flags", [])], sources)


def explore(options, name, entry, medium, images, then=False, traced=None, failures=0):
    """What perdure crash found, up to so many failures, and the seconds that it took."""
    right, check, more = options.built[name]
    command = [str(options.build / "bin/perdure"), "crash", "--json", "--medium", medium,
               "--budget", str(images), "--failures", str(failures), "--seed", str(options.seed), "--keep",
               str(options.work / "failed" / f"{name}-{medium}{'-then' if then else ''}"),
               *more, "--serve", "--check", shlex.join([check, *entry["check"]])]
    if options.jobs:
        command += ["--jobs", str(options.jobs)]
    if then:
        command += ["--then", shlex.join([right, *entry["then"]]), "--then-images", "60"]
    began = time.monotonic()
    run = subprocess.run([*command, "--", traced or right, *entry["run"]],
                         stdout=subprocess.PIPE, text=True, env=BOUND)
    if not run.stdout:
        sys.exit(f"explore.py: {name}: perdure crash failed")
    found = json.loads(run.stdout)
    if run.returncode and not found["failed"]:
        sys.exit(f"explore.py: {name}: stores were not traced: {found['untraced']}")
    return found, time.monotonic() - began


def report(name, medium, found, seconds):
    print(f"{name}\t{medium}\t{found['images']} images at "
          f"{found['points']} points{', all there are' if found['exhaustive'] else ''}, "
          f"{found['failed']} failed\t{seconds:.0f} s", flush=True)
    for failure in found["failures"]:
        print(f"  {failure['why']}: {failure['output'].strip()}\n  kept in {failure['kept']}")


def first(text):
    """What a check said, in one line."""
    return (text.strip() or "nothing").splitlines()[0]


def seedFaults(options, examples):
    """How many faults the checks did not find."""
    missed = 0
    for name, entry in examples.items():
        for number, fault in enumerate(entry["faults"]):
            traced = buildWrong(options, name, entry, number)
            for medium in options.media.split(","):
                # Each image that fails costs many checks: one is enough for most.
                for images, failures in ((400, 1), (400, 20), (2000, 20)):
                    found, seconds = explore(options, name, entry, medium, images, traced=traced,
                                             failures=failures)
                    said = [f["output"] for f in found["failures"]]
                    right = any(re.search(fault["says"], line) for line in said)
                    if right:
                        break
                missed += not right
                print(f"{name}\tfault {number + 1}\t{medium}\t{'found' if right else 'MISSED'}"
                      f"\t{first(said[0]) if said else 'nothing'}\t{seconds:.0f} s", flush=True)
                if not right:
                    print(f"  of {found['images']} images {found['failed']} failed:",
                          *sorted(set(map(first, said))), sep="\n  ", flush=True)
    print(f"all\t{missed} missed")
    return missed


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
    parser.add_argument("--faults", action="store_true")
    options = parser.parse_args()
    examples = json.loads((pathlib.Path(__file__).parent / "examples.json").read_text())
    examples.pop("")
    if options.only:
        examples = {n: examples[n] for n in options.only.split(",")}
    options.work.mkdir(parents=True, exist_ok=True)
    options.built = {n: build(options, n, e) for n, e in examples.items()}
    if options.faults:
        return bool(seedFaults(options, examples))
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
        found, seconds = explore(options, name, entry, medium, max(share, 1), then)
        report(name + (" again" if then else ""), medium, found, seconds)
        total += found["images"]
        failures += found["failed"]
    print(f"all\t{total} images, {failures} failed")
    return bool(failures) or (options.images and total < options.images)


sys.exit(main())

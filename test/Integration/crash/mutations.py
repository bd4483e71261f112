"""mutations.py PERDURE PROGRAM CHECK LIBRARY SYMBOLIZER [--then COMMAND]
             [--media dax,page] [--budget N] [--only PATTERN] [--expect noticed]
             [--seed S] [--jobs N] [--options OPTIONS] [--markdown]

Leaves out, in turn, each flush, fence and sync that a traced PROGRAM makes (and
COMMAND, after the power failed), named by its call chain in the traced runtime
(LIBRARY): `perdure crash --leave-out`, with at most N images for each. CHECK serves.
A line for each: noticed or not, the medium, the kind, where, what the check says or
how many images more there were. --options: more, for perdure crash. --only: those whose line matches the regular
expression. Exits with 1 when PROGRAM fails as it is, and, with --expect noticed, when
a removal is not noticed or the pattern matches none.
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile


# Bound once by a check that serves, and not again in the child for each image.
BOUND = dict(os.environ, LD_BIND_NOW="1")


def explore(options, medium, budget, chains=()):
    then = ["--then", options.then, "--then-images", "150"] if options.then else []
    left = ["--leave-out", ",".join(chains)] if chains else []
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [options.perdure, "crash", "--json", "--medium", medium, "--budget",
             str(budget), "--seed", str(options.seed), "--keep", folder + "/keep",
             *(["--jobs", str(options.jobs)] if options.jobs else []), *then, *left,
             *shlex.split(options.options),
             "--serve", "--check", options.check, "--", *shlex.split(options.program)],
            stdout=subprocess.PIPE, text=True, env=BOUND)
    if not run.stdout:
        sys.exit("mutations.py: perdure crash failed")
    return json.loads(run.stdout)


def addresses(chain):
    """Of the calls in each frame but the primitive's own wrapper."""
    return [hex(int(address, 16) - 1) for address in chain.split("+")[1:]]


def places(options, chains):
    """Functions and lines of each chain. All are asked for at once: to start the
    symbolizer takes longer than its answer."""
    asked = sorted({address for chain in chains for address in addresses(chain)})
    if not asked:
        return {chain: "" for chain in chains}
    out = subprocess.run(
        [options.symbolizer, "--obj=" + options.library, "--no-inlines", "--basenames",
         *asked], capture_output=True, text=True, check=True).stdout
    answers = out.strip("\n").split("\n\n")
    if len(answers) != len(asked):
        sys.exit(f"mutations.py: {len(asked)} addresses, {len(answers)} answers")
    named = {}
    for address, answer in zip(asked, answers):
        function, line = answer.splitlines()[:2]
        named[address] = (function.split("(")[0].split("::")[-1] + ":" + line.split(":")[1])
    return {chain: " < ".join(named[address] for address in addresses(chain))
            for chain in chains}


def mutate(options, medium):
    """How many removals were tried and noticed, and whether the program is right."""
    whole = explore(options, medium, options.budget)
    if whole["failed"]:
        print(f"{medium}\tas it is\tFAILS\t{whole['failures'][0]['output'].strip()}",
              flush=True)
        return 0, 0, False
    named = places(options, [p["chain"] for p in whole["primitives"]])
    where = {p["chain"]: (p["kind"], named[p["chain"]]) for p in whole["primitives"]}
    chosen = [c for c, place in where.items() if re.search(options.only, " ".join(place))]
    line = "{}\t{}\t{}\t{}\t{}"
    if options.markdown:
        line = "| {} | {} | {} | `{}` | {} |"
    noticed = 0
    found = explore(options, medium, options.budget, chosen)["left out"] if chosen else []
    for removal in sorted(found, key=lambda r: (not r["noticed"], where[r["chain"]])):
        more = (f"{'all ' if removal['exhaustive'] else ''}{removal['images']} images more"
                " pass")
        noticed += removal["noticed"]
        said = removal["why"] if removal["noticed"] else more
        print(line.format(medium, "noticed" if removal["noticed"] else "NOT NOTICED",
                          *where[removal["chain"]], said.replace("|", " ")), flush=True)
    return len(chosen), noticed, True


def main():
    parser = argparse.ArgumentParser()
    for name in ("perdure", "program", "check", "library", "symbolizer"):
        parser.add_argument(name)
    parser.add_argument("--then")
    parser.add_argument("--options", default="")
    parser.add_argument("--media", default="dax,page")
    parser.add_argument("--budget", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--expect", choices=["noticed"])
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    status = 0
    if options.markdown:
        print("| medium | | left out | where | what the check says |\n|---|---|---|---|---|")
    counts = []
    for medium in options.media.split(","):
        tried, noticed, right = mutate(options, medium)
        counts.append(f"{medium}: {noticed} of {tried} noticed")
        if not right or (options.expect and not 0 < noticed == tried):
            status = 1
    print("\n" + ", ".join(counts))
    return status


sys.exit(main())

"""mutations.py PERDURE PROGRAM CHECK LIBRARY SYMBOLIZER [--then COMMAND]
             [--media dax,page] [--budget N] [--only PATTERN] [--expect caught]
             [--markdown]

Leaves out, in turn, each flush, fence and sync that a traced PROGRAM makes (and
COMMAND, after the power failed), named by its call chain in the traced runtime
(LIBRARY), and has `perdure crash` look for an image on which CHECK, which serves,
fails. A line for each: caught or not, the medium, the kind, and where. --only: those
whose line matches the regular expression. Exits with 1 when PROGRAM fails as it is,
and, with --expect caught, when a removal is not caught or the pattern matches none.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile


def explore(options, medium, skip, budget):
    """The report, or a string where there is none: the run itself failed."""
    environment = dict(os.environ)
    if skip:
        environment["PERDURE_TRACE_SKIP"] = skip
    then = ["--then", options.then] if options.then else []
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [options.perdure, "crash", "--json", "--medium", medium, "--budget",
             str(budget), "--keep", folder + "/keep", *then, "--serve",
             "--check", options.check, "--", options.program],
            env=environment, capture_output=True, text=True)
    if not run.stdout:
        return "failed at once: " + (run.stderr.strip().splitlines() or ["?"])[-1]
    return json.loads(run.stdout)


def failure(found):
    """Why it failed, in a line; nothing when it did not."""
    if isinstance(found, str):
        return found
    if not found["failed"]:
        return ""
    why = [f["output"].strip() or f["why"] for f in found["failures"]]
    return why[0].splitlines()[0] if why else "failed"


def places(options, chain):
    """Function and line of each frame but the primitive's own wrapper."""
    named = []
    for address in chain.split("+")[1:]:
        out = subprocess.run(
            [options.symbolizer, "--obj=" + options.library, "--no-inlines",
             "--basenames", hex(int(address, 16) - 1)],
            capture_output=True, text=True).stdout.splitlines()
        name = out[0].split("(")[0].split("::")[-1]
        named.append(name + ":" + out[1].split(":")[1])
    return " < ".join(named)


def main():
    parser = argparse.ArgumentParser()
    for name in ("perdure", "program", "check", "library", "symbolizer"):
        parser.add_argument(name)
    parser.add_argument("--then")
    parser.add_argument("--media", default="dax,page")
    parser.add_argument("--budget", type=int, default=600)
    parser.add_argument("--only", default="")
    parser.add_argument("--expect")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    status = 0
    line = "{}\t{}\t{}\t{}\t{}"
    if options.markdown:
        line = "| {} | {} | {} | `{}` | {} |"
        print("| medium | | left out | where | what the check says |\n|---|---|---|---|---|")
    for medium in options.media.split(","):
        whole = explore(options, medium, None, options.budget)
        if failure(whole):
            print(f"{medium}\tas it is\tFAILS\t{failure(whole)}", flush=True)
            status = 1
        if isinstance(whole, str):
            continue
        matched = 0
        for primitive in whole["primitives"]:
            kind, where = primitive["kind"], places(options, primitive["chain"])
            if not re.search(options.only, f"{kind} {where}"):
                continue
            matched += 1
            # A few images are enough for most.
            for budget in sorted({min(100, options.budget), options.budget}):
                why = failure(explore(options, medium, primitive["chain"], budget))
                if why:
                    break
            print(line.format(medium, "caught" if why else "NOT CAUGHT", kind, where,
                              why.replace("|", " ")), flush=True)
            if options.expect and not why:
                status = 1
        if options.expect and not matched:
            print(f"{medium}\tnothing matches {options.only}")
            status = 1
    return status


sys.exit(main())

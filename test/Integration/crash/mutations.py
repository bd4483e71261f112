"""mutations.py PERDURE PROGRAM CHECK LIBRARY SYMBOLIZER [--media dax,page] [--budget N]

Leaves out, in turn, each flush, fence and sync that a traced PROGRAM makes, named by
its call chain in the traced runtime (LIBRARY), and has `perdure crash` look for an
image on which CHECK fails. A line for each: caught or not, the medium, the kind, and
where. Exits with 1 when PROGRAM fails as it is.
"""
import argparse
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

Header = struct.Struct("<IIIIQQQ")
Kinds = {3: "flush", 4: "fence", 5: "msync", 6: "sync"}
Granularity = {"dax": "CACHE_LINE", "page": "PAGE"}


def chains(program, medium):
    """The call chains of the primitives in a run, with their kinds, in order."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder, "trace")
        trace.write_bytes(b"PDTRACE1")
        work = pathlib.Path(folder, "run")
        work.mkdir()
        environment = dict(os.environ, PERDURE_TRACE=str(trace),
                           PMEM2_FORCE_GRANULARITY=Granularity[medium])
        subprocess.run([program], cwd=work, env=environment, check=True)
        data = trace.read_bytes()
    at = 8
    while at < len(data):
        kind, _, _, text, extra, _, _ = Header.unpack_from(data, at)
        at += Header.size
        if kind in Kinds:
            found.setdefault(data[at:at + text].decode(), Kinds[kind])
        at += text + extra
    return found


def explore(options, medium, skip):
    environment = dict(os.environ)
    if skip:
        environment["PERDURE_TRACE_SKIP"] = skip
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [options.perdure, "crash", "--json", "--medium", medium, "--budget",
             str(options.budget), "--keep", folder + "/keep", "--check", options.check,
             "--", options.program],
            env=environment, capture_output=True, text=True)
    if not run.stdout:
        return "failed at once: " + (run.stderr.strip().splitlines() or ["?"])[-1]
    found = json.loads(run.stdout)
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
    parser.add_argument("--media", default="dax,page")
    parser.add_argument("--budget", default="600")
    options = parser.parse_args()
    status = 0
    for medium in options.media.split(","):
        whole = explore(options, medium, None)
        if whole:
            print(f"{medium}\tas it is\tFAILS\t{whole}", flush=True)
            status = 1
        for chain, kind in chains(options.program, medium).items():
            why = explore(options, medium, chain)
            print(f"{medium}\t{kind}\t{'caught' if why else 'NOT CAUGHT'}\t"
                  f"{places(options, chain)}\t{why}", flush=True)
    return status


sys.exit(main())

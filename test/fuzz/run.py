#!/usr/bin/env python3
"""Runs the fuzz targets: first what once failed, then new inputs.

Without PERDURE_SOAK a fixed number of inputs from a fixed seed, so that
./check does the same each time. PERDURE_SOAK=SECONDS fuzzes that long in all,
from another seed each time, and keeps what it learns in --corpus.

A failure leaves its input, in hex, in the current folder: put it into
regressions/ under the target's name once the bug is fixed.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

# Target, inputs in ./check, the longest input. 45 seconds of processor time in
# all (measured on the machine that this was written on).
TARGETS = [
    ("header", 5000, 1536),
    ("fot", 6000, 512),
    ("heap", 6000, 512),
    ("log", 4000, 512),
    ("check", 500, 256),
    ("name", 8000, 300),
    ("file", 6000, 512),
    ("meanwhile", 2500, 512),
    ("inspect", 3000, 1536),
]


def read_hex(path):
    """Hex digits; '#' begins a comment."""
    lines = path.read_text().splitlines()
    return bytes.fromhex("".join(line.split("#")[0] for line in lines))


def write_hex(name, data):
    digits = data.hex(" ")
    lines = [digits[i:i + 72].rstrip() for i in range(0, len(digits), 72)]
    pathlib.Path(name).write_text("\n".join(lines) + "\n")


def run(program, arguments, folder):
    environment = dict(os.environ, PERDURE_FUZZ_DIR=str(folder))
    environment.pop("PERDURE_OPTIONS", None)
    done = subprocess.run([program, *arguments], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode(errors="replace")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True, type=pathlib.Path)
    parser.add_argument("--corpus", type=pathlib.Path,
                        help="where a soak keeps its inputs")
    parser.add_argument("targets", nargs="*", metavar="target")
    options = parser.parse_args()
    soak = int(os.environ.get("PERDURE_SOAK", "0"))
    chosen = [t for t in TARGETS if not options.targets or t[0] in options.targets]

    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="perdure-fuzz-", dir=place))
    failed = []
    try:
        status, text = run(options.programs / "fuzz_seeds", [folder / "seeds"],
                           folder)
        if status:
            print(text)
            return "fuzz_seeds failed"
        for name, runs, longest in chosen:
            program = options.programs / f"fuzz_{name}"
            inputs = folder / "seeds" / name
            for path in sorted((HERE / "regressions" / name).glob("*.hex")):
                (inputs / f"regression-{path.stem}").write_bytes(read_hex(path))
            artifacts = folder / "failed" / name
            artifacts.mkdir(parents=True)
            arguments = [f"-artifact_prefix={artifacts}/", "-timeout=5",
                         f"-max_len={longest}", "-close_fd_mask=2",
                         "-rss_limit_mb=3000"]
            if soak:
                kept = (options.corpus or folder / "kept") / name
                kept.mkdir(parents=True, exist_ok=True)
                arguments += [f"-max_total_time={max(1, soak // len(chosen))}",
                              kept, inputs]
            else:
                arguments += ["-seed=1", f"-runs={runs}", inputs]
            status, text = run(program, arguments, folder)
            print(f"{name}: {text.splitlines()[-1] if text else 'nothing said'}",
                  flush=True)
            if not status:
                continue
            failed.append(name)
            print(text)
            for path in artifacts.iterdir():
                kept = f"{name}-{path.name}.hex"
                write_hex(kept, path.read_bytes())
                print(f"{name}: the input is in {os.path.abspath(kept)}")
    finally:
        shutil.rmtree(folder)
    return f"failed: {' '.join(failed)}" if failed else 0


if __name__ == "__main__":
    sys.exit(main())

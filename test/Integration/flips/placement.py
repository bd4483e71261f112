"""placement.py PERDURE BEFORE AFTER FOLDER HEADS ALL

Records two builds of Inputs/placement.c, each given a store in FOLDER. Both have to
make the same. The profile has to have as many flips of the heads as the program has
counted itself, but for what it does not count: pops. AFTER's pushes flip at most HEADS
of what BEFORE's do, and all that it and the runtime store at most ALL."""
import json
import os
import re
import shutil
import subprocess
import sys

perdure, before, after, folder, heads, total = sys.argv[1:]


def rows(profile, by):
    shown = subprocess.run([perdure, "flips", "show", "--json", "--by", by, profile],
                           capture_output=True, text=True, check=True)
    return json.loads(shown.stdout)["rows"]


def flips(row):
    return row["set"] + row["cleared"]


# What the object records of its types, once, is not what is compared.
os.environ["PERDURE_OPTIONS"] = "types=0"


def measure(program):
    shutil.rmtree(folder, ignore_errors=True)
    profile = folder + ".flips"
    run = subprocess.run([perdure, "flips", "run", "-o", profile, "--", program, folder],
                         capture_output=True, text=True, check=True)
    made, counted = run.stdout.split()
    everything = sum(flips(row) for row in rows(profile, "part"))
    # The heads' lines: what is stored there is a head and nothing else.
    lines = open(SOURCE).read().splitlines()
    at = {n + 1 for n, line in enumerate(lines)
          if line.strip() in ("R->stack = N;", "R->queue = N;")}
    where = [(re.search(r"/placement\.c:(\d+)\b", row["line"]), row)
             for row in rows(profile, "line")]
    found = sum(flips(row) for match, row in where if match and int(match[1]) in at)
    if found != int(counted):
        sys.exit(f"{program}: {counted} flips of the heads, {found} in the profile")
    return made, found, everything


SOURCE = __file__.rsplit("/", 1)[0] + "/Inputs/placement.c"
old, new = measure(before), measure(after)
if old[0] != new[0]:
    sys.exit(f"{before} makes {old[0]}, {after} makes {new[0]}")
if old[1] < 1000 or new[1] > float(heads) * old[1]:
    sys.exit(f"heads: {old[1]} before, {new[1]} after")
if new[2] > float(total) * old[2]:
    sys.exit(f"all: {old[2]} before, {new[2]} after")
print(old, new)

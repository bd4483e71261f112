"""whole.py PERDURE FOLDER PROGRAM ARGUMENTS...

PROGRAM makes objects in the store FOLDER and fills them. Their files began as zeroes,
so what was set and not cleared again, by the program and by the runtime, is what they
hold: all of them at the stores, and each page of each in the medium."""
import collections
import json
import os
import shutil
import subprocess
import sys

perdure, folder, *program = sys.argv[1:]
profile = folder + ".flips"
shutil.rmtree(folder, ignore_errors=True)
subprocess.run([perdure, "flips", "run", "-o", profile, "--", program[0], folder, *program[1:]],
               check=True)


def show(by):
    shown = subprocess.run([perdure, "flips", "show", "--json", "--by", by, profile],
                           capture_output=True, text=True, check=True)
    return json.loads(shown.stdout)


def ones(data):
    return bin(int.from_bytes(data, "little")).count("1")


pages = {}
for name in os.listdir(os.path.join(folder, "objects")):
    with open(os.path.join(folder, "objects", name), "rb") as file:
        data = file.read()
    for at in range(0, len(data), 4096):
        pages[f"{name} {at // 4096}"] = ones(data[at:at + 4096])
held = sum(pages.values())
everything = show("line")["all"]
failures = []
for kind, before, after in (("at the stores", "set", "cleared"),
                            ("in the medium", "cells_set", "cells_cleared")):
    counted = everything[before] - everything[after]
    if counted != held:
        failures.append(f"{kind} {counted} bits were set and not cleared, the files hold {held}")
counted = collections.Counter()
for row in show("page")["rows"]:
    counted[row["page"]] = row["cells_set"] - row["cells_cleared"]
for page in sorted(set(pages) | set(counted)):
    if pages.get(page, 0) != counted[page]:
        failures.append(f"page {page} holds {pages.get(page, 0)} bits, counted {counted[page]}")
by_part = {row["part"]: row for row in show("part")["rows"]}
if set(by_part) != {"program", "runtime"}:
    failures.append(f"parts: {sorted(by_part)}")
if held < 10000 or min(row["set"] for row in by_part.values()) < 1000:
    failures.append(f"too little was written to tell: {held} bits, {by_part}")
for failure in failures[:10]:
    print(f"{program[0]}: {failure}")
sys.exit(bool(failures))

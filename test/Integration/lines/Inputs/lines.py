"""lines.py PROGRAM SOURCE FILE: each line of FILE is a source line and the addresses, the
innermost first, that have to lead to it: the first that has a line in SOURCE does."""
import json
import os
import subprocess
import sys

program, source, path = sys.argv[1:]
with open(path) as file:
    accesses = [line.split() for line in file]
asked = [address for _, *addresses in accesses for address in addresses]
done = subprocess.run(
    ["llvm-symbolizer", "--obj=" + program, "--output-style=JSON"],
    input="\n".join(asked) + "\n", capture_output=True, text=True, check=True)
# Of each address, the innermost function that was inlined there comes first.
frames = {at: json.loads(text)["Symbol"] for at, text in zip(asked, done.stdout.splitlines())}
wrong = 0
for expected, *addresses in accesses:
    found = next((frame["Line"] for address in addresses for frame in frames[address]
                  if os.path.basename(frame["FileName"]) == os.path.basename(source)
                  and frame["Line"]), 0)
    if found != int(expected):
        wrong += 1
        print(f"{addresses}: the table says line {found}, the source {expected}")
print(f"{len(accesses)} accesses, {wrong} wrong")

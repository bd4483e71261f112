"""lines.py PROGRAM SOURCE FILE: each line of FILE is a source line and the addresses, the
innermost first, that have to lead to it: the first that has a line in SOURCE does."""
import os
import subprocess
import sys

program, source, path = sys.argv[1:]
with open(path) as file:
    accesses = [line.split() for line in file]


def places(address):
    """(file, line) of the address, from the innermost function that was inlined there."""
    done = subprocess.run(
        ["llvm-symbolizer", "--obj=" + program, "--functions=none", "--output-style=GNU", address],
        capture_output=True, text=True, check=True)
    for text in done.stdout.split("\n"):
        name, _, line = text.rpartition(":")
        yield os.path.basename(name), line.split()[0] if line else ""


wrong = 0
for expected, *addresses in accesses:
    found = next((line for address in addresses for name, line in places(address)
                  if name == os.path.basename(source) and line.strip("0?")), "0")
    if found != expected:
        wrong += 1
        print(f"{addresses}: the table says line {found}, the source {expected}")
print(f"{len(accesses)} accesses, {wrong} wrong")

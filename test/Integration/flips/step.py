"""Compares a profile of -fperdure-flips=all with what a debugger sees of the same run:
bits by memory before and after each instruction (Inputs/step.c), stores by what objdump
says of each instruction that ran.

    step.py PERDURE STEP PROGRAM FOLDER [ARGUMENTS]"""
import os
import re
import subprocess
import sys

PERDURE, STEP, PROGRAM, FOLDER = sys.argv[1:5]
os.makedirs(FOLDER, exist_ok=True)

# What the compiler was not given: the C library's beginning and end.
FOREIGN = re.compile(r"^(_start|_init|_fini|_dl_relocate_static_pie|__do_global_dtors_aux"
                     r"|frame_dummy|(de)?register_tm_clones|perdure\.flips\..*)$")


def functions():
    symbols = subprocess.run(["nm", "-S", "--defined-only", PROGRAM], check=True,
                             capture_output=True, text=True).stdout
    for line in symbols.splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tTwW" and not FOREIGN.match(words[3]):
            yield int(words[0], 16), int(words[0], 16) + int(words[1], 16)


def stores():
    """Instructions that store, by address. The sequences are no part of the program:
    they end where the stack pointer is exchanged."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", PROGRAM], check=True,
                          capture_output=True, text=True).stdout
    found, inside, own, lines = {}, False, 0, {}
    for line in text.splitlines():
        match = re.match(r"\s*([0-9a-f]+):\s+(.*)", line)
        if not match:
            continue
        address, words = match[1], match[2].split("#")[0].strip()
        match_own = re.match(r"xchg\s+%rsp,%fs:(0x[0-9a-f]+)", words)
        if match_own:
            inside, own = not inside, int(match_own[1], 16) - (1 << 64)
            continue
        lines[match[1]] = words
        if inside or not words:
            continue
        whole = words
        words = re.sub(r"^((lock|rep|notrack|bnd|data16|cs|repz) )+", "", words)
        name, _, operands = words.partition(" ")
        operands = operands.strip()
        if re.match(r"(push|call)", name):
            found[address] = whole
        elif re.match(r"(cmp[bwlq]?$|test|nop|bt[wlq]?$|jmp|ucomis|vucomis|comis|prefetch|mul|imul"
                      r"|div|idiv|ret|j|fld|fild|fadd|fmul|endbr|lea|vptest|ptest|fldcw)", name):
            continue
        elif operands.endswith(")") or re.search(r",(%[a-z]s:)?(0x)?[0-9a-f]+$", operands):
            if not re.match(r"(div|mul)", name):
                found[address] = whole
    return found, own, lines


ranges = sorted(functions())
with open(FOLDER + "/ranges", "w") as file:
    for begin, end in ranges:
        file.write(f"{begin:x} {end:x}\n")
# Linked to another address than 0 where it does not move.
if min(begin for begin, _ in ranges) > 0x200000:
    sys.exit("step.py: build it as PIE")
kinds, own, lines = stores()
environment = dict(os.environ, PERDURE_FLIPS=f"file={FOLDER}/profile")
subprocess.run([STEP, FOLDER + "/ranges", FOLDER + "/ran", str(own), PROGRAM] + sys.argv[5:],
               env=environment, check=True)

# Stores, bits set, bits cleared.
seen, counted = [0, 0, 0], [0, 0, 0]
for line in open(FOLDER + "/ran"):
    address, *numbers = line.split()
    times, changed, set_, cleared = map(int, numbers)
    if address not in kinds:
        if changed:
            sys.exit(f"step.py: {lines.get(address, address)} stored")
        continue
    # One that does not find what it expects stores nothing.
    if "cmpxchg" in kinds[address]:
        times = changed
    seen = [seen[0] + times, seen[1] + set_, seen[2] + cleared]
for line in open(FOLDER + "/profile"):
    words = line.rstrip("\n").split("\t")
    if words[0] == "place" and words[1]:
        for i, column in enumerate((5, 8, 9)):
            counted[i] += int(words[column])
print("seen", *seen, "counted", *counted)
sys.exit(seen != counted)

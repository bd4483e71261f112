"""steps.py PROFILE: compares the fields of Inputs/gray.c, as perdure flips show --by
field --json prints them, with what counting to 100,000 flips."""
import json
import sys

STEPS = 100000
# Counting to N in binary flips 2 N minus the ones of N: a bit more each 2, 4, 8... steps.
PLAIN = 2 * STEPS - bin(STEPS).count("1")
ONES = bin(STEPS ^ STEPS >> 1).count("1")

rows = {row["field"]: row for row in json.load(open(sys.argv[1]))["rows"]}


def at_the_store(field):
    return rows["struct root." + field]["set"] + rows["struct root." + field]["cleared"]


def in_the_medium(field):
    return rows["struct root." + field]["cells_set"] + rows["struct root." + field]["cells_cleared"]


# Each step of these is flushed.
for count in (at_the_store, in_the_medium):
    assert count("plain") == PLAIN, count("plain")
    assert count("gray") == STEPS, count("gray")
# Set to 100,000 first, then down to 0.
assert at_the_store("plain_down") == PLAIN + bin(STEPS).count("1")
assert at_the_store("gray_down") == STEPS + ONES
# Many counters, each a bit a step.
assert at_the_store("gray_hits[]") == STEPS
assert at_the_store("plain_hits[]") > 1.8 * STEPS

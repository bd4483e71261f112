"""bytes.py PROFILE MORE: standard input has a function and a number of bytes a line. In
the profile it wrote as many, and MORE, at places that machine code alone does not have."""
import sys

written = {}
with open(sys.argv[1], encoding="utf-8") as profile:
    for line in profile:
        words = line.rstrip("\n").split("\t")
        if words[0] != "place" or words[4].startswith("("):
            continue
        stores, size = int(words[5]), int(words[6])
        count = written.setdefault(words[3], [0, 0])
        count[0] += stores
        count[1] += size
wrong = rows = 0
for line in sys.stdin:
    function, expected = line.split()
    rows += 1
    found = written.get(function, [0, 0])
    if int(expected) == 0:
        right = found[0] > 0
    else:
        right = found[1] == int(expected) + int(sys.argv[2])
    if not right:
        wrong += 1
        print(f"{function}: {found[0]} stores, {found[1]} bytes; not {expected}")
print(f"{rows} functions, {wrong} wrong")

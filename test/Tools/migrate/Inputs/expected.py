"""expected.py SOURCE OUTPUT: fails unless clang-tidy warned in exactly the lines whose
comment names its check; prints how many there are."""
import re
import sys

lines = open(sys.argv[1]).read().splitlines()
expected = {(number, check) for number, line in enumerate(lines, 1)
            for check in re.findall(r"// (perdure-[\w-]+)$", line)}
got = {(int(number), check) for number, check in re.findall(
    r"^\S*%s:(\d+):\d+: warning: .* \[([\w-]+)\]$" % re.escape(sys.argv[1]),
    open(sys.argv[2]).read(), re.M)}
for number, check in sorted(expected - got):
    print("missing: line %d, %s" % (number, check))
for number, check in sorted(got - expected):
    print("not expected: line %d, %s" % (number, check))
print("%d warnings" % len(got))
sys.exit(expected != got)

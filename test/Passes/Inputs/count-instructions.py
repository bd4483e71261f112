"""count-instructions.py FILE NAME=MOST ...

The functions of an assembly file have at most so many instructions, and not fewer
than two less: a budget that is far off is out of date."""
import re
import sys

text = open(sys.argv[1]).read()
for word in sys.argv[2:]:
    name, most = word.split("=")
    body = re.search(rf"^{name}:.*?^\.Lfunc_end", text, re.M | re.S).group(0)
    found = len(re.findall(r"^\t[a-z]", body, re.M))
    if not int(most) - 2 <= found <= int(most):
        sys.exit(f"{name}: {found} instructions, not {most}\n{body}")

"""manual.py PAGE HELP: fails when the man page lacks a command or a long option
that the help text has, or one that begins with -f or -W; prints how many it found."""
import re
import sys

page = open(sys.argv[1]).read()
text = open(sys.argv[2]).read()
commands = set(re.findall(r"^Usage: perdure ([a-z]+(?: [a-z]+)?)", text, re.M))
options = set(re.findall(r"^ +(?:-\w,)?-(-[\w-]+|[fW][\w-]{2,})", text, re.M))
missing = [c for c in commands if not re.search(r"^\.It Cm %s " % c, page, re.M)]
missing += [o for o in options if not re.search(r"Fl %s\b" % re.sub("^-", "Fl ", o), page)]
if missing:
    sys.exit("not in the man page: " + " ".join(sorted(missing)))
print("%d commands, %d options" % (len(commands), len(options)))

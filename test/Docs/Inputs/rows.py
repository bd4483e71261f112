"""rows.py FILE PAGE: fails when PAGE lacks a row of the .def file, or a function of the
header, FILE."""
import html
import re
import sys

text, page = open(sys.argv[1]).read(), open(sys.argv[2]).read()
if sys.argv[1].endswith(".h"):
    names = re.findall(r"^PERDURE_API[^;]*?\b(perdure_\w+)\(", text, re.M)
    parts = re.findall(r"<h2>.*?</h2>", page, re.S)
else:
    names = re.findall(r"^PERDURE_\w+\((?:\d+, )?(\w+),", text, re.M)
    parts = re.findall(r"<td.*?</td>", page, re.S)
there = {html.unescape(re.sub("<[^>]*>|#$", "", p)).strip("# \n") for p in parts}
missing = [name for name in names if name not in there]
if missing or len(names) < 4:
    sys.exit("not on the page: " + " ".join(missing))

"""reports.py SOURCE PROGRAM STORE: runs PROGRAM STORE CASE for every line of
SOURCE that ends in /* CASE: ACCESS | REASON */, and compares the report;
ACCESS may be "this or that"."""
import os
import re
import subprocess
import sys

source, program, store = sys.argv[1:]
emulator = [os.environ[name] for name in ["PERDURE_EMULATOR"] if name in os.environ]
cases = 0
for number, line in enumerate(open(source), 1):
    mark = re.search(r"/\* ([\w-]+): (.*) \| (.*) \*/$", line)
    if not mark:
        continue
    cases += 1
    case, access, reason = mark.groups()
    run = subprocess.run([*emulator, program, store, case], capture_output=True, text=True)
    # Clang names the file relative to the folder that it ran in.
    starts = ["%s:%d: %s at 0x" % (os.path.basename(source), number, one)
              for one in access.split(" or ")]
    lines = run.stderr.splitlines()
    if (
        run.returncode not in (-11, -7)
        or len(lines) != 1 + bool(emulator)  # which says that the program has died
        or not lines[0].startswith("perdure: fault at ")
        or not any(start in lines[0] for start in starts)
        or reason not in lines[0]
    ):
        sys.exit("%s: exit %d, expected '%s ... %s', got\n%s%s"
                 % (case, run.returncode, starts[0], reason, run.stdout, run.stderr))
if not cases:
    sys.exit("no case in " + source)

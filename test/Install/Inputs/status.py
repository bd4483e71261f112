"""status.py STATUS COMMAND...: fails unless the command ends with that status; a signal
counts as its negative number."""
import subprocess
import sys

status = subprocess.run(sys.argv[2:]).returncode
if status != int(sys.argv[1]):
    sys.exit("status %d" % status)

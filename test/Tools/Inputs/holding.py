# holding.py PROGRAM STORE NAME -- COMMAND...: runs COMMAND while PROGRAM has the object
# open for writing.
import subprocess
import sys

at = sys.argv.index('--')
holder = subprocess.Popen(sys.argv[1:at], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
holder.stdout.readline()
subprocess.run(sys.argv[at + 1:])
holder.stdin.close()
holder.wait()

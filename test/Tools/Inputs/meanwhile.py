"""meanwhile.py PROGRAM ARGUMENT... -- COMMAND...: starts the program, runs the
command when that has printed a line, kills the program; the command's status."""
import subprocess
import sys

end = sys.argv.index("--")
program = subprocess.Popen(sys.argv[1:end], stdout=subprocess.PIPE, text=True)
try:
    if program.stdout.readline() != "ready\n":
        sys.exit("the program is not ready")
    status = subprocess.run(sys.argv[end + 1:]).returncode
finally:
    program.kill()
    program.wait()
sys.exit(status)

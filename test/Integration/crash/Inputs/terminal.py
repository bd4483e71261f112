"""terminal.py COLUMNS COMMAND...

Runs COMMAND in a terminal of so many columns. Prints what the terminal shows at the
end, a line each; a line that was drawn and is too long for it, and ends with 1 then.
"""
import fcntl
import os
import pty
import re
import struct
import sys
import termios

columns = int(sys.argv[1])
inside, outside = pty.openpty()
fcntl.ioctl(outside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
child = os.fork()
if child == 0:
    for number in (1, 2):
        os.dup2(outside, number)
    os.execvp(sys.argv[2], sys.argv[2:])
os.close(outside)
written = b""
while True:
    try:
        piece = os.read(inside, 4096)
    except OSError:  # the other end is closed
        break
    if not piece:
        break
    written += piece
os.waitpid(child, 0)
drawn = 0
for line in written.decode().replace("\r\n", "\n").split("\n"):
    parts = [re.sub(r"\033\[K", "", part) for part in line.split("\r")]
    drawn += len(parts) - 1
    for part in parts:
        # Reports may be as long as they are; what is drawn over must fit.
        if len(parts) > 1 and len(part) >= columns:
            print("too long:", part)
            sys.exit(1)
    print(parts[-1])
print("drawn:", "often" if drawn > 1 else drawn)

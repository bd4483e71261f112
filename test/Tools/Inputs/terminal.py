"""terminal.py COMMAND...: runs it on a terminal; prints what it prints there,
the escape character as <ESC>."""
import os
import pty
import sys

os.environ["TERM"] = "xterm"
output = bytearray()


def main():
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        if not data:
            break
        output.extend(data)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    text = output.replace(b"\r\n", b"\n").replace(b"\x1b", b"<ESC>")
    sys.stdout.buffer.write(text)
    sys.exit(status)


main()

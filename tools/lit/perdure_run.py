"""perdure_run.py [--twice | --relocate] PROGRAM [ARGUMENT...]

Runs a program in a new, empty folder, which is removed afterwards: stores that it
opens by relative names are its own. PERDURE_STORE names one there, for programs that
take a path.

--twice     once more in the same folder: the second run finds what the first left
--relocate  the same, with stores mapped at one address and then at another

Ends as the first run that failed did, by its exit status or its signal.
"""
import os
import resource
import signal
import subprocess
import sys
import tempfile

# Neither meets the other, a program, its heap, its libraries or its stack.
WINDOWS = ["0x100000000000", "0x580000000000"]


def run(argv, folder, window):
    environment = dict(os.environ, PERDURE_STORE=os.path.join(folder, "store"))
    if window:
        options = [environment.get("PERDURE_OPTIONS"), "window=" + window]
        environment["PERDURE_OPTIONS"] = ":".join(filter(None, options))
    return subprocess.run(argv, cwd=folder, env=environment).returncode


def main():
    windows = [None]
    argv = sys.argv[1:]
    while argv and argv[0].startswith("--"):
        option = argv.pop(0)
        if option == "--twice":
            windows = [None, None]
        elif option == "--relocate":
            windows = WINDOWS
        else:
            sys.exit("perdure_run: no option '%s'\n\n%s" % (option, __doc__))
    if not argv:
        sys.exit(__doc__)
    if os.path.dirname(argv[0]):
        argv[0] = os.path.abspath(argv[0])
    # A program for another processor, where this is the emulator that runs it.
    if "PERDURE_EMULATOR" in os.environ:
        argv.insert(0, os.environ["PERDURE_EMULATOR"])
    with tempfile.TemporaryDirectory(prefix="perdure-run-") as folder:
        for window in windows:
            try:
                status = run(argv, folder, window)
            except OSError as error:
                sys.exit("perdure_run: cannot run %s: %s" % (argv[0], error.strerror))
            if status:
                break
    if status < 0:  # `not --crash` shall see it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    sys.exit(status)


if __name__ == "__main__":
    main()

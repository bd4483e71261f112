"""Kills a writer at some moment, again and again:
killed_writer.py KVSTORE STORE [TIMES whole]

Afterwards readers and the next writer get in and come to an end. The pairs may
be damaged, when a change was half done; that is then said by `check`. With
`whole` they may not, and nobody may be told of half a change.
"""
import random
import subprocess
import sys
import time

kvstore, store = sys.argv[1:3]
times, whole = (int(sys.argv[3]), True) if sys.argv[3:] else (5, False)
rng = random.Random(1)
commands = "".join(
    "put k%d %s\ndel k%d\n" % (rng.randrange(400), "v" * rng.randrange(300), rng.randrange(400))
    for _ in range(2000)
).encode()


def run(*arguments):
    done = subprocess.run(
        [kvstore, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


for attempt in range(times):
    writer = subprocess.Popen([kvstore, store], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        writer.stdin.write(commands)
        writer.stdin.flush()
    except BrokenPipeError:
        sys.exit("the writer ended by itself: %d" % writer.wait())
    time.sleep(rng.random() / 100)
    writer.kill()
    writer.wait()
    code, said = run(store, "check")
    if whole and (code != 0 or not said.startswith("whole")):
        sys.exit("check: exit %d, %s" % (code, said))
    if code not in (0, 2) or ("whole" if code == 0 else "check 1:") not in said:
        sys.exit("check: exit %d, %s" % (code, said))
    code, said = run(store, "put", "after", str(attempt))
    if code != 0 or (whole and said):
        sys.exit("put: exit %d, %s" % (code, said))
    code, said = run("--read", store, "get", "after")
    if code != 0 or not said.endswith("%d\n" % attempt):
        sys.exit("get: exit %d, %s" % (code, said))

"""One process writes while others look: shared.py KVSTORE STORE TIMES [PREFIX...]

Fills the store, then has a writer change pairs for as long as two readers, each
started as PREFIX... KVSTORE --read, check all pairs TIMES times. Fails when one
sees half a change. Begins again while none has seen the writer's changes, which
is so when it happens not to run meanwhile.
"""
import random
import re
import subprocess
import sys
import threading

kvstore, store, times, *prefix = sys.argv[1:]
rng = random.Random(1)


def change():
    key = "k%d" % rng.randrange(400)
    if rng.random() < 0.3:
        return "del %s\n" % key
    return "put %s %s\n" % (key, "v" * rng.choice([1, 20, 300]))


def run_writer(stop, failure):
    writer = subprocess.Popen(
        [kvstore, store], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    complaints = []
    drain = threading.Thread(target=lambda: complaints.extend(writer.stderr))
    drain.start()
    while not stop.is_set():
        writer.stdin.write("".join(change() for _ in range(50)))
        writer.stdin.flush()
    writer.stdin.close()
    drain.join()
    # A key to be deleted that is not there is no failure.
    serious = [line for line in complaints if "no key '" not in line]
    if writer.wait() > 1 or serious:
        failure.append("writer: exit %d, %s" % (writer.returncode, serious[:3]))


def look(failure):
    """Whether one of two readers at a time has seen the store change."""
    readers = [
        subprocess.Popen(
            [*prefix, kvstore, "--read", store, "check", times],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(2)
    ]
    saw_changes = False
    for reader in readers:
        said = reader.communicate()[0]
        found = re.fullmatch(r"whole: looked %s times, saw (\d+) different states\n" % times, said)
        if found:
            saw_changes |= int(found[1]) > 1
        else:
            failure.append("reader: exit %d, %s" % (reader.returncode, said))
    return saw_changes


subprocess.run(
    [kvstore, store], input="".join("put k%d %d\n" % (i, i) for i in range(400)),
    text=True, check=True,
)
stop, failure = threading.Event(), []
writer = threading.Thread(target=run_writer, args=(stop, failure))
writer.start()
rounds = 1
while not look(failure) and not failure:
    rounds += 1
    if rounds > 50:
        failure.append("no reader has seen the store change")
stop.set()
writer.join()
if failure:
    sys.exit("\n".join(failure))

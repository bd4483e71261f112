"""While one process has the store open for writing, another is refused:
second_writer.py KVSTORE STORE"""
import subprocess
import sys

kvstore, store = sys.argv[1:]
first = subprocess.Popen([kvstore, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
# Its output comes in blocks; this is more than one.
first.stdin.write(b"put key %s\n" % (b"x" * 10000) + b"get key\n" * 20)
first.stdin.flush()
first.stdout.read(1)
second = subprocess.run([kvstore, store, "put", "a", "b"], stderr=subprocess.PIPE, text=True)
reader = subprocess.run([kvstore, store, "get", "key"], stdout=subprocess.PIPE, text=True)
first.communicate()
if second.returncode != 2 or "process %d" % first.pid not in second.stderr:
    sys.exit("second writer: exit %d, %s" % (second.returncode, second.stderr))
if reader.returncode != 0 or reader.stdout != "x" * 10000 + "\n":
    sys.exit("reader: exit %d" % reader.returncode)
if subprocess.call([kvstore, store, "put", "a", "b"]) != 0:
    sys.exit("after the first writer has ended, another is still refused")

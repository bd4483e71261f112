"""Prints kvstore commands over a word list, shuffled the same way each time.

commands.py get|del|numbers WORDLIST; `numbers` prints what `get` will answer.
"""
import random
import sys

what, path = sys.argv[1:]
words = [word for word in open(path, "rb").read().split(b"\n")]
numbered = {word: i + 1 for i, word in enumerate(words) if word}
shuffled = sorted(numbered)
random.Random(1).shuffle(shuffled)
for word in shuffled:
    if what == "numbers":
        line = b"%d" % numbered[word]
    else:
        line = b'%s "%s"' % (what.encode(), word)
    sys.stdout.buffer.write(line + b"\n")

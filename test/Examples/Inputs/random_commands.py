"""Prints random kvstore commands: random_commands.py SEED COUNT all|changes.

Keys come from a set that is small enough for most commands to meet one that
is there; many share their first eight bytes, which the store compares first.
None begins with '.', which makes a pair private from step 4 on.
"""
import random
import sys

seed, count, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rng = random.Random(seed)


def key():
    shape = rng.randrange(4)
    number = rng.randrange(1500)
    if shape == 0:
        return "k%d" % number
    if shape == 1:
        return "samehead%d" % number
    if shape == 2:
        return "x" * (number % 40)
    return chr(33 + number % 90).replace('"', "a").replace("\\", "b").replace("#", "c").replace(".", "d")


def value():
    return "v" * rng.choice([0, 1, 7, 8, 15, 16, 40, 100, 1000]) + str(rng.randrange(100))


# In waves, so that the tree grows and shrinks.
for i in range(count):
    growing = (i // max(1, count // 8)) % 2 == 0
    roll = rng.random()
    if kind == "all" and roll < 0.15:
        print('get "%s"' % key())
    elif kind == "all" and roll < 0.2:
        print('scan "%s" "%s" %d' % (key(), key(), rng.randrange(30)))
    elif kind == "all" and roll < 0.21:
        print('find "%s"' % value())
    elif roll < (0.8 if growing else 0.45):
        print('put "%s" "%s"' % (key(), value()))
    else:
        print('del "%s"' % key())
print("put k1 end")

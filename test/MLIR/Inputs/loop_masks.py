"""loop_masks.py FILE.ll FUNCTION...: fails where a loop of a function masks a pointer to
its slot's base on the way that branch weights call likely."""
import re
import sys

MASK = re.compile(r"= and i64 \S+, -34359738368$", re.M)


def functions(text):
    for found in re.finditer(r"^define [^\n]*@([\w.]+)\([^\n]*\{\n(.*?)^\}", text, re.M | re.S):
        yield found.group(1), found.group(2)


def blocks(body):
    """Name, text and likely successors of each block; the first has no label."""
    parts = re.split(r"(?m)^([\w.$-]+):[^\n]*\n", body)
    named = [("", parts[0])] + list(zip(parts[1::2], parts[2::2]))
    return {name: text for name, text in named if text.strip()}


def likely(block, weights):
    end = block.rstrip().rsplit("\n", 1)[-1]
    to = re.findall(r"label %([\w.$-]+)", end)
    prof = re.search(r"!prof (!\d+)", end)
    odds = weights.get(prof.group(1)) if prof else None
    if not odds or len(odds) != len(to):
        return to
    return [t for t, w in zip(to, odds) if w * 100 > sum(odds)]


def reach(graph, start):
    seen, work = set(), list(graph.get(start, ()))
    while work:
        at = work.pop()
        if at not in seen:
            seen.add(at)
            work += graph.get(at, ())
    return seen


def main():
    with open(sys.argv[1]) as f:
        text = f.read()
    weights = {
        name: [int(n) for n in re.findall(r"i32 (-?\d+)", row)]
        for name, row in re.findall(r'^(!\d+) = !\{!"branch_weights", ([^}]*)\}', text, re.M)
    }
    bodies = dict(functions(text))
    wrong = loops = 0
    for name in sys.argv[2:]:
        parts = blocks(bodies[name])
        graph = {block: likely(body, weights) for block, body in parts.items()}
        first = next(iter(parts))
        for block in reach(graph, first):
            if block not in reach(graph, block):
                continue
            loops += 1
            if MASK.search(parts[block]):
                print("%s: mask in a loop, block %s" % (name, block))
                wrong += 1
    if not loops:
        sys.exit("no loops in " + " ".join(sys.argv[2:]))
    sys.exit(1 if wrong else 0)


main()

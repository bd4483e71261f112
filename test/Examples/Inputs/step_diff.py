"""What a step of the key-value store changed, against what its README shows.

step_diff.py KVSTORE            fails unless every step's README shows the diff
                                to the step before as its first ```diff block
step_diff.py KVSTORE --write    puts it there
"""
import difflib
import os
import re
import sys

BLOCK = re.compile(r"^```diff\n(.*?)^```$", re.M | re.S)


def sources(folder):
    return sorted(f for f in os.listdir(folder) if f.endswith((".c", ".cpp", ".h")))


def lines(path):
    with open(path) as file:
        return file.readlines()


def diff(language, before, after):
    """Of the files that both steps have: new ones are to be read whole."""
    result = []
    for name in sources(os.path.join(language, after)):
        old, new = (os.path.join(step, name) for step in (before, after))
        if os.path.exists(os.path.join(language, old)):
            result += difflib.unified_diff(
                lines(os.path.join(language, old)), lines(os.path.join(language, new)), old, new
            )
    return "".join(result)


def main():
    os.chdir(sys.argv[1])
    checked = 0
    for language in ("c", "cxx"):
        steps = sorted(f for f in os.listdir(language) if re.match(r"\d-", f))
        for before, after in zip(steps, steps[1:]):
            readme = os.path.join(language, after, "README.md")
            with open(readme) as file:
                text = file.read()
            block = "```diff\n%s```" % diff(language, before, after)
            if sys.argv[2:] == ["--write"]:
                with open(readme, "w") as file:
                    file.write(BLOCK.sub(lambda _: block, text, count=1))
            elif BLOCK.search(text)[0] != block:
                sys.exit("%s does not show the diff to %s; it is\n%s" % (readme, before, block))
            checked += 1
    if not checked:
        sys.exit("no steps")


main()

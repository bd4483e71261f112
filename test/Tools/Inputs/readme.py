"""Keeps a README true.

readme.py block FILE LANGUAGE   prints the first code block of that language
readme.py console FILE [TITLE]  runs every ```console block in the current
                                folder: lines "$ command", each followed by
                                exactly what it prints; "..." as a line stands
                                for any lines, and within one for any text.
                                With TITLE only those below "## TITLE"; with
                                -TITLE all others
readme.py links FILE            checks that every relative link leads somewhere
"""
import os
import re
import subprocess
import sys


def blocks(text, language):
    return re.findall(r"^```%s\n(.*?)^```$" % language, text, re.M | re.S)


def commands(block):
    """The (command, expected output) pairs of a console block."""
    result = []
    for line in block.splitlines():
        if line.startswith("$ "):
            result.append((line[2:], []))
        else:
            result[-1][1].append(line)
    return result


def matches(expected, got):
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, got)


def section(text, title):
    """What is below that heading, or with a minus in front all the rest."""
    parts = re.split(r"(?m)^(?=## )", text)
    found = [p for p in parts if p.startswith("## " + title.lstrip("-") + "\n")]
    if len(found) != 1:
        sys.exit("there is no section '%s'" % title.lstrip("-"))
    return "".join(p for p in parts if p is not found[0]) if title[0] == "-" else found[0]


def run_console(text):
    ran = 0
    for block in blocks(text, "console"):
        for command, expected in commands(block):
            done = subprocess.run(
                ["bash", "-c", command], text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
            if not matches(expected, done.stdout):
                sys.exit(
                    "$ %s\nprinted\n%sbut the README says\n%s"
                    % (command, done.stdout, "\n".join(expected))
                )
            ran += 1
    if not ran:
        sys.exit("no commands")


def check_links(text, folder):
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)  # code has brackets too
    missing = [
        link
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text)
        if "://" not in link and not os.path.exists(os.path.join(folder, link))
    ]
    if missing:
        sys.exit("links lead nowhere: " + " ".join(missing))


def main():
    action, path = sys.argv[1:3]
    with open(path) as file:
        text = file.read()
    if action == "block":
        sys.stdout.write(blocks(text, sys.argv[3])[0])
    elif action == "console":
        run_console(section(text, sys.argv[3]) if len(sys.argv) > 3 else text)
    elif action == "links":
        check_links(text, os.path.dirname(path) or ".")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()

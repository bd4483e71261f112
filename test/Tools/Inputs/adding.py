"""Does what a page of docs/ says.

adding.py SOURCE BUILD SCRATCH PAGE [all]

From the first block to the last: one behind "`NAME`:" is written to NAME, one behind
"`NAME`, goes on:" added to it, `sh` blocks are run, and in `console` blocks what follows
"$ " too, which must print what stands below it ("..." stands for any lines, and within a
line for any text) and end with status 0. With `all`, code that is in no file fails, and
so does a file of code that no command names.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import readme

RUN = ("sh", "console")
NO_CODE = ("text",)


def blocks(page):
    """(name, whether it goes on, language, text) of each block."""
    found = re.findall(r"(?:^`([^`\n]+)`(, goes on)?:\n\n)?^```(\w*)\n(.*?)^```$", page, re.M | re.S)
    return [(name, bool(more), kind, text) for name, more, kind, text in found]


class Run:
    def __init__(self, source, build, scratch):
        self.scratch, self.commands = scratch, []
        self.environment = {**os.environ, "PERDURE": str(source),
                            "PATH": f"{build / 'bin'}:{os.environ['PATH']}"}

    def __call__(self, command, expected=None):
        self.commands.append(command)
        result = subprocess.run(["bash", "-ec", command], cwd=self.scratch, env=self.environment,
                                text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        if result.returncode:
            sys.exit(f"{command}\nexit {result.returncode}\n{result.stdout}")
        if expected is not None and not readme.matches(expected, result.stdout):
            wanted = "\n".join(expected)
            sys.exit(f"{command}\nprinted:\n{result.stdout}\nnot:\n{wanted}")


def main():
    source, build, scratch = map(pathlib.Path, sys.argv[1:4])
    everything = sys.argv[5:] == ["all"]
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    run = Run(source, build, scratch)
    files = []
    for name, more, kind, text in blocks((source / "docs" / sys.argv[4]).read_text()):
        if name:
            with open(scratch / name, "a" if more else "w") as file:
                file.write(text)
            files.append(name)
        elif kind == "sh":
            run(text)
        elif kind == "console":
            for command, expected in readme.commands(text):
                run(command, expected)
        elif everything and kind not in NO_CODE:
            sys.exit(f"this block is not run:\n{text}")
    if len(run.commands) < 3:
        sys.exit(f"the page has changed: {len(run.commands)} commands")
    unused = [name for name in files if everything
              and not any(re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", c) for c in run.commands)
              and not name.endswith(".h")]
    if unused:
        sys.exit("no command names " + " ".join(unused))


main()

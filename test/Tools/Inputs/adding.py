"""Does what a page of docs/ says.

adding.py SOURCE BUILD SCRATCH PAGE

Each block behind "`NAME`:" is written to NAME, `sh` blocks are run, and in
`console` blocks what follows "$ " too, which must print what stands below it.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

source, build, scratch = map(pathlib.Path, sys.argv[1:4])
shutil.rmtree(scratch, ignore_errors=True)
scratch.mkdir(parents=True)
environment = {**os.environ, "PERDURE": str(source),
               "PATH": f"{build / 'bin'}:{os.environ['PATH']}"}


def run(command):
    result = subprocess.run(["sh", "-ec", command], cwd=scratch, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        sys.exit(f"{command}\nexit {result.returncode}\n{result.stdout}")
    return result.stdout


page = (source / "docs" / sys.argv[4]).read_text()
commands = []
for name, kind, text in re.findall(r"(?:^`([^`\n]+)`:\n\n)?^```(\w+)\n(.*?)^```$", page,
                                   re.MULTILINE | re.DOTALL):
    if name:
        (scratch / name).write_text(text)
    elif kind == "sh":
        commands.append((text, None))
    elif kind == "console":
        for part in text.split("$ ")[1:]:
            command, _, output = part.partition("\n")
            commands.append((command, output))
if len(commands) < 3:
    sys.exit(f"the page has changed: {len(commands)} commands")
for command, output in commands:
    printed = run(command)
    if output is not None and printed != output:
        sys.exit(f"{command}\nprinted:\n{printed}\nnot:\n{output}")

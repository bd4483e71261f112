"""Compiles and runs the blocks of code that are no whole programs.

fragments.py SOURCE SCRATCH

Each block of C, C++, LLVM IR, SQL or shell in docs/ and README.md that has no file's name
above it is put between the lines that make it a program, below; one that is not there
fails, as does a page with commands that no test runs.
"""
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys

import fragments_list

BLOCK = re.compile(r"(?:^`([^`\n]+)`(?:, goes on)?:\n\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)
CODE = ("c", "cpp", "llvm", "sql", "sh", "mlir", "cmake", "python")
# TableGen writes these; what they show is in test/MLIR.
GENERATED = ("docs/MLIROps.md", "docs/MLIRPasses.md")


def run(command, where):
    done = subprocess.run(command, cwd=where, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit("%s\nexit %d\n%s" % (" ".join(map(str, command)), done.returncode, done.stdout))
    return done.stdout


def do_program(kind, program, where):
    file = "fragment." + kind
    (where / file).write_text(program)
    compiler = "perdure-cc" if kind == "c" else "perdure-c++"
    run([compiler, "-g", "-O2", "-Wall", "-Werror", file, "-o", "fragment"], where)
    run(["./fragment"], where)


def do_sql(base, text):
    """Statements as SQLite's own tables understand them: the virtual ones are run by
    test/Examples and the benches."""
    text = re.sub(r"CREATE VIRTUAL TABLE (\w+) USING perdure\('store', ", r"CREATE TABLE \1 (", text)
    for statement in re.split(r";\s*\n|\n(?=[A-Z])", text.strip()):
        made = re.match(r"CREATE TABLE (\w+)", statement)
        if made:
            base.execute("DROP TABLE IF EXISTS " + made.group(1))
        base.execute(statement, [str(i) for i in range(statement.count("?"))])


def main():
    source, scratch = map(pathlib.Path, sys.argv[1:])
    tests = "".join(t.read_text() for t in (source / "test").rglob("*.test"))
    left = dict(fragments_list.PROGRAMS)
    for page in [source / "README.md", *sorted((source / "docs").rglob("*.md"))]:
        name = str(page.relative_to(source))
        if name in GENERATED:
            continue
        count, commands, base = {}, False, sqlite3.connect(":memory:")
        for file, kind, text in BLOCK.findall(page.read_text()):
            commands = commands or bool(file) or kind == "console"
            if file or kind not in CODE:
                continue
            number = count[kind] = count.get(kind, -1) + 1
            key = (name, kind, number)
            if key not in left:
                sys.exit("%s: nothing runs this block (%s, number %d):\n%s" % (name, kind, number, text))
            how = left.pop(key)
            where = scratch / re.sub(r"\W", "-", "%s-%s-%d" % key)
            shutil.rmtree(where, ignore_errors=True)
            where.mkdir(parents=True)
            if how is fragments_list.ELSEWHERE:
                commands = True
            elif kind == "sql":
                do_sql(base, text)
            elif kind == "llvm":
                (where / "fragment.ll").write_text(text)
                run(["opt", "-passes=verify", "-disable-output", "fragment.ll"], where)
            elif kind == "sh":
                how(source, text)
            else:
                do_program(kind, how(text), where)
        if name.startswith("docs/"):
            fragments_list.benches(source, page.read_text())
        if commands and page.name not in tests:
            sys.exit("%s: no test runs its commands" % name)
    if left:
        sys.exit("there is no such block any more: %s" % sorted(left))


main()

#!/usr/bin/env python3
"""Counts what each step changed in the lines of the step before.

conversions.py             prints the table of README.md, without its ends
conversions.py --check README.md
                           fails unless the table stands there
conversions.py --sites     counts, with perdure-cc and perdure-c++ of PATH,
                           where step 2 translates a pointer: what would be
                           conversions by hand

A new statement counts once, in the first kind of KINDS that fits it, however
many lines it takes; comments and braces count nowhere. What stands in a file's
part "Opening and closing", and in struct kv, which kv_open gives, is of the
kind store.
"""
import difflib
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = sorted(f for f in os.listdir(os.path.join(HERE, "c")) if re.match(r"\d-", f))

KINDS = [
    # Pointers turned into something else, or back; types that the compiler asks for.
    ("conversions", r"perdure_(de|en)code|perdure_offset|perdure::ptr\b|perdure_memmove"
                    r"|_cast<|(?<!sizeof)\((const )?(struct )?(\w|::)+ \*+\)[\w(]|\bu?intptr_t"),
    ("annotations", r"\bPERDURE\b|\bPERDURE_(IN_TRANSACTION|TX_SAFE)\b|\[\[perdure::|perdure::ref\b"),
    ("includes", r"^#include"),
    # Where memory comes from, and functions that are told so.
    ("memory", r"perdure_(alloc|free)|perdure::(make|destroy)|bad_alloc|\btry \{"
               r"|\b(copy_value|make_entry)\(|\bhomes?\b|\((this|old), "),
    ("store", r"perdure_(store_|open|create|close|errormsg)|throw error\("),
]
OTHER = "other"


def statements(path):
    """(statement, is it in the part that opens and closes) without comments."""
    with open(path) as file:
        text = file.read()
    text = re.sub(r"/\*(?!===).*?\*/", "", text, flags=re.S)
    opening = in_handle = False
    result, pending = [], ""
    for line in text.splitlines():
        if "===-" in line:
            opening = "Opening and closing" in line
            continue
        in_handle |= line.startswith("struct kv {")
        pending = (pending + " " + re.sub(r"//.*", "", line).strip()).strip()
        # A statement ends, or goes on in the next line.
        if pending.startswith("#") or re.search(r"[;{}:]$", pending):
            if not re.fullmatch(r"[{};]+", pending):
                result.append((pending, opening or in_handle))
            pending = ""
        in_handle &= not line.startswith("}")
    return result


def kind_of(statement, opening):
    for name, pattern in KINDS:
        if re.search(pattern, statement) and not (opening and name == "memory"):
            return name
    return "store" if opening else OTHER


def files(step):
    return {
        name: os.path.join(step, name)
        for name in sorted(os.listdir(step))
        if name.endswith((".c", ".cpp", ".h"))
    }


def count(before, after):
    counts = dict.fromkeys([name for name, _ in KINDS] + [OTHER, "removed", "files"], 0)
    old_files, new_files = files(before), files(after)
    for name, path in new_files.items():
        new = statements(path)
        old = statements(old_files[name]) if name in old_files else []
        matcher = difflib.SequenceMatcher(None, [s for s, _ in old], [s for s, _ in new], False)
        for op, a, b, c, d in matcher.get_opcodes():
            if op == "equal":
                continue
            counts["removed"] += b - a
            for statement, opening in new[c:d]:
                kind = kind_of(statement, opening)
                if kind == OTHER and not old:
                    kind = "files"
                counts[kind] += 1
    return counts


def table():
    columns = [name for name, _ in KINDS] + [OTHER, "files", "removed"]
    rows = []
    for language in ("c", "cxx"):
        for before, after in zip(STEPS, STEPS[1:]):
            counts = count(*(os.path.join(HERE, language, s) for s in (before, after)))
            rows.append("| %s, %s | %s |" % (
                {"c": "C", "cxx": "C++"}[language], after,
                " | ".join(str(counts[c]) for c in columns)))
    return rows


def sites(compiler, source):
    """Distinct places of the source whose pointers the compiler translates."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.ll")
        subprocess.check_call([compiler, "-g", "-O0", "-Xclang", "-disable-llvm-passes",
                               "-S", "-emit-llvm", source, "-o", out])
        with open(out) as file:
            text = file.read()
    # In Clang's own code a translation is one of these intrinsics.
    calls = re.findall(r"call i64 @llvm\.ptrauth\.(auth|sign|resign)\(.*!dbg (!\d+)", text)
    nodes = dict(re.findall(r"^(!\d+) = (?:distinct )?(!.*)$", text, re.M))

    def field(node, name):
        found = re.search(r"\b%s: \"?([^,)\"]+)" % name, nodes[node])
        return found[1] if found else None

    def file_of(scope):
        while scope:
            if field(scope, "file"):
                return os.path.basename(field(field(scope, "file"), "filename"))
            scope = field(scope, "scope")

    places = {
        (file_of(field(at, "scope")), field(at, "line"), field(at, "column"), verb)
        for verb, at in calls
    }
    ours = set(os.listdir(os.path.dirname(source)))
    counts = {}
    for name, *_ in places:
        if name in ours:
            counts[name] = counts.get(name, 0) + 1
    return counts


def main():
    if sys.argv[1:] == ["--sites"]:
        for compiler, source in (("perdure-cc", "c/2-persistent/kvstore.c"),
                                 ("perdure-c++", "cxx/2-persistent/kvstore.cpp")):
            path = os.path.join(HERE, source)
            for name, number in sorted(sites(compiler, path).items()):
                lines = len(statements(os.path.join(os.path.dirname(path), name)))
                print("%s: %d places in %d statements" % (
                    os.path.join(os.path.dirname(source), name), number, lines))
        return
    rows = table()
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2]) as file:
            shown = file.read()
        missing = [row for row in rows if row + "\n" not in shown]
        if missing:
            sys.exit("the README's table lacks\n" + "\n".join(missing))
    elif len(sys.argv) == 1:
        print("\n".join(rows))
    else:
        sys.exit(__doc__)


main()

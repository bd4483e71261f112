"""How much of a migration perdure-migrate does itself, on Gnulib's containers.

measure.py TOOLS CC SCRATCH [PROGRAM ...]

TOOLS is the folder with perdure-migrate and perdure-cc, CC an ordinary C compiler.
Each program of the table is copied from Debian's package gnulib, compiled and run;
migrated; compiled by perdure-cc; and run again with all it allocates in an object. Exit status and output of its own tests have
to be the same, and a second migration has to change nothing.

Printed for each: lines of code, tests, edits that the tool made, edits by hand, and
decisions that it reports. Two programs are measured at a time. One place that changes
is one edit. By hand counts each call whose memory the tool leaves for a person to place
(code "allocation"), although this test places all of them at once; nothing else has to
be changed. The share is made / (made + by hand).
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys

GNULIB = pathlib.Path("/usr/share/gnulib")
OWN = pathlib.Path(__file__).parent / "gnulib"
XMALLOC = ["xmalloc.c", "ialloc.c"]

# name: (roots, sources of lib/, tests with their arguments, headers, flags)
PROGRAMS = {
    "containers": dict(
        roots=["gl_list_impl", "gl_oset_impl", "gl_omap_impl", "gl_map_impl", "gl_set_impl"],
        sources=["gl_%s.c" % n for n in (
            "list oset omap map set array_list avltree_list rbtree_list linked_list "
            "linkedhash_list avltreehash_list rbtreehash_list array_oset avltree_oset "
            "rbtree_oset array_omap avltree_omap rbtree_omap array_map hash_map "
            "linkedhash_map array_set hash_set linkedhash_set").split()] + XMALLOC,
        tests={"test-%s.c" % n: [[]] for n in (
            "array_list avltree_list rbtree_list linked_list linkedhash_list "
            "avltreehash_list rbtreehash_list array_oset avltree_oset rbtree_oset array_omap "
            "avltree_omap rbtree_omap array_map hash_map linkedhash_map array_set hash_set "
            "linkedhash_set").split()}),
    "hash": dict(
        roots=["hash_table", "ino_map"],
        sources=["hash.c", "hash-pjw.c", "bitrotate.c", "ino-map.c",
                 "uinttostr.c"] + XMALLOC,
        tests={"test-hash.c": [[], ["1"], ["77", "1"]], "test-ino-map.c": [[]]}),
    "hamt": dict(roots=["hamt", "subtrie", "bucket"], sources=["hamt.c", "count-one-bits.c"] + XMALLOC,
                 tests={"test-hamt.c": [[]]}),
    "tsearch": dict(roots=["node_t"], sources=["tsearch.c"], tests={"test-tsearch.c": [[]]}),
    "bitset": dict(
        roots=["bitset_union"],
        sources=["bitset.c", "bitset/array.c", "bitset/list.c", "bitset/table.c",
                 "bitset/vector.c", "bitset/stats.c", "obstack.c", "integer_length.c", "integer_length_l.c"] + XMALLOC,
        tests={"test-bitset.c": [[]]}),
}


def run(command, cwd=None, ok=(0,), environment=None):
    done = subprocess.run(list(map(str, command)), cwd=cwd, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=240,
                          env={**os.environ, **(environment or {})})
    if done.returncode not in ok:
        sys.exit("%s: exit %d\n%s%s" % (" ".join(map(str, command)), done.returncode,
                                        done.stdout[-3000:], done.stderr[-6000:]))
    return done


def copy(program, folder):
    """Its sources, and all headers: those that are not included do not count."""
    shutil.copytree(OWN, folder)
    (folder / "bitset").mkdir()
    for source in program["sources"]:
        shutil.copy(GNULIB / "lib" / source, folder / source)
    for test in program["tests"]:
        shutil.copy(GNULIB / "tests" / test, folder / test)
    for header in [*(GNULIB / "lib").glob("*.h"), *(GNULIB / "tests").glob("*.h")]:
        if ".in." not in header.name and not (folder / header.name).exists():
            shutil.copy(header, folder)
    for header in (GNULIB / "lib/bitset").glob("*.h"):
        shutil.copy(header, folder / "bitset")
    for part in ("anytostr.c", "integer_length.c"):  # which other sources include
        shutil.copy(GNULIB / "lib" / part, folder)


def build(program, folder, compiler, flags, extra):
    """The programs of the tests, by name."""
    flags = ["-std=gnu17", "-O1", "-w", "-I", folder, *flags]
    pool = concurrent.futures.ThreadPoolExecutor(2)

    def compiled(source):
        out = folder / (source.replace("/", "-") + ".o")
        run([*compiler, *flags, "-c", folder / source, "-o", out])
        return out

    sources = [*program["sources"], "die.c", *program["tests"]]
    objects = dict(zip(sources, pool.map(compiled, sources)))
    common = [objects[s] for s in sources if s not in program["tests"]]
    programs = {}
    for test in program["tests"]:
        programs[test] = folder / test.removesuffix(".c")
        run([*compiler, objects[test], *common, *extra, "-o", programs[test]])
    return programs


def lines(program, folder, compiler):
    """Of the files that are its own."""
    seen = set()
    for source in [*program["sources"], *program["tests"]]:
        text = run([*compiler, "-std=gnu17", "-MM", "-I", folder, folder / source]).stdout
        seen |= {f for f in text.replace("\\\n", " ").split()[1:]}
    own = {str(OWN / f.name) for f in OWN.iterdir()}
    return sum(len(pathlib.Path(f).read_text().splitlines()) for f in seen
               if pathlib.Path(f).name not in {pathlib.Path(o).name for o in own})


def measure(name, tools, cc, scratch):
    program, folder = PROGRAMS[name], scratch / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    before, after = folder / "before", folder / "after"
    copy(program, before)
    copy(program, after)
    native = build(program, before, [cc], [], [])
    sources = [*program["sources"], *program["tests"]]
    (after / "compile_commands.json").write_text(json.dumps(
        [dict(directory=str(after), file=s, arguments=["cc", "-std=gnu17", "-I.", "-c", s])
         for s in sources]))
    migrate = [tools / "perdure-migrate", "-p", after, "--transient", "--json"]
    for root in program["roots"]:
        migrate += ["--root", root]
    report = json.loads(run(migrate).stdout)
    again = json.loads(run(migrate).stdout)
    if again["edits"]:
        sys.exit("%s: a second run makes %r" % (name, again["edits"][:3]))
    place = folder / "place.o"
    run([tools / "perdure-cc", "-O1", "-c", OWN / "place.c", "-o", place])
    migrated = build(program, after, [tools / "perdure-cc"], ["-include", OWN / "place.h"],
                     [place])
    blocks = 0
    for test, all_arguments in program["tests"].items():
        for arguments in all_arguments:
            expected = run([native[test], *arguments])
            shutil.rmtree(folder / "store", ignore_errors=True)
            got = run([migrated[test], *arguments],
                      environment={"PLACE": str(folder / "store"),
                                   "PERDURE_OPTIONS": "escape=allow"})
            if got.stdout != expected.stdout:
                sys.exit("%s: the output of %s has changed" % (name, test))
            blocks += int(got.stderr.split()[-2])
    placed = sum(d["code"] == "allocation" for d in again["decisions"])
    made = len(report["edits"])
    text = ("%-10s %5d lines, %2d tests, %3d edits made, %2d calls to place by hand, "
          "%2d other decisions reported, %d blocks in an object: %.1f %%"
          % (name, lines(program, before, [cc]), len(program["tests"]), made, placed,
             len(again["decisions"]) - placed, blocks, 100 * made / (made + placed)))
    return made, placed, text


def main():
    tools, cc, scratch = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda n: measure(n, tools, cc, scratch),
                                sys.argv[4:] or PROGRAMS))
    for _, _, text in results:
        print(text)
    made, hand = sum(r[0] for r in results), sum(r[1] for r in results)
    print("all: %d edits made, %d by hand: %.1f %%" % (made, hand, 100 * made / (made + hand)))


main()

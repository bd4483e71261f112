"""The way of somebody who is new here, in a Debian 12 that has nothing, and how long each
step takes the machine: README, tutorial, a structure of one's own, a crash test of it,
the inspector, the packages.

walk.py SOURCE CHROOT

SOURCE is the folder of the sources, of which what is committed is used. CHROOT is made by
debootstrap if it is not there, and kept; its copy of the sources is made anew. Needs root
and a mirror of Debian.
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SUITES = """deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian bookworm-updates main
deb http://deb.debian.org/debian-security bookworm-security main
"""


def inside(root, command, cwd="/root"):
    """Runs it in the chroot; what it prints, or the end of the walk."""
    done = subprocess.run(
        ["chroot", root, "/usr/bin/env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
         "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "bash", "-ec", f"cd {cwd}\n{command}"],
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{command}\nexit {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


@contextlib.contextmanager
def mounted(root):
    mounts = [["-t", "proc", "proc", root / "proc"], ["--bind", "/dev", root / "dev"],
              ["-t", "tmpfs", "tmpfs", root / "dev/shm"]]
    made = []
    try:
        for mount in mounts:
            subprocess.check_call(["mount", *map(str, mount)])
            made.append(mount[-1])
        yield
    finally:
        for point in reversed(made):
            subprocess.call(["umount", "-l", str(point)])


def steps(root, source):
    """(what, what does it, which returns what there is to show)."""
    def bare():
        (root / "etc/apt/sources.list").write_text(SUITES)
        inside(root, "apt-get -q update; apt-get -qy install --no-install-recommends git ca-certificates")
        shutil.rmtree(root / "root/perdure", ignore_errors=True)
        subprocess.check_call(["git", "clone", "-q", str(source), str(root / "root/perdure")])
        inside(root, "rm -rf own tutorial store; git config --global --add safe.directory /root/perdure")
        return inside(root, "dpkg -l | grep -c ^ii").strip() + " packages there"

    def demo():
        return inside(root, "./demo", "/root/perdure").splitlines()[-1]

    def readme():
        return inside(root, "/usr/lib/llvm-22/bin/lit -q test/Tools --filter readme && echo done as it says",
                      "/root/perdure/build").splitlines()[-1]

    def tutorial():
        return inside(root, "python3 test/Tools/Inputs/adding.py $PWD $PWD/build /root/tutorial Tutorial.md all"
                      " && echo done as it says", "/root/perdure").splitlines()[-1]

    def own():
        shutil.copytree(HERE, root / "root/own")
        text = "export PATH=/root/perdure/build/bin:$PATH\nperdure-cc -Wall -Werror -g -O2 words.c -o words\n"
        inside(root, text + "./words to be or not to be > first; diff first - <<< $'2 be\n1 not\n1 or\n2 to'",
               "/root/own")
        return inside(root, "./words that is the question | tr '\\n' ' '", "/root/own")

    def crash():
        return inside(root, "export PATH=/root/perdure/build/bin:$PATH\n"
                      "perdure-cc -g -O2 -fperdure-trace words.c -o words-traced\n"
                      "perdure-cc -g -O2 check.c -o check\n"
                      "perdure crash --budget 1000 --serve --check $PWD/check -- $PWD/words-traced to be or not to be"
                      " | tail -n 1\n"
                      "sed 's/^PERDURE_TRANSACTION static void add/static void add/' words.c > careless.c\n"
                      "perdure-cc -g -O2 -fperdure-trace careless.c -o careless\n"
                      "! perdure crash --budget 1000 --failures 1 --serve --check $PWD/check -- $PWD/careless to be"
                      " > found && grep -m 1 failure found", "/root/own")

    def inspect():
        return inside(root, "export PATH=/root/perdure/build/bin:$PATH\n"
                      "perdure show texts words .root.text\n"
                      "perdure dump texts words > words.json\n"
                      "perdure load texts copy < words.json > /dev/null && perdure diff texts words texts copy\n"
                      "perdure graph texts words > words.dot && grep -c -- '->' words.dot\n"
                      "perdure fsck texts > /dev/null && echo sound", "/root/own")

    def package():
        inside(root, "cpack --config CPackConfig.cmake -B /root/packages", "/root/perdure/build")
        inside(root, "apt-get -qy install --no-install-recommends /root/packages/*.deb")
        inside(root, "perdure-cc -g -O2 words.c -o packaged && ldd packaged | grep -qE 'libperdure.so.1 => (/usr)?/lib/'"
               " && ./words > by-tree && ./packaged | diff by-tree -", "/root/own")
        inside(root, "clang-22 words.c -o by-pkg-config $(pkg-config --cflags --libs perdure)"
               " && ./by-pkg-config | diff by-tree -", "/root/own")
        names = inside(root, "cd /root/packages; for p in *.deb; do dpkg-deb -f $p Package; done").split()
        inside(root, "apt-get -qy purge " + " ".join(names))
        left = inside(root, "find / -xdev -name '*perdure*' -not -path '/root/*' -not -path '/proc/*'"
                      " -not -path '/var/log/*' -not -path '/tmp/*'").split()
        if left:
            sys.exit("left behind: " + " ".join(left))
        return "%s: installed, used, purged; nothing is left" % ", ".join(names)

    return [("a bare Debian 12 with git, and a clone", bare), ("README: ./demo, installs and builds", demo),
            ("README: its examples", readme), ("the tutorial", tutorial),
            ("a structure of one's own, two runs", own), ("a crash test of it, and one that fails", crash),
            ("the inspector", inspect), ("the packages", package)]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    source, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    if os.geteuid():
        sys.exit("walk.py: only root can make a chroot")
    if not (root / "etc/debian_version").exists():
        print("debootstrap", flush=True)
        subprocess.check_call(["debootstrap", "--variant=minbase", "bookworm", str(root),
                               "http://deb.debian.org/debian"], stdout=subprocess.DEVNULL)
    with mounted(root):
        all_of_it = 0
        for what, do in steps(root, source):
            start = time.monotonic()
            shown = do()
            took = time.monotonic() - start
            all_of_it += took
            print("%6.1f s  %s" % (took, what), *["          " + l for l in shown.strip().splitlines()],
                  sep="\n", flush=True)
        print("%6.1f s  all" % all_of_it)


main()

"""What every bench needs: its packages, its build, a directory, the machine."""

import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

Bench = pathlib.Path(__file__).resolve().parent.parent
Source = Bench.parent


def stop(Why):
    sys.exit(f"bench/run: {Why}")


def install():
    """As ./check does for packages.txt."""
    Wanted = [L.strip() for L in (Bench / "packages.txt").read_text().splitlines()]
    Missing = []
    for Package in Wanted:
        if not Package or Package.startswith("#"):
            continue
        State = subprocess.run(["dpkg-query", "-W", "-f=${db:Status-Abbrev}", Package],
                               capture_output=True, text=True).stdout
        if State[1:2] != "i":
            Missing.append(Package)
    if not Missing:
        return
    if os.geteuid() != 0:
        stop(f"these packages are missing, and only root can install them: {' '.join(Missing)}\n"
             f"First run: sudo apt-get install {' '.join(Missing)}")
    print("Installing", *Missing, flush=True)
    Environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run(["apt-get", "update"], capture_output=True, env=Environment)
    Result = subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *Missing],
                            capture_output=True, text=True, env=Environment)
    if Result.returncode:
        stop(f"apt-get could not install {' '.join(Missing)}:\n{Result.stdout}{Result.stderr}")


def run(Command, **More):
    """The output; the bench ends where the command fails."""
    if os.sep in str(Command[0]) and not pathlib.Path(Command[0]).exists():
        stop(f"there is no {Command[0]}: run without --no-build")
    Result = subprocess.run([str(C) for C in Command], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **More)
    if Result.returncode:
        stop(f"failed with {Result.returncode}: {' '.join(map(str, Command))}\n"
             f"{Result.stdout[-4000:]}{Result.stderr[-4000:]}")
    return Result.stdout


def build(Build, Targets):
    Cache = Build / "CMakeCache.txt"
    if not Cache.exists() or "benchmark_DIR:PATH=/" not in Cache.read_text():
        run(["cmake", "--preset", "default", "-B", Build], cwd=Source)
    Command = ["cmake", "--build", str(Build), "--target", *Targets]
    Result = subprocess.run(Command, cwd=Source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True)
    if Result.returncode and "unknown target" in Result.stdout:
        run(["cmake", "--preset", "default", "-B", Build], cwd=Source) # packages are there now
        run(Command, cwd=Source)
    elif Result.returncode:
        stop(f"failed: {' '.join(Command)}\n{Result.stdout}")


def directory():
    """Where all that is persistent keeps its files: in memory, where that is
    large enough."""
    Memory = pathlib.Path("/dev/shm")
    if "PERDURE_BENCH_DIR" in os.environ:
        return os.environ["PERDURE_BENCH_DIR"]
    if Memory.is_dir():
        Room = os.statvfs(Memory)
        if Room.f_bavail * Room.f_frsize >= 1 << 30:
            return str(Memory)
    return tempfile.gettempdir()


def fileSystem(Path):
    """Its type, as "tmpfs" or "ext2/ext3"."""
    return subprocess.run(["stat", "-f", "-c", "%T", str(Path)], capture_output=True,
                          text=True).stdout.strip()


def availableMemory():
    """Bytes that programs can have without swapping; None where the system does not tell."""
    for Line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if Line.startswith("MemAvailable:"):
            return int(Line.split()[1]) << 10
    return None


def processor():
    for Line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if Line.startswith("model name"):
            return Line.split(":", 1)[1].strip()
    return platform.machine()


def caches():
    """Bytes of the caches of processor 0 by level, of data; where the system
    does not tell, those of a common machine."""
    Found = {1: 32 << 10, 2: 512 << 10, 3: 32 << 20}
    for Index in pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            if (Index / "type").read_text().strip() == "Instruction":
                continue
            Size = (Index / "size").read_text().strip()
            Found[int((Index / "level").read_text())] = \
                int(Size[:-1]) << {"K": 10, "M": 20}[Size[-1]]
        except (OSError, ValueError, KeyError):
            pass
    return Found


def machine():
    return {"date": time.strftime("%Y-%m-%d"), "processor": processor(), "cores": os.cpu_count(),
            "caches": caches(), "directory": directory(), "system": platform.release()}


def grid(Lines):
    """A table in Markdown; the first line is its head, the first column its
    names."""
    Widths = [max(len(L[I]) for L in Lines) for I in range(len(Lines[0]))]
    Lines = [Lines[0], ["-" * W for W in Widths], *Lines[1:]]
    return "\n".join("| " + " | ".join(C.ljust(W) if I == 0 else C.rjust(W)
                                       for I, (C, W) in enumerate(zip(L, Widths))) + " |"
                     for L in Lines)


def form(Nanoseconds):
    return f"{Nanoseconds:,.1f}" if Nanoseconds < 1000 else f"{Nanoseconds:,.0f}"

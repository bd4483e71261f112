# How lit runs the tests. test/README.md explains the substitutions.
import os
import shutil
import subprocess
import sys
from resource import RLIM_INFINITY, RLIMIT_CORE, getrlimit

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, os.path.join(config.perdure_source, "tools", "lit"))
import perdure_lit
import perdure_run
from blanks import PerdureTest, without_blanks

config.name = "Perdure"
config.test_format = PerdureTest(execute_external=False)
config.suffixes = [".c", ".cpp", ".ll", ".mlir", ".test"]
config.excludes = ["Inputs", "unit", "fuzz"]
config.test_source_root = os.path.dirname(__file__)

try:
    import psutil  # lit's time limit needs it

    # For what hangs: the longest test, crash/explore.test, took 196 seconds alone and
    # more than 300 beside others where a system call takes a microsecond.
    lit_config.maxIndividualTestTime = 1200 if config.perdure_sanitize else 900
except ImportError:
    lit_config.warning("no time limits: python3-psutil is missing")

build = without_blanks(config.perdure_build)
source = without_blanks(config.perdure_source)
bin_dir = os.path.join(build, "bin")
lib_dir = os.path.join(build, "lib")

config.environment["LC_ALL"] = "C"
for name in ("PERDURE_CLANG", "PERDURE_PREFIX"):
    config.environment.pop(name, None)
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

sanitize = []
if config.perdure_sanitize:
    sanitize = ["-fsanitize=" + config.perdure_sanitize, "-g"]
    config.available_features.add("sanitized")
    if config.perdure_sanitize == "undefined":
        sanitize.append("-fno-sanitize-recover=all")

# For another machine: what its compiler and its programs need. Slots are small,
# as the emulator's window is.
target, emulator = [], []
tools_dir = bin_dir
if config.perdure_emulator:
    target = ["--config=" + os.path.join(build, "target.cfg"), "-fperdure-slot-bits=30"]
    emulator = [config.perdure_emulator]
    # For scripts that run what a test has built.
    config.environment["PERDURE_EMULATOR"] = config.perdure_emulator
    # 32 GiB: the more it is, the longer qemu takes to start.
    config.environment["QEMU_RESERVED_VA"] = "0x800000000"
    # Tools of this machine look at what programs for the other leave.
    tools_dir = os.path.join(config.perdure_host, "bin")

# What users have too: the drivers, %perdure_run, %store.
perdure_lit.configure(
    config,
    lit_config,
    flags=[*target, *sanitize],
    bin_dir=bin_dir,
    tools_dir=tools_dir,
    llvm_bin=config.perdure_llvm_bin,
    processor=config.perdure_processor,
)


def substitute(name, *words):
    perdure_lit.substitute(config, name, *words)


plugin = "-fplugin=" + os.path.join(lib_dir, "PerdureClang.so")
include = "-I" + os.path.join(source, "include")
resource = os.path.join(config.perdure_resource_dir, "include")

substitute("%clang", config.perdure_c_compiler, *target[:1], plugin, include)
substitute("%clangxx", config.perdure_cxx_compiler, *target[:1], plugin, include)
substitute(
    "%clang_cc1",
    *[config.perdure_c_compiler, "-cc1", "-triple", "x86_64-unknown-linux-gnu"],
    *["-load", os.path.join(lib_dir, "PerdureClang.so")],
    *["-internal-isystem", resource, include],
)
substitute(
    "%opt",
    os.path.join(config.perdure_llvm_bin, "opt"),
    "-load-pass-plugin=" + os.path.join(lib_dir, "PerdurePasses.so"),
)
substitute("%llc", os.path.join(config.perdure_llvm_bin, "llc"))
substitute("%clang_tidy", os.path.join(config.perdure_llvm_bin, "clang-tidy"))
substitute("%python", sys.executable)
substitute("%gdb", config.perdure_gdb or "gdb", "-nx", "-batch")
lldb = os.path.join(config.perdure_llvm_bin, "lldb")
substitute("%lldb", lldb, "--no-lldbinit", "-b")
substitute("%cmake", config.perdure_cmake)
substitute("%lit", sys.executable, os.path.join(config.perdure_llvm_bin, "lit"))
substitute("%cc", config.perdure_c_compiler, *target[:1])
substitute("%cxx", config.perdure_cxx_compiler, *target[:1])
substitute("%source", source)
substitute("%build", build)
substitute("%lib", lib_dir)
substitute("%include", os.path.join(source, "include"))
substitute("%examples", os.path.join(source, "examples"))
substitute("%libpkv", os.path.join(lib_dir, "libpkv.a"))
substitute("%libpkv_traced", os.path.join(lib_dir, "libpkv-traced.a"))
substitute("%kvstore", os.path.join(source, "examples", "kvstore"))

# Programs run as they are; those of another machine by its emulator.
substitute("%run", *emulator)

# Two windows that meet neither each other nor a program, its heap, its
# libraries or its stack. ASan has its shadow where the low one would lie.
low, high = perdure_run.WINDOWS
if config.perdure_sanitize == "address":
    low = "0x200000000000"
if emulator: # which has few addresses
    low, high = "0x200000000", "0x400000000"
substitute("%window_low", "env", "PERDURE_OPTIONS=window=" + low)
substitute("%window_high", "env", "PERDURE_OPTIONS=window=" + high)

# What this machine has.
def feature(name, *paths):
    if any(os.path.exists(path) for path in paths):
        config.available_features.add(name)


def runtime_library(name):
    return os.path.join(
        config.perdure_resource_dir, "lib", "linux",
        "libclang_rt.%s-%s.a" % (name, config.perdure_processor),
    )


feature("asan", runtime_library("asan"))
feature("tsan", runtime_library("tsan"))
feature("msan", runtime_library("msan"))
feature("ubsan", runtime_library("ubsan_standalone"))
feature("uthash", "/usr/include/uthash.h")
feature("libbsd", "/usr/include/bsd/sys/queue.h")
feature("boost-container", "/usr/include/boost/container/vector.hpp")
feature("lld", os.path.join(config.perdure_llvm_bin, "ld.lld"))
feature("gnulib", "/usr/share/gnulib/lib/hamt.c")
feature("clang-tidy", os.path.join(config.perdure_llvm_bin, "clang-tidy"))
feature("gdb", config.perdure_gdb or "/nonexistent")
feature("lldb", lldb)
feature("clangd", os.path.join(config.perdure_llvm_bin, "clangd"))
feature("clang-tidy", os.path.join(config.perdure_llvm_bin, "clang-tidy"))
feature("words", "/usr/share/dict/words")
feature("gcc", "/usr/bin/gcc")
feature("valgrind", "/usr/bin/valgrind")
feature("chromium", "/usr/bin/chromium")
feature("sqlite", "/usr/include/sqlite3ext.h")
feature("boost-interprocess", "/usr/include/boost/interprocess/managed_mapped_file.hpp")
feature("lmdb", "/usr/include/lmdb.h")
feature("pmemobj", "/usr/include/libpmemobj.h")
feature("sphinx", "/usr/lib/python3/dist-packages/myst_parser/__init__.py")

# Where core files lie beside the program that died, and may be long.
try:
    with open("/proc/sys/kernel/core_pattern") as pattern:
        if not pattern.read().startswith(("|", "/")) and (
            getrlimit(RLIMIT_CORE)[1] == RLIM_INFINITY
        ):
            config.available_features.add("kernel-cores")
except OSError:
    pass

# Tests of rights play a second user, who has to reach the build tree.
if os.geteuid() == 0 and shutil.which("setpriv"):
    as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    if not subprocess.call([*as_nobody, "test", "-r", os.path.join(lib_dir, "libperdure.so")]):
        config.available_features.add("two-users")
        substitute("%as_nobody", *as_nobody)

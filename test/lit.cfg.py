# How lit runs the tests. test/README.md explains the substitutions.
import os
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
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

# FileCheck, not, count, opt, llc, split-file, llvm-* by their plain names.
config.environment["PATH"] = os.pathsep.join(
    [config.perdure_llvm_bin, bin_dir, config.environment["PATH"]]
)
config.environment["LC_ALL"] = "C"
# A run inside a test starts from the defaults, whatever the caller's are.
for name in ("PERDURE_OPTIONS", "PERDURE_CLANG"):
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


def command(*words):
    return " ".join(shlex.quote(word) for word in words)


def substitute(name, *words):
    # lit replaces by regular expression: a name must not match a longer one.
    config.substitutions.append((name + r"(?![A-Za-z0-9_])", command(*words)))


plugin = "-fplugin=" + os.path.join(lib_dir, "PerdureClang.so")
include = "-I" + os.path.join(source, "include")
resource = os.path.join(config.perdure_resource_dir, "include")

substitute("%perdure_cc", os.path.join(bin_dir, "perdure-cc"), *sanitize)
substitute("%perdure_cxx", os.path.join(bin_dir, "perdure-c++"), *sanitize)
substitute("%clang", config.perdure_c_compiler, plugin, include)
substitute("%clangxx", config.perdure_cxx_compiler, plugin, include)
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
substitute("%cmake", config.perdure_cmake)
substitute("%cc", config.perdure_c_compiler)
substitute("%cxx", config.perdure_cxx_compiler)
substitute("%source", source)
substitute("%build", build)
substitute("%lib", lib_dir)
substitute("%include", os.path.join(source, "include"))
substitute("%examples", os.path.join(source, "examples"))
substitute("%libpkv", os.path.join(lib_dir, "libpkv.a"))
substitute("%libpkv_traced", os.path.join(lib_dir, "libpkv-traced.a"))
substitute("%kvstore", os.path.join(source, "examples", "kvstore"))

# Programs run as they are; a target that needs a wrapper puts it here.
config.substitutions.append((r"%run(?![A-Za-z0-9_])", ""))
config.substitutions.append((r"%store(?![A-Za-z0-9_])", "%t.store"))

# Two windows that meet neither each other nor a program, its heap, its
# libraries or its stack. ASan has its shadow where the low one would lie.
low, high = "0x100000000000", "0x580000000000"
if config.perdure_sanitize == "address":
    low = "0x200000000000"
substitute("%window_low", "env", "PERDURE_OPTIONS=window=" + low)
substitute("%window_high", "env", "PERDURE_OPTIONS=window=" + high)

# What this machine has.
def feature(name, *paths):
    if any(os.path.exists(path) for path in paths):
        config.available_features.add(name)


def runtime_library(name):
    return os.path.join(
        config.perdure_resource_dir, "lib", "linux", "libclang_rt.%s-x86_64.a" % name
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
feature("words", "/usr/share/dict/words")
feature("gcc", "/usr/bin/gcc")
feature("valgrind", "/usr/bin/valgrind")
feature("chromium", "/usr/bin/chromium")
feature("sqlite", "/usr/include/sqlite3ext.h")

# Tests of rights play a second user, who has to reach the build tree.
if os.geteuid() == 0 and shutil.which("setpriv"):
    as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    if not subprocess.call([*as_nobody, "test", "-r", os.path.join(lib_dir, "libperdure.so")]):
        config.available_features.add("two-users")
        substitute("%as_nobody", *as_nobody)

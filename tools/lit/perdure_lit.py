"""For lit: what tests over annotated code need. docs/ContinuousIntegration.md.

In a lit.cfg.py, `perdure-cc --perdure-lit` printing this file's folder:

    import subprocess, sys
    sys.path.append(subprocess.check_output(["perdure-cc", "--perdure-lit"], text=True).strip())
    import perdure_lit
    perdure_lit.configure(config, lit_config)
"""
import os
import platform
import shlex
import shutil
import sys

import lit.formats

HERE = os.path.dirname(os.path.abspath(__file__))


def command(*words):
    return " ".join(shlex.quote(word) for word in words)


def substitute(config, name, *words):
    # lit replaces by regular expression: a name must not match a longer one.
    config.substitutions.append((name + r"(?![A-Za-z0-9_])", command(*words)))


def find_bin(lit_config):
    """The folder of perdure-cc: that of PERDURE_PREFIX, else that of this file's
    installation, else what PATH leads to."""
    prefix = os.environ.get("PERDURE_PREFIX")
    if prefix:
        places = [os.path.join(prefix, "bin")]
    else:
        on_path = shutil.which("perdure-cc")
        places = [os.path.normpath(os.path.join(HERE, "..", "..", "..", "bin"))]
        places += [os.path.dirname(on_path)] if on_path else []
    for place in places:
        if os.access(os.path.join(place, "perdure-cc"), os.X_OK):
            return os.path.realpath(place)
    lit_config.fatal(
        "no perdure-cc in %s: install Perdure, or set PERDURE_PREFIX to the folder that "
        "it was installed into" % " or ".join(places)
    )


def find_llvm_bin(lit_config):
    """Where FileCheck, not and split-file lie: beside the clang that is used."""
    clang = os.environ.get("PERDURE_CLANG") or "clang-22"
    path = shutil.which(clang)
    if not path:
        lit_config.fatal("no '%s' on PATH: install Debian's package clang-22" % clang)
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.exists(os.path.join(folder, "FileCheck")):
        lit_config.fatal("no FileCheck in %s: install Debian's package llvm-22-tools" % folder)
    return folder


def configure(config, lit_config, flags=(), bin_dir=None, llvm_bin=None, tools_dir=None,
              processor=None):
    """The substitutions, and what else is not set yet. flags: for each call of the
    drivers. bin_dir, llvm_bin: where those and LLVM's tools lie; tools_dir, where
    perdure does, if elsewhere. processor: if not that of this machine."""
    bin_dir = bin_dir or find_bin(lit_config)
    llvm_bin = llvm_bin or find_llvm_bin(lit_config)
    if config.name == "<unnamed>":
        config.name = "perdure"
    config.test_format = config.test_format or lit.formats.ShTest(execute_external=False)
    config.suffixes = config.suffixes or [".c", ".cpp", ".test"]
    config.excludes = config.excludes or ["Inputs"]
    # FileCheck, not and perdure by their plain names.
    config.environment["PATH"] = os.pathsep.join(
        [llvm_bin, tools_dir or bin_dir, config.environment["PATH"]]
    )
    # A run inside a test starts from the defaults, whatever the caller's are.
    config.environment.pop("PERDURE_OPTIONS", None)
    substitute(config, "%perdure_cc", os.path.join(bin_dir, "perdure-cc"), *flags)
    substitute(config, "%perdure_cxx", os.path.join(bin_dir, "perdure-c++"), *flags)
    substitute(config, "%perdure_run", sys.executable, os.path.join(HERE, "perdure_run.py"))
    config.substitutions.append((r"%store(?![A-Za-z0-9_])", "%t.store"))
    config.available_features.add(processor or platform.machine())

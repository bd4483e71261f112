"""What the tests of the benches run: one bench, in its smallest mode."""

import json
import pathlib
import subprocess
import sys
import tempfile
import types
import xml.etree.ElementTree

Here = pathlib.Path(__file__).resolve().parent


def run(Name, Build, *More):
    """What it told, what it wrote as JSON, its page, and its plots, which have
    been parsed. Ends the test if it fails."""
    with tempfile.TemporaryDirectory() as Dir:
        File = pathlib.Path(Dir) / "result.json"
        Told = subprocess.run([Here / "run", Name, "--quick", "--smoke", "--build", Build, "--json",
                               File, "--plot", Dir, *More], stdout=subprocess.PIPE, text=True)
        if Told.returncode:
            sys.exit(f"{Name}: the bench failed")
        Svgs = list(pathlib.Path(Dir).glob("*.svg"))
        for Svg in Svgs:
            xml.etree.ElementTree.parse(Svg)
        return types.SimpleNamespace(
            told=Told.stdout, result=json.loads(File.read_text()),
            page=(pathlib.Path(Dir) / f"{Name}.html").read_text(), svgs=Svgs)

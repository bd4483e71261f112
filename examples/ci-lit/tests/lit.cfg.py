import os
import subprocess
import sys

config.name = "jobs"
config.test_source_root = os.path.dirname(__file__)
source = os.path.dirname(config.test_source_root)
build = lit_config.params.get("build", os.path.join(source, "build"))
config.test_exec_root = os.path.join(build, "tests")

# CMake knows where Perdure is; by hand, the perdure-cc on PATH does.
sys.path.append(
    lit_config.params.get("perdure_lit")
    or subprocess.check_output(["perdure-cc", "--perdure-lit"], text=True).strip()
)
import perdure_lit

perdure_lit.configure(config, lit_config)
config.substitutions.append(("%src", os.path.join(source, "src")))
config.substitutions.append(("%jobs", os.path.join(build, "jobs")))

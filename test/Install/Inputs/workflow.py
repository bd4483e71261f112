"""workflow.py FILE STEP...: runs the shell commands of those steps of a GitHub Actions
workflow, as GitHub would; fails when one is missing or fails."""
import subprocess
import sys

import yaml

path, *wanted = sys.argv[1:]
workflow = yaml.safe_load(open(path))
(job,) = workflow["jobs"].values()
# YAML reads the key `on` as a truth value.
assert workflow[True] == ["push", "pull_request"], workflow.keys()
assert job["runs-on"] and job["container"] == "debian:12", job
steps = {step["name"]: step["run"] for step in job["steps"] if "run" in step}
unknown = set(wanted) - set(steps)
if unknown:
    sys.exit("%s: no step called %s" % (path, ", ".join(sorted(unknown))))
for name in wanted:
    print("==", name, flush=True)
    subprocess.run(["bash", "-e", "-o", "pipefail", "-c", steps[name]], check=True)

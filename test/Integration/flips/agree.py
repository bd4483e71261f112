"""agree.py PERDURE PROGRAM FOLDER

Records PROGRAM, which is given a store in FOLDER and prints how many bits of its
objects it has set and cleared, in a profile, and compares. The runtime's are not in it."""
import json
import shutil
import subprocess
import sys

perdure, program, folder = sys.argv[1:]
shutil.rmtree(folder, ignore_errors=True)
run = subprocess.run([perdure, "flips", "run", "-o", folder + ".flips", "--", program, folder],
                     capture_output=True, text=True, check=True)
shown = subprocess.run([perdure, "flips", "show", "--json", "--by", "part", folder + ".flips"],
                       capture_output=True, text=True, check=True)
counts = next(row for row in json.loads(shown.stdout)["rows"] if row["part"] == "program")
counted = [counts["set"], counts["cleared"]]
expected = [int(word) for word in run.stdout.split()]
if counted != expected or min(expected) < 1000:
    print(json.loads(shown.stdout)["rows"])
    sys.exit(f"{program}: it has set and cleared {expected}, the profile says {counted}")

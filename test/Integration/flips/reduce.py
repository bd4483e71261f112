"""reduce.py PERDURE BEFORE AFTER FOLDER COUNTER FRACTION

Records two builds of one program, each given a store in FOLDER. Both have to print
the same, and AFTER's COUNTER is to be at most FRACTION of BEFORE's. Of the program's
own stores: the runtime writes random IDs."""
import json
import shutil
import subprocess
import sys

perdure, before, after, folder, counter, fraction = sys.argv[1:]


def measure(program):
    shutil.rmtree(folder, ignore_errors=True)
    profile = folder + ".flips"
    run = subprocess.run([perdure, "flips", "run", "-o", profile, "--", program, folder],
                         capture_output=True, text=True, check=True)
    shown = subprocess.run([perdure, "flips", "show", "--json", "--by", "part", profile],
                           capture_output=True, text=True, check=True)
    return run.stdout, next(row for row in json.loads(shown.stdout)["rows"]
                            if row["part"] == "program")


(said, old), (says, new) = measure(before), measure(after)
if not said or said != says:
    sys.exit(f"{after} prints\n{says}\nand {before}\n{said}")
# More than noise; and no policy may cost flips.
if old[counter] < 100 or new[counter] > float(fraction) * old[counter]:
    sys.exit(f"{counter}: {old[counter]} before, {new[counter]} after")
if new["set"] + new["cleared"] > old["set"] + old["cleared"]:
    sys.exit(f"flips: {old} before, {new} after")
print(counter, old[counter], new[counter])

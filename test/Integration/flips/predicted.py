"""predicted.py PERDURE PROFILE AFTER FIELD POLICY

What PROFILE, recorded with --advise, says that stores to FIELD flip and would flip under
POLICY is what they flip in PROFILE, and in AFTER, where the policy was followed."""
import json
import subprocess
import sys

perdure, before, after, field, policy = sys.argv[1:]


def ask(*words):
    return json.loads(subprocess.run([perdure, "flips", *words, "--json"], capture_output=True,
                                     text=True, check=True).stdout)


def counted(profile):
    row = next(row for row in ask("show", "--by", "field", profile)["rows"]
               if row["field"] == field)
    return row["set"] + row["cleared"]


advice = next(row for row in ask("advise", "--all", before)["advice"]
              if row["field"] == field and row["policy"] == policy)
said, found = (advice["now"], advice["under"]), (counted(before), counted(after))
if said != found or found[0] < 1000 or found[0] == found[1]:
    sys.exit(f"{field}, {policy}: said {said}, counted {found}")

"""same_code.py PLAIN COUNTED: two files of assembly. The second, without the sequences
that -fperdure-flips=all has put in, is to have the functions of the first."""
import re
import sys

OWN = re.compile(r"perdure\.flips\.")


def functions(path):
    found, name, inserted = {}, None, None
    for line in open(path):
        text = re.sub(r"\s*#(?! ?(APP|NO_APP)).*", "", line).strip()
        if text == "#APP":
            inserted = []
        elif text == "#NO_APP":
            if not any("__perdure_flips_event" in each for each in inserted) and name:
                found[name] += inserted
            inserted = None
        elif inserted is not None:
            inserted.append(text)
        elif re.match(r"\.type\s.*@function", text):
            name = text.split()[1].split(",")[0]
            found[name] = []
        elif text.startswith(".Lfunc_end"):
            name = None
        elif name and text and not re.match(r"\.(loc|file|p2align|globl|weak|hidden|Ltmp\d+:)",
                                            text):
            # Labels have other numbers.
            found[name].append(re.sub(r"\.L([A-Za-z]+)[\d_]*", r".L\1", text))
    return {name: lines for name, lines in found.items() if not OWN.match(name)}


plain, counted = functions(sys.argv[1]), functions(sys.argv[2])
if len(plain) < 3 or "__perdure_flips_event" not in open(sys.argv[2]).read():
    sys.exit("same_code.py: there is nothing to compare")
for name in sorted(set(plain) | set(counted)):
    if plain.get(name) != counted.get(name):
        sys.exit(f"{name} is not the same:\n{plain.get(name)}\n{counted.get(name)}")
print(len(plain), "functions")

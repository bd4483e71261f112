"""Reads profiles of `perdure flips`, as perdure/flips.def describes them."""

import re

from lab.common import Source

Table = Source / "include" / "perdure" / "flips.def"


def counters():
    """The names of a place's values, in order; and the version."""
    Text = Table.read_text()
    Names = re.findall(r'^PERDURE_FLIPS_COUNTER\(\w+, "(\w+)"', Text, re.M)
    return Names, re.search(r"^PERDURE_FLIPS_NUMBER\(Version, (\d+)", Text, re.M).group(1)


def places(Text):
    """Each place: file, function, field, and its values by name."""
    Names, Version = counters()
    Lines = Text.splitlines()
    if not Lines or Lines[0] != f"perdure flips {Version}" or Lines[-1] != "end":
        raise ValueError(f"no whole profile of version {Version}")
    Found = []
    for Line in Lines:
        Kind, *Words = Line.split("\t")
        if Kind == "place":
            Found.append({"file": Words[0], "function": Words[2], "field": Words[3],
                          **dict(zip(Names, map(int, Words[4:]), strict=True))})
    return Found


def flips(Places, Data, Counters=(), Runtime=False):
    """Of all, and of pointers or counters, at the medium and at the store. Counters are
    the fields that are so called. Pointers are, in a structure without such, what its own
    file stores but to the fields in Data: a field that is chosen by an index has no name.
    What the runtime stores to objects counts with Runtime alone."""
    Part = "counters" if Counters else "pointers"
    Sums = {"all": {"medium": 0, "store": 0}, Part: {"medium": 0, "store": 0}}
    for P in Places:
        if P["file"].startswith("perdure/runtime/") and not Runtime:
            continue
        Medium, Store = P["cells_set"] + P["cells_cleared"], P["set"] + P["cleared"]
        Own = "/structures/" in P["file"]
        IsPart = P["field"] in Counters if Counters else P["field"] not in Data
        for What in ("all", Part) if Own and IsPart else ("all",):
            Sums[What]["medium"] += Medium
            Sums[What]["store"] += Store
    return Sums

"""What a bench with a bench.json says, as tables."""

import statistics

from lab import plain_rounds
from lab.common import form


def groups(Config):
    """The tables of counters: each has a name, what it is about, and the counters that a
    cell holds; `spread`: these are the quantiles of one distribution, and `count` is the
    counter of how many values that has; `last`: it is enough to say what the last row of
    each setting has."""
    return [{"name": G, "about": G, "of": [G]} if isinstance(G, str) else {"of": [G["name"]], **G}
            for G in Config.get("counters", [])]


def bySetting(Result, Rows):
    """(setting, {row: its name there}), of the settings that have some of these rows."""
    Names = [S["name"] for S in Result["settings"] if "name" in S]
    if not Names:
        return [("", {R: R for R in Rows})]
    Groups = [(N, {R: R.removesuffix("/" + N) for R in Rows if R.endswith("/" + N)}) for N in Names]
    return [(N, Some) for N, Some in Groups if Some]


def places(Result):
    """Where the files of each setting were that has a name and rows."""
    Ran = {Name for Rows in Result["nanoseconds"].values() for Name, _ in bySetting(Result, Rows)}
    return [f"{S['name']} in {S['place']['directory']} ({S['place']['type']})"
            for S in Result["settings"] if S.get("name") in Ran and "place" in S]


def rounds(Result):
    """What the figures are of several rounds, and how far these are from each other; None
    where each setting had one."""
    Spreads = plain_rounds.spreads(Result["runs"])
    if not Spreads:
        return None
    Numbers = {}
    for Run in Result["runs"]:
        Numbers[Run["setting"]] = max(Run["round"], Numbers.get(Run["setting"], 0))
    Most = sorted(set(Numbers.values()))
    Variant, Row = max(Spreads, key=Spreads.get)
    return (f"{Result['statistic']} of {' or '.join(map(str, Most))} rounds; from the fastest to the "
            f"slowest are {statistics.median(Spreads.values()):.0%} of the median in half of the "
            f"cells, at most {Spreads[Variant, Row]:.0%} ({Variant}, {Row})")


def shown(Result, Time):
    return form(1e9 / Time) if Result["show"] == "rate" else form(Time)


def times(Result):
    """Columns are variants, beside each the ratio to the reference; or, with one
    variant, rows with their ratio to the reference row."""
    Times, Reference = Result["nanoseconds"], Result["reference"]
    Power = -1 if Result["show"] == "rate" else 1
    if len(Times) == 1 and Reference not in Times:
        Only, = Times.values()
        return [["", "ns", "ratio"], *([Row, shown(Result, Time), f"{Time / Only[Reference]:.2f}"]
                                       for Row, Time in Only.items())]
    Lines = [["", *Times]]
    for Row, Base in Times[Reference].items():
        Line = [Row]
        for Variant, Rows in Times.items():
            if Row not in Rows:
                Line.append("")
                continue
            Cell = shown(Result, Rows[Row])
            if Variant != Reference and Variant not in Result["baselines"]:
                Cell += f" ({(Rows[Row] / Base) ** Power:.2f}x)"
            Line.append(Cell)
        Lines.append(Line)
    return Lines


def few(Value):
    """Three digits, where there are no more before the point."""
    for Digits, Below in ((2, 10), (1, 100)):
        if Value < Below:
            return f"{Value:.{Digits}f}"
    return f"{Value:,.0f}"


def cell(Counted, Group, Variant, Row):
    """Empty where the row has none of them; a dash for one that it lacks."""
    Values = [Counted.get(C, {}).get(Variant, {}).get(Row) for C in Group["of"]]
    if all(V is None for V in Values):
        return ""
    if len(Values) == 1:
        return f"{Values[0]:,.1f}"
    return " / ".join("-" if V is None else few(V) for V in Values)


def tables(Result):
    """Titles and lines."""
    yield "", times(Result)
    Variants = list(Result["nanoseconds"])
    for Group in Result["groups"]:
        Rows = list(Result["nanoseconds"][Variants[0]])
        if Group.get("last"):
            Rows = [list(R)[-1] for _, R in bySetting(Result, Rows)]
        Lines = [[Row, *(cell(Result["counters"], Group, V, Row) for V in Variants)] for Row in Rows]
        Lines = [L for L in Lines if any(L[1:])]
        if Lines:
            yield Group["about"], [["", *Variants], *Lines]

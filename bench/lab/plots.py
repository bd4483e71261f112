"""Draws a bench's figures: one page that holds all, and its plots as files.

/usr/bin/python3 plots.py RESULT.json DIR     writes DIR/NAME.html, DIR/NAME-*.svg

Colours are Okabe and Ito's, which the colour-blind tell apart; markers differ as
well, for print without colour.
"""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot, ticker

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

from lab import page, report

Looks = {
    "native": ("#000000", "|"), "object": ("#0072B2", "o"), "hand": ("#009E73", "s"),
    "boost": ("#E69F00", "^"), "pmdk": ("#D55E00", "D"), "heap-native": ("#555555", "v"), "pool-native": ("#AA4400", "d"),
    "heap-object": ("#56B4E9", "v"), "native-encoding": ("#999999", "x"),
}
# For encodings that come later.
Spare = [("#CC79A7", "P"), ("#8C6D00", "*"), ("#6A3D9A", "<"), ("#1B5E20", ">"), ("#7F0000", "h")]
Peers = ["object", "hand", "boost", "pmdk"]
Heap = ["heap-object"]
Layouts = ["heap-native", "pool-native"]

pyplot.rcParams.update({
    "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "legend.fontsize": 8.5,
    "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "path",
    "svg.hashsalt": "perdure", "axes.axisbelow": True,
})


def look(Variant):
    if Variant not in Looks:
        Looks[Variant] = Spare[(len(Looks) - 9) % len(Spare)]
    return Looks[Variant]


def dots(Axes, Rows, Variants, How, Label):
    """A line for each row, a dot with its interval for each variant that the
    rows have."""
    Variants = [V for V in Variants if any(V in R["variants"] for R in Rows)]
    for I, Variant in enumerate(Variants):
        Colour, Marker = look(Variant)
        Shift = (I - (len(Variants) - 1) / 2) * 0.62 / max(1, len(Variants) - 1)
        X, Y, Low, High = [], [], [], []
        for At, Row in enumerate(Rows):
            Figures = Row["variants"].get(Variant, {})
            if How == "instructions":
                Reference = Row["variants"].get(Figures.get("reference", ""), {})
                if "instructions" not in Figures or "instructions" not in Reference:
                    continue
                Value = Figures["instructions"] / Reference["instructions"]
                F = {"median": Value, "low": Value, "high": Value}
            elif How in Figures:
                F = Figures[How]
            else:
                continue
            X.append(F["median"])
            Y.append(At + Shift)
            Low.append(F["median"] - F["low"])
            High.append(F["high"] - F["median"])
        if X:
            Axes.errorbar(X, Y, xerr=[Low, High], fmt=Marker, color=Colour, markersize=4.5,
                          elinewidth=1, capsize=0, label=Variant)
    Names = [Label(R) for R in Rows]
    Axes.set_yticks(range(len(Rows)), Names)
    Axes.set_ylim(len(Rows) - 0.4, -0.6)
    for At in range(len(Rows) - 1):
        Axes.axhline(At + 0.5, color="#e0e0e0", linewidth=0.6)
    Axes.axvline(0 if How == "difference" else 1, color="black", linewidth=0.8)
    Axes.grid(axis="x", color="#e0e0e0", linewidth=0.6)


def logarithmic(Axes):
    """Ratios, with ticks that are read without a calculator."""
    Axes.set_xscale("log")
    Low, High = Axes.get_xlim()
    Axes.set_xlim(min(Low, 0.95) / 1.02, max(High, 1.1) * 1.02)
    Low, High = Axes.get_xlim()
    if High / Low > 12:
        Ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500]
    elif High / Low > 2.2:
        Ticks = [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10]
    else:
        Ticks = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2]
    Axes.xaxis.set_major_locator(ticker.FixedLocator([T for T in Ticks if Low <= T <= High]))
    Axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda X, _: f"{X:g}"))
    Axes.xaxis.set_minor_locator(ticker.NullLocator())


def differences(Axes):
    """Linear up to 10, then by powers of ten: inside an object and across
    differ that much."""
    Low, High = Axes.get_xlim()
    if max(abs(Low), High) > 20:
        Axes.set_xlim(Low - 2, High * 1.6)
        Axes.set_xlabel(Axes.get_xlabel() + " (log. over 10)")
        Axes.set_xscale("symlog", linthresh=10, linscale=1.2)
        Axes.xaxis.set_major_locator(ticker.FixedLocator(
            [T for T in ((-1000, -100, -10, 0, 10, 100, 1000, 10000) if High - Low > 300 else
                         (-100, -10, -5, 0, 5, 10, 100)) if Low - 5 <= T <= High * 1.5]))
        Axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda X, _: f"{X:g}"))
        Axes.xaxis.set_minor_locator(ticker.NullLocator())


def panels(Groups, Variants, How, Axis, Label, Most=2):
    """A panel for each group of rows, side by side, under one legend."""
    Columns = min(Most, len(Groups))
    Lines = -(-len(Groups) // Columns)
    Tallest = [max(len(Rows) for _, Rows in Groups[I * Columns:(I + 1) * Columns])
               for I in range(Lines)]
    Heights = [0.75 + T * max(0.24, 0.085 * len(Variants)) for T in Tallest]
    Height = sum(Heights) + 0.5
    Figure, Grid = pyplot.subplots(Lines, Columns, figsize=(7.4, Height), squeeze=False,
                                   layout="constrained", height_ratios=Heights)
    Figure.get_layout_engine().set(rect=(0, 0, 1, 1 - 0.35 / Height)) # the legend's place
    Flat = [A for Line in Grid for A in Line]
    for Axes, (Title, Rows) in zip(Flat, Groups):
        dots(Axes, Rows, Variants, How, Label)
        Axes.set_title(Title, loc="left", fontweight="bold")
        Axes.set_xlabel(Axis)
        differences(Axes) if How == "difference" else logarithmic(Axes)
    for Axes in Flat[len(Groups):]:
        Axes.set_visible(False)
    Handles = {}
    for Axes in Flat[:len(Groups)]:
        for Handle, Name in zip(*Axes.get_legend_handles_labels()):
            Handles.setdefault(Name, Handle)
    Figure.legend(Handles.values(), Handles.keys(), loc="upper center",
                  bbox_to_anchor=(0.5, 1), ncols=min(6, len(Handles)), frameon=False)
    return Figure


def means(Result, Variants):
    Sizes = [S for S in Result["means"] if S != "all"] or ["all"]
    Rows = [{"row": S, "variants": {V: {"ratio": M} for V, M in Result["means"][S].items()}}
            for S in Sizes]
    return panels([("geometric mean over the workloads", Rows)], Variants, "ratio",
                  "time as a ratio to native", lambda R: R["row"])


def has(Rows, Variants, How):
    return [V for V in Variants
            if any(How in R["variants"].get(V, {}) and "reference" in R["variants"][V]
                   for R in Rows)]


def bySize(Rows):
    Sizes = list(dict.fromkeys(R["size"] for R in Rows))
    return [(S, [R for R in Rows if R["size"] == S]) for S in Sizes]


def figures(Result):
    """Name, caption and plot of each."""
    Rows, How = Result["rows"], Result["compare"]
    Variants = list(dict.fromkeys(V for R in Rows for V in R["variants"]))
    Encodings = [V for V in Variants if V not in {*Peers, *Heap, "native", *Layouts}]
    Whiskers = "Dots are medians over rounds, lines their 95% intervals."
    Short = lambda R: ", ".join(P for P in (R["workload"], R["place"]) if P)
    if "workload" not in Rows[0]:
        Folders = {}
        for R in Rows:
            Folders.setdefault(R["row"].split("/")[0], []).append(R)
        Shown = has(Rows, Variants, "ratio")
        Axis = {"ms": "compile time as a ratio to native",
                "bytes": "machine code as a ratio to native"}[Result["symbol"]]
        yield ("ratios", f"{Result['about'].capitalize()}: {Result['unit']}, as a ratio to plain "
               f"pointers. {Whiskers if Result['symbol'] == 'ms' else ''}",
               panels(list(Folders.items()), Shown, "ratio", Axis,
                      lambda R: R["row"].split("/", 1)[-1], 1))
        return
    if How == "ratio":
        Axis = "time as a ratio to native (log.)"
        Shown = has(Rows, Peers, "ratio")
        if Shown:
            yield ("means", "Geometric means of the ratios to plain pointers in the same memory, by "
                   "size of the data. Lines are 95% intervals.", means(Result, Shown))
            yield ("peers", f"Time of an operation as a ratio to plain pointers in the same memory. "
                   f"{Whiskers}", panels(bySize(Rows), Shown, "ratio", Axis, Short))
    else:
        Axis = f"{Result['symbol']} over plain code"
        Shown = has(Rows, Peers, "difference")
        if Shown:
            yield ("peers", f"What an operation takes more than with plain pointers in the same memory, "
                   f"in {Result['symbol']}. {Whiskers}",
                   panels(bySize(Rows), Shown, "difference", Axis, Short))
    Own = has(Rows, ["object", *Encodings], How)
    if len(Own) > 1:
        yield ("encodings", f"The encodings of persistent pointers, by the same code. {Whiskers}",
               panels(bySize(Rows), Own, How, Axis, Short))
    Elsewhere = has(Rows, Layouts, "ratio")
    if Elsewhere:
        yield ("layout", "Plain pointers over as many blocks of the heap, or pools, as a ratio to plain "
               f"pointers over objects: what the alignment of slots costs. {Whiskers}",
               panels(bySize([R for R in Rows if Elsewhere[0] in R["variants"]]), Elsewhere, "ratio",
                      "time as a ratio to native (log.)", Short))
    OnHeap = has(Rows, Heap, How)
    if OnHeap:
        yield ("heap", "Annotated code on the ordinary heap against unannotated code there. "
               f"{Whiskers}", panels(bySize([R for R in Rows if "heap-object" in R["variants"]]),
                                     OnHeap, How, Axis.replace("native", "heap-native"), Short))
    Counted = [R for R in Rows
               if any("instructions" in V for V in R["variants"].values())]
    Shown = has(Counted, [*Peers, *Heap, *Encodings], "instructions")
    if Shown:
        yield ("instructions", "Instructions an operation, as a ratio to plain pointers, counted by "
               "callgrind on the smallest data.",
               panels([("", Counted)], Shown, "instructions",
                      "instructions as a ratio to native (log.)", Short))


def main():
    Result = json.loads(pathlib.Path(sys.argv[1]).read_text())
    Caches = ", ".join(f"L{L} {int(B) >> 10} KiB" for L, B in Result["machine"]["caches"].items())
    page.write(Result, sys.argv[2], figures(Result), report.tables(Result),
               f"Data caches: {Caches}. Figures are {Result['unit']}.")


main()

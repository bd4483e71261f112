"""Draws the bench flips: /usr/bin/python3 flips_plots.py RESULT.json DIR writes
DIR/flips.html, DIR/flips-*.svg. Colours are Okabe and Ito's."""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

from lab import flips_report, page

Black, Blue, Green, Orange, Red, Grey = ("#000000", "#0072B2", "#009E73", "#E69F00", "#D55E00",
                                        "#999999")
pyplot.rcParams.update({
    "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "legend.fontsize": 8.5,
    "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "path",
    "svg.hashsalt": "perdure", "axes.axisbelow": True,
})


def colour(Variant):
    """By what a variant is: native or plain, by hand, object-relative, a policy."""
    if Variant.startswith("native") or Variant == "plain":
        return Black
    if Variant.startswith("hand"):
        return Green
    return Blue if Variant == "object" else Orange


def span(Figure):
    return [[max(0, Figure["median"] - Figure["low"])], [max(0, Figure["high"] - Figure["median"])]]


def published(Result):
    """The gains, published and measured, a line each."""
    Rows = [P for R in Result["rows"] for P in R["published"]]
    Figure, Axes = pyplot.subplots(figsize=(7.4, 1.2 + 0.34 * len(Rows)), layout="constrained")
    for At, P in enumerate(Rows):
        First = At == 0
        Axes.plot(P["gain"], At, "D", color=Red, markersize=6, label="published" if First else None)
        for Where, Marker, Colour, Shift in (("medium", "o", Blue, -0.16), ("store", "s", Grey, 0.16)):
            Gain = P[Where]["gain"]
            if Gain:
                Axes.errorbar(Gain["median"], At + Shift, xerr=span(Gain), fmt=Marker, color=Colour,
                              markersize=4.5, elinewidth=1,
                              label={"medium": "measured, at the medium",
                                     "store": "measured, at the store"}[Where] if First else None)
    Axes.set_yticks(range(len(Rows)), [f"{P['row']}: {P['with'][1].removesuffix('-low')}"
                                       for P in Rows])
    Axes.set_ylim(len(Rows) - 0.4, -0.6)
    Axes.axvline(1, color=Black, linewidth=0.8)
    Axes.grid(axis="x", color="#e0e0e0", linewidth=0.6)
    Axes.set_xlim(left=0.8)
    Axes.set_xlabel("how many times fewer bits flip than plainly")
    Axes.legend(frameon=False, loc="lower right")
    return Figure


def bars(Rows, Value, Axis, Mark=None):
    """A panel for each row, a bar for each variant. Beside each other are two rows of one
    kind, which have about as many."""
    Columns = 2
    Kinds = [flips_report.having({"rows": Rows}, What) for What in ("pointers", "counters")]
    Lines = [Kind[I:I + Columns] for Kind in Kinds for I in range(0, len(Kind), Columns)]
    Most = [max(len(R["variants"]) for R in L) for L in Lines]
    Heights = [0.8 + 0.19 * M for M in Most]
    Figure, Grid = pyplot.subplots(len(Lines), Columns, figsize=(7.4, sum(Heights)), squeeze=False,
                                   layout="constrained", gridspec_kw={"height_ratios": Heights})
    for I, Axes in enumerate(A for L in Grid for A in L):
        Line, Column = divmod(I, Columns)
        if Column >= len(Lines[Line]):
            Axes.set_visible(False)
            continue
        R = Lines[Line][Column]
        Some = {N: Value(V) for N, V in R["variants"].items()}
        for At, (Name, F) in enumerate(Some.items()):
            if F:
                Axes.barh(At, F["median"], xerr=span(F), color=colour(Name), height=0.72,
                          error_kw={"elinewidth": 0.9, "ecolor": "#444444"})
        Axes.set_yticks(range(len(Some)), list(Some))
        Axes.set_ylim(Most[Line] - 0.4, -0.6)
        Left, Right = Axes.get_xlim() # where all is about 0, not the noise at its full size
        Axes.set_xlim(Left, max(Right, 1))
        if Mark is not None:
            Axes.axvline(Mark, color=Black, linewidth=0.8)
        Axes.grid(axis="x", color="#e0e0e0", linewidth=0.6)
        Axes.set_title(R["row"], loc="left", fontweight="bold")
        Axes.set_xlabel(Axis)
    return Figure


def lines(Result):
    """The points that the slopes are of, with the lines."""
    Shown = {"native": Black, "hand": Green, "object": Blue, "xor": Orange, "plain": Black,
             "gray": Orange}
    Rows = Result["rows"]
    # The first of either kind says which is which.
    Firsts = [R["row"] for What in ("pointers", "counters")
              for R in flips_report.having(Result, What)[:1]]
    Lines = -(-len(Rows) // 2)
    Figure, Grid = pyplot.subplots(Lines, 2, figsize=(7.4, 2.3 * Lines), squeeze=False,
                                   layout="constrained")
    Flat = [A for L in Grid for A in L]
    for Axes, R in zip(Flat, Rows):
        for Name, Colour in Shown.items():
            if Name not in R["variants"]:
                continue
            F = R["variants"][Name]["all"]["medium"]
            X, Y = zip(*F["points"])
            MeanX, MeanY = sum(X) / len(X), sum(Y) / len(Y)
            Axes.plot(X, Y, "o", color=Colour, markersize=3.5, label=Name)
            Axes.plot(X, [MeanY + F["median"] * (A - MeanX) for A in X], color=Colour, linewidth=0.9)
        Axes.set_title(R["row"], loc="left", fontweight="bold")
        Axes.set_xlabel("operations")
        Axes.set_ylabel("bits flipped")
        Axes.set_ylim(0, 1.05 * Axes.dataLim.y1)
        Axes.ticklabel_format(style="sci", scilimits=(0, 3))
        Axes.grid(color="#e0e0e0", linewidth=0.6)
        if R["row"] in Firsts:
            Axes.legend(frameon=False)
    for Axes in Flat[len(Rows):]:
        Axes.set_visible(False)
    return Figure


def figures(Result):
    if any(R["published"] for R in Result["rows"]):
        yield ("published", "How many times fewer bits a changed structure flips than a plain one: as "
               "published, and as measured with native pointers where the published figures' simulator "
               "had them. Lines are 95% intervals.", published(Result))
    Pointing, Counting = (flips_report.having(Result, W) for W in ("pointers", "counters"))
    if Pointing:
        yield ("pointers", "Bits of pointer fields that an operation flips, at the medium. Black: native "
               "pointers; green: written by hand with exclusive ors; blue: object-relative; orange: the "
               "compiler's encodings and policies, on the source of native.",
               bars(Pointing, lambda V: V["pointers"]["medium"], "bits an operation"))
    if Counting:
        yield ("counters", "Bits of counters that an operation flips, at the medium: each steps one "
               "counter by one. Black: numbers; orange: their Gray code. Lines are 95% intervals. "
               "Nothing is published that these could be compared with.",
               bars(Counting, lambda V: V["counters"]["medium"], "bits an operation"))
    yield ("all", "All bits that an operation flips, at the medium: keys, values and what the allocator "
           "keeps are in it.", bars(Result["rows"], lambda V: V["all"]["medium"], "bits an operation"))
    yield ("time", "Time of an operation as a ratio to native, or to plain where counters are what it is "
           "about, without counting. Medians over rounds, lines are 95% intervals.",
           bars(Result["rows"], lambda V: V["time"].get("ratio"), "time as a ratio", 1))
    yield ("lines", "What slopes are of: all bits flipped at the medium, by the number of operations.",
           lines(Result))


def main():
    Result = json.loads(pathlib.Path(sys.argv[1]).read_text())
    page.write(Result, sys.argv[2], list(figures(Result)), flips_report.tables(Result),
               f"Model: L1 {Result['model']['l1']}, L2 {Result['model']['l2']}, controller "
               f"{Result['model']['controller']}. Published: {Result['source']}.")


main()

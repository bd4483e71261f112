"""Draws a bench that has a bench.json: /usr/bin/python3 plain_plots.py RESULT.json DIR
writes DIR/NAME.html, DIR/NAME-*.svg. Colours are Okabe and Ito's."""

import itertools
import json
import pathlib
import re
import sys

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot, ticker

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

from lab import page, plain_report, plain_rounds

Looks = [("#0072B2", "o"), ("#D55E00", "D"), ("#009E73", "s"), ("#E69F00", "^"), ("#CC79A7", "P"),
         ("#999999", "x"), ("#56B4E9", "v"), ("#000000", "*")]
pyplot.rcParams.update({
    "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "legend.fontsize": 8.5,
    "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "path",
    "svg.hashsalt": "perdure", "axes.axisbelow": True,
})


def panels(Result, Has):
    """By setting the rows that have something to show."""
    Rows = Result["nanoseconds"][Result["reference"]]
    return plain_report.bySetting(Result, [R for R in Rows if Has(R)])


def threads(Row):
    """What a row says of how many there are: rows of as many belong together."""
    return re.findall("threads:[0-9]+", Row)


def draw(Result, Variants, Points, Axis):
    """A panel for each setting, a line for each row, a dot for each variant; Points gives
    a row's values in a variant: a line over all of them, on which the first is the dot and
    the others are strokes. None where no row has any."""
    Groups = panels(Result, lambda R: any(Points(V, R) for V in Variants))
    if not Groups:
        return None
    Columns = min(2, len(Groups))
    Lines = -(-len(Groups) // Columns)
    Heights = [0.75 + max(len(R) for _, R in Groups[I * Columns:(I + 1) * Columns]) *
               max(0.26, 0.085 * len(Variants)) for I in range(Lines)]
    Height = sum(Heights) + 0.5
    Figure, Grid = pyplot.subplots(Lines, Columns, figsize=(7.4, Height), squeeze=False,
                                   layout="constrained", height_ratios=Heights)
    Figure.get_layout_engine().set(rect=(0, 0, 1, 1 - 0.35 / Height)) # the legend's place
    Flat = [A for L in Grid for A in L]
    Handles = {}
    for Axes, (Title, Rows) in zip(Flat, Groups):
        for I, Variant in enumerate(Variants):
            Colour, Marker = Looks[I % len(Looks)]
            Shift = (I - (len(Variants) - 1) / 2) * 0.66 / max(1, len(Variants) - 1)
            for At, Row in enumerate(Rows):
                Values = Points(Variant, Row)
                if not Values:
                    continue
                Axes.plot([min(Values), max(Values)], [At + Shift] * 2, color=Colour, linewidth=0.8)
                for Value in Values[1:]:
                    Axes.plot(Value, At + Shift, "|", color=Colour, markersize=4)
                Handles[Variant], = Axes.plot(Values[0], At + Shift, Marker, color=Colour,
                                              markersize=4.2, linestyle="none")
        Axes.set_yticks(range(len(Rows)), Rows.values())
        Axes.set_ylim(len(Rows) - 0.4, -0.6)
        for At, (Above, Below) in enumerate(itertools.pairwise(Rows.values())):
            Other = threads(Above) != threads(Below)
            Axes.axhline(At + 0.5, color="#808080" if Other else "#e0e0e0", linewidth=0.6)
        Axes.set_xscale("log")
        Axes.xaxis.set_major_formatter(ticker.FuncFormatter(number))
        Low, High = Axes.get_xlim()
        if High / Low < 20:
            Axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        Axes.xaxis.set_minor_formatter(ticker.NullFormatter())
        Axes.grid(axis="x", color="#e0e0e0", linewidth=0.6)
        Axes.set_title(Title, loc="left", fontweight="bold")
        Axes.set_xlabel(Axis)
    for Axes in Flat[len(Groups):]:
        Axes.set_visible(False)
    Figure.legend([Handles[V] for V in Variants if V in Handles],
                  [V for V in Variants if V in Handles], loc="upper center",
                  bbox_to_anchor=(0.5, 1), ncols=min(8, len(Handles)), frameon=False)
    return Figure


def number(X, _=None):
    for Size, Suffix in ((1e6, "M"), (1e3, "k")):
        if X >= Size:
            return f"{X / Size:g}{Suffix}"
    return f"{X:g}"


def last(Result, Variants, Group):
    """Bars: what the last row of each setting has. None where none has it."""
    Counted = Result["counters"].get(Group["of"][0], {})
    Panels = [(Name, list(Rows)[-1]) for Name, Rows in
              panels(Result, lambda R: any(R in Counted.get(V, {}) for V in Variants))]
    if not Panels:
        return None
    Columns = min(4, len(Panels)) # titles of more would meet
    Lines = -(-len(Panels) // Columns)
    Figure, Grid = pyplot.subplots(Lines, Columns, squeeze=False, layout="constrained",
                                   figsize=(7.4, 0.3 + Lines * (0.6 + 0.24 * len(Variants))),
                                   sharey=True)
    Flat = [A for L in Grid for A in L]
    for Axes, (Title, Row) in zip(Flat, Panels):
        for At, Variant in enumerate(Variants):
            Axes.barh(At, Counted.get(Variant, {}).get(Row, 0), color=Looks[At % len(Looks)][0],
                      height=0.7)
        Axes.set_yticks(range(len(Variants)), Variants)
        Axes.set_ylim(len(Variants) - 0.4, -0.6)
        Axes.set_title(Title, loc="left", fontweight="bold", fontsize=8)
        Axes.locator_params(axis="x", nbins=4)
        Axes.xaxis.set_major_formatter(ticker.FuncFormatter(number))
        Axes.grid(axis="x", color="#e0e0e0", linewidth=0.6)
    for Axes in Flat[len(Panels):]:
        Axes.set_visible(False)
    Figure.supxlabel(Group["about"], fontsize=9)
    return Figure


def sentence(Text):
    return Text[:1].upper() + Text[1:]


def figures(Result):
    """Name, caption and plot of each."""
    Times = Result["nanoseconds"]
    Rate = Result["show"] == "rate"
    Variants = [V for V in Times if V not in Result["baselines"]]

    def points(Variant, Row):
        """What is said of the rounds, and the least and the most of them where they are several."""
        if Row not in Times[Variant]:
            return []
        Rounds = [R["nanoseconds"][Row] for R in Result["runs"]
                  if R["variant"] == Variant and Row in R["nanoseconds"]]
        Values = [Times[Variant][Row]] + ([min(Rounds), max(Rounds)] if len(Rounds) > 1 else [])
        return [1e9 / V if Rate else V for V in Values]

    if Result["reference"] in Times:
        Several = plain_rounds.spreads(Result["runs"])
        yield ("rate" if Rate else "time", f"{Result['about']}: {Result['unit']}" +
               (f", the {Result['statistic']} of rounds; strokes: the least and the most of them"
                if Several else "") + f". {'Right' if Rate else 'Left'} is better.",
               draw(Result, Variants, points, "operations a second (log.)" if Rate else "ns (log.)"))
    for Group in Result["groups"]:
        Counted = [Result["counters"].get(C, {}) for C in Group["of"]]
        if Group.get("spread"):
            yield (Group["name"], f"{sentence(Group['about'])}. The first is a dot, the others are "
                   "strokes. Left is better.", draw(Result, Variants, lambda V, R: [
                       C[V][R] for C in Counted if R in C.get(V, {})], "µs (log.)"))
        elif Group.get("last"):
            yield (Group["name"], f"{sentence(Group['about'])}, after the last row of each setting.",
                   last(Result, Variants, Group))


def main():
    Result = json.loads(pathlib.Path(sys.argv[1]).read_text())
    Versions = ", ".join(Result["versions"].values())
    Places = plain_report.places(Result)
    page.write(Result, sys.argv[2], (F for F in figures(Result) if F[2]),
               [(Title or Result["unit"], Lines) for Title, Lines in plain_report.tables(Result)],
               " ".join([f"Compared with: {Versions}."] * bool(Versions) +
                        [f"Files: {'; '.join(Places)}."] * bool(Places)))


main()

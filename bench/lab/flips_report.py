"""What the bench flips says: tables on the terminal, figures in JSON, plots."""

from lab.common import form, grid
from lab.report import save


def number(Figure, Digits=2):
    """With half of its interval."""
    if Figure is None:
        return "none"
    Half = (Figure["high"] - Figure["low"]) / 2
    Median = round(Figure["median"], Digits) + 0.0 # which takes the sign from -0
    return f"{Median:.{Digits}f} ±{Half:.{Digits}f}"


def plainNumber(Figure):
    return "none" if Figure is None else f"{Figure['median']:.2f}"


def deviation(Measured, Published):
    return "" if Measured is None else f"{(Measured['median'] / Published - 1) * 100:+.0f}%"


def having(Result, What):
    """The rows whose variants are about pointers, or about counters."""
    return [R for R in Result["rows"] if all(What in V for V in R["variants"].values())]


def names(Rows):
    return list(dict.fromkeys(V for R in Rows for V in R["variants"]))


def publishedTable(Result):
    Lines = [["", "published: plain", "changed", "gain", "medium: plain", "changed", "gain", "",
              "store: gain", "", "changed is"]]
    for R in Result["rows"]:
        for P in R["published"]:
            M, S = P["medium"], P["store"]
            Lines.append([R["row"], f"{P['plain']:g}", f"{P['changed']:g}", f"{P['gain']:.2f}",
                          number(M["plain"]), number(M["changed"]), number(M["gain"]),
                          deviation(M["gain"], P["gain"]), plainNumber(S["gain"]),
                          deviation(S["gain"], P["gain"]), P["with"][1]])
    return Lines


def gainTable(Result, What):
    """Flips of native pointers, and how many times fewer each variant flips."""
    Rows = having(Result, "pointers")
    Columns = [V for V in names(Rows) if V != "native"]
    Lines = [["", "native, bits", *Columns]]
    for R in Rows:
        V = R["variants"]
        if "native" in V:
            Lines.append([R["row"], number(V["native"][What]["medium"], 1),
                          *(plainNumber(V[N][What]["medium"]["gain"]["native"]) if N in V else ""
                            for N in Columns)])
    return Lines


def againstTable(Result, Against):
    """What a technique adds to object-relative pointers, or to native ones that lie low."""
    Rows = having(Result, "pointers")
    Columns = [V for V in names(Rows) if V not in ("native", "native-low", Against)]
    Lines = [["", f"{Against}, bits", *Columns]]
    for R in Rows:
        V = R["variants"]
        if Against in V:
            Lines.append([R["row"], number(V[Against]["pointers"]["medium"], 1),
                          *(plainNumber(V[N]["pointers"]["medium"]["gain"][Against])
                            if N in V else "" for N in Columns)])
    return Lines


def gain(Variants, What, Where):
    """Of gray over plain; none where one of the two is within its error of nothing."""
    Figures = [Variants[V][What][Where] for V in ("plain", "gray")]
    return number(Figures[1]["gain"]["plain"] if all(F["low"] > 0 for F in Figures) else None)


def counterTable(Result):
    """Flips of counters, of all that is stored, and the time, plainly and as Gray code."""
    Lines = [["", "published", "medium: plain", "gray", "gain", "store: plain", "gray", "gain",
              "all, medium: gain", "plain, ns", "gray, ratio"]]
    for R in having(Result, "counters"):
        V = R["variants"]
        if "gray" in V:
            Lines.append([R["row"], "; ".join(f"{P['gain']:.2f}" for P in R["published"]) or "none",
                          *(Cell for Where in ("medium", "store")
                            for Cell in (number(V["plain"]["counters"][Where]),
                                         number(V["gray"]["counters"][Where]),
                                         gain(V, "counters", Where))),
                          gain(V, "all", "medium"),
                          form(V["plain"]["time"]["value"]["median"]),
                          number(V["gray"]["time"]["ratio"], 3)])
    return Lines


def timeTable(Result):
    Rows = having(Result, "pointers")
    Columns = [V for V in names(Rows) if V != "native"]
    Lines = [["", "native, ns", *Columns]]
    for R in Rows:
        V = R["variants"]
        if "native" in V:
            Lines.append([R["row"], form(V["native"]["time"]["value"]["median"]),
                          *(number(V[N]["time"]["ratio"], 3) if N in V else "" for N in Columns)])
    return Lines


def allocationTable(Result):
    return [["", "published", "medium", "store"],
            *([f"{A['call']}({A['bytes']})", "" if A["published"] is None else f"{A['published']:g}",
               number(A["medium"]), number(A["store"]) if A["store"] else ""] for A in Result["allocation"])]


def framesTable(Result):
    Lines = [["", "published: plain", "changed", "gain", "plain", "changed", "gain", "", "time"]]
    for F in Result["frames"]:
        for P in F["published"]:
            Lines.append([F["row"], f"{P['plain']:g}", f"{P['changed']:g}", f"{P['gain']:.1f}",
                          number(F["plain"]["store"], 1), number(F["reduced"]["store"], 1),
                          number(F["gain"]), deviation(F["gain"], P["gain"]),
                          number(F["reduced"]["time"]["ratio"], 3)])
    return Lines


def tables(Result):
    if any(R["published"] for R in Result["rows"]):
        yield ("Bits flipped by an operation, published and measured where the simulator had the "
               "program's memory", publishedTable(Result))
    if Result["allocation"]:
        yield "Bits flipped by an allocation", allocationTable(Result)
    if Result["frames"]:
        yield ("Bits that a pair of calls flips in stack frames, at the store; time with "
               "-fperdure-reduce-flips=frames as a ratio", framesTable(Result))
    if having(Result, "pointers"):
        yield ("Pointer fields at the medium: how many times fewer bits than native flips",
               gainTable(Result, "pointers"))
        yield ("All that the structure stores: how many times fewer bits than native flips",
               gainTable(Result, "all"))
        for Against in ("object", "native-low"):
            if Against in names(having(Result, "pointers")):
                yield (f"Pointer fields: how many times fewer bits than {Against} flips",
                       againstTable(Result, Against))
        yield "Time of an operation, as a ratio to native", timeTable(Result)
    if having(Result, "counters"):
        yield ("Counters, each operation a step of one: bits flipped by an operation, and its time",
               counterTable(Result))


def finish(Options, Result):
    M = Result["machine"]
    print(f"flips: {Result['about']}\n{Result['source']}")
    print(f"{M['processor']}, {M['cores']} cores, Linux {M['system']}, {M['date']}; model: "
          f"L1 {Result['model']['l1']}, L2 {Result['model']['l2']}, {Result['model']['controller']}")
    for Title, Lines in tables(Result):
        print(f"\n{Title}\n\n{grid(Lines)}")
    print("\nSlopes over " + "; ".join(
        f"{R['row']}: {R['lengths'][0]:,} to {R['lengths'][-1]:,}" for R in Result["rows"]) +
        " operations; ± is half of the 95% interval.")
    save(Options, Result, "flips", "flips_plots.py")
    if Options.quick:
        print("--quick: shorter runs than published, times a look; without it trees grow to a "
              "million nodes")

"""What a bench says: tables on the terminal, figures in JSON, a page of plots."""

import json
import subprocess
import sys

from lab import measures
from lab.common import Bench, form, grid, machine, stop


def progress(Row):
    """A line a row, on stderr: a bench takes minutes."""
    Cells = [f"{N} {V['value']['median']:.3g}" for N, V in Row["variants"].items()]
    print(f"{Row['row']}: {', '.join(Cells)}", file=sys.stderr, flush=True)


def spread(Figure):
    """Half of the interval's width."""
    return (Figure["high"] - Figure["low"]) / 2


def cell(Figure, Form):
    """Without an interval where there was one round."""
    Half = spread(Figure)
    return f"{Figure['median']:{Form}}" + (f" ±{Half:{Form.lstrip('+')}}" if Half else "")


def versus(Figures, How):
    return cell(Figures[How], ".3f" if How == "ratio" else "+.2f") if How in Figures else ""


def tables(Result):
    Rows, How, Symbol = Result["rows"], Result["compare"], Result["symbol"]
    Variants = list(dict.fromkeys(V for R in Rows for V in R["variants"]))
    References = list(dict.fromkeys(F["reference"] for R in Rows for F in R["variants"].values()
                                    if "reference" in F))
    Told = "ratio to" if How == "ratio" else f"{Symbol} more than"
    for Reference in References:
        Mine = [V for V in Variants if any(R["variants"].get(V, {}).get("reference") == Reference
                                         for R in Rows)]
        Lines = [["", f"{Reference}, {Symbol}", *Mine]]
        for R in Rows:
            V = R["variants"]
            if any(V.get(N, {}).get("reference") == Reference for N in Mine):
                Lines.append([R["row"], form(V[Reference]["value"]["median"]),
                              *(versus(V.get(N, {}), How) for N in Mine)])
        if How == "ratio":
            for Size, Means in Result["means"].items():
                if all(N not in Means for N in Mine):
                    continue
                Lines.append([f"geometric mean, {Size}", "",
                              *(cell(Means[N], ".3f") if N in Means else "" for N in Mine)])
            Worst = Result["means"].get("all", {})
            Lines.append(["worst row", "",
                          *(f"{Worst[N]['worst']:.3f}" if N in Worst else "" for N in Mine)])
        Once = all(len(V["rounds"]) == 1 for R in Rows for V in R["variants"].values())
        yield (f"{Result['unit']}; {Told} {Reference}" +
               ("" if Once else ", median and half of its 95% interval")), Lines
    if Result["against"]:
        Peers = list(Result["against"])
        Lines = [["", *Peers]]
        for R in Rows:
            if "against" in R:
                Lines.append([R["row"], *(cell(R["against"][P], ".3f") if P in R["against"] else ""
                                          for P in Peers)])
        Means = Result["against"].values()
        Lines.append(["geometric mean", *(cell(M, ".3f") for M in Means)])
        Lines.append(["worst row", *(f"{M['worst']:.3f}" for M in Means)])
        yield "object as a ratio to each of these: below 1 it is faster (smaller)", Lines
    Counted = [R for R in Rows if any("instructions" in V for V in R["variants"].values())]
    if Counted:
        Lines = [["", *Variants]]
        for R in Counted:
            Lines.append([R["row"], *(f"{R['variants'][V]['instructions']:.2f}"
                                      if "instructions" in R["variants"].get(V, {}) else ""
                                      for V in Variants)])
        yield "instructions an operation (callgrind)", Lines


def fileOf(Options, Name):
    """Of the figures."""
    return Options.json or Options.build.resolve() / "bench" / f"{Name}.json"


def write(File, Result):
    """Whole, or as it was."""
    File.parent.mkdir(parents=True, exist_ok=True)
    New = File.with_name(File.name + ".new")
    New.write_text(json.dumps(Result, indent=1) + "\n")
    New.replace(File)


def save(Options, Result, Name, Plots):
    """As JSON, and drawn by the script Plots where plots are asked for."""
    File = fileOf(Options, Name)
    if File.exists() and not File.is_file(): # /dev/stdout
        File.write_text(json.dumps(Result, indent=1) + "\n")
    else:
        write(File, Result)
    # Debian's Python has Debian's matplotlib.
    if Options.plot and subprocess.run(["/usr/bin/python3", str(Bench / "lab" / Plots), str(File),
                                        str(Options.plot)]).returncode:
        stop("the plots could not be drawn")


def finish(Options, Config, Rows):
    Result = {"schema": 1, "bench": Options.name, "about": Config["about"], "quick": Options.quick,
              "unit": Config["unit"], "symbol": Config["symbol"], "compare": Config["compare"],
              "machine": machine(), "rows": Rows, "means": measures.means(Rows),
              "against": measures.against(Rows)}
    M = Result["machine"]
    print(f"{Result['bench']}: {Config['about']}")
    print(f"{M['processor']}, {M['cores']} cores, Linux {M['system']}, files in {M['directory']}, "
          f"{M['date']}")
    for Title, Lines in tables(Result):
        print(f"\n{Title}\n\n{grid(Lines)}")
    save(Options, Result, Result["bench"], "plots.py")
    if Options.quick:
        print("\n--quick: a look, no figures to publish")

"""What a bench says: tables on the terminal, figures in JSON, a page of plots."""

import json
import subprocess
import sys

from lab.common import Bench, form, grid, stop


def progress(Row):
    """A line a row, on stderr: a bench takes minutes."""
    Cells = [f"{N} {V['nanoseconds']['median']:.3g}" for N, V in Row["variants"].items()]
    print(f"{Row['row']}: {', '.join(Cells)} ns", file=sys.stderr, flush=True)


def spread(Figure):
    """Half of the interval's width."""
    return (Figure["high"] - Figure["low"]) / 2


def versus(Figures, How):
    if How not in Figures:
        return ""
    F = Figures[How]
    if How == "ratio":
        return f"{F['median']:.3f} ±{spread(F):.3f}"
    return f"{F['median']:+.2f} ±{spread(F):.2f}"


def tables(Result, Config):
    Rows, How = Result["rows"], Config["compare"]
    Variants = list(dict.fromkeys(V for R in Rows for V in R["variants"]))
    References = [V for V in Variants
                  if all("reference" not in R["variants"].get(V, {}) for R in Rows)]
    Others = [V for V in Variants if V not in References]
    Told = "ratio to" if How == "ratio" else "ns more than"
    for Reference in References:
        Mine = [V for V in Others if any(R["variants"].get(V, {}).get("reference") == Reference
                                         for R in Rows)]
        Lines = [["", f"{Reference}, ns", *Mine]]
        for R in Rows:
            V = R["variants"]
            if Reference in V:
                Lines.append([R["row"], form(V[Reference]["nanoseconds"]["median"]),
                              *(versus(V.get(N, {}), How) for N in Mine)])
        if How == "ratio":
            for Size, Means in Result["means"].items():
                if all(N not in Means for N in Mine):
                    continue
                Lines.append([f"geometric mean, {Size}", "",
                              *(f"{Means[N]['median']:.3f} ±{spread(Means[N]):.3f}" if N in Means
                                else "" for N in Mine)])
            Worst = Result["means"]["all"]
            Lines.append(["worst row", "",
                          *(f"{Worst[N]['worst']:.3f}" if N in Worst else "" for N in Mine)])
        yield f"{Result['unit']}; {Told} {Reference}, median and half of its 95% interval", Lines
    Counted = [R for R in Rows if any("instructions" in V for V in R["variants"].values())]
    if Counted:
        Lines = [["", *Variants]]
        for R in Counted:
            Lines.append([R["row"], *(f"{R['variants'][V]['instructions']:.2f}"
                                      if "instructions" in R["variants"].get(V, {}) else ""
                                      for V in Variants)])
        yield "instructions an operation (callgrind)", Lines


def finish(Options, Result, Config):
    M = Result["machine"]
    print(f"{Result['bench']}: {Config['about']}")
    print(f"{M['processor']}, {M['cores']} cores, Linux {M['system']}, files in {M['directory']}, "
          f"{M['date']}")
    for Title, Lines in tables(Result, Config):
        print(f"\n{Title}\n\n{grid(Lines)}")
    File = Options.json or Options.build.resolve() / "bench" / f"{Result['bench']}.json"
    File.parent.mkdir(parents=True, exist_ok=True)
    File.write_text(json.dumps(Result, indent=1) + "\n")
    if Options.plot:
        # Debian's Python has Debian's matplotlib.
        if subprocess.run(["/usr/bin/python3", str(Bench / "lab" / "plots.py"), str(File),
                           str(Options.plot)]).returncode:
            stop("the plots could not be drawn")
    if Options.quick:
        print("\n--quick: a look, no figures to publish")

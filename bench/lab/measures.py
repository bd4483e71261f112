"""Medians of rounds and how far to trust them.

The rounds of a row are pairs: in each, all variants ran within moments of each
other. So a ratio or a difference is taken inside the round, and the median over
rounds is what a table gives. Its interval is a percentile bootstrap's, 95%, over
rounds, with a fixed seed: the same figures give the same interval.
"""

import math
import random
import statistics

Resamples = 1000


def interval(Samples, Seed=1):
    """Low and high of the median; of one sample, itself."""
    if len(Samples) == 1:
        return Samples[0], Samples[0]
    Dice = random.Random(Seed)
    Medians = sorted(statistics.median(Dice.choices(Samples, k=len(Samples)))
                     for _ in range(Resamples))
    return Medians[int(Resamples * 0.025)], Medians[int(Resamples * 0.975)]


def summary(Samples):
    Low, High = interval(Samples)
    return {"median": statistics.median(Samples), "low": Low, "high": High}


def ratios(Mine, Reference):
    return [A / B for A, B in zip(Mine, Reference)]


def differences(Mine, Reference):
    return [A - B for A, B in zip(Mine, Reference)]


def geometric(Values):
    return math.exp(sum(map(math.log, Values)) / len(Values))


def geometricMean(Rows):
    """Of the medians of several rows of ratios, each a list by round. The
    interval draws the rounds of every row anew."""
    Dice = random.Random(2)
    Means = sorted(geometric([statistics.median(Dice.choices(R, k=len(R))) for R in Rows])
                   for _ in range(Resamples))
    return {"median": geometric([statistics.median(R) for R in Rows]),
            "low": Means[int(Resamples * 0.025)], "high": Means[int(Resamples * 0.975)],
            "worst": max(statistics.median(R) for R in Rows), "rows": len(Rows)}


def figures(Rounds, References, Counts=None):
    """What the JSON says of each variant of a row, from its values by round."""
    Result = {}
    for Variant, Mine in Rounds.items():
        Figures = Result[Variant] = {"rounds": Mine, "value": summary(Mine)}
        if Counts and Variant in Counts:
            Figures["instructions"] = round(Counts[Variant], 3)
        if References[Variant]:
            Base = Rounds[References[Variant]]
            Figures.update(reference=References[Variant], ratio=summary(ratios(Mine, Base)),
                           difference=summary(differences(Mine, Base)))
    return Result


def means(Rows):
    """Geometric means of the ratios, by variant: over all rows, and by size. Rows
    without annotated code tell what the plugin costs there, and are left out."""
    Result = {}
    Sizes = list(dict.fromkeys(R["size"] for R in Rows if "size" in R))
    for Size in ["all", *(Sizes if len(Sizes) > 1 else [])]:
        Some = [R["variants"] for R in Rows
                if Size in ("all", R.get("size")) and not R.get("unannotated")]
        for Variant in dict.fromkeys(V for R in Some for V in R):
            Ratios = [ratios(R[Variant]["rounds"], R[R[Variant]["reference"]]["rounds"])
                      for R in Some if "reference" in R.get(Variant, {})]
            if Ratios:
                Result.setdefault(Size, {})[Variant] = geometricMean(Ratios)
    return Result


def against(Rows, Mine="object", Peers=("hand", "boost", "pmdk")):
    """How a variant does against those that it is not compared with otherwise:
    adds to each row the ratio to every peer in it; gives the means."""
    All = {}
    for Row in Rows:
        V = Row["variants"]
        for Peer in Peers:
            if Mine in V and Peer in V:
                Ratios = ratios(V[Mine]["rounds"], V[Peer]["rounds"])
                Row.setdefault("against", {})[Peer] = summary(Ratios)
                All.setdefault(Peer, []).append(Ratios)
    return {Peer: geometricMean(R) for Peer, R in All.items()}

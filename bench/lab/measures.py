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

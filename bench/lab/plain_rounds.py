"""The rounds of a bench with a bench.json: who runs when, and what is said of all of them.

A run is one execution of a program: its `round`, `setting` and `variant`, the `seconds` that
it took, `nanoseconds` by row, and `counters` by row and name."""

import statistics


def rounds(Config, Setting, Options):
    """How many a setting has."""
    if Options.rounds:
        return Options.rounds
    return 1 if Options.quick else Setting.get("rounds", Config.get("rounds", 5))


def order(Variants, Round, Rounds):
    """Rotated in each round, so that each variant's places are spread over the turns of a
    setting: what changes in the course of one meets none of them more than the others."""
    By = Round * max(1, len(Variants) // Rounds) % len(Variants)
    return Variants[By:] + Variants[:By]


def least(Runs):
    """Of one row: the least time, since noise only adds, and what was counted then."""
    return min(Runs, key=lambda Run: Run[0])


def median(Runs):
    """Of one row: each figure's median, of those that every round has."""
    Everywhere = set.intersection(*(set(Counters) for _, Counters in Runs))
    return (statistics.median(Time for Time, _ in Runs),
            {C: statistics.median(Counters[C] for _, Counters in Runs)
             for C in Runs[0][1] if C in Everywhere})


def summary(Config, Runs):
    """Nanoseconds by variant and row, and counters by name, variant and row, of all rounds: the
    `statistic` that bench.json names."""
    Take = {"least": least, "median": median}[Config.get("statistic", "least")]
    ByRow = {}
    for Run in Runs:
        for Row, Time in Run["nanoseconds"].items():
            ByRow.setdefault((Run["variant"], Row), []).append((Time, Run["counters"].get(Row, {})))
    Times, Counted = {}, {}
    for (Variant, Row), Some in ByRow.items():
        Times.setdefault(Variant, {})[Row], Counters = Take(Some)
        for Name, Value in Counters.items():
            Counted.setdefault(Name, {}).setdefault(Variant, {})[Row] = Value
    return Times, Counted


def spreads(Runs):
    """By variant and row: how far the slowest round is from the fastest, as a share of the
    median; of those that have several rounds."""
    ByRow = {}
    for Run in Runs:
        for Row, Time in Run["nanoseconds"].items():
            ByRow.setdefault((Run["variant"], Row), []).append(Time)
    return {Of: (max(Some) - min(Some)) / statistics.median(Some)
            for Of, Some in ByRow.items() if len(Some) > 1}

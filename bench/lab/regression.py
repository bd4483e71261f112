"""A line through points, and how far to trust its slope.

Ordinary least squares with an intercept. The interval holds 95%, by Student's t with
two degrees of freedom less than there are points. By hand, since bench/run is run by
whatever Python there is, which need not have SciPy.
"""

import math

# The 97.5% quantile of Student's t for 1, 2, ... degrees of freedom.
Quantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
             2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
             2.060, 2.056, 2.052, 2.048, 2.045, 2.042]


def quantile(Freedom):
    """Beyond the table by the first terms of the series around the normal one."""
    if Freedom <= len(Quantiles):
        return Quantiles[Freedom - 1]
    Z = 1.959964
    return Z + (Z ** 3 + Z) / (4 * Freedom)


def slope(Points):
    """Of (x, y): the slope, low and high."""
    if len(Points) < 3:
        raise ValueError("a slope with an interval needs three points")
    Count = len(Points)
    MeanX = sum(X for X, _ in Points) / Count
    MeanY = sum(Y for _, Y in Points) / Count
    Square = sum((X - MeanX) ** 2 for X, _ in Points)
    Slope = sum((X - MeanX) * (Y - MeanY) for X, Y in Points) / Square
    Left = sum((Y - MeanY - Slope * (X - MeanX)) ** 2 for X, Y in Points)
    Half = quantile(Count - 2) * math.sqrt(Left / (Count - 2) / Square)
    return {"median": Slope, "low": Slope - Half, "high": Slope + Half}


def quotient(Above, Below):
    """Of two slopes whose errors are taken as independent; null where the lower one is
    no more than 0."""
    if Below["median"] <= 0 or Above["median"] < 0:
        return None
    Ratio = Above["median"] / Below["median"]
    if not Ratio:
        return {"median": 0.0, "low": 0.0, "high": 0.0}
    Relative = [(F["high"] - F["low"]) / 2 / F["median"] for F in (Above, Below)]
    Half = Ratio * math.hypot(*Relative)
    return {"median": Ratio, "low": Ratio - Half, "high": Ratio + Half}

"""Made-up monthly counts with a known effect: what the designs are tried on before they meet the record."""

import numpy as np
import pandas as pd


def counts(
    rng: np.random.Generator,
    *,
    months: int = 54,
    after: int = 9,
    level: float = 2000.0,
    growth: float = 0.0,
    season: float = 0.2,
    persistence: float = 0.3,
    noise: float = 0.15,
    dispersion: float = 0.02,
    ratio: float = 1.0,
    bend: float = 0.0,
    bent: int = 12,
) -> tuple[pd.Series, pd.Series]:
    """One series of ``months`` before the break and ``after`` from it on, and the same without the break.

    The expected count is ``level`` people a month, times exp(``growth`` a month), a yearly harmonic of amplitude
    ``season`` (log scale) and an AR(1) process of standard deviation ``noise`` (log scale) and coefficient
    ``persistence``; counts are negative binomial with variance m + ``dispersion`` m². From the break on, each
    count is a binomial thinning of the one without it by ``ratio`` (≤ 1): 0.02 leaves two in a hundred; above 1, the
    excess is Poisson. With ``ratio`` 1 both series are equal: a null series. Over the last ``bent`` months before the
    break, and after it, growth is ``growth`` + ``bend`` a month: a trend that turns before the break.
    """
    t = np.arange(months + after)
    shocks = rng.normal(0, noise * np.sqrt(1 - persistence**2), t.size)
    process = np.empty(t.size)
    process[0] = rng.normal(0, noise)
    for i in t[1:]:
        process[i] = persistence * process[i - 1] + shocks[i]
    turned = bend * np.maximum(t - (months - bent), 0)
    mean = level * np.exp(growth * (t - months) + turned + season * np.sin(2 * np.pi * t / 12) + process)
    without = (
        rng.negative_binomial(1 / dispersion, 1 / (1 + dispersion * mean))
        if dispersion
        else rng.poisson(mean)
    )
    observed = without.copy()
    if ratio < 1:
        observed[months:] = rng.binomial(without[months:], ratio)
    elif ratio > 1:
        observed[months:] += rng.poisson((ratio - 1) * without[months:])
    index = pd.date_range("2018-01-01", periods=t.size, freq="MS", name="month")
    return pd.Series(observed, index, name="people"), pd.Series(without, index, name="people")

"""What a design is worth where the truth is known: coverage, false findings and bias on made-up series."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from roxham.models import simulate
from roxham.models.estimate import Fit, Refused


def study(
    design: Callable[..., Fit],
    *,
    runs: int = 1000,
    seed: int = 0,
    months: int = 54,
    after: int = 9,
    ratio: float = 0.02,
    options: dict | None = None,
    **world,
) -> pd.DataFrame:
    """Put ``design`` through ``runs`` series of ``simulate.counts`` with a known effect; one row a run.

    ``months``, ``after``, ``ratio`` and ``world`` go to ``simulate.counts`` (so ``level`` is that of the counts),
    ``options`` to the design, which is called as ``design(series, broke, until, **options)``. Columns: truth
    (observed less what would have been counted, as drawn), effect, low, high, without (what would have been counted),
    sound (every check holds), refused (why, or missing). Run i depends on ``seed`` and i alone, so runs can be split
    over workers. Plan of such studies: Morris, White and Crowther, Statistics in Medicine 38 (2019) 2074–2102.
    """
    rows = []
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        series, without = simulate.counts(rng, months=months, after=after, ratio=ratio, **world)
        broke, until = series.index[months], series.index[-1]
        row = {
            "truth": float((series - without)[broke:].sum()),
            "without": float(without[broke:].sum()),
            "refused": None,
        }
        try:
            e = design(series, broke, until, **(options or {})).estimate
        except Refused as refusal:
            row["refused"] = str(refusal)
        else:
            row |= {"effect": e.effect, "low": e.low, "high": e.high, "sound": e.sound}
        rows.append(row)
    columns = ["truth", "effect", "low", "high", "without", "sound", "refused"]
    return pd.DataFrame(rows).reindex(columns=columns)


def summary(runs: pd.DataFrame) -> pd.Series:
    """Rates of a ``study`` with their Monte Carlo standard errors (``…_se``).

    coverage: share of intervals that hold the truth; found: share of intervals that exclude 0 (on null series, false
    findings); bias: mean of the effect less the truth, over the mean absolute truth (missing on null series); drift:
    the same over what would have been counted; width: mean width over what would have been counted; sound: share of
    fits whose checks all hold, and sound_coverage: coverage among them; refused: share of runs without an estimate,
    which are in no other rate.
    """
    kept = runs[runs["refused"].isna()]
    low, high, truth = (kept[c].astype(float) for c in ("low", "high", "truth"))
    holds = (low <= truth) & (truth <= high)
    finds = (low > 0) | (high < 0)
    off = kept["effect"].astype(float) - truth
    sound = kept["sound"].astype(bool)
    size = truth.abs().mean()
    rates = {
        "coverage": holds,
        "found": finds,
        "bias": off / size if size else off * np.nan,
        "drift": off / kept["without"].mean(),
        "width": (high - low) / kept["without"].mean(),
        "sound": sound,
        "sound_coverage": holds[sound],
    }
    out = {"runs": len(runs), "refused": 1 - len(kept) / len(runs)}
    for name, values in rates.items():
        out[name] = values.astype(float).mean()
        out[f"{name}_se"] = values.astype(float).std(ddof=1) / np.sqrt(max(len(values), 1))
    return pd.Series(out, dtype=float)

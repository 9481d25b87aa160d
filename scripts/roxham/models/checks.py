"""A design tried where it should find nothing, and over every choice that somebody could have made."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from roxham.models.estimate import Estimate, Fit, Refused

Design = Callable[..., Fit]


def tried(design: Design, *arguments, **options) -> dict:
    """One fit as a row: effect, low, high, ratio (a share of the counterfactual), failed checks, or the refusal."""
    try:
        estimate = design(*arguments, **options).estimate
    except Refused as refusal:
        return dict.fromkeys(["effect", "low", "high", "ratio"], np.nan) | {
            "failed": "",
            "refused": str(refusal),
        }
    return row(estimate)


def row(estimate: Estimate) -> dict:
    """An estimate as a row of a table; see `tried`."""
    return {
        "effect": estimate.effect,
        "low": estimate.low,
        "high": estimate.high,
        "ratio": estimate.ratio[0],
        "failed": "; ".join(check.name for check in estimate.failed),
        "refused": "",
    }


def placebos_in_time(
    design: Design, series: pd.Series, broke: pd.Timestamp, *, months: int, without: Iterable = (), **options
) -> pd.DataFrame:
    """The design at every admissible month before the true break, where no effect is to be found.

    The series is cut before ``broke``; each placebo break is followed by ``months`` months, none left out, all before
    ``broke``; the design itself refuses those with too few months before. One row a placebo: break, effect,
    low, high, ratio, failed, refused, found (the interval excludes zero). Raises `Refused` if no month is admissible.
    """
    before = series[series.index < broke].sort_index()
    out = set(pd.DatetimeIndex(list(without)))
    rows = []
    for at in before.index[1:]:
        after = pd.date_range(at, periods=months, freq="MS")
        if after[-1] >= broke or out & set(after) or not after.isin(before.index).all():
            continue
        cut = before[before.index <= after[-1]]
        left_out = [m for m in out if m <= after[-1]]
        rows.append({"break": at} | tried(design, cut, at, after[-1], without=left_out, **options))
    if not rows:
        raise Refused(f"no month before {broke:%Y-%m} is followed by {months} months with nothing left out")
    table = pd.DataFrame(rows)
    table["found"] = (table.low > 0) | (table.high < 0)
    return table


def specifications(choices: Mapping[str, Mapping[str, object]]) -> list[dict[str, str]]:
    """Every combination of named choices: [{"window": "since 2017", "trend": "none", ...}, ...]."""
    return [dict(zip(choices, names, strict=True)) for names in itertools.product(*choices.values())]


def specification_curve(
    designs: Mapping[str, tuple[Design, Mapping[str, Mapping[str, Mapping]]]],
    series: pd.Series,
    broke: pd.Timestamp,
    until: pd.Timestamp,
    *,
    common: Mapping[str, Mapping[str, Mapping]],
    run: Callable[[Callable, Sequence], Iterable] = map,
) -> pd.DataFrame:
    """Every design under every combination of its choices, sorted by effect (Simonsohn, Simmons & Nelson 2020).

    ``common`` are the choices that all designs share and ``designs`` maps a name to the design and its own: choice →
    name → the options that it stands for, e.g. ``{"trend": {"none": {"trend": False}, "linear": {"trend": True}}}``.
    ``run`` maps a function over the specifications: the built-in, or a pool's. One row a specification:
    design, the choices by name ("" where a design has none such), effect, low, high, ratio, failed, refused.
    """
    tasks = [
        (name, design, picked, own | common, series, broke, until)
        for name, (design, own) in designs.items()
        for picked in specifications(own | common)
    ]
    table = pd.DataFrame(run(_specified, tasks))
    chosen = [c for c in table.columns if c not in ("effect", "low", "high", "ratio", "failed", "refused")]
    table[chosen] = table[chosen].fillna("")
    return table.sort_values("effect", ignore_index=True, kind="stable")


def _specified(task) -> dict:
    name, design, picked, choices, series, broke, until = task
    options: dict = {}
    for choice, option in picked.items():
        for key, value in choices[choice][option].items():
            # months that two choices leave out are left out together
            options[key] = [*options.get(key, []), *value] if key == "without" else value
    return {"design": name} | picked | tried(design, series, broke, until, **options)

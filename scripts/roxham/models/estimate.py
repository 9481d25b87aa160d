"""What every design hands back: an effect with its interval and its checks; or a refusal that says why."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

LEVEL = 0.95


class Refused(ValueError):
    """No number is given, and why: in one line, with what was found and what is allowed."""


@dataclass(frozen=True)
class Check:
    """One check of a fitted model: what was looked at, the value found, what is allowed, whether it holds."""

    name: str
    value: float
    allowed: str
    holds: bool

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.value:.3g} ({'holds' if self.holds else 'fails'}; allowed: {self.allowed})"
        )


@dataclass(frozen=True)
class Estimate:
    """An effect: observed less counterfactual, summed over the months after the break.

    ``effect``, ``low``, ``high``, ``observed`` and ``counterfactual`` are in ``unit`` (people, claims,
    encounters, percentage points); ``low`` and ``high`` bound the effect at ``level``. A negative effect is a fall.
    """

    design: str
    effect: float
    low: float
    high: float
    observed: float
    counterfactual: float
    unit: str
    level: float = LEVEL
    checks: tuple[Check, ...] = ()
    options: dict = field(default_factory=dict)

    @property
    def ratio(self) -> tuple[float, float, float]:
        """The effect and its bounds as a share of the counterfactual; a fall of 97 % is -0.97.

        Infinite where the counterfactual is not above zero: no ratio to it can be excluded.
        """

        # The observed total is known, so each bound of the effect has its own counterfactual.
        def share(effect: float) -> float:
            expected = self.observed - effect
            if np.isinf(expected):
                return -1.0 if expected > 0 else np.inf
            return effect / expected if expected > 0 else np.inf

        return share(self.effect), share(self.low), share(self.high)

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.holds)

    @property
    def sound(self) -> bool:
        """Whether every check of the fitted model holds; a chapter's sentence depends on it."""
        return not self.failed


@dataclass(frozen=True)
class Fit:
    """A fitted design: its estimate, the path that it draws, and what it left unexplained.

    ``path`` has one row a month: month, observed, expected (fitted before the break, counterfactual from it on), low,
    high (bounds of the single month's counterfactual; missing before the break). ``residuals`` are those of the
    months before the break, standardised.
    """

    estimate: Estimate
    path: pd.DataFrame
    residuals: pd.Series


def checked(
    series: pd.Series,
    broke: pd.Timestamp,
    until: pd.Timestamp,
    *,
    start: pd.Timestamp | None = None,
    without: Iterable[pd.Timestamp] = (),
    least: int = 12,
) -> tuple[pd.Series, pd.Series]:
    """The months before the break and those from it to ``until``, or a refusal.

    ``series`` holds counts (people a month) indexed by the first of each month, in any order. ``broke`` is the first
    month counted as after; ``without`` are months left out (the pandemic's, say); ``least`` is how many months before
    the break a design needs.
    """
    if not isinstance(series.index, pd.DatetimeIndex):
        raise Refused(
            f"the series is indexed by {type(series.index).__name__}; allowed: first days of months"
        )
    if twice := sorted({f"{m:%Y-%m}" for m in series.index[series.index.duplicated()]}):
        raise Refused(f"months given twice: {', '.join(twice)}")
    if not (series.index.day == 1).all():
        raise Refused(f"not the first of a month: {series.index[series.index.day != 1][0]:%Y-%m-%d}")
    series = series.sort_index()
    first, last = series.index[[0, -1]] if len(series) else (None, None)
    if first is None:
        raise Refused("the series has no month")
    for name, at in (("start", start or first), ("break", broke), ("end", until)):
        if not first <= at <= last:
            raise Refused(f"the {name}, {at:%Y-%m}, is outside the data: {first:%Y-%m} to {last:%Y-%m}")
    if until < broke:
        raise Refused(f"the end, {until:%Y-%m}, is before the break, {broke:%Y-%m}")
    window = series[(series.index >= (start or first)) & (series.index <= until)]
    window = window[~window.index.isin(pd.DatetimeIndex(list(without)))]
    values = window.to_numpy(dtype=float, na_value=np.nan)
    if (hidden := np.isnan(values)).any():
        months = ", ".join(f"{m:%Y-%m}" for m in window.index[hidden][:3])
        raise Refused(f"suppressed or unpublished months: {hidden.sum()} (first: {months}); allowed: none")
    if (values < 0).any():
        raise Refused(f"a negative count in {window.index[values < 0][0]:%Y-%m}")
    window = pd.Series(values, window.index, name=series.name)
    before, after = window[window.index < broke], window[window.index >= broke]
    if len(before) < least:
        raise Refused(f"too few months before the break: {len(before)}, at least {least}")
    if after.empty:
        raise Refused("no month after the break")
    if not before.any():
        raise Refused("every month before the break is zero")
    return before, after

"""Large studies: one design under every combination of design × date × window × donor set; the sweep runs them.

A study is a grid that is never written out: its specifications are numbered, and any of them can be fitted apart.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import pandas as pd

from roxham.models import checks, donors, estimands
from roxham.models.segmented import segmented
from roxham.models.structural import structural


@dataclass(frozen=True)
class Study:
    """Choices (name → name of the option → the options that it stands for) and what fits one combination of them."""

    choices: Mapping[str, Mapping[str, object]]
    run: Callable[..., dict]

    def __len__(self) -> int:
        return prod(len(options) for options in self.choices.values())

    def specification(self, number: int) -> dict[str, str]:
        """The options that specification ``number`` (from 0) chooses, by name."""
        if not 0 <= number < len(self):
            raise IndexError(f"specification {number}; there are {len(self)}, from 0")
        picked = {}
        for choice, options in reversed(self.choices.items()):
            number, at = divmod(number, len(options))
            picked[choice] = list(options)[at]
        return {choice: picked[choice] for choice in self.choices}

    def fit(self, number: int) -> dict:
        """Its row: effect, low, high, ratio, failed, refused (see `checks.tried`)."""
        picked = self.specification(number)
        return self.run(**{choice: self.choices[choice][name] for choice, name in picked.items()})

    def __iter__(self) -> Iterator[dict[str, str]]:
        return (self.specification(i) for i in range(len(self)))


def _months(first: str, last: str, step: int = 1) -> dict[str, pd.Timestamp]:
    return {f"{m:%Y-%m}": m for m in pd.date_range(first, last, freq=f"{step}MS")}


@lru_cache(maxsize=1)
def interceptions() -> Study:
    """People intercepted in Quebec: both single-series designs, every month as the break, every choice."""
    series = estimands.intercepted().series

    def run(design, broke, months, start, pandemic, trend, season):
        function, trends = design
        options = {**trends[trend], **season[function], "start": start, "without": list(pandemic)}
        if pandemic and start < estimands.REOPENED < broke:
            options["steps"] = [estimands.REOPENED]  # the level before the pandemic need not be that after it
        until = broke + pd.DateOffset(months=months - 1)
        return checks.tried(function, series, broke, until, **options)

    return Study(
        {
            "design": {
                "regression": (segmented, {"level": {"trend": False}, "growing": {"trend": True}}),
                "state space": (structural, {"level": {"trend": "level"}, "growing": {"trend": "drift"}}),
            },
            "broke": _months("2018-01-01", "2024-06-01"),
            "months": {str(m): m for m in (6, 9)},
            "start": _months("2017-01-01", "2021-12-01", 1),
            "pandemic": {"left out": tuple(estimands.CLOSED), "kept": ()},
            "trend": {"level": "level", "growing": "growing"},
            "season": {
                "yes": {segmented: {}, structural: {}},
                "no": {segmented: {"harmonics": 0}, structural: {"season": "none"}},
            },
        },
        run,
    )


@lru_cache(maxsize=1)
def southbound() -> Study:
    """Encounters in the Swanton Sector: every set of two or more other northern sectors, dates, windows, designs."""
    panel = estimands.panel_southbound()
    others = [sector for sector in panel.columns if sector != "Swanton"]
    sets = {
        " + ".join(chosen): list(chosen)
        for size in range(2, len(others) + 1)
        for chosen in itertools.combinations(others, size)
    }

    def run(design, broke, months, start, donors):
        function, options = design
        until = broke + pd.DateOffset(months=months - 1)
        return checks.tried(function, panel, "Swanton", broke, until, start=start, donors=donors, **options)

    return Study(
        {
            "design": {
                "synthetic control, share": (donors.synthetic, {"scale": "share of own pre-mean"}),
                "synthetic control, level": (donors.synthetic, {"scale": "level"}),
                "augmented, share": (donors.synthetic, {"scale": "share of own pre-mean", "ridge": "auto"}),
                "difference, log": (donors.difference, {"scale": "log"}),
            },
            "broke": _months("2022-01-01", "2024-06-01"),
            "months": {str(m): m for m in (6, 12)},
            "start": _months("2012-10-01", "2020-10-01", 12),
            "donors": sets,
        },
        run,
    )


STUDIES: dict[str, Callable[[], Study]] = {"interceptions": interceptions, "southbound": southbound}

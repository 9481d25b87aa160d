"""The checks of the designs, tried with a design so plain that the answer is known: the mean of the months before."""

import numpy as np
import pandas as pd
import pytest

from roxham.models import checks, estimands, simulate
from roxham.models.estimate import Check, Estimate, Fit, Refused, checked


def mean_before(series, broke, until, *, start=None, without=(), wide=1.0) -> Fit:
    before, after = checked(series, broke, until, start=start, without=without)
    expected, spread = before.mean() * len(after), wide * 2 * before.std() * np.sqrt(len(after))
    effect = after.sum() - expected
    steady = Check("spread", before.std() / before.mean(), "at most 0.5", before.std() <= before.mean() / 2)
    estimate = Estimate(
        "mean", effect, effect - spread, effect + spread, after.sum(), expected, "people", checks=(steady,)
    )
    return Fit(estimate, pd.DataFrame(), before - before.mean())


@pytest.fixture
def fallen():
    series, _ = simulate.counts(np.random.default_rng(1), months=48, season=0, ratio=0.02)
    return series


BROKE, END = pd.Timestamp("2022-01-01"), pd.Timestamp("2022-09-01")


def test_every_admissible_month_is_a_placebo_and_none_sees_the_true_break(fallen):
    table = checks.placebos_in_time(mean_before, fallen, BROKE, months=9)
    given = table[table.refused == ""]
    assert table["break"].max() == pd.Timestamp("2021-04-01")  # nine months to December 2021
    assert given["break"].min() == pd.Timestamp("2019-01-01")  # twelve months before it
    assert table.refused.iloc[0] == "too few months before the break: 1, at least 12"
    assert table.ratio.min() > -0.4 and table.found.mean() < 0.2


def test_a_placebo_finds_a_break_that_is_there():
    series, _ = simulate.counts(np.random.default_rng(1), months=48, season=0, noise=0.02)
    series[series.index >= "2020-06-01"] *= 3
    table = checks.placebos_in_time(mean_before, series, BROKE, months=9).set_index("break")
    assert table.found["2020-06-01"] and table.ratio["2020-06-01"] == pytest.approx(2, abs=0.2)


def test_months_left_out_are_in_no_placebo(fallen):
    out = list(pd.date_range("2020-03-01", "2020-08-01", freq="MS"))
    table = checks.placebos_in_time(mean_before, fallen, BROKE, months=6, without=out)
    for at in table["break"]:
        assert not set(pd.date_range(at, periods=6, freq="MS")) & set(out)
    with pytest.raises(Refused, match="no month before 2022-01 is followed by 60 months"):
        checks.placebos_in_time(mean_before, fallen, BROKE, months=60)


def test_the_curve_holds_every_combination_and_says_what_was_refused(fallen):
    common = {
        "window": {
            "all": {},
            "two years": {"start": pd.Timestamp("2020-01-01")},
            "half a year": {"start": pd.Timestamp("2021-07-01")},
        },
        "last month": {"kept": {}, "left out": {"without": [pd.Timestamp("2021-12-01")]}},
    }
    own = {"interval": {"narrow": {}, "wide": {"wide": 2.0}}}
    designs = {"mean": (mean_before, own), "mean again": (mean_before, {})}
    curve = checks.specification_curve(designs, fallen, BROKE, END, common=common)
    assert len(curve) == 3 * 2 * (2 + 1)
    refused = curve[curve.refused != ""]
    assert set(refused.window) == {"half a year"} and len(refused) == 6
    assert set(refused.refused) == {f"too few months before the break: {n}, at least 12" for n in (5, 6)}
    assert refused.effect.isna().all() and curve.effect.dropna().is_monotonic_increasing
    widths = (curve.high - curve.low).groupby([curve.window, curve["last month"], curve.interval]).first()
    assert widths["all", "kept", "wide"] == pytest.approx(2 * widths["all", "kept", "narrow"])
    assert set(curve[curve.design == "mean again"].interval) == {""}


def test_a_failed_check_is_named_in_its_row(fallen):
    jumpy = fallen.copy()
    jumpy.iloc[:48:2] = 0
    assert checks.tried(mean_before, jumpy, BROKE, END)["failed"] == "spread"
    assert checks.tried(mean_before, fallen, BROKE, END)["failed"] == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.iloc[40:], "too few months before the break: 8, at least 12"),
        (lambda s: s.iloc[:50], "the end, 2022-09, is outside the data: 2018-01 to 2022-02"),
        (lambda s: s * 0, "every month before the break is zero"),
        (
            lambda s: s.mask(s.index == "2019-05-01"),
            r"suppressed or unpublished months: 1 \(first: 2019-05\)",
        ),
        (lambda s: pd.concat([s, s.iloc[[3]]]), "months given twice: 2018-04"),
        (lambda s: s.where(s.index != "2019-05-01", -1), "a negative count in 2019-05"),
        (lambda s: s.reset_index(drop=True), "indexed by RangeIndex; allowed: first days of months"),
        (lambda s: s.iloc[:0], "the series has no month"),
        (lambda s: s.set_axis(s.index + pd.Timedelta(days=3)), "not the first of a month: 2018-01-04"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_one_line(fallen, change, words):
    with pytest.raises(Refused, match=words):
        checked(change(fallen), BROKE, END)


def test_the_order_of_the_months_does_not_matter(fallen):
    before, after = checked(fallen.sample(frac=1, random_state=2), BROKE, END)
    assert before.index.is_monotonic_increasing and len(before) == 48 and len(after) == 9


def test_simulated_counts_are_what_they_say():
    rng = np.random.default_rng(5)
    pairs = [simulate.counts(rng, ratio=0.1, season=0, noise=0.1) for _ in range(200)]
    kept = np.mean([(y.iloc[54:].sum() / without.iloc[54:].sum()) for y, without in pairs])
    assert kept == pytest.approx(0.1, abs=0.002)
    assert np.mean([without.mean() for _, without in pairs]) == pytest.approx(
        2000 * np.exp(0.1**2 / 2), rel=0.02
    )
    null, same = simulate.counts(rng)
    assert null.equals(same)


def test_the_estimands_are_series_of_the_record():
    first = estimands.intercepted()
    assert first.series[pd.Timestamp("2023-01-01")] == 4875  # as RCMP counted, and as the tables print it
    assert first.series[first.series.index >= first.broke][: first.until].sum() == 483
    swanton = estimands.southbound()
    assert swanton.series[pd.Timestamp("2024-06-01")] == 3310
    panel = estimands.panel_southbound()
    assert panel.shape[1] == 8 and (panel["Swanton"] == swanton.series).all()

"""The block bootstrap: its block lengths, its draws, and the intervals that it makes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.datasets import nile, sunspots

from roxham.models.bootstrap import block_length, blocks, bootstrapped, interval
from roxham.models.estimate import Check, Estimate, Fit, Refused, checked
from roxham.models.simulate import counts

pytestmark = pytest.mark.filterwarnings("error")
few = settings(max_examples=20, deadline=None, derandomize=True)


def persistent(rng, months, coefficient=0.5):
    values = rng.standard_normal(months)
    for i in range(1, months):
        values[i] += coefficient * values[i - 1]
    return values


# Block lengths


@pytest.mark.parametrize(
    ("load", "column", "stationary", "circular"),
    [
        (nile, "volume", 12.33349425828262, 14.118326537905858),
        (sunspots, "SUNACTIVITY", 21.050693046008156, 24.097028145383916),
    ],
)
def test_block_lengths_are_those_of_arch(load, column, stationary, circular):
    # arch 8.0.0, arch.bootstrap.optimal_block_length on the same data.
    values = load.load_pandas().data[column].to_numpy(float)
    assert block_length(values) == pytest.approx(stationary)
    assert block_length(values, "moving") == np.ceil(circular)


def test_months_that_say_more_of_the_next_stay_together():
    rng = np.random.default_rng(0)
    means = [
        np.mean([block_length(persistent(rng, 200, coefficient)) for _ in range(40)])
        for coefficient in (0, 0.5, 0.9)
    ]
    assert means[0] < means[1] < means[2]


@few
@given(st.integers(0, 10**6), st.integers(12, 200), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_neither_unit_nor_origin_changes_the_length(seed, months, factor, shift):
    values = persistent(np.random.default_rng(seed), months)
    length = block_length(values)
    assert 1 <= length <= np.ceil(min(3 * np.sqrt(months), months / 3))
    assert block_length(factor * values + shift) == pytest.approx(length, rel=1e-4)
    assert block_length(-values) == pytest.approx(length)


# Draws


def test_moving_blocks_are_runs_of_the_series():
    drawn = blocks(np.arange(40.0), size=50, draws=30, length=8, kind="moving")
    assert drawn.shape == (30, 50)
    runs = drawn[:, :48].reshape(30, 6, 8)
    assert (np.diff(runs, axis=2) == 1).all()


def test_stationary_blocks_are_as_long_as_asked_on_average():
    drawn = blocks(np.arange(100.0), size=1000, draws=50, length=7)
    new = (np.diff(drawn, axis=1) % 100 != 1).mean()
    assert 1 / new == pytest.approx(7, rel=0.05)
    assert np.bincount(drawn.astype(int).ravel(), minlength=100).min() > 300


@few
@given(st.integers(0, 10**6), st.sampled_from(["stationary", "moving"]))
def test_a_seed_is_a_draw(seed, kind):
    values = persistent(np.random.default_rng(seed), 40)
    assert (
        blocks(values, draws=5, kind=kind, seed=seed) == blocks(values, draws=5, kind=kind, seed=seed)
    ).all()
    assert np.isin(blocks(values, draws=5, kind=kind, seed=seed), values).all()
    assert (
        blocks(3 * values, draws=5, kind=kind, seed=seed, length=4)
        == 3 * blocks(values, draws=5, kind=kind, seed=seed, length=4)
    ).all()


# Intervals


@pytest.mark.parametrize("kind", ["stationary", "moving"])
def test_blocks_see_what_single_months_miss(kind):
    # An AR(1) of coefficient 0.5: the mean of its months varies three times as much as if they were independent.
    # Blocks cover less than they say on a series this short: measured here, so that the docstring may say so.
    rng, tries = np.random.default_rng(1), 150
    covered = {"blocks": 0, "months": 0}
    for _ in range(tries):
        values = persistent(rng, 150)
        for name, length in (("blocks", None), ("months", 1)):
            low, high = interval(values, lambda x: x.mean(axis=1), draws=300, length=length, kind=kind)
            covered[name] += low <= 0 <= high
    assert 0.86 <= covered["blocks"] / tries <= 0.97
    assert covered["months"] / tries < 0.8


def curve(series, broke, until, *, start=None, without=(), unit="people", level=0.95):
    """Ordinary least squares of log counts on a mean and one yearly wave; its interval is none."""
    before, after = checked(series, broke, until, start=start, without=without)
    months = before.index.append(after.index)
    angle = 2 * np.pi * months.month.to_numpy() / 12
    waves = np.column_stack([np.ones(len(months)), np.sin(angle), np.cos(angle)])
    logs = np.log(np.maximum(before.to_numpy(), 0.5))
    expected = np.exp(waves @ np.linalg.lstsq(waves[: len(before)], logs, rcond=None)[0])
    total = expected[len(before) :].sum()
    effect = after.sum() - total
    observed = np.concatenate([before, after])
    path = pd.DataFrame(
        {"month": months, "observed": observed, "expected": expected, "low": np.nan, "high": np.nan}
    )
    estimate = Estimate(
        "curve", effect, effect, effect, after.sum(), total, unit, level, (Check("own", 1.0, "1", True),)
    )
    return Fit(estimate, path, pd.Series(logs - np.log(expected[: len(before)]), before.index))


def test_a_curve_gets_an_interval_that_covers():
    rng, covered, tries = np.random.default_rng(2), 0, 60
    for _ in range(tries):
        observed, without = counts(rng, ratio=0.02)
        months = observed.index
        estimate = bootstrapped(curve, observed, months[54], months[-1], spent=3, draws=100).estimate
        covered += estimate.low <= (observed - without).sum() <= estimate.high
    assert 0.88 <= covered / tries <= 0.97


@few
@given(st.integers(0, 1000), st.floats(0.01, 100), st.sampled_from(["stationary", "moving"]))
def test_twice_the_people_are_twice_the_interval(seed, factor, kind):
    observed, _ = counts(np.random.default_rng(seed), months=30, ratio=0.1, level=5000)
    months = observed.index
    one, many = (
        bootstrapped(curve, s, months[30], months[-1], draws=40, kind=kind).estimate
        for s in (observed.astype(float), max(factor, 0.1) * observed)
    )
    assert (many.low, many.high) == pytest.approx(
        tuple(max(factor, 0.1) * b for b in (one.low, one.high)), rel=1e-6
    )
    assert one.low < one.effect < one.high


def test_the_fit_keeps_its_number_and_gains_bounds():
    observed, _ = counts(np.random.default_rng(3), ratio=0.02)
    months = observed.index
    broke, until, out = months[54], months[-1], months[[0, 20, 21, 62]]
    own = curve(observed, broke, until, without=out)
    fit = bootstrapped(curve, observed, broke, until, without=out, start=months[0], draws=100, level=0.9)
    assert fit.estimate.effect == own.estimate.effect
    assert fit.estimate.low < own.estimate.effect < fit.estimate.high
    assert [check.name for check in fit.estimate.checks] == ["own", "share of refits refused"]
    assert fit.estimate.options["interval"] == "stationary block bootstrap"
    assert fit.estimate.level == 0.9
    assert (own.path.loc[:, "low":].isna()).all(axis=None)
    after = fit.path[fit.path["month"] >= broke]
    assert ((after["low"] < after["expected"]) & (after["expected"] < after["high"])).all()
    again = bootstrapped(curve, observed, broke, until, without=out, draws=100, level=0.9)
    assert again.estimate == fit.estimate
    wide = bootstrapped(curve, observed, broke, until, without=out, draws=100, level=0.9, spent=20).estimate
    assert wide.high - wide.low > fit.estimate.high - fit.estimate.low


# Refusals


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: block_length(x[:11]), "too few values for blocks: 11, at least 12"),
        (lambda x: block_length(np.append(x, np.nan)), "missing or not finite: 1; allowed: none"),
        (lambda x: block_length(x, "circle"), "no block bootstrap 'circle'; allowed: stationary, moving"),
        (lambda x: block_length(np.stack([x, x])), "2 dimensions"),
        (lambda x: blocks(x, length=0.5), "blocks of 0.5; allowed: 1 to 40"),
        (lambda x: blocks(x, length=41), "blocks of 41"),
        (lambda x: blocks(x, size=0), "draws of 0 values"),
        (lambda x: interval(x, np.mean, level=0), "level of the interval is 0"),
    ],
)
def test_what_it_cannot_do_is_refused(call, words):
    with pytest.raises(Refused, match=words):
        call(np.random.default_rng(4).standard_normal(40))


def test_a_design_that_mostly_refuses_is_refused():
    observed, _ = counts(np.random.default_rng(5), ratio=0.02)
    months = observed.index

    def fussy(series, broke, until, **options):
        if series.iloc[0] != observed.iloc[0]:
            raise Refused("not this one")
        return curve(series, broke, until, **options)

    with pytest.raises(Refused, match=r"refits refused: [45][0-9] of 50, at most 5%"):
        bootstrapped(fussy, observed, months[54], months[-1], draws=50)
    with pytest.raises(Refused, match="54 coefficients for 54 months"):
        bootstrapped(curve, observed, months[54], months[-1], spent=54)


def test_a_constant_series_has_blocks_of_one():
    assert block_length(np.full(30, 7.0)) == 1

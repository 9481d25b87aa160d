"""The state-space counterfactual: what it finds where the answer is known, and where it gives none."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.datasets import nile

from roxham.models.estimate import Refused
from roxham.models.simulate import counts
from roxham.models.structural import structural

pytestmark = pytest.mark.filterwarnings("error")
few = settings(max_examples=8, deadline=None, derandomize=True)


def world(seed=0, **options):
    """A series with its break, its last month and the months without the break."""
    observed, without = counts(np.random.default_rng(seed), **options)
    return observed, observed.index[options.get("months", 54)], observed.index[-1], without


def years():
    """Flow of the Nile at Aswan, 1871–1970, one year a month: the design knows months only."""
    flow = nile.load_pandas().data["volume"].to_numpy(float)
    return pd.Series(flow, pd.date_range("1871-01-01", periods=100, freq="MS"))


def year(which):
    return pd.Timestamp("1871-01-01") + pd.DateOffset(months=which - 1871)


# Known answers


def test_variances_of_the_nile_are_those_of_structts():
    # R's StructTS(Nile, type = "level") prints level 1469.147, epsilon 15098.577 (lecture5.md of
    # JoseMontanaC/Curso-Konrad-Lorentz); the model and data are those of Durbin and Koopman.
    flow = years()
    flow[year(1971)] = 900.0
    fit = structural(flow, year(1971), year(1971), season="none", scale="count", unit="10⁸ m³")
    variances = fit.estimate.options["variances"]
    assert variances["irregular"] == pytest.approx(15098.577, rel=1e-4)
    assert variances["level"] == pytest.approx(1469.147, rel=1e-4)
    assert fit.estimate.sound


def test_the_nile_falls_in_1899_and_not_ten_years_before():
    # "with apparent changepoint near 1898" (Cobb 1978, in the documentation of R's Nile).
    fell = structural(years(), year(1899), year(1908), season="none", scale="count").estimate
    placebo = structural(years(), year(1889), year(1898), season="none", scale="count").estimate
    assert fell.high < 0
    assert placebo.low < 0 < placebo.high


@pytest.mark.parametrize(("months", "seed"), [(54, 1), (16, 2)])
def test_intervals_cover_the_truth_as_often_as_they_say(months, seed):
    # Without a break the same months lie before it, so the share of null series in which an effect is found is the
    # share of intervals here that miss: at most 7 %. Nine months after, a fall of 98 %.
    rng, covered, errors, tries = np.random.default_rng(seed), 0, [], 200
    for _ in range(tries):
        observed, without = counts(rng, months=months, ratio=0.02)
        estimate = structural(observed, observed.index[months], observed.index[-1], draws=1000).estimate
        truth = (observed - without).sum()
        covered += estimate.low <= truth <= estimate.high
        errors.append(estimate.effect / truth - 1)
    assert 0.93 <= covered / tries <= 0.97
    assert abs(np.mean(errors)) < 0.05


def test_no_effect_is_found_as_often_as_no_truth_is_missed():
    observed, broke, until, without = world(3, ratio=0.02)
    fall, null = (structural(s, broke, until).estimate for s in (observed, without))
    assert null.effect - fall.effect == pytest.approx(without[broke:].sum() - observed[broke:].sum())
    assert null.counterfactual == fall.counterfactual


def test_a_constant_slope_is_followed_if_asked_for():
    errors = {"level": [], "drift": []}
    for seed in range(20):
        observed, broke, until, without = world(seed, growth=0.02, ratio=0.02)
        truth = (observed - without).sum()
        for trend, found in errors.items():
            found.append(structural(observed, broke, until, trend=trend).estimate.effect / truth - 1)
    assert abs(np.mean(errors["drift"])) < 0.05 < abs(np.mean(errors["level"]))


def test_a_known_step_is_no_wandering():
    observed, broke, until, _ = world(4)
    at = observed.index[30]
    observed[at:] *= 5
    plain = structural(observed, broke, until).estimate
    stepped = structural(observed, broke, until, steps=[at]).estimate
    assert stepped.high - stepped.low < 0.7 * (plain.high - plain.low)
    assert stepped.options["steps"] == (f"{at:%Y-%m}",)


def test_a_covariate_that_moves_along_narrows_the_interval():
    months = pd.date_range("2018-01-01", periods=63, freq="MS")
    covered = {"alone": 0, "along": 0}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        common = np.cumsum(rng.normal(0, 0.1, 63))
        ours, theirs = (
            pd.Series(rng.poisson(5000 * np.exp(common + rng.normal(0, 0.05, 63))), months) for _ in range(2)
        )
        alone = structural(ours, months[54], months[-1]).estimate
        along = structural(ours, months[54], months[-1], covariates=theirs.to_frame("other")).estimate
        assert along.high - along.low < 0.8 * (alone.high - alone.low)
        assert along.options["covariates"] == ("other",)
        covered["alone"] += alone.low <= 0 <= alone.high
        covered["along"] += along.low <= 0 <= along.high
    assert min(covered.values()) >= 17


def together(seed=0, touched=1.0):
    """A series halved by a break, and another that moved with it and that the break touched by a factor."""
    months, rng = pd.date_range("2018-01-01", periods=63, freq="MS"), np.random.default_rng(seed)
    level = 5000 * np.exp(np.cumsum(rng.normal(0, 0.1, 63)))
    ours, theirs = (
        pd.Series(rng.poisson(level * np.exp(rng.normal(0, 0.05, 63))), months, dtype=float) for _ in range(2)
    )
    ours[months[54] :], theirs[months[54] :] = ours[months[54] :] / 2, theirs[months[54] :] * touched
    return ours, months[54], months[-1], theirs.to_frame("other")


def test_a_covariate_that_the_break_touched_hides_its_effect():
    *world, other = together()
    clean = structural(*world, covariates=other).estimate
    *world, other = together(touched=0.5)
    hidden = structural(*world, covariates=other).estimate
    assert clean.high < 0 and clean.ratio[0] == pytest.approx(-0.5, abs=0.1)
    assert hidden.low < 0 < hidden.high


@few
@given(st.integers(0, 50), st.floats(0.01, 100))
def test_a_covariate_in_other_units_gives_the_same_estimate(seed, units):
    *world, other = together(seed)
    one, two = (structural(*world, covariates=c, draws=300).estimate for c in (other, other * units))
    assert (two.effect, two.low, two.high) == pytest.approx((one.effect, one.low, one.high), rel=1e-6)


def test_a_road_nearly_empty_before_it_opens():
    observed, broke, until, _ = world(
        6, months=20, after=16, level=30.0, persistence=0.5, noise=0.5, ratio=100
    )
    observed.iloc[[0, 7]] = 0
    fit = structural(observed, broke, until, season="none")
    assert fit.estimate.options["offset"] > 0
    assert fit.estimate.low > 0.9 * observed[broke:].sum()
    assert (fit.path["low"].dropna() >= 0).all()


# Properties


@few
@given(st.integers(0, 1000), st.floats(0.01, 1000), st.sampled_from(["log", "count"]), st.booleans())
def test_twice_the_people_are_twice_the_effect(seed, factor, scale, zero):
    observed, broke, until, _ = world(seed, ratio=0.1, months=30)
    observed = observed.astype(float)
    if zero:
        observed.iloc[3] = 0
    one, many = (structural(s, broke, until, scale=scale).estimate for s in (observed, factor * observed))
    for name in ("effect", "low", "high", "counterfactual"):
        assert getattr(many, name) == pytest.approx(factor * getattr(one, name), rel=1e-3, abs=1e-3 * factor)


@few
@given(st.integers(0, 1000), st.randoms(use_true_random=False), st.integers(-500, 500))
def test_neither_order_nor_date_matter(seed, random, shift):
    observed, broke, until, _ = world(seed, ratio=0.1, months=30)
    order = list(range(len(observed)))
    random.shuffle(order)
    move = pd.DateOffset(months=shift)
    moved = observed.set_axis(observed.index + move)
    one = structural(observed, broke, until)
    assert structural(observed.iloc[order], broke, until).estimate == one.estimate
    other = structural(moved, broke + move, until + move).estimate
    assert (other.effect, other.low, other.high) == pytest.approx(
        (one.estimate.effect, one.estimate.low, one.estimate.high), rel=1e-3
    )


@few
@given(st.integers(0, 1000), st.integers(0, 10**6))
def test_what_is_left_out_does_not_count(seed, value):
    observed, broke, until, _ = world(seed, ratio=0.1, months=40)
    out = observed.index[[10, 11, 12, 39, 42]]
    other = observed.copy()
    other[out] = value
    one, two, absent = (
        structural(observed, broke, until, without=out),
        structural(other, broke, until, without=out),
        structural(observed.drop(out), broke, until),
    )
    assert one.estimate == two.estimate == absent.estimate
    assert not one.path["month"].isin(out).any()
    assert one.estimate.observed == observed[broke:].drop(out[-1]).sum()


def test_the_path_holds_every_month_and_bounds_only_those_after():
    observed, broke, until, _ = world(7, ratio=0.02)
    fit = structural(observed, broke, until, level=0.8)
    path = fit.path.set_index("month")
    assert list(path) == ["observed", "expected", "low", "high"]
    assert path.index.equals(observed.index)
    assert path["low"][path.index < broke].isna().all()
    after = path[path.index >= broke]
    assert ((after["low"] < after["expected"]) & (after["expected"] < after["high"])).all()
    assert after["expected"].sum() == pytest.approx(fit.estimate.counterfactual, rel=0.05)
    # One level and two waves take five months to start.
    assert len(fit.residuals) == 54 - 5
    assert fit.residuals.pow(2).mean() == pytest.approx(1)
    assert fit.estimate.level == 0.8


@pytest.mark.parametrize("trend", ["level", "drift", "local linear"])
@pytest.mark.parametrize("season", ["harmonic", "dummy", "none"])
def test_every_trend_goes_with_every_season(trend, season):
    observed, broke, until, without = world(8, ratio=0.02)
    estimate = structural(observed, broke, until, trend=trend, season=season).estimate
    assert estimate.low < (observed - without).sum() < estimate.high
    assert structural(observed, broke, until, trend=trend, season=season).estimate == estimate


# Checks that fail


def failed(series, broke, until, **options):
    return " ".join(check.name for check in structural(series, broke, until, **options).estimate.failed)


def test_an_outlier_fails_a_check():
    observed, broke, until, _ = world(9, ratio=0.02)
    observed.iloc[30] *= 20
    assert "largest innovation" in failed(observed, broke, until)
    assert "normality" in failed(observed, broke, until)


def test_a_season_not_modelled_fails_a_check():
    observed, broke, until, _ = world(10, season=1.0, ratio=0.02)
    assert "autocorrelation" in failed(observed, broke, until, season="none", trend="drift")


def test_an_interval_that_says_nothing_fails_a_check():
    rng = np.random.default_rng(11)
    months = pd.date_range("2018-01-01", periods=54, freq="MS")
    walk = pd.Series(np.exp(8 + np.cumsum(rng.normal(0, 0.4, 54))), months)
    found = failed(walk, months[30], months[-1], season="none")
    assert "upper bound of the counterfactual" in found
    assert "variance of the level" in found


# Refusals


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"trend": "linear"}, "no trend 'linear'; allowed: level, drift, local linear"),
        ({"season": "yearly"}, "no season"),
        ({"scale": "root"}, "no scale"),
        ({"harmonics": 6}, "6 harmonics; allowed: 1 to 5"),
        ({"level": 1.0}, "level of the interval is 1"),
        ({"draws": 10}, "too few draws: 10, at least 100"),
        ({"wander": 0.0}, "wander by 0"),
        ({"start": pd.Timestamp("2022-01-01")}, "too few months before the break: 6, at least 12"),
        ({"start": pd.Timestamp("2021-07-01"), "season": "dummy"}, "for 12 components: 12, at least 18"),
        ({"start": pd.Timestamp("2015-01-01")}, "the start, 2015-01, is outside the data"),
        ({"steps": [pd.Timestamp("2022-08-01")]}, "the step, 2022-08, is not between 2018-01 and the break"),
        ({"steps": [pd.Timestamp("2020-02-01")] * 2}, "do not identify"),
        (
            {"covariates": pd.DataFrame({"x": [1.0]}, [pd.Timestamp("2018-01-01")])},
            "x has no value in 2018-02",
        ),
    ],
)
def test_what_it_cannot_do_is_refused(options, words):
    observed, broke, until, _ = world(12)
    with pytest.raises(Refused, match=words):
        structural(observed, broke, until, **options)


def test_series_without_noise_are_refused():
    months = pd.date_range("2018-01-01", periods=40, freq="MS")
    broke, until = months[30], months[-1]
    with pytest.raises(Refused, match="every month before the break is zero"):
        structural(pd.Series(0.0, months), broke, until)
    with pytest.raises(Refused, match="every month before the break is 5"):
        structural(pd.Series(5.0, months), broke, until)
    with pytest.raises(Refused, match="suppressed"):
        structural(pd.Series(5.0, months).mask(months == months[3]), broke, until)
    with pytest.raises(Refused, match="exactly"):
        structural(pd.Series(np.exp(np.arange(40) / 10), months), broke, until, trend="drift", season="none")


def test_a_forecast_without_bound_is_refused():
    months = pd.date_range("1990-01-01", periods=400, freq="MS")
    wild = pd.Series(1.0, months)
    wild.iloc[:14] = np.exp(3.0 * np.arange(14) + np.random.default_rng(16).normal(0, 0.1, 14))
    with pytest.raises(Refused, match="beyond every number"):
        structural(wild, months[14], months[-1], trend="drift", season="none")


@pytest.mark.parametrize(
    ("values", "words"),
    [(7.0, "is the same in every month"), (0.0, "is zero in every month"), (-1.0, "is negative in 2018-01")],
)
def test_covariates_that_say_nothing_are_refused(values, words):
    observed, broke, until, _ = world(13)
    frame = pd.DataFrame({"x": values}, observed.index)
    with pytest.raises(Refused, match=words):
        structural(observed, broke, until, covariates=frame)


def test_a_copy_of_a_covariate_is_refused():
    observed, broke, until, _ = world(14)
    other = counts(np.random.default_rng(15))[0]
    with pytest.raises(Refused, match="do not identify"):
        structural(observed, broke, until, covariates=pd.DataFrame({"a": other, "b": other}))

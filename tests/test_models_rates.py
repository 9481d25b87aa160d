"""Standardised shares agree with published results, add up, and have intervals that cover what they claim to."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from roxham.models import rates
from roxham.models.estimate import Refused

few = settings(max_examples=25, deadline=None, derandomize=True)
strata = ["Haiti", "Nigeria", "Türkiye", "The rest"]


def group(events, total, index=strata):
    return pd.DataFrame({"events": events, "total": total}, index=index)


@st.composite
def groups(draw):
    total = [draw(st.integers(20, 3000)) for _ in strata]
    return group([draw(st.integers(1, n - 1)) for n in total], total)


# ---- published results


def test_the_gamma_interval_is_the_published_one_of_fay_and_feuer():
    # Down syndrome in Michigan, 1950-64, fifth and later births by age of the mother (Stark and Mantel 1966; Fleiss
    # 1981, table 14.4), the example of Fay and Feuer (1997). R's dsrTest gives 75.52901, 67.70212 and 188.30017.
    births = group(
        [0, 8, 63, 112, 262, 295], [327, 30666, 123419, 149919, 104088, 34392], index=list("abcdef")
    )
    standard = pd.Series([319933, 931318, 786511, 488235, 237863, 61313], index=list("abcdef"))
    found = rates.standardised(births, standard, method="gamma")
    assert 1e5 * np.array([found.rate, found.low, found.high]) == pytest.approx(
        [75.52901, 67.70212, 188.30017]
    )


def test_the_pooled_odds_ratio_is_the_published_one_of_smoking_in_china():
    # Smoking and lung cancer in eight Chinese cities (Agresti), shipped with statsmodels. SAS's PROC FREQ prints a
    # Mantel-Haenszel odds ratio of 2.174 (stanford.edu/class/ed257/exs/chinasmokehndt).
    data = sm.datasets.china_smoking.load_pandas().data
    smokers = group(
        data.smoking_yes_cancer_yes, data.smoking_yes_cancer_yes + data.smoking_yes_cancer_no, data.index
    )
    others = group(
        data.smoking_no_cancer_yes, data.smoking_no_cancer_yes + data.smoking_no_cancer_no, data.index
    )
    assert rates.mantel_haenszel_ratio(smokers, others).rate == pytest.approx(2.174, abs=5e-4)
    # One ratio fits all cities (SAS: Breslow-Day p = 0.636), and the regression finds it too.
    regression = rates.fixed_effects(smokers, others)
    assert regression.odds.rate == pytest.approx(2.17, abs=0.01)
    assert regression.p_common == pytest.approx(0.636, abs=0.005)
    assert regression.dispersion < 1


def test_a_single_stratum_is_its_own_share_with_wilsons_interval():
    one = group([40], [100], ["Haiti"])
    found = rates.standardised(one, pd.Series({"Haiti": 7}))
    assert (found.low, found.high) == pytest.approx(proportion_confint(40, 100, method="wilson"))


def test_the_risk_difference_has_the_variance_of_sato():
    # One stratum, equal groups: the variance must then be the mean of the binomial ones, whatever the formula.
    a, b = group([60], [200], ["x"]), group([40], [200], ["x"])
    found = rates.mantel_haenszel(a, b)
    error = (found.high - found.low) / 2 / 1.959964
    assert found.rate == pytest.approx(0.1)
    assert error == pytest.approx(np.sqrt(0.3 * 0.7 / 200 + 0.2 * 0.8 / 200), rel=0.01)


# ---- properties


@few
@given(groups(), groups())
def test_the_parts_of_a_difference_add_up_and_change_sign_with_the_groups(a, b):
    crude = a.events.sum() / a.total.sum() - b.events.sum() / b.total.sum()
    parts = rates.kitagawa(a, b)
    assert parts.sum().sum() == pytest.approx(crude)
    pd.testing.assert_frame_equal(parts, -rates.kitagawa(b, a))
    same_mix = b.assign(events=b.events * a.total / b.total, total=a.total)
    assert rates.kitagawa(a, same_mix).mix.abs().max() < 1e-12


@few
@given(groups(), groups(), st.sampled_from(["wilson", "bootstrap"]), st.integers(2, 9))
def test_a_standardised_share_is_a_share_and_needs_no_order(a, b, method, times):
    found = rates.standardised(a, b.total, method=method, draws=200)
    assert 0 <= found.low <= found.rate <= found.high <= 1
    share = a.events / a.total
    assert share.min() - 1e-9 <= found.rate <= share.max() + 1e-9
    assert rates.standardised(a, a.total).rate == pytest.approx(a.events.sum() / a.total.sum())
    assert rates.standardised(a.iloc[::-1], b.total * times).rate == pytest.approx(found.rate)
    narrower = rates.standardised(a * times, b.total)
    assert (
        narrower.high - narrower.low
        < rates.standardised(a, b.total).high - rates.standardised(a, b.total).low
    )


@pytest.mark.parametrize("method", ["wilson", "gamma", "bootstrap"])
def test_families_decided_together_widen_the_interval_as_fewer_claims_would(method):
    a, standard = group([300, 900, 1200, 600], [3000] * 4), pd.Series([1, 2, 3, 4], strata)
    single = rates.standardised(a, standard, method=method)
    family = rates.standardised(a, standard, method=method, together=4)
    assert family.rate == single.rate
    assert (family.high - family.low) / (single.high - single.low) == pytest.approx(2, rel=0.02)
    with pytest.raises(Refused, match="1 or more"):
        rates.standardised(a, standard, together=0.5)


@few
@given(groups(), groups())
def test_the_pooled_difference_is_the_standardised_one_at_its_own_weights(a, b):
    weights = a.total * b.total / (a.total + b.total)
    direct = rates.standardised(a, weights).rate - rates.standardised(b, weights).rate
    assert rates.mantel_haenszel(a, b).rate == pytest.approx(direct)
    assert rates.gap(a, b, weights).rate == pytest.approx(direct)
    other = rates.mantel_haenszel(b, a)
    assert other.rate == pytest.approx(-direct)
    assert other.low == pytest.approx(-rates.mantel_haenszel(a, b).high)


def test_the_one_country_that_carries_a_difference_comes_first():
    a, b = group([300, 600, 500, 550], [1000] * 4), group([750, 600, 500, 550], [1000] * 4)
    found = rates.leave_one_out(a, b, a.total)
    assert found.index[0] == "Haiti"
    assert found.rate["Haiti"] == pytest.approx(0) and found.moved["Haiti"] == pytest.approx(0.45 / 4)
    with pytest.raises(Refused, match="at least 2"):
        rates.leave_one_out(a.iloc[:1], b.iloc[:1], a.total.iloc[:1])


@few
@given(groups())
def test_a_group_against_itself_shows_no_difference(a):
    twice = a * 3
    assert rates.gap(a, twice, a.total).rate == pytest.approx(0, abs=1e-12)
    assert rates.indirect(a, twice).rate == pytest.approx(1)
    fit = rates.fixed_effects(a, twice)
    assert fit.difference.rate == pytest.approx(0, abs=1e-6) and fit.odds.rate == pytest.approx(1)


@few
@given(groups(), st.data())
def test_hidden_cells_are_bounded_by_everything_they_may_be(a, data):
    rejected = a.total - a.events
    room = [data.draw(st.integers(0, 19)) for _ in strata]
    cells = pd.DataFrame(
        {
            "accepted_low": (a.events - room).clip(lower=0),
            "accepted_high": a.events + room,
            "other_low": (rejected - room).clip(lower=0),
            "other_high": rejected + room,
        }
    )
    assert a.events.sum() / a.total.sum() in rates.hidden_bounds(cells)
    standard = pd.Series([5, 1, 3, 1], strata)
    held = rates.hidden_bounds(cells, standard)
    assert 0 <= held.low <= rates.standardised(a, standard).rate <= held.high <= 1
    unknown = cells.assign(other_high=np.inf)
    assert rates.hidden_bounds(unknown, standard).low == 0


# ---- do the intervals cover?


def test_intervals_cover_the_process_nineteen_times_in_twenty():
    rng = np.random.default_rng(9)
    chance_a, chance_b = np.array([0.35, 0.6, 0.8, 0.55]), np.array([0.5, 0.7, 0.8, 0.65])
    total_a, total_b = np.array([300, 250, 60, 400]), np.array([40, 80, 150, 700])
    standard = pd.Series(total_a, strata)
    true = total_a / total_a.sum() @ (chance_a - chance_b)
    hits = dict.fromkeys(["direct", "bootstrap", "gap"], 0)
    runs = 1000
    for i in range(runs):
        a, b = (
            group(rng.binomial(total_a, chance_a), total_a),
            group(rng.binomial(total_b, chance_b), total_b),
        )
        direct = rates.standardised(b, standard)
        expected = total_a / total_a.sum() @ chance_b
        hits["direct"] += direct.low <= expected <= direct.high
        if i < 300:
            drawn = rates.standardised(b, standard, method="bootstrap", draws=500, seed=i)
            hits["bootstrap"] += drawn.low <= expected <= drawn.high
        found = rates.gap(a, b, standard)
        hits["gap"] += found.low <= true <= found.high
    assert 0.93 <= hits["direct"] / runs <= 0.97
    assert 0.93 <= hits["gap"] / runs <= 0.97
    assert 0.91 <= hits["bootstrap"] / 300 <= 0.98


def test_one_common_effect_is_found_by_every_design_and_covered():
    rng = np.random.default_rng(10)
    total_a, total_b = np.array([300, 250, 60, 400]), np.array([90, 80, 150, 700])
    base, odds = np.array([0.35, 0.6, 0.8, 0.55]), 0.7
    chance = odds * base / (1 - base) / (1 + odds * base / (1 - base))
    pooled, regression, ratio, spread = 0, 0, 0, []
    runs = 200
    for _ in range(runs):
        a, b = group(rng.binomial(total_a, chance), total_a), group(rng.binomial(total_b, base), total_b)
        fit = rates.fixed_effects(a, b)
        spread.append(fit.dispersion)
        regression += fit.odds.low <= odds <= fit.odds.high
        found = rates.mantel_haenszel_ratio(a, b)
        ratio += found.low <= odds <= found.high
        weights = total_a * total_b / (total_a + total_b)
        found = rates.mantel_haenszel(a, b)
        pooled += found.low <= weights @ (chance - base) / weights.sum() <= found.high
    for hits in (pooled, regression, ratio):
        assert 0.92 <= hits / runs <= 1
    assert np.mean(spread) == pytest.approx(1, abs=0.15)


def test_effects_that_differ_between_countries_are_found_out():
    a, b = group([200, 700, 500, 500], [1000] * 4), group([700, 200, 500, 500], [1000] * 4)
    fit = rates.fixed_effects(a, b)
    assert fit.dispersion > 10 and fit.p_common < 1e-6


# ---- refusals


def test_what_is_no_share_is_refused():
    good, standard = group([1, 2, 3, 4], [10, 10, 10, 10]), pd.Series([1.0] * 4, strata)
    for bad, why in (
        (group([11, 2, 3, 4], [10] * 4), "share over 1"),
        (group([-1, 2, 3, 4], [10] * 4), "below 0"),
        (group([None, 2, 3, 4], [10] * 4), "hidden cell: Haiti"),
        (good.drop(columns="total"), "no column"),
        (good.iloc[:0], "no stratum"),
        (pd.concat([good, good.iloc[:1]]), "given twice"),
        (group([0, 2, 3, 4], [0, 10, 10, 10]), "Haiti weighs"),
        (good.rename(index={"Haiti": "Chile"}), "Chile, Haiti"),
    ):
        with pytest.raises(Refused, match=why):
            rates.standardised(bad, standard)
    with pytest.raises(Refused, match="allowed: wilson"):
        rates.standardised(good, standard, method="normal")
    with pytest.raises(Refused, match="level"):
        rates.standardised(good, standard, level=95)
    with pytest.raises(Refused, match="weights"):
        rates.standardised(good, standard * 0)
    with pytest.raises(Refused, match="a share over 1"):
        rates.standardised(group([9, 9, 9, 9], [10] * 4), standard, method="gamma")
    with pytest.raises(Refused, match="one group only"):
        rates.kitagawa(good, good.iloc[:3])
    empty = group([0, 2, 3, 4], [0, 10, 10, 10])
    with pytest.raises(Refused, match="no claim decided of Haiti"):
        rates.kitagawa(good, empty)
    with pytest.raises(Refused, match="no claim decided of Haiti"):
        rates.indirect(good, empty)
    with pytest.raises(Refused, match="at least 2"):
        rates.fixed_effects(group([0, 0, 0, 4], [10] * 4), group([0, 0, 0, 2], [10] * 4))
    with pytest.raises(Refused, match=r"converge|fitted"):
        rates.fixed_effects(group([0] * 4, [10] * 4), good)
    with pytest.raises(Refused, match="low end"):
        rates.hidden_bounds(
            pd.DataFrame({"accepted_low": [2], "accepted_high": [1], "other_low": [0], "other_high": [0]})
        )


def test_a_stratum_without_weight_may_be_empty():
    empty = group([0, 2, 3, 4], [0, 10, 10, 10])
    assert rates.standardised(empty, pd.Series([0, 1, 1, 1], strata)).rate == pytest.approx(0.3)

"""What if: people are neither made nor lost, the record's own cases come out, and what cannot be is refused."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roxham import tables
from roxham.models.estimate import Refused
from roxham.models.scenario import (
    DOORS,
    Assumptions,
    Range,
    Setting,
    arrivals_of,
    draw,
    flat,
    joined,
    scenario,
    sensitivity,
    totals,
)

MONTHS = pd.date_range("2017-01-01", "2024-12-01", freq="MS", name="month")
PLACES = np.array([[1, 0, 0], [0.58, 0.4, 0.02], [0.24, 0.58, 0.18], [0.51, 0.39, 0.1]])
SETTING = Setting(MONTHS, PLACES, 0.9, (9_915, 33_738))
BREAK = pd.Timestamp("2023-04-01")
RANGES = {
    "road": Range(0.01, 0.03),
    "airports": Range(0, 0.35),
    "inland": Range(0, 0.25),
    "ports": Range(0, 0.15),
    "unseen": Range(0, 0.2),
    "wait": Range(0, 0.4),
    "shock": Range(0.5, 2, "log-uniform"),
    "transfer": Range(0.18, 0.5),
    "cost": Range(9_915, 33_738, "triangular", 14_321),
}
quick = settings(max_examples=30, deadline=None, derandomize=True)
part = st.floats(0, 0.2)
some = st.builds(
    Assumptions,
    protocol=st.one_of(st.none(), st.sampled_from([f"{m:%Y-%m}" for m in MONTHS])),
    road=part,
    airports=part,
    inland=part,
    ports=part,
    unseen=part,
    wait=st.floats(0, 1),
    gap=st.one_of(st.none(), st.integers(0, 100)),
    shock=st.floats(0, 4),
    shock_from=st.one_of(st.none(), st.sampled_from([f"{m:%Y-%m}" for m in MONTHS])),
    transfer=st.floats(0, 1),
    cost=st.floats(9_915, 33_738),
)


@pytest.fixture(scope="module")
def seen():
    rows = tables.load("interceptions").query("province == 'Quebec'")
    return rows.set_index("month").people.astype(float).sort_index()


@pytest.fixture(scope="module")
def path(seen):
    return flat(seen, BREAK, without=[pd.Timestamp("2023-03-01")])


@given(some)
@quick
def test_everybody_who_comes_goes_through_one_door_or_stays_away(assumed):
    arrivals = np.linspace(50, 5_000, len(MONTHS))
    outcome = scenario(assumed, arrivals, SETTING)
    factor = np.where(pd.Timestamp(assumed.shock_from or "2099") <= MONTHS, assumed.shock, 1)
    assert np.allclose(outcome.doors.sum(axis=1), arrivals * factor)
    assert (outcome.doors >= -1e-9).all()
    assert np.isclose(outcome.claims.sum(), outcome.claimants)
    assert np.isclose(outcome.cost, outcome.claimants * assumed.cost)


@given(some, st.floats(0.1, 50))
@quick
def test_twice_the_arrivals_are_twice_of_everything(assumed, factor):
    arrivals = np.linspace(50, 5_000, len(MONTHS))
    one, more = (scenario(assumed, arrivals * k, SETTING) for k in (1, factor))
    assert np.allclose(more.people, one.people * factor) and np.allclose(more.claims, one.claims * factor)


@given(some)
@quick
def test_many_draws_at_once_are_as_one_by_one_and_as_their_sums(assumed):
    arrivals = np.outer([0.5, 1, 3], np.linspace(50, 5_000, len(MONTHS)))
    each = [scenario(assumed, row, SETTING) for row in arrivals]
    for outcome in (scenario(assumed, arrivals, SETTING), totals(assumed, arrivals, SETTING)):
        assert np.allclose(outcome.people, [e.people for e in each])
        assert np.allclose(outcome.claims, [e.claims for e in each])
        assert np.allclose(outcome.cost, [e.cost for e in each])


@given(some, st.integers(1, 30))
@quick
def test_nothing_depends_on_what_the_months_are_called(assumed, later):
    shift = pd.DateOffset(months=later)
    moved = replace(
        assumed,
        protocol=assumed.protocol and f"{pd.Timestamp(assumed.protocol) + shift:%Y-%m}",
        shock_from=assumed.shock_from and f"{pd.Timestamp(assumed.shock_from) + shift:%Y-%m}",
    )
    arrivals = np.linspace(50, 5_000, len(MONTHS))
    there = Setting(MONTHS + shift, PLACES, 0.9, (9_915, 33_738))
    assert np.array_equal(scenario(assumed, arrivals, SETTING).doors, scenario(moved, arrivals, there).doors)


def test_never_is_what_came_before_the_protocol(seen, path):
    outcome = scenario(Assumptions(protocol=None), arrivals_of(path, 0), SETTING)
    before = MONTHS < BREAK
    assert np.array_equal(outcome.doors[before, 0], seen[before])
    assert outcome.people[1:].sum() == 0


def test_a_year_earlier_moves_only_the_year(path):
    arrivals = arrivals_of(path, 0)
    earlier, came = (
        scenario(Assumptions(protocol=month), arrivals, SETTING) for month in ("2022-04", "2023-04")
    )
    changed = MONTHS[(earlier.doors != came.doors).any(axis=1)]
    assert (changed[0], changed[-1], len(changed)) == (
        pd.Timestamp("2022-04-01"),
        pd.Timestamp("2023-03-01"),
        12,
    )
    assert arrivals[MONTHS.isin(changed)].sum() == 45_637  # intercepted in Quebec in those months


def test_a_shut_gap_leaves_the_unseen_without_a_claim(path):
    arrivals = arrivals_of(path, 0)
    assumed = Assumptions(protocol="2023-04", unseen=0.2, wait=0.5)
    open_, some_, shut = (scenario(replace(assumed, gap=g), arrivals, SETTING) for g in (None, 6, 0))
    came = arrivals[MONTHS >= BREAK]
    assert np.isclose(open_.people[4], 0.1 * came.sum()) and np.isclose(shut.people[4], 0.2 * came.sum())
    assert np.isclose(some_.people[4], 0.1 * came[:6].sum() + 0.2 * came[6:].sum())


def test_the_budget_offices_own_total_comes_out():
    """$340 million for those of 2017–18: its average times the people intercepted (PBO, 29 November 2018)."""
    rows = tables.load("interceptions").query("'2017-04' <= month <= '2018-03'")
    arrivals = rows.groupby("month").people.sum().astype(float).sort_index()
    here = Setting(arrivals.index, PLACES, 0.9, (9_915, 33_738))
    cost = scenario(Assumptions(protocol=None, cost=14_321), arrivals, here).cost
    costs = tables.load("costs").set_index(["source_id", "item", "period_start"]).amount
    published = costs[
        "pbo-2018-11-29-costs", "Federal cost of irregular migration (PBO)", pd.Timestamp("2017-04-01")
    ]
    assert cost == pytest.approx(published, rel=0.001)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"airports": 1.2}, "airports is 1.2; allowed: a share from 0 to 1; nearest: 1"),
        ({"wait": -0.1}, "wait is -0.1; allowed: a share from 0 to 1; nearest: 0"),
        ({"unseen": float("nan")}, "unseen is nan; allowed: a share from 0 to 1; nearest: 0"),
        ({"airports": 0.6, "inland": 0.5}, "sum to 1.265; allowed: at most 1; nearest: airports 0.335"),
        ({"protocol": "2016-12"}, "protocol is 2016-12; allowed: 2017-01 to 2024-12; nearest: 2017-01"),
        ({"protocol": "2031-05"}, "nearest: 2024-12"),
        ({"protocol": "soon"}, "protocol is 'soon'; allowed: a month from 2017-01 to 2024-12, or None"),
        ({"shock_from": "2025-01"}, "shock_from is 2025-01"),
        ({"shock": -1}, "shock is -1; allowed: 0 or more; nearest: 0"),
        ({"gap": -3}, "gap is -3 months; allowed: a whole number from 0; nearest: 0"),
        ({"cost": 5_000}, "cost is 5,000; allowed: 9,915 to 33,738; nearest: 9,915"),
        ({"cost": 90_000}, "nearest: 33,738"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_the_nearest_that_can(change, message):
    with pytest.raises(Refused) as refused:
        scenario(replace(Assumptions(), **change), np.ones(len(MONTHS)), SETTING)
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_arrivals_that_cannot_be_are_refused():
    for arrivals in (np.ones(5), np.full(len(MONTHS), np.nan), -np.ones(len(MONTHS))):
        with pytest.raises(Refused, match="arrivals"):
            scenario(Assumptions(), arrivals, SETTING)
    with pytest.raises(Refused, match="places"):
        Setting(MONTHS, PLACES * 2, 0.9)


def test_ranges_that_cannot_be_are_refused(path):
    with pytest.raises(Refused, match=r"sum to 1.4; allowed: at most 1"):
        draw(Assumptions(), path, SETTING, {"airports": Range(0, 0.7), "inland": Range(0, 0.7)}, n=10)
    with pytest.raises(Refused, match="no range can be given for 'protocol'"):
        draw(Assumptions(), path, SETTING, {"protocol": Range(0, 1)}, n=10)
    for bad in (Range(1, 1), Range(0, 1, "log-uniform"), Range(0, 1, "triangular", 2), Range(0, 1, "square")):
        with pytest.raises(Refused):
            bad.distribution()


def test_the_baseline_is_what_was_seen_and_then_a_mean(seen, path):
    after = path.month >= BREAK
    assert path.expected[~after].tolist() == seen[~after.to_numpy()].tolist()
    assert path.expected[after].nunique() == 1
    assert path.expected.iloc[-1] == pytest.approx(seen["2022-03":"2023-02"].mean())
    assert np.array_equal(arrivals_of(path, 0), path.expected)
    bounds = arrivals_of(path, np.array([-1.959964, 1.959964]))
    assert np.allclose(bounds, path[["low", "high"]].to_numpy().T, atol=1e-2)
    assert (arrivals_of(path, np.array([-9.0])) >= 0).all()
    with pytest.raises(Refused, match="months of the baseline: 99; allowed: 2 to 75; nearest: 75"):
        flat(seen, BREAK, months=99)


def test_a_fitted_path_can_take_the_baselines_place(seen, path):
    fitted = path[path.month >= "2020-01-01"].assign(expected=2_000.0, low=1_000.0, high=4_000.0)
    base = joined(fitted, seen, BREAK)
    assert base.expected.iloc[-1] == 2_000 and base.expected.iloc[0] == seen.iloc[0]
    assert scenario(Assumptions(), arrivals_of(base, 0), SETTING).people.sum() > 0
    with pytest.raises(Refused, match="the path has no expected for 2024-12"):
        joined(fitted.iloc[:-1], seen, BREAK)


def test_ten_thousand_draws_take_less_than_five_seconds_and_come_out_alike(path):
    started = time.perf_counter()
    one = draw(Assumptions(shock_from="2023-05"), path, SETTING, RANGES)
    assert time.perf_counter() - started < 5
    again = draw(Assumptions(shock_from="2023-05"), path, SETTING, RANGES)
    pd.testing.assert_frame_equal(one, again)
    assert len(one) == 10_000 and not one.isna().any().any()
    for name, given_ in RANGES.items():
        assert one[name].between(given_.low, given_.high).all()
    row = one.iloc[7]
    assumed = replace(Assumptions(shock_from="2023-05"), **{name: row[name] for name in RANGES})
    outcome = scenario(assumed, arrivals_of(path, row.baseline), SETTING)
    assert np.allclose(row[[f"at {d}" for d in DOORS]].astype(float), outcome.people)
    assert row.dollars == pytest.approx(float(outcome.cost))


def test_paired_draws_differ_only_by_the_scenario(path):
    ranges = {name: r for name, r in RANGES.items() if name != "shock"}
    earlier, came = (
        draw(Assumptions(protocol=m), path, SETTING, ranges, n=500) for m in ("2022-04", "2023-04")
    )
    gone = came["at road"] - earlier["at road"]
    assert np.allclose(gone, 45_637 * (1 - came.road))


def test_the_indices_of_a_sum_are_those_of_its_variances(path):
    """Uniform shares a and b: claimants are linear in them, so each has its variance's part, and no more in total."""
    sure = path.assign(low=path.expected, high=path.expected)
    ranges = {"airports": Range(0, 0.35), "inland": Range(0, 0.25), "transfer": Range(0, 0.5)}
    table = sensitivity(Assumptions(), sure, SETTING, ranges, ["claimants"], n=2**11).set_index("input")
    exact = 0.35**2 / (0.35**2 + 0.25**2)
    assert table["first"]["airports"] == pytest.approx(exact, abs=0.03)
    assert table.total["airports"] == pytest.approx(exact, abs=0.03)
    assert table.total["inland"] == pytest.approx(1 - exact, abs=0.03)
    assert table.total["transfer"] == table.total["baseline"] == pytest.approx(0, abs=1e-9)
    assert (table.total_low <= table.total + 1e-9).all() and not table.isna().any().any()


def test_what_does_not_vary_has_no_indices(path):
    assumed = Assumptions(shock_from="2023-05")
    with pytest.raises(Refused, match="the same whatever is assumed"):
        sensitivity(assumed, path, SETTING, RANGES, ["claimants"], against=assumed, n=2**6)

"""The bounds hold everything that the assumptions allow, and nothing else; they only ever narrow."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from roxham.models import bounds
from roxham.models.bounds import Interval
from roxham.models.estimate import Refused

few = settings(max_examples=40, deadline=None, derandomize=True)
numbers = st.floats(-1e4, 1e4).map(lambda x: round(x, 3))
intervals = st.tuples(numbers, numbers).map(lambda p: Interval(min(p), max(p)))
within = st.floats(0, 1)
counts = st.integers(1, 5000)


def at(interval: Interval, part: float) -> float:
    return interval.low + part * interval.width


@st.composite
def some_doors(draw):
    rows = {}
    for name, kind in (("Airports", "Airport"), ("Inland offices", "Inland"), ("Land ports", "Border")):
        before, after = draw(counts), draw(counts)
        rows[name] = (kind, bounds.rounded(5 * before), bounds.rounded(5 * (before + after)))
    return bounds.doors(rows)


def far_doors():
    return bounds.doors(
        {"BC air": ("Airport", 100, 250), "AB air": ("Airport", 100, 330), "BC in": ("Inland", 200, 500)}
    )


def some_assumptions():
    seen = pd.DataFrame(
        {"share_low": [0.3, 0.1], "share_high": [0.4, 0.2], "before_low": [900, 400], "after_low": [0, 0]},
        index=["Haiti", "Türkiye"],
    ).assign(before_high=lambda f: f.before_low, after_high=[600.0, 500.0])
    return [
        bounds.unharmed(),
        bounds.only_seen(seen),
        bounds.not_shrinking(),
        bounds.only_risen(seen, 2000),
        bounds.trend({"Airport": Interval(1.1, 1.2)}),
        bounds.parallel(far_doors()),
        bounds.later_claims(Interval(10, 20), "Inland offices"),
        bounds.all_of_rise("Land ports"),
    ]


# ---- intervals


@few
@given(intervals, intervals, within, within)
def test_an_operation_holds_every_result_of_its_operands(a, b, p, q):
    x, y = at(a, p), at(b, q)
    tolerance = Interval(-1e-6, 1e-6)
    assert x + y in a + b + tolerance
    assert x - y in a - b + tolerance
    assert x * y in a * b + tolerance * 10
    assert x in (a | b) + tolerance
    if 0 in b:
        with pytest.raises(Refused, match="may be zero"):
            a / b
    else:
        assert x / y in a / b + tolerance * (1 + abs(x / y))


def test_an_interval_that_is_none_is_refused():
    for low, high in ((2, 1), (math.nan, 1), (0, math.nan)):
        with pytest.raises(Refused):
            Interval(low, high)
    with pytest.raises(Refused, match="nothing is both"):
        Interval(0, 1) & Interval(2, 3)


def test_rounded_and_suppressed_counts_stand_for_what_the_record_says():
    assert bounds.rounded(15) == Interval(13, 17)
    assert bounds.rounded(0) == Interval(0, 0)  # a printed 0 is a true zero
    assert bounds.rounded(40, base=10) == Interval(35, 45)
    assert bounds.counted([15, None, 0, pd.NA]) == Interval(13, 27)
    assert bounds.counted([7, 8], base=1) == Interval(15, 15)
    assert bounds.hidden(math.inf).high == math.inf
    with pytest.raises(Refused, match="negative"):
        bounds.counted([-5])


def test_a_sum_of_rounded_cells_has_the_bounds_that_the_record_gives_it():
    from roxham import tables

    cells = tables.load("claimants").query("province == 'Manitoba' and office == 'Inland'")
    total = tables.total(cells, "claimants")
    assert bounds.counted(cells.claimants) == Interval(total.low, total.high)


@few
@given(st.lists(st.integers(0, 400), min_size=1, max_size=12), st.booleans())
def test_true_counts_lie_within_what_is_printed_of_them(true, suppress):
    printed = [
        None if suppress and 0 < n <= 5 else 5 * ((n + 2) // 5) if n > 2 or n == 0 else None for n in true
    ]
    assert sum(true) in bounds.counted(printed)


def test_worst_case_bounds_of_an_effect_by_interval_arithmetic():
    # Manski (1990). Example with its published result, (-0.9, 0.1): I. Gabr, Manski_Bounds.ipynb
    # (github.com/igabr/Blog_Post_Notebooks): half of 1,000 children had school breakfasts; 0.1 of them were
    # malnourished, and 0.9 of the others.
    treated, any_outcome = 0.5, Interval(0, 1)
    with_breakfast = treated * bounds.interval(0.1) + (1 - treated) * any_outcome
    without = (1 - treated) * bounds.interval(0.9) + treated * any_outcome
    effect = with_breakfast - without
    assert (effect.low, effect.high) == pytest.approx((-0.9, 0.1))


# ---- windows


def monthly(values, suppressed=()):
    months = pd.date_range("2022-04-01", periods=len(values), freq="MS")
    cells = [None if i in suppressed else v for i, v in enumerate(values)]
    return pd.DataFrame({"month": months, "place": "Ontario", "claimants": pd.array(cells, dtype="Int64")})


def test_windows_of_unequal_length_are_put_on_one():
    months = pd.to_datetime(["2022-04-01", "2022-05-01", "2022-06-01", "2022-09-01"])
    found = bounds.windows(
        monthly([10, 20, 30, 40, 50, 60], {3}), "place", tuple(months[:2]), tuple(months[2:])
    )
    assert found.loc["Ontario"].tolist() == [2 * 26, 2 * 34, 28 + 0 + 48 + 58, 32 + 5 + 52 + 62]
    assert found.equals(
        bounds.windows(
            monthly([10, 20, 30, 40, 50, 60], {3}).sample(frac=1, random_state=1),
            "place",
            tuple(months[:2]),
            tuple(months[2:]),
        )
    )
    with pytest.raises(Refused, match="outside the data: 1"):
        bounds.windows(monthly([10, 20]), "place", tuple(months[:2]), tuple(months[1:3]))
    gap = pd.concat([monthly([10] * 6), monthly([5] * 5).assign(place="Quebec")])
    with pytest.raises(Refused, match="Quebec has 3 of the 4 months"):
        bounds.windows(gap, "place", tuple(months[:2]), tuple(months[2:]))


# ---- deflection


def test_the_worst_case_runs_from_nothing_to_all():
    found = bounds.deflection(1000, bounds.doors({"Airports": ("Airport", 100, 5000)})).iloc[0]
    assert (found.low, found.high) == (0, 1)
    assert "upper bound is uninformative" in found.status and "lower bound is uninformative" in found.status


def test_a_rise_smaller_than_the_fall_bounds_the_share():
    doors = bounds.doors({"Airports": ("Airport", 100, 400)})
    found = bounds.deflection(1000, doors, [bounds.unharmed(), bounds.not_shrinking()]).set_index(
        ["mode", "assumption"]
    )
    assert found.high["none", "Worst case"] == 0.4
    assert found.high["alone", "No door would have shrunk"] == pytest.approx(0.3)
    assert "upper" not in found.status["alone", "No door would have shrunk"]


@few
@given(some_doors(), st.integers(2000, 40000), st.floats(1, 1.5))
def test_bounds_stay_shares_and_no_assumption_widens_them(doors, fall, stretch):
    found = bounds.deflection(Interval(fall, fall * stretch), doors, some_assumptions())
    known = found.dropna(subset=["low"])
    assert known[["low", "high"]].stack().between(0, 1).all() and (known.low <= known.high).all()
    assert (known.narrowed >= -1e-9).all()
    assert found[found.low.isna()].status.str.startswith("contradicted").all()


@few
@given(some_doors(), st.integers(2000, 40000), st.integers(2, 50))
def test_people_counted_in_other_units_give_the_same_shares(doors, fall, units):
    seen = [bounds.unharmed(), bounds.not_shrinking(), bounds.parallel(far_doors())]
    scaled = doors.assign(**{end: doors[end] * units for end in bounds.ENDS})
    once, again = bounds.deflection(fall, doors, seen), bounds.deflection(fall * units, scaled, seen)
    pd.testing.assert_frame_equal(once[["low", "high"]], again[["low", "high"]])
    shuffled = bounds.deflection(fall, doors.iloc[::-1], seen)
    pd.testing.assert_frame_equal(once[["low", "high"]], shuffled[["low", "high"]])


@few
@given(
    some_doors(), st.integers(2000, 40000), st.floats(0.05, 0.5), st.floats(0.05, 0.4), st.integers(0, 4000)
)
def test_linear_programming_finds_the_same_bounds(doors, fall, first, second, cap):
    # scipy's HiGHS, given the doors and the citizenships as variables, must reach the same ends.
    seen = pd.DataFrame(
        {"share_low": [first, second], "share_high": [first + 0.05, second + 0.1], "after_low": 0.0},
        index=["A", "B"],
    ).assign(after_high=[cap, cap / 2])
    held = [
        bounds.unharmed(),
        bounds.not_shrinking(),
        bounds.only_seen(seen),
        bounds.later_claims(7, "Inland offices"),
    ]
    found = bounds.deflection(fall, doors, held).iloc[-1]
    rise = (doors.after_high - doors.before_low).to_numpy()
    # D of three doors; deflected of A, B and the rest; the shares of A and B
    equal = [[1, 1, 1, -1, -1, -1, 0, 0]]
    below = [[0, 0, 0, 1, 0, 0, -fall, 0], [0, 0, 0, 0, 1, 0, 0, -fall], [0, 0, 0, 0, 0, 1, fall, fall]]
    ends = [(0, r) for r in rise] + [(0, c) for c in seen.after_high] + [(0, None)]
    ends += list(zip(seen.share_low, seen.share_high, strict=True))
    ends[1] = (7, rise[1])
    goal = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    for end, sign in (("low", 1), ("high", -1)):
        best = linprog(sign * goal, A_ub=below, b_ub=[0, 0, fall], A_eq=equal, b_eq=[0], bounds=ends)
        assert best.status == 0
        assert found[end] == pytest.approx(goal @ best.x / fall, abs=1e-6)


@few
@given(st.floats(0, 0.5), st.floats(0, 0.4), counts, counts, counts, st.integers(100, 9000))
def test_the_cap_of_a_citizenship_is_the_most_over_its_shares(low, more, before, after, road, fall):
    seen = pd.DataFrame({"share_low": [low], "share_high": [low + more], "after_high": [float(after)]})
    most = bounds._most(seen, fall, float(before), float(road))
    shares = np.linspace(low, low + more, 4001)
    rise = np.maximum(0, after - np.maximum(0, before - shares * road))
    assert most == pytest.approx((fall - shares * fall + np.minimum(shares * fall, rise)).max(), rel=1e-3)
    assert most <= fall


def test_far_doors_that_grew_as_the_near_ones_leave_nothing_to_deflect():
    doors = bounds.doors({"Airports": ("Airport", 1000, 2500), "Inland offices": ("Inland", 1000, 2500)})
    far = bounds.doors({"a": ("Airport", 100, 250), "b": ("Inland", 200, 500)})
    held = [bounds.unharmed(), bounds.parallel(far)]
    found = bounds.deflection(3000, doors, held).iloc[-1]
    assert (found.low, found.high) == (0, 0)
    spread = pd.concat([far, bounds.doors({"c": ("Inland", 100, 150)})])
    found = bounds.deflection(3000, doors, [bounds.unharmed(), bounds.parallel(spread)]).iloc[-1]
    assert (found.low, found.high) == (0, pytest.approx(1000 / 3000))


def test_what_is_contradicted_is_said_and_left_out():
    doors = bounds.doors({"Airports": ("Airport", 1000, 1500), "Inland offices": ("Inland", 1000, 1500)})
    held = [bounds.unharmed(), bounds.trend({"Airport": Interval(2, 2)}), bounds.not_shrinking()]
    found = bounds.deflection(4000, doors, held)
    broken = found[found.assumption.str.startswith("The trend")]
    assert broken.low.isna().all() and broken.status.str.contains("Airports can have taken").all()
    assert found.iloc[-1].high == pytest.approx(1000 / 4000)
    with pytest.raises(Refused, match="contradicted"):
        bounds.carried(4000, doors, held)
    too_many = [bounds.unharmed(), bounds.not_shrinking(), bounds.later_claims(900, "Airports")]
    assert bounds.deflection(4000, doors, too_many).iloc[-1].status.startswith("contradicted")


def test_the_parts_of_the_narrowing_add_up_and_the_strongest_comes_first():
    doors = bounds.doors(
        {
            "Airports": ("Airport", 1000, 2600),
            "Inland offices": ("Inland", 1000, 2700),
            "Land ports": ("Border", 9, 80),
        }
    )
    held = [a for a in some_assumptions() if not a.name.startswith("Citizenship caps on")]
    carried = bounds.carried(4000, doors, held)
    found = bounds.deflection(4000, doors, held)
    whole = (found.high - found.low).iloc[0] - (found.high - found.low).iloc[-1]
    assert carried.share.sum() == pytest.approx(whole)
    assert carried.share.is_monotonic_decreasing
    assert bounds.UNHARMED not in set(carried.assumption)
    orders = [
        bounds.carried(4000, doors, [held[0], *p]).set_index("assumption").share
        for p in itertools.islice(itertools.permutations(held[1:]), 3)
    ]
    assert all(o.sort_index().round(9).equals(orders[0].sort_index().round(9)) for o in orders)


def test_every_assumption_says_what_it_is():
    for one in some_assumptions():
        assert all(text.endswith(".") for text in (one.says, one.because, one.unless))
        assert one.moves in ("upper end", "lower end", "both ends", "neither alone")


def test_what_cannot_be_bounded_is_refused():
    doors = bounds.doors({"Airports": ("Airport", 100, 400)})
    for fall in (0, -5, Interval(-1, 5), math.inf):
        with pytest.raises(Refused, match="the fall is"):
            bounds.deflection(fall, doors)
    with pytest.raises(Refused, match="rests on"):
        bounds.deflection(100, doors, [bounds.not_shrinking()])
    with pytest.raises(Refused, match="given twice"):
        bounds.deflection(100, doors, [bounds.unharmed(), bounds.unharmed()])
    with pytest.raises(Refused, match="no column"):
        bounds.deflection(100, doors.drop(columns="kind"))
    with pytest.raises(Refused, match="no door"):
        bounds.deflection(100, doors.iloc[:0])
    with pytest.raises(Refused, match="no door 'Lacolle'"):
        bounds.deflection(100, doors, [bounds.unharmed(), bounds.all_of_rise("Lacolle")])
    shares = pd.DataFrame(
        {"share_low": [0.7, 0.6], "share_high": [0.8, 0.7], "after_high": [1, 1]}, index=["A", "B"]
    )
    with pytest.raises(Refused, match="add up"):
        bounds.only_seen(shares)
    with pytest.raises(Refused, match="allowed: 0 to 1"):
        bounds.only_seen(shares.assign(share_high=1.2))
    with pytest.raises(Refused, match="may be zero"):
        bounds.parallel(bounds.doors({"a": ("Airport", Interval(0, 5), 40)}))
